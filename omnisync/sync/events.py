"""Events in an order that nobody can miss: written with their effect, numbered after the commit by the one that has the lease."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import EventPending, announce_all
from omnisync.errors import Refused
from omnisync.stock.availability import PIECES
from omnisync.stock.tables import Balance
from omnisync.sync import cursors
from omnisync.sync.tables import Event, EventShelf

RETENTION = timedelta(days=7)
OVERLAP = timedelta(seconds=30)
"""A balance that was changed at noon may be committed a moment after; longer transactions are found by the pass over all shelves."""
ALL_EVERY = timedelta(minutes=5)
"""After a pass over all shelves has ended the next one begins."""
SHELVES = 2000
"""Read of such a pass in one go: some milliseconds."""
BATCH = 1000
_CHANNEL = "#events"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_pending, _event, _shelf = db.table(EventPending), db.table(Event), db.table(EventShelf)
_balance = db.table(Balance)


def number(session: Session, *, now: datetime, shelves: int = SHELVES) -> int:
    """Give the next positions to what was committed since; how many. Only one worker may do it (`leases`). So many `shelves` are looked
    at again, if it is time for that."""
    _announce_availability(session, now, shelves)
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
    cursors.put(session, _CHANNEL, "position", str(last + len(rows)), at=now)
    return len(rows)


def latest(session: Session) -> int:
    """The highest position given so far."""
    found = cursors.find(session, _CHANNEL, "position")
    return 0 if found is None or found.value is None else int(found.value)


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


def _announce_availability(session: Session, now: datetime, shelves: int) -> None:
    """Level-triggered like a channel: whatever differs from what was last announced is announced."""
    before = cursors.find(session, _CHANNEL, "balances")
    since = _EVER if before is None else before.at - OVERLAP
    news = {(row.location, row.sku): row.available for row in session.execute(_NEWS, {"since": since})}
    news |= _overlooked(session, now, shelves)
    if news:
        rows = [{"location": location, "sku": sku, "available": pieces} for (location, sku), pieces in news.items()]
        db.upsert(session, _shelf, rows, key=("location", "sku"), update=("available",))
        announce_all(session, [("availability.changed", body) for body in rows], now=now)
    if news or before is None or now - before.at >= OVERLAP / 2:
        cursors.put(session, _CHANNEL, "balances", None, at=now)


def _overlooked(session: Session, now: datetime, shelves: int) -> dict[tuple[str, str], int]:
    """(location, sku) -> pieces, of the next shelves of a pass over all of them: what a transaction changed that stayed open for longer
    than the overlap is old when it is committed, and in no other news."""
    so_far = cursors.find(session, _CHANNEL, "shelves")
    if so_far is not None and so_far.value is None and now - so_far.at < ALL_EVERY:
        return {}
    location, sku = json.loads(so_far.value) if so_far is not None and so_far.value else ("", "")
    page = session.execute(_NEXT, {"location": location, "sku": sku, "limit": shelves}).all()
    more = json.dumps([page[-1].location, page[-1].sku]) if len(page) == shelves else None
    cursors.put(session, _CHANNEL, "shelves", more, at=now)
    return {(row.location, row.sku): row.available for row in page if row.available != row.told}


_NOW = (
    sa.select(_balance.c.location, _balance.c.sku, PIECES.label("available"), _shelf.c.available.label("told"))
    .outerjoin(_shelf, sa.and_(_shelf.c.location == _balance.c.location, _shelf.c.sku == _balance.c.sku))
    .order_by(_balance.c.location, _balance.c.sku)
)
_NEWS = _NOW.where(_balance.c.changed_at >= sa.bindparam("since"), _shelf.c.available.is_distinct_from(PIECES))
_NEXT = _NOW.where(
    sa.tuple_(_balance.c.location, _balance.c.sku) > sa.tuple_(sa.bindparam("location"), sa.bindparam("sku"))
).limit(sa.bindparam("limit"))
