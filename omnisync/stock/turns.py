"""Whose the pieces are that are there, where more has been promised: who came first has them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.stock.effects import Level
from omnisync.stock.tables import Movement, Reservation
from omnisync.values import Shelf

_movement, _reservation = db.table(Movement), db.table(Reservation)
_PIECES = sa.func.sum(_movement.c.reserved)
_IN_TURN = (
    sa.select(_movement.c.promise, _PIECES.label("pieces"), _reservation.c.pickup)
    .outerjoin(_reservation, _reservation.c.id == _movement.c.promise)
    .where(
        _movement.c.location == sa.bindparam("location"),
        _movement.c.sku == sa.bindparam("sku"),
        _movement.c.promise.is_not(None),
    )
    .group_by(_movement.c.promise, _reservation.c.pickup)
    .having(_PIECES > 0)
    .order_by(sa.func.min(_movement.c.id))
)


def there(session: Session, shelf: Shelf, level: Level, mine: Mapping[str, int]) -> int:
    """How many of these pieces of promises of a locked shelf are there already. What pickups keep has to be there, so it goes
    first; then whoever was promised first."""
    left = level.on_hand - level.blocked - level.safety
    if not level.backorder or left >= level.reserved:
        return sum(mine.values())
    rows = session.execute(_IN_TURN, {"location": shelf.location, "sku": shelf.sku}).all()
    left -= sum(row.pieces for row in rows if row.pickup)
    found = 0
    for row in rows:
        if row.promise in mine:
            found += min(mine[row.promise], max(0, left))
        left -= 0 if row.pickup else row.pieces
    return found
