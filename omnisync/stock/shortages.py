"""Promises that facts have made impossible: one open case a shelf, which grows, shrinks and closes with the shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.errors import Conflict, NotFound
from omnisync.stock.effects import Level
from omnisync.stock.tables import Balance, Shortage
from omnisync.values import Shelf

shortage = db.table(Shortage)
_HERE = sa.and_(
    shortage.c.location == sa.bindparam("at_location"),
    shortage.c.sku == sa.bindparam("at_sku"),
    shortage.c.closed_at.is_(None),
)
_OPEN = sa.insert(shortage)
_GROW = (
    sa.update(shortage)
    .where(_HERE)
    .values(
        quantity=sa.bindparam("n"),
        worst=sa.case((shortage.c.worst < sa.bindparam("n"), sa.bindparam("n")), else_=shortage.c.worst),
    )
)
_CLOSE = sa.update(shortage).where(_HERE).values(quantity=0, closed_at=sa.bindparam("now"))


def settle(
    session: Session,
    before: Mapping[Shelf, Level],
    after: Mapping[Shelf, Level],
    causes: Mapping[Shelf, str],
    *,
    now: datetime,
) -> None:
    """Make the open shortages of these (locked) shelves equal to max(0, reserved - max(0, on_hand - blocked) - backorder)."""
    changed = sorted(shelf for shelf, level in after.items() if level.short != before[shelf].short)
    opened = [shelf for shelf in changed if not before[shelf].short]
    closed = [shelf for shelf in changed if not after[shelf].short]
    other = [shelf for shelf in changed if before[shelf].short and after[shelf].short]
    _run(session, _OPEN, [_row(shelf, after[shelf].short, causes.get(shelf, ""), now) for shelf in opened])
    _run(session, _GROW, [_at(shelf) | {"n": after[shelf].short} for shelf in other])
    _run(session, _CLOSE, [_at(shelf) | {"now": now} for shelf in closed])


def list_open(session: Session, *, after: int = 0, limit: int = 100) -> Sequence[Shortage]:
    """Open shortages by id, a page at a time."""
    statement = select(Shortage).where(col(Shortage.closed_at).is_(None), col(Shortage.id) > after)
    return session.exec(statement.order_by(col(Shortage.id)).limit(limit)).all()


def totals(session: Session) -> tuple[int, int]:
    """(open shortages, pieces that are missing in all of them)"""
    statement = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(shortage.c.quantity), 0))
    number, pieces = session.execute(statement.where(shortage.c.closed_at.is_(None))).one()
    return number, int(pieces)


def stock_errors(session: Session, *, limit: int = 100) -> tuple[Sequence[Balance], int]:
    """Shelves below zero although nothing is promised from them: somebody must count. The first of them, and how many there
    are."""
    wrong = (col(Balance.on_hand) < 0, col(Balance.reserved) == 0)
    statement = select(Balance).where(*wrong).order_by(col(Balance.location), col(Balance.sku)).limit(limit)
    return session.exec(statement).all(), session.exec(select(sa.func.count()).select_from(Balance).where(*wrong)).one()


def load_open(session: Session, shortage_id: int) -> Shortage:
    """The shortage of that number. Conflict where facts have mended it."""
    found = session.get(Shortage, shortage_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no shortage {shortage_id}.")
    if found.closed_at is not None:
        raise Conflict("This shortage is over.", code="already-closed", how="mended")
    return found


def accept(session: Session, shortage_id: int, *, by: str, now: datetime) -> Shortage:
    """A person has seen it and deals with it; it closes when the facts do."""
    found = session.get(Shortage, shortage_id, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no shortage {shortage_id}.")
    if found.accepted_at is None:
        found.accepted_at, found.accepted_by = now, by
    return found


def _row(shelf: Shelf, quantity: int, cause: str, now: datetime) -> dict[str, Any]:
    return {
        "location": shelf.location, "sku": shelf.sku, "quantity": quantity, "worst": quantity, "cause": cause, "opened_at": now,
    }  # fmt: skip


def _at(shelf: Shelf) -> dict[str, Any]:
    return {"at_location": shelf.location, "at_sku": shelf.sku}


def _run(session: Session, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(statement, rows)
