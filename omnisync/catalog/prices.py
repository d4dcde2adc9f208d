"""What an article costs on a channel at a moment, why, and what was applied there before.

A channel's own price wins. Else ONE rule makes the price from the base price: of those that are valid, the one with the
latest `valid_from`; among equals the more particular one (this SKU here, this SKU everywhere, this channel, everything), then
the one written last. Else it is the base price. Rows are never edited: a newer row replaces an older one, and a withdrawn
row (`ended_at`) counts as if it had never been from then on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import pricing
from omnisync.catalog.batches import batches
from omnisync.catalog.pricing import Applied, Rule
from omnisync.catalog.tables import Article, Price, PriceApplied
from omnisync.values import Money

_PRICE, _APPLIED, _ARTICLE = db.table(Price), db.table(PriceApplied), db.table(Article)

Pair = tuple[str, str | None]
"""(SKU, channel); without a channel it is the base price that is asked for."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and the row it comes from. `below_minimum`: a person decides before it is published."""

    sku: str
    channel: str | None
    price: Money
    source: str
    """channel | rule | base"""
    price_id: str
    base: Money | None
    vat_rate: int | None
    min_price_minor: int | None = None
    below_minimum: bool = False

    @property
    def net_minor(self) -> int | None:
        """The net of one piece, where the VAT rate is known."""
        return None if self.vat_rate is None else pricing.net_minor(self.price.minor, self.vat_rate)


def price_at(session: Session, pairs: Iterable[Pair], at: datetime) -> dict[Pair, Quote]:
    """The price of each pair at that moment. A pair without any price is left out."""
    wanted: dict[str, list[str | None]] = defaultdict(list)
    for sku, channel in dict.fromkeys(pairs):
        wanted[sku].append(channel)
    general = session.execute(_GENERAL, {"at": at}).mappings().all() if wanted else []
    quotes: dict[Pair, Quote] = {}
    for skus in batches(wanted):
        rows = _by_sku(session.execute(_OF_SKUS, {"at": at, "skus": skus}).mappings().all())
        articles = _articles(session, rows)
        for sku in rows:  # a rule alone makes no price
            for channel in wanted[sku]:
                if quote := _quote(sku, channel, [*rows[sku], *general], articles.get(sku)):
                    quotes[sku, channel] = quote
    return quotes


def any_but(session: Session, skus: Collection[str], currency: str) -> bool:
    """Whether one of these articles was ever priced in another currency: mostly not, and then nobody need look closer."""
    given = {"skus": skus, "currency": currency}
    return bool(skus) and session.execute(_IN_ANOTHER, given).first() is not None


_IN_ANOTHER = (
    sa.select(_PRICE.c.id)
    .where(db.among(_PRICE.c.sku, db.many("skus")), _PRICE.c.currency != sa.bindparam("currency"))
    .limit(1)
)


def standing(session: Session, at: datetime, which: sa.ColumnElement[bool]) -> Sequence[RowMapping]:
    """Of each (kind, SKU, channel) the one row that counts at that moment."""
    return session.execute(_standing(which), {"at": at}).mappings().all()


def _standing(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    at: sa.BindParameter[datetime] = sa.bindparam("at")
    newest = sa.func.row_number().over(
        partition_by=(_PRICE.c.kind, _PRICE.c.sku, _PRICE.c.channel),
        order_by=(_PRICE.c.valid_from.desc(), _PRICE.c.created_at.desc(), _PRICE.c.id.desc()),
    )
    valid = (
        which,
        _PRICE.c.created_at <= at,  # what was said later did not count then
        _PRICE.c.valid_from <= at,
        sa.or_(_PRICE.c.valid_to.is_(None), _PRICE.c.valid_to > at),
        sa.or_(_PRICE.c.ended_at.is_(None), _PRICE.c.ended_at > at),
    )
    ranked = sa.select(_PRICE, newest.label("place")).where(*valid).subquery()
    return sa.select(ranked).where(ranked.c.place == 1)


_GENERAL = _standing(_PRICE.c.sku.is_(None))
_OF_SKUS = _standing(db.among(_PRICE.c.sku, db.many("skus")))


def _by_sku(rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    found: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        found[row["sku"]].append(row)
    return found


def _articles(session: Session, skus: Collection[str]) -> dict[str, Any]:
    columns = (_ARTICLE.c.sku, _ARTICLE.c.vat_rate, _ARTICLE.c.min_price_minor, _ARTICLE.c.currency)
    query = sa.select(*columns).where(db.among(_ARTICLE.c.sku, skus))
    return {row.sku: row for row in session.execute(query).all()} if skus else {}


def _quote(sku: str, channel: str | None, rows: Sequence[RowMapping], article: Any) -> Quote | None:
    chosen = _choose(rows, channel)
    if chosen is None:
        return None
    row, price, base = chosen
    minimum = article.min_price_minor if article and article.currency == price.currency else None
    return Quote(
        sku=sku,
        channel=channel,
        price=price,
        source=row["kind"],
        price_id=row["id"],
        base=base,
        vat_rate=article.vat_rate if article else None,
        min_price_minor=minimum,
        below_minimum=minimum is not None and price.minor < minimum,
    )


def _choose(rows: Sequence[RowMapping], channel: str | None) -> tuple[RowMapping, Money, Money | None] | None:
    base_row = next((row for row in rows if row["kind"] == "base"), None)
    base = _money(base_row) if base_row else None
    own = next((row for row in rows if row["kind"] == "channel" and row["channel"] == channel), None)
    if own:
        return own, _money(own), base
    if base_row is None or base is None:
        return None
    rules = [row for row in rows if channel and row["kind"] == "rule" and row["channel"] in (channel, None)]
    if not rules:
        return base_row, base, base
    rule = max(rules, key=_precedence)
    return rule, pricing.apply_rule(base, _as_rule(rule)), base


def _precedence(rule: RowMapping) -> tuple[datetime, bool, bool, datetime, str]:
    return rule["valid_from"], rule["sku"] is not None, rule["channel"] is not None, rule["created_at"], rule["id"]


def _as_rule(row: RowMapping) -> Rule:
    return Rule(row["percent_hundredths"] or 0, row["add_minor"] or 0, row["ending_minor"])


def _money(row: RowMapping) -> Money:
    return Money(row["amount_minor"], row["currency"])


# ---------------------------------------------------------------- what was applied


def applied(session: Session, seen: Iterable[tuple[str, str, Money]], *, now: datetime) -> int:
    """Keep what channels were seen to have applied: (sku, channel, price). What stands there already is not written again."""
    news = {(sku, channel): price for sku, channel, price in seen}
    written = 0
    for batch in batches(news):
        last = _last_applied(session, batch)
        rows = [
            {
                "sku": sku,
                "channel": channel,
                "amount_minor": news[sku, channel].minor,
                "currency": news[sku, channel].currency,
                "applied_at": now,
            }
            for sku, channel in batch
            if last.get((sku, channel)) != news[sku, channel]
        ]
        if rows:
            session.execute(sa.insert(_APPLIED), rows)
        written += len(rows)
    return written


def _last_applied(session: Session, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Money]:
    newest = sa.func.row_number().over(
        partition_by=(_APPLIED.c.sku, _APPLIED.c.channel), order_by=(_APPLIED.c.applied_at.desc(), _APPLIED.c.id.desc())
    )
    ranked = (
        sa.select(_APPLIED, newest.label("place"))
        .where(db.in_pairs(_APPLIED.c.sku, _APPLIED.c.channel, pairs))
        .subquery()
    )
    rows = session.execute(sa.select(ranked).where(ranked.c.place == 1))
    return {(row.sku, row.channel): Money(row.amount_minor, row.currency) for row in rows}


def history(
    session: Session, pairs: Iterable[tuple[str, str]], until: datetime
) -> dict[tuple[str, str], list[Applied]]:
    """What each (SKU, channel) showed up to that moment, in order of time."""
    found: dict[tuple[str, str], list[Applied]] = defaultdict(list)
    for batch in batches(dict.fromkeys(pairs)):
        query = (
            sa.select(_APPLIED)
            .where(db.in_pairs(_APPLIED.c.sku, _APPLIED.c.channel, batch), _APPLIED.c.applied_at <= until)
            .order_by(_APPLIED.c.applied_at, _APPLIED.c.id)
        )
        for row in session.execute(query):
            found[row.sku, row.channel].append(Applied(row.applied_at, Money(row.amount_minor, row.currency)))
    return dict(found)


def lowest_30_days(session: Session, sku: str, channel: str, at: datetime) -> Money | None:
    """The lowest price this channel showed in the 30 days before a reduction at that moment (Directive 98/6/EC, Art. 6a).

    None where it never showed one.
    """
    return pricing.lowest(history(session, [(sku, channel)], at).get((sku, channel), []), at)
