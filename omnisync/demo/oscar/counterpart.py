"""The django-oscar shop in memory on the torture kit's stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.demo.oscar.shop import CANCELLED, PASSWORD, SETTINGS, SHIPPED, Shop
from omnisync.torture.counterpart import Bought, Ground, Simulated
from omnisync.values import Money

FIRST_ORDER = 5001


class Oscar(Simulated):
    """A shop that pages its lists by two."""

    secrets: Sequence[str] = (PASSWORD,)
    reasons: Mapping[str, str] = {
        "take_back": "oscarapi tells of no refunds",
        "wrapped": "every line of an order is a product",
        "elsewhere": "a shop does not say who sends an order",
        "expire": "a user's password does not end",
        "limit": "oscar limits no calls",
        "pick_up": "oscarapi cannot change orders, so the shop hears of no pickup",
        "owe": "its orders do not say whether they are paid",
    }

    def __init__(self, ground: Ground) -> None:
        self.shop = Shop(ground.tools.clock, page=2, last=FIRST_ORDER - 1)
        self._records = {one.sku: self.shop.add(one.sku, one.price.decimal(), one.pieces) for one in ground.goods}
        self.transport = self.shop.transport
        self.settings: Mapping[str, Any] = {**SETTINGS, "page_size": 2}

    def shown(self, sku: str) -> int:
        return self.shop.offered(self._records[sku])

    def price(self, sku: str) -> Money:
        return Money.parse(str(self.shop.records[self._records[sku]]["price"]), "EUR")

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if wrapped or elsewhere:
            raise self.no("wrapped" if wrapped else "elsewhere")
        order = self.shop.check_out([(self._records[sku], pieces) for sku, pieces in lines])
        return Bought(order, frozenset({order}))

    def ship(self, bought: Bought) -> None:
        self.shop.end(bought.id, SHIPPED)

    def cancel(self, bought: Bought) -> None:
        self.shop.end(bought.id, CANCELLED)

    def delist(self, sku: str) -> None:
        del self.shop.records[self._records[sku]]

    def number_from(self, id: int) -> None:
        self.shop.last = id - 1
