"""Pieces that are there and not for sale, each with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import InvalidRequest
from omnisync.stock import shelves
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance, Movement
from omnisync.values import Kind, Shelf

movement, balance = db.table(Movement), db.table(Balance)
RETURN = "return:"
"""How causes begin that name a return."""


class Why(StrEnum):
    """Why pieces are not for sale."""

    TO_BE_CHECKED = "to_be_checked"
    DISPLAY = "display"
    ON_LOAN = "on_loan"
    DAMAGED = "damaged"


_REASON = sa.func.coalesce(movement.c.reason, "")
_PIECES = sa.func.sum(movement.c.blocked)
_BY_REASON = (
    sa.select(movement.c.location, movement.c.sku, _REASON.label("reason"), _PIECES.label("pieces"))
    .join(balance, sa.and_(balance.c.location == movement.c.location, balance.c.sku == movement.c.sku))
    .where(balance.c.blocked > 0, movement.c.blocked != 0)
    .group_by(movement.c.location, movement.c.sku, _REASON)
    .having(_PIECES > 0)
    .order_by(movement.c.location, movement.c.sku, _REASON)
)


def page(
    session: Session, location: str | None, *, after: tuple[str, str, str] | None = None, limit: int = 100
) -> Sequence[sa.Row[Any]]:
    """(location, sku, reason, pieces) of everything that is blocked, in this order."""
    statement = _BY_REASON.limit(limit)
    if location is not None:
        statement = statement.where(movement.c.location == location)
    if after is not None:
        statement = statement.where(sa.tuple_(movement.c.location, movement.c.sku, _REASON) > sa.tuple_(*after))
    return session.execute(statement).all()


def check(session: Session, batch: Sequence[Entry]) -> None:
    """InvalidRequest where more is to be put back on sale than somebody blocked for that reason. The batch holds nothing that the
    journal holds already. What came back is decided about return by return, and not this way."""
    unblocked = _unblocked(batch)
    if not unblocked:
        return
    # All at once, in the one order: the rest of the batch is recorded next.
    shelves.lock(session, {entry.shelf for entry in batch})
    wanted = {shelf for shelf, _ in unblocked}
    by_hand = (
        sa.select(movement.c.location, movement.c.sku, movement.c.reason, _PIECES)
        .where(db.in_pairs(movement.c.location, movement.c.sku, sorted(wanted)))
        .where(movement.c.blocked != 0, ~movement.c.cause.startswith(RETURN))
        .group_by(movement.c.location, movement.c.sku, movement.c.reason)
    )
    there = {(Shelf(location, sku), reason): int(n) for location, sku, reason, n in session.execute(by_hand)}
    errors = [
        {
            "field": "movements",
            "message": f"{at.sku} at {at.location}: {there.get((at, why), 0)} blocked as {why}, not {n}.",
        }
        for (at, why), n in sorted(unblocked.items())
        if n > there.get((at, why), 0)
    ]
    if errors:
        raise InvalidRequest(errors)


def _unblocked(batch: Sequence[Entry]) -> Counter[tuple[Shelf, Why]]:
    """What these put back on sale: of each key the first, as the ledger books it."""
    found: Counter[tuple[Shelf, Why]] = Counter()
    unblocked = [entry for entry in batch if entry.kind is Kind.UNBLOCKED]
    for entry in {entry.key: entry for entry in reversed(unblocked)}.values():
        found[entry.shelf, Why(entry.reason or "")] += entry.quantity
    return found
