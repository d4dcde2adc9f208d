"""Finding a pickup of a store by what somebody at the desk says or scans: a name, a number, the shop's order reference, an article."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.orders.states import OPEN
from omnisync.orders.tables import Customer, Pickup, PickupLine

WORDS_AT_MOST = 5
_pickup, _customer, _line = db.table(Pickup), db.table(Customer), db.table(PickupLine)


def find(session: Session, location: str, wanted: str, *, limit: int = 50) -> Sequence[Pickup]:
    """Pickups of this store of which each word is in the name, number or reference, or that still hold the article with
    this barcode or SKU: open ones first, the most urgent of them first, then those that ended, the newest first. Nothing
    for an empty question."""
    words = wanted.split()[:WORDS_AT_MOST]
    if not words:
        return []
    said, sku = sa.and_(*(_says(word) for word in words)), _article(session, wanted)
    return _those(session, location, said if sku is None else sa.or_(said, _still_holds(sku)), limit)


def named(session: Session, location: str, scanned: str, *, limit: int = 50) -> Sequence[Pickup] | None:
    """What somebody scanned that is no secret: the pickup of this number, or those that still hold the article with this
    barcode or SKU (perhaps none does). None where it is neither: then it can be a code only."""
    by_number = _those(session, location, col(Pickup.number) == scanned.strip().upper(), limit)
    if by_number:
        return by_number
    sku = _article(session, scanned)
    return None if sku is None else _those(session, location, _still_holds(sku), limit)


def _those(session: Session, location: str, wanted: sa.ColumnElement[bool], limit: int) -> Sequence[Pickup]:
    ended = sa.case((col(Pickup.state).in_(OPEN), 0), else_=1)
    statement = (
        select(Pickup)
        .join(Customer, col(Customer.id) == col(Pickup.customer_id))
        .where(col(Pickup.location) == location, wanted)
        .order_by(ended, col(Pickup.ended_at).desc(), col(Pickup.ready_by), col(Pickup.id))
    )
    return session.exec(statement.limit(limit)).all()


def _article(session: Session, text: str) -> str | None:
    """The SKU that this is, or whose barcode it is."""
    text = text.strip()
    return articles.by_barcode(session, [text]).get(text) or next(iter(articles.known(session, [text])), None)


def _still_holds(sku: str) -> sa.ColumnElement[bool]:
    left = _line.c.quantity - _line.c.collected - _line.c.rejected
    holders = sa.select(_line.c.pickup_id).where(_line.c.sku == sku, left > 0)
    return sa.and_(_pickup.c.state.in_(OPEN), _pickup.c.id.in_(holders))


def _says(word: str) -> sa.ColumnElement[bool]:
    fields = (_customer.c.name, _pickup.c.number, sa.func.coalesce(_pickup.c.reference, ""))
    return sa.or_(*(_holds(field, word) for field in fields))


def _holds(field: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    """Whatever the case of the letters. SQLite knows that of ASCII only, so the ways people write a name stand here."""
    spelled = {word, word.capitalize(), word.upper(), word.lower()}
    lower = sa.func.lower(field).contains(word.lower(), autoescape=True)
    return sa.or_(lower, *(field.contains(one, autoescape=True) for one in sorted(spelled)))
