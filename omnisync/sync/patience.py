"""An adapter for those who would rather wait than be told to come later: a person who asked for a whole catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from omnisync.adapters.base import Adapter, LevelSeen, ListingPage, Target
from omnisync.clock import Clock
from omnisync.errors import TryLater
from omnisync.sync.context import Channel

TRIES = 10
LONGEST_SECONDS = 60.0
Answer = TypeVar("Answer")


def patient(channel: Channel, clock: Clock) -> Channel:
    """The same channel: where it wants its listings and levels read more slowly, they are."""
    return replace(channel, adapter=Patient(channel.adapter, clock))


class Patient:
    """Waits where the channel says for how long. TryLater when it does not say, or wants more than a minute, or again and again."""

    def __init__(self, adapter: Adapter, clock: Clock) -> None:
        self._adapter, self._clock = adapter, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def listings(self, cursor: str | None) -> ListingPage:
        """A page of them."""
        return await self._sooner_or_later(lambda: self._adapter.listings(cursor))

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """What it shows of these."""
        return await self._sooner_or_later(lambda: self._adapter.look(targets))

    async def _sooner_or_later(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        for _ in range(TRIES):
            try:
                return await call()
            except TryLater as busy:
                seconds = busy.retry_after_seconds
                if seconds is None or seconds > LONGEST_SECONDS:
                    raise
                await self._clock.sleep(seconds)
        return await call()
