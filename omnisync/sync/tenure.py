"""Which leases one worker holds, and what its channels still allow, which goes with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.sync import budgets, leases
from omnisync.sync.context import Context

LEASE = timedelta(seconds=60)
"""Longer than the longest call, so that a channel has two workers only if one of them is dead."""


@dataclass
class Tenure:
    """The leases of one owner, as far as it knows: asked of the database at half time."""

    context: Context
    owner: str
    _until: dict[str, datetime] = field(default_factory=dict)
    _fences: dict[str, int] = field(default_factory=dict)

    async def has(self, name: str) -> bool:
        """Whether the lease of that name is ours now, perhaps only from now on."""
        now = self.context.clock.now()
        if name in self._until and self._until[name] - now >= LEASE / 2:
            return True
        fence = await self.context.store.write(lambda session: self._take(session, name, now))
        if fence is not None:
            self._until[name], self._fences[name] = now + LEASE, fence
        return fence is not None

    def _take(self, session: Session, name: str, now: datetime) -> int | None:
        ended = leases.ends_at(session, name)
        fence = leases.take(session, name, self.owner, now=now, lasting=LEASE)
        channel = self._channels.get(name)
        if channel and ended is not None and fence not in (None, self._fences.get(name)):
            budgets.take_over(session, channel, self.context.adapters[channel], ended=ended, now=now)
        return fence

    async def give_back(self, others: Iterable[str] = ()) -> None:
        """Let another worker take over at once: the channels, and these."""
        now, names = self.context.clock.now(), [*others, *self._channels]
        self._until, self._fences = {}, {}

        def work(session: Session) -> None:
            for name in names:
                channel = self._channels.get(name)
                if leases.give_back(session, name, self.owner, now=now) and channel:
                    budgets.hand_over(session, channel, self.context.adapters[channel], now=now)

        await self.context.store.write(work)

    @property
    def _channels(self) -> dict[str, str]:
        """The name of each channel's lease -> the channel."""
        return {leases.of_channel(name): name for name in self.context.channels}
