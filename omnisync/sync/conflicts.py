"""Pieces that channels sold from one another inside the propagation window: counted, shown with their cause, never hidden."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.announce import announce
from omnisync.stock import availability
from omnisync.stock.tables import Shortage
from omnisync.sync import counted
from omnisync.sync.context import Context
from omnisync.sync.tables import Case, Conflict
from omnisync.values import Shelf


def note(
    session: Session, context: Context, channel: str, cause: str, short: Mapping[Shelf, int], *, now: datetime
) -> None:
    """Count these pieces, which a fact of `channel` made impossible to deliver, each with the shortage it made.

    Where nobody has counted yet, nobody knows that they are not there: before its first count each open order would be one.
    """
    known = counted.shelves(session, {shelf.sku for shelf in short})
    for shelf, quantity in sorted(short.items()):
        if shelf not in known:
            continue
        shortage = _newest_shortage(session, shelf)
        conflict = Conflict(
            id=context.ids.new(), channel=channel, order_id=cause, location=shelf.location, sku=shelf.sku,
            quantity=quantity, shortage_id=None if shortage is None else shortage.id, at=now,
        )  # fmt: skip
        session.add(conflict)
        missing = shortage.quantity if shortage is not None and shortage.closed_at is None else quantity
        _tell(session, context, channel, cause, shelf, missing, now)
        body = {"channel": channel, "sku": shelf.sku, "location": shelf.location, "quantity": quantity}
        announce(session, "channel.conflict", body, now=now)


def close_mended(session: Session, *, now: datetime) -> int:
    """Close the cases whose shelf can keep its promises again; their number."""
    closed = 0
    for case in session.exec(select(Case).where(Case.kind == "conflict", col(Case.closed_at).is_(None))):
        if _open_shortage(session, Shelf(case.details["location"], case.details["sku"])) is None:
            case.closed_at, case.closed_how = now, "mended"
            closed += 1
    return closed


def _open_shortage(session: Session, shelf: Shelf) -> Shortage | None:
    statement = select(Shortage).where(
        Shortage.location == shelf.location, Shortage.sku == shelf.sku, col(Shortage.closed_at).is_(None)
    )
    return session.exec(statement.execution_options(populate_existing=True)).first()


def _newest_shortage(session: Session, shelf: Shelf) -> Shortage | None:
    """Of an order that was sent before we heard of it the shortage has closed with the same message."""
    here = select(Shortage).where(Shortage.location == shelf.location, Shortage.sku == shelf.sku)
    newest = here.order_by(col(Shortage.id).desc()).limit(1)
    return session.exec(newest.execution_options(populate_existing=True)).first()


def _tell(
    session: Session, context: Context, channel: str, cause: str, shelf: Shelf, quantity: int, now: datetime
) -> None:
    """One open case a shelf, which grows with it."""
    open_ones = session.exec(select(Case).where(Case.kind == "conflict", col(Case.closed_at).is_(None))).all()
    here = {"location": shelf.location, "sku": shelf.sku}
    case = next((one for one in open_ones if here.items() <= one.details.items()), None)
    if case is None:
        case = Case(id=context.ids.new(), channel=channel, kind="conflict", title="", opened_at=now)
        session.add(case)
    case.title = f"{quantity} × {shelf.sku} at {shelf.location} are promised and not there"
    case.cause = f"Sold by {channel} ({cause}) before it knew that the last one was gone."
    case.proposal = _proposal(session, shelf, quantity, cause)
    case.details = {**here, "quantity": quantity, "cause": cause}
    session.flush()


def _proposal(session: Session, shelf: Shelf, quantity: int, cause: str) -> str:
    levels = availability.levels_of(session, [shelf.sku])
    elsewhere = {other.location: level.available for other, level in levels.items() if other.location != shelf.location}
    enough = max(elsewhere, key=lambda location: elsewhere[location], default=None)
    if enough is not None and elsewhere[enough] >= quantity:
        return f"{enough} has {elsewhere[enough]}: send {quantity} from there."
    return f"Nobody else has {quantity}: order more, or tell the buyer of {cause} and cancel there."
