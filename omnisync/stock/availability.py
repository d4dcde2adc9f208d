"""What can be promised where, read without locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import bundles
from omnisync.stock.effects import Level
from omnisync.stock.shelves import balance
from omnisync.stock.tables import Balance
from omnisync.values import Shelf

_COLUMNS = (
    balance.c.location, balance.c.sku, balance.c.on_hand, balance.c.reserved, balance.c.blocked,
    balance.c.incoming, balance.c.safety, balance.c.backorder, balance.c.off_sale,
)  # fmt: skip
_FREE = balance.c.on_hand - balance.c.blocked - balance.c.reserved - balance.c.safety
PIECES = sa.case((balance.c.off_sale | (_FREE < 0), 0), else_=_FREE)
"""What is available of a shelf, summed up in the statement."""
_BEYOND = sa.case(
    (balance.c.off_sale | (balance.c.backorder == 0) | (_FREE + balance.c.backorder <= 0), 0),
    (_FREE >= 0, balance.c.backorder),
    else_=_FREE + balance.c.backorder,
)
_ASKED = db.many("skus")
_OF_A_SET = bundles.component.c.bundle
_PIECES = sa.union_all(
    sa.select(balance.c.sku, balance.c.location, PIECES, _BEYOND, balance.c.due_at).where(
        db.among(balance.c.sku, _ASKED)
    ),
    sa.select(_OF_A_SET, sa.null(), sa.literal(0), sa.literal(0), sa.null()).where(db.among(_OF_A_SET, _ASKED)),
)
"""What is asked most is one statement: the shelves of these SKUs, and a row without a location for each part of those that are bundles."""


def levels(session: Session, shelves: Iterable[Shelf]) -> dict[Shelf, Level]:
    """The levels of those shelves; one nobody has spoken of is left out."""
    pairs = sorted(set(shelves))
    if not pairs:
        return {}
    return _levels(session, _OF_SHELVES, {"shelves": pairs})


def levels_of(session: Session, skus: Sequence[str]) -> dict[Shelf, Level]:
    """The levels of these SKUs at every location."""
    return _levels(session, _OF_SKUS, {"skus": skus}) if skus else {}


_LEVELS = sa.select(*_COLUMNS)
_OF_SHELVES = _LEVELS.where(db.in_pairs(balance.c.location, balance.c.sku, db.many("shelves")))
_OF_SKUS = _LEVELS.where(db.among(balance.c.sku, db.many("skus")))


class Beyond(NamedTuple):
    """What can still be promised at a location beyond what is there, and when the next goods are expected."""

    pieces: int
    due_at: datetime | None


class OnSale(NamedTuple):
    """One SKU, by location."""

    pieces: dict[str, int]
    """Available: what is there."""
    beyond: dict[str, Beyond]


def on_sale(session: Session, skus: Iterable[str]) -> tuple[dict[str, OnSale], set[str]]:
    """Every shelf of these SKUs, as lean as the most asked question needs it; and those of them that are bundles, which lie nowhere."""
    found: dict[str, OnSale] = {}
    sets: set[str] = set()
    for sku, location, pieces, beyond, due_at in session.execute(_PIECES, {"skus": list(skus)}).all():
        if location is None:
            sets.add(sku)
            continue
        one = found.get(sku)
        if one is None:
            one = found[sku] = OnSale({}, {})
        one.pieces[location] = pieces
        if beyond:
            one.beyond[location] = Beyond(beyond, due_at)
    return {sku: one for sku, one in found.items() if sku not in sets} if sets else found, sets


def available(found: Balance | Level) -> int:
    """max(0, on_hand - blocked - reserved - safety), and 0 while the shelf is off sale."""
    if found.off_sale:
        return 0
    return max(0, found.on_hand - found.blocked - found.reserved - found.safety)


def _levels(session: Session, which: sa.Select[Any], given: Mapping[str, Any]) -> dict[Shelf, Level]:
    return {Shelf(row[0], row[1]): Level(*row[2:]) for row in session.execute(which, given)}
