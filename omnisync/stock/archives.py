"""Months that have left the journal: which there are, how far the journal still reaches, and what keeps a month in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.errors import InvalidRequest, NeedsAttention, Refused
from omnisync.stock.tables import Archive, Movement, Stocktake, Transfer
from omnisync.values import Shelf, format_time

KEPT = timedelta(days=91)
"""Facts and counts may come 90 days late, and find in the journal what they are compared with."""
_archive, _movement = db.table(Archive), db.table(Movement)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """`2026-06`. InvalidRequest for anything else."""
        found = _MONTH.fullmatch(text)
        if found is None:
            raise InvalidRequest.of("--until", f"{text!r} is no month such as 2026-06")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Month:
        return cls(moment.year, moment.month)

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> Month:
        return Month(self.year, self.number - 1) if self.number > 1 else Month(self.year - 1, 12)

    @property
    def end(self) -> datetime:
        """The moment at which it is closed."""
        return datetime(self.next.year, self.next.number, 1, tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


# ---------------------------------------------------------------- how far the journal reaches


def newest(session: Session) -> Archive | None:
    """The last one, whose rows stand first in the journal."""
    return session.exec(select(Archive).order_by(col(Archive.id).desc()).limit(1)).first()


def every(session: Session) -> Sequence[Archive]:
    """All, oldest first."""
    return session.exec(select(Archive).order_by(col(Archive.id))).all()


def check_reach(session: Session, moment: datetime) -> None:
    """Refused when what had been recorded by then is told by a file only; its name is in the details."""
    found = session.exec(select(Archive).where(col(Archive.until) > moment).order_by(col(Archive.id)).limit(1)).first()
    if found is not None:
        last = newest(session) or found
        raise Refused(
            f"The journal begins at {format_time(last.until)}; {format_time(moment)} is told by the file {found.file}.",
            code="archived", status=410, file=found.file, begins=format_time(last.until),
        )  # fmt: skip


def check_counts(session: Session, counts: Collection[tuple[Shelf, datetime]], *, now: datetime) -> None:
    """NeedsAttention for a count of a moment that the journal no longer reaches: nobody can tell what should have lain there."""
    old = [moment for _, moment in counts if moment < now - KEPT]
    if not old:
        return
    reaches = session.execute(sa.select(sa.func.max(_archive.c.happened_until))).scalar()
    if reaches is not None and min(old) <= reaches:
        raise NeedsAttention(
            f"What should have lain there on {format_time(min(old))} has left the journal.",
            action="Count it again, and discard this count.",
            code="archived",
        )


# ---------------------------------------------------------------- what keeps a month


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs the journal from that moment on."""

    since: datetime
    words: str


def needs(session: Session, *, now: datetime) -> list[Need]:
    """Who needs the journal still, and from when on."""
    found = [Need(now - KEPT, f"facts and counts may come {(KEPT - timedelta(days=1)).days} days late")]
    transfers = select(Transfer).where(col(Transfer.received_at).is_(None)).order_by(col(Transfer.asked_at)).limit(1)
    found += [
        Need(one.asked_at, f"transfer {one.id} is open: receive it, or say what is lost")
        for one in session.exec(transfers)
    ]
    takes = select(Stocktake).where(col(Stocktake.ended_at).is_(None)).order_by(col(Stocktake.opened_at)).limit(1)
    found += [
        Need(one.opened_at, f"stocktake {one.id} of {one.location} is open: book or abandon it")
        for one in session.exec(takes)
    ]
    return found


def check_month(session: Session, month: Month, *, now: datetime) -> None:
    """Refused unless nothing needs this month any more; says what does, and which month is the last that can be archived."""
    needed = [need for need in needs(session, now=now) if need.since < month.end]
    if needed:
        last = Month.of(min(need.since for need in needed)).before
        why = "; ".join(need.words for need in sorted(needed, key=lambda need: need.since))
        raise Refused(f"{month} is still needed: {why}. The last month that can be archived is {last}.")


def months(session: Session, last: Month) -> list[Month]:
    """From the first month of which movements are left, to that one."""
    before = newest(session)
    left = _movement.c.id > (before.last_id if before else 0)
    first = session.execute(sa.select(sa.func.min(_movement.c.recorded_at)).where(left)).scalar()  # fmt: skip
    found: list[Month] = []
    month = last
    while first is not None and month.end > first and (before is None or str(month) > before.month):
        found.append(month)
        month = month.before
    return found[::-1]


def count(session: Session, month: Month) -> int:
    """Movements recorded in it that are still in the journal."""
    within = _movement.c.recorded_at.between(sa.bindparam("first"), sa.bindparam("end"))
    statement = sa.select(sa.func.count()).select_from(_movement).where(within)
    return int(session.execute(statement, {"first": month.before.end, "end": month.end}).scalar_one())
