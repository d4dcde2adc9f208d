"""One field for everything: an article, a customer's name, a pickup's number, an order's reference, a barcode."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.tables import Article
from omnisync.orders.tables import ChannelOrder, Customer, Pickup
from omnisync.pages.office import orders, pickups, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context

MOST = 25
article, pickup, customer, order = (db.table(one) for one in (Article, Pickup, Customer, ChannelOrder))


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. With a single thing the page of that opens at once: `go`."""

    wanted: str
    sheets: tuple[Sheet, ...]
    go: str = ""


def search(session: Session, context: Context, visit: Visit) -> Found:
    """Everything that is called so; nothing for an empty question."""
    wanted = visit.get("q")
    if not wanted:
        return Found("", ())
    sheets = (
        _articles(session, wanted, visit),
        pickups.sheet(session.execute(_pickups(wanted)).all(), context, visit),
        orders.sheet(session.execute(_orders(wanted)).all(), context, visit),
    )
    hits = [one.columns[0].link(row) for one in sheets if one.columns[0].link for row in one.rows]
    return Found(wanted, sheets, hits[0] if len(hits) == 1 and not visit.get("csv") else "")


def _articles(session: Session, wanted: str, visit: Visit) -> Sheet:
    named = [*articles.by_barcode(session, [wanted]).values(), wanted]
    found = sa.or_(
        article.c.sku.in_(named), stock.matches(article.c.sku, wanted), stock.matches(article.c.title, wanted)
    )
    rows = session.execute(sa.select(article).where(found).order_by(article.c.sku).limit(MOST)).all()
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku)),
        Column(later("Title"), lambda row: row.title),
        Column(later("Size"), lambda row: row.size),
        Column(later("Colour"), lambda row: row.colour),
    )
    return Sheet("articles", visit.say("Articles"), columns, rows, visit.say("No article is called that."))


def _pickups(wanted: str) -> sa.Select[tuple[object, ...]]:
    """By number, reference, or the name of who comes; the newest first."""
    here = sa.or_(
        stock.matches(pickup.c.number, wanted),
        stock.matches(sa.func.coalesce(pickup.c.reference, ""), wanted),
        stock.matches(customer.c.name, wanted),
    )
    return pickups.rows().where(here).order_by(pickup.c.placed_at.desc()).limit(MOST)


def _orders(wanted: str) -> sa.Select[tuple[object, ...]]:
    here = sa.or_(stock.matches(order.c.reference, wanted), order.c.external_id == wanted)
    return orders.rows().where(here).order_by(order.c.placed_at.desc()).limit(MOST)
