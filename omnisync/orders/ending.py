"""Pickups that are not collected: cancelled, extended, expired when unpaid, overdue when paid."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import InvalidRequest
from omnisync.orders import customers, holding, hours, letters, pickup, sending, states, tasks
from omnisync.orders.pickup import OMNISYNC, Actor, Desk
from omnisync.orders.states import OPEN, State, Step
from omnisync.orders.tables import Pickup
from omnisync.settings import LocationSettings
from omnisync.stock.ends import How
from omnisync.values import format_time

AT_ONCE = 200
LONGEST = timedelta(days=366)
"""Nobody keeps a pickup, and the name of who ordered it, longer than that."""
BAGGED = (State.PICKING, State.READY)
"""In these states pieces may lie apart from where they are sold."""

_pickup = db.table(Pickup)


def cancel(session: Session, desk: Desk, pickup_id: str, *, actor: Actor, now: datetime, reason: str = "") -> Pickup:
    """Called off: what it holds can be sold again at once, and what lies put aside is to be put back."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    return _end(session, desk, found, Step.CANCEL, by=actor, now=now, reason=reason)


def extend(session: Session, desk: Desk, pickup_id: str, until: datetime, *, actor: Actor, now: datetime) -> Pickup:
    """It waits longer; an overdue one is no longer overdue."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    if not max(now, found.ready_by) < until <= now + LONGEST:
        raise InvalidRequest.of(
            "collect_by", "A pickup is extended to a time after now and after it is ready, within a year."
        )
    _check_open(desk.location(found.location), until)
    moved = states.advance(session, pickup_id, Step.EXTEND, collect_by=until, overdue=False, reminded_at=None)
    tasks.close_overdue(session, pickup_id, by=actor.name, now=now)
    customers.keep(session, moved.customer_id, until)
    desk.tell(session, "extended", moved, by=actor, now=now)
    return moved


def _check_open(location: LocationSettings, until: datetime) -> None:
    if not hours.can_be_fetched(location, until):
        opens = hours.opens_next(location, until)
        next_time = f"; it opens next at {format_time(opens)}" if opens else ""
        raise InvalidRequest.of("collect_by", f"{location.name} is closed at {format_time(until)}{next_time}.")


def expire_overdue(session: Session, desk: Desk, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Look after pickups whose time is over: unpaid ones expire, paid ones become a case for a person. Returns how many."""
    statement = (
        sa.select(_pickup.c.id)
        .where(_pickup.c.state.in_(OPEN), _pickup.c.collect_by <= now, _pickup.c.overdue.is_(False))
        .order_by(_pickup.c.collect_by, _pickup.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = list(session.execute(statement).scalars())
    for pickup_id in due:
        _expire(session, desk, pickup.load(session, pickup_id, OMNISYNC), now)
    return len(due)


def _expire(session: Session, desk: Desk, found: Pickup, now: datetime) -> None:
    if not found.paid:
        _end(session, desk, found, Step.EXPIRE, by=OMNISYNC, now=now)
        return
    moved = states.advance(session, found.id, Step.MARK_OVERDUE, overdue=True)
    tasks.overdue(session, desk, moved, now=now)
    desk.tell(session, "overdue", moved, by=OMNISYNC, now=now)


def _end(
    session: Session, desk: Desk, found: Pickup, step: Step, *, by: Actor, now: datetime, reason: str = ""
) -> Pickup:
    was = State(found.state)
    ended = states.advance(session, found.id, step, ended_at=now, overdue=False)
    holding.end(session, ended, How.RELEASE, now=now)
    sending.call_off(session, ended, by=by.name, now=now)
    tasks.close_overdue(session, found.id, by=by.name, now=now)
    if was in BAGGED:
        tasks.put_back(session, desk, ended, now=now)
    letters.write(session, desk, letters.Occasion(ended.state), ended, now=now)
    desk.tell(session, ended.state, ended, by=by, now=now, **({"reason": reason} if reason else {}))
    return ended
