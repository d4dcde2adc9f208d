"""Places of a channel that the settings do not know: what a person has said of them holds for every fact from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import Fact, LevelSeen, OrderSeen, Unreadable
from omnisync.sync.context import Channel
from omnisync.sync.tables import ChannelPlace


def of(facts: Iterable[Fact]) -> set[str]:
    """The places at which these facts move something."""
    found: set[str | None] = set()
    for fact in facts:
        if isinstance(fact, OrderSeen):
            lines = [line for line in fact.lines if line.stocked and not fact.elsewhere]
            found |= {line.place for line in lines} | {restock.place for line in lines for restock in line.restocks}
        elif not isinstance(fact, LevelSeen | Unreadable):
            found.add(fact.place)
    return {place for place in found if place is not None}


def known(session: Session, channel: Channel, facts: Iterable[Fact]) -> Channel:
    """The channel with those places of these facts that a person has mapped; nothing is asked where the settings know them all."""
    foreign = of(facts) - channel.settings.location_map.keys()
    said = answers(session, channel.name, sorted(foreign)) if foreign else {}
    return channel.with_places(said) if said else channel


def answers(session: Session, channel: str, places: Sequence[str]) -> Mapping[str, str]:
    """Place -> location, as far as a person has said it."""
    rows = session.exec(
        select(ChannelPlace).where(ChannelPlace.channel == channel, col(ChannelPlace.place).in_(places))
    )
    return {row.place: row.location for row in rows}


def put(session: Session, channel: str, place: str, location: str, *, by: str, now: datetime) -> None:
    """From now on this place is that location."""
    row = {"channel": channel, "place": place, "location": location, "at": now, "by": by}
    db.upsert(session, db.table(ChannelPlace), [row], key=("channel", "place"), update=("location", "at", "by"))
