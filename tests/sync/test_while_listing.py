"""What cannot wait is done between two pages of a catalogue, also where the channel's limits ask for no pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from omnisync.adapters.base import Can, ListingPage, Write
from omnisync.announce import Touched
from omnisync.clock import StoppedClock
from omnisync.sync import health
from omnisync.values import Kind
from omnisync.worker import Worker
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

SKUS = [f"LAMP-{number:02}" for number in range(12)]


class Slow(FakeChannel):
    """While a page of its listings is read, something else happens; there are four of them."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    async def listings(self, cursor: str | None) -> ListingPage:
        self._call("listings")
        start = int(cursor or 0)
        found = list(self.offers.values())
        self.meanwhile()
        return ListingPage(found[start : start + 3], str(start + 3), start + 3 < len(found))


@pytest.fixture
def web(clock: StoppedClock) -> Slow:
    return Slow("web", clock, Can(write=Write.COMPARE_AND_SET, batch_size=3))


@pytest.fixture
def house(make_house: MakeHouse, web: Slow, play: Play) -> House:
    """All is shown, and it is time to read the listings again."""
    house = make_house((shop("web"), web))
    house.article(*SKUS)
    for sku in SKUS:
        web.offer(sku)
    house.stock(SKUS, 7)
    play(house.settle())
    house.clock.advance(hours=1)
    web.calls.clear()
    return house


@pytest.fixture
def worker(house: House, web: Slow) -> Worker:
    """As `run` leaves it between two rounds. During the next page something sells out at the till, as the commit of this process says."""
    worker = replace(house.worker, _wake={"web": asyncio.Event()})

    def sold_out() -> None:
        web.meanwhile = lambda: None
        house.stock(SKUS[-1], 7, kind=Kind.SOLD, cause="pos:1")
        worker.hear(Touched(skus={SKUS[-1]}))

    web.meanwhile = sold_out
    return worker


def test_what_sells_out_is_written_before_the_next_page_and_the_others_are_read_after_it(
    web: Slow, worker: Worker, play: Play
) -> None:
    play(worker.tick("web"))

    written = web.calls.index("publish")
    assert (web.calls[:written].count("listings"), web.calls[written:].count("listings")) == (1, 3)
    assert web.shows(SKUS[-1]) == 0


def test_what_could_not_be_written_ends_the_round_and_the_reading_goes_on_where_it_was(
    house: House, web: Slow, worker: Worker, play: Play
) -> None:
    web.faults.timeout_before_effect = 1

    play(worker.tick("web"))
    assert (web.calls.count("listings"), web.calls[-1], web.shows(SKUS[-1])) == (1, "publish", 7)
    house.clock.advance(seconds=10)
    play(worker.tick("web"))

    assert (web.calls.count("listings"), web.shows(SKUS[-1])) == (4, 0)


def test_a_channel_that_was_handed_back_is_not_written_between_two_pages_either(
    house: House, web: Slow, worker: Worker, play: Play
) -> None:
    house.within(lambda session: health.hand_back(session, "web", now=house.clock.now()))

    play(worker.tick("web"))

    assert (web.shows(SKUS[-1]), house.state("web", SKUS[-1]).wanted, house.letters("web")) == (7, 0, [])
