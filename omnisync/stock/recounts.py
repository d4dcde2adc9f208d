"""Shelves that somebody should count again, each with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.stock.tables import Balance, Movement
from omnisync.values import Kind

LARGE_PIECES = 10
LARGE_MINOR = 100_00
"""A count that differed by so many pieces, or by so much at cost, is counted again by somebody else."""
LATE = timedelta(hours=1)
NEAR = timedelta(hours=12)
"""What was told so long after it happened, and happened so near to a count, may lie on the wrong side of it: a till that tells
a day and no time is taken to mean noon."""

_balance, _movement, _article = db.table(Balance), db.table(Movement), db.table(Article)
_HERE = sa.and_(_movement.c.location == _balance.c.location, _movement.c.sku == _balance.c.sku)
NO_FACTS = (Kind.COUNT.value, Kind.COUNTED_ALREADY.value, Kind.OPENING.value)


def _micros(span: timedelta) -> sa.ColumnElement[int]:
    return sa.literal(span // timedelta(microseconds=1), sa.BigInteger)


def _large() -> sa.ColumnElement[bool]:
    pieces = sa.func.abs(_movement.c.on_hand)
    cost = (
        sa.select(sa.func.coalesce(_article.c.cost_minor, 0)).where(_article.c.sku == _movement.c.sku).scalar_subquery()
    )
    much = sa.or_(pieces >= LARGE_PIECES, pieces * cost >= LARGE_MINOR)
    last = sa.and_(_movement.c.kind == Kind.COUNT.value, _movement.c.occurred_at == _balance.c.counted_at)
    return sa.exists().where(_HERE, last, much, _not_the_first())


def _not_the_first() -> sa.ColumnElement[bool]:
    """Whoever counts a shelf of which nobody had said anything opens it, and differs from nothing."""
    before = _movement.alias("before")
    same = sa.and_(before.c.location == _movement.c.location, before.c.sku == _movement.c.sku)
    return sa.exists().where(same, before.c.id < _movement.c.id, before.c.on_hand != 0)


def _late() -> sa.ColumnElement[bool]:
    happened, told, counted = (
        sa.type_coerce(column, sa.BigInteger)
        for column in (_movement.c.occurred_at, _movement.c.recorded_at, _balance.c.counted_at)
    )
    near = sa.and_(happened > counted - _micros(NEAR), happened < counted + _micros(NEAR))
    late = sa.and_(told > counted, told - happened >= _micros(LATE))
    facts = sa.and_(_movement.c.on_hand != 0, _movement.c.kind.not_in(NO_FACTS))
    return sa.exists().where(_HERE, facts, near, late)


REASONS = {
    "not_found": _balance.c.off_sale,
    "stock_error": sa.and_(_balance.c.on_hand < 0, _balance.c.reserved == 0),
    "late_facts": sa.and_(_balance.c.counted_at.is_not(None), _late()),
    "large_difference": sa.and_(_balance.c.counted_at.is_not(None), _large()),
}
"""Why, and which shelves that is. A new count mends each of them."""
_LIST = sa.select(
    _balance.c.location,
    _balance.c.sku,
    _balance.c.counted_at,
    *(sa.case((condition, True), else_=False).label(why) for why, condition in REASONS.items()),
).where(sa.or_(*REASONS.values()))


@dataclass(frozen=True, slots=True)
class Recount:
    """A shelf to be counted. What is expected there is not said: who counts must not know."""

    location: str
    sku: str
    reasons: tuple[str, ...]


def page(
    session: Session, location: str | None, *, after: tuple[str, str] | None = None, limit: int = 100
) -> Sequence[Recount]:
    """Shelves by location and SKU."""
    statement = _LIST.order_by(_balance.c.location, _balance.c.sku).limit(limit)
    if location is not None:
        statement = statement.where(_balance.c.location == location)
    if after is not None:
        statement = statement.where(sa.tuple_(_balance.c.location, _balance.c.sku) > sa.tuple_(*after))
    return [
        Recount(row.location, row.sku, tuple(why for why in REASONS if row._mapping[why]))
        for row in session.execute(statement)
    ]
