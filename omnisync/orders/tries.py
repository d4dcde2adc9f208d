"""Guessing a code gets nowhere: wrong tries are counted by device and by store, and beyond a limit nobody may try for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Refused
from omnisync.orders.tables import CodeTries

WINDOW = timedelta(minutes=10)
LIMITS = {"device": 10, "store": 60}

_tries = db.table(CodeTries)


class TooManyTries(Refused):
    """Too many wrong codes from this device or in this store."""

    status = 429
    code = "too-many-tries"


def charge(session: Session, who: Mapping[str, str], *, now: datetime) -> None:
    """Count one try of `who` (`{"device": ..., "store": ...}`) before its code is looked at, so that no number of
    simultaneous tries gets past the limit. Commit it before trying; `forgive` takes it back when the code was right.
    """
    for scope, limit in _scopes(who):
        _begin(session, scope, now)
        counted = session.execute(
            sa.update(_tries)
            .where(_tries.c.scope == scope, _tries.c.tries < limit)
            .values(tries=_tries.c.tries + 1)
            .returning(_tries.c.tries)
        ).one_or_none()
        if counted is None:
            raise _too_many(session, scope, now)


def forgive(session: Session, who: Mapping[str, str]) -> None:
    """The code was right: the device starts afresh, the store gets this one try back."""
    for scope, _limit in _scopes(who):
        fewer = 0 if scope.startswith("device:") else _tries.c.tries - 1
        session.execute(sa.update(_tries).where(_tries.c.scope == scope, _tries.c.tries > 0).values(tries=fewer))


def forget(session: Session, *, now: datetime) -> int:
    """Drop the counts whose window is over; returns how many."""
    statement = sa.delete(_tries).where(_tries.c.since <= now - WINDOW)
    return cast("sa.CursorResult[Any]", session.execute(statement)).rowcount


def _scopes(who: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Sorted, so that two desks of one store lock their rows in one order."""
    return ((f"{kind}:{who[kind]}", LIMITS[kind]) for kind in sorted(who))


def _begin(session: Session, scope: str, now: datetime) -> None:
    row = {"scope": scope, "tries": 0, "since": now}
    db.insert_new(session, _tries, [row], key=["scope"], returning=["scope"])
    session.execute(
        sa.update(_tries).where(_tries.c.scope == scope, _tries.c.since <= now - WINDOW).values(tries=0, since=now)
    )


def _too_many(session: Session, scope: str, now: datetime) -> TooManyTries:
    since = session.execute(sa.select(_tries.c.since).where(_tries.c.scope == scope)).scalar_one()
    wait = max(1, int((since + WINDOW - now).total_seconds()))
    return TooManyTries(
        "Too many wrong codes. Wait a little, or ask for name and order number.", retry_after_seconds=wait
    )
