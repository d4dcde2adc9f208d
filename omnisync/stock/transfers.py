"""Goods between two locations: sent is gone there and awaited here, received (whole or in part) is on hand here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.clock import Ids
from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.stock import ledger
from omnisync.stock.tables import Transfer, TransferLine
from omnisync.values import Kind

_transfer, _line = db.table(Transfer), db.table(TransferLine)


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes from where to where, and for whom."""

    source: str
    target: str
    lines: Mapping[str, int]
    due_at: datetime
    pickup: str | None = None
    promise: str | None = None


def send(session: Session, ids: Ids, sending: Sending, *, now: datetime) -> Transfer:
    """The goods leave their shelves now. Whoever holds them there has let go of them in the same transaction."""
    transfer = Transfer(
        id=ids.new(), from_location=sending.source, to_location=sending.target, pickup_id=sending.pickup,
        promise=sending.promise, sent_at=now, due_at=sending.due_at,
    )  # fmt: skip
    session.add(transfer)
    session.flush()
    entries: list[ledger.Entry] = []
    for sku, quantity in sorted(sending.lines.items()):
        each = _stocked(session, sku)
        session.add(TransferLine(transfer_id=transfer.id, sku=sku, quantity=quantity, each=each))
        for part, n in sorted(each.items()):
            entries += [
                _entry(transfer, Kind.TRANSFER_OUT, part, sending.source, n * quantity, now),
                _entry(transfer, Kind.AWAITED, part, sending.target, n * quantity, now),
            ]
    session.flush()
    ledger.record(session, entries, now=now)
    return transfer


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has just come, and what is known now never to come."""

    transfer: Transfer
    received: Mapping[str, int]
    lost: Mapping[str, int]


def receive(
    session: Session, transfer_id: str, part: Mapping[str, int] | None, *, rest_lost: bool, by: str, now: datetime
) -> Arrived:
    """Take in what has come (None: all of it). The rest stays on its way, or is written off as lost."""
    transfer = load(session, transfer_id, lock=True)
    lines = lines_of(session, [transfer_id])[transfer_id]
    left = {line.sku: line.quantity - line.received - line.lost for line in lines}
    if transfer.received_at is not None:
        raise Conflict("Everything of this transfer has been received.", code="already-received")
    came = {sku: n for sku, n in (left if part is None else part).items() if n}
    _check(came, left)
    lost = {sku: n - came.get(sku, 0) for sku, n in left.items() if n > came.get(sku, 0)} if rest_lost else {}
    entries: list[ledger.Entry] = []
    for line in lines:
        entries += _arrival(transfer, line, came.get(line.sku, 0), lost.get(line.sku, 0), now)
        line.received += came.get(line.sku, 0)
        line.lost += lost.get(line.sku, 0)
        session.add(line)
    if all(line.received + line.lost == line.quantity for line in lines):
        transfer.received_at, transfer.received_by = now, by
        session.add(transfer)
    session.flush()
    ledger.record(session, entries, now=now)
    return Arrived(transfer, came, lost)


def _check(came: Mapping[str, int], left: Mapping[str, int]) -> None:
    errors = [
        {"field": "lines", "message": f"{sku}: {n} received, {left.get(sku, 0)} on the way."}
        for sku, n in came.items()
        if n > left.get(sku, 0)
    ]
    if errors:
        raise InvalidRequest(errors)


def _arrival(transfer: Transfer, line: TransferLine, came: int, lost: int, now: datetime) -> list[ledger.Entry]:
    """Also what is lost is taken in first: then it is awaited no more, and its loss stands in the journal."""
    counts = ((Kind.RECEIVED, came + lost), (Kind.MISSING, lost))
    return [
        _entry(transfer, kind, part, transfer.to_location, n * count, now)
        for part, n in sorted(line.each.items())
        for kind, count in counts
        if count
    ]


def _entry(transfer: Transfer, kind: Kind, sku: str, location: str, quantity: int, now: datetime) -> ledger.Entry:
    reason = "lost on its way" if kind is Kind.MISSING else f"from {transfer.from_location} to {transfer.to_location}"
    return ledger.Entry(kind, sku, location, quantity, f"transfer:{transfer.id}", now, reason=reason)


def _stocked(session: Session, sku: str) -> dict[str, int]:
    each = articles.explode(session, [(sku, 1)])
    known = articles.known(session, each)
    return {part: n for part, n in each.items() if part not in known or known[part].stocked}


# ---------------------------------------------------------------- reading


def load(session: Session, transfer_id: str, *, lock: bool = False) -> Transfer:
    """The transfer of that id."""
    found = session.get(Transfer, transfer_id, populate_existing=True, with_for_update=True if lock else None)
    if found is None:
        raise NotFound(f"There is no transfer {transfer_id}.")
    return found


def lines_of(session: Session, ids: Sequence[str]) -> dict[str, list[TransferLine]]:
    """The lines of those transfers, by SKU."""
    found: dict[str, list[TransferLine]] = {name: [] for name in ids}
    statement = select(TransferLine).where(col(TransferLine.transfer_id).in_(ids)).order_by(col(TransferLine.sku))
    for line in session.exec(statement.execution_options(populate_existing=True)):
        found[line.transfer_id].append(line)
    return found


def page(
    session: Session, location: str | None, *, on_the_way: bool, after: str = "", limit: int = 100
) -> Sequence[Transfer]:
    """Transfers from or to that location by id (which is by age), those on their way only or all."""
    statement = select(Transfer).where(col(Transfer.id) > after).order_by(col(Transfer.id)).limit(limit)
    if location is not None:
        statement = statement.where(
            sa.or_(col(Transfer.to_location) == location, col(Transfer.from_location) == location)
        )
    if on_the_way:
        statement = statement.where(col(Transfer.received_at).is_(None))
    return session.exec(statement).all()


def is_coming(session: Session, promise: str) -> bool:
    """Whether something is on its way for this reservation."""
    statement = sa.select(_transfer.c.id).where(_transfer.c.promise == promise, _transfer.c.received_at.is_(None))
    return session.execute(statement.limit(1)).first() is not None
