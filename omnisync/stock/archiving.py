"""Taking a closed month out of the journal: first its file, checked and safe on disk; then, in one transaction, what it is
carried forward as in place of its movements.

A crash leaves everything as before, perhaps with a file that the next run writes anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.batches import batches
from omnisync.errors import Conflict
from omnisync.stock import archive_file, archives, stocktakes
from omnisync.stock.archive_file import Head, Written
from omnisync.stock.carrying import Moved
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.tables import Archive, ArchivedKey, Movement
from omnisync.values import Shelf, format_time

PAGE = 5_000
_movement, _key = db.table(Movement), db.table(ArchivedKey)
_COLUMNS = [_movement.c[name] for name in Moved._fields]
Read = Callable[[sa.Select[Any]], Sequence[Any]]
"""Answers one query, in a short reading transaction of its own."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the journal is cut: after which archive, and up to which movement."""

    month: str
    until: datetime
    last_id: int
    number: int = 1
    after_id: int = 0
    previous: str | None = None

    @property
    def file(self) -> str:
        return f"movements-{self.month}.jsonl.gz"

    @property
    def head(self) -> Head:
        return Head(self.number, self.month, format_time(self.until), self.after_id, self.last_id, self.previous)


def cut(session: Session, month: str, until: datetime) -> Cut | None:
    """The last place up to `until` where the order of the journal and that of its moments agree, so that no transaction is torn;
    None when nothing was recorded before it."""
    before = archives.newest(session)
    after_id = before.last_id if before else 0
    last_id = session.execute(_quiet(after_id, until)).scalar()
    if last_id is None:
        return None
    if before is None:
        return Cut(month, until, last_id)
    return Cut(month, until, last_id, before.id + 1, after_id, before.sha256)


def _quiet(after_id: int, until: datetime) -> sa.Select[Any]:
    at = _movement.c.recorded_at
    latest = sa.func.max(at).over(order_by=_movement.c.id)
    earliest_later = sa.func.min(at).over(order_by=_movement.c.id.desc(), rows=(None, -1))
    told = sa.select(_movement.c.id, latest.label("latest"), earliest_later.label("later"))
    journal = told.where(_movement.c.id > after_id).subquery()
    in_order = sa.or_(journal.c.later.is_(None), journal.c.later > journal.c.latest)
    return sa.select(sa.func.max(journal.c.id)).where(journal.c.latest < until, in_order)


def write(read: Read, cut: Cut, folder: Path, *, page: int = PAGE) -> Written:
    """The file of this month: read page by page, so that nobody waits for it and memory is bounded."""
    return archive_file.write(_pages(read, cut, page), cut.head, folder / cut.file)


def _pages(read: Read, cut: Cut, page: int) -> Iterator[Moved]:
    """By shelf; of a shelf that fills whole pages, the rest by number, so that no page is looked for from its beginning."""
    journal = sa.select(*_COLUMNS).where(_movement.c.id <= cut.last_id)
    journal = journal.order_by(_movement.c.location, _movement.c.sku, _movement.c.id).limit(page)
    shelf = Shelf("", "")
    while rows := read(journal.where(sa.tuple_(_movement.c.location, _movement.c.sku) > sa.tuple_(*shelf))):
        yield from (Moved(*row) for row in rows)
        shelf = Shelf(rows[-1].location, rows[-1].sku)
        here = journal.where(_movement.c.location == shelf.location, _movement.c.sku == shelf.sku)
        while len(rows) == page and (rows := read(here.where(_movement.c.id > rows[-1].id))):
            yield from (Moved(*row) for row in rows)


# ---------------------------------------------------------------- the one transaction


def take(session: Session, cut: Cut, written: Written, *, now: datetime) -> Archive:
    """Put what is carried forward in the place of the movements that this file holds. Conflict if it is not of this journal."""
    db.lock_names(session, ["archive"])
    before = archives.newest(session)
    if (before.id + 1 if before else 1) != cut.number:
        raise Conflict("Somebody else has archived meanwhile: run it again.")
    row = _row(before, cut, written, now)
    session.add(row)
    session.flush()
    stocktakes.write_down_expected(session, row.happened_until)
    _keep_keys(session, cut, row)
    _take_out(session, cut, row)
    _carry_forward(session, written, row)
    row.door = None
    session.add(row)
    session.flush()
    return row


def _row(before: Archive | None, cut: Cut, written: Written, now: datetime) -> Archive:
    tally = written.tally
    digests = [int(before.standing_digest, 16)] if before else []
    return Archive(
        id=cut.number, month=cut.month, file=cut.file, sha256=written.sha256, until=cut.until,
        happened_until=max(cut.until, tally.happened_until or cut.until), first_id=tally.first_id, last_id=cut.last_id,
        movements=tally.movements, keys=tally.keys, carried=tally.carried, sums=tally.sums,
        standing=(before.standing if before else 0) - tally.carried_before + tally.carried,
        standing_digest=archive_file.total(*digests, tally.digest), archived_at=now, door=0,
    )  # fmt: skip


def _keep_keys(session: Session, cut: Cut, row: Archive) -> None:
    names = [column.name for column in _key.c]
    keyed = sa.select(*(_movement.c[name] for name in names)).where(_leaves(cut), _movement.c.key.is_not(None))
    if _rows(session, sa.insert(_key).from_select(names, keyed)) != row.keys:
        raise _not_this_journal()


def _take_out(session: Session, cut: Cut, row: Archive) -> None:
    """First what was carried forward earlier on the shelves that this month speaks of, then its movements."""
    moved = _movement.alias("moved")
    speaks = sa.select(moved.c.location, moved.c.sku).where(moved.c.id > cut.after_id, moved.c.id <= cut.last_id)
    earlier = sa.and_(_movement.c.id <= cut.after_id, sa.tuple_(_movement.c.location, _movement.c.sku).in_(speaks))
    sums = sa.select(*(sa.func.sum(_movement.c[name]) for name in QUANTITIES)).where(sa.or_(earlier, _leaves(cut)))
    if [int(n) for n in session.execute(sums).one()] != [row.sums[name] for name in QUANTITIES]:
        raise _not_this_journal()
    if sum(_rows(session, sa.delete(_movement).where(which)) for which in (earlier, _leaves(cut))) != row.movements:
        raise _not_this_journal()


def _leaves(cut: Cut) -> sa.ColumnElement[bool]:
    return sa.and_(_movement.c.id > cut.after_id, _movement.c.id <= cut.last_id)


def _carry_forward(session: Session, written: Written, row: Archive) -> None:
    n = 0
    for some in batches(archive_file.carried(written.path), PAGE):
        db.insert_all(session, _movement, [one._asdict() for one in some])
        n += len(some)
    if n != row.carried:
        raise _not_this_journal()


def _rows(session: Session, statement: Any) -> int:
    """Run it, and how many rows it put or took."""
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return cast("sa.CursorResult[Any]", result).rowcount


def _not_this_journal() -> Conflict:
    return Conflict("The file does not hold what the journal does: run it again.")
