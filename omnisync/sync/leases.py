"""Who does a job that only one may do. A lease ends by itself, so that a dead worker stops nobody."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from omnisync import db
from omnisync.sync.tables import Lease

HOUSE = "house"
"""Held by the worker that keeps house: while nobody has it, no worker runs."""
_lease = db.table(Lease)


def of_channel(name: str) -> str:
    """Held by the worker that serves this channel."""
    return f"channel:{name}"


def of_guest(name: str) -> str:
    """Held by the command that asks this channel beside a worker."""
    return f"guest:{name}"


def take(session: Session, name: str, owner: str, *, now: datetime, lasting: timedelta) -> int | None:
    """The fence if this owner has the lease now, else None. A new owner has a higher fence than all before."""
    mine = {"wanted": name, "us": owner, "now": now, "then": now + lasting}
    taken = session.connection().execute(_TAKE, mine).first()
    if taken is not None:
        return int(taken.fence)
    first = {"name": name, "owner": owner, "fence": 1, "until": now + lasting}
    return 1 if db.insert_new(session, _lease, [first], key=("name",), returning=("fence",)) else None


_US, _THEN = sa.bindparam("us", type_=_lease.c.owner.type), sa.bindparam("then", type_=_lease.c.until.type)
_TAKE = (
    sa.update(_lease)
    .where(
        _lease.c.name == sa.bindparam("wanted"),
        sa.or_(_lease.c.owner == _US, _lease.c.until <= sa.bindparam("now")),
    )
    .values(owner=_US, until=_THEN, fence=_lease.c.fence + sa.case((_lease.c.owner == _US, 0), else_=1))
    .returning(_lease.c.fence)
)


def give_back(session: Session, name: str, owner: str, *, now: datetime) -> bool:
    """Let others have it at once; whether it was this owner's until now."""
    mine = (col(Lease.name) == name, col(Lease.owner) == owner, col(Lease.until) > now)
    return (
        session.execute(sa.update(_lease).where(*mine).values(until=now).returning(_lease.c.name)).first() is not None
    )


def idle(session: Session, name: str, *, now: datetime) -> float:
    """For how many seconds nobody has held it: 0 while somebody does, infinity when nobody ever has."""
    until = ends_at(session, name)
    return math.inf if until is None else max(0.0, (now - until).total_seconds())


def is_free(session: Session, name: str, *, now: datetime, lock: bool = False) -> bool:
    """Whether anybody may take it now. With a `lock` nobody does until this transaction ends, unless nobody ever had it."""
    row = session.get(Lease, name, populate_existing=True, with_for_update=True if lock else None)
    return row is None or row.until <= now


def ends_at(session: Session, name: str) -> datetime | None:
    """Until when somebody holds it, or did; None when nobody ever has."""
    row = session.get(Lease, name, populate_existing=True)
    return None if row is None else row.until
