"""The simulated Amazon account on the torture kit's stage."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.demo.amazon.app import open_account
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

SECRET, REFRESH, AWS_SECRET = "torture-client-secret", "Atzr|torture-refresh-token", "torture-aws-secret"


STORE = "store-1"


class Amazon(Simulated):
    """One seller; every number of an order line is beyond 2^53 anyway."""

    places: Mapping[str, str] = {STORE: LOCATION}
    secrets: Sequence[str] = (SECRET, REFRESH, AWS_SECRET)
    reasons: Mapping[str, str] = {
        "take_back": "Amazon's orders tell neither of money nor of goods that go back",
        "wrapped": "a gift wrap is an option of a line, never a line",
        "elsewhere": "what Amazon sends itself is not asked for: it would use up what may be asked for our own orders",
        "owe": "what is not paid may not be sent, and Amazon itself cancels it",
    }

    def __init__(self, ground: Ground) -> None:
        seed = Seed(
            client_secret=SECRET, refresh_token=REFRESH, aws_secret=AWS_SECRET,
            listings=[
                Listed(sku=one.sku, title=one.title, price=one.price.decimal(), quantity=one.pieces, barcode=one.barcode)
                for one in ground.goods
            ],
        )  # fmt: skip
        self._account = open_account(seed, ground.tools.clock, random.Random(ground.tools.chance.random()))
        self.seller = self._account.seller
        self.transport = asgi(self._account.app)
        self.settings: Mapping[str, Any] = self._account.settings("https://amazon.test", page_size=2)

    def shown(self, sku: str) -> int:
        return self.seller.offers[sku].quantity

    def price(self, sku: str) -> Money:
        return self.seller.price(sku)

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if wrapped:
            raise self.no("wrapped")
        if elsewhere:
            raise self.no("elsewhere")
        order = self.seller.order(lines)
        return Bought(order.id, frozenset({order.id}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.seller.order(lines, store=STORE)
        return Bought(order.id, frozenset({order.id}))

    def fetched(self, bought: Bought) -> Fetched:
        order = self.seller.orders[bought.id]
        heard = order.picked_up
        if order.cancelled or "RefusedPickup" in heard:
            return "over"
        return "collected" if "PickedUp" in heard else "ready" if "ReadyForPickup" in heard else "open"

    def ship(self, bought: Bought) -> None:
        self.seller.ship(self.seller.orders[bought.id])

    def cancel(self, bought: Bought) -> None:
        self.seller.cancel(self.seller.orders[bought.id])

    def delist(self, sku: str) -> None:
        self.seller.delist(sku)

    def number_from(self, id: int) -> None:
        """They are longer from the beginning."""

    def expire(self) -> None:
        self._account.access.revoke()

    def limit(self, on: bool) -> None:
        self.seller.faults.rate_limited = on
