"""Whose promise breaks when a shelf has too few: never one that is packed, then the unpaid before the paid, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders import holding, pickup
from omnisync.orders.states import OPEN, State
from omnisync.orders.tables import ChannelOrder, Pickup
from omnisync.stock.tables import Movement, Promise, Reservation, Transfer
from omnisync.values import Shelf

_movement, _promise, _reservation = db.table(Movement), db.table(Promise), db.table(Reservation)
_pickup, _transfer, _order = db.table(Pickup), db.table(Transfer), db.table(ChannelOrder)


class Who(StrEnum):
    """To whom something is promised."""

    PICKUP = "pickup"
    TRANSFER = "transfer"
    ORDER = "order"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Promised:
    """Pieces of one shelf that somebody counts on; `name` is the promise, `of` the pickup, transfer, order or hold behind it."""

    who: Who
    name: str
    of: str
    reference: str | None
    paid: bool
    placed_at: datetime
    pieces: int
    packed: int = 0
    over: bool = False
    """Its time is over, and nobody has written so yet."""

    @property
    def rank(self) -> tuple[bool, bool, float, str]:
        """Who comes first breaks first: what is over is no promise any more."""
        return not self.over, self.paid, -self.placed_at.timestamp(), self.name


def broken(promised: Iterable[Promised], short: int) -> list[tuple[Promised, int]]:
    """Whose promises break, and of how many pieces; pure. Fewer than `short` if all others are packed: then the count is wrong."""
    found: list[tuple[Promised, int]] = []
    for one in sorted(promised, key=lambda one: one.rank):
        if (pieces := min(short, one.pieces - one.packed)) > 0:
            found.append((one, pieces))
            short -= pieces
    return found


def promised_from(session: Session, shelf: Shelf, *, now: datetime) -> list[Promised]:
    """Everybody who counts on pieces of this shelf."""
    open_pieces = _open_pieces(session, shelf)
    names = sorted(open_pieces)
    found = [
        *_pickups(session, shelf, names),
        *_transfers(session, names),
        *_orders(session, names),
        *_holds(session, names, now),
    ]
    known: dict[str, Promised] = {}
    for one, packed in found:
        known.setdefault(
            one.name,
            replace(one, pieces=open_pieces[one.name], packed=min(packed, open_pieces[one.name])),
        )
    return list(known.values())


def _open_pieces(session: Session, shelf: Shelf) -> dict[str, int]:
    pieces = sa.func.sum(_movement.c.reserved)
    statement = (
        sa.select(_movement.c.promise, pieces)
        .where(_movement.c.location == shelf.location, _movement.c.sku == shelf.sku, _movement.c.promise.is_not(None))
        .group_by(_movement.c.promise)
        .having(pieces > 0)
    )
    return {name: int(n) for name, n in session.execute(statement)}


def _pickups(session: Session, shelf: Shelf, names: Sequence[str]) -> list[tuple[Promised, int]]:
    rows = session.execute(
        sa.select(Pickup).where(db.among(_pickup.c.reservation_id, names), _pickup.c.state.in_(OPEN))
    ).scalars()
    return [
        (
            Promised(Who.PICKUP, one.reservation_id, one.id, one.number, one.paid, one.placed_at, 0),
            _packed(session, one, shelf),
        )
        for one in list(rows)
    ]


def _packed(session: Session, found: Pickup, shelf: Shelf) -> int:
    """Pieces of this shelf that lie in the bag."""
    lines = pickup.lines_of(session, [found.id])[found.id]
    ready = found.state == State.READY
    bag = {line.sku: pickup.open_quantity(line) if ready else line.picked for line in lines}
    return holding.stocked(session, found.location, {sku: n for sku, n in bag.items() if n}).get(shelf, 0)


def _transfers(session: Session, names: Sequence[str]) -> list[tuple[Promised, int]]:
    rows = session.execute(
        sa.select(_transfer.c.id, _transfer.c.asked_at, _pickup.c.number, _pickup.c.paid)
        .outerjoin(_pickup, _pickup.c.id == _transfer.c.pickup_id)
        .where(db.among(_transfer.c.id, names))
    )
    return [
        (Promised(Who.TRANSFER, row.id, row.id, row.number, bool(row.paid), row.asked_at, 0), 0) for row in rows.all()
    ]


def _orders(session: Session, names: Sequence[str]) -> list[tuple[Promised, int]]:
    rows = session.execute(
        sa.select(_promise.c.id, _promise.c.order_id, _promise.c.reference, _order.c.paid, _order.c.placed_at)
        .join(_order, _order.c.id == _promise.c.order_id)
        .where(db.among(_promise.c.id, names))
    )
    return [
        (Promised(Who.ORDER, row.id, row.order_id, row.reference, row.paid, row.placed_at, 0), 0) for row in rows.all()
    ]


def _holds(session: Session, names: Sequence[str], now: datetime) -> list[tuple[Promised, int]]:
    """Who confirmed has a buyer; who only holds has none yet."""
    rows = session.execute(sa.select(_reservation).where(db.among(_reservation.c.id, names)))
    return [
        (
            Promised(
                Who.HOLD, row.id, row.id, row.reference, row.state == "confirmed", row.created_at, 0,
                over=row.state == "held" and row.expires_at is not None and row.expires_at <= now,
            ),
            0,
        )
        for row in rows.all()
    ]  # fmt: skip


def lines_for(each: Mapping[str, Mapping[str, int]], left: Mapping[str, int], sku: str, pieces: int) -> dict[str, int]:
    """Which lines, of those that are left, are given up so that this many pieces of one SKU are free; pure."""
    found: dict[str, int] = {}
    for line, n in sorted(left.items()):
        per_line = each.get(line, {}).get(sku, 0)
        if per_line and pieces > 0:
            found[line] = min(n, -(-pieces // per_line))
            pieces -= found[line] * per_line
    return found
