"""What works on everything at once: an import of stock, `verify`, and what a channel with very many listings should show."""

from __future__ import annotations

import asyncio
import csv
import gc
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from bench import databases, town
from bench.retailer import in_parts, sku
from omnisync import db, migrations
from omnisync.adapters import registry
from omnisync.adapters.client import Tools
from omnisync.catalog.tables import Article
from omnisync.clock import SystemClock, system_chance, system_ids
from omnisync.commands import verify as command
from omnisync.commands.imports import PAUSE_SECONDS
from omnisync.imports.runs import Importer
from omnisync.imports.stock_file import StockFile
from omnisync.settings import ChannelSettings, LocationSettings, Settings
from omnisync.stock.tables import Balance, Movement
from omnisync.sync import reconcile
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import ChannelListing, ShownState

PLACES = ("linden", "markt")
PIECES = 5
AT_ONCE = 20_000
LINES, MOVEMENTS, LISTINGS = (100_000, 1_000_000), (1_000_000, 10_000_000), (100_000, 1_000_000)
"""How many, usually and with --full."""
SHELVES = 20_000
SLICE = 2_000
"""Rows of one transaction of the import's floor."""
CLOCK = SystemClock()
Row = dict[str, Any]


def import_stock(database: str, *, seconds: float, full: bool) -> Row:
    """Lines a second of a count of everything, as `omnisync import stock` takes it in, its pauses included."""
    lines = LINES[full]
    with _opened(database) as (engine, folder):
        _put(engine, Article, (_article(number) for number in range(lines // 2)))
        file = folder / "stock.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["sku", "location", "on_hand"])
            writer.writerows([sku(number), place, PIECES] for number in range(lines // 2) for place in PLACES)
        importer = Importer(engine, CLOCK, system_ids(), give_way=lambda: time.sleep(PAUSE_SECONDS))
        taken = _timed(lambda: importer.run(file, lambda: StockFile([_location(code) for code in PLACES], None)))
    with _opened(database) as (engine, _):
        return _row("import.stock", database, lines, taken, _timed(lambda: _bare(engine, lines)))


def verify(database: str, *, seconds: float, full: bool) -> Row:
    """Movements a second of `omnisync verify`; the floor sums them by shelf and does nothing else."""
    movements = MOVEMENTS[full]
    with _opened(database) as (engine, _):
        _put(engine, Movement, (_movement(number) for number in range(movements)))
        shelves = min(SHELVES, movements)
        _put(engine, Balance, (_balance(n, "linden", len(range(n, movements, SHELVES))) for n in range(shelves)))

        def check() -> None:
            with db.reading(engine) as session:
                found = command.violations(session)
                assert not found, found

        def add_up() -> None:
            journal = db.table(Movement)
            total = sa.select(journal.c.location, journal.c.sku, sa.func.sum(journal.c.on_hand))
            with db.reading(engine) as session:
                session.execute(total.group_by(journal.c.location, journal.c.sku)).all()

        floor = _timed(add_up)
        return _row("verify", database, movements, _timed(check), floor)


def republish(database: str, *, seconds: float, full: bool) -> Row:
    """Listings a second of a pass over what all of them should show, when each already does."""
    listings = LISTINGS[full]
    with _opened(database) as (engine, _):
        place = town.SHOP_PLACES["linden"]
        _put(engine, Article, map(_article, range(listings)))
        _put(engine, Balance, (_balance(number, "linden", PIECES) for number in range(listings)))
        _put(engine, ChannelListing, map(_listing, range(listings)))
        _put(engine, ShownState, (_shown(number, place) for number in range(listings)))
        context = _shop(engine, place)

        async def decide() -> None:
            await reconcile.refresh(context, context.channel(town.SHOP), full=True)

        def add_up() -> None:
            with db.reading(engine) as session:
                session.execute(sa.select(db.table(Balance))).all()

        taken = _timed(lambda: asyncio.run(decide()))
        return _row("republish", database, listings, taken, _timed(add_up))


# ---------------------------------------------------------------- figures


class _Taken(NamedTuple):
    """What a piece of work took."""

    seconds: float
    cpu_seconds: float
    peak_mb: int
    """The most memory that this process held until then."""


def _row(name: str, database: str, number: int, taken: _Taken, floor: _Taken) -> Row:
    return {
        "name": name, "database": database, "value": round(number / taken.seconds, 1), "unit": "1/s",
        "floor": round(number / floor.seconds, 1), "ratio": round(floor.seconds / taken.seconds, 3), "errors": 0,
        "number": number, "seconds": round(taken.seconds, 2), "peak_mb": taken.peak_mb,
        "cpu_us": round(taken.cpu_seconds / number * 1e6, 1), "floor_cpu_us": round(floor.cpu_seconds / number * 1e6, 1),
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> _Taken:
    began, computed = time.monotonic(), time.process_time()
    work()
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - computed
    return _Taken(seconds, cpu_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def _bare(engine: Engine, lines: int) -> None:
    """The same rows into the same tables with their indexes, as durable, and nothing else done."""
    for some in in_parts(range(lines), SLICE):
        shelves = [(number // len(PLACES), PLACES[number % len(PLACES)]) for number in some]
        with db.transaction(engine) as session:
            db.insert_all(session, db.table(Movement), [_counted(*shelf) for shelf in shelves])
            db.insert_all(session, db.table(Balance), [_balance(number, place, PIECES) for number, place in shelves])


def _counted(number: int, place: str) -> Row:
    key = {"location": place, "sku": sku(number), "key": f"import:01JD0000000000000000000000/{place}/{sku(number)}"}
    return _movement(number) | key | {"kind": "count", "quantity": PIECES, "on_hand": PIECES}


# ---------------------------------------------------------------- a database that holds much


@contextmanager
def _opened(database: str) -> Iterator[tuple[Engine, Path]]:
    with tempfile.TemporaryDirectory(prefix="omnisync-bench-") as name, databases.empty(database, Path(name)) as url:
        engine = db.engine_for(url)
        try:
            migrations.upgrade(engine)
            gc.freeze()  # as a command does
            yield engine, Path(name)
        finally:
            engine.dispose()


def _put(engine: Engine, model: type[SQLModel], rows: Iterable[Row]) -> None:
    table = db.table(model)
    for some in in_parts(rows, AT_ONCE):
        with engine.begin() as connection:
            connection.execute(sa.insert(table), some)


_NOW = CLOCK.now()
_LEVELS = {"reserved": 0, "blocked": 0, "incoming": 0, "safety": 0, "backorder": 0}


def _article(number: int) -> Row:
    return {"sku": sku(number), "title": f"Artikel {number}", "unit": "piece", "stocked": True, "changed_at": _NOW}


def _balance(number: int, location: str, pieces: int) -> Row:
    shelf = {"location": location, "sku": sku(number), "on_hand": pieces, "off_sale": False}
    return shelf | _LEVELS | {"changed_at": _NOW - timedelta(hours=1)}


def _movement(number: int) -> Row:
    return {
        "location": "linden", "sku": sku(number % SHELVES), "kind": "received", "quantity": 1, "on_hand": 1,
        "key": f"bench:{number}", "cause": "bench", "occurred_at": _NOW, "recorded_at": _NOW,
    } | _LEVELS  # fmt: skip


def _listing(number: int) -> Row:
    extra = {"inventory_item": str(number)}
    return {
        "channel": town.SHOP, "external_id": str(number), "sku": sku(number), "title": "", "extra": extra,
        "managed": True, "added_at": _NOW,
    }  # fmt: skip


def _shown(number: int, place: str) -> Row:
    return {
        "channel": town.SHOP, "external_id": str(number), "place": place, "sku": sku(number), "wanted": PIECES,
        "believed": PIECES, "applied": PIECES, "applied_at": _NOW, "allocated": 0, "provisional": 0, "failures": 0,
        "contradicted": 0,
    }  # fmt: skip


def _location(code: str) -> LocationSettings:
    return LocationSettings(code=code, name=code.title())


def _shop(engine: Engine, place: str) -> Context:
    channel = ChannelSettings(
        name=town.SHOP, adapter="shopify", locations=["linden"], location_map={place: "linden"},
        settings=town.adapter_settings(town.SHOP, {town.SHOP: 9}),
    )  # fmt: skip
    tools = Tools(CLOCK, system_ids(), system_chance())
    adapter = registry.factory("shopify")(town.SHOP, channel.settings, channel.location_map, "http://127.0.0.1", tools)
    settings = Settings(locations=[_location("linden")], channels=[channel])
    return Context(Inline(engine), settings, CLOCK, system_ids(), {town.SHOP: adapter})
