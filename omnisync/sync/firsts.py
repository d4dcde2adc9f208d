"""The first day of a channel: what happened before it was connected is known, and in no need of being booked again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from omnisync import db
from omnisync.sync.context import Channel
from omnisync.sync.tables import Cursor

NAME = "connected"


def connect(session: Session, channel: Channel, now: datetime) -> None:
    """Remember when the channel was first read; the first time stands for ever."""
    row = {"channel": channel.name, "name": NAME, "value": None, "at": now}
    db.insert_new(session, db.table(Cursor), [row], key=("channel", "name"), returning=("channel",))


def since(session: Session, channel: Channel) -> datetime | None:
    """From when on facts move stock; None while nothing says that there is a history."""
    if channel.can.since is not None:
        return channel.can.since
    row = session.get(Cursor, (channel.name, NAME))
    return None if row is None else row.at
