"""What lies in Amazon's own warehouses (FBA): counted by Amazon, read here, never written and never sold by anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters import checks
from omnisync.adapters.amazon.calls import Calls, Json, rows
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.base import (
    Article,
    Can,
    Check,
    Fact,
    Forged,
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
    Write,
)
from omnisync.adapters.client import Tools
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

PLACE = "AMAZON"
"""What `location_map` calls all of Amazon's warehouses together."""
OVERLAP = timedelta(minutes=10)
"""Amazon's summaries follow what happens by some minutes."""


class Warehouse:
    """The read-only half of an account."""

    def __init__(self, name: str, account: Account, tools: Tools) -> None:
        self.name = name
        self.can = Can(
            write=Write.NONE, looks=False, poll_seconds=300, overlap_seconds=OVERLAP.total_seconds(), shows="on_hand"
        )
        self._account, self._calls = account, Calls(name, account, tools)

    def __repr__(self) -> str:
        return f"Warehouse({self.name!r})"

    def identify(self, hook: Hook) -> Identified:
        return Forged("Amazon sends no webhooks.")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return ()

    def subject(self, hook: Hook) -> str | None:
        return None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return ()

    async def check(self) -> Sequence[Check]:
        return [await checks.readable("stock at Amazon", lambda: self._summaries({}))]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """What changed there since; the first time, everything."""
        since, token, began = from_cursor(cursor, 3) if cursor else ("", "", "")
        began = began or format_time(now)
        asked = {"startDateTime": format_time(parse_time(since) - OVERLAP)} if since else {}
        told, token = await self._summaries(asked | ({"nextToken": token} if token else {}))
        facts = [level for row in told if (level := _level(row)) is not None]
        after = to_cursor(since, token, began) if token else to_cursor(began, "", "")
        return Page(facts, after, more=bool(token))

    async def listings(self, cursor: str | None) -> ListingPage:
        token = from_cursor(cursor, 1)[0] if cursor else ""
        told, token = await self._summaries({"nextToken": token} if token else {})
        listed = [
            Listing(
                str(row["sellerSku"]), str(row["sellerSku"]), title=str(row.get("productName") or ""), managed=False
            )
            for row in told
        ]
        return ListingPage(listed, to_cursor(token), more=bool(token))

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return ()

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Nothing is ever written here."""
        raise AssertionError("the stock in Amazon's warehouses is not ours to write")

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return ()

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return ()

    async def fetch_key(self, kid: str) -> bytes:
        return b""

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing to put away."""

    async def close(self) -> None:
        await self._calls.client.close()

    async def _summaries(self, more: dict[str, Any]) -> tuple[Sequence[Json], str]:
        store = self._account.store.id
        asked = {
            "details": "true", "granularityType": "Marketplace", "granularityId": store, "marketplaceIds": store, **more
        }  # fmt: skip
        answer = await self._calls.get("getInventorySummaries", **asked)
        found = rows(answer.get("payload"), "inventorySummaries", "sellerSku")
        return found, str((answer.get("pagination") or {}).get("nextToken") or "")


def _level(row: Json) -> LevelSeen | None:
    """What can be sent from there; reserved, damaged and inbound pieces are none of it."""
    sku, told = row["sellerSku"], (row.get("inventoryDetails") or {}).get("fulfillableQuantity")
    if told is None:
        return None
    return LevelSeen(Article(str(sku), str(sku), title=str(row.get("productName") or "")), int(told), place=PLACE)
