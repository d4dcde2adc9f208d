"""Booking what a checked file says in slices, each a short transaction: a file of a million rows keeps nobody waiting.

The run is written down first, and with each slice the line up to which it is in. So an import that was cut off is known, and
is finished by importing the same file again, or undone (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import ImportRun
from omnisync.clock import Clock, Ids
from omnisync.errors import Conflict
from omnisync.imports.reading import Reading, Run
from omnisync.imports.stage import Stage

T = TypeVar("T")
SLICE_SECONDS = 0.1
"""For so long others wait for SQLite's writer; longer, and they miss the pause between two slices (docs/decisions/0018)."""
_RUN = db.table(ImportRun)


@dataclass(slots=True)
class Pace:
    """How many rows a slice has: as many as this machine books in `SLICE_SECONDS`."""

    rows: int = 500
    most: int = 10_000

    def took(self, rows: int, seconds: float) -> None:
        """So long a slice of so many rows took; without a duration (a clock that stands) nothing is learnt."""
        if seconds > 0:
            self.rows = max(1, min(int(rows * SLICE_SECONDS / seconds), 2 * rows, self.most))


class Desk(Protocol):
    """What a booking runs with."""

    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> Ids: ...

    def within(self, work: Callable[[Session], T], /) -> T:
        """One transaction, run again where it lost a race."""
        ...

    @property
    def pace(self) -> Pace: ...

    @property
    def give_way(self) -> Callable[[], None]:
        """Lets others write."""
        ...


def unfinished(session: Session, reading: Reading[Any], sha256: str) -> Any | None:
    """The import of this very file that was cut off. A stock-take of another moment is another import."""
    same = (
        _RUN.c.kind == reading.kind,
        _RUN.c.file_hash == sha256,
        _RUN.c.channel.is_not_distinct_from(reading.channel),
    )
    query = sa.select(_RUN).where(*same, _RUN.c.undone_at.is_(None), _RUN.c.booked_line.is_not(None))
    if reading.counted_at is not None:
        query = query.where(_RUN.c.counted_at == reading.counted_at)
    return session.execute(query.order_by(_RUN.c.at.desc()).limit(1)).first()


@dataclass(frozen=True, slots=True)
class Booking:
    """An import whose rows are being booked."""

    desk: Desk
    reading: Reading[Any]
    run_id: str
    at: datetime

    def book(self, stage: Stage[Any], booked: int, tell: Callable[[int], None]) -> None:
        """All rows of the stage behind the line that is booked already."""
        monotonic, pace = self.desk.clock.monotonic, self.desk.pace
        for records in stage.slices(lambda: pace.rows):
            if left := [record for record in records if record.line > booked]:
                began = monotonic()
                self.desk.within(partial(self._book, left, booked))
                pace.took(len(left), monotonic() - began)
                booked = left[-1].line
                tell(booked)
                self.desk.give_way()
        self.desk.within(lambda session: _advance(session, self.run_id, booked, None))

    def _book(self, records: Sequence[Any], booked: int, session: Session) -> None:
        now = db.now(session, self.desk.clock)
        differences = self.reading.compare(session, records, now)
        _advance(session, self.run_id, booked, records[-1].line, changed=len(differences))
        self.reading.write(session, Run(self.run_id, self.at, now, self.desk.ids), differences)


def refuse_begun(session: Session, reading: Reading[Any], sha256: str) -> None:
    """Conflict where somebody has begun with this very file since we looked."""
    if begun := unfinished(session, reading, sha256):
        raise _taken_over(begun.id)


def begin(session: Session, row: Mapping[str, Any]) -> Any:
    """Write down that this import has begun, and nothing of it is in."""
    return session.execute(sa.insert(_RUN).values(**row, booked_line=0).returning(_RUN)).one()


def _advance(session: Session, run_id: str, booked: int, line: int | None, *, changed: int = 0) -> None:
    """Guarded, so that of two who import the same file at once one goes on."""
    here = (_RUN.c.id == run_id, _RUN.c.booked_line == booked, _RUN.c.undone_at.is_(None))
    moved = sa.update(_RUN).where(*here).values(booked_line=line, changed=_RUN.c.changed + changed)
    if session.execute(moved.returning(_RUN.c.id)).first() is None:
        raise _taken_over(run_id)


def _taken_over(run_id: str) -> Conflict:
    return Conflict(f"Somebody else goes on with import {run_id}, or has undone it.", code="import-taken-over")
