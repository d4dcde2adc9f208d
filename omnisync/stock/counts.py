"""Counting one article: the level at that moment becomes what was counted, and only then is it said what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, NotFound
from omnisync.stock import ledger, repeats, stocktakes
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Movement, Stocktake
from omnisync.values import Kind

_movement, _take = db.table(Movement), db.table(Stocktake)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a count found: pieces, and how many more (fewer: negative) than the ledger thought."""

    sku: str
    quantity: int
    difference: int


def countable(session: Session, sku: str) -> articles.ArticleInfo:
    """The article, if it has a shelf of its own. Conflict `not-countable` for bundles and what is not stocked."""
    info = articles.known(session, [sku]).get(sku)
    if info is None:
        raise NotFound(f"There is no article {sku}.")
    if info.is_bundle or not info.stocked:
        raise Conflict(f"{sku} has no shelf of its own.", code="not-countable", sku=sku)
    return info


def count(
    session: Session, location: str, sku: str, quantity: int, *, by: str, owner: str, key: str, now: datetime
) -> str | None:
    """Somebody counted this shelf; the same key twice is one count. While everything there is being counted it is kept for that
    stocktake, whose id is answered, and takes effect with it. `owner` names who counted in the journal."""
    countable(session, sku)
    taking = _open_at(session, location)
    if taking is not None:
        stocktakes.count(session, taking, [stocktakes.Count(sku, quantity, now)], by=by, at=location, now=now)
        return taking
    entry = Entry(Kind.COUNT, sku, location, quantity, f"desk:{owner}", now, key=_key(location, key))
    ledger.record(session, repeats.fresh(session, [[entry]]), now=now)
    return None


def outcome(session: Session, location: str, key: str) -> Counted | None:
    """What the count of that key found; None when there is none there."""
    statement = sa.select(_movement.c.sku, _movement.c.quantity, _movement.c.on_hand)
    row = session.execute(statement.where(_movement.c.key == _key(location, key))).one_or_none()
    return None if row is None else Counted(*row)


def _key(location: str, key: str) -> str:
    return f"desk:{location}:count:{key}"


def _open_at(session: Session, location: str) -> str | None:
    open_one = sa.select(_take.c.id).where(_take.c.location == location, _take.c.ended_at.is_(None))
    return session.execute(open_one).scalar_one_or_none()
