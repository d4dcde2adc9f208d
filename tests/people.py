"""People who may log in, at once: a password that was hashed as slowly as it should be would take longer than most tests."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session

from omnisync.access import Role, User, people
from tests.conftest import START

PASSWORD = "Kaffee um halb zehn"
PIN = "4711"


def person(session: Session, name: str, role: Role, *, location: str | None = None) -> None:
    """A user with that password. How slow its check is stands in the hash itself."""
    session.add(User(name=name, password_hash=_hashed(), role=role.value, location=location, created_at=START))
    session.flush()


def at_the_desk(session: Session, name: str, initials: str, *, location: str = "linden", pin: bool = False) -> None:
    """Somebody without a password who stands at the devices of a store, with that PIN or none."""
    hashed = _hashed(PIN) if pin else None
    session.add(User(name=name, role=Role.STAFF.value, location=location, pin_hash=hashed, created_at=START))
    session.flush()
    people.set_initials(session, name, initials)


@cache
def _hashed(secret: str = PASSWORD) -> str:
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(secret)
