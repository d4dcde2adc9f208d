"""Orders that a channel took for one of our stores come to its pickup desk, and the desk follows what the channel says of them.

Level-triggered: whatever an order looks like now is compared with its pickup, so that what could not be done is done as soon as it can.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.errors import Conflict
from omnisync.orders import binding, ending, handing, pickup, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import OPEN
from omnisync.orders.tables import ChannelOrder, OrderLine, Pickup
from omnisync.values import Money

_order, _line, _pickup = db.table(ChannelOrder), db.table(OrderLine), db.table(Pickup)


class Waits(Conflict):
    """The desk cannot follow this order by itself; `action` says who must do what."""

    code = "pickup-waits"

    def __init__(self, message: str, action: str) -> None:
        super().__init__(message)
        self.action = action


def follow(session: Session, desk: Desk, order_id: str, *, buyer: Person | None, now: datetime) -> None:
    """Place the pickup of this order, or bring it up to the order: paid, called off, handed over.

    Refused when that cannot be done, with nothing changed: OutOfStock where other promises have the pieces, Waits where a
    person must decide.
    """
    order = session.get_one(ChannelOrder, order_id)
    if not order.pickup or order.counter or order.elsewhere:
        return
    lines = session.exec(select(OrderLine).where(OrderLine.order_id == order_id).order_by(col(OrderLine.line_id))).all()
    found = _pickup_of(session, order)
    if found is None:
        _place(session, desk, order, lines, buyer or Person(order.reference), now)
    elif found.state in OPEN:
        _bring_up(session, desk, found, order, lines, now)


def waiting(session: Session, desk: Desk, channel: str, *, limit: int = 100) -> Sequence[str]:
    """Ids of this channel's open orders for a store of ours that stand at no desk yet, although nothing of them is done."""
    same = (_pickup.c.channel == _order.c.channel, _pickup.c.reference == _order.c.reference)
    begun = sa.exists().where(
        _line.c.order_id == _order.c.id, sa.or_(_line.c.shipped > 0, _line.c.waiting.is_not(None))
    )
    statement = (
        sa.select(_order.c.id)
        .where(_order.c.channel == channel, _order.c.pickup, ~_order.c.closed, ~_order.c.counter, ~_order.c.elsewhere)
        .where(_order.c.released_at.is_(None), ~sa.exists().where(*same), ~begun)
        .where(sa.or_(_order.c.collect_at.is_(None), _order.c.collect_at.in_(desk.places())))
        .order_by(_order.c.placed_at, _order.c.id)
        .limit(limit)
    )
    return list(session.execute(statement).scalars())


def _pickup_of(session: Session, order: ChannelOrder) -> Pickup | None:
    statement = select(Pickup).where(Pickup.channel == order.channel, Pickup.reference == order.reference)
    return session.exec(statement.order_by(col(Pickup.placed_at).desc()).limit(1)).first()


def _place(
    session: Session, desk: Desk, order: ChannelOrder, lines: Sequence[OrderLine], buyer: Person, now: datetime
) -> None:
    """Lines that wait to be mapped wait for all: nobody is told to come for half of an order. Who reserves with us places the
    pickup with us."""
    wanted = [_wanted(line, order) for line in lines if line.sku is not None and line.quantity > line.cancelled]
    if order.closed or order.released_at or any(line.waiting or line.shipped for line in lines) or not wanted:
        return
    if binding.find(session, order.channel, order.reference).reservations:
        return
    if order.collect_at is None:
        raise Waits(
            f"Order {order.reference} does not say at which of our stores it is collected.",
            f"Map its pickup place in location_map of channel {order.channel}.",
        )
    if order.collect_at not in desk.places():
        return  # this store hands out without us
    placing.place(
        session,
        desk,
        placing.Wanted(
            order.collect_at, buyer, tuple(wanted), reference=order.reference, channel=order.channel, paid=order.paid
        ),
        now=now,
    )


def _wanted(line: OrderLine, order: ChannelOrder) -> placing.Line:
    has_price = line.price_minor is not None and order.currency is not None
    price = Money(line.price_minor, order.currency) if has_price else None  # type: ignore[arg-type]
    return placing.Line(line.sku or "", line.quantity - line.cancelled, price)


def _bring_up(
    session: Session, desk: Desk, found: Pickup, order: ChannelOrder, lines: Sequence[OrderLine], now: datetime
) -> None:
    goods = [line for line in lines if line.stocked]
    ordered = sum(line.quantity - line.cancelled for line in goods)
    shipped = sum(line.shipped for line in goods)
    if order.paid and not found.paid:
        found.paid = True
        session.add(found)
        session.flush()
        desk.tell(session, "paid", found, by=Actor(order.channel), now=now)
    if goods and not ordered:
        ending.cancel(
            session, desk, found.id, actor=Actor(order.channel), now=now, reason=f"cancelled at {order.channel}"
        )
    elif ordered and shipped >= ordered:
        handing.hear(session, desk, found, now=now)
    elif shipped or ordered < _kept(session, found, {line.sku for line in goods}):
        raise Waits(
            f"{order.channel} changed a part of order {order.reference}: {ordered} pieces are ordered, {shipped} handed over.",
            f"Hand over or give back the same at the desk: pickup {found.number}.",
        )


def _kept(session: Session, found: Pickup, skus: Collection[str | None]) -> int:
    """How many of these pieces the pickup is still about."""
    return sum(
        line.quantity - line.rejected for line in pickup.lines_of(session, [found.id])[found.id] if line.sku in skus
    )
