"""The small words in which stock tests speak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article, Component
from omnisync.stock import availability, ledger, reservations
from omnisync.stock.effects import Level
from omnisync.stock.invariants import STOCK_INVARIANTS
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Line, Request
from omnisync.stock.tables import Movement
from omnisync.values import Kind, Shelf
from tests.conftest import START

LINDEN = "linden"


def article(
    session: Session,
    sku: str,
    *,
    stocked: bool = True,
    components: dict[str, int] | None = None,
    min_age: int | None = None,
) -> None:
    """An article, or a bundle of others that are there already."""
    session.add(Article(sku=sku, title=sku.title(), stocked=stocked, min_age=min_age, changed_at=START))
    session.flush()
    for part, quantity in (components or {}).items():
        session.add(Component(bundle=sku, sku=part, quantity=quantity))
    session.flush()


def shelf(session: Session, sku: str, *, pieces: int, location: str = LINDEN, safety: int = 0) -> Shelf:
    """A shelf with an article on it, opened a day ago."""
    if session.get(Article, sku) is None:
        article(session, sku)
    opening = Entry(Kind.OPENING, sku, location, pieces, "test", START - timedelta(days=1))
    keep = Entry(Kind.SAFETY, sku, location, safety, "test", START - timedelta(days=1))
    ledger.record(session, [opening, keep] if safety else [opening], now=START - timedelta(days=1))
    return Shelf(location, sku)


def level(session: Session, sku: str, location: str = LINDEN) -> Level:
    """What the balance says."""
    return availability.levels(session, [Shelf(location, sku)])[Shelf(location, sku)]


def a_request(*lines: tuple[str, int], id: str = "r1", seconds: int | None = 900, **details: str) -> Request:
    """A wish for pieces at Lindenstraße."""
    wanted = tuple(Line(sku, LINDEN, quantity) for sku, quantity in lines)
    expires = None if seconds is None else START + timedelta(seconds=seconds)
    return Request(id, wanted, expires, **details)


def hold(session: Session, sku: str, quantity: int = 1, **details: str) -> reservations.Held:
    """A hold that is granted."""
    [held] = reservations.reserve(session, [a_request((sku, quantity), **details)], now=START)
    assert isinstance(held, reservations.Held)
    return held


def kinds(session: Session, sku: str) -> list[str]:
    """The kinds of an article's movements, in their order."""
    journal = db.table(Movement)
    statement = sa.select(journal.c.kind).where(journal.c.sku == sku, journal.c.kind != "opening")
    return list(session.execute(statement.order_by(journal.c.id)).scalars())


def violations(session: Session) -> Sequence[str]:
    """Everything that should hold of stock and does not."""
    return [violation for invariant in STOCK_INVARIANTS for violation in invariant(session)]


def until_somebody_waits(session: Session) -> None:
    """Until another transaction waits for one of our locks."""
    for _ in range(20_000):
        if session.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
            return
    raise AssertionError("nobody came to wait")
