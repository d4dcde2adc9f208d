"""Which SKU a channel means: by its listing (or what a person has said it means), else by the SKU it names, else by barcode; all articles of a message at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Article, Counted, Delivered, Fact, LevelSeen, OrderSeen, Sale
from omnisync.catalog import articles
from omnisync.sync.tables import ChannelListing
from omnisync.sync.wanted import BATCH
from omnisync.values import clean_sku

_listing = db.table(ChannelListing)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A listing of that name: the article it is, or what a person has said that it is not."""

    sku: str | None
    is_not: str | None
    ignored: bool


@dataclass(frozen=True, slots=True)
class Resolve:
    """Asked with an article, it names the SKU, or None where nobody knows it."""

    listed: Mapping[str, _Listed]
    known: Collection[str]
    owners: Mapping[str, str]

    def __call__(self, article: Article) -> str | None:
        listing = self.listed.get(name_of(article) or "")
        if listing is not None and listing.sku is not None:
            return listing.sku
        sku = _clean(article.sku)
        found = sku if sku in self.known else self.owners.get(article.barcode) if article.barcode else None
        return None if listing is not None and listing.is_not == found else found

    def is_foreign(self, article: Article) -> bool:
        """Whether a person has said that it is none of our articles, and none of that name has come since."""
        listing = self.listed.get(name_of(article) or "")
        return listing is not None and listing.ignored and self(article) is None


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
    """For just these articles. Three queries."""
    return Resolve(
        _listed(session, channel, {name for one in wanted if (name := name_of(one))}),
        articles.known(session, {sku for one in wanted if (sku := _clean(one.sku))}),
        articles.by_barcode(session, {one.barcode for one in wanted if one.barcode}),
    )


def _listed(session: Session, channel: str, external_ids: Collection[str]) -> dict[str, _Listed]:
    found: dict[str, _Listed] = {}
    ordered = sorted(external_ids)
    for start in range(0, len(ordered), BATCH):
        given = {"channel": channel, "external_ids": ordered[start : start + BATCH]}
        found |= {
            row.external_id: _Listed(row.sku, None if row.sku else row.kept_sku, row.ignored_at is not None)
            for row in session.execute(_LISTED, given)
        }
    return found


_LISTED = sa.select(_listing.c.external_id, _listing.c.sku, _listing.c.kept_sku, _listing.c.ignored_at).where(
    _listing.c.channel == sa.bindparam("channel"),
    db.among(_listing.c.external_id, db.many("external_ids")),
    sa.or_(_listing.c.sku.is_not(None), _listing.c.kept_sku.is_not(None), _listing.c.ignored_at.is_not(None)),
)


def _clean(sku: str | None) -> str | None:
    try:
        return clean_sku(sku.strip()) if sku else None
    except ValueError:
        return None
