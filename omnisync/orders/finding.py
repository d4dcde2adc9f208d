"""Finding a pickup of a store by what somebody at the desk says: a name, a number, the shop's order reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders.states import OPEN
from omnisync.orders.tables import Customer, Pickup

WORDS_AT_MOST = 5
_pickup, _customer = db.table(Pickup), db.table(Customer)


def find(session: Session, location: str, wanted: str, *, limit: int = 50) -> Sequence[Pickup]:
    """Pickups of this store of which each word is in the name, number or reference: open ones first, the most urgent
    of them first, then those that ended, the newest first. Nothing for an empty question."""
    words = wanted.split()[:WORDS_AT_MOST]
    if not words:
        return []
    ended = sa.case((col(Pickup.state).in_(OPEN), 0), else_=1)
    statement = (
        select(Pickup)
        .join(Customer, col(Customer.id) == col(Pickup.customer_id))
        .where(col(Pickup.location) == location, *(_says(word) for word in words))
        .order_by(ended, col(Pickup.ended_at).desc(), col(Pickup.ready_by), col(Pickup.id))
    )
    return session.exec(statement.limit(limit)).all()


def _says(word: str) -> sa.ColumnElement[bool]:
    fields = (_customer.c.name, _pickup.c.number, sa.func.coalesce(_pickup.c.reference, ""))
    return sa.or_(*(_holds(field, word) for field in fields))


def _holds(field: sa.ColumnElement[Any], word: str) -> sa.ColumnElement[bool]:
    """Whatever the case of the letters. SQLite knows that of ASCII only, so the ways people write a name stand here."""
    spelled = {word, word.capitalize(), word.upper(), word.lower()}
    lower = sa.func.lower(field).contains(word.lower(), autoescape=True)
    return sa.or_(lower, *(field.contains(one, autoescape=True) for one in sorted(spelled)))
