"""Orders that nobody pays for: after a while their pieces can be sold again, once, and a late payment promises them anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.announce import announce
from omnisync.orders import binding
from omnisync.orders.tables import ChannelOrder, Pickup
from omnisync.stock import ends, promises
from omnisync.stock.tables import Promise, Reservation
from omnisync.values import Kind

_order, _promise = db.table(ChannelOrder), db.table(Promise)
_reservation, _pickup = db.table(Reservation), db.table(Pickup)
REASON = "not paid in time"


def overdue(session: Session, channel: str, *, before: datetime, limit: int = 200) -> Sequence[str]:
    """Ids of orders placed by then, not paid and still keeping pieces. What a pickup desk keeps has a deadline of its own."""
    promised = sa.exists().where(_promise.c.order_id == _order.c.id, _promise.c.quantity > _promise.c.ended)
    same = (_reservation.c.channel == _order.c.channel, _reservation.c.reference == _order.c.reference)
    held = sa.exists().where(*same, _reservation.c.state.in_(ends.OPEN))
    collected = sa.exists().where(_pickup.c.channel == _order.c.channel, _pickup.c.reference == _order.c.reference)
    statement = (
        sa.select(_order.c.id)
        .where(_order.c.channel == channel, _order.c.paid.is_(False), _order.c.placed_at <= before)
        .where(_order.c.released_at.is_(None), _order.c.counter.is_(False), sa.or_(promised, held), ~collected)
        .order_by(_order.c.placed_at, _order.c.id)
        .limit(limit)
    )
    return list(session.execute(statement).scalars())


def release(session: Session, order_id: str, *, now: datetime) -> int:
    """Give back what this order keeps; how many pieces. Nothing when it was paid or given back meanwhile."""
    seen = session.get_one(ChannelOrder, order_id)
    db.lock_names(session, [promises.name_of(seen.channel, seen.reference)])
    order = session.get_one(ChannelOrder, order_id, with_for_update=True, populate_existing=True)
    if order.paid or order.released_at is not None:
        return 0
    order.released_at = now
    session.add(order)
    session.flush()
    pieces = _end_promises(session, order, now) + _end_holds(session, order, now)
    body = {"channel": order.channel, "order": order.id, "reference": order.reference, "pieces": pieces}
    announce(session, "channel.order_released", body | {"reason": REASON}, now=now)
    return pieces


def _end_promises(session: Session, order: ChannelOrder, now: datetime) -> int:
    return sum(
        promises.end(
            session, order.id, line_id, sku, Kind.RELEASED, pieces,
            key=f"{order.id}/{line_id}/unpaid", occurred_at=now, now=now, reason=REASON,
        )
        for (line_id, sku), pieces in sorted(promises.open_of_order(session, order.id).items())
    )  # fmt: skip


def _end_holds(session: Session, order: ChannelOrder, now: datetime) -> int:
    cover = binding.find(session, order.channel, order.reference)
    kept = ends.open_pieces(session, cover.reservations)
    wanted = [ends.End(name, ends.How.RELEASE, cause=f"order:{order.id}") for name in cover.reservations]
    ends.end(session, wanted, now=now)
    return sum(n for pieces in kept.values() for n in pieces.values())
