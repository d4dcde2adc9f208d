"""Reading shelves locked and in one order, and writing back what changed: the only statements that touch balances."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import announce, db
from omnisync.stock.effects import Level
from omnisync.stock.tables import Balance
from omnisync.values import Shelf

balance = db.table(Balance)
_COLUMNS = (
    balance.c.location, balance.c.sku, balance.c.on_hand, balance.c.reserved, balance.c.blocked,
    balance.c.incoming, balance.c.safety, balance.c.off_sale, balance.c.counted_at,
)  # fmt: skip
_LOCK = (
    sa.select(*_COLUMNS)
    .where(db.in_pairs(balance.c.location, balance.c.sku, sa.bindparam("shelves", type_=db.Many())))
    .order_by(balance.c.location, balance.c.sku)
    .with_for_update(of=balance)
)


class GuardBroken(RuntimeError):
    """A guarded write met less than was read under lock: the batch is rolled back and run again."""


class Locked(dict[Shelf, Level]):
    """Levels read under lock, with the moment each shelf was last counted."""

    counted_at: dict[Shelf, datetime]


def lock(session: Session, shelves: Collection[Shelf]) -> Locked:
    """Levels of those shelves that exist, each row locked, in the one order (location, sku) that everybody uses."""
    locked = Locked()
    locked.counted_at = {}
    if not shelves:
        return locked
    rows = session.execute(_LOCK, {"shelves": list(shelves)})
    for location, sku, on_hand, reserved, blocked, incoming, safety, off_sale, counted_at in rows:
        shelf = Shelf(location, sku)
        locked[shelf] = Level(on_hand, reserved, blocked, incoming, safety, off_sale)
        if counted_at is not None:
            locked.counted_at[shelf] = counted_at
    return locked


def lock_or_make(session: Session, shelves: Collection[Shelf], *, now: datetime) -> Locked:
    """The same, after making empty rows for shelves that nobody has spoken of yet."""
    locked = lock(session, shelves)
    missing = sorted(set(shelves) - locked.keys())
    if not missing:
        return locked
    rows = [{"location": shelf.location, "sku": shelf.sku, "changed_at": now} | _EMPTY for shelf in missing]
    db.insert_new(session, balance, rows, key=("location", "sku"), returning=("sku",))
    return lock(session, shelves)


_EMPTY = {"on_hand": 0, "reserved": 0, "blocked": 0, "incoming": 0, "safety": 0, "off_sale": False}


def write(session: Session, changes: Mapping[Shelf, Level], *, now: datetime) -> None:
    """Add these changes to shelves that are locked: facts, which no guard refuses."""
    rows = [_parameters(shelf, change, now) for shelf, change in changes.items() if change != Level()]
    if rows:
        session.connection().execute(_ADD, {"change": rows})
        announce.touch(session, skus=(shelf.sku for shelf in changes))


def hold(session: Session, pieces: Mapping[Shelf, int], *, now: datetime) -> None:
    """Reserve pieces; the guard stands in the statement itself. GuardBroken when a shelf cannot keep it."""
    rows = [
        {"location": shelf.location, "sku": shelf.sku, "reserved": n, "changed_at": now} for shelf, n in pieces.items()
    ]
    if rows and session.connection().execute(_HOLD, {"change": rows}).rowcount != len(rows):
        raise GuardBroken("A shelf had less than was read under its lock.")
    announce.touch(session, skus=(shelf.sku for shelf in pieces))


def mark_counted(session: Session, counted_at: Mapping[Shelf, datetime]) -> None:
    """Remember when a shelf was last counted, and put what was not found back on sale, unless that was after the count."""
    rows = [
        {"location": shelf.location, "sku": shelf.sku, "counted_at": moment} for shelf, moment in counted_at.items()
    ]
    if rows:
        session.connection().execute(_COUNTED, {"count": rows})
        announce.touch(session, skus=(shelf.sku for shelf in counted_at))


def take_off_sale(session: Session, shelves: Sequence[Shelf], *, now: datetime) -> None:
    """Promise nothing more from these shelves until somebody has counted them."""
    session.execute(
        sa.update(balance)
        .where(db.in_pairs(balance.c.location, balance.c.sku, sorted(shelves)))
        .values(off_sale=True, off_sale_at=now, changed_at=now)
    )
    announce.touch(session, skus=(shelf.sku for shelf in shelves))


def _parameters(shelf: Shelf, change: Level, now: datetime) -> dict[str, Any]:
    return {
        "location": shelf.location, "sku": shelf.sku, "changed_at": now, "on_hand": change.on_hand,
        "reserved": change.reserved, "blocked": change.blocked, "incoming": change.incoming, "safety": change.safety,
    }  # fmt: skip


_QUANTITIES = ("on_hand", "reserved", "blocked", "incoming", "safety")


def _handed_in(name: str, *columns: str) -> sa.TableValuedAlias:
    return db.rows(name, *(balance.c[column] for column in ("location", "sku", *columns)))


def _same_shelf(handed_in: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    return sa.and_(balance.c.location == handed_in.c.location, balance.c.sku == handed_in.c.sku)


_CHANGE = _handed_in("change", *_QUANTITIES, "changed_at")
_ADD = (
    sa.update(balance)
    .where(_same_shelf(_CHANGE))
    .values({name: balance.c[name] + _CHANGE.c[name] for name in _QUANTITIES} | {"changed_at": _CHANGE.c.changed_at})
)

_PIECES = _handed_in("change", "reserved", "changed_at")
_FREE = balance.c.on_hand - balance.c.blocked - balance.c.reserved - balance.c.safety
_HOLD = (
    sa.update(balance)
    .where(_same_shelf(_PIECES), ~balance.c.off_sale, _PIECES.c.reserved <= _FREE)
    .values(reserved=balance.c.reserved + _PIECES.c.reserved, changed_at=_PIECES.c.changed_at)
)

_COUNT = _handed_in("count", "counted_at")
_LOST_SINCE = sa.func.coalesce(balance.c.off_sale_at > _COUNT.c.counted_at, sa.false())
_COUNTED = (
    sa.update(balance)
    .where(_same_shelf(_COUNT))
    .values(counted_at=_COUNT.c.counted_at, off_sale=sa.and_(balance.c.off_sale, _LOST_SINCE))
)
