"""What every step of the engine is handed: database, settings, clock, ids and the connected channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, TypeVar

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Adapter, Can, Write
from omnisync.clock import Clock, Ids
from omnisync.errors import NotFound
from omnisync.orders.intake import RingUp, nothing_handed_over
from omnisync.orders.pickup import Desk
from omnisync.settings import ChannelPolicy, ChannelSettings, LocationSettings, Settings
from omnisync.sync.known import Known
from omnisync.sync.shadow import ReadOnly
from omnisync.sync.shown import Rule

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Serve = Callable[[Session, Sequence[Request]], Sequence[Answer]]


class Store(Protocol):
    """Runs units of work on the database, each in its own transaction: the server's writer and reader, or inline."""

    async def write(self, work: Callable[[Session], Answer], /) -> Answer: ...

    async def read(self, work: Callable[[Session], Answer], /) -> Answer: ...

    async def submit(self, serve: Serve[Request, Answer], request: Request, /) -> Answer:
        """Write with a function that serves many requests at once, and may be given this one among others."""
        ...


@dataclass(frozen=True)
class Inline:
    """Runs each unit at once, where it is asked for: workers alone, simulations and tests."""

    engine: Engine
    attempts: int = 5
    """Of a unit that lost a race: it is simply run again."""

    async def write(self, work: Callable[[Session], Answer], /) -> Answer:
        for attempt in range(1, self.attempts + 1):
            try:
                with db.transaction(self.engine) as session:
                    return work(session)
            except DBAPIError as error:
                if attempt == self.attempts or not db.is_transient(error):
                    raise
        raise AssertionError("the last attempt neither returned nor raised")

    async def read(self, work: Callable[[Session], Answer], /) -> Answer:
        with db.reading(self.engine) as session:
            return work(session)

    async def submit(self, serve: Serve[Request, Answer], request: Request, /) -> Answer:
        return await self.write(lambda session: serve(session, [request])[0])


class Runner(Protocol):
    """One door of the server: `writer.Batches`."""

    async def run(self, work: Callable[[Session], Answer], /) -> Answer: ...

    async def submit(self, serve: Serve[Request, Answer], request: Request, /) -> Answer: ...


@dataclass(frozen=True)
class Gathered:
    """Hands units to the server's writer and reader, which commit them together with everybody else's."""

    writer: Runner
    reader: Runner

    async def write(self, work: Callable[[Session], Answer], /) -> Answer:
        return await self.writer.run(work)

    async def read(self, work: Callable[[Session], Answer], /) -> Answer:
        return await self.reader.run(work)

    async def submit(self, serve: Serve[Request, Answer], request: Request, /) -> Answer:
        return await self.writer.submit(serve, request)


@dataclass(frozen=True)
class Group:
    """A place of a channel and those of our locations whose pieces it shows."""

    place: str
    """Empty where the channel has no locations."""
    locations: tuple[str, ...]


@dataclass(frozen=True)
class Channel:
    """A connected account: its settings, its adapter, and what both mean together."""

    settings: ChannelSettings
    adapter: Adapter
    owned: frozenset[str]
    """Locations whose stock this channel owns: we write it none there."""
    stores: tuple[LocationSettings, ...] = ()
    """The locations whose stock it sells."""
    known: Known = field(default_factory=Known, compare=False)
    in_shadow: bool = False
    """Nothing is written there, and what it shows is somebody else's work."""

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def can(self) -> Can:
        return self.adapter.can

    @property
    def policy(self) -> ChannelPolicy:
        return self.settings.policy

    @property
    def writes(self) -> bool:
        """Whether anything can be shown there at all."""
        return self.can.write is not Write.NONE or self.can.prices

    @property
    def shows(self) -> str:
        """available | on_hand"""
        return self.policy.shows or self.can.shows

    @cached_property
    def rule(self) -> Rule:
        """What is taken off before a number is shown."""
        if self.shows == "on_hand":
            return Rule()
        return Rule.of(self.policy.buffer, stop_at=self.policy.stop_at, max_listed=self.policy.max_listed)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Where we write stock, and whose: per place where the channel has locations, else one number for all."""
        if self.can.write is Write.NONE:
            return ()
        if self.can.many_locations:
            return tuple(
                Group(place, (location,))
                for place, location in self.settings.location_map.items()
                if location in self.settings.locations and location not in self.owned
            )
        return () if self.owned else (Group("", tuple(self.settings.locations)),)

    def shadow(self) -> Channel:
        """The same channel, of which nothing but reading is possible."""
        return replace(self, adapter=ReadOnly(self.adapter), in_shadow=True)

    def location_of(self, place: str | None) -> str | None:
        """Our location for a place of the channel; None when nobody mapped it."""
        if place is None:
            return None
        return self.settings.location_map.get(place)

    def with_places(self, more: Mapping[str, str]) -> Channel:
        """The same channel, of which more places are known; what the settings say goes first."""
        places = {**more, **self.settings.location_map}
        return replace(self, settings=self.settings.model_copy(update={"location_map": places}))

    @property
    def compares(self) -> bool:
        """Whether the channel itself refuses a write that rests on an old number."""
        return self.can.write is Write.COMPARE_AND_SET


@dataclass(frozen=True)
class Context:
    """The engine's surroundings."""

    store: Store
    settings: Settings
    clock: Clock
    ids: Ids
    adapters: Mapping[str, Adapter]
    """By the channel's name in the settings."""
    ring_up: RingUp = field(default=nothing_handed_over)
    """What the pickup desk has handed over already (`orders.handover`)."""
    desk: Desk | None = None
    """Where orders that are collected in a store come to."""

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """All connected channels by name."""
        return {
            channel.name: Channel(
                channel,
                self.adapters[channel.name],
                self._owned_by(channel.name),
                tuple(location for location in self.settings.locations if location.code in channel.locations),
            )
            for channel in self.settings.channels
            if channel.name in self.adapters
        }

    def channel(self, name: str) -> Channel:
        """The channel of that name. NotFound when there is none."""
        try:
            return self.channels[name]
        except KeyError:
            raise NotFound(f"There is no channel {name!r}.") from None

    def _owned_by(self, channel: str) -> frozenset[str]:
        return frozenset(location.code for location in self.settings.locations if location.stock_owner == channel)
