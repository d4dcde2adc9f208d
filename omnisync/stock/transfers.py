"""Goods between two locations: asked for is promised there, sent is gone there and awaited here, received is on hand here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.clock import Ids
from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.stock import ends, ledger
from omnisync.stock.tables import Transfer, TransferLine
from omnisync.values import Kind, Shelf

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


def ask(session: Session, ids: Ids, sending: Sending, *, now: datetime) -> Transfer:
    """Write down what is to be sent. The caller holds the pieces under the transfer's id in the same transaction."""
    transfer = Transfer(
        id=ids.new(), from_location=sending.source, to_location=sending.target, pickup_id=sending.pickup,
        promise=sending.promise, asked_at=now, due_at=sending.due_at,
    )  # fmt: skip
    session.add(transfer)
    session.flush()
    session.add_all(
        TransferLine(transfer_id=transfer.id, sku=sku, quantity=quantity, each=_stocked(session, sku))
        for sku, quantity in sorted(sending.lines.items())
    )
    session.flush()
    return transfer


def send(session: Session, transfer_id: str, skus: Collection[str] | None = None, *, now: datetime) -> Transfer:
    """What still lies there of these SKUs (None: all) leaves its shelves now, and is awaited where it goes."""
    transfer = load(session, transfer_id, lock=True)
    parts: dict[str, int] = defaultdict(int)
    for line in lines_of(session, [transfer_id])[transfer_id]:
        if line.unsent and (skus is None or line.sku in skus):
            for part, n in line.each.items():
                parts[part] += n * line.unsent
            line.sent += line.unsent
            transfer.sent_at = transfer.sent_at or now
    session.flush()
    _let_go(session, transfer, parts, now)
    moves = ((Kind.TRANSFER_OUT, transfer.from_location), (Kind.AWAITED, transfer.to_location))
    entries = [
        _entry(transfer, kind, part, location, n, now) for part, n in sorted(parts.items()) for kind, location in moves
    ]
    ledger.record(session, entries, now=now)
    return transfer


def call_off(
    session: Session, transfer_id: str, wanted: Mapping[str, int] | None = None, *, by: str, now: datetime
) -> dict[str, int]:
    """What nobody has sent yet (None: all of that) is given back where it lies: SKU -> pieces. What is on its way comes all the
    same."""
    transfer = load(session, transfer_id, lock=True)
    lines = lines_of(session, [transfer_id])[transfer_id]
    unsent = {line.sku: line.unsent for line in lines if line.unsent}
    given_back = unsent if wanted is None else dict(wanted)
    _check(given_back, unsent, "still to be sent")
    parts: dict[str, int] = defaultdict(int)
    for line in lines:
        line.called_off += (n := given_back.get(line.sku, 0))
        for part, each in line.each.items():
            parts[part] += each * n
    _close(session, transfer, lines, by, now)
    _let_go(session, transfer, parts, now)
    return given_back


def _let_go(session: Session, transfer: Transfer, parts: Mapping[str, int], now: datetime) -> None:
    held = ends.open_pieces(session, [transfer.id]).get(transfer.id, {})
    shelves = {Shelf(transfer.from_location, part): n for part, n in parts.items()}
    part = {shelf: min(n, held[shelf]) for shelf, n in shelves.items() if held.get(shelf, 0) > 0}
    if part:
        wanted = ends.End(transfer.id, ends.How.RELEASE, part, keep_rest=True, cause=f"transfer:{transfer.id}")
        ends.end_one(session, wanted, now=now)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has just come, and what is known now never to come."""

    transfer: Transfer
    received: Mapping[str, int]
    lost: Mapping[str, int]


def receive(
    session: Session, transfer_id: str, part: Mapping[str, int] | None, *, rest_lost: bool, by: str, now: datetime
) -> Arrived:
    """Take in what has come (None: all of it). The rest stays on its way, or is written off as lost.

    What has come was sent, whether or not somebody said so; what nobody has sent is not lost but given back.
    """
    transfer = load(session, transfer_id, lock=True)
    left = {line.sku: line.to_come for line in lines_of(session, [transfer_id])[transfer_id]}
    if transfer.received_at is not None:
        raise Conflict("Everything of this transfer has been received.", code="already-received")
    came = {sku: n for sku, n in (left if part is None else part).items() if n}
    _check(came, left, "on the way")
    send(session, transfer_id, came.keys(), now=now)
    given_back = call_off(session, transfer_id, by=by, now=now) if rest_lost else {}
    lines = lines_of(session, [transfer_id])[transfer_id]
    entries: list[ledger.Entry] = []
    lost: dict[str, int] = dict(given_back)
    for line in lines:
        gone = line.to_come - came.get(line.sku, 0) if rest_lost else 0
        entries += _arrival(transfer, line, came.get(line.sku, 0), gone, now)
        line.received += came.get(line.sku, 0)
        line.lost += gone
        if gone:
            lost[line.sku] = gone
    _close(session, transfer, lines, by, now)
    ledger.record(session, entries, now=now)
    return Arrived(transfer, came, lost)


def _close(session: Session, transfer: Transfer, lines: Sequence[TransferLine], by: str, now: datetime) -> None:
    if transfer.received_at is None and not any(line.to_come for line in lines):
        transfer.received_at, transfer.received_by = now, by
    session.flush()


def _check(named: Mapping[str, int], left: Mapping[str, int], where: str) -> None:
    errors = [
        {"field": "lines", "message": f"{sku}: {n} named, {left.get(sku, 0)} {where}."}
        for sku, n in named.items()
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
    """Transfers from or to that location by id (which is by age), those of which something is still to come only or all."""
    statement = select(Transfer).where(col(Transfer.id) > after).order_by(col(Transfer.id)).limit(limit)
    if location is not None:
        statement = statement.where(
            sa.or_(col(Transfer.to_location) == location, col(Transfer.from_location) == location)
        )
    if on_the_way:
        statement = statement.where(col(Transfer.received_at).is_(None))
    return session.exec(statement).all()


def is_coming(session: Session, promise: str) -> bool:
    """Whether something is still to come for this reservation."""
    statement = sa.select(_transfer.c.id).where(_transfer.c.promise == promise, _transfer.c.received_at.is_(None))
    return session.execute(statement.limit(1)).first() is not None


def open_of(session: Session, pickup_id: str) -> list[str]:
    """Transfers for this pickup of which something is still to come."""
    statement = sa.select(_transfer.c.id).where(_transfer.c.pickup_id == pickup_id, _transfer.c.received_at.is_(None))
    return list(session.execute(statement.order_by(_transfer.c.id)).scalars())
