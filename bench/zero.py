"""How long a sold-out article still stands in the channels while everything else changes too: zeros do not queue."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import databases, propagation, town, wire
from bench.load import percentile
from bench.retailer import in_parts, sku
from bench.town import EBAY, PIECES, SHOP, SHOP_PLACES, Size, Town

SMALL, FULL = Size(2_000, (SHOP,), 0.0), Size(10_000, (SHOP,), 0.0)
"""Of so many articles on each channel every one changes within moments."""
SOLD_OUT = 40
"""Few enough for the blast guard, which would ask a person."""
LINES = 1_000
PATIENCE_SECONDS = 600.0


def measure(database: str, *, seconds: float, full: bool) -> dict[str, Any]:
    """All articles are counted one piece down; then some are sold out. The value is the p99 until these show 0 everywhere.

    The floor is what an order of arrival would have given them: the p99 of the articles that were counted just before.
    """
    del seconds  # it takes as long as it takes
    with (
        tempfile.TemporaryDirectory(prefix="omnisync-bench-") as name,
        databases.empty(database, Path(name)) as url,
        town.put_up(FULL if full else SMALL, Path(name), url) as put_up,
    ):
        return {"name": "zero", "database": database, **asyncio.run(_measure(put_up))}


async def _measure(put_up: Town) -> dict[str, Any]:
    gate = await wire.gate(put_up.ports["gate"], put_up.ports["server"], lambda *_: None)
    try:
        await propagation.until_ready(put_up)
        names = list(map(sku, range(put_up.size.listings)))
        gone, others = names[:SOLD_OUT], names[SOLD_OUT:]
        cpu = put_up.server.cpu_seconds()
        counted = await _say(
            put_up, [_line("count", one, place, PIECES - 1) for one in others for place in SHOP_PLACES]
        )
        emptied = await _say(put_up, [_line("sold", one, place, PIECES) for one in gone for place in SHOP_PLACES])
        last = others[-LINES // len(SHOP_PLACES) :][:: LINES // len(SHOP_PLACES) // SOLD_OUT][:SOLD_OUT]
        zeros, queued = await asyncio.gather(
            _until(put_up, gone, 0, emptied), _until(put_up, last, PIECES - 1, counted)
        )
        cpu = put_up.server.cpu_seconds() - cpu
    finally:
        gate.close()
    value, floor = percentile(zeros, 0.99) * 1000, percentile(queued, 0.99) * 1000
    return {
        "value": round(value, 1), "unit": "ms", "floor": round(floor, 1), "ratio": round(floor / value, 1),
        "p50_ms": round(percentile(zeros, 0.5) * 1000, 1), "p95_ms": round(percentile(zeros, 0.95) * 1000, 1),
        "p99_ms": round(value, 1), "errors": 2 * SOLD_OUT - len(zeros) - len(queued), "changes": put_up.size.listings,
        "cpu_us": round(cpu / put_up.size.listings * 1e6),
    }  # fmt: skip


def _line(kind: str, article: str, place: str, quantity: int) -> dict[str, Any]:
    return {"key": f"{kind}/{article}/{place}", "kind": kind, "sku": article, "location": place, "quantity": quantity}


async def _say(put_up: Town, lines: Iterable[dict[str, Any]]) -> float:
    """Tell omnisync what happened; when the last of it was acknowledged."""
    headers = {"authorization": f"Bearer {put_up.ops_key}"}
    for some in in_parts(lines, LINES):
        status, answer = await wire.ask(
            put_up.ports["server"], "POST", "/v1/stock/movements", {"movements": some}, headers=headers
        )
        if status >= 300:
            raise RuntimeError(f"movements were refused: {json.dumps(answer)[:300]}")
    return time.monotonic()


async def _until(put_up: Town, articles: Sequence[str], most: int, since: float) -> list[float]:
    """Seconds until every channel shows at most so many, of each article for which all did."""
    found = await asyncio.gather(*(_shown(put_up, one, most) for one in articles))
    return [max(0.0, at - since) for at in found if at is not None]


async def _shown(put_up: Town, article: str, most: int) -> float | None:
    places = [None, *SHOP_PLACES.values()]
    asked = [
        wire.ask(put_up.ports[EBAY if place is None else SHOP], "GET", f"/_sim/shown?{_query(article, most, place)}")
        for place in places
    ]
    answers = await asyncio.gather(*asked)
    return time.monotonic() if all(status == 200 for status, _ in answers) else None


def _query(article: str, most: int, place: str | None) -> str:
    wanted = {"sku": article, "most": most * (len(SHOP_PLACES) if place is None else 1), "seconds": PATIENCE_SECONDS}
    return urlencode(wanted | ({} if place is None else {"place": place}))
