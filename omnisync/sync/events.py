"""Events in an order that nobody can miss: written with their effect, numbered after the commit by the one that has the lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import EventPending
from omnisync.errors import Refused
from omnisync.stock.availability import available
from omnisync.stock.tables import Balance
from omnisync.sync.tables import Cursor, Event, EventShelf
from omnisync.values import Shelf

RETENTION = timedelta(days=7)
OVERLAP = timedelta(seconds=30)
BATCH = 1000
_CHANNEL = "#events"
_pending, _event, _shelf = db.table(EventPending), db.table(Event), db.table(EventShelf)


def number(session: Session, *, now: datetime) -> int:
    """Give the next positions to what was committed since; how many. Only one worker may do it (`leases`)."""
    _announce_availability(session, now)
    session.flush()
    pending = session.execute(sa.select(_pending).order_by(_pending.c.id).limit(BATCH)).all()
    if not pending:
        return 0
    last = latest(session)
    rows = [
        {"position": last + index, "kind": row.kind, "body": row.body, "at": row.at}
        for index, row in enumerate(pending, start=1)
    ]
    session.execute(sa.insert(_event), rows)
    session.execute(sa.delete(_pending).where(_pending.c.id.in_([row.id for row in pending])))
    _remember(session, "position", str(last + len(rows)), now)
    return len(rows)


def latest(session: Session) -> int:
    """The highest position given so far."""
    row = session.get(Cursor, (_CHANNEL, "position"), populate_existing=True)
    return 0 if row is None or row.value is None else int(row.value)


def since(session: Session, position: int, *, limit: int = 500) -> Sequence[Event]:
    """What came after that position. Refused with 410 `resync` when some of it is no longer kept, or was never given."""
    first = session.execute(sa.select(sa.func.min(_event.c.position))).scalar_one()
    last = latest(session)
    if position > last or (position < last and (first is None or position < first - 1)):
        raise Refused("This position is not kept any more: read everything again.", code="resync", status=410)
    statement = select(Event).where(Event.position > position).order_by(col(Event.position)).limit(limit)
    return session.exec(statement).all()


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop events that are older than we promise to keep them."""
    session.execute(sa.delete(_event).where(_event.c.at < now - RETENTION))


def _announce_availability(session: Session, now: datetime) -> None:
    """Level-triggered like a channel: whatever differs from what was last announced is announced."""
    row = session.get(Cursor, (_CHANNEL, "balances"), populate_existing=True)
    statement = select(Balance)
    if row is not None:
        statement = statement.where(Balance.changed_at >= row.at - OVERLAP)
    changed = {Shelf(balance.location, balance.sku): available(balance) for balance in session.exec(statement)}
    told = _told(session, changed.keys())
    news = {shelf: pieces for shelf, pieces in changed.items() if told.get(shelf) != pieces}
    if news:
        rows = [{"location": shelf.location, "sku": shelf.sku, "available": pieces} for shelf, pieces in news.items()]
        db.upsert(session, _shelf, rows, key=("location", "sku"), update=("available",))
        session.execute(
            sa.insert(_pending), [{"kind": "availability.changed", "body": body, "at": now} for body in rows]
        )
    if news or row is None or now - row.at >= OVERLAP / 2:
        _remember(session, "balances", None, now)


def _told(session: Session, shelves: Iterable[Shelf]) -> dict[Shelf, int]:
    wanted = sorted(shelves)
    found: dict[Shelf, int] = {}
    for start in range(0, len(wanted), 500):
        pairs = wanted[start : start + 500]
        statement = sa.select(_shelf).where(db.in_pairs(_shelf.c.location, _shelf.c.sku, pairs))
        found |= {Shelf(row.location, row.sku): row.available for row in session.execute(statement)}
    return found


def _remember(session: Session, name: str, value: str | None, now: datetime) -> None:
    row = {"channel": _CHANNEL, "name": name, "value": value, "at": now}
    db.upsert(session, db.table(Cursor), [row], key=("channel", "name"), update=("value", "at"))
