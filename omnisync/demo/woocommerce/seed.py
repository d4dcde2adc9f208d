"""What a simulated shop starts with; the file given as `--seed`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedListing(_Part):
    """An article: a simple product, or with `of` a variation of the variable product of that name."""

    sku: str
    title: str = ""
    of: str | None = None
    price_minor: int = Field(default=0, ge=0)
    quantity: int = 0
    barcode: str = ""


class SeedWebhook(_Part):
    """Where events go, and what they are signed with."""

    url: str
    secret: str


class Seed(_Part):
    """The shop."""

    consumer_key: str
    consumer_secret: str
    currency: str = "EUR"
    listings: list[SeedListing]
    pickup_locations: list[str] = []
    webhook: SeedWebhook | None = None
