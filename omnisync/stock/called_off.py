"""Deliveries that will not come: no more can be called off than suppliers owe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from omnisync.errors import InvalidRequest
from omnisync.stock import incoming, shelves
from omnisync.stock.ledger import Entry
from omnisync.values import Kind, Shelf, format_time


def check(session: Session, batch: Sequence[Entry]) -> None:
    """InvalidRequest where more is called off than was announced, or than was announced for that date. The batch holds nothing that
    the journal holds already. What comes from another location is ended by its transfer."""
    called_off = [entry for entry in batch if entry.kind is Kind.CALLED_OFF]
    if not called_off:
        return
    # All at once, in the one order: the rest of the batch is recorded next.
    shelves.lock(session, {entry.shelf for entry in batch})
    wanted = _wanted(called_off)
    coming = incoming.awaited(session, {shelf for shelf, _ in wanted})
    errors = [
        {"field": "movements", "message": f"{at.sku} at {at.location}: {owed} awaited{_by(due_at)}, not {n}."}
        for (at, due_at), n in wanted.items()
        if n > (owed := coming[at].owed(due_at))
    ]
    if errors:
        raise InvalidRequest(errors)


def _wanted(called_off: Sequence[Entry]) -> Counter[tuple[Shelf, datetime | None]]:
    """How much of each shelf, in all and for each date that is named: of each key the first, as the ledger books it."""
    found: Counter[tuple[Shelf, datetime | None]] = Counter()
    for entry in {entry.key: entry for entry in reversed(called_off)}.values():
        for due_at in {None, entry.due_at}:
            found[entry.shelf, due_at] += entry.quantity
    return found


def _by(due_at: datetime | None) -> str:
    return f" by {format_time(due_at)}" if due_at else ""
