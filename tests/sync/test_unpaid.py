"""Orders that nobody pays for give their pieces back once, in plain sight, and take them again when they are paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from omnisync import db
from omnisync.adapters.base import Can, OrderSeen, Outcome, Published, Write
from omnisync.clock import StoppedClock
from omnisync.stock import reservations
from omnisync.stock.invariants import STOCK_INVARIANTS
from omnisync.stock.tables import Movement, Reservation
from omnisync.sync import replay
from omnisync.sync.tables import EventPending
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50)


class Strict(FakeChannel):
    """A channel that wants its seller to cancel orders by hand."""

    async def tell(self, news: Any) -> list[Published]:
        await super().tell(news)
        orders = [self.orders[one.order_id] for one in news]
        wanted = Published(Outcome.ATTENTION, reason="Only the seller may cancel.", action="Cancel it at the channel.")
        return [Published(Outcome.APPLIED) if order.closed else wanted for order in orders]


@pytest.fixture
def web(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("web", clock, CAN)


@pytest.fixture
def house(make_house: MakeHouse, web: FakeChannel) -> House:
    return stocked(make_house((shop("web", policy={"unpaid_days": 3}), web)), web)


def stocked(house: House, web: FakeChannel) -> House:
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP", stock=5)
    return house


def unpaid(web: FakeChannel, quantity: int = 2) -> OrderSeen:
    return change(web, web.buy("LAMP", quantity), paid=False)


def change(web: FakeChannel, order: OrderSeen, **changes: Any) -> OrderSeen:
    later = web.clock.now() + timedelta(microseconds=1)
    web.orders[order.id] = replace(order, version=max(later, order.version), **changes)
    return web.orders[order.id]


def wait(house: House, play: Play, **time: float) -> None:
    house.clock.advance(**time)
    play(house.settle(rounds=2))


def violations(house: House) -> list[str]:
    with db.reading(house.engine) as session:
        return [found for invariant in STOCK_INVARIANTS for found in invariant(session)]


def released(house: House) -> list[tuple[int, str | None]]:
    return [(row.quantity, row.reason) for row in house.rows(Movement, kind="released")]


def test_an_unpaid_order_gives_its_pieces_back_once_and_everybody_sees_it(
    house: House, web: FakeChannel, play: Play
) -> None:
    order = unpaid(web)
    wait(house, play, minutes=1)
    assert (house.level("LAMP"), web.shows("LAMP")) == ((5, 2), 3)

    wait(house, play, days=2)
    assert house.level("LAMP") == (5, 2)
    wait(house, play, days=1)
    wait(house, play, days=1)

    assert (house.level("LAMP"), web.shows("LAMP")) == ((5, 0), 5)
    assert released(house) == [(2, "not paid in time")]
    [case] = house.cases("unpaid")
    assert case.details["reference"] == order.reference
    assert violations(house) == []


def test_the_case_closes_when_the_channel_has_cancelled_the_order(house: House, web: FakeChannel, play: Play) -> None:
    order = unpaid(web)
    wait(house, play, minutes=1)
    wait(house, play, days=4)

    change(web, order, closed=True, lines=(replace(order.lines[0], cancelled=2),))
    wait(house, play, hours=1)

    assert house.cases("unpaid") == []
    assert released(house) == [(2, "not paid in time")]


def test_an_order_that_is_paid_after_all_takes_its_pieces_again(house: House, web: FakeChannel, play: Play) -> None:
    order = unpaid(web)
    wait(house, play, minutes=1)
    wait(house, play, days=4)

    paid = change(web, order, paid=True)
    wait(house, play, hours=1)
    assert house.level("LAMP") == (5, 2)
    assert house.cases("unpaid") == []

    change(web, paid, lines=(replace(order.lines[0], shipped=2),))
    wait(house, play, days=4)
    assert house.level("LAMP") == (3, 0)
    assert violations(house) == []


def test_goods_that_are_sent_unpaid_leave_the_shelf_all_the_same(house: House, web: FakeChannel, play: Play) -> None:
    order = unpaid(web, 3)
    wait(house, play, minutes=1)
    wait(house, play, days=4)

    change(web, order, lines=(replace(order.lines[0], shipped=1),))
    wait(house, play, hours=1)
    wait(house, play, hours=1)

    assert house.level("LAMP") == (4, 0)
    assert violations(house) == []


def test_a_paid_order_keeps_its_pieces_for_ever(house: House, web: FakeChannel, play: Play) -> None:
    web.buy("LAMP", 2)
    wait(house, play, minutes=1)

    wait(house, play, days=30)

    assert house.level("LAMP") == (5, 2)


def test_nothing_is_given_back_while_nobody_can_know_whether_it_was_paid(
    house: House, web: FakeChannel, play: Play
) -> None:
    unpaid(web)
    wait(house, play, minutes=1)
    web.faults.down = True

    wait(house, play, days=10)

    assert house.level("LAMP") == (5, 2)


def test_the_hold_of_a_basket_that_became_an_unpaid_order_goes_with_it(
    house: House, web: FakeChannel, play: Play
) -> None:
    line = reservations.Line("LAMP", "linden", 2)
    wish = reservations.Request("r1", (line,), house.clock.now() + timedelta(hours=1), "web", "#1001")
    house.within(lambda session: reservations.reserve(session, [wish], now=house.clock.now()))
    order = unpaid(web)
    wait(house, play, minutes=1)
    assert house.level("LAMP") == (5, 2)

    wait(house, play, days=4)
    assert house.level("LAMP") == (5, 0)
    assert [row.state for row in house.rows(Reservation)] == ["released"]
    change(web, order, paid=True)
    wait(house, play, hours=1)

    assert house.level("LAMP") == (5, 2)
    assert violations(house) == []


def test_a_channel_that_can_be_told_is_told_until_it_has_cancelled(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = Strict("web", clock, replace(CAN, tells_pickups=True))
    house = stocked(make_house((shop("web", policy={"unpaid_days": 3}), web)), web)
    order = unpaid(web)
    wait(house, play, minutes=1)

    wait(house, play, days=4)
    assert [(news.kind, news.order_id, list(news.lines)) for news in web.told] == [
        ("expired", order.id, [(order.lines[0].id, 2)])
    ]
    [letter] = house.letters("web")
    assert letter.action == "Cancel it at the channel."

    change(web, order, closed=True, lines=(replace(order.lines[0], cancelled=2),))
    wait(house, play, hours=2)
    assert house.letters("web") == []
    assert house.cases("unpaid") == []


@pytest.mark.parametrize(("decision", "told"), [(replay.replay, 3), (replay.discard, 2)])
def test_a_person_may_have_it_told_again_or_no_more(
    make_house: MakeHouse, clock: StoppedClock, play: Play, decision: Any, told: int
) -> None:
    web = Strict("web", clock, replace(CAN, tells_pickups=True))
    house = stocked(make_house((shop("web", policy={"unpaid_days": 3}), web)), web)
    unpaid(web)
    wait(house, play, minutes=1)
    wait(house, play, days=4)
    wait(house, play, hours=1)
    [letter] = house.letters("web")

    more = [house.context] if decision is replay.replay else []
    house.within(lambda session: decision(session, *more, letter.id, now=clock.now()))
    wait(house, play, minutes=1)

    assert len(web.told) == told


def test_the_release_is_announced(house: House, web: FakeChannel, play: Play) -> None:
    unpaid(web)
    wait(house, play, minutes=1)
    wait(house, play, days=4)

    told = [row.body for row in house.rows(EventPending) if row.kind == "channel.order_released"]

    assert [(body["reference"], body["pieces"]) for body in told] == [("#1001", 2)]
