"""The worker: one loop a channel that reads, books, writes and reads back, and one that keeps house.

APScheduler is only the clock that ticks. Everything a tick does can be asked for directly (`tick`, `keep_house`), which
is what tests and simulations do. Leases let several workers share the channels.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from omnisync import db
from omnisync.announce import Touched
from omnisync.errors import NeedsAttention, TryLater
from omnisync.stock import ends
from omnisync.sync import conflicts, events, leases
from omnisync.sync.context import Context
from omnisync.sync.leases import HOUSE
from omnisync.sync.rounds import Rounds
from omnisync.sync.tenure import Tenure
from omnisync.sync.why import Why

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0
HOUSE_SECONDS = 1.0
PRUNE_EVERY = timedelta(hours=1)
MENDED_EVERY = timedelta(minutes=1)
"""What was counted, found or delivered keeps nobody waiting for longer."""

Chore = Callable[[Session, datetime], object]
"""Something to be done regularly in a transaction of its own: pickups that expire, keys that are forgotten."""
Errand = Callable[[], Awaitable[object]]
"""Something to be done regularly that touches the network: mails that are due."""


@dataclass
class Worker:
    """Drives all channels of a context until it is told to stop."""

    context: Context
    owner: str
    chores: Sequence[Chore] = ()
    errands: Sequence[Errand] = ()
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)
    _asked: dict[str, Why] = field(default_factory=dict)
    _served: dict[str, Rounds] = field(default_factory=dict)
    """What is remembered of each channel between its rounds."""
    _busy: set[str] = field(default_factory=set)
    """Channels whose round is under way."""
    _pruned_at: datetime | None = None
    _mended_at: datetime | None = None
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._tenure = Tenure(self.context, self.owner)

    # ------------------------------------------------------------ one channel

    async def tick(self, name: str, *, full: bool = False, why: Why | None = None) -> None:
        """One round for a channel (`sync.rounds`), if it is this worker's to serve."""
        if not await self._tenure.has(leases.of_channel(name)):
            return
        self._busy.add(name)
        try:
            await self._rounds_of(name).round(full=full, why=why)
        finally:
            self._busy.discard(name)

    def _rounds_of(self, name: str) -> Rounds:
        if name not in self._served:
            has_lease = partial(self._tenure.has, leases.of_channel(name))
            self._served[name] = Rounds(self.context, name, has_lease, self._asked, lambda: self._stopping, self.wake)
        return self._served[name]

    # ------------------------------------------------------------ the house

    async def keep_house(self) -> None:
        """What no channel does: holds that expire, events to be numbered, cases that have mended themselves, chores."""
        if not await self._tenure.has(HOUSE):
            return
        now = self.context.clock.now()
        duties: list[Chore] = [_expire, _number, *self.chores]
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            duties.append(_forget)
        if self._mended_at is None or now - self._mended_at >= MENDED_EVERY:
            self._mended_at = now
            duties.append(_close_mended)
        for duty in duties:
            await self._chore(duty, now)

    async def run_errand(self, errand: Errand) -> None:
        """Whoever keeps the house runs its errands, each in a loop of its own: a slow answer holds up nothing that expires."""
        if await self._tenure.has(HOUSE):
            await errand()

    async def _chore(self, duty: Chore, now: datetime) -> None:
        try:
            await self.context.store.write(lambda session: duty(session, now))
        except (TryLater, NeedsAttention) as trouble:
            log.warning("A chore has to wait: %s", trouble.message)
        except Exception as bug:
            if db.is_unavailable(bug):
                raise
            log.exception("A chore failed; those behind it are done all the same")

    # ------------------------------------------------------------ all of them, for ever

    def wake(self, name: str | None = None) -> None:
        """Something changed: look now and not at the next tick. Safe to call as often as one likes."""
        for channel in self.context.channels if name is None else [name]:
            self._ask(channel, Why())

    def hear(self, touched: Touched) -> None:
        """A transaction of this process was committed: look at just what it touched."""
        for channel in self.context.channels if touched.skus else touched.channels & self.context.channels.keys():
            self._ask(channel, Why(scan=False, skus=frozenset(touched.skus)))

    def _ask(self, name: str, why: Why) -> None:
        """One request waits for each loop; whatever comes meanwhile is added to it."""
        if name in self._wake:
            self._asked[name] = self._asked[name].also(why) if name in self._asked else why
            self._wake[name].set()

    async def run(self) -> None:
        """Tick until `stop`; of a round that has begun the page or batch under way is finished first."""
        self._stopping = False
        rounds = self._rounds()
        self._wake = {name: asyncio.Event() for name in rounds}
        scheduler = AsyncIOScheduler(timezone="UTC")
        for name in self._wake:
            seconds = TICK_SECONDS if name in self.context.channels else HOUSE_SECONDS
            scheduler.add_job(
                partial(self._ask, name, Why()), "interval", seconds=seconds, id=name, max_instances=1, coalesce=True
            )
        scheduler.start()
        try:
            async with asyncio.TaskGroup() as loops:
                for name, round_of in rounds.items():
                    loops.create_task(self._loop(name, round_of))
        finally:
            scheduler.shutdown(wait=False)
            await self.give_back()

    def stop(self) -> None:
        """End `run` after the page or batch that is under way at each channel: a server that is updated is back at once, however much it
        had to do."""
        self._stopping = True
        for event in self._wake.values():
            event.set()

    def _rounds(self) -> dict[str, Callable[[Why], Awaitable[None]]]:
        """What each loop does, by its name."""
        return {
            **{name: partial(self._tick_for, name) for name in self.context.channels},
            **{f"{HOUSE} errand {n}": partial(self._errand_for, errand) for n, errand in enumerate(self.errands)},
            HOUSE: lambda _: self.keep_house(),
            "leases": lambda _: self._keep_leases(),
        }

    async def _tick_for(self, name: str, why: Why) -> None:
        await self.tick(name, why=why)

    async def _errand_for(self, errand: Errand, _: Why) -> None:
        await self.run_errand(errand)

    async def _loop(self, name: str, round_of: Callable[[Why], Awaitable[None]]) -> None:
        while not self._stopping:
            try:
                await round_of(self._asked.pop(name, Why()))
            except Exception:
                # A bug or a database that is away for a moment must not end the loop: the next tick tries again.
                log.exception("A round of %s failed", name)
            await self._wake[name].wait()
            self._wake[name].clear()

    async def _keep_leases(self) -> None:
        """A round may take longer than a lease lasts: then nobody else may think that its worker is dead."""
        for name in sorted(self._busy):
            await self._tenure.has(leases.of_channel(name))

    async def give_back(self) -> None:
        """Let another worker take over at once."""
        await self._tenure.give_back([HOUSE])


def _expire(session: Session, now: datetime) -> object:
    return ends.expire_overdue(session, now=now)


def _number(session: Session, now: datetime) -> object:
    return events.number(session, now=now)


def _forget(session: Session, now: datetime) -> object:
    events.forget_old(session, now=now)
    return None


def _close_mended(session: Session, now: datetime) -> object:
    return conflicts.close_mended(session, now=now)
