"""An order whose number is missing between others is asked for by that number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from omnisync.adapters.base import Can, Fact, Page, Write
from omnisync.clock import StoppedClock
from omnisync.errors import TryLater
from omnisync.orders.tables import ChannelOrder
from omnisync.sync import holes
from omnisync.sync.tables import EventPending
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

NUMBERED = Can(write=Write.ABSOLUTE, batch_size=50, finds_orders=True)


class Absent(FakeChannel):
    """A channel whose list of orders leaves some out, though it has them."""

    def __init__(self, name: str, clock: StoppedClock, can: Can = NUMBERED) -> None:
        super().__init__(name, clock, can)
        self.unlisted: set[str] = set()
        self.asked: list[list[str]] = []

    async def pull(self, cursor: str | None, *, now: object) -> Page:
        page = await super().pull(cursor, now=now)  # type: ignore[arg-type]
        return Page([one for one in page.facts if getattr(one, "id", "") not in self.unlisted], page.cursor)

    async def find(self, references: Sequence[str]) -> Sequence[Fact]:
        self._call("find")
        self.asked.append(list(references))
        return [order for order in self.orders.values() if order.reference in references]


@pytest.fixture
def web(clock: StoppedClock) -> Absent:
    return Absent("web", clock)


@pytest.fixture
def house(make_house: MakeHouse, web: Absent, play: Play) -> House:
    made = make_house((shop("web"), web))
    made.article("LAMP")
    made.stock("LAMP", 50)
    web.offer("LAMP", stock=50)
    play(made.tick())
    return made


def known(house: House) -> list[str]:
    return sorted(order.reference for order in house.rows(ChannelOrder))


def later(house: House, play: Play) -> None:
    house.clock.advance(minutes=16)
    play(house.tick())


def test_an_order_that_no_list_names_is_fetched_by_its_number_and_booked_once(
    house: House, web: Absent, play: Play
) -> None:
    lost = [web.buy("LAMP") for _ in range(4)][1:3]
    web.unlisted = {order.id for order in lost}
    play(house.tick())
    later(house, play)

    assert web.asked == [["#1002", "#1003"]]
    assert known(house) == ["#1001", "#1002", "#1003", "#1004"]
    assert house.level("LAMP") == (50, 4)
    assert [row.body for row in house.rows(EventPending) if row.kind == "channel.gap_filled"] == [
        {"channel": "web", "orders": ["#1002", "#1003"]}
    ]

    web.unlisted = set()
    play(house.worker.tick("web", full=True))
    later(house, play)
    assert (web.asked, house.level("LAMP")) == ([["#1002", "#1003"]], (50, 4))


def test_a_number_that_was_never_given_is_asked_for_once_and_a_new_count_is_no_hole(
    house: House, web: Absent, play: Play
) -> None:
    web.buy("LAMP")
    web._next_order = 1004
    web.buy("LAMP")
    web._next_order = 1004 + holes.WIDEST + 2
    web.buy("LAMP")
    for _ in range(3):
        later(house, play)

    assert web.asked == [["#1002", "#1003"]]

    web._next_order += 1  # a hole beside those that were asked for
    web.buy("LAMP")
    for _ in range(2):
        later(house, play)
    assert web.asked[1:] == [["#1027"]]


def test_an_order_may_take_its_time_and_numbers_may_have_zeros_and_words(house: House, web: Absent, play: Play) -> None:
    for number in ("WEB-0098/A", "WEB-0098", "WEB-0100", "B7", "B9", "ohne"):
        order = web.buy("LAMP")
        web.orders[order.id] = replace(order, reference=number)
    play(holes.fill(house.context, house.channel("web")))
    house.clock.advance(seconds=1)
    play(house.tick())
    assert web.asked == []

    later(house, play)

    assert web.asked == [["B8", "WEB-0099"]]


def test_what_could_not_be_asked_is_asked_again(house: House, web: Absent, play: Play) -> None:
    lost = [web.buy("LAMP") for _ in range(3)][1]
    web.unlisted = {lost.id}
    house.clock.advance(minutes=6)
    play(house.tick())
    web.faults.down = True
    with pytest.raises(TryLater):
        play(holes.fill(house.context, house.channel("web")))

    web.faults.down = False
    play(holes.fill(house.context, house.channel("web")))

    assert known(house) == ["#1001", "#1002", "#1003"]


def test_nobody_is_asked_who_cannot_be(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    web = Absent("web", clock, replace(NUMBERED, finds_orders=False))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    web.offer("LAMP", stock=5)
    lost = [web.buy("LAMP") for _ in range(3)][1]
    web.unlisted = {lost.id}
    for _ in range(2):
        later(house, play)

    assert (web.asked, known(house)) == ([], ["#1001", "#1003"])
