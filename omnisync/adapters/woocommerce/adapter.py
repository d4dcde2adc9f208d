"""A WooCommerce shop: stock and prices out; orders, refunds and what it sold out of its own level in."""

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
from omnisync.adapters.woocommerce import checking, hooks
from omnisync.adapters.woocommerce.pickups import Pickups
from omnisync.adapters.woocommerce.products import Products
from omnisync.adapters.woocommerce.publishing import Publishing
from omnisync.adapters.woocommerce.pulling import Pulling
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import PAGE, Wire
from omnisync.errors import NeedsAttention


class WooShop:
    """Its numbers are absolute and one for all locations; it has no compare-and-set."""

    def __init__(self, name: str, settings: ShopSettings, places: Mapping[str, str], tools: Tools) -> None:
        self.name, self._settings = name, settings
        self._secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else None
        self._wire = Wire(name, settings, tools)
        self.budgets, self.their_clock = {"calls": self._wire.budget}, self._wire.their_clock
        self._pulling = Pulling(self._wire, settings, places)
        self._products = Products(self._wire, settings.currency)
        self._publishing = Publishing(self._wire, settings)
        self._pickups = Pickups(self._wire, settings)
        self._subscriptions = hooks.Subscriptions(self._wire, name, self._secret)
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
        )

    def __repr__(self) -> str:
        return f"WooShop({self.name!r}, {self._settings.base_url!r})"

    # ------------------------------------------------------------ hooks

    def identify(self, hook: Hook) -> Identified:
        """The HMAC of the raw body under webhook_secret; the ping of a new webhook is answered."""
        return hooks.identify(hook, self._secret)

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Payloads are hints: they may be long past and out of order."""
        return hooks.unreadable(hook)

    def subject(self, hook: Hook) -> str | None:
        """An order that is gone is not what the same order was before."""
        topic, id = hook.headers.get(hooks.TOPIC, ""), hooks.resource_of(hook)
        if topic not in hooks.TOPICS or id is None:
            return None
        return f"{topic}/{id}" if topic == "order.deleted" else f"{topic.partition('.')[0]}/{id}"

    async def follow(self, *told: Hook) -> Sequence[Fact]:
        """The order or level as the shop shows it now."""
        hook = told[0]
        topic, id = hook.headers.get(hooks.TOPIC, ""), hooks.resource_of(hook)
        if topic not in hooks.TOPICS or id is None:
            return hooks.unreadable(hook)
        if topic.startswith("product."):
            return await self._products.read(id)
        fact = await self._pulling.read(id)
        if fact is not None:
            return (fact,)
        return (_deleted(id),) if topic == "order.deleted" else ()

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return await self._subscriptions.make(wanted)

    async def fetch_key(self, kid: str) -> bytes:
        """WooCommerce signs with a shared secret: there is no key to fetch."""
        raise NeedsAttention("WooCommerce has no public keys.", action="Set webhook_secret in this channel's settings.")

    # ------------------------------------------------------------ facts in, numbers out

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        return await self._pulling.pull(cursor, now)

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
        return await checking.check(self._wire, self._settings)

    async def close(self) -> None:
        await self._wire.close()


def _deleted(id: str) -> Fact:
    return Unreadable(
        f"order:{id}:deleted",
        f"The order with id {id} was deleted in the shop for good.",
        "Look for it in omnisync's orders: cancel it there if it was never sent.",
    )
