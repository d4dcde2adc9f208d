"""From a till sale that omnisync has acknowledged to the moment when every other channel shows the number."""

from __future__ import annotations

import asyncio
import csv
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import databases, town, wire
from bench.load import percentile
from bench.retailer import sku
from bench.town import EBAY, FULL, PIECES, SHOP_PLACES, SMALL, SOLD_AT, Town
from omnisync.adapters import registry
from omnisync.adapters.base import Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.clock import SystemClock, system_chance, system_ids
from omnisync.sync import looks

READY_SECONDS = 900.0
QUIET_SECONDS = 4.0
"""For so long nothing may be queued: a channel whose listings are just being read has nothing in its queue yet."""
STEADY_SECONDS = looks.CLOCKS_APART.total_seconds() + 10
"""Before the first sale: a number that was written less than `CLOCKS_APART` ago is looked at when its channel tells of an order, which might
be from before the write. That is the rare case in a shop, and would be every sale right after all listings were written."""
WARM_UP_SALES = 20
PATIENCE_SECONDS = 60.0
"""A sale that is not shown by then is an error."""
FLOOR_WRITES = 30
WATCH_SECONDS = 0.005


@dataclass
class _Round:
    """One run of sales."""

    town: Town
    acknowledged: dict[str, float] = field(default_factory=dict)
    """When the webhook of an order was answered, or the file with a receipt lay in done/."""
    left: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(lambda: PIECES))
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    def passed(self, request: bytes, at: float) -> None:
        """A webhook was answered."""
        body = json.loads(request.partition(b"\r\n\r\n")[2] or b"{}")
        name = (body.get("data") or {}).get("id") if isinstance(body, dict) else None
        if name:
            self.acknowledged.setdefault(str(name), at)

    async def watch_files(self) -> None:
        """Look for receipts in the till's done/ for as long as nobody cancels it."""
        seen: set[str] = set()
        while True:
            names = set(map(str, self.town.done.glob("*.csv"))) - seen
            at = time.monotonic()
            self.acknowledged |= {receipt: at for name in names for receipt in _receipts(Path(name))}
            seen |= names
            await asyncio.sleep(WATCH_SECONDS)

    async def sell(self, till: str, article: str, *, counts: bool) -> None:
        """One sale, followed to the last channel that has to show it."""
        status, answer = await wire.ask(self.town.ports[till], "POST", "/_sim/buy", {"sku": article})
        location = SOLD_AT[till]
        self.left[location, article] -= 1
        waits = [self._shown(channel, location, article) for channel in self.town.followers]
        shown = await asyncio.gather(*waits)
        # What a poll brought may be shown everywhere before its webhook is answered: that took no time at all.
        began = self.acknowledged.get(str(answer["order"]), time.monotonic())
        if status != 200 or None in shown:
            self.errors += 1
        elif counts:
            self.latencies.append(max(0.0, *(at - began for at in shown if at is not None)))

    async def _shown(self, channel: str, location: str, article: str) -> float | None:
        """When the channel showed no more than is left; None when it never did."""
        there = [location] if channel != EBAY else SOLD_AT.values()
        query = {"sku": article, "most": sum(self.left[one, article] for one in there), "seconds": PATIENCE_SECONDS}
        if channel != EBAY:
            query["place"] = SHOP_PLACES[location]
        status, _ = await wire.ask(self.town.ports[channel], "GET", f"/_sim/shown?{urlencode(query)}")
        return time.monotonic() if status == 200 else None


def _receipts(file: Path) -> list[str]:
    """The first cell of each line: its number."""
    return [row[0] for row in csv.reader(file.read_text("cp1252").splitlines(), delimiter=";")]


def measure(database: str, *, seconds: float, full: bool) -> dict[str, Any]:
    """The figure on this database, with the floor of the same run."""
    with (
        tempfile.TemporaryDirectory(prefix="omnisync-bench-") as name,
        databases.empty(database, Path(name)) as url,
        town.put_up(FULL if full else SMALL, Path(name), url) as put_up,
    ):
        return {"name": "propagation", "database": database, **asyncio.run(_measure(put_up, seconds))}


async def _measure(put_up: Town, seconds: float) -> dict[str, Any]:
    run = _Round(put_up)
    gate = await wire.gate(put_up.ports["gate"], put_up.ports["server"], run.passed)
    watching = asyncio.create_task(run.watch_files())
    try:
        await until_ready(put_up)
        await asyncio.sleep(STEADY_SECONDS)
        floor = await _floor(put_up)
        cpu = put_up.server.cpu_seconds()
        sales = await _trade(run, seconds)
        cpu = put_up.server.cpu_seconds() - cpu
    finally:
        watching.cancel()
        gate.close()
    p50 = percentile(run.latencies, 0.5) * 1000
    return {
        "value": round(p50, 1), "unit": "ms", "floor": round(floor * 1000, 1), "ratio": round(floor * 1000 / p50, 3),
        "p50_ms": round(p50, 1), "p95_ms": round(percentile(run.latencies, 0.95) * 1000, 1),
        "p99_ms": round(percentile(run.latencies, 0.99) * 1000, 1), "errors": run.errors, "sales": sales,
        "sales_per_second": round(put_up.size.sales_per_second, 1),
        "listings": put_up.size.listings * (len(put_up.followers) + len(SOLD_AT)), "cpu_us": round(cpu / sales * 1e6),
    }  # fmt: skip


async def _trade(run: _Round, seconds: float) -> int:
    """Sales at a steady rate, in turn at each till; how many."""
    rate, tills = run.town.size.sales_per_second, list(SOLD_AT)
    sales = WARM_UP_SALES + round(seconds * rate)
    began, under_way = time.monotonic(), []
    for number in range(sales):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        article = sku(number % run.town.size.listings)
        sale = run.sell(tills[number % len(tills)], article, counts=number >= WARM_UP_SALES)
        under_way.append(asyncio.create_task(sale))
    await asyncio.gather(*under_way)
    return sales


async def until_ready(put_up: Town) -> None:
    """Until every channel is matched and shows what it should."""
    until, since = time.monotonic() + READY_SECONDS, time.monotonic()
    bearer = {"authorization": f"Bearer {put_up.ops_key}"}
    while time.monotonic() < until:
        status, answer = await wire.ask(put_up.ports["server"], "GET", "/v1/channels", headers=bearer)
        if status != 200 or not all(one["last_success_at"] and not one["queued"] for one in answer["items"]):
            since = time.monotonic()
        elif time.monotonic() - since >= QUIET_SECONDS:
            return
        await asyncio.sleep(0.2)
    raise RuntimeError("the channels were not in step in time")


async def _floor(put_up: Town) -> float:
    """Seconds that one write takes at the slowest channel, sent by nobody but us: the median of some."""
    return max([await _median_write(put_up, name) for name in put_up.followers])


async def _median_write(put_up: Town, name: str) -> float:
    clock = SystemClock()
    adapter = registry.factory("ebay" if name == EBAY else "shopify")(
        name, town.adapter_settings(name, put_up.ports), town.location_map(name), "http://127.0.0.1",
        Tools(clock, system_ids(), system_chance()),
    )  # fmt: skip
    page = await adapter.listings(None)
    listing = next(one for one in page.listings if one.sku is not None)
    place = None if name == EBAY else SHOP_PLACES["linden"]
    pieces = PIECES if place else PIECES * len(SOLD_AT)
    target, times = Target(listing.external_id, listing.sku or "", place, listing.extra), []
    for number in range(FLOOR_WRITES):
        began = time.monotonic()
        done: Sequence[Any] = await adapter.publish(
            [Shown(target, f"floor-{number}", clock.now(), quantity=pieces, compare=pieces)]
        )
        times.append(time.monotonic() - began)
        assert done[0].outcome in (Outcome.APPLIED, Outcome.ACCEPTED), done
    await adapter.close()
    return percentile(times, 0.5)
