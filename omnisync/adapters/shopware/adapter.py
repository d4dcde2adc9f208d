"""A Shopware shop: stock and prices out; orders and what it sold out of its own level in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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
    Unreadable,
    Write,
)
from omnisync.adapters.client import Tools
from omnisync.adapters.shopware import checking, hooks
from omnisync.adapters.shopware.pickups import Pickups
from omnisync.adapters.shopware.products import Products
from omnisync.adapters.shopware.publishing import Publishing
from omnisync.adapters.shopware.pulling import Pulling
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.subscribing import Subscriptions
from omnisync.adapters.shopware.wire import PAGE, Wire
from omnisync.errors import NeedsAttention


class Shopware:
    """Its numbers are absolute and one for all locations; it has no compare-and-set."""

    def __init__(self, name: str, settings: ShopSettings, places: Mapping[str, str], tools: Tools) -> None:
        self.name, self._settings = name, settings
        self._secret = settings.app_secret.get_secret_value() if settings.app_secret else None
        self._wire = Wire(name, settings, tools)
        self.budgets, self.their_clock = {"calls": self._wire.budget}, self._wire.their_clock
        self._pulling = Pulling(self._wire, settings, places)
        self._products = Products(self._wire, settings.currency)
        self._publishing = Publishing(self._wire, self._products, settings)
        self._pickups = Pickups(self._wire, settings)
        self._subscriptions = Subscriptions(self._wire, settings)
        self.can = Can(
            write=Write.ABSOLUTE,
            batch_size=PAGE,
            webhooks=True,
            topics=hooks.TOPICS,
            prices=True,
            price_with_stock=True,
            tells_pickups=True,
            poll_seconds=settings.poll_seconds,
            overlap_seconds=settings.overlap_seconds,
            since=settings.since,
            finds_orders=True,
        )

    def __repr__(self) -> str:
        return f"Shopware({self.name!r}, {self._settings.base_url!r})"

    # ------------------------------------------------------------ hooks

    def identify(self, hook: Hook) -> Identified:
        """The HMAC of the raw body; the two steps of the app's registration are answered."""
        return hooks.identify(hook, self._secret, self._settings.app_name)

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Payloads are hints: they name things and fields, and no values."""
        return hooks.unreadable(hook)

    def subject(self, hook: Hook) -> str | None:
        """All orders that wait are read together, and all levels; an order that is gone is not what it was before."""
        hint = hooks.hint_of(hook)
        if hint is None or not hint.ids:
            return None
        return f"{hint.topic}/{','.join(hint.ids)}" if hint.topic == "order.deleted" else hooks.kind_of(hint.topic)

    async def follow(self, *told: Hook) -> Sequence[Fact]:
        """The orders or levels as the shop shows them now."""
        hints = [hint for hook in told if (hint := hooks.hint_of(hook)) is not None]
        ids = list(dict.fromkeys(id for hint in hints for id in hint.ids))
        if not ids:
            return hooks.unreadable(told[0])
        if hooks.kind_of(hints[0].topic) == "product":
            return await self._products.read(ids)
        found = await self._pulling.read(ids)
        gone = [id for id in ids if id not in found] if hints[0].topic == "order.deleted" else []
        return [*found.values(), *map(_deleted, gone)]

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return await self._subscriptions.make(wanted)

    async def fetch_key(self, kid: str) -> bytes:
        """Shopware signs with a shared secret: there is no key to fetch."""
        raise NeedsAttention("Shopware has no public keys.", action="Set app_secret in this channel's settings.")

    # ------------------------------------------------------------ facts in, numbers out

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        return await self._pulling.pull(cursor, now)

    async def find(self, references: Sequence[str]) -> Sequence[Fact]:
        """The numbers of a sales channel come from one range, and leave out what was never paid for."""
        return await self._pulling.find(references)

    async def listings(self, cursor: str | None) -> ListingPage:
        return await self._products.listings(cursor)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return await self._products.look(targets)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await self._publishing.publish(shown)

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """One after the other; each is safe to repeat."""
        return [await self._pickups.tell(one) for one in news]

    async def done(self, receipts: Sequence[str]) -> None:
        """The cursor says it all."""

    async def check(self) -> Sequence[Check]:
        return await checking.check(self._wire, self._products, self._settings)

    async def close(self) -> None:
        await self._wire.close()


def _deleted(id: str) -> Fact:
    return Unreadable(
        f"order:{id}:deleted",
        f"The order with id {id} was deleted in the shop.",
        "Look for it in omnisync's orders: cancel it there if it was never sent.",
    )
