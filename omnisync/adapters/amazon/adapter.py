"""The Amazon adapter: its verbs, each told in a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from omnisync.adapters import checks
from omnisync.adapters.amazon import listings, pickups, publishing, pulling, subscribing
from omnisync.adapters.amazon.calls import Calls
from omnisync.adapters.amazon.feeds import Feeds
from omnisync.adapters.amazon.notices import TOPICS, Notices
from omnisync.adapters.amazon.pulling import Position
from omnisync.adapters.amazon.queue import Queue
from omnisync.adapters.amazon.settings import Account
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
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import format_time

SPARE = 10
"""So many searches of the usage plan are spent as soon as somebody wants to know; the others one after the other."""


class Amazon:
    """One connected seller account."""

    def __init__(self, name: str, account: Account, tools: Tools) -> None:
        self.name = name
        self.can = Can(
            write=Write.ABSOLUTE,
            batch_size=publishing.BATCH,
            shows="available",
            queue=account.queue_url is not None,
            topics=TOPICS,
            prices=True,
            price_with_stock=True,
            relists=False,
            applied_at_once=False,
            tells_pickups=True,
            poll_seconds=10 if account.queue_url else 60,
            overlap_seconds=pulling.OVERLAP.total_seconds(),
        )
        self._account, self._clock = account, tools.clock
        self._calls = Calls(name, account, tools)
        self.budgets = self._calls.budgets
        self._feeds = Feeds(self._calls, account, tools.clock)
        self._queue = Queue(name, account, tools) if account.queue_url else None
        self._notices = Notices(self._queue, self._calls, account.store_ids, tools.clock) if self._queue else None
        self._searched_at: float | None = None
        self._asked: list[str] = []
        """SKUs whose levels the last pull told."""

    def __repr__(self) -> str:
        return f"Amazon({self.name!r})"

    def identify(self, hook: Hook) -> Identified:
        return Forged("Amazon sends no webhooks: its notifications wait in a queue.")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return ()

    def subject(self, hook: Hook) -> str | None:
        return None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return ()

    async def check(self) -> Sequence[Check]:
        first = {"marketplaceIds": self._account.store.id, "pageSize": "1"}
        since = format_time(self._clock.now() - timedelta(hours=1))
        asked = {"lastUpdatedAfter": since, "marketplaceIds": self._account.store_ids, "maxResultsPerPage": "1"}
        found = [
            await checks.readable(
                "listings", lambda: self._calls.get("searchListingsItems", self._account.seller_id, **first)
            ),
            await checks.readable("orders", lambda: self._calls.get("searchOrders", **asked)),
        ]
        return [*found, await checks.readable("queue", self._queue.look)] if self._queue else found

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """What the queue brought, and with it a page of the search as often as Amazon allows that.

        Orders that no notification told are found a few minutes later; until then their pieces show as missing from the level
        that is read before each write.
        """
        trouble: TryLater | NeedsAttention | None = None
        told = await self._undone()
        try:
            told += await self._notices.read() if self._notices else []
        except (TryLater, NeedsAttention) as error:
            trouble = error  # the search finds the orders all the same
        position = Position.of(cursor, now - timedelta(days=self._account.first_days))
        if not (cursor is None or position.token or self._due()):
            if trouble is not None:
                raise trouble
            return Page(told, cursor)
        page = await pulling.search(self._calls, self._account, position, now=now)
        self._searched_at = self._clock.monotonic()
        return Page([*page.facts, *told], page.cursor, page.more)

    async def _undone(self) -> list[Fact]:
        """What is shown now where a feed may have landed after a newer patch."""
        await self._feeds.learn()
        self._asked = list(self._feeds.doubtful)[: publishing.BATCH]
        return [*await listings.look(self._calls, self._account, self._asked)]

    def _due(self) -> bool:
        """Whether a search may be spent now."""
        budget = self._calls.budgets["searchOrders"]
        rested = self._searched_at is None or self._clock.monotonic() - self._searched_at >= 1 / budget.rate
        return budget.ready(SPARE) or (rested and budget.ready())

    async def listings(self, cursor: str | None) -> ListingPage:
        return await listings.page(self._calls, self._account, cursor)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        await self._feeds.learn()
        return await listings.look(self._calls, self._account, [target.external_id for target in targets])

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await publishing.publish(self._calls, self._account, self._feeds, shown)

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return await pickups.tell(self._calls, news)

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return await subscribing.settle(self._calls, self._account, wanted)

    async def fetch_key(self, kid: str) -> bytes:
        """Nothing of Amazon's is signed for us."""
        return b""

    async def done(self, receipts: Sequence[str]) -> None:
        for sku in self._asked:
            self._feeds.doubtful.pop(sku, None)
        if self._notices:
            await self._notices.done(receipts)

    async def close(self) -> None:
        await self._calls.client.close()
        if self._queue:
            await self._queue.close()
