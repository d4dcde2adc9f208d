"""What an Amazon account needs to be told in `[channels.settings]`, and Amazon's marketplaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from omnisync.adapters.keys import Whole


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One of Amazon's stores."""

    id: str
    region: Literal["eu", "na", "fe"]
    currency: str


MARKETPLACES = {
    "AE": Marketplace("A2VIGQ35RCS4UG", "eu", "AED"),
    "BE": Marketplace("AMEN7PMS3EDWL", "eu", "EUR"),
    "DE": Marketplace("A1PA6795UKMFR9", "eu", "EUR"),
    "EG": Marketplace("ARBP9OOSHTCHU", "eu", "EGP"),
    "ES": Marketplace("A1RKKUPIHCS9HS", "eu", "EUR"),
    "FR": Marketplace("A13V1IB3VIYZZH", "eu", "EUR"),
    "GB": Marketplace("A1F83G8C2ARO7P", "eu", "GBP"),
    "IE": Marketplace("A28R8C7NBKEWEA", "eu", "EUR"),
    "IN": Marketplace("A21TJRUUN4KGV", "eu", "INR"),
    "IT": Marketplace("APJ6JRA9NG5V4", "eu", "EUR"),
    "NL": Marketplace("A1805IZSGTT6HS", "eu", "EUR"),
    "PL": Marketplace("A1C3SOZRARQ6R3", "eu", "PLN"),
    "SA": Marketplace("A17E79C6D8DWNP", "eu", "SAR"),
    "SE": Marketplace("A2NODRKZP88ZB9", "eu", "SEK"),
    "TR": Marketplace("A33AVAJ2PDY3EV", "eu", "TRY"),
    "ZA": Marketplace("AE08WJ6YKNBMC", "eu", "ZAR"),
    "BR": Marketplace("A2Q3Y263D00KWC", "na", "BRL"),
    "CA": Marketplace("A2EUQ1WTGCTBG2", "na", "CAD"),
    "MX": Marketplace("A1AM78C64UM0Y8", "na", "MXN"),
    "US": Marketplace("ATVPDKIKX0DER", "na", "USD"),
    "AU": Marketplace("A39IBJ37TRP1C6", "fe", "AUD"),
    "JP": Marketplace("A1VC38T7YXB528", "fe", "JPY"),
    "SG": Marketplace("A19VAU5U5O7RUS", "fe", "SGD"),
}
ENDPOINT = "https://sellingpartnerapi-{region}.amazon.com"
_QUEUE = re.compile(r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/\d{12}/[\w.-]+")


def _known(code: str) -> str:
    if code not in MARKETPLACES:
        raise ValueError(f"the marketplaces are {', '.join(sorted(MARKETPLACES))}")
    return code


Country = Annotated[str, AfterValidator(_known)]


class Account(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "amazon"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    refresh_token: SecretStr = Field(min_length=1)
    seller_id: str = Field(min_length=1)
    marketplace: Country = "DE"
    """Whose listings and prices are read and written."""
    orders_also_from: tuple[Country, ...] = ()
    """Further marketplaces of the same region that sell the same pieces: their orders count too."""
    warehouse: Literal["own", "amazon"] = "own"
    """`amazon`: this channel only tells what lies in Amazon's own warehouses."""
    queue_url: str | None = Field(default=None, pattern=r"^https?://[^/]+/[^/]+/[^/]+$")
    """The SQS queue that Amazon sends notifications to. Without it orders are polled alone."""
    queue_region: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    """Only where the queue's address does not name it."""
    aws_key_id: str | None = None
    aws_secret: SecretStr | None = None
    base_url: str = Field(default="", pattern=r"^(https?://[^/]+/?)?$")
    token_url: str = Field(default="https://api.amazon.com/auth/o2/token", pattern=r"^https?://[^/]+/")
    first_days: Whole = Field(default=30, ge=1, le=700)
    page_size: Whole = Field(default=100, ge=1, le=100)
    """Orders in one page."""
    bulk_from: Whole = Field(default=50, ge=2)
    """So many numbers that are not urgent go in one feed."""
    timeout_seconds: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Account:
        regions = {MARKETPLACES[code].region for code in (self.marketplace, *self.orders_also_from)}
        if len(regions) > 1:
            raise ValueError("orders_also_from names a marketplace of another region: make it a channel of its own")
        if self.queue_url and not (self.aws_key_id and self.aws_secret):
            raise ValueError("queue_url needs aws_key_id and aws_secret")
        if self.queue_url and not (self.queue_region or _QUEUE.fullmatch(self.queue_url)):
            raise ValueError("queue_url does not name its region: set queue_region")
        return self

    @property
    def store(self) -> Marketplace:
        return MARKETPLACES[self.marketplace]

    @property
    def store_ids(self) -> tuple[str, ...]:
        """All marketplaces whose orders count."""
        return tuple(dict.fromkeys(MARKETPLACES[code].id for code in (self.marketplace, *self.orders_also_from)))

    @property
    def endpoint(self) -> str:
        return self.base_url.rstrip("/") or ENDPOINT.format(region=self.store.region)

    @property
    def region_of_queue(self) -> str:
        found = _QUEUE.fullmatch(self.queue_url or "")
        return self.queue_region or (found["region"] if found else "")

    @property
    def queue_arn(self) -> str:
        """How Amazon names the queue as a destination."""
        _, account, queue = urlsplit(self.queue_url or "//").path.split("/")
        return f"arn:aws:sqs:{self.region_of_queue}:{account}:{queue}"
