"""Undoing an import: what stood there before comes back, and whatever somebody changed since is not trampled on.

Articles and listings get their earlier values where they still are as the import left them. Prices of the import are withdrawn,
so the ones before stand again. Stock is put right by counter-movements, which is safe after sales and holds; it is not
safe where the shelf was counted since, or where a late fact was taken to be in the undone count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles, pricelist
from omnisync.catalog.articles import ArticleChange
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import Article, Barcode, Component, ComponentThen, ImportChange, ImportRun
from omnisync.errors import Conflict, NotFound
from omnisync.imports import undo_stock
from omnisync.orders.tables import OrderLine
from omnisync.stock import backorders
from omnisync.stock.tables import Movement
from omnisync.sync.tables import ChannelListing, Sent, ShownState
from omnisync.values import format_time

SHOWN = 20
_RUN, _CHANGE = db.table(ImportRun), db.table(ImportChange)
_ARTICLE, _BARCODE, _COMPONENT = db.table(Article), db.table(Barcode), db.table(Component)
_COMPONENT_THEN = db.table(ComponentThen)
_LISTING, _SHOWN, _SENT = db.table(ChannelListing), db.table(ShownState), db.table(Sent)
_SKU_USERS = (db.table(Movement).c.sku, db.table(OrderLine).c.sku, _LISTING.c.sku)
"""Who may speak of an article: while anybody does, it cannot be taken away."""


@dataclass
class Undone:
    """What came back, and what was left as it is because it was changed since."""

    run_id: str
    restored: int = 0
    left: list[str] = field(default_factory=list)


def undo(session: Session, run_id: str, *, now: datetime, leave_changed: bool = False) -> Undone:
    """Put back what the import changed. Conflict names what was changed since, unless that is to be left as it is."""
    run = _take(session, run_id, now)
    undone = Undone(run.id)
    for step in _STEPS[run.kind]:
        step(session, run, undone, now)
    if undone.left and not leave_changed:
        raise Conflict(
            f"{len(undone.left)} things were changed since this import, so it cannot be undone as a whole: "
            f"{'; '.join(undone.left[:SHOWN])}{' ...' if len(undone.left) > SHOWN else ''}. "
            "Undo the rest and leave these as they are with --leave-changed.",
            code="changed-since",
            changed=undone.left[:SHOWN],
        )
    return undone


def _take(session: Session, run_id: str, now: datetime) -> Any:
    """The run, marked as undone; of two who undo it at once, one wins."""
    mark = sa.update(_RUN).where(_RUN.c.id == run_id, _RUN.c.undone_at.is_(None)).values(undone_at=now).returning(_RUN)
    if run := session.execute(mark).first():
        return run
    before = session.execute(sa.select(_RUN.c.undone_at).where(_RUN.c.id == run_id)).first()
    if before is None:
        raise NotFound(f"There is no import {run_id}.", code="unknown-import")
    raise Conflict(f"Import {run_id} was undone on {format_time(before.undone_at)}.", code="already-undone")


def _changes(session: Session, run: Any, subject: str) -> Iterable[list[Any]]:
    query = sa.select(_CHANGE).where(_CHANGE.c.run_id == run.id, _CHANGE.c.subject == subject).order_by(_CHANGE.c.key)
    return batches(session.execute(query).all())


# ---------------------------------------------------------------- catalogue


def _withdraw_prices(session: Session, run: Any, undone: Undone, now: datetime) -> None:
    for batch in _changes(session, run, "price"):
        undone.restored += pricelist.withdraw(session, (row.key for row in batch), now=now)


def _restore_articles(session: Session, run: Any, undone: Undone, now: datetime) -> None:
    restore: list[ArticleChange] = []
    created: list[str] = []
    for batch in _changes(session, run, "article"):
        standing = articles.states(session, (row.key for row in batch))
        for row in batch:
            state = standing.get(row.key)
            as_left = state and all(_now(state, name) == value for name, value in row.after.items() if name != "price")
            if not as_left:
                undone.left.append(f"{row.key} was changed")
            elif row.before is None:
                created.append(row.key)
            else:
                restore.append(_earlier(row))
    asked = [change.sku for change in restore if "backorder" in change.fields]
    backorders.lock(session, asked)
    articles.put(session, restore, now=now)
    backorders.follow(session, asked, cause=f"undo:{run.id}", now=now)
    undone.restored += len(restore)
    _delete_articles(session, created, undone)


def _now(state: articles.ArticleState, name: str) -> Any:
    if name == "barcodes":
        return list(state.barcodes)
    return dict(state.components) if name == "components" else state.fields[name]


def _earlier(row: Any) -> ArticleChange:
    fields = {name: value for name, value in row.before.items() if name in articles.FIELDS}
    return ArticleChange(row.key, fields, row.before.get("barcodes"), row.before.get("components"))


def _delete_articles(session: Session, skus: Sequence[str], undone: Undone) -> None:
    used = _used(session, skus)
    undone.left += [f"{sku} {used[sku]}" for sku in skus if sku in used]
    for batch in batches(sku for sku in skus if sku not in used):
        for table in (_COMPONENT, _COMPONENT_THEN):
            session.execute(sa.delete(table).where(table.c.bundle.in_(batch)))
    for batch in batches(sku for sku in skus if sku not in used):
        session.execute(sa.delete(_BARCODE).where(_BARCODE.c.sku.in_(batch)))
        session.execute(sa.delete(_ARTICLE).where(_ARTICLE.c.sku.in_(batch)))
        undone.restored += len(batch)


def _used(session: Session, skus: Sequence[str]) -> dict[str, str]:
    """Why these articles cannot be taken away, for those that somebody speaks of."""
    used: dict[str, str] = {}
    for batch in batches(skus):
        for column in _SKU_USERS:
            for sku in session.execute(sa.select(column).where(column.in_(batch)).distinct()).scalars():
                used[sku] = f"is used in {column.table.name}"
        for row in session.execute(sa.select(_COMPONENT).where(_COMPONENT.c.sku.in_(batch))):
            if row.bundle not in skus:
                used[row.sku] = f"is held by the bundle {row.bundle}"
    return used


# ---------------------------------------------------------------- listings


def _restore_listings(session: Session, run: Any, undone: Undone, now: datetime) -> None:
    for batch in _changes(session, run, "listing"):
        standing = _skus_of_listings(session, run.channel, [row.key for row in batch])
        shown = _spoken_of(session, run.channel, [row.key for row in batch])
        for row in batch:
            if standing.get(row.key) != row.after["sku"]:
                undone.left.append(f"{row.key} was changed")
            elif row.before is None and row.key in shown:
                undone.left.append(f"{row.key} was already written to on {run.channel}")
            else:
                _restore_listing(session, run.channel, row)
                undone.restored += 1


def _restore_listing(session: Session, channel: str, row: Any) -> None:
    here = sa.and_(_LISTING.c.channel == channel, _LISTING.c.external_id == row.key)
    if row.before is None:
        session.execute(sa.delete(_LISTING).where(here))
    else:
        session.execute(sa.update(_LISTING).where(here).values(sku=row.before["sku"]))


def _skus_of_listings(session: Session, channel: str, external_ids: Sequence[str]) -> Mapping[str, str | None]:
    query = sa.select(_LISTING.c.external_id, _LISTING.c.sku).where(
        _LISTING.c.channel == channel, _LISTING.c.external_id.in_(external_ids)
    )
    return {row.external_id: row.sku for row in session.execute(query)}


def _spoken_of(session: Session, channel: str, external_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for table in (_SHOWN, _SENT):
        here = (table.c.channel == channel, table.c.external_id.in_(external_ids))
        found |= set(session.execute(sa.select(table.c.external_id).where(*here).distinct()).scalars())
    return found


# ---------------------------------------------------------------- stock


def _counter_movements(session: Session, run: Any, undone: Undone, now: datetime) -> None:
    restored, left = undo_stock.undo(session, run, now=now)
    undone.restored += restored
    undone.left += left


_STEPS: Mapping[str, Sequence[Callable[[Session, Any, Undone, datetime], None]]] = {
    "catalog": (_withdraw_prices, _restore_articles),
    "listings": (_restore_listings,),
    "stock": (_counter_movements,),
}
