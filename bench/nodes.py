"""Two API processes on one database beside one: what a second node gives, and whether both together are still exact."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import databases, retailer
from bench.figures import FIGURES, Figure
from bench.load import Result, drive
from bench.measure import CONNECTIONS, FLASH_SECONDS, WARM_UP_SECONDS
from bench.processes import Server, anywhere, free_ports, running
from omnisync import db

ROUNDS = 3
_BY_NAME = {figure.name: figure for figure in FIGURES}


def measure(database: str, *, seconds: float, full: bool) -> dict[str, Any]:
    """Reservations of any of the articles by two nodes, as a ratio to one. Every process may use every core, for there is no core
    for each of them; the flash sale at the end goes over both nodes at once."""
    del full  # there is only one size
    with anywhere(), ExitStack() as stack:
        return {"name": "reserve.nodes", "database": database, **_measure(stack, database, seconds)}


def _measure(stack: ExitStack, database: str, seconds: float) -> dict[str, Any]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omnisync-bench-")))
    url = stack.enter_context(databases.empty(database, folder))
    engine = db.engine_for(url)
    stack.callback(engine.dispose)
    key = retailer.open_for_business(engine)
    nodes = [stack.enter_context(_node(folder, url, port)) for port in free_ports(2)]
    spread, ratios, results = _BY_NAME["reserve.spread"], [], []
    _load(nodes, spread, key, "", WARM_UP_SECONDS)
    for _ in range(ROUNDS):
        before = _load(nodes[:1], spread, key, "", seconds / 2)
        both = _load(nodes, spread, key, "", seconds)
        after = _load(nodes[:1], spread, key, "", seconds / 2)
        ratios.append((both.rate / ((before.rate + after.rate) / 2), len(results)))
        results.append((both, (before.rate + after.rate) / 2))
    retailer.stock_flash(engine, "FLASH-NODES")
    rush = _load(nodes, _BY_NAME["reserve.flash"], key, "FLASH-NODES", FLASH_SECONDS)
    ratio, place = sorted(ratios)[ROUNDS // 2]
    both, one = results[place]
    return {
        "connections": CONNECTIONS, "value": round(both.rate, 1), "unit": "1/s", "floor": round(one, 1), "ratio": round(ratio, 3),
        "ratio_spread": [round(min(ratios)[0], 3), round(max(ratios)[0], 3)],
        "p50_ms": round(both.percentile_ms(0.5), 2), "p99_ms": round(both.percentile_ms(0.99), 2),
        "errors": sum(result.errors for result, _ in results), "granted": rush.statuses[201],
    }  # fmt: skip


def _node(folder: Path, url: str, port: int) -> Any:
    own = folder / str(port)
    own.mkdir()
    config = retailer.write_settings(own, url, port)
    return running("omnisync.cli", "serve", "--no-worker", "--config", str(config), port=port, core=None)


def _load(nodes: Sequence[Server], figure: Figure, key: str, article: str, seconds: float) -> Result:
    """The same connections, shared out among the nodes."""

    async def at_once() -> list[Result]:
        requests, share = figure.requests(key, article), CONNECTIONS // len(nodes)
        loads = [drive(one.port, requests, figure.successes, connections=share, seconds=seconds) for one in nodes]
        return await asyncio.gather(*loads)

    found = asyncio.run(at_once())
    whole = Result(figure.successes, max(one.seconds for one in found))
    whole.statuses = sum((one.statuses for one in found), Counter[int]())
    whole.latencies = [latency for one in found for latency in one.latencies]
    return whole
