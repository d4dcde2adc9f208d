"""Prices side by side: what an article costs, what each channel should show, and what it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import prices as pricing
from omnisync.catalog.prices import Quote
from omnisync.catalog.tables import Article
from omnisync.errors import NotFound
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.sync.tables import ShownState
from omnisync.values import Money, to_cursor

article, listing = db.table(Article), db.table(ShownState)
SOURCES = {"channel": later("its own price"), "rule": later("by a rule"), "base": later("base price")}


@dataclass(frozen=True, slots=True)
class Prices:
    """A page of articles."""

    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One article with its price everywhere."""

    sku: str
    title: str
    base: Money | None
    wanted: Mapping[str, Quote]
    shown: Mapping[str, Money]


def prices(session: Session, context: Context, visit: Visit) -> Prices:
    """Articles by SKU with their price on each channel: three statements."""
    statement = sa.select(article.c.sku, article.c.title).order_by(article.c.sku).limit(visit.rows + 1)
    if wanted := visit.get("q"):
        statement = statement.where(
            sa.or_(stock.matches(article.c.sku, wanted), stock.matches(article.c.title, wanted))
        )
    if after := visit.get("after"):
        statement = statement.where(article.c.sku > stock.cursor(after, 1)[0])
    found = session.execute(statement).all()
    shown = found[: visit.rows]
    more = visit.url(after=to_cursor(shown[-1].sku)) if len(found) > len(shown) else ""
    return Prices((_sheet(_rows(session, context, shown, visit.now), context, visit, more),))


def _rows(session: Session, context: Context, found: Sequence[Any], now: datetime) -> list[Row]:
    skus, names = [row.sku for row in found], list(context.channels)
    quotes = pricing.price_at(session, [(sku, name) for sku in skus for name in (None, *names)], now)
    there = _shown(session, skus)
    return [
        Row(
            row.sku, row.title, quote.price if (quote := quotes.get((row.sku, None))) else None,
            {name: quotes[row.sku, name] for name in names if (row.sku, name) in quotes}, there.get(row.sku, {}),
        )
        for row in found
    ]  # fmt: skip


def _shown(session: Session, skus: Sequence[str]) -> Mapping[str, Mapping[str, Money]]:
    """What each channel shows, as far as we know."""
    found: dict[str, dict[str, Money]] = defaultdict(dict)
    statement = sa.select(listing.c.sku, listing.c.channel, listing.c.price_minor, listing.c.price_currency)
    here = (db.among(listing.c.sku, skus), listing.c.price_minor.is_not(None), listing.c.price_currency.is_not(None))
    for row in session.execute(statement.where(*here)) if skus else ():
        found[row.sku][row.channel] = Money(row.price_minor, row.price_currency)
    return found


def _sheet(rows: Sequence[Row], context: Context, visit: Visit, more: str) -> Sheet:
    say = visit.say
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.title),
        Column(
            later("Base price"),
            lambda row: row.base,
            lambda row: f"/ops/prices/one?{ways.query(sku=row.sku)}",
            look="num",
        ),
        *(_of_channel(name, title, visit) for name, title in stock.titles_of(context).items()),
    )
    return Sheet("prices", say("Prices"), columns, rows, say("No article is called that."), more)


def _of_channel(name: str, title: str, visit: Visit) -> Column:
    """What it should show there; below it what it does show, if that is something else."""

    def note(row: Row) -> str:
        quote, there = row.wanted.get(name), row.shown.get(name)
        if quote is None or there is None or there == quote.price:
            return ""
        return visit.say("shows %(price)s", price=visit.shown(there))

    return Column(
        title, lambda row: row.wanted[name].price if name in row.wanted else None,
        lambda row: f"/ops/prices/one?{ways.query(sku=row.sku, channel=name)}", note, "num",
    )  # fmt: skip


# ---------------------------------------------------------------- one article


@dataclass(frozen=True, slots=True)
class One:
    """The prices of one article, and how they came to be."""

    sku: str
    title: str
    sheets: tuple[Sheet, ...]


def one(session: Session, context: Context, visit: Visit) -> One:
    """Where each price comes from, what channels were seen to show since, and the lowest of 30 days."""
    sku = visit.get("sku")
    found = session.get(Article, sku)
    if found is None:
        raise NotFound(f"There is no article {sku!r}.")
    titles = stock.titles_of(context)
    names = [visit.get("channel")] if visit.get("channel") in titles else list(titles)
    return One(
        sku, found.title, (_quotes(session, sku, names, titles, visit), _history(session, sku, names, titles, visit))
    )


def _quotes(session: Session, sku: str, names: Sequence[str], titles: Mapping[str, str], visit: Visit) -> Sheet:
    say, there = visit.say, _shown(session, [sku]).get(sku, {})
    quotes = pricing.price_at(session, [(sku, name) for name in (None, *names)], visit.now)
    lowest = {name: pricing.lowest_30_days(session, sku, name, visit.now) for name in names}

    def way(pair: Any, part: str = "quotes") -> str:
        return f"{ways.price(sku, pair[1])}#{part}"

    columns = (
        Column(later("Channel"), lambda pair: titles.get(pair[1], say("everywhere else"))),
        Column(later("Should cost"), lambda pair: quotes[pair].price, way, look="num"),
        Column(later("Costs"), lambda pair: there.get(pair[1]), lambda pair: way(pair, "applied"), look="num"),
        Column(later("Comes from"), lambda pair: say(SOURCES[quotes[pair].source])),
        Column(later("Net"), lambda pair: _net(quotes[pair]), way, look="num"),
        Column(
            later("Lowest of 30 days"), lambda pair: lowest.get(pair[1]), lambda pair: way(pair, "applied"), look="num"
        ),
    )
    return Sheet("quotes", say("What it costs now"), columns, list(quotes), say("It has no price."))


def _net(quote: Quote) -> Money | None:
    return None if quote.net_minor is None else Money(quote.net_minor, quote.price.currency)


def _history(session: Session, sku: str, names: Sequence[str], titles: Mapping[str, str], visit: Visit) -> Sheet:
    rows = sorted(_applied(session, sku, names, visit.now), key=lambda row: row[0], reverse=True)[: visit.rows]
    columns = (
        Column(later("From"), lambda row: row[0]),
        Column(later("Channel"), lambda row: titles.get(row[1], row[1])),
        Column(later("Price"), lambda row: row[2], lambda row: ways.price(sku, row[1]), look="num"),
    )
    return Sheet(
        "applied", visit.say("What channels showed"), columns, rows, visit.say("No channel has shown a price.")
    )


def _applied(session: Session, sku: str, names: Sequence[str], now: datetime) -> Iterator[tuple[datetime, str, Money]]:
    for (_, name), found in pricing.history(session, [(sku, name) for name in names], now).items():
        yield from ((one.at, name, one.price) for one in found)
