"""One channel, round after round: it is heard, what it said is booked, numbers are written, and some are read back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import (
    agenda,
    arrivals,
    behind,
    budgets,
    drift,
    health,
    holes,
    inbox,
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
from omnisync.sync.polling import Pass
from omnisync.sync.rows import Key
from omnisync.sync.why import NOTHING_NEW, Why

LISTINGS_EVERY = timedelta(hours=1)

Step = Callable[[Channel], Awaitable[object]]


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
class Rounds:
    """The rounds of one channel, and what a worker remembers of it between them."""

    context: Context
    name: str
    has_lease: Callable[[], Awaitable[bool]]
    """Whether the channel is still ours to serve."""
    asked: MutableMapping[str, Why]
    """What was asked of each channel since its round began."""
    stopping: Callable[[], bool]
    """Whether the worker ends after the page or batch that is under way."""
    wake: Callable[[], None]
    """Have all channels look what has changed."""
    _due: _Due = field(default_factory=_Due)
    _seen: Seen = field(default_factory=dict)
    _pass: Pass | None = None
    """A reading of all listings that is not at its end."""
    _matched: set[str] = field(default_factory=set)
    """Articles of which such a reading has found a listing, and whose numbers have not been computed since."""
    _unread: Sequence[Key] = ()
    """What is left of a share that is read back."""
    _visited: bool = False
    """Whether a command asks the channel beside this worker, as far as it knows."""

    async def round(self, *, full: bool = False, why: Why | None = None) -> None:
        """Listings, orders, messages, numbers, read-back. A failure ends the round, not the worker."""
        channel, why = self.context.channel(self.name), why or Why()
        if full:
            await self.context.store.write(lambda session: behind.ask_for_all(session, channel))
            self._due = _Due()
        waits = await self._agenda(channel)
        channel = channel.shadow() if waits.shadow else channel
        if not (full or waits.may_call(self.context.clock.now())):
            await self._guarded(channel, partial(self._refresh, why=why))
            return
        try:
            heard = await self._do(channel, self._reading(channel, waits, full=full))
            waits, why = (await self._waits(channel), self._and_heard(why)) if heard else (waits, why)
            await self._do(channel, self._acting(waits, why))
            if not waits.quiet and await self._do(channel, self._checking(full=full)):
                waits = await self._waits(channel)
                await self._do(channel, self._acting(waits, why if waits.writes else NOTHING_NEW))
        except _Ended:
            # Whatever is behind is still counted, so that everybody sees how late the channel is.
            if not self.stopping():
                await self._refresh(channel, why=why)

    def _and_heard(self, why: Why) -> Why:
        """What was just booked is computed in this round: until then a channel that lowered its number by itself seems to show too little,
        and would be looked at for nothing."""
        asked = self.asked.get(self.name)
        if asked is None:
            return why
        self.asked[self.name] = replace(asked, skus=frozenset())
        return replace(why, skus=why.skus | asked.skus)

    async def _agenda(self, channel: Channel) -> Agenda:
        """What waits, at the beginning of a round: one call may try a channel that was left alone long enough."""
        now, found = self.context.clock.now(), await self._waits(channel)
        await self._share(channel, found, now)
        if not found.known or (found.breaker == "open" and found.may_call(now)):
            await self.context.store.write(lambda session: health.may_call(session, channel.name, now=now))
        return found

    async def _share(self, channel: Channel, waits: Agenda, now: datetime) -> None:
        """Leave a command that asks this channel its share for as long as it does."""
        if waits.guest and not self._visited:
            since = await self.context.store.read(lambda session: budgets.guest_since(session, channel.name, now=now))
            budgets.give_way(channel.adapter, since=since, now=now)
        elif self._visited and not waits.guest:
            budgets.share(channel.adapter, 1.0)
        self._visited = waits.guest

    async def _waits(self, channel: Channel) -> Agenda:
        now = self.context.clock.now()
        return await self.context.store.read(lambda session: agenda.of(session, channel, now=now))

    async def _do(self, channel: Channel, steps: Sequence[tuple[str, Step]]) -> bool:
        """Take these steps; whether there were any. _Ended when one of them says that the channel is to be left alone."""
        for duty, step in steps:
            if self.stopping() or not await self.has_lease():
                raise _Ended
            now = self.context.clock.now()
            trouble = await self._guarded(channel, step)
            if not isinstance(trouble, TryLater):
                self._due.done(duty, now)
            if trouble is not None:
                raise _Ended
        return bool(steps)

    async def _guarded(self, channel: Channel, step: Step) -> TryLater | NeedsAttention | None:
        try:
            await step(channel)
        except (TryLater, NeedsAttention) as trouble:
            failure, now = trouble, self.context.clock.now()
            await self.context.store.write(lambda session: health.failed(session, channel.name, failure, now=now))
            return trouble
        return None

    # ------------------------------------------------------------ what belongs to a round

    def _reading(self, channel: Channel, waits: Agenda, *, full: bool) -> list[tuple[str, Step]]:
        """What the channel has to say, in its order; slower duties with the name under which they are remembered."""
        now, due = self.context.clock.now(), self._due
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
        every, now = timedelta(seconds=channel.can.poll_seconds), self.context.clock.now()
        return [
            ("polled", self._due.reached("polled", every, now), self._poll),
            ("", waits.messages, self._inbox),
        ]

    async def _meanwhile(self, channel: Channel) -> None:
        """What was asked for while a catalogue is read is done between two of its pages: a number that goes to zero does not wait for it."""
        if self.stopping():
            raise _Ended
        why = self.asked.pop(self.name, None)
        if why is None:
            return
        heard = self._hearing(channel, await self._waits(channel))
        await self._do(channel, [(duty, step) for duty, wanted, step in heard if wanted])
        act = self._refresh if (await self._waits(channel)).quiet else self._write
        await self._do(channel, [("", partial(act, why=self._and_heard(why)))])

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

    def _checking(self, *, full: bool) -> list[tuple[str, Step]]:
        """A share of everything every so often, in as many rounds as it takes: what sells is not kept waiting by it."""
        if self._due.reached("read_back", drift.EVERY, self.context.clock.now()):
            return [("read_back", partial(self._read_back, everything=full))]
        return [("", self._read_on)] if self._unread else []

    # ------------------------------------------------------------ its steps

    async def _listings(self, channel: Channel, *, whole: bool) -> None:
        """As much of them as leaves the channel's budgets room for the rest of the round; the next round goes on from there."""
        now, so_far = self.context.clock.now(), self._pass
        if so_far is None or not so_far.stands(now):
            so_far = self._pass = Pass.begin(now)

        async def between() -> None:
            await self._take_matched(channel, so_far)
            await self._meanwhile(channel)

        try:
            if not await polling.read_on(self.context, channel, so_far, sparing=not whole, between=between):
                return
        except NeedsAttention:
            self._pass = None
            self._due.done("listed", now)
            raise
        self._pass, now = None, self.context.clock.now()
        self._due.done("listed", now)

        def work(session: Session) -> None:
            behind.ask_for_all(session, channel)
            replay.retry_resolved(session, self.context, channel, now=now)

        await self.context.store.write(work)

    async def _take_matched(self, channel: Channel, so_far: Pass) -> None:
        """What a page has matched is written with the numbers that come next, after what waited for it was booked."""
        matched, now = so_far.take_matched(), self.context.clock.now()
        if matched:
            self._matched |= matched
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
            if self.stopping():
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
        await self._answered(channel, await drift.read_due(self.context, channel, overtaken=self._overtaken))

    async def _answered(self, channel: Channel, calls: int) -> None:
        now = self.context.clock.now()
        if calls:
            await self.context.store.write(lambda session: health.answered(session, channel.name, now=now))

    async def _read_back(self, channel: Channel, *, everything: bool = False) -> None:
        if everything:
            self._unread = ()
            await self._answered(channel, await drift.read_back(self.context, channel, everything=True))
        else:
            self._unread = await drift.whose_turn(self.context, channel)
            await self._read_on(channel)
        now = self.context.clock.now()
        await self.context.store.write(lambda session: drift.undo_unexplained(session, self.context, channel, now=now))

    async def _read_on(self, channel: Channel) -> None:
        keys, self._unread = self._unread, ()
        self._unread = await drift.read_on(self.context, channel, keys, overtaken=self._overtaken)
        await self._answered(channel, len(keys) - len(self._unread))

    async def _overtaken(self) -> bool:
        """Whether something was sold, or written to us, since the round began, or it is time to hear its orders, or the round is to end."""
        why, now = self.asked.get(self.name), self.context.clock.now()
        if why is None or self.stopping():
            return self.stopping()
        every = timedelta(seconds=self.context.channel(self.name).can.poll_seconds)
        if why.skus or not why.scan or self._due.reached("polled", every, now):
            return True
        # Asked by the clock alone: what another process has committed, or nothing.
        return await self.context.store.read(lambda session: self._news(session, now))

    def _news(self, session: Session, now: datetime) -> bool:
        channel = self.context.channel(self.name)
        waits = agenda.of(session, channel, now=now)
        if waits.messages or waits.quiet or waits.guest != self._visited:
            return True
        task = behind.task(session, channel, now=now, seen=self._seen)
        return bool(task.skus) or task.full

    async def _write(self, channel: Channel, *, why: Why) -> None:
        report = await reconcile.reconcile(
            self.context, channel, hints=self._hints(why), scan=why.scan, seen=self._seen, overtaken=self._overtaken
        )
        if report.failure is not None:
            raise report.failure

    async def _tell(self, channel: Channel) -> None:
        await telling.tell(self.context, channel)

    async def _refresh(self, channel: Channel, *, why: Why) -> None:
        await reconcile.refresh(self.context, channel, hints=self._hints(why), scan=why.scan, seen=self._seen)

    def _hints(self, why: Why) -> frozenset[str]:
        """What is to be computed whether or not it changed: what a round was asked to look at, and what has been matched since."""
        matched, self._matched = self._matched, set()
        return why.skus | matched
