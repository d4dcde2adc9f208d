"""Nobody overlooks an order: what nobody accepted becomes an alarm, and who would come in vain is told before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders import letters, mail, pickup
from omnisync.orders.pickup import OMNISYNC, Desk
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup

AT_ONCE = 200
WARNED_BEFORE = timedelta(minutes=15)
"""So long before the promise its customer hears that it will not be kept, if nobody has begun."""

_pickup = db.table(Pickup)
_UNACCEPTED = (_pickup.c.state == State.PLACED, _pickup.c.accepted_at.is_(None))


def alarm(session: Session, desk: Desk, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Half of the lead time is over and nobody has accepted: say so, once, and write to whoever answers for the store."""
    late = *_UNACCEPTED, _pickup.c.accept_by <= now, _pickup.c.alarmed_at.is_(None)
    due = _take(session, late, limit)
    session.execute(sa.update(_pickup).where(_pickup.c.id.in_(due)).values(alarmed_at=now))
    for pickup_id in due:
        found = pickup.load(session, pickup_id, OMNISYNC)
        mail.write_not_accepted(session, desk, found, now=now)
        desk.tell(session, "not_accepted", found, by=OMNISYNC, now=now)
    return len(due)


def warn_customers(session: Session, desk: Desk, *, now: datetime, limit: int = AT_ONCE) -> int:
    """The promise will be missed: who would come in vain is told, once, where omnisync writes to the customer."""
    missed = sa.or_(
        sa.and_(_pickup.c.state == State.PLACED, _pickup.c.ready_by <= now + WARNED_BEFORE),
        sa.and_(_pickup.c.state == State.PICKING, _pickup.c.ready_by <= now),
    )
    due = _take(session, (missed, _pickup.c.warned_at.is_(None)), limit)
    session.execute(sa.update(_pickup).where(_pickup.c.id.in_(due)).values(warned_at=now))
    for pickup_id in due:
        found = pickup.load(session, pickup_id, OMNISYNC)
        letters.write(session, desk, letters.Occasion.LATE, found, now=now)
        desk.tell(session, "late", found, by=OMNISYNC, now=now)
    return len(due)


def ringing(session: Session, location: str) -> int:
    """How many pickups of a store nobody has accepted: every open device of the store sounds until there is none."""
    statement = sa.select(sa.func.count()).select_from(_pickup).where(*_UNACCEPTED, _pickup.c.location == location)
    return int(session.execute(statement).scalar_one())


def not_accepted(session: Session, location: str | None = None, *, limit: int = AT_ONCE) -> Sequence[Pickup]:
    """Pickups that nobody accepts although half of their lead time is over, the longest waiting first."""
    statement = select(Pickup).where(*_UNACCEPTED, col(Pickup.alarmed_at).is_not(None))
    if location is not None:
        statement = statement.where(col(Pickup.location) == location)
    return session.exec(statement.order_by(col(Pickup.accept_by), col(Pickup.id)).limit(limit)).all()


def _take(session: Session, which: Sequence[sa.ColumnElement[bool]], limit: int) -> list[str]:
    """Those pickups, oldest promise first; what another worker looks after is left alone."""
    statement = sa.select(_pickup.c.id).where(*which).order_by(_pickup.c.ready_by, _pickup.c.id).limit(limit)
    return list(session.execute(statement.with_for_update(skip_locked=True)).scalars())
