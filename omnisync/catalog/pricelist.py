"""Saying what things cost: base prices, prices of one channel, rules, and withdrawing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles, prices
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import Price
from omnisync.clock import Ids
from omnisync.errors import InvalidRequest
from omnisync.values import Money

MAX_PRICE_MINOR = 1_000_000_000
_PRICE = db.table(Price)
_SAID = ("kind", "sku", "channel", "amount_minor", "currency", "percent_hundredths", "add_minor", "ending_minor")


@dataclass(frozen=True, slots=True)
class BasePrice:
    """What the article costs where nothing else is said."""

    sku: str
    price: Money
    valid_from: datetime | None = None
    """None: from now on."""
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChannelPrice:
    """What the article costs on one channel, whatever the rules say."""

    sku: str
    channel: str
    price: Money
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceRule:
    """Makes prices from base prices. Without a SKU it is for all articles, without a channel for all channels."""

    percent_hundredths: int = 0
    add_minor: int = 0
    ending_minor: int | None = None
    sku: str | None = None
    channel: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


Statement = BasePrice | ChannelPrice | PriceRule


def set_price(session: Session, statement: Statement, *, ids: Ids, now: datetime) -> str:
    """Say one price or rule; returns the id of its row."""
    return set_prices(session, [statement], ids=ids, now=now)[0]


def set_prices(session: Session, statements: Sequence[Statement], *, ids: Ids, now: datetime) -> list[str]:
    """Say all of these or none; returns the ids of their rows. What is said already gets no second row.

    InvalidRequest names each statement that cannot be.
    """
    _refuse_bad(session, statements, now)
    wanted = [_row(statement) for statement in statements]
    standing = _standing(session, wanted, now)
    new = {_identity(row): row | {"id": ids.new()} for row in wanted if _identity(row) not in standing}
    for batch in batches(new.values()):
        session.execute(sa.insert(_PRICE), [_dated(row, now) for row in batch])
    standing |= {identity: row["id"] for identity, row in new.items()}
    return [standing[_identity(row)] for row in wanted]


def withdraw(session: Session, price_ids: Iterable[str], *, now: datetime) -> int:
    """From now on these rows count as if they had never been; returns how many still stood."""
    return sum(
        len(
            session.execute(
                sa.update(_PRICE)
                .where(_PRICE.c.id.in_(batch), _PRICE.c.ended_at.is_(None))
                .values(ended_at=now)
                .returning(_PRICE.c.id)
            ).all()
        )
        for batch in batches(price_ids)
    )


def _row(statement: Statement) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(_SAID)
    match statement:
        case BasePrice(sku, price):
            said |= {"kind": "base", "sku": sku, "amount_minor": price.minor, "currency": price.currency}
        case ChannelPrice(sku, channel, price):
            said |= {"kind": "channel", "sku": sku, "channel": channel}
            said |= {"amount_minor": price.minor, "currency": price.currency}
        case PriceRule(percent, add, ending, sku, channel):
            said |= {"kind": "rule", "sku": sku, "channel": channel}
            said |= {"percent_hundredths": percent, "add_minor": add, "ending_minor": ending}
    return said | {"valid_from": statement.valid_from, "valid_to": statement.valid_to}


def _dated(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return row | {"valid_from": row["valid_from"] or now, "created_at": now}


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(row[name] for name in _SAID), row["valid_from"], row["valid_to"])


def _standing(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> dict[tuple[Any, ...], str]:
    """What is said already: rows of that very validity, and what counts now for those that say "from now on"."""
    found: dict[tuple[Any, ...], str] = {}
    for skus in batches({row["sku"] for row in rows if row["sku"]}):
        found |= _said(session, _PRICE.c.sku.in_(skus), now)
    if any(row["sku"] is None for row in rows):
        found |= _said(session, _PRICE.c.sku.is_(None), now)
    return found


def _said(session: Session, which: sa.ColumnElement[bool], now: datetime) -> dict[tuple[Any, ...], str]:
    every = session.execute(sa.select(_PRICE).where(which, _PRICE.c.ended_at.is_(None))).mappings()
    exact = {_identity(dict(row)): row["id"] for row in every}
    return exact | {_identity({**row, "valid_from": None}): row["id"] for row in prices.standing(session, now, which)}


# ---------------------------------------------------------------- what cannot be


def _refuse_bad(session: Session, statements: Sequence[Statement], now: datetime) -> None:
    skus = {statement.sku for statement in statements if statement.sku is not None}
    unknown = skus - articles.known(session, skus).keys()
    errors = [
        {"field": f"prices[{place}].{field}", "message": message}
        for place, statement in enumerate(statements)
        for field, message in _faults(statement, unknown, now)
    ]
    if errors:
        raise InvalidRequest(errors)


def _faults(statement: Statement, unknown: set[str], now: datetime) -> Iterable[tuple[str, str]]:
    if statement.sku in unknown:
        yield "sku", f"there is no article {statement.sku}"
    if statement.valid_to is not None and statement.valid_to <= (statement.valid_from or now):
        yield "valid_to", "must be later than valid_from"
    if isinstance(statement, PriceRule):
        yield from _rule_faults(statement)
    elif not 0 <= statement.price.minor <= MAX_PRICE_MINOR:
        yield "amount_minor", f"is from 0 to {MAX_PRICE_MINOR}"


def _rule_faults(rule: PriceRule) -> Iterable[tuple[str, str]]:
    if not -10_000 <= rule.percent_hundredths <= 100_000:
        yield "percent_hundredths", "is from -10000 (nothing is left) to 100000 (eleven times as much)"
    if abs(rule.add_minor) > MAX_PRICE_MINOR:
        yield "add_minor", f"is from -{MAX_PRICE_MINOR} to {MAX_PRICE_MINOR}"
    if rule.ending_minor is not None and not 0 <= rule.ending_minor <= 99_999:
        yield "ending_minor", "is from 0 to 99999; 99 makes prices end in ,99"
    if not rule.percent_hundredths and not rule.add_minor and rule.ending_minor is None:
        yield "percent_hundredths", "this rule changes nothing: give a per cent, an amount or an ending"
