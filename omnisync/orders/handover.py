"""Where the till books the hand-over too: each piece is matched with one till sale, and whichever comes second moves no stock.

Both stand in the journal. A match is only looked for near in time: a bag handed over last week has nothing to do with what
the till rings up today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders.intake import RingUp
from omnisync.orders.states import OPEN
from omnisync.orders.tables import HandOver, Pickup
from omnisync.settings import LocationSettings, Settings
from omnisync.stock import ends, known, shelves
from omnisync.values import Shelf, to_micros

WINDOW = timedelta(hours=12)
"""Within one business day: the two bookings of one hand-over lie minutes apart, files of a till come in the evening."""

_rows = db.table(HandOver)
_pickup = db.table(Pickup)


def till_books(location: LocationSettings, *, paid: bool) -> bool:
    """Whether the till of this store books the hand-over of such a pickup as a sale."""
    return location.pickup_at_till == "all" or (location.pickup_at_till == "unpaid" and not paid)


def hand_over(session: Session, pickup: Pickup, pieces: Mapping[Shelf, int], *, now: datetime) -> dict[Shelf, int]:
    """Note pieces that are handed over; returns those that the till has rung up already, which must not move stock again."""
    shelves.lock(session, pieces)
    rung_up = {}
    for shelf, n in sorted(pieces.items()):
        waiting = _nearest(session, shelf, n, now, sold=True)
        _match(session, waiting, now, pickup_id=pickup.id)
        _wait(session, shelf, n - len(waiting), now, pickup_id=pickup.id)
        rung_up[shelf] = len(waiting)
    return rung_up


def hand_back(session: Session, pickup: Pickup, pieces: Mapping[Shelf, int], *, at: datetime) -> dict[Shelf, int]:
    """These pieces, handed over at that moment, are back; returns those that the till has rung up and keeps as sold.

    Their sales wait for a hand-over again, as if they had come first. Call it while the shelves are locked.
    """
    rung_up: dict[Shelf, int] = {}
    for shelf, n in sorted(pieces.items()):
        given = _at(shelf) | {"pickup": pickup.id, "mine": f"{pickup.id}/%", "moment": at, "limit": n}
        rows = session.execute(_HANDED_AT, given).all()
        sold = [name for name, sale in rows if sale is not None]
        session.execute(sa.delete(_rows).where(_rows.c.id.in_([name for name, sale in rows if sale is None])))
        for name in sold:
            # The names of this pickup are free again: its next hand-over counts anew.
            kept = f"back/{to_micros(at)}/{name}" if name.startswith(f"{pickup.id}/") else name
            waits = sa.update(_rows).where(_rows.c.id == name)
            session.execute(waits.values(id=kept, pickup_id=None, matched_at=None))
        rung_up[shelf] = len(sold)
    return rung_up


def rung_up(
    session: Session, location: LocationSettings, sku: str, quantity: int, *, sale_key: str, at: datetime, now: datetime
) -> int:
    """Note a till sale of so many pieces; returns how many were handed over already, which must not move stock again.

    Call it with pieces (bundles taken apart) before the sale is recorded under `sale_key`; called again for the same sale it
    answers the same. A negative quantity is a return: goods that come back always move stock, and a sale that nobody has
    collected yet no longer waits for its hand-over.
    """
    if location.pickup_at_till == "never":
        return 0
    shelf = Shelf(location.code, sku)
    shelves.lock(session, [shelf])
    if _is_known(session, sale_key):
        return _matched(session, sale_key, shelf)
    if quantity < 0:
        _take_back(session, shelf, -quantity, at)
        return 0
    handed = _nearest(session, shelf, quantity, at, sold=False)
    _match(session, handed, now, sale_key=sale_key)
    expected = min(quantity - len(handed), _expected(session, location, shelf))
    _wait(session, shelf, expected, at, sale_key=sale_key)
    return len(handed)


def ringing(settings: Settings) -> RingUp:
    """`rung_up` for callers that name a location by its code, as the intake of orders does."""

    def ring(
        session: Session, sku: str, location: str, quantity: int, *, sale_key: str, at: datetime, now: datetime
    ) -> int:
        return rung_up(session, settings.location(location), sku, quantity, sale_key=sale_key, at=at, now=now)

    return ring


def not_rung_up(
    session: Session, location: str | None = None, *, after: tuple[datetime, str] | None = None, limit: int = 200
) -> Sequence[HandOver]:
    """Pieces that were handed over and that no till has rung up, oldest first, a page at a time."""
    statement = select(HandOver).where(col(HandOver.pickup_id).is_not(None), col(HandOver.sale_key).is_(None))
    if location is not None:
        statement = statement.where(col(HandOver.location) == location)
    if after is not None:
        at, name = col(HandOver.at), col(HandOver.id)
        statement = statement.where(sa.or_(at > after[0], sa.and_(at == after[0], name > after[1])))
    return session.exec(statement.order_by(col(HandOver.at), col(HandOver.id)).limit(limit)).all()


def _nearest(session: Session, shelf: Shelf, limit: int, at: datetime, *, sold: bool) -> list[str]:
    """Unmatched pieces of the other side, oldest first. The shelf is locked, so nobody else matches them meanwhile."""
    given = _at(shelf) | {"first": at - WINDOW, "last": at + WINDOW, "limit": limit}
    return list(session.execute(_SOLD if sold else _HANDED_OVER, given).scalars())


def _at(shelf: Shelf) -> dict[str, Any]:
    return {"location": shelf.location, "sku": shelf.sku}


_ON_SHELF = (_rows.c.location == sa.bindparam("location"), _rows.c.sku == sa.bindparam("sku"))


def _waiting(here: sa.Column[Any], missing: sa.Column[Any]) -> sa.Select[str]:
    return (
        sa.select(_rows.c.id)
        .where(*_ON_SHELF, here.is_not(None), missing.is_(None))
        .where(_rows.c.at.between(sa.bindparam("first"), sa.bindparam("last")))
        .order_by(_rows.c.at, _rows.c.id)
        .limit(sa.bindparam("limit"))
    )


_BEGAN_HERE = _rows.c.id.like(sa.bindparam("mine"))
_HANDED_AT = (
    sa.select(_rows.c.id, _rows.c.sale_key)
    .where(*_ON_SHELF, _rows.c.pickup_id == sa.bindparam("pickup"))
    .where(
        sa.or_(
            sa.and_(_BEGAN_HERE, _rows.c.at == sa.bindparam("moment")),
            sa.and_(~_BEGAN_HERE, _rows.c.matched_at == sa.bindparam("moment")),
        )
    )
    .order_by(_rows.c.id.desc())
    .limit(sa.bindparam("limit"))
)
"""The rows of one hand-over: those it began, and the till's that it found waiting."""
_SOLD, _HANDED_OVER = _waiting(_rows.c.sale_key, _rows.c.pickup_id), _waiting(_rows.c.pickup_id, _rows.c.sale_key)


def _match(session: Session, ids: Sequence[str], now: datetime, **side: str) -> None:
    if ids:
        session.execute(sa.update(_rows).where(_rows.c.id.in_(ids)).values(matched_at=now, **side))


def _wait(session: Session, shelf: Shelf, pieces: int, at: datetime, **side: str) -> None:
    """One row a piece, named by what it waits with, so that writing it twice is impossible."""
    if pieces <= 0:
        return
    [(column, name)] = side.items()
    so_far = session.execute(
        sa.select(sa.func.count())
        .select_from(_rows)
        .where(_rows.c[column] == name, _rows.c.location == shelf.location, _rows.c.sku == shelf.sku)
    ).scalar_one()
    rows: list[dict[str, Any]] = [
        {"id": f"{name}/{shelf.sku}/{n}", "location": shelf.location, "sku": shelf.sku, "at": at, column: name}
        for n in range(so_far + 1, so_far + pieces + 1)
    ]
    session.execute(sa.insert(_rows), rows)


def _is_known(session: Session, sale_key: str) -> bool:
    return any(session.execute(one, {"sale_key": sale_key}).first() is not None for one in (_NOTED, _RECORDED))


_NOTED = sa.select(sa.literal(1)).where(_rows.c.sale_key == sa.bindparam("sale_key")).limit(1)
_RECORDED = known.effects(("key",), lambda effect: effect.key == sa.bindparam("sale_key")).limit(1)


def _matched(session: Session, sale_key: str, shelf: Shelf) -> int:
    """What this sale was answered when it came first: pieces handed over before it. Their rows began at the desk."""
    statement = (
        sa.select(sa.func.count())
        .select_from(_rows)
        .where(_rows.c.sale_key == sale_key, _rows.c.location == shelf.location, _rows.c.sku == shelf.sku)
        .where(~_rows.c.id.startswith(f"{sale_key}/", autoescape=True))
    )
    return int(session.execute(statement).scalar_one())


def _take_back(session: Session, shelf: Shelf, pieces: int, at: datetime) -> None:
    waiting = _nearest(session, shelf, pieces, at, sold=True)
    session.execute(sa.delete(_rows).where(_rows.c.id.in_(waiting)))


def _expected(session: Session, location: LocationSettings, shelf: Shelf) -> int:
    """Pieces of open pickups that this till will book, less the sales that wait for their hand-over already."""
    of_till = _OPEN_UNPAID if location.pickup_at_till == "unpaid" else _OPEN
    held = ends.open_pieces(session, session.execute(of_till, {"location": location.code}).scalars())
    pieces = sum(of_shelf.get(shelf, 0) for of_shelf in held.values())
    return max(0, pieces - int(session.execute(_NOT_COLLECTED, _at(shelf)).scalar_one())) if pieces else 0


_OPEN = sa.select(_pickup.c.reservation_id).where(
    _pickup.c.location == sa.bindparam("location"), sa.or_(*(_pickup.c.state == state for state in OPEN))
)
_OPEN_UNPAID = _OPEN.where(_pickup.c.paid.is_(False))
_NOT_COLLECTED = sa.select(sa.func.count()).select_from(_rows).where(*_ON_SHELF, _rows.c.pickup_id.is_(None))
