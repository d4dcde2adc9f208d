"""The first day of a channel: what happened before it was connected is known, and in no need of being booked again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.sync import cursors, moments
from omnisync.sync.context import Channel

NAME = "connected"
_MICROSECOND = timedelta(microseconds=1)


def connect(session: Session, channel: Channel, now: datetime) -> None:
    """Remember when the channel was first read, and how far its clock was ahead of ours then; the first time stands for ever."""
    ahead = moments.ahead_of(channel.adapter) // _MICROSECOND
    cursors.make(session, channel.name, NAME, str(ahead) if ahead else None, at=now)


def since(session: Session, channel: Channel) -> datetime | None:
    """From when on facts move stock, by the clock of the channel; None while nothing says that there is a history."""
    if channel.can.since is not None:
        return channel.can.since
    first = cursors.find(session, channel.name, NAME)
    if first is None:
        return None
    # Most channels tell whole seconds: what is said to have happened in this one may have happened after we came.
    return (first.at + int(first.value or 0) * _MICROSECOND).replace(microsecond=0)
