"""What a simulated shop starts with; the file given as `--seed`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from omnisync.clock import Clock
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Subscription
from omnisync.demo.shopify.webhooks import BODIES
from omnisync.values import Money


def _numbered(place: str) -> str:
    if not place.rsplit("/", 1)[-1].isdecimal():
        raise ValueError("a Shopify location is gid://shopify/Location/1, or its number")
    return place


Place = Annotated[str, AfterValidator(_numbered)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeedLocation(_Part):
    """A location of the shop."""

    id: Place
    name: str = ""


class SeedListing(_Part):
    """A product of one variant, and how many pieces each location starts with."""

    sku: str
    title: str = ""
    price: str = ""
    price_minor: int | None = Field(default=None, ge=0)
    """Instead of `price`."""
    currency: str = "EUR"
    barcode: str | None = None
    quantities: dict[Place, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    tracked: bool = True

    @model_validator(mode="after")
    def has_a_price(self) -> SeedListing:
        """A ValueError when it has none that can be read."""
        self.money()
        return self

    def money(self) -> Money:
        if self.price_minor is not None:
            return Money(self.price_minor, self.currency)
        return Money.parse(self.price, self.currency)


class SeedWebhook(_Part):
    """Where all topics go from the start, and the app's secret that signs them."""

    url: str = ""
    secret: str = ""


class Seed(_Part):
    """The shop."""

    access_token: str
    shop: str = "demo.myshopify.com"
    currency: str = "EUR"
    points_per_second: float = Field(default=100.0, gt=0)
    """Cost points by plan: 100, 200, 1000 or 2000."""
    locations: list[SeedLocation] = Field(default_factory=list)
    """Those that only listings name are added."""
    listings: list[SeedListing] = Field(default_factory=list)
    webhook: SeedWebhook = SeedWebhook()

    def open(self, clock: Clock) -> Shop:
        """The shop as it is on its first day."""
        shop = Shop(clock, name=self.shop, currency=self.currency)
        for place in sorted({place for listing in self.listings for place in listing.quantities}):
            shop.add_location(_number(place), f"Filiale {_number(place)}")
        for one in self.locations:
            shop.add_location(_number(one.id), one.name or f"Filiale {_number(one.id)}")
        for listing in self.listings:
            self._add(shop, listing)
        if self.webhook.url:
            subscribe(shop, self.webhook.url)
        return shop

    @staticmethod
    def _add(shop: Shop, listing: SeedListing) -> None:
        shop.add_variant(
            listing.sku,
            listing.money(),
            {_number(place): quantity for place, quantity in listing.quantities.items()},
            title=listing.title,
            barcode=listing.barcode or "",
            tracked=listing.tracked,
        )


def read(text: str | bytes) -> Seed:
    """From JSON. ValueError names what is wrong with it."""
    return Seed.model_validate_json(text)


def of(data: dict[str, Any]) -> Seed:
    """From what JSON would give."""
    return Seed.model_validate(data)


def subscribe(shop: Shop, url: str) -> None:
    """All topics to one address."""
    for topic in BODIES:
        one = Subscription(shop.next_id(), topic, url, shop.now())
        shop.subscriptions[one.id] = one


def _number(place: str) -> int:
    return int(place.rsplit("/", 1)[-1])
