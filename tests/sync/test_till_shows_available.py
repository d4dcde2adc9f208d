"""A till that shows what is available, and not what lies there, while bags wait at the pickup desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.orders import handing, handover, picking, placing
from omnisync.orders.customers import Person
from omnisync.orders.handing import ByCode
from omnisync.orders.pickup import Actor
from omnisync.worker import Worker
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_arrivals import violations

TILL = Can(write=Write.ABSOLUTE, batch_size=50, many_locations=True, shows="on_hand")
STAFF = Actor("Anna", "linden")


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock) -> House:
    """Five lamps; the till rings up what is paid when it is fetched."""
    till, web = FakeChannel("till", clock, TILL, places=("Kasse",)), FakeChannel("web", clock)
    at_till = shop("till", location_map={"Kasse": "linden"}, policy={"shows": "available"})
    made = make_house((at_till, till), (shop("web"), web))
    context = replace(made.context, ring_up=handover.ringing(made.context.settings))
    made = replace(made, context=context, worker=Worker(context, owner="test"))
    made.article("LAMP")
    made.stock("LAMP", 5)
    till.offer("LAMP", stock=5)
    web.offer("LAMP", stock=5)
    return made


def place(house: House, play: Play) -> placing.Placed:
    """Somebody reserves one to pay in the store, and it lies ready."""
    desk, now = house.context.desk, house.clock.now()
    assert desk is not None
    wish = placing.Wanted("linden", Person("Anna Schubert"), (placing.Line("LAMP", 1),))
    placed: placing.Placed = house.within(lambda session: placing.place(session, desk, wish, now=now))
    house.within(lambda session: picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=now))
    house.within(lambda session: picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=now))
    play(house.settle(rounds=2))
    return placed


def hand_over(house: House, placed: placing.Placed, play: Play) -> None:
    desk, now = house.context.desk, house.clock.now()
    assert desk is not None
    work = lambda session: handing.collect(session, desk, placed.pickup.id, ByCode(placed.code), actor=STAFF, now=now)  # noqa: E731
    house.within(work)
    play(house.settle(rounds=3))


def ring_up(house: House, play: Play) -> None:
    house.fakes["till"].buy("LAMP", place="Kasse", counter=True)
    play(house.settle(rounds=3))


def shown(house: House) -> tuple[int, int]:
    return house.fakes["till"].shows("LAMP", "Kasse"), house.fakes["web"].shows("LAMP")


@pytest.mark.parametrize("first", ["the till", "the desk"])
def test_a_held_piece_is_taken_off_once_and_its_own_sale_takes_off_none(house: House, play: Play, first: str) -> None:
    placed = place(house, play)
    held = shown(house)

    steps = [lambda: ring_up(house, play), lambda: hand_over(house, placed, play)]
    for step in steps if first == "the till" else reversed(steps):
        step()
        house.clock.advance(minutes=1)

    assert (held, shown(house), house.level("LAMP")) == ((4, 4), (4, 4), (4, 0))
    assert (house.letters("till"), violations(house)) == ([], {})


def test_until_the_bag_is_handed_over_a_receipt_may_be_anybodys_and_one_fewer_is_offered(
    house: House, play: Play
) -> None:
    placed = place(house, play)

    ring_up(house, play)
    between = shown(house), house.level("LAMP")
    hand_over(house, placed, play)

    assert between == ((3, 3), (4, 1))
    assert shown(house) == (4, 4)


def test_another_customer_takes_another_piece_while_the_bag_waits(house: House, play: Play) -> None:
    placed = place(house, play)

    ring_up(house, play)
    ring_up(house, play)
    hand_over(house, placed, play)

    assert (shown(house), house.level("LAMP")) == ((3, 3), (3, 0))
    assert violations(house) == {}
