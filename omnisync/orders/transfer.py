"""A pickup that changes places: the customer goes to another store, or the goods come from there."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import customers, ending, holding, hours, pauses, pickup, sending, states, tasks
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import Step
from omnisync.orders.tables import Pickup, PickupLine
from omnisync.stock.ends import How

_line = db.table(PickupLine)

Way = Literal["customer_goes", "goods_come"]
Agreed = Literal["phone", "mail", "in_store", "online"]
"""How the customer said yes to going to another store."""


def transfer(
    session: Session,
    desk: Desk,
    pickup_id: str,
    location: str,
    how: Way,
    *,
    actor: Actor,
    now: datetime,
    agreed: Agreed | None = None,
) -> Pickup:
    """`customer_goes`: held at that store before it is given back here, and collected there with the same code and number, with
    what was rejected here. It takes the customer's yes, which is written down.

    `goods_come`: pieces that were rejected here (all open ones, if none were) come from that location. Both locations keep
    their promises at every moment; OutOfStock leaves everything as it was.
    """
    found = pickup.load(session, pickup_id, actor, lock=True)
    if found.state not in states.OPEN:
        raise states.wrong_state(found, Step.TRANSFER)
    desk.location(location)
    if location == found.location:
        raise InvalidRequest.of("location", "The pickup is at this location already.")
    if how == "customer_goes":
        pickup.check_open(desk, location, pauses.closed(session, now=now))
    if (how == "customer_goes") != (agreed is not None):
        raise InvalidRequest.of(
            "agreed", "How the customer agreed to go there: needed for customer_goes, and for nothing else."
        )
    with session.begin_nested():
        moved = _WAYS[how](session, desk, found, location, actor, now)
        if agreed is not None:
            moved.agreed_how, moved.agreed_at, moved.agreed_by = agreed, now, actor.name
            session.flush()
        return moved


def _customer_goes(session: Session, desk: Desk, found: Pickup, location: str, actor: Actor, now: datetime) -> Pickup:
    here = found.location
    wanted = Counter(pickup.open_lines(session, found.id)) + Counter(_rejected(session, found.id))
    held = holding.hold(session, desk, found, location, wanted, there=True, now=now)
    holding.end(session, found, How.RELEASE, now=now)
    sending.call_off(session, found, by="transferred", now=now)
    if found.state in ending.BAGGED:
        tasks.put_back(session, desk, found, now=now)
    _forget_rejected(session, found.id)
    moved = _moved(session, desk, found, held.id, location, hours.ready_by, now)
    desk.tell(session, "transferred", moved, by=actor, now=now, how="customer_goes", other=here)
    return moved


def _goods_come(session: Session, desk: Desk, found: Pickup, location: str, actor: Actor, now: datetime) -> Pickup:
    """Held there (guarded) until somebody sends it; on its way nobody can take it, and here it is held when it arrives."""
    rejected = _rejected(session, found.id)
    wanted = rejected or pickup.here_lines(session, found.id)
    if not wanted:
        raise Conflict("All of it is on its way already.", code="goods-coming", state=found.state)
    ready = hours.after_transfer(now, desk.location(found.location))
    sending.ask(session, desk, found, location, wanted, due=ready, kept=bool(rejected), now=now)
    if rejected:
        _forget_rejected(session, found.id)
    moved = _moved(session, desk, found, found.reservation_id, found.location, hours.after_transfer, now)
    desk.tell(session, "transferred", moved, by=actor, now=now, how="goods_come", other=location)
    return moved


_WAYS = {"customer_goes": _customer_goes, "goods_come": _goods_come}


def _rejected(session: Session, pickup_id: str) -> dict[str, int]:
    return {line.sku: line.rejected for line in pickup.lines_of(session, [pickup_id])[pickup_id] if line.rejected}


def _forget_rejected(session: Session, pickup_id: str) -> None:
    session.execute(sa.update(_line).where(_line.c.pickup_id == pickup_id).values(rejected=0))


def _moved(
    session: Session,
    desk: Desk,
    found: Pickup,
    reservation_id: str,
    location: str,
    promise: hours.Promise,
    now: datetime,
) -> Pickup:
    """Open again at its place, with new deadlines and nothing in the bag that came from elsewhere."""
    ready, accept = promise(now, desk.location(location)), hours.accept_by(promise, now, desk.location(location))
    collect = hours.collect_by(ready, desk.location(location))
    moves = location != found.location
    if moves:
        session.execute(sa.update(_line).where(_line.c.pickup_id == found.id).values(picked=0, coming=0))
    moved = states.advance(
        session,
        found.id,
        Step.TRANSFER,
        location=location,
        reservation_id=reservation_id,
        ready_by=ready,
        accept_by=accept,
        accepted_at=None if moves else found.accepted_at,
        accepted_by=None if moves else found.accepted_by,
        alarmed_at=None,
        warned_at=None,
        collect_by=collect,
        ready_at=None,
        shelf=None,
        reminded_at=None,
        overdue=False,
    )
    tasks.close_overdue(session, found.id, by="transferred", now=now)
    customers.keep(session, moved.customer_id, collect)
    return moved
