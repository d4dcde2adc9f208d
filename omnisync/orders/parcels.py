"""Orders of channels that are sent from a location: what is to be packed there, and that it is on its way.

The label is the channel's; when it hears of the parcel it says `shipped`, and that moves nothing any more. For some seconds a tap
takes back what was said too early.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, NotFound
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.stock import ledger, promises
from omnisync.stock.tables import Movement, Promise
from omnisync.values import Kind

AT_ONCE = timedelta(seconds=10)
"""So long one tap takes back that a parcel is on its way."""
_SAID = "sent: "
"""How the reason of a store's own word begins; behind it who said so."""
_order, _promise, _movement = db.table(ChannelOrder), db.table(Promise), db.table(Movement)
_TO_SEND = sa.and_(
    _promise.c.quantity > _promise.c.ended,
    *(~flag for flag in (_order.c.closed, _order.c.pickup, _order.c.counter, _order.c.elsewhere)),
    _order.c.paid,
    _order.c.released_at.is_(None),
)
"""Promised, paid, and nobody comes for it."""


_NAMED = (_order.c.id, _order.c.channel, _order.c.reference, _order.c.placed_at)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What of one order is to be sent from one location."""

    order_id: str
    channel: str
    reference: str
    placed_at: datetime
    location: str
    pieces: Mapping[str, int]
    """SKU -> pieces of the shelf."""


After = tuple[datetime, str, str]
"""When the order was placed, its id, and the location: behind which parcel a list goes on."""


def waiting(
    session: Session, location: str | None, *, after: After | None = None, limit: int = 200
) -> Sequence[Parcel]:
    """The parcels of this location (or of all) that nobody has sent yet, the oldest order first."""
    columns = (_order.c.placed_at, _order.c.id, _promise.c.location)
    orders = _here(sa.select(*_NAMED, _promise.c.location).distinct(), location)
    if after is not None:
        orders = orders.where(
            sa.tuple_(*columns)
            > sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(after, columns, strict=True)))
        )
    found = session.execute(orders.order_by(*columns).limit(limit)).all()
    pieces: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    of_shelf = (_promise.c.order_id, _promise.c.location, _promise.c.sku)
    lying = sa.select(*of_shelf, sa.func.sum(_promise.c.quantity - _promise.c.ended)).where(
        _promise.c.order_id.in_([row.id for row in found])
    )
    still_open = sa.func.sum(_promise.c.quantity - _promise.c.ended) > 0
    for order_id, place, sku, n in session.execute(lying.group_by(*of_shelf).having(still_open)):
        pieces[order_id, place][sku] = int(n)
    return [
        Parcel(row.id, row.channel, row.reference, row.placed_at, row.location, pieces[row.id, row.location])
        for row in found
    ]


def count(session: Session, location: str) -> int:
    """How many parcels of this location wait."""
    number = sa.select(sa.func.count(_order.c.id.distinct()))
    return int(session.execute(_here(number, location)).scalar_one())


def send(session: Session, location: str, order_id: str, *, owner: str, now: datetime) -> Parcel:
    """All of this order that lies at this location is on its way: what that was. `owner` names in the journal who says so.

    Conflict `already-done` where nothing of it is to be sent, `split-set` where pieces of one set lie in two places: of those the
    channel says when they are sent.
    """
    order = _locked(session, order_id)
    here = _pieces_here(session, location, order_id)
    if not here:
        raise Conflict("Nothing of this order is to be sent from here.", code="already-done")
    before = _taken_back(session, order_id)
    for line_id, pieces in sorted(here.items()):
        line = session.get_one(OrderLine, (order_id, line_id), with_for_update=True, populate_existing=True)
        each, lines = _whole(session, line, pieces)
        line.sent = max(line.sent, line.shipped) + lines
        for sku, n in sorted(each.items()):
            promises.end(
                session, order_id, line_id, sku, Kind.SHIPPED, n * lines, at=location, occurred_at=now, now=now,
                key=f"{order_id}/{line_id}/sent/{line.sent}.{before}", reason=f"{_SAID}{owner}",
            )  # fmt: skip
        session.add(line)
    session.flush()
    return _parcel(order, location, ((sku, n) for pieces in here.values() for sku, n in pieces.items()))


def sent_just_now(session: Session, location: str, order_id: str, *, now: datetime) -> datetime | None:
    """When this location said that it is on its way, as long as that can be taken back by a tap."""
    said = _just_said(session, location, order_id, now)
    return said[0].recorded_at if said else None


def take_back(session: Session, location: str, order_id: str, *, owner: str, now: datetime) -> Parcel:
    """It is not on its way after all: what this location sent last lies there again and is to be sent, as of the moment it was sent.

    Conflict `unsend-over` after ten seconds, or where the channel has said something else of it since.
    """
    order = _locked(session, order_id)
    said = _just_said(session, location, order_id, now)
    if not said or order.closed or order.released_at is not None:
        raise Conflict("This was sent too long ago to be taken back.", code="unsend-over")
    pieces: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in said:
        pieces[row.line_id][row.sku] += row.quantity
    for line_id, lying in sorted(pieces.items()):
        line = session.get_one(OrderLine, (order_id, line_id), with_for_update=True, populate_existing=True)
        _, lines = _whole(session, line, lying)
        if line.shipped > line.sent - lines or line.quantity - line.cancelled < line.sent:
            raise Conflict("The channel has its own word of this order.", code="unsend-over")
        line.sent -= lines
        session.add(line)
    promises.opened_again(session, [(row.promise, row.quantity) for row in said])
    entries = [
        ledger.Entry(
            Kind.HANDED_BACK, row.sku, location, row.quantity, row.cause, row.occurred_at,
            key=f"{row.key}/back", promise=row.promise, reason=f"not sent: {owner}",
        )
        for row in said
    ]  # fmt: skip
    ledger.record(session, entries, now=now)
    session.flush()
    return _parcel(order, location, ((row.sku, row.quantity) for row in said))


def _parcel(order: ChannelOrder, location: str, pieces: Iterable[tuple[str, int]]) -> Parcel:
    found: dict[str, int] = defaultdict(int)
    for sku, n in pieces:
        found[sku] += n
    return Parcel(order.id, order.channel, order.reference, order.placed_at, location, found)


def _locked(session: Session, order_id: str) -> ChannelOrder:
    """As everybody does who writes an order: its name first."""
    named = session.get(ChannelOrder, order_id)
    if named is None:
        raise NotFound(f"There is no order {order_id}.")
    db.lock_names(session, [promises.name_of(named.channel, named.reference)])
    return session.get_one(ChannelOrder, order_id, with_for_update=True, populate_existing=True)


_OF_ORDER = sa.select(
    _movement.c.id, _movement.c.kind, _movement.c.sku, _movement.c.quantity, _movement.c.cause, _movement.c.key, _movement.c.promise,
    _movement.c.reason, _movement.c.occurred_at, _movement.c.recorded_at, _promise.c.line_id,
).join(_promise, _promise.c.id == _movement.c.promise)  # fmt: skip


def _just_said(session: Session, location: str, order_id: str, now: datetime) -> Sequence[sa.Row[Any]]:
    """The movements by which this location sent it in the last seconds; none where something came after them."""
    mine = (_promise.c.order_id == order_id, _movement.c.location == location, _movement.c.recorded_at >= now - AT_ONCE)
    rows = session.execute(_OF_ORDER.where(*mine).order_by(_movement.c.id.desc())).all()
    last = rows[0] if rows else None
    if last is None or last.kind != Kind.SHIPPED.value or not (last.reason or "").startswith(_SAID):
        return []
    return [row for row in rows if row.kind == last.kind and row.recorded_at == last.recorded_at]


def _taken_back(session: Session, order_id: str) -> int:
    """How many movements of this order were taken back: what is sent anew is another effect."""
    back = sa.select(sa.func.count()).select_from(_movement).join(_promise, _promise.c.id == _movement.c.promise)
    wanted = (_promise.c.order_id == order_id, _movement.c.kind == Kind.HANDED_BACK.value)
    return int(session.execute(back.where(*wanted)).scalar_one())


def _here(statement: sa.Select[Any], location: str | None) -> sa.Select[Any]:
    joined = statement.select_from(_order).join(_promise, _promise.c.order_id == _order.c.id).where(_TO_SEND)
    return joined if location is None else joined.where(_promise.c.location == location)


def _pieces_here(session: Session, location: str, order_id: str) -> dict[str, dict[str, int]]:
    """Line -> SKU -> open pieces at this location."""
    lying = sa.select(_promise.c.line_id, _promise.c.sku, sa.func.sum(_promise.c.quantity - _promise.c.ended))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    rows = _here(lying, location).where(_order.c.id == order_id).group_by(_promise.c.line_id, _promise.c.sku)
    for line_id, sku, n in session.execute(rows):
        found[line_id][sku] = int(n)
    return found


def _whole(session: Session, line: OrderLine, pieces: Mapping[str, int]) -> tuple[Mapping[str, int], int]:
    """What one of the line is made of, and how many whole ones these pieces are."""
    each = articles.explode(session, [(line.sku or "", 1)])
    lines = {n // each.get(sku, n + 1) for sku, n in pieces.items()}
    whole = lines.pop()
    if lines or {sku: n * whole for sku, n in each.items()} != dict(pieces):
        raise Conflict("The parts of a set lie in several places.", code="split-set", line=line.line_id)
    return each, whole
