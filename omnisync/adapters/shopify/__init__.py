"""Shopify: Admin GraphQL API 2026-07, webhooks and Shopify POS. What is done and what is not stands in README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.base import (
    Adapter,
    Can,
    Check,
    Fact,
    Hook,
    Identified,
    LevelSeen,
    Listing,
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
from omnisync.adapters.shopify import documents, hooks
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import Places, gid
from omnisync.adapters.shopify.orders import Orders
from omnisync.adapters.shopify.pickups import Pickups
from omnisync.adapters.shopify.settings import ShopSettings, parse
from omnisync.adapters.shopify.stock import Stock
from omnisync.errors import NeedsAttention, NotYet

SETTINGS = ShopSettings
TOPICS = tuple(hooks.HINTS)
"""What to subscribe."""
SCOPES = (
    "read_products",
    "write_products",
    "read_inventory",
    "write_inventory",
    "read_orders",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
)
CAN = Can(
    write=Write.COMPARE_AND_SET,
    batch_size=250,
    many_locations=True,
    shows="available",
    webhooks=True,
    topics=TOPICS,
    prices=True,
    tells_pickups=True,
    poll_seconds=30.0,
    overlap_seconds=120.0,
    finds_orders=True,
)


class Shopify:
    """One shop."""

    def __init__(self, name: str, settings: ShopSettings, places: Mapping[str, str], tools: Tools) -> None:
        self.name, self.can = name, CAN
        self._settings, self._tools, self._given_places = settings, tools, dict(places)
        self._places = Places.of(places)
        self._admin = Admin(name, settings.url, settings.access_token, tools)
        self.budgets = {"points": self._admin.budget}
        self._orders = Orders(
            self._admin,
            self._places,
            page_size=settings.page_size,
            overlap=timedelta(seconds=CAN.overlap_seconds),
            since=settings.orders_since,
        )
        self._stock = Stock(self._admin, self._places)
        self._pickups = Pickups(self._admin)
        self._subscriptions = hooks.Subscriptions(self._admin)

    def __repr__(self) -> str:
        return f"Shopify({self.name!r}, {self._settings.shop!r})"

    # ------------------------------------------------------------ hooks

    def identify(self, hook: Hook) -> Identified:
        return hooks.identify(hook, self._settings.webhook_secret)

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Nothing but what is wrong with it: what a webhook says may be long past, `follow` reads what is."""
        topic = hooks.topic_of(hook)
        if topic not in hooks.HINTS:
            return ()
        try:
            hooks.hint(topic, hook.body)
        except ValueError as error:
            return (
                Unreadable(_event(self.identify(hook)), f"This is {error}.", "Discard it; polling finds the order."),
            )
        return ()

    def subject(self, hook: Hook) -> str | None:
        """An order, or the levels: those of all messages that wait are read by one call."""
        topic, resource = hooks.topic_of(hook), hooks.resource_of(hook)
        return hooks.LEVELS if topic == hooks.LEVELS and resource is not None else resource

    async def follow(self, *told: Hook) -> Sequence[Fact]:
        hook = told[0]  # all of them speak of one order, or of levels
        topic, wrong = hooks.topic_of(hook), self.read(hook)
        if topic not in hooks.HINTS or wrong:
            return wrong
        resource = hooks.hint(topic, hook.body)
        if topic == hooks.LEVELS:
            hinted = [hooks.hint(topic, one.body).partition("@") for one in told]
            return await self._stock.levels_of_items((item, location) for item, _, location in hinted)
        if resource == hooks.OF_TESTS:
            return ()
        order = await self._orders.read(resource, self._tools.clock.now())
        if order is None:
            raise NotYet(f"{self.name} does not show order {resource} yet.")
        return (order,)

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return await self._subscriptions.make(wanted)

    async def fetch_key(self, kid: str) -> bytes:
        raise NeedsAttention("Shopify signs with the app's secret; there is no key to fetch.", action="Report this.")

    # ------------------------------------------------------------ facts in

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        return await self._orders.pull(cursor, now)

    async def find(self, references: Sequence[str]) -> Sequence[Fact]:
        return await self._orders.find(references, self._tools.clock.now())

    async def listings(self, cursor: str | None) -> ListingPage:
        answer = await self._admin.run(documents.VARIANTS, {"first": 100, "after": cursor})
        page = answer["productVariants"]
        return ListingPage(
            [_listing(node) for node in page["nodes"]], page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        )

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return await self._stock.look(targets)

    # ------------------------------------------------------------ numbers out

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await self._stock.publish(shown)

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return await self._pickups.tell(news)

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing to put away."""

    # ------------------------------------------------------------ health

    async def check(self) -> Sequence[Check]:
        answer = await self._admin.run(documents.SHOP)
        granted = {scope["handle"] for scope in answer["currentAppInstallation"]["accessScopes"]}
        active = {node["id"] for node in answer["locations"]["nodes"] if node["isActive"]}
        checks = [Check("shop", True, answer["shop"]["name"])]
        checks += [_scope(scope, granted) for scope in SCOPES]
        checks += [_place(place, active) for place in self._given_places]
        return checks

    async def close(self) -> None:
        await self._admin.close()


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """The adapter of one shop; `public_url` is not needed, for Shopify signs no address."""
    return Shopify(name, parse(name, settings), places, tools)


def _listing(node: Mapping[str, Any]) -> Listing:
    """A bundle takes its stock from its parts, an untracked article has none: neither is written."""
    return Listing(
        external_id=node["id"],
        sku=node["sku"] or None,
        barcode=node["barcode"] or None,
        title=node["displayName"],
        extra={"product": node["product"]["id"], "inventory_item": node["inventoryItem"]["id"]},
        managed=node["inventoryItem"]["tracked"] and not node["requiresComponents"],
    )


def _scope(scope: str, granted: set[str]) -> Check:
    # Shopify lists only write_x where an app may both read and write x.
    there = scope in granted or scope.replace("read_", "write_", 1) in granted
    mend = "" if there else f"Add {scope} to the app's Admin API scopes and install the app again."
    return Check(f"scope {scope}", there, "granted" if there else "not granted", mend)


def _place(place: str, active: set[str]) -> Check:
    there = gid("Location", place) in active
    mend = "" if there else "Correct location_map: name an active location of this shop."
    return Check(f"location {place}", there, "active" if there else "not found", mend)


def _event(identified: Identified) -> str:
    return getattr(identified, "event_id", "unsigned")
