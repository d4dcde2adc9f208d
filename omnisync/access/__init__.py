"""Who may ask: API keys for programs, logins for people, and the roles of both."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from omnisync import db
from omnisync.access.tables import AccessKey, BrowserSession, User
from omnisync.errors import Conflict, InvalidRequest, NotFound

SECRET_BITS = 256
PREFIX_LENGTH = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_KEY = re.compile(rf"omni_([{_ALPHABET}]{{{PREFIX_LENGTH}}})_([A-Za-z0-9_-]{{43}})")
_PREFIX = re.compile(rf"[{_ALPHABET}]{{{PREFIX_LENGTH}}}")
LONGEST_NAME = 64
_NAMES = f"a name has 1 to {LONGEST_NAME} printable characters, no blanks at its ends"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024

_session = db.table(BrowserSession)


class Role(StrEnum):
    """What somebody may do. A higher one may all that a lower one may, but `shop`, `staff` and `viewer` do not contain each other."""

    SHOP = "shop"
    STAFF = "staff"
    VIEWER = "viewer"
    """Sees the office's pages and presses nothing. Of people only."""
    OPS = "ops"
    ADMIN = "admin"


_MAY_ACT_AS = {
    Role.SHOP: {Role.SHOP},
    Role.STAFF: {Role.STAFF},
    Role.VIEWER: {Role.VIEWER},
    Role.OPS: {Role.SHOP, Role.STAFF, Role.VIEWER, Role.OPS},
    Role.ADMIN: set(Role),
}
OF_KEYS = frozenset(Role) - {Role.VIEWER}
OF_USERS = frozenset({Role.STAFF, Role.VIEWER, Role.OPS, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody who was let in. `owner` names the key or user in journals and logs; `location` binds staff to one store."""

    owner: str
    name: str
    role: Role
    location: str | None = None

    def may(self, *roles: Role) -> bool:
        """Whether this role, or one it contains, is among those."""
        return not _MAY_ACT_AS[self.role].isdisjoint(roles)

    def may_at(self, location: str) -> bool:
        """Whether the work of this location is theirs: staff of a store have their own only."""
        return self.location is None or self.location == location


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once; only a hash of its secret is kept."""

    text: str
    prefix: str

    def __repr__(self) -> str:
        return f"NewKey({self.prefix})"


def create_key(
    session: Session,
    role: Role,
    name: str,
    *,
    location: str | None = None,
    prefix: str | None = None,
    chance: random.Random,
    now: datetime,
) -> NewKey:
    """A new API key; `chance` is the system's randomness. InvalidRequest when name, role, location or prefix do not do;
    Conflict when there is one with that prefix (`new_prefix`, said before, makes a repetition harmless)."""
    _check_role(role, location, OF_KEYS)
    _check_key(name, prefix)
    if prefix is not None and session.get(AccessKey, prefix) is not None:
        raise Conflict("This key was made before; it cannot be shown again.", code="key-exists", prefix=prefix)
    prefix = prefix or new_prefix(chance)
    secret = base64.urlsafe_b64encode(chance.getrandbits(SECRET_BITS).to_bytes(SECRET_BITS // 8)).decode().rstrip("=")
    session.add(
        AccessKey(
            prefix=prefix, secret_hash=_digest(secret), name=name, role=role.value, location=location, created_at=now
        )
    )
    session.flush()
    return NewKey(f"omni_{prefix}_{secret}", prefix)


def new_prefix(chance: random.Random) -> str:
    """What a key is named by; no secret."""
    return "".join(chance.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))


def find_key(session: Session, text: str) -> Access | None:
    """Whose key this is; None when it is malformed, unknown, revoked, or its secret is wrong."""
    found = _KEY.fullmatch(text)
    key = session.get(AccessKey, found[1]) if found else None
    # Unknown prefixes take the same path, so that time tells nobody which ones exist.
    matches = hmac.compare_digest(key.secret_hash if key else _NOBODY, _digest(found[2] if found else text))
    if key is None or not matches or key.revoked_at is not None:
        return None
    return Access(f"key:{key.prefix}", key.name, Role(key.role), key.location)


def list_keys(session: Session) -> list[AccessKey]:
    """All keys, the oldest first; no secret is among what is kept."""
    return list(session.exec(select(AccessKey).order_by(sa.column("created_at"), sa.column("prefix"))))


def revoke_key(session: Session, prefix: str, *, now: datetime) -> None:
    """From now on the key opens nothing; revoking it again changes nothing. NotFound when there is none."""
    key = session.get(AccessKey, prefix)
    if key is None:
        raise NotFound(f"There is no key {prefix!r}.", prefix=prefix)
    key.revoked_at = key.revoked_at or now
    session.add(key)


def create_user(
    session: Session, name: str, password: str | None, role: Role, *, location: str | None = None, now: datetime
) -> User:
    """A person; without a password they work at enrolled devices only (`people.set_initials`). InvalidRequest when name,
    password, role or location do not do; Conflict when there is one of that name."""
    _check_role(role, location, OF_USERS)
    _check_user(name, password)
    if session.get(User, name) is not None:
        raise Conflict(f"There is a user {name!r} already.", code="user-exists", name=name)
    hashed = None if password is None else hasher().hash(password)
    user = User(name=name, password_hash=hashed, role=role.value, location=location, created_at=now)
    session.add(user)
    session.flush()
    return user


def check_login(session: Session, name: str, password: str) -> Access | None:
    """Who this is; None when name or password is wrong or the user is disabled. Takes as long for unknown names."""
    user = session.get(User, name)
    kept = user.password_hash if user else None
    matches = hasher().verify(password[:LONGEST_PASSWORD], kept or _nobodys_password())
    if user is None or kept is None or not matches or user.disabled_at is not None:
        return None
    return access_of(user)


def find_user(session: Session, name: str) -> Access | None:
    """A user who logged in before: None when the account is gone or disabled since."""
    user = session.get(User, name)
    return access_of(user) if user is not None and user.disabled_at is None else None


def access_of(user: User) -> Access:
    """What this user may do."""
    return Access(f"user:{user.name}", user.name, Role(user.role), user.location)


def set_password(session: Session, name: str, password: str, *, now: datetime) -> None:
    """A new password for a user; what the old one opened is shut. NotFound when there is none."""
    user = load_user(session, name)
    _check_user(name, password)
    user.password_hash = hasher().hash(password)
    session.add(user)
    theirs = sa.update(_session).where(_session.c.user_name == name, _session.c.ended_at.is_(None))
    session.execute(theirs.values(ended_at=now))


def list_users(session: Session) -> list[User]:
    """Everybody, by role, store and name."""
    return list(session.exec(select(User).order_by(sa.column("role"), sa.column("location"), sa.column("name"))))


def disable_user(session: Session, name: str, *, now: datetime) -> None:
    """The user can no longer log in; what they did keeps their name. NotFound when there is none."""
    user = load_user(session, name)
    user.disabled_at = user.disabled_at or now
    session.add(user)
    session.flush()


def load_user(session: Session, name: str) -> User:
    """The user of that name. NotFound when there is none."""
    user = session.get(User, name)
    if user is None:
        raise NotFound(f"There is no user {name!r}.", name=name)
    return user


def _check_role(role: Role, location: str | None, allowed: frozenset[Role]) -> None:
    faults = list(_role_faults(role, location, allowed))
    if faults:
        raise InvalidRequest(faults)


def _role_faults(role: Role, location: str | None, allowed: frozenset[Role]) -> Iterator[dict[str, str]]:
    if role not in allowed:
        yield {"field": "role", "message": f"{role} is no role for this: {', '.join(sorted(allowed))}"}
    if role is Role.STAFF and location is None:
        yield {"field": "location", "message": "staff work at one location: name it"}
    if role is not Role.STAFF and location is not None:
        yield {"field": "location", "message": f"only staff are bound to a location, {role} is not"}


def _check_key(name: str, prefix: str | None) -> None:
    faults = []
    if not _is_name(name):
        faults.append({"field": "name", "message": _NAMES})
    if prefix is not None and not _PREFIX.fullmatch(prefix):
        faults.append({"field": "prefix", "message": "this is not how a key begins"})
    if faults:
        raise InvalidRequest(faults)


def _is_name(name: str) -> bool:
    return 1 <= len(name) <= LONGEST_NAME and name == name.strip() and name.isprintable()


def _check_user(name: str, password: str | None) -> None:
    faults = []
    if not _is_name(name):
        faults.append({"field": "name", "message": _NAMES})
    if password is not None and not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        faults.append({"field": "password", "message": f"a password has at least {SHORTEST_PASSWORD} characters"})
    if faults:
        raise InvalidRequest(faults)


def _digest(secret: str) -> str:
    # One round is enough: a secret of 256 random bits cannot be guessed, however fast guessing is.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


_NOBODY = "0" * 64


@cache
def hasher() -> PasswordHash:
    """Makes and checks hashes that are slow to guess (Argon2): of passwords and PINs."""
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_password() -> str:
    return hasher().hash("nobody has this password")
