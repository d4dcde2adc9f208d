"""Writing the same formats back: importing what was exported changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.batches import STATEMENT_ROWS
from omnisync.catalog.tables import Article
from omnisync.clock import Clock
from omnisync.imports import articles_file, listings_file, stock_file
from omnisync.stock.tables import Balance
from omnisync.sync.tables import ChannelListing
from omnisync.values import Money

_ARTICLE, _BALANCE, _LISTING = db.table(Article), db.table(Balance), db.table(ChannelListing)
_PLAIN = ("title", "unit", "size", "colour", "image", "shelf", "min_age", "backorder", "b_ware")


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """A CSV file in UTF-8 with BOM, as spreadsheets like it; returns its rows."""
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            written += 1
    return written


def catalog(session: Session, path: Path, *, clock: Clock) -> int:
    """All articles with the base price that stands now."""
    return write_csv(path, articles_file.COLUMNS.all, _article_rows(session, clock))


def stock(session: Session, path: Path) -> int:
    """All shelves that anything was ever said about, except those of articles that are gone."""
    return write_csv(path, stock_file.COLUMNS.all, _stock_rows(session))


def listings(session: Session, path: Path, channel: str) -> int:
    """All offers of a channel that have an article."""
    query = sa.select(_LISTING.c.sku, _LISTING.c.external_id)
    here = (_LISTING.c.channel == channel, _LISTING.c.sku.is_not(None))
    rows = session.execute(query.where(*here).order_by(_LISTING.c.external_id)).mappings()
    return write_csv(path, listings_file.COLUMNS.all, (dict(row) for row in rows))


def _article_rows(session: Session, clock: Clock) -> Iterator[dict[str, Any]]:
    now = db.now(session, clock)
    for skus in _sku_pages(session):
        states = articles.states(session, skus)
        base = articles_file.base_prices(session, skus, now)
        for sku in skus:
            yield _article_row(sku, states[sku], base.get(sku))


def _sku_pages(session: Session) -> Iterator[list[str]]:
    last = ""
    while True:
        query = sa.select(_ARTICLE.c.sku).where(_ARTICLE.c.sku > last).order_by(_ARTICLE.c.sku).limit(STATEMENT_ROWS)
        skus = list(session.execute(query).scalars())
        if not skus:
            return
        yield skus
        last = skus[-1]


def _article_row(sku: str, state: articles.ArticleState, base: Money | None) -> dict[str, Any]:
    fields = state.fields
    if base and fields["currency"] not in (None, base.currency):
        base = None  # A row has one currency: cost and minimum keep theirs, and an empty price says nothing.
    currency = base.currency if base else fields["currency"]
    return {
        "sku": sku,
        "barcode": "|".join(state.barcodes),
        "price": base.decimal() if base else "",
        "currency": currency,
        "vat_rate": _per_cent(fields["vat_rate"]),
        "group": fields["group_name"],
        "stocked": "yes" if fields["stocked"] else "no",
        "min_price": _amount(fields["min_price_minor"], fields["currency"]),
        "cost": _amount(fields["cost_minor"], fields["currency"]),
        "components": "|".join(f"{quantity}*{component}" for component, quantity in state.components.items()),
        **{name: fields[name] for name in _PLAIN},
    }


def _amount(minor: int | None, currency: str | None) -> str:
    return "" if minor is None or currency is None else Money(minor, currency).decimal()


def _per_cent(hundredths: int | None) -> str:
    if hundredths is None:
        return ""
    return f"{hundredths // 100}" if hundredths % 100 == 0 else f"{hundredths / 100:.2f}"


def _stock_rows(session: Session) -> Iterator[dict[str, Any]]:
    columns = (_BALANCE.c.sku, _BALANCE.c.location, _BALANCE.c.on_hand, _BALANCE.c.safety, _BALANCE.c.shelf)
    known = sa.exists().where(_ARTICLE.c.sku == _BALANCE.c.sku)
    query = sa.select(*columns).where(known, _BALANCE.c.on_hand >= 0).order_by(_BALANCE.c.location, _BALANCE.c.sku)
    for row in session.execute(query.execution_options(yield_per=STATEMENT_ROWS)).mappings():
        yield dict(row)
