"""Several workers together call a channel no more often than it allows."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Can, ListingPage, Page, Write
from omnisync.adapters.client import Budget
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import TryLater
from omnisync.sync import guests
from omnisync.sync.context import Channel, Context
from omnisync.sync.tenure import LEASE
from omnisync.worker import Worker
from tests.sync.conftest import Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import build, settings_for, shop

RATE, BURST = 1 / 120, 15.0
CAN = Can(write=Write.ABSOLUTE, batch_size=50, poll_seconds=1)


class Marketplace:
    """The real bucket, which is at the channel; it counts who comes too often."""

    def __init__(self, clock: StoppedClock) -> None:
        self._budget = Budget(clock, RATE, BURST)
        self.answered = self.refused = 0

    def called(self) -> None:
        if self._budget.ready():
            self._budget.feed(self._budget.held() - 1)
            self.answered += 1
        else:
            self.refused += 1


class Limited(FakeChannel):
    """The adapter of one worker, with a bucket of its own."""

    def __init__(self, clock: StoppedClock, marketplace: Marketplace) -> None:
        super().__init__("market", clock, CAN)
        self._marketplace = marketplace
        self.budgets = {"orders": Budget(clock, RATE, BURST)}

    async def listings(self, cursor: str | None) -> ListingPage:
        if cursor is not None:  # the first page, which a worker reads each hour, is free
            await self.budgets["orders"].take()
            self._marketplace.called()
        return ListingPage([], None)

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        await self.budgets["orders"].take()
        self._marketplace.called()
        return await super().pull(cursor, now=now)


class Firm:
    """Workers over one database: each a process of its own, with adapters of its own."""

    def __init__(self, engine: Engine, clock: StoppedClock, ids: Ids) -> None:
        self._engine, self.clock, self._ids = engine, clock, ids
        self.marketplace = Marketplace(clock)
        self._hired = 0

    def hire(self) -> Worker:
        self._hired += 1
        fakes = [Limited(self.clock, self.marketplace)]
        house = build(self._engine, self.clock, self._ids, settings_for(shop("market")), fakes)
        return Worker(house.context, owner=f"worker-{self._hired}")

    def command(self) -> tuple[Context, Channel]:
        """A process beside the workers, with an adapter of its own."""
        worker = self.hire()
        return worker.context, worker.context.channel("market")

    async def ask(self, adapter: Any) -> bool:
        """A call of a command; whether it was allowed."""
        try:
            await adapter.listings("next")
        except TryLater:
            return False
        return True

    async def work(self, worker: Worker, rounds: int) -> None:
        for _ in range(rounds):
            await worker.tick("market")
            self.clock.advance(seconds=2)


@pytest.fixture
def firm(engine: Engine, clock: StoppedClock, ids: Ids) -> Firm:
    return Firm(engine, clock, ids)


def test_a_worker_that_ends_hands_on_what_is_left(firm: Firm, play: Play) -> None:
    async def shifts() -> None:
        first, second = firm.hire(), firm.hire()
        await firm.work(first, 10)
        await firm.work(second, 5)  # it may not: the lease is the first one's
        await first.give_back()
        await firm.work(second, 20)

    play(shifts())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered == BURST


def test_one_that_dies_tells_nobody_and_may_have_spent_everything(firm: Firm, play: Play) -> None:
    async def shifts() -> None:
        await firm.work(firm.hire(), 20)  # and is never heard of again
        firm.clock.advance(seconds=LEASE.total_seconds())
        heir = firm.hire()
        await firm.work(heir, 20)
        spent = firm.marketplace.answered
        firm.clock.advance(hours=24)
        await firm.work(heir, 40)

        assert spent <= BURST + 1

    play(shifts())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered >= 2 * BURST


def test_however_often_workers_come_and_go_the_channel_refuses_nobody(firm: Firm, play: Play) -> None:
    async def shifts() -> None:
        chance, workers = random.Random(7), [firm.hire(), firm.hire()]
        for _ in range(120):
            at = chance.randrange(2)
            await firm.work(workers[at], chance.randrange(1, 12))
            match chance.randrange(4):
                case 0:
                    await workers[at].give_back()
                case 1:
                    await workers[at].give_back()
                    workers[at] = firm.hire()
                case 2:
                    workers[at] = firm.hire()
                case _:
                    firm.clock.advance(seconds=chance.randrange(200))

    play(shifts())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered > BURST + 5


def test_a_worker_that_was_away_while_another_worked_goes_on_from_what_that_one_left(firm: Firm, play: Play) -> None:
    async def shifts() -> None:
        first, second = firm.hire(), firm.hire()
        await first.tick("market")
        firm.clock.advance(hours=1)  # the machine of the first one sleeps
        await firm.work(second, 10)
        await second.give_back()
        await firm.work(first, 20)

    play(shifts())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered == BURST + 1  # and the one that came back while the first one slept


def test_who_held_no_lease_hands_on_nothing(firm: Firm, play: Play) -> None:
    async def shifts() -> None:
        first, idle, second = firm.hire(), firm.hire(), firm.hire()
        await firm.work(first, 10)
        await first.give_back()
        await idle.give_back()  # whose bucket is still full
        await firm.work(second, 20)

    play(shifts())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered == BURST


# ---------------------------------------------------------------- a command beside them


def test_a_command_beside_a_worker_has_a_quarter_and_both_together_spend_no_more_than_there_is(
    firm: Firm, play: Play
) -> None:
    asked = list[bool]()

    async def day() -> None:
        worker = firm.hire()
        await firm.work(worker, 5)
        context, channel = firm.command()
        async with guests.visiting(context, channel) as visited:
            for _ in range(150):
                await firm.work(worker, 10)
                asked.append(await firm.ask(visited.adapter))
        before = firm.marketplace.answered
        for _ in range(50):
            await firm.work(worker, 10)
        assert firm.marketplace.answered - before >= 50 * 20 * RATE * 0.95, (
            "what was the command's is the worker's again"
        )

    play(day())

    hours = 150 * 20 * RATE
    assert firm.marketplace.refused == 0
    assert hours / 4 - 2 <= sum(asked) <= hours / 4 + 1
    assert firm.marketplace.answered >= BURST + hours * 0.95


def test_a_command_alone_has_all_of_it_from_where_the_last_worker_left_it_and_hands_on_the_rest(
    firm: Firm, play: Play
) -> None:
    async def day() -> None:
        worker = firm.hire()
        await firm.work(worker, 10)
        await worker.give_back()
        context, channel = firm.command()
        async with guests.visiting(context, channel) as visited:
            assert [await firm.ask(visited.adapter) for _ in range(6)] == [True] * 5 + [False]
        await firm.work(worker, 3)
        await firm.work(firm.hire(), 3)

    play(day())

    assert (firm.marketplace.refused, firm.marketplace.answered) == (0, BURST)


def test_a_worker_that_begins_while_a_command_has_all_of_it_begins_with_nothing(firm: Firm, play: Play) -> None:
    async def day() -> None:
        context, channel = firm.command()
        async with guests.visiting(context, channel) as visited:
            assert [await firm.ask(visited.adapter) for _ in range(10)] == [True] * 10
            worker = firm.hire()
            await firm.work(worker, 3)
            for _ in range(40):
                await firm.ask(visited.adapter)
                await firm.work(worker, 20)

    play(day())

    assert firm.marketplace.refused == 0
    assert firm.marketplace.answered >= BURST + 40 * 40 * RATE * 0.9


def test_a_command_that_died_told_nobody_what_it_spent(firm: Firm, play: Play) -> None:
    async def day() -> None:
        worker = firm.hire()
        await firm.work(worker, 3)
        await worker.give_back()
        guest = guests.Guest(*firm.command())
        await guest.come()
        assert [await firm.ask(guest) for _ in range(12)] == [True] * 12
        firm.clock.advance(seconds=guests.STAYS.total_seconds())
        await firm.work(worker, 20)

    play(day())

    assert (firm.marketplace.refused, firm.marketplace.answered) == (0, BURST)


def test_when_the_worker_ends_the_command_has_all_that_comes_back(firm: Firm, play: Play) -> None:
    asked = list[bool]()

    async def day() -> None:
        worker = firm.hire()
        await firm.work(worker, 3)
        context, channel = firm.command()
        async with guests.visiting(context, channel) as visited:
            await worker.give_back()
            for _ in range(100):
                firm.clock.advance(seconds=1 / RATE)
                asked.append(await firm.ask(visited.adapter))

    play(day())

    assert firm.marketplace.refused == 0
    assert sum(asked) >= 98


def test_of_two_commands_the_second_is_told_to_come_later_unless_the_first_is_gone(firm: Firm, play: Play) -> None:
    async def day() -> None:
        (one, channel), (other, same) = firm.command(), firm.command()
        async with guests.visiting(one, channel):
            with pytest.raises(TryLater, match="Another command is asking market"):
                async with guests.visiting(other, same):
                    raise AssertionError("it was let in")
            firm.clock.advance(seconds=guests.STAYS.total_seconds())
            async with guests.visiting(other, same) as visited:
                assert not await firm.ask(visited.adapter), "the one that is gone may have spent everything"
                firm.clock.advance(seconds=1 / RATE)
                assert await firm.ask(visited.adapter)

    play(day())
