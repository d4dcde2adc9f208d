"""What a simulated account begins with, as a JSON file tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listed(_Part):
    """One listing of the seed."""

    sku: Annotated[str, Field(min_length=1, max_length=40)]
    price: str = "10.00"
    quantity: Annotated[int, Field(ge=0)] = 0
    quantities: dict[str, Annotated[int, Field(ge=0)]] = {}
    """By place, as channels with locations have it; Amazon shows their sum."""
    title: str = ""
    barcode: str = ""
    by_amazon: bool = False
    """Sent from Amazon's own warehouses."""
    handling_days: int = 2

    @property
    def pieces(self) -> int:
        return self.quantity + sum(self.quantities.values())


class Seed(_Part):
    """The account, the application that may act for it, and the queue it tells of changes."""

    listings: list[Listed] = []
    client_id: str = "amzn1.application-oa2-client.demo"
    client_secret: str = "demo-client-secret"  # noqa: S105  the simulation's own
    refresh_token: str = "Atzr|demo-refresh-token"  # noqa: S105  the simulation's own
    seller_id: str = "A3DEMOSELLER"
    marketplace_id: str = "A1PA6795UKMFR9"
    currency: str = "EUR"
    queue: str = "/123456789012/omnisync"
    """The path of the queue's address."""
    queue_region: str = "eu-central-1"
    aws_key_id: str = "AKIDEMO"
    aws_secret: str = "demo-aws-secret"  # noqa: S105  the simulation's own
    subscribed: bool = True
    """Whether its topics lead to the queue from the start."""
    apply_seconds: float = 0.0
    """So long after a patch was accepted its numbers show."""
    feed_seconds: float = 30.0
    """So long a feed takes."""
    throttled: bool = True
    """Whether calls beyond the usage plans are refused."""
