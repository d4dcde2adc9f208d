"""Who waits for pieces of an article: open reservations, pickups, orders of channels, transfers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.tables import Pickup
from omnisync.pages.office import ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.stock.tables import Movement, Promise, Reservation
from omnisync.values import Shelf

journal, reservation, promise, pickup = (db.table(one) for one in (Movement, Reservation, Promise, Pickup))


def of(session: Session, shelves: Sequence[Shelf], names: Mapping[str, str], visit: Visit) -> Sheet:
    """Every promise that is still open on these shelves, the oldest first: one statement."""
    say = visit.say
    rows = session.execute(_open(shelves)).all() if shelves else []
    columns = (
        Column(later("For"), lambda row: _whom(row, visit), _way),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(later("Pieces"), lambda row: int(row.pieces), _way, look="num"),
        Column(later("Since"), lambda row: row.since),
        Column(later("Until"), lambda row: row.expires_at),
        Column(later("Named"), lambda row: row.promise, look="code"),
    )
    return Sheet("holds", say("Open holds and promises"), columns, rows, say("Nobody waits for it."))


def _open(shelves: Sequence[Shelf]) -> sa.Select[Any]:
    pieces = sa.func.sum(journal.c.reserved)
    still = (
        sa.select(
            journal.c.promise, journal.c.location, pieces.label("pieces"),
            sa.func.min(journal.c.recorded_at).label("since"),
        )
        .where(db.in_pairs(journal.c.location, journal.c.sku, sorted(shelves)), journal.c.promise.is_not(None))
        .group_by(journal.c.promise, journal.c.location)
        .having(pieces != 0)
        .subquery()
    )  # fmt: skip
    since = sa.type_coerce(still.c.since, journal.c.recorded_at.type)
    return (
        sa.select(
            still.c.promise, still.c.location, still.c.pieces, since.label("since"), reservation.c.expires_at,
            reservation.c.reference.label("cart"), pickup.c.id.label("pickup"), pickup.c.number, promise.c.order_id,
            sa.func.coalesce(promise.c.reference, reservation.c.reference).label("reference"),
            sa.func.coalesce(promise.c.channel, reservation.c.channel).label("channel"),
        )
        .outerjoin(reservation, reservation.c.id == still.c.promise)
        .outerjoin(pickup, pickup.c.reservation_id == reservation.c.id)
        .outerjoin(promise, promise.c.id == still.c.promise)
        .order_by(still.c.since, still.c.promise)
    )  # fmt: skip


def _whom(row: Any, visit: Visit) -> str:
    if row.number:
        return visit.say("Pickup %(number)s", number=row.number)
    if row.order_id:
        return visit.say("Order %(reference)s", reference=row.reference)
    return visit.say("Reservation %(reference)s", reference=row.cart) if row.cart else visit.say("Reservation")


def _way(row: Any) -> str:
    if row.pickup:
        return ways.pickup(row.pickup)
    return ways.order(row.order_id) if row.order_id else ""
