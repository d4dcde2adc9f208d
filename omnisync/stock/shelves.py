"""Reading shelves locked and in one order, and writing back what changed: the only statements that touch balances."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import announce, db
from omnisync.stock.effects import QUANTITIES, Level
from omnisync.stock.tables import Balance
from omnisync.values import Shelf

balance = db.table(Balance)
_COLUMNS = (
    balance.c.location, balance.c.sku, balance.c.on_hand, balance.c.reserved, balance.c.blocked,
    balance.c.incoming, balance.c.safety, balance.c.backorder, balance.c.off_sale, balance.c.counted_at,
    balance.c.changed_at,
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
    """Levels read under lock, with the moments when each shelf was last counted and changed."""

    def __init__(self) -> None:
        super().__init__()
        self.counted_at: dict[Shelf, datetime] = {}
        self.changed_at: dict[Shelf, datetime] = {}
        self.made: set[Shelf] = set()
        """Nobody had spoken of these before."""


def lock(session: Session, shelves: Collection[Shelf]) -> Locked:
    """Levels of those shelves that exist, each row locked, in the one order (location, sku) that everybody uses."""
    locked = Locked()
    if not shelves:
        return locked
    for location, sku, *level, counted_at, changed_at in session.execute(_LOCK, {"shelves": list(shelves)}).all():
        shelf = Shelf(location, sku)
        locked[shelf] = Level._make(level)
        locked.changed_at[shelf] = changed_at
        if counted_at is not None:
            locked.counted_at[shelf] = counted_at
    return locked


def lock_or_make(session: Session, shelves: Collection[Shelf], *, now: datetime) -> Locked:
    """The same, with empty levels for shelves that nobody has spoken of yet: of those that are `made`, all have to be written."""
    locked = lock(session, shelves)
    missing = set(shelves) - locked.keys()
    if not missing:
        return locked
    locked.made = _claim(session, missing, now) if db.is_postgresql(session) else missing
    locked.update(dict.fromkeys(locked.made, Level()))
    if len(locked.made) == len(missing):
        return locked
    again = lock(session, shelves)  # somebody else made some of them meanwhile
    again.made = locked.made
    return again


def _claim(session: Session, shelves: Collection[Shelf], now: datetime) -> set[Shelf]:
    """Where others write beside us, there has to be a row that we can hold locked; those are left out that somebody else made."""
    rows = [_parameters(shelf, Level(), now) for shelf in sorted(shelves)]
    made = db.insert_new(session, balance, rows, key=_KEY, returning=_KEY)
    return {Shelf(row.location, row.sku) for row in made}


_KEY = ("location", "sku")


def write(
    session: Session,
    changes: Mapping[Shelf, Level],
    *,
    now: datetime,
    counted_at: Mapping[Shelf, datetime] = MappingProxyType({}),
) -> None:
    """Add these changes to shelves that are locked, or made: facts, which no guard refuses. What was counted is remembered as
    counted at that moment, and put back on sale if it had not been found before that."""
    counted = [_parameters(shelf, changes[shelf], now) | {"counted_at": at} for shelf, at in counted_at.items()]
    others = [_parameters(shelf, change, now) for shelf, change in changes.items() if shelf not in counted_at]
    for rows, update in ((others, _added), (counted, _counted)):
        db.put_all(session, balance, rows, key=_KEY, update=update)
        announce.touch(session, skus=(row["sku"] for row in rows))


def hold(session: Session, pieces: Mapping[Shelf, int], *, now: datetime) -> None:
    """Reserve pieces; the guard stands in the statement itself. GuardBroken when a shelf cannot keep it."""
    rows = [
        {"location": shelf.location, "sku": shelf.sku, "reserved": n, "changed_at": now} for shelf, n in pieces.items()
    ]
    if rows and session.connection().execute(_HOLD, {"change": rows}).rowcount != len(rows):
        raise GuardBroken("A shelf had less than was read under its lock.")
    announce.touch(session, skus=(shelf.sku for shelf in pieces))


def take_off_sale(session: Session, shelves: Collection[Shelf], *, now: datetime) -> None:
    """Promise nothing more from these shelves until somebody has counted them, later than now. The journal row is the caller's."""
    if not shelves:
        return
    session.execute(
        sa.update(balance)
        .where(db.in_pairs(balance.c.location, balance.c.sku, sorted(shelves)))
        .values(off_sale=True, off_sale_at=now, changed_at=now)
    )
    announce.touch(session, skus=(shelf.sku for shelf in shelves))


def expect(session: Session, due: Mapping[Shelf, datetime | None]) -> None:
    """Remember when the next of what is awaited on each of these locked shelves is expected."""
    rows = [{"location": shelf.location, "sku": shelf.sku, "due_at": moment} for shelf, moment in due.items()]
    if rows:
        session.connection().execute(_EXPECT, {"due": rows})


def _parameters(shelf: Shelf, change: Level, now: datetime) -> dict[str, Any]:
    return {
        "location": shelf.location, "sku": shelf.sku, "changed_at": now, "off_sale": False, "on_hand": change.on_hand,
        "reserved": change.reserved, "blocked": change.blocked, "incoming": change.incoming, "safety": change.safety,
        "backorder": change.backorder,
    }  # fmt: skip


def _handed_in(name: str, *columns: str) -> sa.TableValuedAlias:
    return db.rows(name, *(balance.c[column] for column in ("location", "sku", *columns)))


def _same_shelf(handed_in: sa.TableValuedAlias) -> sa.ColumnElement[bool]:
    return sa.and_(balance.c.location == handed_in.c.location, balance.c.sku == handed_in.c.sku)


Columns: TypeAlias = sa.ColumnCollection[str, Any]


def _added(new: Columns) -> dict[str, Any]:
    """Quantities are changes, which are added."""
    return {name: balance.c[name] + new[name] for name in QUANTITIES} | {"changed_at": new.changed_at}


def _counted(new: Columns) -> dict[str, Any]:
    missed_since = sa.func.coalesce(balance.c.off_sale_at > new.counted_at, sa.false())
    return _added(new) | {"counted_at": new.counted_at, "off_sale": sa.and_(balance.c.off_sale, missed_since)}


_PIECES = _handed_in("change", "reserved", "changed_at")
_FREE = balance.c.on_hand - balance.c.blocked - balance.c.reserved - balance.c.safety + balance.c.backorder
_HOLD = (
    sa.update(balance)
    .where(_same_shelf(_PIECES), ~balance.c.off_sale, _PIECES.c.reserved <= _FREE)
    .values(reserved=balance.c.reserved + _PIECES.c.reserved, changed_at=_PIECES.c.changed_at)
)

_DUE = _handed_in("due", "due_at")
_EXPECT = sa.update(balance).where(_same_shelf(_DUE)).values(due_at=_DUE.c.due_at)
