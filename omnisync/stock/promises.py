"""What channels promised to their buyers: pieces of order lines, reserved until they are shipped or cancelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Conflict, Lack, OutOfStock
from omnisync.stock import ledger, shelves
from omnisync.stock.effects import Level
from omnisync.stock.tables import Promise
from omnisync.values import Kind, Shelf

promise = db.table(Promise)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pieces of an order line that its channel promised, at one location."""

    channel: str
    reference: str
    order_id: str
    line_id: str
    shelf: Shelf
    quantity: int
    placed_at: datetime


def name_of(channel: str | None, reference: str | None) -> str:
    """The name under which an order and its reservation find each other; also locked while either is written."""
    return f"{channel}\x1f{reference}"


def make(session: Session, wanted: Sequence[Wanted], *, now: datetime) -> list[ledger.Recorded]:
    """Write promises down: facts, recorded even where nothing is left. More pieces of the same line and shelf make a promise
    of their own."""
    numbers = _next_numbers(session, wanted)
    rows: list[dict[str, Any]] = []
    for one in wanted:
        base = _base(one.order_id, one.line_id, one.shelf)
        numbers[base] += 1
        rows.append(
            {
                "id": f"{base}/{numbers[base]}", "channel": one.channel, "reference": one.reference,
                "order_id": one.order_id, "line_id": one.line_id, "location": one.shelf.location, "sku": one.shelf.sku,
                "quantity": one.quantity, "ended": 0, "created_at": now,
            }
        )  # fmt: skip
    if rows:
        session.execute(sa.insert(promise), rows)
    entries = [
        ledger.Entry(
            Kind.ORDER,
            one.shelf.sku,
            one.shelf.location,
            one.quantity,
            f"order:{one.order_id}/{one.line_id}",
            one.placed_at,
            key=f"{row['id']}/order",
            promise=row["id"],
        )
        for one, row in zip(wanted, rows, strict=True)
    ]
    return ledger.record(session, entries, now=now)


def end(
    session: Session,
    order_id: str,
    line_id: str,
    sku: str,
    kind: Kind,
    quantity: int,
    *,
    key: str,
    occurred_at: datetime,
    now: datetime,
    reason: str | None = None,
    at: str | None = None,
) -> int:
    """End up to `quantity` open pieces of a line (SHIPPED or RELEASED), oldest first; returns how many there were. `at`: only of
    those that this location keeps."""
    entries: list[ledger.Entry] = []
    left = quantity
    for found in of_line(session, order_id, line_id):
        meant = found.sku == sku and at in (None, found.location)
        pieces = min(left, found.quantity - found.ended) if meant else 0
        if pieces > 0:
            left -= pieces
            entries.append(_ending(found, kind, pieces, f"{key}@{found.id}", occurred_at, reason))
    taken_over(session, [(entry.promise or "", entry.quantity) for entry in entries])
    ledger.record(session, entries, now=now)
    return quantity - left


def move(session: Session, name: str, quantity: int, location: str, *, now: datetime) -> None:
    """Another location keeps so many pieces of this promise; OutOfStock where it cannot.

    The shelf there is locked before anything is written, so that nobody takes the pieces in between.
    """
    found = session.get(Promise, name, with_for_update=True, populate_existing=True)
    if found is None or found.quantity - found.ended < quantity:
        raise Conflict("Less than that is still promised.", code="already-closed", how="ended")
    here, there = Shelf(found.location, found.sku), Shelf(location, found.sku)
    available = shelves.lock(session, [here, there]).get(there, Level()).available
    if available < quantity:
        raise OutOfStock([Lack(found.sku, location, quantity, available)])
    taken_over(session, [(name, quantity)])
    released = _ending(
        found, Kind.RELEASED, quantity, f"{name}/moved/{found.ended + quantity}", now, f"now at {location}"
    )
    ledger.record(session, [released], now=now)
    moved = Wanted(found.channel, found.reference, found.order_id, found.line_id, there, quantity, now)
    make(session, [moved], now=now)


def lock(session: Session, names: Collection[str]) -> None:
    """These promises, until the transaction ends: the names of their orders first, as everybody does who writes one."""
    wanted = sa.select(promise.c.channel, promise.c.reference).where(promise.c.id.in_(sorted(names)))
    db.lock_names(session, [name_of(*row) for row in session.execute(wanted)])
    session.execute(wanted.order_by(promise.c.id).with_for_update())


def _ending(
    found: Promise, kind: Kind, pieces: int, key: str, occurred_at: datetime, reason: str | None
) -> ledger.Entry:
    cause = f"order:{found.order_id}/{found.line_id}"
    return ledger.Entry(
        kind, found.sku, found.location, pieces, cause, occurred_at, key=key, promise=found.id, reason=reason
    )


_END = (
    sa.update(promise)
    .where(promise.c.id == sa.bindparam("the_id"), promise.c.quantity - promise.c.ended >= sa.bindparam("n"))
    .values(ended=promise.c.ended + sa.bindparam("n"))
)


def taken_over(session: Session, pieces: Iterable[tuple[str, int]]) -> None:
    """Count pieces of promises as ended; guarded, so that a promise never ends more than once."""
    rows = [{"the_id": name, "n": n} for name, n in pieces]
    if rows and session.connection().execute(_END, rows).rowcount != len(rows):
        raise shelves.GuardBroken("A promise was ended by somebody else.")


def opened_again(session: Session, pieces: Iterable[tuple[str, int]]) -> None:
    """Count pieces of promises as open that had been counted as ended."""
    for name, n in sorted(pieces):
        reopened = sa.update(promise).where(promise.c.id == name).values(ended=promise.c.ended - n)
        session.execute(reopened)


def rename(session: Session, order_id: str, reference: str) -> None:
    """The order of these promises goes by another reference from now on."""
    session.execute(sa.update(promise).where(promise.c.order_id == order_id).values(reference=reference))


def of_line(session: Session, order_id: str, line_id: str) -> list[Promise]:
    """The promises of one order line, oldest first, locked."""
    return list(session.execute(_OF_LINE, {"order_id": order_id, "line_id": line_id}).scalars())


_OF_LINE = (
    sa.select(Promise)
    .where(promise.c.order_id == sa.bindparam("order_id"), promise.c.line_id == sa.bindparam("line_id"))
    .order_by(promise.c.created_at, promise.c.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


def open_of_order(session: Session, order_id: str) -> dict[tuple[str, str], int]:
    """Open pieces of an order, by line and SKU."""
    rows = session.execute(_OPEN_OF_ORDER, {"order_id": order_id})
    return {(line_id, sku): int(pieces) for line_id, sku, pieces in rows}


_OPEN_OF_ORDER = (
    sa.select(promise.c.line_id, promise.c.sku, sa.func.sum(promise.c.quantity - promise.c.ended))
    .where(promise.c.order_id == sa.bindparam("order_id"))
    .group_by(promise.c.line_id, promise.c.sku)
)


def of_references(
    session: Session, references: Collection[tuple[str | None, str | None]]
) -> Mapping[tuple[str, str], list[tuple[str, Shelf]]]:
    """Open promises of orders with these (channel, reference)."""
    found: dict[tuple[str, str], list[tuple[str, Shelf]]] = defaultdict(list)
    if not references:
        return found
    statement = sa.select(promise).where(
        db.in_pairs(promise.c.channel, promise.c.reference, references),
        promise.c.quantity > promise.c.ended,
    )
    for row in session.execute(statement.order_by(promise.c.id)):
        found[row.channel, row.reference].append((row.id, Shelf(row.location, row.sku)))
    return found


def _base(order_id: str, line_id: str, shelf: Shelf) -> str:
    return f"{order_id}/{line_id}/{shelf.sku}@{shelf.location}"


def _next_numbers(session: Session, wanted: Sequence[Wanted]) -> dict[str, int]:
    numbers: dict[str, int] = defaultdict(int)
    orders = sorted({one.order_id for one in wanted})
    if orders:
        columns = (promise.c.order_id, promise.c.line_id, promise.c.location, promise.c.sku)
        statement = sa.select(*columns, sa.func.count()).where(promise.c.order_id.in_(orders)).group_by(*columns)
        for order_id, line_id, location, sku, count in session.execute(statement):
            numbers[_base(order_id, line_id, Shelf(location, sku))] = count
    return numbers
