"""Since when a listing waits: since the change that made its number wrong, and not since an older one that changed nothing there."""

from __future__ import annotations

from datetime import datetime, timedelta

from omnisync import db
from omnisync.adapters.base import Can, Write
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import StoppedClock
from omnisync.sync import health
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.tables import Cursor, Sent
from omnisync.values import Kind, Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

TOGETHER = Can(write=Write.ABSOLUTE, batch_size=50, prices=True, price_with_stock=True)
LONG = timedelta(minutes=10)
ROUND = timedelta(seconds=31)


def say(house: House, cents: int) -> datetime:
    """A new price; since when it stands."""
    at = house.clock.advance(seconds=1)
    house.within(
        lambda session: pricelist.set_price(session, BasePrice("LAMP", Money(cents, "EUR")), ids=house.ids, now=at)
    )
    return at


def capped(make_house: MakeHouse, clock: StoppedClock, play: Play) -> tuple[House, FakeChannel]:
    """A marketplace that shows three lamps at most and takes prices with the stock, long after one of twenty was sold: which changed
    nothing there."""
    house = make_house((shop("web", policy={"max_listed": 3}), web := FakeChannel("web", clock, TOGETHER)))
    house.article("LAMP")
    house.stock("LAMP", 20)
    web.offer("LAMP")
    say(house, 1999)
    play(house.settle(rounds=2))
    house.stock("LAMP", 1, kind=Kind.SOLD)
    play(house.settle(rounds=1))
    wait(house, play)
    return house, web


def wait(house: House, play: Play) -> None:
    """A quiet while in which the worker goes on."""
    for _ in range(LONG // ROUND):
        play(house.settle(rounds=1))


def of_web(house: House) -> Health:
    """How the channel is doing."""
    found: Health = house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()))
    return found


def last_sent(house: House) -> Sent:
    """What was written there last."""
    return max(house.rows(Sent, channel="web"), key=lambda sent: sent.sent_at)


def test_a_new_price_waits_since_it_was_said_and_not_since_a_sale_that_changed_no_number_there(
    make_house: MakeHouse, clock: StoppedClock, play: Play
):
    house, web = capped(make_house, clock, play)

    said_at = say(house, 1799)
    play(house.tick())

    assert (web.shows("LAMP"), web.prices["id-LAMP"]) == (3, Money(1799, "EUR"))
    assert last_sent(house).changed_at == said_at


def test_a_channel_that_is_away_is_not_late_at_once_because_its_price_changes(
    make_house: MakeHouse, clock: StoppedClock, play: Play
):
    house, web = capped(make_house, clock, play)
    web.faults.down = True

    said_at = say(house, 1799)
    play(house.tick())

    assert of_web(house).queued == 1
    assert of_web(house).lag_seconds == (clock.now() - said_at).total_seconds() < LATE_AFTER_SECONDS


def test_a_new_listing_waits_since_it_is_one_and_not_since_its_article_was_counted(
    make_house: MakeHouse, clock: StoppedClock, play: Play
):
    house, web = capped(make_house, clock, play)
    house.article("VASE")
    house.stock("VASE", 2)
    wait(house, play)

    web.offer("VASE")
    clock.advance(hours=1)
    listed_at = clock.now()
    play(house.settle(rounds=2))

    assert web.shows("VASE") == 2
    changed_at = last_sent(house).changed_at
    assert changed_at is not None
    assert changed_at >= listed_at


def test_what_was_sold_while_no_worker_worked_waits_since_it_was_sold(
    make_house: MakeHouse, clock: StoppedClock, play: Play
):
    house, web = capped(make_house, clock, play)
    house.stock("LAMP", 18, kind=Kind.SOLD)
    sold_at = clock.now()
    clock.advance(minutes=20)

    play(house.settle(rounds=1))

    assert web.shows("LAMP") == 1
    assert last_sent(house).changed_at == sold_at


def test_a_number_that_changes_because_another_channel_seems_to_have_sold_waits_since_that(
    make_house: MakeHouse, clock: StoppedClock, play: Play
):
    plain = Can(write=Write.ABSOLUTE, batch_size=50)
    web, market = FakeChannel("web", clock, plain), FakeChannel("market", clock, plain)
    house = make_house((shop("web", policy={"max_listed": 3}), web), (shop("market"), market))
    house.article("LAMP")
    house.stock("LAMP", 20)
    web.offer("LAMP")
    market.offer("LAMP")
    play(house.settle(rounds=2))
    house.stock("LAMP", 1, kind=Kind.SOLD)  # web shows three before and after
    wait(house, play)

    began = clock.now()
    with db.transaction(house.engine) as session:
        state = session.merge(house.state("market", "LAMP"))
        state.provisional, state.provisional_at = 17, clock.advance(seconds=1)
        assert session.get(Cursor, ("web", "balances")) is not None
    play(house.tick("web"))

    assert web.shows("LAMP") == 2
    changed_at = last_sent(house).changed_at
    assert changed_at is not None
    assert changed_at >= began
