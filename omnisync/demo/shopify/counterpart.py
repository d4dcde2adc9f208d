"""The simulated Shopify on the torture kit's stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Hook
from omnisync.demo.outbox import Kept
from omnisync.demo.shopify.app import open_shop
from omnisync.demo.shopify.seed import subscribe
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Order
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

HERE, OTHERS = 11, 99
TOKEN, SECRET = "shpat_torture_4711", "shpss_torture_0815"


class Shopify(Simulated):
    """One store, and the warehouse of a fulfilment service."""

    places: Mapping[str, str] = {f"gid://shopify/Location/{HERE}": LOCATION}
    secrets: Sequence[str] = (TOKEN, SECRET)
    reasons: Mapping[str, str] = {"expire": "the access token of a custom app does not end"}

    def __init__(self, ground: Ground) -> None:
        self.shop, self._sent = Shop(ground.tools.clock), Kept()
        self.shop.add_location(HERE, "Filiale Lindenstraße")
        self.shop.add_location(OTHERS, "Logistik GmbH", fulfillment_service=True)
        for one in ground.goods:
            pieces = {HERE: one.pieces, OTHERS: 100}
            self.shop.add_variant(one.sku, one.price, pieces, title=one.title, barcode=one.barcode)
        subscribe(self.shop, ground.hook_url)
        opened = open_shop(self.shop, token=TOKEN, secret=SECRET, send=_nobody, tools=ground.tools)
        opened.announcer.put = self._sent.put
        self.transport = asgi(opened.app)
        self.settings: Mapping[str, Any] = {
            "shop": self.shop.name, "access_token": TOKEN, "webhook_secret": SECRET,
            "base_url": "http://shopify.test", "page_size": 2,
        }  # fmt: skip

    def hooks(self) -> list[Hook]:
        return self._sent.take()

    def shown(self, sku: str) -> int:
        return self.shop.variant(sku).levels[HERE].available

    def price(self, sku: str) -> Money:
        return self.shop.variant(sku).price

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        wanted = [(self.shop.variant(sku), pieces) for sku, pieces in lines]
        order = self.shop.sell(wanted, place=OTHERS if elsewhere else HERE)
        if wrapped:
            self.shop.add_loose_line(order, "Geschenkverpackung", Money(350, "EUR"))
            self.shop.touch(order)
        return Bought(order.gid, frozenset({order.gid}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        wanted = [(self.shop.variant(sku), pieces) for sku, pieces in lines]
        order = self.shop.sell(wanted, place=HERE, pickup=True)
        return Bought(order.gid, frozenset({order.gid}))

    def owe(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.sell([(self.shop.variant(sku), pieces) for sku, pieces in lines], paid=False)
        return Bought(order.gid, frozenset({order.gid}))

    def pay(self, bought: Bought) -> None:
        self.shop.pay(self._order(bought))

    def fetched(self, bought: Bought) -> Fetched:
        order = self._order(bought)
        if order.cancelled_at is not None:
            return "over"
        parts = order.fulfillment_orders
        gone = all(part.remaining == 0 for one in parts for part in one.parts)
        return "collected" if gone else "ready" if all(one.prepared for one in parts) else "open"

    def ship(self, bought: Bought) -> None:
        self.shop.fulfil(self._order(bought))

    def cancel(self, bought: Bought) -> None:
        self.shop.cancel(self._order(bought))

    def take_back(self, bought: Bought) -> None:
        order = self._order(bought)
        self.shop.fulfil(order)
        lines = [(line, line.quantity) for line in order.lines if line.variant is not None]
        self.shop.refund(order, lines, "RETURN", place=HERE)

    def delist(self, sku: str) -> None:
        self.shop.remove_variant(self.shop.variant(sku))

    def number_from(self, id: int) -> None:
        self.shop.number_from(id)

    def limit(self, on: bool) -> None:
        self.shop.faults.rate_limited = on

    def _order(self, bought: Bought) -> Order:
        return self.shop.orders[int(bought.id.rpartition("/")[2])]


async def _nobody(webhook: object) -> bool:
    return True
