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
        session.connection().execute(_ADD, rows)
        announce.touch(session, skus=(shelf.sku for shelf in changes))


def hold(session: Session, pieces: Mapping[Shelf, int], *, now: datetime) -> None:
    """Reserve pieces; the guard stands in the statement itself. GuardBroken when a shelf cannot keep it."""
    rows = [
        {"at_location": shelf.location, "at_sku": shelf.sku, "n": n, "now": now} for shelf, n in sorted(pieces.items())
    ]
    if rows and session.connection().execute(_HOLD, rows).rowcount != len(rows):
        raise GuardBroken("A shelf had less than was read under its lock.")
    announce.touch(session, skus=(shelf.sku for shelf in pieces))


def mark_counted(session: Session, counted_at: Mapping[Shelf, datetime]) -> None:
    """Remember when a shelf was last counted, and put what was not found back on sale."""
    rows = [
        {"at_location": shelf.location, "at_sku": shelf.sku, "moment": moment} for shelf, moment in counted_at.items()
    ]
    if rows:
        session.connection().execute(_COUNTED, rows)
        announce.touch(session, skus=(shelf.sku for shelf in counted_at))


def take_off_sale(session: Session, shelves: Sequence[Shelf], *, now: datetime) -> None:
    """Promise nothing more from these shelves until somebody has counted them."""
    session.execute(
        sa.update(balance)
        .where(db.in_pairs(balance.c.location, balance.c.sku, sorted(shelves)))
        .values(off_sale=True, changed_at=now)
    )
    announce.touch(session, skus=(shelf.sku for shelf in shelves))


def _parameters(shelf: Shelf, change: Level, now: datetime) -> dict[str, Any]:
    return {
        "at_location": shelf.location, "at_sku": shelf.sku, "now": now, "d_on_hand": change.on_hand,
        "d_reserved": change.reserved, "d_blocked": change.blocked, "d_incoming": change.incoming,
        "d_safety": change.safety,
    }  # fmt: skip


_HERE = sa.and_(balance.c.location == sa.bindparam("at_location"), balance.c.sku == sa.bindparam("at_sku"))

_ADD = (
    sa.update(balance)
    .where(_HERE)
    .values(
        on_hand=balance.c.on_hand + sa.bindparam("d_on_hand"),
        reserved=balance.c.reserved + sa.bindparam("d_reserved"),
        blocked=balance.c.blocked + sa.bindparam("d_blocked"),
        incoming=balance.c.incoming + sa.bindparam("d_incoming"),
        safety=balance.c.safety + sa.bindparam("d_safety"),
        changed_at=sa.bindparam("now"),
    )
)

_FREE = balance.c.on_hand - balance.c.blocked - balance.c.reserved - balance.c.safety
_HOLD = (
    sa.update(balance)
    .where(_HERE, ~balance.c.off_sale, sa.bindparam("n") <= _FREE)
    .values(reserved=balance.c.reserved + sa.bindparam("n"), changed_at=sa.bindparam("now"))
)

_COUNTED = sa.update(balance).where(_HERE).values(counted_at=sa.bindparam("moment"), off_sale=False)
