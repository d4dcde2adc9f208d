"""What the price endpoints answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Currency, Empty, Id, Minor, Name, Says, Sku, Time, says


class Price(Answer):
    """What an article costs; without any price the amounts are null."""

    sku: Sku
    channel: Name | None
    amount_minor: Minor | None = Field(description="Gross.")
    currency: Currency | None
    net_minor: Minor | None = Field(examples=[3567])
    vat_rate: int | None = Field(description="Hundredths of a per cent: 1900 is 19 %.", examples=[1900])
    source: Literal["base", "channel", "rule"] | None
    base_minor: Minor | None
    min_price_minor: Empty[Minor]
    below_minimum: bool
    lowest_30_days_minor: Minor | None = Field(
        description="The lowest that the channel showed in the 30 days before this price was applied there."
    )


class Prices(Answer):
    """What articles cost at that moment."""

    at: Time
    items: list[Price]


class PriceId(Answer):
    """The name of a price or rule that stands now."""

    id: Id


class PricesSet(Answer):
    """The prices that stand now, in the order in which they were sent."""

    prices: list[PriceId]


SAYS: dict[str, Says] = {
    "listPrices": says(Prices, "unauthorized", "invalid-request", "try-later"),
    "setPrices": says(PricesSet, *problems.TOLD),
}
