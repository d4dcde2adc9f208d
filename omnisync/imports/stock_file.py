"""`omnisync import stock`: what was counted, location by location, with safety stock and the shelf where a thing lies.

Without `--counted-at` the file says what is there now: a row that says what the ledger says already is passed over, unless the
shelf waits for somebody to count it. With it the file is a stock-take of that moment, and every row is a count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles, backorder
from omnisync.catalog.articles import ArticleInfo
from omnisync.imports import cells, runs
from omnisync.imports.csvfile import Columns, Row
from omnisync.imports.faults import EXAMPLES, CellFault, Fault, nearest
from omnisync.imports.reading import Cells, Difference, Remake, Run, keep, similar_sku
from omnisync.settings import LocationSettings
from omnisync.stock import backorders, ledger
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance
from omnisync.values import Kind, Shelf, format_time

COLUMNS = Columns(required=("sku", "location", "on_hand"), optional=("safety", "shelf"))
_BALANCE = db.table(Balance)


class StockRow(NamedTuple):
    """What one row says about a shelf; None where it says nothing."""

    line: int
    location: str
    sku: str
    on_hand: int | None
    safety: int | None
    place: str | None
    names_place: bool


class StockFile:
    """One reading of a count."""

    kind = "stock"
    columns = COLUMNS
    channel: str | None = None
    record: Remake | None = StockRow._make

    def __init__(self, locations: Sequence[LocationSettings], counted_at: datetime | None = None) -> None:
        self.counted_at = counted_at
        self._locations = {location.code: location for location in locations}
        self._lines: dict[str, dict[str, int]] = {code: {} for code in self._locations}
        self._hints = 0

    # ------------------------------------------------------------ reading

    def parse(self, row: Row) -> tuple[StockRow | None, list[Fault]]:
        read = Cells(row)
        sku, location = read.read("sku", cells.sku), read.read("location", self._location)
        said = row.cells.get
        on_hand = read.read("on_hand", cells.quantity) if said("on_hand") else None
        safety = read.read("safety", cells.quantity) if said("safety") else None
        place = read.read("shelf", cells.text) if said("shelf") else None
        if not (said("on_hand") or said("safety") or said("shelf")):
            read.fault("empty", "on_hand: empty, and nothing else is said either")
        if said("on_hand") and location and (owner := self._locations[location].stock_owner) != "ledger":
            read.fault("owned-location", f"{location} is counted by {owner}; leave on_hand empty here")
        if read.faults or sku is None or location is None:
            return None, read.faults
        record = StockRow(row.line, location, sku, on_hand, safety, place, read.has("shelf"))
        return record, self._doubled(record)

    def _location(self, cell: str) -> str:
        if cell in self._locations:
            return cell
        if not cell:
            raise CellFault("empty", "the location is empty")
        hint = nearest(cell, self._locations) or f"; known are {', '.join(sorted(self._locations))}"
        raise CellFault("unknown-location", f'"{cell}"{hint}')

    def _doubled(self, record: StockRow) -> list[Fault]:
        first = self._lines[record.location].setdefault(record.sku, record.line)
        if first == record.line:
            return []
        name = f"{record.sku} at {record.location}"
        return [
            Fault(first, "double-row", f"{name} stands on line {record.line} too"),
            Fault(record.line, "double-row", f"{name} stands on line {first} already"),
        ]

    def examine(self, session: Session, records: Sequence[StockRow]) -> Iterable[Fault]:
        known = articles.known(session, (record.sku for record in records))
        for record in records:
            info = known.get(record.sku)
            if info is None:
                yield Fault(record.line, "unknown-sku", f"{record.sku}{self._hint(session, record.sku)}")
            elif why := _not_stocked(info):
                yield Fault(record.line, "not-stocked", f"{info.sku} {why}")

    def _hint(self, session: Session, sku: str) -> str:
        self._hints += 1
        return similar_sku(session, sku) if self._hints <= EXAMPLES else ""

    def finish(self, session: Session) -> Iterable[Fault]:
        return ()

    # ------------------------------------------------------------ comparing and writing

    def compare(self, session: Session, records: Sequence[StockRow], now: datetime) -> list[Difference]:
        standing = _standing(session, [(record.location, record.sku) for record in records])
        found = [self._difference(record, standing.get((record.location, record.sku))) for record in records]
        return [difference for difference in found if difference]

    def _difference(self, record: StockRow, stands: Standing | None) -> Difference | None:
        after: dict[str, Any] = {}
        if record.on_hand is not None and self._says_news(record.on_hand, stands):
            after["on_hand"] = record.on_hand
        if record.safety is not None and record.safety != (stands.safety if stands else 0):
            after["safety"] = record.safety
        if record.names_place and record.place != (stands.shelf if stands else None):
            after["shelf"] = record.place
        if not after:
            return None
        return Difference(
            record.line, f"{record.location}/{record.sku}", _before(after, stands) if stands else None, after
        )

    def _says_news(self, on_hand: int, stands: Standing | None) -> bool:
        return bool(self.counted_at or stands is None or on_hand != stands.on_hand or stands.off_sale)

    def write(self, session: Session, run: Run, differences: Sequence[Difference]) -> None:
        entries = [entry for difference in differences for entry in self._entries(run, difference)]
        ledger.record(session, entries, now=run.now)
        put_places(
            session, [(_shelf(one.key), one.after["shelf"]) for one in differences if "shelf" in one.after], run.now
        )
        keep(
            session,
            run,
            "shelf",
            ((one.key, _as_json(one.before), dict(one.after)) for one in differences if _restores(one)),
        )

    def _entries(self, run: Run, difference: Difference) -> Iterable[Entry]:
        shelf, cause = _shelf(difference.key), f"import:{run.id}"
        moment = self.counted_at or run.at
        if "on_hand" in difference.after:
            key = f"{cause}/{difference.key}"
            yield Entry(Kind.COUNT, shelf.sku, shelf.location, difference.after["on_hand"], cause, moment, key)
        if "safety" in difference.after:
            key = f"{cause}/{difference.key}/safety"
            yield Entry(Kind.SAFETY, shelf.sku, shelf.location, difference.after["safety"], cause, run.now, key)

    def close(self, session: Session, run: Run) -> None:
        """Nothing has to wait here."""

    def repeats(self, session: Session, sha256: str) -> str | None:
        """A count that was taken in already is not true a second time: sales since then would be counted away."""
        before = runs.earlier(session, self.kind, sha256)
        if before is None or (self.counted_at and before.counted_at != self.counted_at):
            return None
        return (
            f"This very file was imported on {format_time(before.at)} as {before.id}. "
            "If it was counted again with the same result, say when with --counted-at."
        )


@lru_cache(maxsize=4096)
def _not_stocked(info: ArticleInfo) -> str:
    if info.is_bundle:
        return "is a bundle: count what it holds"
    return "" if info.stocked else "is not stocked (deposit, shipping, service)"


def _shelf(key: str) -> Shelf:
    location, _, sku = key.partition("/")
    return Shelf(location, sku)


class Standing(NamedTuple):
    """How a shelf stands before the import."""

    on_hand: int
    safety: int
    shelf: str | None
    counted_at: datetime | None
    off_sale: bool


def _standing(session: Session, shelves: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Standing]:
    rows = session.execute(_STANDING, {"shelves": shelves}).all()
    return {(location, sku): Standing._make(numbers) for location, sku, *numbers in rows}


_STANDING = sa.select(_BALANCE.c.location, _BALANCE.c.sku, *(_BALANCE.c[name] for name in Standing._fields)).where(
    db.in_pairs(_BALANCE.c.location, _BALANCE.c.sku, sa.bindparam("shelves", type_=db.Many()))
)


def _before(after: Iterable[str], stands: Standing) -> dict[str, Any]:
    """What was changed, and what the journal cannot tell the undo: when this shelf was counted before, and whether it was off sale."""
    was = stands._asdict()
    return {name: was[name] for name in after} | {"counted_at": stands.counted_at, "off_sale": stands.off_sale}


def put_places(session: Session, places: Sequence[tuple[Shelf, str | None]], now: datetime) -> None:
    """Write down where in its location a thing lies."""
    if not places:
        return
    empty = dict.fromkeys(QUANTITIES, 0) | {"off_sale": False, "changed_at": now}
    values = [
        {"location": shelf.location, "sku": shelf.sku, "shelf": place, **empty} for shelf, place in sorted(places)
    ]
    db.upsert(session, _BALANCE, values, key=["location", "sku"], update=["shelf"])
    beyond = backorder.of(session, {shelf.sku for shelf, _ in places})
    backorders.follow(session, beyond, cause="article", now=now)


def _restores(difference: Difference) -> bool:
    """Whether there is something to put back that the journal does not tell."""
    before = difference.before or {}
    return "shelf" in difference.after or bool(before.get("counted_at") or before.get("off_sale"))


def _as_json(before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if before is None:
        return None
    counted_at = before.get("counted_at")
    return {**before, "counted_at": counted_at and format_time(counted_at)}
