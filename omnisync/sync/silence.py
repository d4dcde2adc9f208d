"""When a till was last heard of: beyond its `heard_within` nobody knows what was sold in its store, so nothing there is sure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import Fact, LevelSeen, OrderSeen, Unreadable
from omnisync.orders import hours
from omnisync.settings import ChannelSettings, LocationSettings
from omnisync.sync import cursors, firsts
from omnisync.sync.context import Channel
from omnisync.sync.tables import HeardAt

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
FINE_ENOUGH = timedelta(minutes=1)
"""A till in a busy store is not written down with every receipt."""


class Silence(NamedTuple):
    """A store of whose till nothing was heard for too long; `since` is the last that was."""

    channel: str
    location: str
    since: datetime


def patience(channel: ChannelSettings) -> timedelta | None:
    """How much open time may pass; None where nobody watches."""
    text = channel.policy.heard_within
    return None if text is None else int(text[:-1]) * UNITS[text[-1]]


def note(session: Session, channel: Channel, facts: Iterable[Fact], *, now: datetime) -> None:
    """These facts were told: so far we know what happened where they did. The same fact told again says nothing new."""
    if channel.policy.heard_within is None:
        return
    latest: dict[str, datetime] = {}
    for location, at in _moments(channel, facts):
        told = min(at, now)
        latest[location] = max(told, latest.get(location, told))
    known = _known(session, [channel.name])
    rows = [
        {"channel": channel.name, "location": location, "at": at}
        for location, at in sorted(latest.items())
        if (before := known.get((channel.name, location))) is None or at - before >= FINE_ENOUGH
    ]
    db.upsert(session, db.table(HeardAt), rows, key=("channel", "location"), update=("at",))


def silent(
    session: Session, channels: Iterable[ChannelSettings], locations: Sequence[LocationSettings], *, now: datetime
) -> list[Silence]:
    """Which stores their tills have not been heard of for longer than they may."""
    watched = [(channel, most) for channel in channels if (most := patience(channel)) is not None]
    known = _known(session, [channel.name for channel, _ in watched]) if watched else {}
    found = []
    for channel, most in watched:
        first = cursors.find(session, channel.name, firsts.NAME)
        for location in locations:
            since = known.get((channel.name, location.code)) or (None if first is None else first.at)
            if since is None or location.code not in stores_of(channel):
                continue
            if hours.open_between(location, since, now, at_most=most) > most:
                found.append(Silence(channel.name, location.code, since))
    return found


def stores_of(channel: ChannelSettings) -> frozenset[str]:
    """The locations whose till it is: those of its places, else all of which it sells."""
    return frozenset(channel.location_map.values()) or frozenset(channel.locations)


def _moments(channel: Channel, facts: Iterable[Fact]) -> Iterator[tuple[str, datetime]]:
    alone = stores_of(channel.settings)
    for fact in facts:
        if isinstance(fact, Unreadable):
            continue
        at = fact.version if isinstance(fact, OrderSeen) else fact.at
        told = {line.place for line in fact.lines} if isinstance(fact, OrderSeen) else {fact.place}
        for place in told if at is not None and not isinstance(fact, LevelSeen) else ():
            location = channel.location_of(place) or (next(iter(alone)) if place is None and len(alone) == 1 else None)
            if location is not None and at is not None:
                yield location, at


def _known(session: Session, channels: Sequence[str]) -> Mapping[tuple[str, str], datetime]:
    rows = session.exec(select(HeardAt).where(col(HeardAt.channel).in_(channels)))
    return {(row.channel, row.location): row.at for row in rows}
