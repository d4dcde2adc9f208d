"""The simulated WooCommerce shop on the torture kit's stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Hook
from omnisync.demo.outbox import Kept
from omnisync.demo.woocommerce.app import build
from omnisync.demo.woocommerce.seed import Seed
from omnisync.demo.woocommerce.shop import Shop
from omnisync.demo.woocommerce.things import Order
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

KEY, SECRET = "ck_torture_4711", "cs_torture_0815"
SECRET_OF_HOOKS = "a-long-random-text-of-the-torture-kit"  # noqa: S105  the simulation's own


STORE = "Filiale Lindenstraße"


class Woo(Simulated):
    """A shop whose lamps are variations, some of them, and some products."""

    places: Mapping[str, str] = {STORE: LOCATION}
    secrets: Sequence[str] = (KEY, SECRET, SECRET_OF_HOOKS)
    reasons: Mapping[str, str] = {
        "expire": "a REST key of WooCommerce does not end",
        "elsewhere": "a shop does not say who sends an order",
    }

    def __init__(self, ground: Ground) -> None:
        listings = [
            {"sku": one.sku, "title": one.title, "price_minor": one.price.minor, "barcode": one.barcode,
             "quantity": one.pieces, "of": "Lampe" if number % 2 else None}
            for number, one in enumerate(ground.goods)
        ]  # fmt: skip
        seed = Seed.model_validate(
            {"consumer_key": KEY, "consumer_secret": SECRET, "listings": listings, "pickup_locations": [STORE],
             "webhook": {"url": ground.hook_url, "secret": SECRET_OF_HOOKS}}
        )  # fmt: skip
        self._sent = Kept()
        self.shop = Shop(seed, ground.tools.clock, put=self._sent.put)
        self.transport = asgi(build(self.shop))
        self.settings: Mapping[str, Any] = {
            "base_url": "https://woo.test", "consumer_key": KEY, "consumer_secret": SECRET,
            "webhook_secret": SECRET_OF_HOOKS, "page_size": 2,
        }  # fmt: skip

    def hooks(self) -> list[Hook]:
        return self._sent.take()

    def shown(self, sku: str) -> int:
        return self.shop.shown(sku)[None]

    def price(self, sku: str) -> Money:
        return Money.parse(self.shop.by_sku(sku).regular_price, "EUR")

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if elsewhere:
            raise self.no("elsewhere")
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], wrapped=wrapped)
        return Bought(str(order.id), frozenset({str(order.id)}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], pickup=STORE)
        return Bought(str(order.id), frozenset({str(order.id)}))

    def owe(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], status="on-hold")
        return Bought(str(order.id), frozenset({str(order.id)}))

    def pay(self, bought: Bought) -> None:
        self.shop.set_status(self._order(bought), "processing")

    def fetched(self, bought: Bought) -> Fetched:
        words: Mapping[str, Fetched] = {"completed": "collected", "cancelled": "over"}
        return words.get(self._order(bought).status, "open")

    def ship(self, bought: Bought) -> None:
        self.shop.set_status(self._order(bought), "completed")

    def cancel(self, bought: Bought) -> None:
        self.shop.set_status(self._order(bought), "cancelled")

    def take_back(self, bought: Bought) -> None:
        order = self._order(bought)
        self.shop.set_status(order, "completed")
        self.shop.refund(order, {line.id: line.quantity for line in order.lines}, restock=True)

    def delist(self, sku: str) -> None:
        del self.shop.products[self.shop.by_sku(sku).id]

    def number_from(self, id: int) -> None:
        self.shop.number_from(id)

    def limit(self, on: bool) -> None:
        self.shop.faults.rate_limited = on

    def _order(self, bought: Bought) -> Order:
        return self.shop.orders[int(bought.id)]
