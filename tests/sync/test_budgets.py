"""Several workers together call a channel no more often than it allows."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Can, Page, Write
from omnisync.adapters.client import Budget
from omnisync.clock import Ids, StoppedClock
from omnisync.worker import LEASE, Worker
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
