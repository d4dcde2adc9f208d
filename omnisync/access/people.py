"""The people of a store at its devices: initials for one tap, and a PIN for what cannot be undone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.access import Role, hasher, load_user
from omnisync.access.tables import User
from omnisync.errors import Conflict, InvalidRequest

LONGEST_INITIALS = 4
_PIN = re.compile(r"[0-9]{4,6}")
_ROW = "01234567890 09876543210"
"""What fingers type without a thought."""

_user = db.table(User)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a store as their colleagues know them."""

    name: str
    initials: str
    has_pin: bool


def at(session: Session, location: str) -> Sequence[Person]:
    """Who works at the devices of this store, by their initials."""
    statement = select(User).where(col(User.location) == location, *_WORKS_HERE).order_by(col(User.initials))
    return [_person(user) for user in session.exec(statement)]


def find(session: Session, name: str, location: str) -> Person | None:
    """One of them by name; None for who has left, or belongs elsewhere."""
    statement = select(User).where(col(User.name) == name, col(User.location) == location, *_WORKS_HERE)
    user = session.exec(statement).one_or_none()
    return None if user is None else _person(user)


def was_at(session: Session, name: str, location: str) -> bool:
    """Whether somebody of that name works in this store, or did."""
    wanted = select(User).where(col(User.name) == name, col(User.location) == location, col(User.role) == Role.STAFF)
    return session.exec(wanted).first() is not None


def set_initials(session: Session, name: str, initials: str) -> None:
    """What stands on a person's button. Conflict when somebody of the store has the same."""
    user, wanted = load_user(session, name), initials.strip()
    if user.role != Role.STAFF:
        raise InvalidRequest.of("initials", f"only staff stand at devices, {name} is {user.role}")
    if not 1 <= len(wanted) <= LONGEST_INITIALS or not wanted.isalnum():
        raise InvalidRequest.of("initials", f"initials are 1 to {LONGEST_INITIALS} letters or digits")
    same = _user.c.location == user.location, _user.c.initials == wanted, _user.c.disabled_at.is_(None)
    if session.execute(sa.select(_user.c.name).where(*same, _user.c.name != name)).first() is not None:
        raise Conflict(f"Somebody at {user.location} has the initials {wanted} already.", code="initials-taken")
    user.initials = wanted
    session.add(user)
    session.flush()


def set_pin(session: Session, name: str, pin: str | None) -> None:
    """A new PIN, or none: then this person corrects nothing at a device."""
    user = load_user(session, name)
    if pin is not None and not _PIN.fullmatch(pin):
        raise InvalidRequest.of("pin", "a PIN has 4 to 6 digits")
    if pin is not None and (len(set(pin)) == 1 or pin in _ROW):
        raise InvalidRequest.of("pin", "this PIN is the first that anybody would try")
    user.pin_hash = None if pin is None else hasher().hash(pin)
    session.add(user)
    session.flush()


def pin_is(session: Session, name: str, pin: str) -> bool:
    """Whether that is this person's PIN. Slow, as it should be: ask in a read, after the try was charged to the device."""
    user = load_user(session, name)
    return user.pin_hash is not None and bool(_PIN.fullmatch(pin)) and hasher().verify(pin, user.pin_hash)


def _person(user: User) -> Person:
    return Person(user.name, user.initials or "", user.pin_hash is not None)


_WORKS_HERE = (
    col(User.role) == Role.STAFF,
    col(User.initials).is_not(None),
    col(User.disabled_at).is_(None),
)
