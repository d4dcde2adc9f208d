"""A channel that is mended is served at once, whatever we had decided to wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync import behind, claims, health, polling
from omnisync.sync.claims import Claimed
from omnisync.sync.rows import Key
from omnisync.sync.tables import ShownState
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True)


@pytest.fixture
def web(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("web", clock, CAN)


@pytest.fixture
def house(make_house: MakeHouse, web: FakeChannel, play: Play) -> House:
    """A shop that has been away so long that we wait five minutes between our tries, and is back now."""
    house = make_house((shop("web"), web))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP", stock=9)
    play(house.settle(rounds=2))
    assert web.shows("LAMP") == 5
    house.stock("LAMP", 3)
    web.faults.down = True
    for _ in range(8):
        play(house.tick())
        house.clock.advance(minutes=5)
    play(house.tick())
    web.faults.down = False
    house.clock.advance(seconds=1)
    play(house.tick())
    assert web.shows("LAMP") == 5
    return house


@pytest.mark.parametrize("write", [Write.ABSOLUTE, Write.COMPARE_AND_SET])
@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("sold", [0, 1])
def test_a_write_whose_worker_died_is_taken_for_no_sale(
    make_house: MakeHouse, clock: StoppedClock, play: Play, write: Write, arrived: bool, sold: int
) -> None:
    web = FakeChannel("web", clock, replace(CAN, write=write))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP", stock=9)
    play(house.settle(rounds=2))
    house.stock("LAMP", 6)

    def claim(session: Session) -> list[Claimed]:
        channel, now = house.channel("web"), clock.now()
        behind.compare_all(session, channel, now=now)
        return claims.claim(session, house.context, channel, [Key("id-LAMP", "")], now=now)

    [claimed] = house.within(claim)
    if arrived:
        play(web.publish([claimed.shown]))
    if sold:
        web.buy("LAMP", sold)
        play(polling.pull(house.context, house.channel("web")))
    house.stock("LAMP", 4)
    clock.advance(seconds=claims.IN_FLIGHT.total_seconds())
    play(house.settle(rounds=2))

    assert web.shows("LAMP") == 4 - sold
    [row] = house.rows(ShownState, channel="web", sku="LAMP")
    assert (row.believed, row.provisional, row.drift_since) == (4 - sold, 0, None)


def test_a_webhook_ends_the_wait(house: House, web: FakeChannel, play: Play) -> None:
    web.buy("LAMP")

    play(house.deliver("web"))
    play(house.tick())

    assert web.shows("LAMP") == 2


def test_a_channel_that_was_away_for_seconds_is_not_left_alone_for_minutes(
    house: House, web: FakeChannel, play: Play
) -> None:
    house.within(lambda session: health.resume(session, "web", now=house.clock.now()))
    play(house.settle(rounds=2))
    assert web.shows("LAMP") == 3
    web.faults.down = True
    for _ in range(8):  # each message says that somebody is there, so that it is tried again
        house.clock.advance(seconds=2)
        house.within(lambda session: health.heard(session, "web", now=house.clock.now()))
        house.stock("LAMP", 6)
        play(house.tick())
    web.faults.down = False

    house.clock.advance(minutes=1)
    play(house.tick())

    assert web.shows("LAMP") == 6


def test_resume_ends_the_wait(house: House, web: FakeChannel, play: Play) -> None:
    house.within(lambda session: health.resume(session, "web", now=house.clock.now()))

    play(house.tick())

    assert web.shows("LAMP") == 3


def test_sync_ends_the_wait(house: House, web: FakeChannel, play: Play) -> None:
    house.within(lambda session: behind.compare_all(session, house.channel("web"), now=house.clock.now()))

    play(house.tick())

    assert web.shows("LAMP") == 3


def test_a_channel_that_asked_for_time_gets_it(house: House, web: FakeChannel, play: Play) -> None:
    web.faults.rate_limit = 1
    house.clock.advance(minutes=6)
    play(house.tick())  # it says: not for 30 seconds
    web.buy("LAMP")
    play(house.deliver("web"))
    calls = len(web.calls)

    play(house.tick())
    assert len(web.calls) == calls
    house.clock.advance(seconds=31)
    play(house.tick())

    assert web.shows("LAMP") == 2


def test_a_look_that_worked_says_that_the_channel_is_back(house: House, web: FakeChannel, play: Play) -> None:
    house.within(lambda session: health.answered(session, "web", now=house.clock.now()))

    with_health = house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()))
    play(house.tick())

    assert (with_health.breaker, with_health.failures_in_row) == ("closed", 0)
    assert web.shows("LAMP") == 3
