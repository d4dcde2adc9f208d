"""The devices of a store: invited by the office with a code that is good once and soon over, ended by one click."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.access.tables import BrowserSession, Device
from omnisync.clock import Ids
from omnisync.errors import Conflict, InvalidRequest, NotFound, Refused
from omnisync.orders.codes import Codes

INVITED_FOR = timedelta(minutes=15)
MOST_WRONG_PINS = 5
"""In a row, at one device; then only the office opens it again."""
ENDED_SHOWN = timedelta(days=30)
LONGEST_NAME = 40

_device = db.table(Device)


class NoInvitation(Refused):
    """This code enrols no device: mistyped, used already, or too old."""

    status = 403
    code = "no-invitation"


class DeviceLocked(Refused):
    """Too many wrong PINs were typed here."""

    status = 403
    code = "device-locked"


@dataclass(frozen=True, slots=True)
class Seen:
    """A device as the office sees it."""

    id: str
    name: str
    location: str
    invited_by: str
    enrolled_at: datetime | None
    ended_by: str | None
    waits: bool
    """Its code still enrols it."""
    locked: bool
    seen_at: datetime | None
    """When its browser last asked for something."""


def codes(secret: bytes) -> Codes:
    """Makes and recognises the codes that enrol devices, under a key of their own."""
    return Codes(hmac.digest(secret, b"omnisync device", "sha256"))


def invite(session: Session, codes: Codes, name: str, location: str, *, by: str, ids: Ids, now: datetime) -> Device:
    """Room for one device of that store; its code (`codes.of(device.id)`) is good for some minutes, once."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidRequest.of("name", f"a device's name has 1 to {LONGEST_NAME} printable characters")
    new = ids.new()
    code_hash = codes.hash(codes.of(new))
    assert code_hash is not None
    device = Device(id=new, name=name, location=location, code_hash=code_hash, invited_at=now, invited_by=by)
    session.add(device)
    session.flush()
    return device


def is_open(device: Device, now: datetime) -> bool:
    """Whether its code still enrols it."""
    return device.enrolled_at is None and device.ended_at is None and now < device.invited_at + INVITED_FOR


def invited(session: Session, codes: Codes, code: str, *, now: datetime) -> Seen:
    """The device that this code would enrol. NoInvitation when it enrols none (any more)."""
    statement = select(Device).where(col(Device.code_hash) == (codes.hash(code) or ""))
    found = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if found is None or not is_open(found, now):
        raise NoInvitation("This code enrols no device, or not any more.")
    return _seen(found, None, now)


def enrol(session: Session, codes: Codes, code: str, *, now: datetime) -> Device:
    """Take the invitation: of two browsers with one code, the first has it."""
    taken = session.execute(
        sa.update(_device)
        .where(_device.c.code_hash == (codes.hash(code) or ""))
        .where(_device.c.enrolled_at.is_(None), _device.c.ended_at.is_(None), _device.c.invited_at > now - INVITED_FOR)
        .values(enrolled_at=now)
        .returning(_device.c.id)
    ).scalar_one_or_none()
    if taken is None:
        raise NoInvitation("This code enrols no device, or not any more.")
    return load(session, taken)


def load(session: Session, device_id: str) -> Device:
    """NotFound when there is none."""
    found = session.get(Device, device_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no device {device_id}.")
    return found


def end(session: Session, device_id: str, *, by: str, now: datetime) -> None:
    """From the next request on it is no device of ours. Conflict when somebody ended it before."""
    load(session, device_id)
    ended = session.execute(
        sa.update(_device)
        .where(_device.c.id == device_id, _device.c.ended_at.is_(None))
        .values(ended_at=now, ended_by=by)
        .returning(_device.c.id)
    ).scalar_one_or_none()
    if ended is None:
        raise Conflict("This device was ended before.", code="already-done")


def list_all(session: Session, *, now: datetime) -> Sequence[Seen]:
    """The devices of all stores, the newest first; ended ones for a month, invitations that nobody took while they are good."""
    seen = select(sa.func.max(col(BrowserSession.seen_at))).where(col(BrowserSession.device_id) == col(Device.id))
    statement = (
        sa.select(Device, seen.scalar_subquery())
        .where(sa.or_(col(Device.ended_at).is_(None), col(Device.ended_at) > now - ENDED_SHOWN))
        .where(sa.or_(col(Device.enrolled_at).is_not(None), col(Device.invited_at) > now - INVITED_FOR))
        .order_by(col(Device.location), col(Device.id).desc())
    )
    found = session.execute(statement.execution_options(populate_existing=True))
    return [_seen(device, seen_at, now) for device, seen_at in found]


def charge(session: Session, device_id: str, *, now: datetime) -> None:
    """Count a PIN before it is looked at, so that no number of simultaneous tries gets past the limit; the last one shuts the
    device, unless it is right (`forgive`). Commit this before trying."""
    tries = _device.c.wrong_pins + 1
    counted = session.execute(
        sa.update(_device)
        .where(_device.c.id == device_id, _device.c.locked_at.is_(None))
        .values(
            wrong_pins=tries,
            locked_at=sa.case((tries >= MOST_WRONG_PINS, sa.literal(now, db.Instant())), else_=sa.null()),
        )
        .returning(_device.c.id)
    ).scalar_one_or_none()
    if counted is None:
        raise DeviceLocked("Too many wrong PINs: the office opens this device again.")


def forgive(session: Session, device_id: str) -> None:
    """The PIN was right, or the office opens the device again."""
    session.execute(sa.update(_device).where(_device.c.id == device_id).values(wrong_pins=0, locked_at=None))


def _seen(device: Device, seen_at: datetime | None, now: datetime) -> Seen:
    return Seen(
        device.id, device.name, device.location, device.invited_by, device.enrolled_at, device.ended_by,
        waits=is_open(device, now), locked=device.locked_at is not None, seen_at=seen_at,
    )  # fmt: skip
