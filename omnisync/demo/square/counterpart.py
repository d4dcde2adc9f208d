"""The simulated Square account on the torture kit's stage: buyers at the counter of one store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Hook
from omnisync.demo.outbox import Kept
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from omnisync.demo.square.seed import Seed
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

HERE = "LLINDEN00001"
TOKEN, SECRET = "EAAAl-torture-token", "torture-signature-key"
WRAP = {"name": "Geschenkverpackung", "quantity": "1", "base_price_money": {"amount": 350, "currency": "EUR"},
        "item_type": "CUSTOM_AMOUNT"}  # fmt: skip
"""Typed in at the till."""
SOLD = "what is sold over the counter is gone; it comes back as a return"


class Square(Simulated):
    """An account with one store."""

    over_the_counter = True
    places: Mapping[str, str] = {HERE: LOCATION}
    secrets: Sequence[str] = (TOKEN, SECRET)
    reasons: Mapping[str, str] = {
        "cancel": SOLD,
        "ship": SOLD,
        "elsewhere": "a till sells what lies in its store",
        "expire": "the seller's access token does not end while the account's settings stand",
        "number_from": "its ids are texts of letters and digits",
        "owe": "what is sold at a till is paid",
    }

    def __init__(self, ground: Ground) -> None:
        listings = [
            {"sku": one.sku, "title": one.title, "price_minor": one.price.minor, "barcode": one.barcode,
             "quantities": {HERE: one.pieces}}
            for one in ground.goods
        ]  # fmt: skip
        seed = {
            "access_token": TOKEN, "locations": [{"id": HERE, "name": "Filiale Lindenstraße"}], "listings": listings,
            "webhook": {"url": ground.hook_url, "secret": SECRET},
        }  # fmt: skip
        self._sent = Kept()
        self.account = Account(Seed.model_validate(seed), ground.tools.clock, ground.tools.ids, outbox=self._sent)
        self.transport = asgi(build(self.account))
        self.settings: Mapping[str, Any] = {
            "access_token": TOKEN, "webhook_secret": SECRET, "base_url": "http://square.test", "page_size": 4,
        }  # fmt: skip

    def hooks(self) -> list[Hook]:
        return self._sent.take()

    def shown(self, sku: str) -> int:
        # Its count, which is what is written and read; pieces of open pickups stand in none of Square's answers about stock.
        return self.account.stock.level((self.account.catalogue.by_sku[sku], HERE))

    def price(self, sku: str) -> Money:
        variation = self.account.catalogue.variation_of(sku)["item_variation_data"]["price_money"]
        return Money(variation["amount"], variation["currency"])

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if elsewhere:
            raise self.no("elsewhere")
        items = [{"catalog_object_id": self.account.catalogue.by_sku[sku], "quantity": str(n)} for sku, n in lines]
        order = self.account.sell(HERE, [*items, WRAP] if wrapped else items)
        return Bought(order["id"], frozenset({order["id"]}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        items = [{"catalog_object_id": self.account.catalogue.by_sku[sku], "quantity": str(n)} for sku, n in lines]
        order = self.account.sell(HERE, items, pickup=True)
        return Bought(order["id"], frozenset({order["id"]}))

    def fetched(self, bought: Bought) -> Fetched:
        [pickup] = self.account.orderbook.orders[bought.id]["fulfillments"]
        words: Mapping[str, Fetched] = {"PREPARED": "ready", "COMPLETED": "collected", "CANCELED": "over"}
        return words.get(pickup["state"], "open")

    def take_back(self, bought: Bought) -> None:
        lines = self.account.orderbook.orders[bought.id]["line_items"]
        pieces = {line["uid"]: int(line["quantity"]) for line in lines}
        self.account.refund(bought.id, pieces, restock=True)

    def delist(self, sku: str) -> None:
        self.account.catalogue.remove(sku)

    def limit(self, on: bool) -> None:
        self.account.faults.rate_limited = on
