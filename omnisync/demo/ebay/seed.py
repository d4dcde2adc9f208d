"""What a simulated account begins with, as a JSON file tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from omnisync.demo.ebay.shop import Offer
from omnisync.values import Money


class Listed(BaseModel):
    """One listing of the seed."""

    model_config = ConfigDict(extra="forbid")

    sku: Annotated[str, Field(min_length=1, max_length=50)]
    price: str
    currency: str = "EUR"
    quantity: Annotated[int, Field(ge=0)] = 0
    quantities: dict[str, Annotated[int, Field(ge=0)]] = {}
    """By place, as channels with locations have it; eBay shows their sum."""
    title: str = ""
    barcode: str = ""
    place: str = "ebay-warehouse"

    @property
    def pieces(self) -> int:
        return self.quantity + sum(self.quantities.values())


class Webhooks(BaseModel):
    """Where notifications go from the start."""

    model_config = ConfigDict(extra="forbid")

    url: str
    verification_token: str
    topics: list[str] = ["ORDER_CONFIRMATION"]


class Seed(BaseModel):
    """What the simulated account begins with."""

    model_config = ConfigDict(extra="forbid")

    listings: list[Listed] = []
    webhook: Webhooks | None = None
    client_id: str = "demo-client"
    client_secret: str = "demo-client-secret"  # noqa: S105  the simulation's own
    refresh_token: str = "demo-refresh-token"  # noqa: S105  the simulation's own
    daily_calls: dict[str, int] = {}
    """Calls a day by API, "inventory" or "fulfillment", where they are not eBay's usual ones."""

    def offers(self) -> list[Offer]:
        """The account's offers, numbered beyond 2^53 as eBay's ids may be."""
        return [
            Offer(
                sku=one.sku,
                offer_id=f"{90_071_992_547_400_000 + number}",
                listing_id=f"{110_000_000_000 + number}",
                title=one.title or one.sku,
                price=Money.parse(one.price, one.currency),
                home_quantity=one.pieces,
                own_quantity=one.pieces,
                barcode=one.barcode,
                place=one.place,
            )
            for number, one in enumerate(self.listings)
        ]
