"""The simulated eBay account on the torture kit's stage."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Hook
from omnisync.demo.ebay.app import open_account
from omnisync.demo.ebay.seed import Listed, Seed, Webhooks
from omnisync.demo.faults import Purchase
from omnisync.demo.outbox import Kept
from omnisync.torture.counterpart import LOCATION, Bought, Fetched, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import Money

VERIFICATION = "verification-token-of-the-torture-kit"
SECRET, REFRESH = "torture-client-secret", "torture-refresh-token"


STORE = "filiale-linden"


class Ebay(Simulated):
    """One seller; every number of an order or line is beyond 2^53 anyway."""

    places: Mapping[str, str] = {STORE: LOCATION}
    secrets: Sequence[str] = (SECRET, REFRESH, VERIFICATION)
    reasons: Mapping[str, str] = {
        "take_back": "eBay tells of money that goes back, never of goods",
        "wrapped": "every line of an order is a listing",
        "owe": "what is not paid is no order there",
    }

    def __init__(self, ground: Ground) -> None:
        seed = Seed(
            client_id="torture-client", client_secret=SECRET, refresh_token=REFRESH,
            listings=[
                Listed(sku=one.sku, title=one.title, price=one.price.decimal(), quantity=one.pieces, barcode=one.barcode)
                for one in ground.goods
            ],
            webhook=Webhooks(url=ground.hook_url, verification_token=VERIFICATION),
        )  # fmt: skip
        self._sent = Kept()
        self._account = open_account(seed, ground.tools.clock, random.Random(ground.tools.chance.random()), _nobody)
        self._account.notifications.put = self._sent.put
        self.shop = self._account.shop
        self.transport = asgi(self._account.app)
        self.settings: Mapping[str, Any] = self._account.settings(
            "http://ebay.test", page_size=2, verification_token=VERIFICATION
        )

    def hooks(self) -> list[Hook]:
        return self._sent.take()

    def shown(self, sku: str) -> int:
        return self.shop.offers[sku].shown

    def price(self, sku: str) -> Money:
        return self.shop.offers[sku].price

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if wrapped:
            raise self.no("wrapped")
        order = self.shop.order(lines, by_ebay=elsewhere)
        return Bought(order.id, frozenset({order.id}))

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        order = self.shop.order(lines, purchase=Purchase(sku=lines[0][0], place=STORE, pickup=True))
        return Bought(order.id, frozenset({order.id}))

    def fetched(self, bought: Bought) -> Fetched:
        order = self.shop.orders[bought.id]
        if order.cancelled is not None:
            return "over"
        return "collected" if all(order.gone(line) == line.quantity for line in order.lines) else "open"

    def ship(self, bought: Bought) -> None:
        self.shop.ship(bought.id)

    def cancel(self, bought: Bought) -> None:
        self.shop.cancel(bought.id)

    def delist(self, sku: str) -> None:
        del self.shop.offers[sku]

    def number_from(self, id: int) -> None:
        """They are longer from the beginning."""

    def expire(self) -> None:
        self._account.door.revoke_all()

    def limit(self, on: bool) -> None:
        self.shop.faults.rate_limited = on


async def _nobody(webhook: object) -> bool:
    return True
