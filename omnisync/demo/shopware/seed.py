"""What a simulated shop starts with; the file given as `--seed`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedListing(_Part):
    """An article: a product, or with `of` a variant of the product of that name."""

    sku: str
    title: str = ""
    of: str | None = None
    price_minor: int = Field(default=0, ge=0)
    quantity: int = 0
    barcode: str = ""


class SeedApp(_Part):
    """The shopkeeper's app: where events go, and the secret in its manifest."""

    url: str
    secret: str
    name: str = "Omnisync"


class Seed(_Part):
    """The shop."""

    client_id: str
    client_secret: str
    currency: str = "EUR"
    listings: list[SeedListing]
    pickup_methods: list[str] = []
    app: SeedApp | None = None
