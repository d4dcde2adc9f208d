"""Orders of channels that are sent from a location: what is to be packed there, and that it is on its way.

The label is the channel's; when it hears of the parcel it says `shipped`, and that moves nothing any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, NotFound
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.stock import promises
from omnisync.stock.tables import Promise
from omnisync.values import Kind

_order, _promise = db.table(ChannelOrder), db.table(Promise)
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
    pieces: Mapping[str, int]
    """SKU -> pieces of the shelf."""


def waiting(session: Session, location: str, *, limit: int = 200) -> Sequence[Parcel]:
    """The parcels of this location that nobody has sent yet, the oldest order first."""
    orders = _here(sa.select(*_NAMED).distinct(), location).order_by(_order.c.placed_at, _order.c.id).limit(limit)
    found = session.execute(orders).all()
    pieces: dict[str, dict[str, int]] = defaultdict(dict)
    lying = sa.select(_promise.c.order_id, _promise.c.sku, sa.func.sum(_promise.c.quantity - _promise.c.ended)).where(
        _promise.c.location == location, _promise.c.order_id.in_([row.id for row in found])
    )
    for order_id, sku, n in session.execute(lying.group_by(_promise.c.order_id, _promise.c.sku)):
        pieces[order_id][sku] = int(n)
    return [
        Parcel(row.id, row.channel, row.reference, row.placed_at, {sku: n for sku, n in pieces[row.id].items() if n})
        for row in found
    ]


def count(session: Session, location: str) -> int:
    """How many parcels of this location wait."""
    number = sa.select(sa.func.count(_order.c.id.distinct()))
    return int(session.execute(_here(number, location)).scalar_one())


def send(session: Session, location: str, order_id: str, *, owner: str, now: datetime) -> None:
    """All of this order that lies at this location is on its way. `owner` names in the journal who says so.

    Conflict `already-done` where nothing of it is to be sent, `split-set` where pieces of one set lie in two places: of those the
    channel says when they are sent.
    """
    named = session.get(ChannelOrder, order_id)
    if named is None:
        raise NotFound(f"There is no order {order_id}.")
    # As everybody does who writes an order: its name first.
    db.lock_names(session, [promises.name_of(named.channel, named.reference)])
    session.get(ChannelOrder, order_id, with_for_update=True, populate_existing=True)
    here = _pieces_here(session, location, order_id)
    if not here:
        raise Conflict("Nothing of this order is to be sent from here.", code="already-done")
    for line_id, pieces in sorted(here.items()):
        line = session.get_one(OrderLine, (order_id, line_id), with_for_update=True, populate_existing=True)
        each, lines = _whole(session, line, pieces)
        line.sent = max(line.sent, line.shipped) + lines
        for sku, n in sorted(each.items()):
            promises.end(
                session, order_id, line_id, sku, Kind.SHIPPED, n * lines, at=location, occurred_at=now, now=now,
                key=f"{order_id}/{line_id}/sent/{line.sent}", reason=f"sent: {owner}",
            )  # fmt: skip
        session.add(line)
    session.flush()


def _here(statement: sa.Select[Any], location: str) -> sa.Select[Any]:
    joined = statement.select_from(_order).join(_promise, _promise.c.order_id == _order.c.id)
    return joined.where(_promise.c.location == location, _TO_SEND)


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
