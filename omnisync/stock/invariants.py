"""What must always hold of stock: each is a function that returns its violations, in words. Used by tests, simulation, crash
rigs and `omnisync verify`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.stock import archives
from omnisync.stock.archived import OPENINGS_INVARIANTS
from omnisync.stock.backorders import shelves_follow_their_articles
from omnisync.stock.blocked import RETURN
from omnisync.stock.effects import QUANTITIES, Level
from omnisync.stock.tables import (
    ArchivedKey,
    Balance,
    GoodsReturn,
    Movement,
    Promise,
    Reservation,
    Shortage,
    Stocktake,
    StocktakeLine,
    Transfer,
    TransferLine,
)
from omnisync.values import Kind, Shelf

movement, balance = db.table(Movement), db.table(Balance)
reservation, promise, shortage = db.table(Reservation), db.table(Promise), db.table(Shortage)
goods_return, archived_key = db.table(GoodsReturn), db.table(ArchivedKey)
stocktake, stocktake_line = db.table(Stocktake), db.table(StocktakeLine)
transfer, transfer_line = db.table(Transfer), db.table(TransferLine)


_SUMS = (
    sa.select(movement.c.location, movement.c.sku, *(sa.func.sum(movement.c[name]).label(name) for name in QUANTITIES))
    .group_by(movement.c.location, movement.c.sku)
    .subquery()
)
_SAME_SHELF = sa.and_(_SUMS.c.location == balance.c.location, _SUMS.c.sku == balance.c.sku)
_OFF = (
    sa.select(
        _SUMS.c.location, _SUMS.c.sku, balance.c.sku, *(_SUMS.c[name] for name in QUANTITIES), *(balance.c[name] for name in QUANTITIES)
    )
    .outerjoin(balance, _SAME_SHELF)
    .where(sa.or_(balance.c.sku.is_(None), *(balance.c[name] != _SUMS.c[name] for name in QUANTITIES)))
)  # fmt: skip
_MOVED = sa.exists().where(movement.c.location == balance.c.location, movement.c.sku == balance.c.sku)
_UNMOVED = sa.select(balance.c.location, balance.c.sku, *(balance.c[name] for name in QUANTITIES)).where(
    sa.or_(*(balance.c[name] != 0 for name in QUANTITIES)), ~_MOVED
)


def balances_are_sums(session: Session) -> Iterator[str]:
    """Every balance is the sum of its movements: the journal is added up once, shelf by shelf."""
    for location, sku, kept, *numbers in session.execute(_OFF):
        if kept is None:
            yield f"{sku} at {location}: has movements and no balance"
        else:
            yield from _differences(location, sku, numbers[: len(QUANTITIES)], numbers[len(QUANTITIES) :])
    for location, sku, *numbers in session.execute(_UNMOVED):
        yield from _differences(location, sku, [0] * len(QUANTITIES), numbers)


def _differences(location: str, sku: str, summed: Sequence[int], kept: Sequence[int]) -> Iterator[str]:
    for name, total, number in zip(QUANTITIES, summed, kept, strict=True):
        if number != total:
            yield f"{sku} at {location}: {name} is {number}, its movements sum to {total}"


def holds_were_kept_within_the_shelf(session: Session) -> Iterator[str]:
    """Each hold, replayed in order, left reserved <= on_hand - blocked - safety + backorder as they were then.

    Pieces that a hold took over from another promise in the same breath need no new room.
    """
    for shelf in _suspects(session):
        yield from _replayed(session, shelf)


def _below_nothing() -> sa.Select[Any]:
    other = movement.alias()
    # Not DISTINCT: for that SQLite would follow the index of shelves, and find each row of the journal somewhere else.
    held = sa.select(other.c.location, other.c.sku).where(other.c.kind == Kind.HOLD.value)
    change = movement.c.on_hand - movement.c.blocked - movement.c.reserved - movement.c.safety + movement.c.backorder
    free = sa.func.sum(change).over(partition_by=(movement.c.location, movement.c.sku), order_by=movement.c.id)
    levels = sa.select(movement.c.location, movement.c.sku, movement.c.kind, free.label("free")).where(
        sa.tuple_(movement.c.location, movement.c.sku).in_(held)
    )
    after = levels.subquery()
    wrong = sa.select(after.c.location, after.c.sku).where(after.c.kind == Kind.HOLD.value, after.c.free < 0)
    return wrong.distinct().order_by(after.c.location, after.c.sku)


_BELOW_NOTHING = _below_nothing()


def _suspects(session: Session) -> list[Shelf]:
    """Shelves on which some hold left less than nothing: the database adds up, so that only these are replayed."""
    return [Shelf(*row) for row in session.execute(_BELOW_NOTHING)]


def _replayed(session: Session, shelf: Shelf) -> Iterator[str]:
    level, passed_on = Level(), defaultdict[str, int](int)
    here = sa.and_(movement.c.location == shelf.location, movement.c.sku == shelf.sku)
    for row in session.execute(sa.select(movement).where(here).order_by(movement.c.id)):
        level = level.plus(_change(row))
        if row.kind == Kind.RELEASED and row.reason == "taken over":
            passed_on[row.cause] += row.quantity
        if row.kind == Kind.HOLD:
            new = max(0, row.quantity - passed_on.pop(row.cause, 0))
            if new and level.free < 0:
                yield f"{row.sku} at {row.location}: hold {row.promise} (movement {row.id}) promised {-level.free} more than there was"


def _change(row: Any) -> Level:
    return Level(*(getattr(row, name) for name in QUANTITIES))


_OPENED = sa.select(shortage).where(shortage.c.closed_at.is_(None)).subquery()
_MAYBE_SHORT = (
    sa.select(balance.c.location, balance.c.sku, *(balance.c[name] for name in QUANTITIES), _OPENED.c.quantity)
    .outerjoin(_OPENED, sa.and_(_OPENED.c.location == balance.c.location, _OPENED.c.sku == balance.c.sku))
    .where(sa.or_(_OPENED.c.quantity.is_not(None), balance.c.reserved > balance.c.on_hand - balance.c.blocked))
)


def shortages_are_counted(session: Session) -> Iterator[str]:
    """For each shelf, open shortages = max(0, reserved - max(0, on_hand - blocked) - backorder)."""
    for location, sku, *numbers, written in session.execute(_MAYBE_SHORT):
        short = Level(*numbers).short
        if short != (written or 0):
            yield f"{sku} at {location}: {short} promised pieces are missing, the open shortage says {written or 0}"


_PROMISED = (
    sa.select(
        movement.c.promise, sa.func.sum(movement.c.reserved), reservation.c.state, promise.c.quantity - promise.c.ended
    )
    .outerjoin(reservation, reservation.c.id == movement.c.promise)
    .outerjoin(promise, promise.c.id == movement.c.promise)
    .where(movement.c.promise.is_not(None))
    .group_by(movement.c.promise, reservation.c.state, promise.c.quantity, promise.c.ended)
)
_STREAMED = {"yield_per": 10_000}
"""As many rows as there ever were promises: never all at once."""
_ON_THE_WAY = sa.select(transfer.c.promise).where(transfer.c.promise.is_not(None), transfer.c.received_at.is_(None))
_STRAY = sa.select(movement.c.id).where(movement.c.promise.is_(None), movement.c.reserved != 0)


def reserved_is_the_sum_of_open_promises(session: Session) -> Iterator[str]:
    """What is reserved belongs to a reservation or an order promise that is open, and to nothing else."""
    coming = set(session.execute(_ON_THE_WAY).scalars())
    for name, pieces, state, left in session.execute(_PROMISED, execution_options=_STREAMED):
        if pieces < 0:
            yield f"{name}: more pieces ended than were promised ({-pieces} too many)"
        if state is None and left is None:
            yield f"{name}: reserves {pieces} and is neither a reservation nor an order"
        if left is not None and left != pieces:
            yield f"{name}: {left} open by its row, {pieces} by the journal"
        is_open = state in ("held", "confirmed")
        if state is not None and ((is_open and not pieces and name not in coming) or (pieces and not is_open)):
            yield f"{name}: is {state} with {pieces} open"
    for number in session.execute(_STRAY).scalars():
        yield f"movement {number} changes reserved without a promise"


_TWICE = (
    sa.select(movement.c.key, sa.func.count())
    .where(movement.c.key.is_not(None))
    .group_by(movement.c.key)
    .having(sa.func.count() > 1)
)
_AGAIN = sa.select(archived_key.c.key).join(movement, movement.c.key == archived_key.c.key)


def effects_happen_once(session: Session) -> Iterator[str]:
    """No effect was recorded twice under its key, be it in the journal or archived."""
    for key, count in session.execute(_TWICE):
        yield f"{key}: recorded {count} times"
    for key in session.execute(_AGAIN).scalars():
        yield f"{key}: recorded again after it was archived"


_SIGNED = sa.func.sum(
    sa.case((movement.c.kind == Kind.TRANSFER_OUT.value, movement.c.quantity), else_=-movement.c.quantity)
)
_FROM_NOWHERE = (
    sa.select(movement.c.cause, movement.c.sku, _SIGNED)
    .where(
        movement.c.kind.in_((Kind.TRANSFER_OUT.value, Kind.TRANSFER_IN.value)), movement.c.id > sa.bindparam("after")
    )
    .group_by(movement.c.cause, movement.c.sku)
    .having(_SIGNED < 0)
)


def transfers_lose_nothing(session: Session) -> Iterator[str]:
    """What was sent out of a location and has arrived is the same number of pieces. What was carried forward of a shelf says
    nothing of the other one."""
    before = archives.newest(session)
    for cause, sku, left in session.execute(_FROM_NOWHERE, {"after": before.last_id if before else 0}):
        yield f"{cause}: {-left} of {sku} arrived that were never sent"


def transfers_move_what_they_say(session: Session) -> Iterator[str]:
    """What a transfer has not sent is held for it at its source; what it sent, received and lost stands in the journal. Those
    of which some has been archived had all ended then."""
    said: dict[str, dict[tuple[str, str], int]] = {}
    statement = sa.select(transfer_line, transfer.c.from_location).join(
        transfer, transfer.c.id == transfer_line.c.transfer_id
    )
    before = archives.newest(session)
    if before is not None:
        statement = statement.where(transfer.c.asked_at >= before.until)
    for row in session.execute(statement):
        unsent = row.quantity - row.sent - row.called_off
        sums = (("held", unsent), ("sent", row.sent), ("received", row.received + row.lost))
        counts = said.setdefault(row.transfer_id, defaultdict(int))
        for part, n in row.each.items():
            for what, pieces in sums:
                counts[what, part] += n * pieces
    booked = _booked_by_transfers(session) if said else {}
    for name, counts in said.items():
        for (what, part), pieces in sorted(counts.items()):
            found = booked[name].get((what, part), 0)
            if found != pieces:
                yield f"transfer {name}: {pieces} of {part} are {what} by its lines, {found} by the journal"


def _booked_by_transfers(session: Session) -> Mapping[str, Mapping[tuple[str, str], int]]:
    booked: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    words = {Kind.TRANSFER_OUT.value: "sent", Kind.RECEIVED.value: "received"}
    moved = (
        sa.select(movement.c.cause, movement.c.kind, movement.c.sku, sa.func.sum(movement.c.quantity))
        .where(movement.c.kind.in_(list(words)), movement.c.cause.startswith("transfer:"))
        .group_by(movement.c.cause, movement.c.kind, movement.c.sku)
    )
    for cause, kind, sku, pieces in session.execute(moved):
        booked[cause.removeprefix("transfer:")][words[kind], sku] = int(pieces)
    held = (
        sa.select(movement.c.promise, movement.c.sku, sa.func.sum(movement.c.reserved))
        .join(transfer, transfer.c.id == movement.c.promise)
        .group_by(movement.c.promise, movement.c.sku)
    )
    for name, sku, pieces in session.execute(held):
        booked[name]["held", sku] = int(pieces)
    return booked


def returns_are_decided_once(session: Session) -> Iterator[str]:
    """Of a return that nobody has decided about all pieces are blocked, of any other none, and then each became one thing."""
    statement = sa.select(movement.c.cause, sa.func.sum(movement.c.blocked)).where(movement.c.cause.startswith(RETURN))
    blocked = {cause: int(n) for cause, n in session.execute(statement.group_by(movement.c.cause))}
    for row in session.execute(sa.select(goods_return)):
        wanted = row.quantity if row.decided_at is None else 0
        if (found := blocked.pop(f"{RETURN}{row.id}", 0)) != wanted:
            yield f"return {row.id}: {found} are blocked, {wanted} wait to be checked"
        became = row.sellable + row.b_ware + row.scrap
        if became != row.quantity and not (became == 0 and (row.decided_at is None or row.duplicate == row.quantity)):
            yield f"return {row.id}: of {row.quantity} pieces {became} were decided about"
    yield from (f"{cause}: blocks {n} and is no return" for cause, n in sorted(blocked.items()) if n)


_KEY = sa.literal("stocktake:") + stocktake.c.id + sa.literal("/") + stocktake_line.c.sku
_BOOKED = sa.func.coalesce(stocktake.c.ended_how == "booked", sa.false())
_COUNT = sa.func.coalesce(movement.c.quantity, archived_key.c.quantity)
_COUNTS = (
    sa.select(stocktake.c.id, stocktake_line.c.sku, stocktake_line.c.counted, _COUNT)
    .join(stocktake_line, stocktake_line.c.stocktake_id == stocktake.c.id)
    .outerjoin(movement, movement.c.key == _KEY)
    .outerjoin(archived_key, archived_key.c.key == _KEY)
    .where(
        sa.or_(
            sa.and_(_BOOKED, stocktake_line.c.counted.is_distinct_from(_COUNT)),
            sa.and_(~_BOOKED, _COUNT.is_not(None)),
        )
    )
)


def stocktakes_are_booked_whole(session: Session) -> Iterator[str]:
    """Of a booked stocktake every count was recorded, of any other none."""
    for name, sku, counted, booked in session.execute(_COUNTS):
        yield f"stocktake {name}: {counted} of {sku} were counted, {booked} are booked"


STOCK_INVARIANTS = (
    balances_are_sums,
    holds_were_kept_within_the_shelf,
    shortages_are_counted,
    reserved_is_the_sum_of_open_promises,
    effects_happen_once,
    transfers_lose_nothing,
    transfers_move_what_they_say,
    shelves_follow_their_articles,
    returns_are_decided_once,
    stocktakes_are_booked_whole,
    *OPENINGS_INVARIANTS,
)
