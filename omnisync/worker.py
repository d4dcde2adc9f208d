"""The worker: one loop a channel that reads, books, writes and reads back, and one that keeps house.

APScheduler is only the clock that ticks. Everything a tick does can be asked for directly (`tick`, `keep_house`), which
is what tests and simulations do. Leases let several workers share the channels.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from omnisync import db
from omnisync.announce import Touched
from omnisync.errors import NeedsAttention, TryLater
from omnisync.stock import ends
from omnisync.sync import (
    agenda,
    arrivals,
    behind,
    budgets,
    conflicts,
    drift,
    events,
    health,
    holes,
    inbox,
    leases,
    polling,
    reconcile,
    replay,
    subscribing,
    telling,
    topics,
    unpaid,
)
from omnisync.sync.agenda import Agenda
from omnisync.sync.behind import Seen
from omnisync.sync.context import Channel, Context
from omnisync.sync.leases import HOUSE
from omnisync.sync.polling import Pass
from omnisync.sync.rows import Key

log = logging.getLogger(__name__)
TICK_SECONDS = 1.0
HOUSE_SECONDS = 1.0
LEASE = timedelta(seconds=60)
"""Longer than the longest call, so that a channel has two workers only if one of them is dead."""
LISTINGS_EVERY = timedelta(hours=1)
PRUNE_EVERY = timedelta(hours=1)

Chore = Callable[[Session, datetime], object]
"""Something to be done regularly in a transaction of its own: pickups that expire, keys that are forgotten."""
Step = Callable[[Channel], Awaitable[object]]
Errand = Callable[[], Awaitable[object]]
"""Something to be done regularly that touches the network: mails that are due."""


@dataclass(frozen=True, slots=True)
class Why:
    """What a round is asked to look at: whatever may have changed of late, or only some articles."""

    scan: bool = True
    skus: frozenset[str] = frozenset()

    def also(self, more: Why) -> Why:
        return Why(self.scan or more.scan, self.skus | more.skus)


NOTHING_NEW = Why(scan=False)


class _Ended(Exception):
    """The channel said that it is to be left alone, or the worker stops; what is left of the round waits for the next one."""


@dataclass
class _Due:
    """When the slower duties of a channel were last done by this worker."""

    polled: datetime | None = None
    listed: datetime | None = None
    read_back: datetime | None = None
    unpaid: datetime | None = None
    arrived: datetime | None = None
    subscribed: datetime | None = None
    watched: datetime | None = None
    counted: datetime | None = None

    def reached(self, name: str, every: timedelta, now: datetime) -> bool:
        """Whether it is time again."""
        last: datetime | None = getattr(self, name)
        return last is None or now - last >= every

    def done(self, name: str, now: datetime) -> None:
        """It was done, or a person is needed for it: both wait for the next time."""
        if name:
            setattr(self, name, now)


@dataclass
class Worker:
    """Drives all channels of a context until it is told to stop."""

    context: Context
    owner: str
    chores: Sequence[Chore] = ()
    errands: Sequence[Errand] = ()
    _due: dict[str, _Due] = field(default_factory=dict)
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)
    _asked: dict[str, Why] = field(default_factory=dict)
    _seen: dict[str, Seen] = field(default_factory=dict)
    _leased: dict[str, datetime] = field(default_factory=dict)
    """Until when a lease is ours, as far as this worker knows."""
    _fences: dict[str, int] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    """Channels whose round is under way."""
    _visited: set[str] = field(default_factory=set)
    """Channels that a command asks beside this worker, as far as it knows."""
    _passes: dict[str, Pass] = field(default_factory=dict)
    """Readings of all listings that are not at their end."""
    _matched: dict[str, set[str]] = field(default_factory=dict)
    """Articles of which such a reading has found a listing, and whose numbers have not been computed since."""
    _unread: dict[str, Sequence[Key]] = field(default_factory=dict)
    """What is left of a share that is read back."""
    _pruned_at: datetime | None = None
    _stopping: bool = False

    # ------------------------------------------------------------ one channel

    async def tick(self, name: str, *, full: bool = False, why: Why | None = None) -> None:
        """One round for a channel: listings, orders, messages, numbers, read-back. A failure ends the round, not the worker."""
        if not await self._has_lease(leases.of_channel(name)):
            return
        self._busy.add(name)
        try:
            await self._round(name, full=full, why=why)
        finally:
            self._busy.discard(name)

    async def _round(self, name: str, *, full: bool, why: Why | None) -> None:
        channel, why = self.context.channel(name), why or Why()
        if full:
            await self.context.store.write(lambda session: behind.ask_for_all(session, channel))
            self._due.pop(name, None)
        waits = await self._agenda(channel)
        channel = channel.shadow() if waits.shadow else channel
        if not (full or waits.may_call(self.context.clock.now())):
            await self._guarded(channel, partial(self._refresh, why=why))
            return
        try:
            heard = await self._do(channel, self._reading(channel, waits, full=full))
            waits, why = (await self._waits(channel), self._and_heard(name, why)) if heard else (waits, why)
            await self._do(channel, self._acting(waits, why))
            if not waits.quiet and await self._do(channel, self._checking(channel, full=full)):
                waits = await self._waits(channel)
                await self._do(channel, self._acting(waits, why if waits.writes else NOTHING_NEW))
        except _Ended:
            # Whatever is behind is still counted, so that everybody sees how late the channel is.
            if not self._stopping:
                await self._refresh(channel, why=why)

    def _and_heard(self, name: str, why: Why) -> Why:
        """What was just booked is computed in this round: until then a channel that lowered its number by itself seems to show too little,
        and would be looked at for nothing."""
        asked = self._asked.get(name)
        if asked is None:
            return why
        self._asked[name] = replace(asked, skus=frozenset())
        return replace(why, skus=why.skus | asked.skus)

    async def _agenda(self, channel: Channel) -> Agenda:
        """What waits, at the beginning of a round: one call may try a channel that was left alone long enough."""
        now = self.context.clock.now()
        found, guest_since = await self.context.store.read(
            lambda session: (agenda.of(session, channel, now=now), budgets.guest_since(session, channel.name, now=now))
        )
        self._share(channel, guest_since, now)
        if not found.known or (found.breaker == "open" and found.may_call(now)):
            await self.context.store.write(lambda session: health.may_call(session, channel.name, now=now))
        return found

    def _share(self, channel: Channel, guest_since: datetime | None, now: datetime) -> None:
        """Leave a command that asks this channel its share for as long as it does."""
        if guest_since is not None and channel.name not in self._visited:
            self._visited.add(channel.name)
            budgets.give_way(channel.adapter, since=guest_since, now=now)
        elif guest_since is None and channel.name in self._visited:
            self._visited.remove(channel.name)
            budgets.share(channel.adapter, 1.0)

    async def _waits(self, channel: Channel) -> Agenda:
        now = self.context.clock.now()
        return await self.context.store.read(lambda session: agenda.of(session, channel, now=now))

    async def _do(self, channel: Channel, steps: Sequence[tuple[str, Step]]) -> bool:
        """Take these steps; whether there were any. _Ended when one of them says that the channel is to be left alone."""
        due = self._due.setdefault(channel.name, _Due())
        for duty, step in steps:
            if self._stopping or not await self._has_lease(leases.of_channel(channel.name)):
                raise _Ended
            now = self.context.clock.now()
            trouble = await self._guarded(channel, step)
            if not isinstance(trouble, TryLater):
                due.done(duty, now)
            if trouble is not None:
                raise _Ended
        return bool(steps)

    def _reading(self, channel: Channel, waits: Agenda, *, full: bool) -> list[tuple[str, Step]]:
        """What the channel has to say, in its order; slower duties with the name under which they are remembered."""
        now, due = self.context.clock.now(), self._due.setdefault(channel.name, _Due())
        slow: list[tuple[str, bool, Step]] = [
            ("", due.reached("listed", LISTINGS_EVERY, now) or waits.listings, partial(self._listings, whole=full)),
            ("subscribed", not waits.shadow and due.reached("subscribed", subscribing.EVERY, now), self._subscribe),
            ("watched", not waits.shadow and due.reached("watched", topics.EVERY, now), self._watch),
            *self._hearing(channel, waits),
            ("counted", due.reached("counted", holes.EVERY, now), self._fill_holes),
            ("unpaid", due.reached("unpaid", unpaid.EVERY, now), self._unpaid),
            ("arrived", not waits.shadow and due.reached("arrived", arrivals.EVERY, now), self._arrive),
        ]
        return [(duty, step) for duty, wanted, step in slow if wanted]

    def _hearing(self, channel: Channel, waits: Agenda) -> list[tuple[str, bool, Step]]:
        """What it has sold since."""
        now, due = self.context.clock.now(), self._due.setdefault(channel.name, _Due())
        return [
            ("polled", due.reached("polled", timedelta(seconds=channel.can.poll_seconds), now), self._poll),
            ("", waits.messages, self._inbox),
        ]

    async def _meanwhile(self, channel: Channel) -> None:
        """What was asked for while a catalogue is read is done between two of its pages: a number that goes to zero does not wait for it."""
        if self._stopping:
            raise _Ended
        why = self._asked.pop(channel.name, None)
        if why is None:
            return
        heard = self._hearing(channel, await self._waits(channel))
        await self._do(channel, [(duty, step) for duty, wanted, step in heard if wanted])
        act = self._refresh if (await self._waits(channel)).quiet else self._write
        await self._do(channel, [("", partial(act, why=self._and_heard(channel.name, why)))])

    def _acting(self, waits: Agenda, why: Why) -> list[tuple[str, Step]]:
        """What is to be looked at, written and told there now."""
        if waits.quiet:
            return [("", partial(self._refresh, why=why))]
        acts: list[tuple[bool, Step]] = [
            (waits.looks, self._look),
            (waits.writes or waits.looks or why.scan or bool(why.skus), partial(self._write, why=why)),
            (waits.news, self._tell),
        ]
        return [("", step) for wanted, step in acts if wanted]

    def _checking(self, channel: Channel, *, full: bool) -> list[tuple[str, Step]]:
        """A share of everything every so often, in as many rounds as it takes: what sells is not kept waiting by it."""
        due = self._due.setdefault(channel.name, _Due())
        if due.reached("read_back", drift.EVERY, self.context.clock.now()):
            return [("read_back", partial(self._read_back, everything=full))]
        return [("", self._read_on)] if channel.name in self._unread else []

    async def _listings(self, channel: Channel, *, whole: bool) -> None:
        """As much of them as leaves the channel's budgets room for the rest of the round; the next round goes on from there."""
        now, due = self.context.clock.now(), self._due.setdefault(channel.name, _Due())
        so_far = self._passes.get(channel.name)
        if so_far is None or not so_far.stands(now):
            so_far = self._passes[channel.name] = Pass.begin(now)

        async def between() -> None:
            await self._take_matched(channel, so_far)
            await self._meanwhile(channel)

        try:
            if not await polling.read_on(self.context, channel, so_far, sparing=not whole, between=between):
                return
        except NeedsAttention:
            del self._passes[channel.name]
            due.done("listed", now)
            raise
        del self._passes[channel.name]
        now = self.context.clock.now()
        due.done("listed", now)

        def work(session: Session) -> None:
            behind.ask_for_all(session, channel)
            replay.retry_resolved(session, self.context, channel, now=now)

        await self.context.store.write(work)

    async def _take_matched(self, channel: Channel, so_far: Pass) -> None:
        """What a page has matched is written with the numbers that come next, after what waited for it was booked."""
        matched, now = so_far.take_matched(), self.context.clock.now()
        if matched:
            self._matched.setdefault(channel.name, set()).update(matched)
            await self.context.store.write(
                lambda session: replay.retry_resolved(session, self.context, channel, now=now)
            )

    async def _subscribe(self, channel: Channel) -> None:
        """What a webhook that was gone would have told is read right after it stands again."""
        if await subscribing.look_after(self.context, channel):
            await self._poll(channel)

    async def _watch(self, channel: Channel) -> None:
        """Where a topic has fallen silent, its webhook may be gone: it is made again, and what it did not tell is read."""
        if await topics.watch(self.context, channel):
            await subscribing.look_after(self.context, channel)
            await self._poll(channel)

    async def _fill_holes(self, channel: Channel) -> None:
        await holes.fill(self.context, channel)

    async def _poll(self, channel: Channel) -> None:
        async def hear() -> None:
            if self._stopping:
                raise _Ended
            if (await self._waits(channel)).messages:
                await self._inbox(channel)

        await polling.pull(self.context, channel, between=hear)

    async def _inbox(self, channel: Channel) -> None:
        await inbox.handle_due(self.context, channel)

    async def _unpaid(self, channel: Channel) -> None:
        if await unpaid.look_after(self.context, channel):
            self.wake()

    async def _arrive(self, channel: Channel) -> None:
        await arrivals.look_after(self.context, channel)

    async def _look(self, channel: Channel) -> None:
        await self._answered(channel, await drift.read_due(self.context, channel, overtaken=self._overtaken(channel)))

    async def _answered(self, channel: Channel, calls: int) -> None:
        now = self.context.clock.now()
        if calls:
            await self.context.store.write(lambda session: health.answered(session, channel.name, now=now))

    async def _read_back(self, channel: Channel, *, everything: bool = False) -> None:
        if everything:
            self._unread.pop(channel.name, None)
            await self._answered(channel, await drift.read_back(self.context, channel, everything=True))
        else:
            self._unread[channel.name] = await drift.whose_turn(self.context, channel)
            await self._read_on(channel)
        now = self.context.clock.now()
        await self.context.store.write(lambda session: drift.undo_unexplained(session, self.context, channel, now=now))

    async def _read_on(self, channel: Channel) -> None:
        keys = self._unread.pop(channel.name)
        left = await drift.read_on(self.context, channel, keys, overtaken=self._overtaken(channel))
        if left:
            self._unread[channel.name] = left
        await self._answered(channel, len(keys) - len(left))

    def _overtaken(self, channel: Channel) -> Callable[[], bool]:
        """Whether something was sold, or written to us, since the round began, or it is to end."""
        return lambda: self._stopping or channel.name in self._asked

    async def _write(self, channel: Channel, *, why: Why) -> None:
        report = await reconcile.reconcile(
            self.context, channel, hints=self._hints(channel, why), scan=why.scan, seen=self._seen.setdefault(channel.name, {}),
            overtaken=self._overtaken(channel),
        )  # fmt: skip
        if report.failure is not None:
            raise report.failure

    async def _tell(self, channel: Channel) -> None:
        await telling.tell(self.context, channel)

    async def _refresh(self, channel: Channel, *, why: Why) -> None:
        seen = self._seen.setdefault(channel.name, {})
        await reconcile.refresh(self.context, channel, hints=self._hints(channel, why), scan=why.scan, seen=seen)

    def _hints(self, channel: Channel, why: Why) -> frozenset[str]:
        """What is to be computed whether or not it changed: what a round was asked to look at, and what has been matched since."""
        return why.skus | self._matched.pop(channel.name, set())

    async def _guarded(self, channel: Channel, step: Step) -> TryLater | NeedsAttention | None:
        try:
            await step(channel)
        except (TryLater, NeedsAttention) as trouble:
            failure, now = trouble, self.context.clock.now()
            await self.context.store.write(lambda session: health.failed(session, channel.name, failure, now=now))
            return trouble
        return None

    # ------------------------------------------------------------ the house

    async def keep_house(self) -> None:
        """What no channel does: holds that expire, events to be numbered, cases that have mended themselves, chores."""
        if not await self._has_lease(HOUSE):
            return
        now = self.context.clock.now()
        duties: list[Chore] = [_expire, _number, *self.chores]
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = now
            duties += [_forget, _close_mended]
        for duty in duties:
            await self._chore(duty, now)

    async def run_errand(self, errand: Errand) -> None:
        """Whoever keeps the house runs its errands, each in a loop of its own: a slow answer holds up nothing that expires."""
        if await self._has_lease(HOUSE):
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
            await self._has_lease(leases.of_channel(name))

    async def _has_lease(self, name: str) -> bool:
        now = self.context.clock.now()
        if name in self._leased and self._leased[name] - now >= LEASE / 2:
            return True
        fence = await self.context.store.write(lambda session: self._take(session, name, now))
        if fence is not None:
            self._leased[name], self._fences[name] = now + LEASE, fence
        return fence is not None

    def _take(self, session: Session, name: str, now: datetime) -> int | None:
        ended = leases.ends_at(session, name)
        fence = leases.take(session, name, self.owner, now=now, lasting=LEASE)
        channel = self._channels.get(name)
        if channel and ended is not None and fence not in (None, self._fences.get(name)):
            budgets.take_over(session, channel, self.context.adapters[channel], ended=ended, now=now)
        return fence

    async def give_back(self) -> None:
        """Let another worker take over at once."""
        now, names = self.context.clock.now(), [HOUSE, *self._channels]
        self._leased, self._fences = {}, {}

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


def _expire(session: Session, now: datetime) -> object:
    return ends.expire_overdue(session, now=now)


def _number(session: Session, now: datetime) -> object:
    return events.number(session, now=now)


def _forget(session: Session, now: datetime) -> object:
    events.forget_old(session, now=now)
    return None


def _close_mended(session: Session, now: datetime) -> object:
    return conflicts.close_mended(session, now=now)
