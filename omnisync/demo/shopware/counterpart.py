"""The simulated Shopware shop on the torture kit's stage; its keeper installs the app when it opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Answer, Hook
from omnisync.demo.outbox import Kept, Webhook
from omnisync.demo.shopware.access import Door
from omnisync.demo.shopware.app import build
from omnisync.demo.shopware.seed import Seed
from omnisync.demo.shopware.shop import Shop
from omnisync.demo.shopware.things import Line, Order
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

KEY, SECRET = "SWIATORTURE4711", "secret-torture-0815"
APP_SECRET = "a-long-random-text-of-the-torture-kit"  # noqa: S105  the simulation's own


STORE = "abholung_linden"


class Shopware(Simulated):
    """A shop whose lamps are variants, some of them, and some products."""

    places: Mapping[str, str] = {STORE: LOCATION}
    secrets: Sequence[str] = (SECRET, APP_SECRET)
    reasons: Mapping[str, str] = {
        "elsewhere": "a shop does not say who sends an order",
        "number_from": "its ids are texts of 32 hexadecimal digits",
    }

    def __init__(self, ground: Ground) -> None:
        listings = [
            {"sku": one.sku, "title": one.title, "price_minor": one.price.minor, "barcode": one.barcode,
             "quantity": one.pieces, "of": "Lampe" if number % 2 else None}
            for number, one in enumerate(ground.goods)
        ]  # fmt: skip
        seed = Seed.model_validate(
            {"client_id": KEY, "client_secret": SECRET, "listings": listings, "pickup_methods": [STORE]}
        )
        self._sent = Kept()
        self.shop = Shop(seed, ground.tools.clock, put=self._sent.put)
        self._door = Door(KEY, SECRET, ground.tools.clock)
        self.transport = asgi(build(self.shop, self._door))
        self.settings: Mapping[str, Any] = {
            "base_url": "https://shopware.test", "client_id": KEY, "client_secret": SECRET, "app_secret": APP_SECRET,
            "page_size": 2, "pickup_methods": [STORE],
        }  # fmt: skip
        url, headers = self.shop.app.install("Omnisync", ground.hook_url, APP_SECRET)
        self._sent.put(Webhook(url, headers, b""), method="GET")

    def hooks(self) -> list[Hook]:
        return self._sent.take()

    def hear(self, hook: Hook, answer: Answer) -> None:
        if hook.method == "GET":
            self._sent.put(self.shop.app.accept(answer.body))

    def shown(self, sku: str) -> int:
        return self.shop.by_sku(sku).stock

    def price(self, sku: str) -> Money:
        return self.shop.gross(self.shop.by_sku(sku))

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if elsewhere:
            raise self.no("elsewhere")
        wrap = [Line(self.shop.id(), "custom", "Geschenkverpackung", 1, 3.5)] if wrapped else []
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], extra=wrap)
        return Bought(order.id, frozenset({order.id}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], method=STORE)
        return Bought(order.id, frozenset({order.id}))

    def owe(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.place([(self.shop.by_sku(sku), pieces) for sku, pieces in lines], paid=False)
        return Bought(order.id, frozenset({order.id}))

    def pay(self, bought: Bought) -> None:
        self.shop.transition("order_transaction", self._order(bought).payments[0].id, "paid")

    def fetched(self, bought: Bought) -> Fetched:
        order = self._order(bought)
        if order.state == "cancelled":
            return "over"
        gone = all(one.state == "shipped" for one in order.deliveries)
        return "collected" if gone else "ready" if order.state == "in_progress" else "open"

    def ship(self, bought: Bought) -> None:
        self.shop.transition("order_delivery", self._order(bought).deliveries[0].id, "ship")

    def cancel(self, bought: Bought) -> None:
        self.shop.transition("order", bought.id, "cancel")

    def take_back(self, bought: Bought) -> None:
        self.ship(bought)
        self.shop.transition("order_delivery", self._order(bought).deliveries[0].id, "retour")

    def delist(self, sku: str) -> None:
        del self.shop.products[self.shop.by_sku(sku).id]

    def expire(self) -> None:
        self._door.revoke()

    def limit(self, on: bool) -> None:
        self.shop.faults.rate_limited = on

    def _order(self, bought: Bought) -> Order:
        return self.shop.orders[bought.id]
