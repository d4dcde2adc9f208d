"""A command that asks a channel: beside the worker that serves it, with a share of what the channel allows, or alone with all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from omnisync.adapters.base import LevelSeen, ListingPage, Target
from omnisync.errors import TryLater
from omnisync.sync import budgets, cursors, leases
from omnisync.sync.context import Channel, Context

STAYS = timedelta(minutes=2)
"""A command that was not heard of for so long is gone: longer than it waits for a channel between two calls."""


@asynccontextmanager
async def visiting(context: Context, channel: Channel) -> AsyncIterator[Channel]:
    """The channel, as a command may ask it. TryLater while another command does."""
    guest = Guest(context, channel)
    await guest.come()
    try:
        yield replace(channel, adapter=guest)
    finally:
        await guest.leave()


class Guest:
    """Looks before each call whether a worker serves the channel, and takes its share accordingly."""

    def __init__(self, context: Context, channel: Channel) -> None:
        self._store, self._clock = context.store, context.clock
        self._name, self._adapter, self._owner = channel.name, channel.adapter, f"command:{context.ids.new()}"
        self._served, self._visited = leases.of_channel(channel.name), leases.of_guest(channel.name)
        self._alone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def listings(self, cursor: str | None) -> ListingPage:
        """A page of them."""
        await self._stay()
        return await self._adapter.listings(cursor)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """What it shows of these."""
        await self._stay()
        return await self._adapter.look(targets)

    async def come(self) -> None:
        """Begin with what is left where nobody serves the channel, else with nothing but what comes back from now on."""
        now = self._clock.now()

        def work(session: Session) -> bool:
            ended, alone = leases.ends_at(session, self._served), leases.is_free(session, self._served, now=now)
            if ended is None:
                self._end_service(session)
            elif alone:
                budgets.take_over(session, self._name, self._adapter, ended=ended, now=now)
            if leases.take(session, self._visited, self._owner, now=now, lasting=STAYS) is None:
                raise TryLater(f"Another command is asking {self._name}: wait until it is done.")
            cursors.put(session, self._name, budgets.GUEST, None, at=now)
            return alone

        self._alone = await self._store.write(work)
        if not self._alone:
            budgets.begin_beside(self._adapter)

    async def _stay(self) -> None:
        now = self._clock.now()

        def work(session: Session) -> bool:
            leases.take(session, self._visited, self._owner, now=now, lasting=STAYS)
            return leases.is_free(session, self._served, now=now)

        alone = await self._store.write(work)
        if alone != self._alone:
            self._alone = alone
            budgets.share(self._adapter, 1.0 if alone else budgets.GUESTS_SHARE)

    async def leave(self) -> None:
        """Leave the channel to its worker; where there is none, tell the next one what is left."""
        now = self._clock.now()

        def work(session: Session) -> None:
            leases.give_back(session, self._visited, self._owner, now=now)
            if self._alone and self._end_service(session):
                budgets.hand_over(session, self._name, self._adapter, now=now)

        await self._store.write(work)

    def _end_service(self, session: Session) -> bool:
        """Have it stand that up to now somebody called this channel, for the worker that begins next; False where one has begun."""
        now = self._clock.now()
        return leases.take(session, self._served, self._owner, now=now, lasting=timedelta()) is not None
