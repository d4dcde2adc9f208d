"""What somebody should be told of, and when: decided from what stands now and what was told before.

One alert a kind and channel (or store), however many messages lie there: told once, again when it has doubled or after a day,
and once more when it is over. What mends itself within moments is not told, and what comes back within minutes was never over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders import accepting
from omnisync.sync import health, late, leases
from omnisync.sync.context import Context
from omnisync.sync.health import Health
from omnisync.sync.tables import AlertTold, Case, Cursor, DeadLetter, Event, ShownState

CALM = timedelta(minutes=5)
"""So long it must be gone until it is said to be over."""
AGAIN = timedelta(hours=24)
"""What still stands is told again after that."""
GROWN = 2
"""And as soon as there is so many times as much of it."""
BACKUP = ("#server", "backup")
"""The cursor that says when the database was last copied."""
BACKUP_EVERY = timedelta(hours=26)
ALIVE = ("#server", "alive")
"""The cursor that says when this installation last ran."""


class Kind(StrEnum):
    """What can stand."""

    LATE = "late"
    ATTENTION = "attention"
    LETTERS = "letters"
    DRIFT = "drift"
    CONFLICT = "conflict"
    CASES = "cases"
    SUBSCRIPTION = "subscription"
    SILENT = "silent"
    NOT_ACCEPTED = "not_accepted"
    BACKUP = "backup"
    WORKER = "worker"


SETTLES: Mapping[Kind, timedelta] = {
    Kind.LETTERS: timedelta(seconds=30),
    Kind.DRIFT: timedelta(minutes=2),
    Kind.CASES: timedelta(seconds=30),
    Kind.SUBSCRIPTION: timedelta(minutes=1),
    Kind.WORKER: timedelta(minutes=2),
}
"""What is gone sooner than that has mended itself."""
DECIDED = frozenset({Kind.CASES, Kind.CONFLICT})


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that is not as it should be."""

    kind: Kind
    about: str
    """The channel or location; empty: the whole house."""
    since: datetime
    number: int = 1
    reason: str = ""
    action: str = ""
    pieces: int = 0
    """That could be sold there meanwhile."""
    first: Any = field(default=None, compare=False)
    """The oldest letter or case behind it."""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.about}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be told, and what is to be remembered of what was."""

    news: tuple[Standing, ...] = ()
    over: tuple[AlertTold, ...] = ()
    cleared: tuple[str, ...] = ()
    """Keys that do not stand any more, since now."""
    back: tuple[str, ...] = ()
    """Keys that stand again before they were over."""

    def __bool__(self) -> bool:
        return bool(self.news or self.over or self.cleared or self.back)


def decide(standing: Sequence[Standing], told: Sequence[AlertTold], *, quiet: bool, now: datetime) -> Decision:
    """What to tell now. In quiet hours nothing: what still stands, or is over, at their end is told then."""
    known, stands = {row.key: row for row in told}, {one.key for one in standing}
    gone = [row for row in told if row.key not in stands]
    return Decision(
        news=() if quiet else tuple(one for one in standing if _is_news(one, known.get(one.key), now)),
        over=() if quiet else tuple(row for row in gone if row.clear_since and now - row.clear_since >= CALM),
        cleared=tuple(row.key for row in gone if row.clear_since is None),
        back=tuple(row.key for row in told if row.key in stands and row.clear_since is not None),
    )


def _is_news(one: Standing, before: AlertTold | None, now: datetime) -> bool:
    if before is None:
        return now - one.since >= SETTLES.get(one.kind, timedelta())
    other = one.kind in DECIDED and one.since > before.told_at  # all that was told of was decided since
    return other or one.number >= GROWN * before.number or now - before.told_at >= AGAIN


# ---------------------------------------------------------------- what was told


def told(session: Session) -> Sequence[AlertTold]:
    """Everything that was told and is not over."""
    found = session.exec(select(AlertTold).order_by(col(AlertTold.key))).all()
    session.expunge_all()
    return found


def remember(session: Session, decision: Decision, titles: Mapping[str, str], *, now: datetime) -> None:
    """Beside what is told, in the same transaction: nobody is told twice, whoever crashes. `titles` are those of the news, by key."""
    rows = [
        {
            "key": one.key, "kind": one.kind, "about": one.about, "number": one.number, "title": titles[one.key],
            "since": one.since, "told_at": now, "clear_since": None,
        }
        for one in decision.news
    ]  # fmt: skip
    told = db.table(AlertTold)
    session.execute(sa.update(told).where(told.c.key.in_(decision.cleared)).values(clear_since=now))
    session.execute(sa.update(told).where(told.c.key.in_(decision.back)).values(clear_since=None))
    session.execute(sa.delete(told).where(told.c.key.in_([row.key for row in decision.over])))
    db.upsert(session, told, rows, key=("key",), update=("number", "title", "since", "told_at", "clear_since"))


# ---------------------------------------------------------------- what stands


def standing(session: Session, context: Context, *, now: datetime) -> list[Standing]:
    """Everything that is not as it should be, what presses most first."""
    channels = list(context.channels.values())
    found = health.of_all(session, channels, now=now)
    names = [channel.name for channel in channels]
    stands = [
        *_not_accepted(session),
        *(one for health in found for one in _of_channel(health, context.settings.alerts.late_seconds, now)),
        *_open(session, Case, [*names, late.DESK]),
        *_open(session, DeadLetter, names),
        *(one for one in _drifting(session, context.settings.alerts.drift_above) if one.about in names),
        *_backup(session, now),
    ]
    return list({one.key: one for one in reversed(stands)}.values())[::-1]  # of twins the first


def worker(session: Session, *, now: datetime) -> Standing | None:
    """That no worker works: for whoever is none. A worker that asks what stands has begun, so it is not among that."""
    until = leases.ends_at(session, leases.HOUSE)
    if until is not None:
        return Standing(Kind.WORKER, "", until) if until <= now else None
    began = session.get(Cursor, ALIVE, populate_existing=True)
    return None if began is None else Standing(Kind.WORKER, "", began.at, reason="never")


def _of_channel(found: Health, late_seconds: int, now: datetime) -> Iterator[Standing]:
    here, known = found.channel, found.last_success_at or now
    away = (now - known).total_seconds() if found.failures_in_row else 0.0
    seconds = max(found.lag_seconds, away)
    if found.state == "action_required" and found.action is not None:
        yield Standing(Kind.ATTENTION, here, known, 1, found.reason, found.action, found.exposed)
    elif seconds > late_seconds and not found.paused and found.state != "shadow":
        since = now - timedelta(seconds=seconds)
        yield Standing(
            Kind.LATE, here, since, 1, found.reason if found.state == "late" and away else "", "", found.exposed
        )
    if found.silent_topics:
        since = min(_moment(one) for one in found.silent_topics.values())
        yield Standing(Kind.SUBSCRIPTION, here, since, reason=", ".join(sorted(found.silent_topics)))
    if found.silent:
        since, stores = min(one.since for one in found.silent), sorted(one.location for one in found.silent)
        yield Standing(Kind.SILENT, here, since, len(stores), ", ".join(stores))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


_SORTS: Mapping[str, Kind] = {"conflict": Kind.CONFLICT, "webhooks": Kind.SUBSCRIPTION}
"""Cases and letters of these kinds are alerts of their own."""
_REST = {Case: Kind.CASES, DeadLetter: Kind.LETTERS}


def _open(session: Session, model: type[Case] | type[DeadLetter], channels: Sequence[str]) -> Iterator[Standing]:
    """Open cases or letters: how many of each sort, since when, and the oldest of them."""
    row = db.table(model)
    counted = (
        sa.select(row.c.channel, row.c.kind, sa.func.count(), sa.func.min(row.c.opened_at), sa.func.min(row.c.id))
        .where(row.c.closed_at.is_(None), row.c.channel.in_(channels))
        .group_by(row.c.channel, row.c.kind)
        .order_by(row.c.channel, row.c.kind)
    )
    sorts: dict[tuple[str, Kind], list[Any]] = defaultdict(list)
    for channel, kind, number, since, first in session.execute(counted):
        sorts[channel, _SORTS.get(kind, _REST[model])].append((since, first, number))
    for (channel, sort), parts in sorts.items():
        since, first, _ = min(parts)
        oldest = session.get_one(model, first)
        session.expunge(oldest)
        yield Standing(sort, channel, since, sum(number for _, _, number in parts), first=oldest)


def _drifting(session: Session, above: int) -> Iterator[Standing]:
    shown = db.table(ShownState)
    since = sa.func.coalesce(shown.c.drift_since, shown.c.price_drift_since)
    counted = sa.select(shown.c.channel, sa.func.count(), sa.func.min(since)).where(
        sa.or_(shown.c.drift_since.is_not(None), shown.c.price_drift_since.is_not(None))
    )
    for channel, number, first in session.execute(counted.group_by(shown.c.channel).order_by(shown.c.channel)):
        if number > above:
            yield Standing(Kind.DRIFT, channel, first, number)


def _not_accepted(session: Session) -> Iterator[Standing]:
    stores: dict[str, list[datetime]] = defaultdict(list)
    for one in accepting.not_accepted(session):
        stores[one.location].append(one.accept_by or one.placed_at)
    for location, moments in sorted(stores.items()):
        yield Standing(Kind.NOT_ACCEPTED, location, min(moments), len(moments))


def _backup(session: Session, now: datetime) -> Iterator[Standing]:
    """Of a PostgreSQL database others take care, and tell us nothing. Without any copy it counts from the oldest event."""
    if db.is_postgresql(session):
        return
    cursor = session.get(Cursor, BACKUP)
    began: datetime | None = session.execute(sa.select(sa.func.min(db.table(Event).c.at))).scalar()
    since = began if cursor is None else cursor.at
    if since is not None and now - since > BACKUP_EVERY:
        yield Standing(Kind.BACKUP, "", since, reason="" if cursor is None else "old")
