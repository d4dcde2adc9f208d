"""What a simulated Square account starts with; the file given as `--seed`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedLocation(_Part):
    """A store of the account."""

    id: str
    name: str = ""


class SeedListing(_Part):
    """An article with one variation, and how many pieces each location starts with."""

    sku: str
    title: str = ""
    variation: str = "Regular"
    price_minor: int = Field(ge=0)
    currency: str = "EUR"
    barcode: str | None = None
    quantities: dict[str, int] = Field(default_factory=dict)
    tracked: bool = True


class SeedWebhook(_Part):
    """Where events go, and the signature key of that subscription."""

    url: str
    secret: str


class Seed(_Part):
    """The account."""

    access_token: str
    merchant_id: str = "MERCHANT0OMNISYNC"
    locations: list[SeedLocation]
    listings: list[SeedListing]
    webhook: SeedWebhook | None = None
