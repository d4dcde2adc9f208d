"""The eBay adapter: its verbs, each told in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters import checks
from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Hook,
    Identified,
    LevelSeen,
    ListingPage,
    News,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
    Write,
)
from omnisync.adapters.client import RateLimited, Reply, Tools
from omnisync.adapters.ebay import hooks, listings, pickups, publishing, pulling, subscribing
from omnisync.adapters.ebay.calls import FULFILLMENT, INVENTORY, NOTIFICATION, Calls
from omnisync.adapters.ebay.settings import Account
from omnisync.errors import NeedsAttention


class Ebay:
    """One connected seller account."""

    def __init__(self, name: str, account: Account, own_url: str, tools: Tools) -> None:
        self.name = name
        self._own_url = own_url
        self.can = Can(
            write=Write.ABSOLUTE,
            batch_size=publishing.BATCH,
            shows="available",
            webhooks=bool(account.verification_token),
            topics=subscribing.TOPICS,
            prices=True,
            price_with_stock=True,
            relists=False,
            revisions_per_day=publishing.REVISIONS_PER_DAY,
            tells_pickups=True,
            overlap_seconds=pulling.OVERLAP.total_seconds(),
        )
        self.keys = hooks.Keys(tools)
        self._clock, self._no_key_before = tools.clock, 0.0
        self._account = account
        self._calls = Calls(name, account, tools)

    def __repr__(self) -> str:
        return f"Ebay({self.name!r})"

    def identify(self, hook: Hook) -> Identified:
        return hooks.identify(hook, self.keys, self._account.verification_token or "")

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Nothing: eBay's notifications hint at an order and do not carry it."""
        return ()

    def subject(self, hook: Hook) -> str | None:
        return hooks.order_id(hook)

    async def follow(self, *told: Hook) -> Sequence[Fact]:
        order_id = hooks.order_id(told[0])
        order = await pulling.order_by_id(self._calls, order_id) if order_id else None
        return () if order is None else (await pulling.read_one(self._calls, order),)

    async def check(self) -> Sequence[Check]:
        readable: list[tuple[str, Callable[[], Coroutine[Any, Any, object]]]] = [
            ("orders", lambda: self._calls.get(FULFILLMENT, "/order", limit="1")),
            ("inventory", lambda: self._calls.get(INVENTORY, "/inventory_item", limit="1")),
            ("call limits", self._calls.learn_limits),
        ]
        return [await checks.readable(name, ask) for name, ask in readable]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        await self._calls.refresh_limits()
        first = timedelta(days=self._account.first_days)
        return await pulling.pull(self._calls, cursor, now=now, page_size=self._account.page_size, first=first)

    async def listings(self, cursor: str | None) -> ListingPage:
        account = self._account
        return await listings.page(self._calls, cursor, account.marketplace, account.fulfilled_elsewhere)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return await listings.look(self._calls, targets, self._account.marketplace)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await publishing.publish(self._calls, shown)

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return await pickups.tell(self._calls, news)

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return await subscribing.settle(self._calls, wanted, self._account.verification_token or "", self._own_url)

    async def fetch_key(self, kid: str) -> bytes:
        """The key as PEM, also kept for `identify`; empty when eBay knows no such key, which makes the hook forged."""
        reply = await self._ask_for_key(kid)
        if reply.status in (400, 404):
            self.keys.remember(kid, None)
            return b""
        try:
            pem = hooks.as_pem(str(reply.expect().json()["key"]))
            self.keys.remember(kid, pem)
        except (KeyError, TypeError, ValueError) as error:
            raise NeedsAttention(
                f"{self.name}: eBay's public key {kid} is of a kind we do not know.",
                action="Update omnisync; until then orders come by polling.",
            ) from error
        return pem

    async def _ask_for_key(self, kid: str) -> Reply:
        """Whoever calls us can name a key, so that eBay's wish for quiet is kept here: no worker spaces these calls."""
        wait = self._no_key_before - self._clock.monotonic()
        if wait > 0:
            raise RateLimited(f"{self.name} limits our calls.", retry_after_seconds=wait)
        try:
            return await self._calls.call("GET", NOTIFICATION, f"/public_key/{kid}", grant="application")
        except RateLimited as error:
            self._no_key_before = self._clock.monotonic() + (error.retry_after_seconds or 0.0)
            raise

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing to put away."""

    async def close(self) -> None:
        await self._calls.client.close()
