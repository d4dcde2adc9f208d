"""People who may log in, at once: a password that was hashed as slowly as it should be would take longer than most tests."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session

from omnisync.access import Role, User
from tests.conftest import START

PASSWORD = "Kaffee um halb zehn"


def person(session: Session, name: str, role: Role, *, location: str | None = None) -> None:
    """A user with that password. How slow its check is stands in the hash itself."""
    session.add(User(name=name, password_hash=_hashed(), role=role.value, location=location, created_at=START))
    session.flush()


@cache
def _hashed() -> str:
    return PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)
