"""Sessions of browsers are rows: what a cookie names holds until somebody ends it, the person, or the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import access, db
from omnisync.access import Access, Role, people
from omnisync.access.people import Person
from omnisync.access.tables import BrowserSession, Device
from omnisync.clock import Ids
from omnisync.errors import Forbidden

WORKING_DAY = timedelta(hours=14)
"""A password opens one long day."""
UNUSED_FOR = timedelta(days=60)
"""A device that nobody touched for so long has to be enrolled again."""
NOTED_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=30)

_row = db.table(BrowserSession)


@dataclass(frozen=True, slots=True)
class Here:
    """Who asks, as things stand now: a person, or a device at which perhaps nobody has tapped their initials."""

    session_id: str
    access: Access
    device_id: str | None = None
    locked: bool = False
    person: Person | None = None
    stale: bool = False
    """It is time to note that it was seen (`seen`)."""

    @property
    def somebody(self) -> bool:
        """Whether a person answers for what is done."""
        return self.device_id is None or self.person is not None


@dataclass(frozen=True, slots=True)
class Opened:
    """The session of a person with a password, as the office sees it."""

    id: str
    name: str
    seen_at: datetime


def begin_of_user(session: Session, name: str, *, ids: Ids, now: datetime) -> str:
    """Somebody logged in with a password; returns what the cookie is to name."""
    return _begin(session, ids, now, now + WORKING_DAY, user_name=name)


def begin_of_device(session: Session, device_id: str, *, ids: Ids, now: datetime) -> str:
    """A device was enrolled by this browser."""
    return _begin(session, ids, now, now + UNUSED_FOR, device_id=device_id)


def find(session: Session, session_id: str, *, now: datetime) -> Here | None:
    """Who this is; None when the session, the person or the device has ended."""
    row = session.get(BrowserSession, session_id, populate_existing=True)
    if row is None or row.ended_at is not None or row.until <= now:
        return None
    stale = now - row.seen_at >= NOTED_EVERY
    if row.device_id is not None:
        return _at_device(session, row, row.device_id, stale)
    user = access.find_user(session, row.user_name or "")
    return None if user is None else Here(row.id, user, stale=stale)


def stand(session: Session, here: Here, name: str) -> None:
    """Somebody of the store tapped their initials: what is done at this device is theirs until another taps."""
    if people.find(session, name, here.access.location or "") is None:
        raise Forbidden("This person does not work in this store.")
    session.execute(sa.update(_row).where(_row.c.id == here.session_id).values(person=name))


def seen(session: Session, here: Here, *, now: datetime) -> None:
    """It is in use; a device's session lasts on."""
    lasts = {"until": now + UNUSED_FOR} if here.device_id is not None else {}
    session.execute(sa.update(_row).where(_row.c.id == here.session_id).values(seen_at=now, **lasts))


def end(session: Session, session_id: str, *, now: datetime) -> None:
    """It opens nothing any more."""
    session.execute(sa.update(_row).where(_row.c.id == session_id, _row.c.ended_at.is_(None)).values(ended_at=now))


def of_people(session: Session, *, now: datetime) -> Sequence[Opened]:
    """The open sessions of people with a password, last seen first."""
    statement = (
        sa.select(_row.c.id, _row.c.user_name, _row.c.seen_at)
        .where(_row.c.user_name.is_not(None), _row.c.ended_at.is_(None), _row.c.until > now)
        .order_by(_row.c.seen_at.desc(), _row.c.id)
    )
    return [Opened(*row) for row in session.execute(statement)]


def owner(session: Session, session_id: str) -> str:
    """Whose it is or was; nothing where there is none."""
    return session.execute(sa.select(_row.c.user_name).where(_row.c.id == session_id)).scalar() or ""


def forget(session: Session, *, now: datetime) -> int:
    """Drop the sessions that ended long ago; returns how many."""
    over = sa.delete(_row).where(sa.or_(_row.c.ended_at <= now - KEPT, _row.c.until <= now - KEPT))
    return cast("sa.CursorResult[Any]", session.execute(over)).rowcount


def _at_device(session: Session, row: BrowserSession, device_id: str, stale: bool) -> Here | None:
    device = session.get(Device, device_id, populate_existing=True)
    if device is None or device.ended_at is not None:
        return None
    person = people.find(session, row.person, device.location) if row.person is not None else None
    name = person.name if person else device.name
    owner = f"user:{person.name}" if person else f"device:{device.id}"
    may = Access(owner, name, Role.STAFF, device.location)
    return Here(row.id, may, device.id, device.locked_at is not None, person, stale)


def _begin(session: Session, ids: Ids, now: datetime, until: datetime, **whose: str) -> str:
    row = {"user_name": None, "device_id": None, "person": None, "ended_at": None} | whose
    row_id = ids.new()
    session.execute(sa.insert(_row), [row | {"id": row_id, "created_at": now, "seen_at": now, "until": until}])
    return row_id
