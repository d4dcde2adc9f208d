"""The Vendure shop in memory on the torture kit's stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.demo.vendure.shop import PASSWORD, SETTINGS, Shop
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.values import Money

FIRST_ORDER = 5001
COLLECT = "click-collect"


class Vendure(Simulated):
    """A shop with one stock location."""

    places: Mapping[str, str] = {"1": LOCATION}
    secrets: Sequence[str] = (PASSWORD,)
    reasons: Mapping[str, str] = {
        "wrapped": "every line of an order is a variant",
        "elsewhere": "a shop does not say who sends an order",
        "limit": "Vendure limits no calls",
        "owe": "what is not paid is a basket there",
    }

    def __init__(self, ground: Ground) -> None:
        self.shop = Shop(ground.tools.clock, last=FIRST_ORDER - 1)
        self._variants = {one.sku: self.shop.add(one.sku, one.price.minor, one.pieces) for one in ground.goods}
        self.transport = self.shop.transport
        self.settings: Mapping[str, Any] = {**SETTINGS, "page_size": 2, "pickup_methods": {COLLECT: "1"}}

    def shown(self, sku: str) -> int:
        return self.shop.offered(self._variants[sku])

    def price(self, sku: str) -> Money:
        [price] = self.shop.variants[self._variants[sku]]["prices"]
        return Money(price["price"], price["currencyCode"])

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if wrapped or elsewhere:
            raise self.no("wrapped" if wrapped else "elsewhere")
        order = self.shop.check_out([(self._variants[sku], pieces) for sku, pieces in lines])
        return Bought(order, frozenset({order}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.check_out([(self._variants[sku], pieces) for sku, pieces in lines], shipping=COLLECT)
        return Bought(order, frozenset({order}))

    def fetched(self, bought: Bought) -> Fetched:
        order = self.shop.orders[bought.id]
        if order["state"] == "Cancelled":
            return "over"
        states = {one["state"] for one in order["fulfillments"]}
        return "collected" if "Delivered" in states else "ready" if "Pending" in states else "open"

    def ship(self, bought: Bought) -> None:
        self.shop.ship_all(bought.id)

    def cancel(self, bought: Bought) -> None:
        self.shop.cancel_all(bought.id)

    def take_back(self, bought: Bought) -> None:
        if not self.shop.orders[bought.id]["fulfillments"]:
            self.shop.ship_all(bought.id)
        self.shop.cancel_all(bought.id)

    def delist(self, sku: str) -> None:
        del self.shop.variants[self._variants[sku]]

    def number_from(self, id: int) -> None:
        self.shop.last = id - 1

    def expire(self) -> None:
        self.shop.sessions.clear()
