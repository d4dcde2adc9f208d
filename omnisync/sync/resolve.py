"""Which SKU a channel means: by its listing (or what a person has said it means), else by the SKU it names, else by barcode; all articles of a message at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Article, Counted, Delivered, Fact, LevelSeen, OrderSeen, Sale
from omnisync.catalog import articles
from omnisync.sync.tables import ChannelListing
from omnisync.sync.wanted import BATCH
from omnisync.values import clean_sku

_listing = db.table(ChannelListing)
Resolve = Callable[[Article], str | None]


def articles_of(facts: Iterable[Fact]) -> list[Article]:
    """Every article that these facts speak of."""
    found: list[Article] = []
    for fact in facts:
        if isinstance(fact, OrderSeen):
            found += [line.article for line in fact.lines]
        elif isinstance(fact, Sale | Counted | Delivered | LevelSeen):
            found.append(fact.article)
    return found


def name_of(article: Article) -> str | None:
    """By what a channel knows it: a till that has no ids of its own says a SKU or scans a barcode."""
    return article.external_id or _clean(article.sku) or article.barcode


def resolver(session: Session, channel: str, wanted: Collection[Article]) -> Resolve:
    """A function that names the SKU of each of these articles, or None for those nobody knows. Three queries."""
    listed = _listed(session, channel, {name for one in wanted if (name := name_of(one))})
    known = articles.known(session, {sku for one in wanted if (sku := _clean(one.sku))})
    owners = articles.by_barcode(session, {one.barcode for one in wanted if one.barcode})

    def resolve(article: Article) -> str | None:
        if (name := name_of(article)) in listed:
            return listed[name]
        sku = _clean(article.sku)
        if sku in known:
            return sku
        return owners.get(article.barcode) if article.barcode else None

    return resolve


def _listed(session: Session, channel: str, external_ids: Collection[str]) -> dict[str | None, str]:
    found: dict[str | None, str] = {}
    ordered = sorted(external_ids)
    for start in range(0, len(ordered), BATCH):
        given = {"channel": channel, "external_ids": ordered[start : start + BATCH]}
        found |= {row.external_id: row.sku for row in session.execute(_LISTED, given)}
    return found


_LISTED = sa.select(_listing.c.external_id, _listing.c.sku).where(
    _listing.c.channel == sa.bindparam("channel"),
    db.among(_listing.c.external_id, db.many("external_ids")),
    _listing.c.sku.is_not(None),
)


def _clean(sku: str | None) -> str | None:
    try:
        return clean_sku(sku.strip()) if sku else None
    except ValueError:
        return None
