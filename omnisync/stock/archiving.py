"""Taking a closed month out of the journal: first its file, checked and safe on disk; then, in one transaction, what it is
carried forward as in place of its movements.

A crash leaves everything as before, perhaps with a file that the next run writes anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

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
    _compare(session, cut, row)
    session.add(row)
    session.flush()
    stocktakes.write_down_expected(session, row.happened_until)
    _keep_keys(session, cut)
    _take_out(session, cut)
    _carry_forward(session, written)
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


def _compare(session: Session, cut: Cut, row: Archive) -> None:
    """Conflict unless as many movements and keys go, with the same sums, as the file holds."""
    sums = (sa.func.sum(_movement.c[name]) for name in QUANTITIES)
    goes = sa.select(sa.func.count(), sa.func.count(_movement.c.key), *sums).where(_carried_before(cut) | _leaves(cut))
    if [int(n or 0) for n in session.execute(goes).one()] != [row.movements, row.keys, *row.sums.values()]:
        raise Conflict("The file does not hold what the journal does: run it again.")


def _keep_keys(session: Session, cut: Cut) -> None:
    names = [column.name for column in _key.c]
    keyed = sa.select(*(_movement.c[name] for name in names)).where(_leaves(cut), _movement.c.key.is_not(None))
    session.execute(sa.insert(_key).from_select(names, keyed))


def _take_out(session: Session, cut: Cut) -> None:
    """First what was carried forward before, which is found by the movements of this month."""
    for which in (_carried_before(cut), _leaves(cut)):
        session.execute(sa.delete(_movement).where(which))


def _leaves(cut: Cut) -> sa.ColumnElement[bool]:
    """The movements of this month."""
    return sa.and_(_movement.c.id > cut.after_id, _movement.c.id <= cut.last_id)


def _carried_before(cut: Cut) -> sa.ColumnElement[bool]:
    """What an earlier archive carried forward on the shelves of which this month speaks."""
    moved = _movement.alias("moved")
    speaks = sa.select(moved.c.location, moved.c.sku).where(moved.c.id > cut.after_id, moved.c.id <= cut.last_id)
    return sa.and_(_movement.c.id <= cut.after_id, sa.tuple_(_movement.c.location, _movement.c.sku).in_(speaks))


def _carry_forward(session: Session, written: Written) -> None:
    for some in batches(archive_file.carried(written.path), PAGE):
        db.insert_all(session, _movement, [one._asdict() for one in some])
