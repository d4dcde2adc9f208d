"""Who may come in: users and API keys, for admins."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import access, db
from omnisync.access import Role
from omnisync.access.tables import AccessKey, User
from omnisync.clock import system_chance
from omnisync.pages.office import stock
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Act, Column, Mark, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context

user, key = db.table(User), db.table(AccessKey)
ROLES = {
    Role.STAFF: later("staff of one store"),
    Role.VIEWER: later("sees everything, presses nothing"),
    Role.OPS: later("office"),
    Role.ADMIN: later("admin"),
    Role.SHOP: later("web shop"),
}
KEY_ROLES = {
    Role.SHOP: later("web shop: availability, reservations, pickups"),
    Role.STAFF: later("staff of one store: its pickups and counts"),
    Role.OPS: later("office: everything but users and keys"),
    Role.ADMIN: later("admin: everything"),
}
"""What each may, the least first."""


@dataclass(frozen=True, slots=True)
class People:
    """The whole page."""

    sheets: tuple[Sheet, ...]
    roles: Sequence[tuple[str, str]]
    key_roles: Sequence[tuple[str, str]]
    places: Sequence[tuple[str, str]]
    prefix: str
    """How the next key will begin."""


def people(session: Session, context: Context, visit: Visit) -> People:
    """Users and keys; no hash of either leaves the database."""
    places = stock.places_of(context)
    return People(
        (_users(session, places, visit), _keys(session, places, visit)),
        _choices(ROLES, access.OF_USERS, visit),
        _choices(KEY_ROLES, access.OF_KEYS, visit),
        list(places.items()),
        access.new_prefix(system_chance()),
    )


def _choices(words: Mapping[Role, str], among: Container[Role], visit: Visit) -> Sequence[tuple[str, str]]:
    return [(role.value, visit.say(told)) for role, told in words.items() if role in among]


def _users(session: Session, places: dict[str, str], visit: Visit) -> Sheet:
    say = visit.say
    columns = (user.c.name, user.c.role, user.c.location, user.c.created_at, user.c.disabled_at)
    rows = session.execute(sa.select(*columns).order_by(user.c.disabled_at.is_not(None), user.c.name)).all()

    def acts(row: Any) -> Sequence[Act]:
        if row.disabled_at is not None or row.name == visit.login.user:
            return []
        return [
            Act(
                "users/_/disable",
                say("End"),
                say("End the account of %(name)s", name=row.name),
                fields={"user": row.name},
            )
        ]

    shown = (
        Column(later("Name"), lambda row: row.name),
        *_where(places, visit),
        Column(later("Since"), lambda row: row.created_at),
        Column(later("State"), lambda row: _mark(row.disabled_at, visit)),
    )
    return Sheet("users", say("Users"), shown, rows, say("Nobody can sign in."), acts=acts)


def _keys(session: Session, places: dict[str, str], visit: Visit) -> Sheet:
    say = visit.say
    columns = (key.c.prefix, key.c.name, key.c.role, key.c.location, key.c.created_at, key.c.revoked_at)
    rows = session.execute(
        sa.select(*columns).order_by(key.c.revoked_at.is_not(None), key.c.created_at, key.c.prefix)
    ).all()

    def acts(row: Any) -> Sequence[Act]:
        if row.revoked_at is not None:
            return []
        return [Act(f"keys/{row.prefix}/revoke", say("End"), say("End the key %(name)s", name=row.name))]

    shown = (
        Column(later("Name"), lambda row: row.name),
        Column(later("Begins with"), lambda row: f"omni_{row.prefix}", look="code"),
        *_where(places, visit),
        Column(later("Since"), lambda row: row.created_at),
        Column(later("State"), lambda row: _mark(row.revoked_at, visit)),
    )
    return Sheet("keys", say("API keys"), shown, rows, say("There is no key."), acts=acts)


def _where(places: dict[str, str], visit: Visit) -> tuple[Column, ...]:
    return (
        Column(later("Role"), lambda row: visit.say(ROLES[Role(row.role)])),
        Column(later("Location"), lambda row: places.get(row.location, row.location)),
    )


def _mark(ended_at: Any, visit: Visit) -> Mark:
    if ended_at is None:
        return Mark(visit.say("Valid"), "ok", "check")
    return Mark(visit.say("Ended %(when)s", when=visit.shown(ended_at)), "info", "pause")
