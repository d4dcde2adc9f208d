"""How it went over time: delays, queue, trouble, bookings, from what the tables remember anyway."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import first_id
from omnisync.stock.tables import Idempotency, Movement
from omnisync.sync.tables import Conflict, DeadLetter, InboxMessage, Sent, ShownState
from omnisync.values import to_micros

TARGET_SECONDS = 5.0
"""From a change of stock to the last channel that shows it."""
SLACK = timedelta(hours=1)
"""A write that was applied in a window may have been sent this much before it began."""
HOUR = timedelta(hours=1)
_GUARDED_PATHS = ("/v1/reservations", "/v1/pickups")
_FAULTS = ("unknown", "attention", "contradicted")
_movement, _inbox, _sent = db.table(Movement), db.table(InboxMessage), db.table(Sent)
_shown, _letter, _conflict = db.table(ShownState), db.table(DeadLetter), db.table(Conflict)
_once = db.table(Idempotency)


@dataclass(frozen=True, slots=True)
class Window:
    """A span that ends now, cut into equal buckets."""

    start: datetime
    end: datetime
    buckets: int

    @classmethod
    def before(cls, now: datetime, span: timedelta, buckets: int) -> Window:
        return cls(now - span, now, buckets)

    @property
    def step(self) -> timedelta:
        return (self.end - self.start) / self.buckets

    def slot(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        """The number of the bucket a moment lies in, as SQL; the end belongs to the last one."""
        number = (_micros(column) - to_micros(self.start)) // (self.step // timedelta(microseconds=1))
        return sa.case((number >= self.buckets, self.buckets - 1), else_=number)


@dataclass(frozen=True, slots=True)
class Delays:
    """How long changes took to show: what half and what 95 per cent of them stayed below."""

    number: int
    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """One channel's last hour: what it told us that was booked, what we wrote there, and how much of that went wrong."""

    booked: int = 0
    sent: int = 0
    faults: int = 0

    @property
    def fault_share(self) -> float:
        return self.faults / self.sent if self.sent else 0.0


# ---------------------------------------------------------------- delays


def delays(session: Session, window: Window) -> dict[int, Delays]:
    """The propagation delays by bucket; buckets in which nothing was applied are missing."""
    return _percentiles(session, _applied(window, window.slot(_sent.c.applied_at)))


def delay(session: Session, window: Window) -> Delays | None:
    """The delay over the whole window. What still waits counts as old as it is: a channel that is down does not look fast."""
    age = sa.literal(to_micros(window.end)) - _micros(_shown.c.behind_since)
    waiting = sa.select(sa.literal(0).label("slot"), age.label("delay")).where(
        _shown.c.behind_since.is_not(None), _shown.c.guard_decision.is_(None)
    )
    samples: sa.CompoundSelect[Any] = sa.union_all(_applied(window, sa.literal(0)), waiting)
    return _percentiles(session, samples).get(0)


def _applied(window: Window, slot: sa.ColumnElement[int]) -> sa.Select[int, int]:
    took = _micros(_sent.c.applied_at) - _micros(_sent.c.changed_at)
    return sa.select(slot.label("slot"), took.label("delay")).where(
        _sent.c.tag >= first_id(window.start - SLACK),
        _sent.c.applied_at >= window.start,
        _sent.c.applied_at <= window.end,
        _sent.c.changed_at.is_not(None),
    )


def _percentiles(session: Session, samples: sa.Select[int, int] | sa.CompoundSelect[Any]) -> dict[int, Delays]:
    found = samples.subquery()
    ranked = sa.select(
        found.c.slot,
        found.c.delay,
        sa.func.row_number().over(partition_by=found.c.slot, order_by=found.c.delay).label("place"),
        sa.func.count().over(partition_by=found.c.slot).label("number"),
    ).subquery()

    def percentile(share: int) -> sa.ColumnElement[Any]:
        return sa.func.min(sa.case((ranked.c.place * 100 >= ranked.c.number * share, ranked.c.delay)))

    statement = sa.select(ranked.c.slot, ranked.c.number, percentile(50), percentile(95))
    rows = session.execute(statement.group_by(ranked.c.slot, ranked.c.number))
    return {slot: Delays(number, max(0, half) / 1e6, max(0, most) / 1e6) for slot, number, half, most in rows}


# ---------------------------------------------------------------- how much waited


def queue(session: Session, window: Window, now_waiting: int) -> list[int]:
    """How many writes and messages waited at the end of each bucket."""
    began = [_micros(_sent.c.changed_at), _micros(_inbox.c.received_at)]
    ended = [_micros(_sent.c.applied_at), _micros(_inbox.c.handled_at)]
    done = (
        _sent.c.tag >= first_id(window.start - SLACK),
        _sent.c.applied_at.is_not(None),
        _sent.c.changed_at.is_not(None),
    )
    heard = (_inbox.c.id >= first_row_since(session, _inbox.c.id, _inbox.c.received_at, window.start - SLACK),)
    open_ones = sa.select(_micros(_shown.c.behind_since).label("at")).where(_shown.c.behind_since.is_not(None))
    starts = [
        sa.select(began[0].label("at")).where(*done),
        sa.select(began[1].label("at")).where(*heard),
        open_ones,
    ]
    ends = [
        sa.select(ended[0].label("at")).where(*done),
        sa.select(ended[1].label("at")).where(*heard, _inbox.c.handled_at.is_not(None)),
    ]
    return _levels(session, window, now_waiting, starts, ends)


def letters(session: Session, window: Window, now_open: int) -> list[int]:
    """How many dead letters were open at the end of each bucket."""
    opened = sa.select(_micros(_letter.c.opened_at).label("at"))
    closed = sa.select(_micros(_letter.c.closed_at).label("at")).where(_letter.c.closed_at.is_not(None))
    return _levels(session, window, now_open, [opened], [closed])


def _levels(
    session: Session, window: Window, level: int, starts: Iterable[sa.Select[Any]], ends: Iterable[sa.Select[Any]]
) -> list[int]:
    """Backwards from what is known now: what began in a bucket was not there before it, what ended in it was."""
    more, less = _count(session, window, starts), _count(session, window, ends)
    found = [level]
    for slot in range(window.buckets - 1, 0, -1):
        found.append(max(0, found[-1] - more.get(slot, 0) + less.get(slot, 0)))
    return found[::-1]


def _count(session: Session, window: Window, moments: Iterable[sa.Select[Any]]) -> dict[int, int]:
    found = sa.union_all(*moments).subquery()
    within = sa.and_(found.c.at >= to_micros(window.start), found.c.at <= to_micros(window.end))
    slot = window.slot(found.c.at).label("slot")
    rows = session.execute(sa.select(slot, sa.func.count()).where(within).group_by(slot))
    return {row[0]: row[1] for row in rows}


# ---------------------------------------------------------------- what was sold twice, and what was refused


def conflicts(session: Session, window: Window) -> dict[int, int]:
    """Pieces that channels sold from one another, by bucket."""
    slot = window.slot(_conflict.c.at).label("slot")
    statement = sa.select(slot, sa.func.sum(_conflict.c.quantity)).where(
        _conflict.c.id >= first_id(window.start), _conflict.c.at <= window.end
    )
    return {slot: int(pieces) for slot, pieces in session.execute(statement.group_by(slot))}


def refused(session: Session, window: Window) -> int:
    """Reservations and pickups that were asked for and refused, as far as their keys are kept (7 days)."""
    asked = sa.or_(*(_once.c.scope.endswith(f" POST {path}") for path in _GUARDED_PATHS))
    statement = sa.select(sa.func.count()).where(_once.c.at >= window.start, _once.c.status == 409, asked)
    return int(session.execute(statement).scalar_one())


# ---------------------------------------------------------------- the last hour of each channel


def traffic(session: Session, channels: Sequence[str], *, now: datetime) -> dict[str, Traffic]:
    """What went to and fro in the last hour."""
    booked, sent = _booked(session, channels, now - HOUR), _sent_since(session, now - HOUR)
    return {name: Traffic(booked.get(name, 0), *sent.get(name, (0, 0))) for name in channels}


def _booked(session: Session, channels: Sequence[str], since: datetime) -> dict[str, int]:
    """Movements by the channel that caused them: `till:...` as sales and counts are named, `order:till:...` as orders are."""

    def caused_by(name: str) -> sa.ColumnElement[bool]:
        prefixes = (f"{name}:", f"order:{name}:")
        return sa.or_(*(_movement.c.cause.startswith(prefix, autoescape=True) for prefix in prefixes))

    sums = [sa.func.coalesce(sa.func.sum(sa.case((caused_by(name), 1), else_=0)), 0) for name in channels]
    if not sums:
        return {}
    first = first_row_since(session, _movement.c.id, _movement.c.recorded_at, since)
    row = session.execute(sa.select(*sums).where(_movement.c.id >= first)).one()
    return dict(zip(channels, (int(number) for number in row), strict=True))


def _sent_since(session: Session, since: datetime) -> dict[str, tuple[int, int]]:
    wrong = sa.func.sum(sa.case((_sent.c.outcome.in_(_FAULTS), 1), else_=0))
    answered = sa.and_(_sent.c.outcome.is_not(None), _sent.c.outcome != "superseded")
    statement = sa.select(_sent.c.channel, sa.func.count(), wrong).where(_sent.c.tag >= first_id(since), answered)
    rows = session.execute(statement.group_by(_sent.c.channel))
    return {channel: (number, int(faults or 0)) for channel, number, faults in rows}


def first_row_since(
    session: Session, number: sa.ColumnElement[Any], at: sa.ColumnElement[Any], moment: datetime
) -> int:
    """The first id of a growing table whose row is not older than that: found by halving, for its time has no index."""
    low, high = (
        int(session.execute(sa.select(sa.func.coalesce(sa.func.min(number), 0))).scalar_one()),
        int(session.execute(sa.select(sa.func.coalesce(sa.func.max(number), 0))).scalar_one()) + 1,
    )
    while low < high:
        middle = (low + high) // 2
        found = session.execute(sa.select(at).where(number >= middle).order_by(number).limit(1)).scalar()
        if found is None or found >= moment:
            high = middle
        else:
            low = middle + 1
    return low


def _micros(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.type_coerce(column, sa.BigInteger)
