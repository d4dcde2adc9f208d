"""How far each channel was read and computed, by name: moved in the transaction of what was read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.sync.tables import Cursor

_cursor = db.table(Cursor)
LISTINGS = "listings"
"""Moved when all listings of a channel were read."""
FIRST_READING = "first reading"
"""Moved with every page of them, until they were read to their end for the first time."""


class Place(NamedTuple):
    """Where a cursor stands, and since when."""

    value: str | None
    at: datetime


def find(session: Session, channel: str, name: str) -> Place | None:
    """The cursor of that name; None while there is none."""
    row = session.execute(_FIND, {"channel": channel, "name": name}).first()
    return None if row is None else Place._make(row)


_FIND = sa.select(_cursor.c.value, _cursor.c.at).where(
    _cursor.c.channel == sa.bindparam("channel"), _cursor.c.name == sa.bindparam("name")
)


def put(session: Session, channel: str, name: str, value: str | None, *, at: datetime) -> None:
    """Move it, or make it."""
    row = {"channel": channel, "name": name, "value": value, "at": at}
    db.upsert(session, _cursor, [row], key=("channel", "name"), update=("value", "at"))


def make(session: Session, channel: str, name: str, value: str | None = None, *, at: datetime) -> None:
    """Make it where there is none; one that is there stays as it is."""
    row = {"channel": channel, "name": name, "value": value, "at": at}
    db.insert_new(session, _cursor, [row], key=("channel", "name"), returning=("channel",))
