"""What happened before a channel was connected moves no stock and opens no case; what is still to be sent is promised."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine
from sqlmodel import select

from omnisync import db
from omnisync.adapters.base import Article, Can, Counted, Delivered, OrderLine, OrderSeen, Restock, Sale, Write
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.stock.invariants import STOCK_INVARIANTS
from omnisync.stock.tables import Movement
from omnisync.sync.tables import Case, DeadLetter
from tests.adapters.square import rig as square
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_subscribing import worker_of

CAN = Can(write=Write.ABSOLUTE, batch_size=50)


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture
def web(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("web", clock, CAN)


@pytest.fixture
def house(make_house: MakeHouse, web: FakeChannel) -> House:
    house = make_house((shop("web"), web))
    house.article("LAMP")
    house.stock("LAMP", 10)
    web.offer("LAMP", stock=8)
    return house


def lamps(quantity: int, **done: object) -> OrderLine:
    return OrderLine("1", Article(sku="LAMP"), quantity, **done)  # type: ignore[arg-type]


def order_of(web: FakeChannel, days_ago: float, line: OrderLine, **more: object) -> OrderSeen:
    at = web.clock.now() - timedelta(days=days_ago)
    number = str(len(web.orders) + 1)
    web.orders[number] = OrderSeen(number, f"#{number}", at, at, (line,), **more)  # type: ignore[arg-type]
    return web.orders[number]


def later(web: FakeChannel, order: OrderSeen, line: OrderLine, **more: object) -> None:
    web.orders[order.id] = replace(order, version=web.clock.now(), lines=(line,), **more)  # type: ignore[arg-type]


def first_day(house: House, play: Play) -> None:
    play(house.settle(rounds=1))
    house.clock.advance(minutes=5)


def violations(house: House) -> list[str]:
    with db.reading(house.engine) as session:
        return [found for invariant in STOCK_INVARIANTS for found in invariant(session)]


def test_orders_of_before_that_are_done_move_nothing(house: House, web: FakeChannel, play: Play) -> None:
    order_of(web, 30, lamps(2, shipped=2), closed=True)
    order_of(web, 20, lamps(1), counter=True)
    order_of(web, 10, lamps(3, shipped=3, restocks=(Restock("r1", 1),)), closed=True)
    order_of(web, 200, lamps(4, shipped=4), closed=True)

    first_day(house, play)

    assert house.level("LAMP") == (10, 0)
    assert house.letters("web") == []
    assert violations(house) == []


def test_orders_of_before_that_are_open_are_promises_and_go_their_way(
    house: House, web: FakeChannel, play: Play
) -> None:
    order = order_of(web, 3, lamps(3, shipped=1))
    first_day(house, play)
    assert house.level("LAMP") == (10, 2)
    assert web.shows("LAMP") == 8

    later(web, order, lamps(3, shipped=3))
    play(house.settle(rounds=2))
    assert house.level("LAMP") == (8, 0)

    later(web, order, lamps(3, shipped=3, restocks=(Restock("r1", 1),)))
    play(house.settle(rounds=2))
    assert house.level("LAMP") == (9, 0)
    assert violations(house) == []


def test_what_comes_back_after_the_first_day_is_booked_even_if_it_was_sold_before(
    house: House, web: FakeChannel, play: Play
) -> None:
    old = Restock("r1", 1)
    order = order_of(web, 3, lamps(3, restocks=(old,)), counter=True)
    first_day(house, play)
    assert house.level("LAMP") == (10, 0)

    later(web, order, lamps(3, restocks=(old, Restock("r2", 1))))
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (11, 0)


def test_an_unknown_line_of_before_is_as_old_when_it_is_mapped(house: House, web: FakeChannel, play: Play) -> None:
    order_of(web, 3, OrderLine("1", Article(sku="VASE"), 3, shipped=2))
    first_day(house, play)
    assert len(house.letters("web")) == 1

    house.article("VASE")
    house.stock("VASE", 5)
    house.clock.advance(hours=1)
    play(house.settle(rounds=2))

    assert house.letters("web") == []
    assert house.level("VASE") == (5, 1)


def test_sales_counts_and_deliveries_of_before_move_nothing_and_open_no_case(
    house: House, web: FakeChannel, play: Play
) -> None:
    at, lamp = web.clock.now() - timedelta(days=1), Article(sku="LAMP")
    web.facts = [Sale("s1", lamp, 2, at), Counted("c1", lamp, 99, at), Delivered("d1", lamp, 5, at)]
    first_day(house, play)
    assert house.level("LAMP") == (10, 0)
    assert (house.cases("drift"), house.letters("web")) == ([], [])

    web.facts = [Sale("s2", lamp, 2, web.clock.now())]
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (8, 0)


def test_the_first_day_is_the_first_that_succeeded(house: House, web: FakeChannel, play: Play) -> None:
    web.faults.down = True
    first_day(house, play)
    house.clock.advance(hours=1)
    order_of(web, 0.02, lamps(2), counter=True)
    web.faults.down = False

    play(house.settle(rounds=2))
    assert house.level("LAMP") == (10, 0)
    order_of(web, 0, lamps(1), counter=True)
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (9, 0)


@pytest.mark.parametrize("ahead", [timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_clock_that_goes_wrong_makes_no_history_of_what_is_sold_and_no_sale_of_history(
    house: House, web: FakeChannel, play: Play, ahead: timedelta
) -> None:
    web.their_clock.ahead = ahead
    order_of(web, 0, lamps(1), counter=True)  # five minutes before the channel is connected
    web.orders["1"] = replace(web.orders["1"], placed_at=house.clock.now() + ahead)
    house.clock.advance(minutes=5)
    first_day(house, play)
    assert house.level("LAMP") == (10, 0)

    order_of(web, 0, lamps(2), counter=True)  # five minutes after it was
    sold_at = house.clock.now()
    web.orders["2"] = replace(web.orders["2"], placed_at=sold_at + ahead)
    web.facts = [Sale("s1", Article(sku="LAMP"), 3, sold_at + ahead)]
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (5, 0)
    assert {row.occurred_at for row in house.rows(Movement, kind="sold")} == {sold_at}
    assert (house.letters("web"), violations(house)) == ([], [])


def test_a_clock_that_is_hours_wrong_is_not_believed(house: House, web: FakeChannel, play: Play) -> None:
    web.their_clock.ahead = timedelta(hours=-5)
    order_of(web, 0.1, lamps(2), counter=True)

    first_day(house, play)

    assert house.level("LAMP") == (10, 0)


def test_what_a_channel_tells_in_whole_seconds_is_not_older_than_it_is(
    house: House, web: FakeChannel, play: Play
) -> None:
    told = house.clock.now().replace(microsecond=0)
    house.clock.set(told.replace(microsecond=40_000))
    play(house.settle(rounds=1))

    web.orders["1"] = OrderSeen("1", "#1", told, told, (lamps(1, shipped=1),), closed=True)
    web.orders["2"] = OrderSeen("2", "#2", told, told, (lamps(2),), counter=True)
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (7, 0)
    assert violations(house) == []


def test_an_adapter_may_say_from_when_on_its_history_counts(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = FakeChannel("web", clock, replace(CAN, since=clock.now() - timedelta(days=2)))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    order_of(web, 3, lamps(2), counter=True)
    order_of(web, 1, lamps(1), counter=True)

    play(house.settle(rounds=1))

    [row] = house.rows(Movement, kind="sold")
    assert row.quantity == 1


@pytest.mark.anyio
async def test_the_years_before_of_a_square_account_are_neither_read_nor_booked(
    engine: Engine, clock: StoppedClock, ids: Ids
) -> None:
    world = square.RIG.open(Tools(clock, ids, random.Random(7)))
    world.sell(world.targets[0], 1)
    clock.advance(hours=24 * 200)
    world.sell(world.targets[0], 2)
    clock.advance(hours=24)
    adapter = square.an_adapter(Tools(clock, ids, random.Random(7), world.channel))
    worker = worker_of(engine, clock, ids, adapter, "square", square.PLACES)

    await worker.tick("contract")

    with db.reading(engine) as session:
        assert session.exec(select(Movement).where(Movement.kind == "sold")).all() == []
        assert session.exec(select(Case)).all() == []
        letters = session.exec(select(DeadLetter).where(DeadLetter.kind == "line")).all()
    assert len(letters) <= 1  # the recent sale of an article nobody imported; the older one was not even read
