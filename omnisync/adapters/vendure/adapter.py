"""A Vendure shop over its admin GraphQL API: polled, since its core calls nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Forged,
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
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure import documents, mapping
from omnisync.adapters.vendure.admin import Admin
from omnisync.adapters.vendure.mapping import Shop
from omnisync.adapters.vendure.pickups import Pickups
from omnisync.adapters.vendure.pulling import Orders
from omnisync.adapters.vendure.settings import ShopSettings
from omnisync.adapters.vendure.stock import Stock, checks_of
from omnisync.errors import NeedsAttention

LISTINGS_AT_ONCE = 100


class VendureShop:
    """Its numbers are absolute; it has no compare-and-set, but takes its own allocations off by itself."""

    def __init__(self, name: str, settings: ShopSettings, places: Mapping[str, str], tools: Tools) -> None:
        self.name, self._settings, self._places = name, settings, places
        self._admin = Admin(name, settings, tools)
        self.their_clock = self._admin.their_clock
        self._orders = Orders(self._admin, settings)
        self._stock = Stock(self._admin, settings)
        self._pickups = Pickups(self._admin, self._orders)
        self._known: Shop | None = None
        self.can = Can(
            write=Write.ABSOLUTE,
            batch_size=20,
            many_locations=settings.stock_location is None and bool(places),
            prices=True,
            price_with_stock=True,
            allocates=True,
            tells_pickups=True,
            poll_seconds=settings.poll_seconds,
            overlap_seconds=settings.overlap_seconds,
        )

    def __repr__(self) -> str:
        return f"VendureShop({self.name!r}, {self._settings.base_url!r})"

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """What was placed or cancelled since, then every open order again."""
        return await self._orders.pull(cursor, (await self._shop()).precision, now=now)

    async def listings(self, cursor: str | None) -> ListingPage:
        """A page of variants; when some before it were deleted meanwhile, it begins as much earlier."""
        shop = await self._shop()
        skip, total = map(int, (cursor or "0/0").split("/"))
        page = await self._variants(skip)
        if page["totalItems"] < total:
            skip = max(0, skip - total + page["totalItems"])
            page = await self._variants(skip)
        found = [mapping.listing_of(variant, shop) for variant in page["items"]]
        read = skip + len(found)
        more = bool(found) and read < page["totalItems"]
        return ListingPage(found, f"{read}/{page['totalItems']}" if more else None, more=more)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return await self._stock.look(targets, await self._shop())

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await self._stock.publish(shown, await self._shop()) if shown else []

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return await self._pickups.tell(news)

    async def check(self) -> Sequence[Check]:
        """Reads the channel, its stock locations and one order's worth of addresses; changes nothing."""
        self._known = None
        try:
            shop = await self._shop()
            await self._orders.by_id("0")
            await self._variants(0, take=1)
        except NeedsAttention as error:
            return [Check("account", False, error.message, error.action)]
        account = Check("account", True, f"May read orders and stock of the Vendure channel {shop.channel}.")
        return [account, *(Check(*each) for each in checks_of(shop, self._settings, self._places))]

    def identify(self, hook: Hook) -> Identified:
        """Vendure's core sends no webhooks; whoever calls is somebody else."""
        return Forged("A Vendure shop sends no webhooks.")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return ()

    def subject(self, hook: Hook) -> str | None:
        return None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return ()

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return ()

    async def fetch_key(self, kid: str) -> bytes:
        raise NeedsAttention(f"{self.name} has no keys.", action="Remove the hook address from the shop's settings.")

    async def done(self, receipts: Sequence[str]) -> None:
        """The cursor says it all."""

    async def close(self) -> None:
        await self._admin.close()

    async def _shop(self) -> Shop:
        """What its numbers mean, asked once; `check` asks again."""
        if self._known is None:
            self._known = Shop.of(await self._admin.run(documents.SHOP))
        return self._known

    async def _variants(self, skip: int, *, take: int = LISTINGS_AT_ONCE) -> mapping.Json:
        options = {"skip": skip, "take": take, "sort": {"id": "ASC"}}
        page: mapping.Json = (await self._admin.run(documents.VARIANTS, {"options": options}))["productVariants"]
        return page
