"""When a channel was in trouble: from the events that were announced, and from numbers that took too long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import first_id
from omnisync.sync.health import LATE_AFTER_SECONDS
from omnisync.sync.history import SLACK, Window
from omnisync.sync.tables import Event, Sent

MOST_EVENTS = 5000
"""A channel that comes and goes every second fills no more than this; older ones are left out."""
_event, _sent = db.table(Event), db.table(Sent)


class Trouble(IntEnum):
    """How bad a part of the day was; the worst wins."""

    UNKNOWN = 0
    """Nothing was recorded then: omnisync did not run, or not yet."""
    NONE = 1
    PAUSED = 2
    LATE = 3
    ATTENTION = 4


@dataclass(frozen=True, slots=True)
class _Change:
    """From here on a channel is in that state, until its next change of the same sort."""

    sort: str
    level: Trouble


_CHANGES = {
    "channel.paused": _Change("pause", Trouble.PAUSED),
    "channel.resumed": _Change("pause", Trouble.NONE),
    "channel.failing": _Change("calls", Trouble.LATE),
    "channel.recovered": _Change("calls", Trouble.NONE),
}
_MOMENTS = {"channel.dead_letter": Trouble.ATTENTION, "channel.case_opened": Trouble.ATTENTION}


def bars(session: Session, channels: Sequence[str], window: Window) -> dict[str, list[Trouble]]:
    """For each channel the worst of each bucket."""
    known = _known_since(session)
    quiet = [
        Trouble.NONE if known is not None and known < window.start + (slot + 1) * window.step else Trouble.UNKNOWN
        for slot in range(window.buckets)
    ]
    found = {name: list(quiet) for name in channels}
    events = _events(session, window.end)
    for name, line in found.items():
        _colour(line, window, [row for row in events if row.body.get("channel") == name])
    for name, slot in _slow(session, window):
        if name in found:
            found[name][slot] = max(found[name][slot], Trouble.LATE)
    return found


def _colour(line: list[Trouble], window: Window, events: Iterable[Any]) -> None:
    since: dict[str, tuple[datetime, Trouble]] = {}
    for kind, body, at in events:
        if kind in _MOMENTS and at >= window.start:
            _raise(line, window, at, at, _MOMENTS[kind])
        if kind in _CHANGES:
            change = _CHANGES[kind]
            began, level = since.get(change.sort, (at, Trouble.UNKNOWN))
            _raise(line, window, began, at, level)
            since[change.sort] = at, Trouble.ATTENTION if body.get("needs") == "attention" else change.level
    for began, level in since.values():
        _raise(line, window, began, window.end, level)


def _raise(line: list[Trouble], window: Window, began: datetime, ended: datetime, level: Trouble) -> None:
    if ended < window.start or level <= Trouble.NONE:
        return
    first = max(0, (began - window.start) // window.step)
    last = min(len(line) - 1, (ended - window.start) // window.step)
    for slot in range(first, last + 1):
        line[slot] = max(line[slot], level)


def _known_since(session: Session) -> datetime | None:
    found: datetime | None = session.execute(sa.select(sa.func.min(_event.c.at))).scalar()
    return found


def _events(session: Session, until: datetime) -> list[Any]:
    """(kind, body, at) of all that are kept, not only those of the window: trouble may have begun before it."""
    statement = sa.select(_event.c.kind, _event.c.body, _event.c.at).where(
        _event.c.kind.in_([*_CHANGES, *_MOMENTS]), _event.c.at <= until
    )
    return list(session.execute(statement.order_by(_event.c.position.desc()).limit(MOST_EVENTS)))[::-1]


def _slow(session: Session, window: Window) -> list[tuple[str, int]]:
    """Buckets in which a channel showed something later than it may."""
    took = sa.type_coerce(_sent.c.applied_at, sa.BigInteger) - sa.type_coerce(_sent.c.changed_at, sa.BigInteger)
    slot = window.slot(_sent.c.applied_at).label("slot")
    statement = sa.select(_sent.c.channel, slot).where(
        _sent.c.tag >= first_id(window.start - SLACK),
        _sent.c.applied_at.between(window.start, window.end),
        took > int(LATE_AFTER_SECONDS * 1e6),
    )
    return [(channel, number) for channel, number in session.execute(statement.distinct())]
