"""Finding the reservation that already keeps what an order asks for: the same channel and reference, in either order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders.tables import ChannelOrder, Pickup
from omnisync.stock import ends, promises
from omnisync.stock.tables import Reservation

reservation = db.table(Reservation)
_OF_A_PICKUP = reservation.c.pickup.in_(sa.select(db.table(Pickup).c.id))
"""A pickup's own reservation; otherwise `pickup` names the reservation that took it over."""
_HERE = (
    reservation.c.channel == sa.bindparam("channel"), reservation.c.reference == sa.bindparam("reference"),
)  # fmt: skip
_OVERDUE = (
    sa.select(reservation.c.id)
    .where(*_HERE, reservation.c.state == "held", reservation.c.expires_at <= sa.bindparam("now"))
    .order_by(reservation.c.id)
)
_COVERING = (
    sa.select(reservation.c.id, reservation.c.lines)
    .where(*_HERE, reservation.c.state != "expired", sa.or_(reservation.c.pickup.is_(None), _OF_A_PICKUP))
    .order_by(reservation.c.id)
)


@dataclass(frozen=True, slots=True)
class Cover:
    """What reservations of an order's reference keep, by SKU, and whether a pickup desk decides about them."""

    pieces: Mapping[str, int]
    reservations: tuple[str, ...]
    is_pickup: bool


NOTHING = Cover({}, (), False)


def expire(session: Session, channel: str, reference: str, *, now: datetime) -> None:
    """Holds of this reference whose time is over give their pieces back now, before anybody takes them for cover."""
    found = session.execute(_OVERDUE, {"channel": channel, "reference": reference, "now": now}).scalars().all()
    if found:
        ends.end(session, [ends.End(name, ends.How.EXPIRE) for name in found], now=now)


def find(session: Session, channel: str, reference: str) -> Cover:
    """What is covered, also after the reservation has ended. A hold that expired unconfirmed covers nothing: it gave its
    pieces back, and the order is a promise of its own. One that another took over is covered by the other."""
    rows = session.execute(_COVERING, {"channel": channel, "reference": reference}).all()
    pieces: dict[str, int] = defaultdict(int)
    for row in rows:
        for sku, quantity in _by_sku(row.lines).items():
            pieces[sku] = max(pieces[sku], quantity)
    return Cover(
        dict(pieces), tuple(row.id for row in rows), _has_pickup(session, channel, reference) if rows else False
    )


def rename(session: Session, order: ChannelOrder, reference: str) -> None:
    """Its channel calls this order otherwise from now on: what was kept for it goes by the new name too, so that it is not kept
    twice. What another order of the old name may stand on keeps that."""
    old = order.reference
    db.lock_names(session, [promises.name_of(order.channel, old)])
    promises.rename(session, order.id, reference)
    others = select(ChannelOrder.id).where(ChannelOrder.channel == order.channel, ChannelOrder.reference == old)
    if session.exec(others.where(ChannelOrder.id != order.id).limit(1)).first() is None:
        for kept in (Reservation, Pickup):
            here = (col(kept.channel) == order.channel, col(kept.reference) == old)
            session.execute(sa.update(kept).where(*here).values(reference=reference))


def confirm(session: Session, cover: Cover, *, now: datetime) -> None:
    """The buyer has ordered: what was held for him no longer expires."""
    if cover.reservations:
        ends.end(session, [ends.End(found, ends.How.CONFIRM) for found in cover.reservations], now=now)


def pass_on(session: Session, cover: Cover, how: ends.How, pieces: Mapping[str, int], *, now: datetime) -> None:
    """The channel shipped or cancelled pieces that a reservation keeps: that reservation ends for them. What a pickup desk
    keeps ends at the desk only, and what has ended already stays as it is."""
    if cover.is_pickup:
        return
    left = dict(pieces)
    for name, kept in sorted(ends.open_pieces(session, cover.reservations).items()):
        part = {}
        for shelf, n in sorted(kept.items()):
            if taken := min(n, left.get(shelf.sku, 0)):
                part[shelf] = taken
                left[shelf.sku] -= taken
        if part:
            ends.end(session, [ends.End(name, how, part, keep_rest=True)], now=now)


def _by_sku(lines: Sequence[Mapping[str, int | str]]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for line in lines:
        found[str(line["sku"])] += int(line["quantity"])
    return found


def _has_pickup(session: Session, channel: str, reference: str) -> bool:
    statement = select(Pickup.id).where(col(Pickup.channel) == channel, col(Pickup.reference) == reference)
    return session.exec(statement.limit(1)).first() is not None
