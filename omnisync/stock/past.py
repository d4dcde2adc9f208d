"""A shelf as it stood at some moment, added up from the journal as it had been recorded by then, with what made it so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.stock import archives
from omnisync.stock.effects import QUANTITIES, Level
from omnisync.stock.tables import Movement
from omnisync.values import Kind, Shelf

journal = db.table(Movement)
MOST = 10
"""Causes that are named of each term, the newest; the others are summed up."""
MOST_PROMISES = 50


@dataclass(frozen=True, slots=True)
class Cause:
    """A movement, or an open promise with its first one, and how many pieces of a term it stands for."""

    movement: int
    kind: str
    pieces: int
    cause: str
    reason: str | None
    promise: str | None
    occurred_at: datetime
    recorded_at: datetime


def levels(session: Session, shelves: Collection[Shelf], moment: datetime) -> dict[Shelf, Level]:
    """The sums of what had been recorded by then; a shelf that nobody had spoken of is left out. Refused for a moment that has
    left the journal."""
    archives.check_reach(session, moment)
    if not shelves:
        return {}
    here = _recorded(moment, db.in_pairs(journal.c.location, journal.c.sku, sorted(shelves)))
    sums = (sa.func.sum(journal.c[name]) for name in QUANTITIES)
    rows = session.execute(
        sa.select(journal.c.location, journal.c.sku, *sums).where(here).group_by(journal.c.location, journal.c.sku)
    )
    off = _off_sale(session, here)
    found = {Shelf(location, sku): Level(*quantities) for location, sku, *quantities in rows}
    return {shelf: level._replace(off_sale=shelf in off) for shelf, level in found.items()}


def _off_sale(session: Session, here: sa.ColumnElement[bool]) -> set[Shelf]:
    """Shelves of which nothing was promised: not found, and not counted since. An older count than the last one ends nothing."""
    marks = sa.select(journal).where(here, journal.c.kind.in_((Kind.COUNT.value, Kind.OFF_SALE.value)))
    off: dict[Shelf, datetime] = {}
    counted_at: dict[Shelf, datetime] = {}
    for row in session.execute(marks.order_by(journal.c.id)):
        shelf = Shelf(row.location, row.sku)
        if row.kind == Kind.OFF_SALE:
            off[shelf] = row.recorded_at
        elif row.occurred_at >= counted_at.get(shelf, row.occurred_at):
            counted_at[shelf] = row.occurred_at
            if off.get(shelf, row.occurred_at) <= row.occurred_at:
                off.pop(shelf, None)
    return set(off)


def causes(session: Session, shelf: Shelf, term: str, moment: datetime) -> list[Cause]:
    """What changed this quantity of a shelf last, the newest first; of what is reserved, the promises that were open."""
    here = _recorded(moment, sa.and_(journal.c.location == shelf.location, journal.c.sku == shelf.sku))
    if term == "reserved":
        return _promises(session, here)
    if term == "off_sale":
        return _newest(session, sa.and_(here, journal.c.kind == Kind.OFF_SALE.value), journal.c.quantity, most=1)
    return _newest(session, sa.and_(here, journal.c[term] != 0), journal.c[term], most=MOST)


def _newest(session: Session, here: sa.ColumnElement[bool], pieces: sa.ColumnElement[int], *, most: int) -> list[Cause]:
    statement = sa.select(journal, pieces.label("pieces")).where(here).order_by(journal.c.id.desc()).limit(most)
    return [_cause(row) for row in session.execute(statement)]


def _promises(session: Session, here: sa.ColumnElement[bool]) -> list[Cause]:
    pieces = sa.func.sum(journal.c.reserved)
    still_open = (
        sa.select(sa.func.min(journal.c.id).label("first"), pieces.label("pieces"))
        .where(here, journal.c.promise.is_not(None))
        .group_by(journal.c.promise)
        .having(pieces != 0)
        .subquery()
    )
    statement = sa.select(journal, still_open.c.pieces).join(still_open, still_open.c.first == journal.c.id)
    return [_cause(row) for row in session.execute(statement.order_by(journal.c.id.desc()).limit(MOST_PROMISES))]


def _cause(row: Any) -> Cause:
    return Cause(
        row.id, row.kind, int(row.pieces), row.cause, row.reason, row.promise, row.occurred_at, row.recorded_at
    )


def blocked_reasons(session: Session, shelf: Shelf, moment: datetime) -> dict[str, int]:
    """Why pieces were not for sale. Unblocked without one of these reasons, the oldest block is lifted first."""
    here = _recorded(moment, sa.and_(journal.c.location == shelf.location, journal.c.sku == shelf.sku))
    statement = sa.select(journal.c.reason, journal.c.blocked).where(here, journal.c.blocked != 0)
    return by_reason((row.reason or "", row.blocked) for row in session.execute(statement.order_by(journal.c.id)))


def by_reason(changes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Blocked and unblocked pieces in their order, as what is left of each reason. Pure."""
    left: Counter[str] = Counter()
    for reason, pieces in changes:
        if pieces > 0:
            left[reason] += pieces
        for name in (reason, *left) if pieces < 0 else ():
            lifted = min(left[name], -pieces)
            left[name] -= lifted
            pieces += lifted
    return {reason: pieces for reason, pieces in left.items() if pieces}


def _recorded(moment: datetime, here: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(here, journal.c.recorded_at <= moment)
