"""What must always hold of pickups: each is a function that returns its violations, in words. `omnisync verify` asks them too."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.states import OPEN
from omnisync.orders.tables import HandOver, Pickup, PickupLine
from omnisync.stock.tables import Movement, Reservation

pickup, line, hand_over = db.table(Pickup), db.table(PickupLine), db.table(HandOver)
reservation, movement = db.table(Reservation), db.table(Movement)


def ended_pickups_hold_nothing(session: Session) -> Iterator[str]:
    """A pickup that has ended has given back or handed out everything."""
    statement = (
        sa.select(pickup.c.number, pickup.c.state, sa.func.sum(movement.c.reserved))
        .join(reservation, reservation.c.pickup == pickup.c.id)
        .join(movement, movement.c.promise == reservation.c.id)
        .where(pickup.c.state.not_in(OPEN))
        .group_by(pickup.c.number, pickup.c.state)
        .having(sa.func.sum(movement.c.reserved) != 0)
    )
    for number, state, pieces in session.execute(statement):
        yield f"{number}: is {state} and still holds {pieces}"


def open_pickups_hold_one_reservation(session: Session) -> Iterator[str]:
    """An open pickup's reservation stands at its location, and no other reservation is held for it."""
    opened = reservation.c.state.in_(("held", "confirmed"))
    statement = (
        sa.select(pickup.c.number, sa.func.count())
        .join(reservation, reservation.c.pickup == pickup.c.id)
        .where(opened)
        .group_by(pickup.c.number)
        .having(sa.func.count() > 1)
    )
    for number, count in session.execute(statement):
        yield f"{number}: has {count} open reservations"


def lines_end_once(session: Session) -> Iterator[str]:
    """No more is handed over or rejected of a line than was ordered, and nothing is open of a collected one that was whole."""
    over = sa.or_(line.c.collected + line.c.rejected > line.c.quantity, line.c.picked > line.c.quantity)
    statement = sa.select(pickup.c.number, line.c.sku).join(pickup, pickup.c.id == line.c.pickup_id).where(over)
    for number, sku in session.execute(statement):
        yield f"{number}: more of {sku} was handed over, rejected or picked than ordered"


def ends_have_their_time(session: Session) -> Iterator[str]:
    """A pickup has an end if and only if it has ended."""
    ended = pickup.c.state.not_in(OPEN)
    wrong = sa.or_(ended & pickup.c.ended_at.is_(None), ~ended & pickup.c.ended_at.is_not(None))
    for number, state in session.execute(sa.select(pickup.c.number, pickup.c.state).where(wrong)):
        yield f"{number}: is {state}, which does not fit the time of its end"


def matches_have_two_sides(session: Session) -> Iterator[str]:
    """Every piece of a hand-over has a desk or a till, and is matched if and only if it has both."""
    sides = sa.case((hand_over.c.pickup_id.is_not(None), 1), else_=0) + sa.case(
        (hand_over.c.sale_key.is_not(None), 1), else_=0
    )
    matched = hand_over.c.matched_at.is_not(None)
    wrong = sa.or_(sides == 0, matched & (sides < 2), ~matched & (sides == 2))
    for name in session.execute(sa.select(hand_over.c.id).where(wrong)).scalars():
        yield f"hand-over {name}: its sides and its match do not fit"


PICKUP_INVARIANTS = (
    ended_pickups_hold_nothing,
    open_pickups_hold_one_reservation,
    lines_end_once,
    ends_have_their_time,
    matches_have_two_sides,
)
