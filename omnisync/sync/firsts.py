"""The first day of a channel: what happened before it was connected is known, and in no need of being booked again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from omnisync.sync import cursors
from omnisync.sync.context import Channel

NAME = "connected"


def connect(session: Session, channel: Channel, now: datetime) -> None:
    """Remember when the channel was first read; the first time stands for ever."""
    cursors.make(session, channel.name, NAME, at=now)


def since(session: Session, channel: Channel) -> datetime | None:
    """From when on facts move stock; None while nothing says that there is a history."""
    if channel.can.since is not None:
        return channel.can.since
    first = cursors.find(session, channel.name, NAME)
    # Most channels tell whole seconds: what is said to have happened in this one may have happened after we came.
    return None if first is None else first.at.replace(microsecond=0)
