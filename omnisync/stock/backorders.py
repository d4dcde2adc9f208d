"""Keeping what shelves may promise beyond what is there in step with what their articles say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles, backorder
from omnisync.catalog.articles import ArticleChange
from omnisync.catalog.backorder import Backorder
from omnisync.catalog.tables import Article
from omnisync.stock import incoming, ledger, shelves
from omnisync.stock.tables import Balance
from omnisync.values import Kind, Shelf

_balance, _article = db.table(Balance), db.table(Article)


def put(session: Session, said: Mapping[str, Backorder], *, cause: str, now: datetime) -> None:
    """Say how far these articles can be backordered, on all their shelves."""
    lock(session, said)
    changes = [ArticleChange(sku, {"backorder": one.kept}) for sku, one in sorted(said.items())]
    articles.put(session, changes, now=now)
    follow(session, said, cause=cause, now=now)


def follow(session: Session, skus: Collection[str], *, cause: str, now: datetime) -> None:
    """After these articles were changed: write down on each of their shelves what may be promised beyond what is there."""
    if not skus:
        return
    rules = backorder.of(session, skus, lock=True)
    locked = lock(session, skus)
    coming = incoming.awaited(session, [shelf for shelf in locked if shelf.sku in rules])
    entries = [
        ledger.Entry(Kind.BACKORDER, shelf.sku, shelf.location, allowed, cause, now)
        for shelf, level in locked.items()
        if (allowed := allowance(rules.get(shelf.sku), coming.get(shelf))) != level.backorder
    ]
    ledger.record(session, entries, now=now)


def lock(session: Session, skus: Collection[str]) -> shelves.Locked:
    """All shelves of these articles: before the articles themselves, for whoever books a delivery goes the same way."""
    kept = sa.select(_balance.c.location, _balance.c.sku).where(db.among(_balance.c.sku, sorted(skus)))
    return shelves.lock(session, [Shelf(*row) for row in session.execute(kept)])


def allowance(rule: Backorder | None, coming: incoming.Awaited | None) -> int:
    """How much a shelf may promise beyond what is there."""
    if rule is None:
        return 0
    return rule.pieces if rule.day is None else coming.promisable if coming else 0


def shelves_follow_their_articles(session: Session) -> Iterator[str]:
    """What each shelf may promise beyond what is there is what its article says."""
    statement = (
        sa.select(_balance.c.location, _balance.c.sku, _balance.c.backorder, _article.c.backorder)
        .outerjoin(_article, _article.c.sku == _balance.c.sku)
        .where(sa.or_(_balance.c.backorder != 0, _article.c.backorder.is_not(None)))
    )
    found = session.execute(statement).all()
    coming = incoming.awaited(session, [Shelf(row[0], row[1]) for row in found])
    for location, sku, kept, said in found:
        allowed = allowance(backorder.parse(said), coming.get(Shelf(location, sku)))
        if kept != allowed:
            yield f"{sku} at {location}: may be promised {kept} beyond what is there, its article says {allowed}"
