"""`python -m bench [--json] [names]`: each figure beside its floor, on each database."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from bench import bulk, databases, measure, nodes, planted, processes, propagation, report, retailer, rigs, sim, zero
from bench.figures import FIGURES, Figure
from bench.processes import LOAD_CORE, free_ports, running
from omnisync import db

Row = dict[str, Any]
OTHERS = {
    "reserve.nodes": nodes.measure,
    "propagation": propagation.measure,
    "zero": zero.measure,
    "import.stock": bulk.import_stock,
    "verify": bulk.verify,
    "republish": bulk.republish,
}
"""Figures that are no load on one server, each with a database of its own: (database, seconds=, full=) -> row."""
NEED_SHARED = {"reserve.nodes"}
"""Asked only where several nodes can share the database."""
ONCE: dict[str, Callable[[bool, int | None], Row]] = {
    "planted": lambda full, tries: planted.measure(),
    "sim": lambda full, tries: sim.measure(full=full, tries=tries),
}
"""Figures that are asked once, whatever the database: (at full size, so often) -> row."""
NAMES = [*(one.name for one in FIGURES), *OTHERS, *rigs.NAMES, *ONCE]


def main() -> int:
    """Measure, tell, and fail when the flash sale granted another number than there was, when a planted bug survived, when a rig
    found something lost or doubled, or when a simulated run went wrong."""
    given = _arguments()
    retailer.ARTICLES, retailer.ASKED = given.articles, given.asked
    pinned = processes.pin(os.getpid(), LOAD_CORE)
    rows = []
    say = sys.stderr if given.json else sys.stdout
    print(report.HEAD, file=say)
    for row in _rows(given):
        rows.append(row)
        print(report.line(row), file=say, flush=True)
    if given.json:
        print(json.dumps({"machine": report.machine(pinned=pinned), "figures": rows}))
    return 1 if any(_is_wrong(row) for row in rows) else 0


def _is_wrong(row: Row) -> bool:
    oversold = row.get("granted", retailer.FLASH_PIECES) != retailer.FLASH_PIECES
    wrong = row.get("failed") or (row["name"].startswith(("rigs.", "planted")) and row["errors"])
    return oversold or bool(wrong)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench", description="Benchmarks, each beside its floor.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    parser.add_argument("--seconds", type=float, default=4.0, help="under load in each round")
    parser.add_argument("--rounds", type=int, default=3, help="floor, figure, floor; the median by ratio is shown")
    parser.add_argument("--database", choices=databases.NAMES, action="append", help="only this one")
    parser.add_argument(
        "--articles", type=int, default=retailer.ARTICLES, help="of the retailer, each at two locations"
    )
    parser.add_argument("--asked", type=int, default=retailer.ASKED, help="so many of these articles are asked for")
    parser.add_argument(
        "--full", action="store_true", help="propagation and what follows it, and sim, at their full size"
    )
    parser.add_argument("--tries", type=int, help="of each rig, and seeds of sim, instead of their own number")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no figure {min(unknown)!r}: {', '.join(NAMES)}")
    return given


def _rows(given: argparse.Namespace) -> Iterator[Row]:
    wanted = [one for one in FIGURES if one.name in given.names or not given.names]
    plan = measure.Plan(given.seconds, given.rounds)
    for database in given.database or databases.NAMES:
        if reason := databases.missing(database):
            print(f"{database}: not measured, {reason}", file=sys.stderr)
            continue
        if wanted:
            yield from _on(database, wanted, plan)
        for name, other in OTHERS.items():
            if (name in given.names or not given.names) and not (name in NEED_SHARED and database == "sqlite"):
                yield other(database, seconds=given.seconds, full=given.full)
        if crash := set(rigs.NAMES) & set(given.names or ["rigs"]):
            yield from rigs.measure(database, crash, full=given.full, tries=given.tries)
    for name, ask in ONCE.items():
        if name in given.names or not given.names:
            yield ask(given.full, given.tries)


def _on(database: str, wanted: Sequence[Figure], plan: measure.Plan) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omnisync-bench-")))
        url = stack.enter_context(databases.empty(database, folder))
        port, floor_port = free_ports(2)
        config = retailer.write_settings(folder, url, port)
        engine = db.engine_for(url)
        stack.callback(engine.dispose)
        key = retailer.open_for_business(engine)
        floor = stack.enter_context(running("bench.floor", port=floor_port))
        server = stack.enter_context(
            running("omnisync.cli", "serve", "--no-worker", "--config", str(config), port=port)
        )
        numbers = count(1)

        def flash() -> str:
            name = f"FLASH-{next(numbers)}"
            retailer.stock_flash(engine, name)
            return name

        for figure in wanted:
            article = flash if figure.flash else lambda: retailer.HOT
            rounds = measure.measure(figure, server, floor, key, article, plan)
            yield measure.summary(figure, database, rounds) | {
                "peak_mb": server.peak_mb(),
                "articles": retailer.ARTICLES,
                "asked": len(retailer.asked_for()),
            }


if __name__ == "__main__":
    sys.exit(main())
