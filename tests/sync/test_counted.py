"""What nobody has counted is not zero: no channel is emptied on its first day because the ledger knows nothing yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync import cases, health
from omnisync.sync.tables import Case
from omnisync.values import Kind
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

ABSOLUTE = Can(write=Write.ABSOLUTE, batch_size=2)
COMPARES = Can(write=Write.COMPARE_AND_SET, batch_size=2)
BLIND = Can(write=Write.ABSOLUTE, batch_size=2, looks=False)
NEW = ["A", "B", "C"]


def opened(make_house: MakeHouse, clock: StoppedClock, can: Can = ABSOLUTE, **more: Any) -> tuple[House, FakeChannel]:
    """A lamp that was counted, and three articles of which the shop knows the number and we do not."""
    house = make_house((shop("web", **more), web := FakeChannel("web", clock, can)))
    house.article("LAMP", *NEW)
    house.stock("LAMP", 9)
    for sku in ("LAMP", *NEW):
        web.offer(sku, stock=5)
    return house, web


def numbers(web: FakeChannel) -> list[int]:
    return [web.stock[f"id-{sku}", ""] for sku in NEW]


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARES, BLIND], ids=["absolute", "compares", "blind"])
def test_what_nobody_counted_keeps_its_number_and_is_one_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house, web = opened(make_house, clock, can)

    play(house.settle(rounds=3))

    [case] = house.cases("uncounted")
    assert (web.shows("LAMP"), numbers(web)) == (9, [5, 5, 5])
    assert (case.details["listings"], {one["sku"] for one in case.details["examples"]}) == (3, set(NEW))
    assert case.cause == "A, B, C"


def test_what_is_counted_is_shown_though_it_is_none_and_the_case_closes_by_itself(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = opened(make_house, clock)
    play(house.settle(rounds=2))

    house.stock("A", 0)
    house.stock("B", 2)
    play(house.settle(rounds=2))
    [open_one] = house.cases("uncounted")
    between = numbers(web)
    house.stock("C", 0)
    play(house.settle(rounds=2))

    assert (between, numbers(web)) == ([0, 2, 5], [0, 2, 0])
    [closed] = house.rows(Case, kind="uncounted")
    assert (closed.id, closed.closed_how) == (open_one.id, "mended")


def test_an_order_of_it_says_nothing_of_how_many_there_are(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = opened(make_house, clock)
    play(house.settle(rounds=2))

    web.buy("A")
    play(house.settle(rounds=2))

    assert house.level("A") == (0, 1)
    assert numbers(web) == [4, 5, 5]


def test_applying_the_case_sets_it_to_zero_for_good(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = opened(make_house, clock)
    play(house.settle(rounds=2))
    [case] = house.cases("uncounted")

    house.within(lambda session: cases.apply(session, case.id, by="ops", now=clock.now()))
    play(house.settle(rounds=2))
    web.edit("A", 3)
    play(house.tick("web"))
    clock.advance(hours=1)
    play(house.settle(rounds=4))

    assert numbers(web) == [0, 0, 0]
    assert house.cases("uncounted") == []


def test_going_live_against_our_advice_empties_nothing_either(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = opened(make_house, clock, shadow=True)
    play(house.settle(rounds=2))

    house.within(lambda session: health.go_live(session, "web", now=clock.now()))
    play(house.settle(rounds=3))

    assert (web.shows("LAMP"), numbers(web), len(house.cases("uncounted"))) == (9, [5, 5, 5], 1)


def test_a_bundle_waits_until_each_of_its_parts_was_counted(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = opened(make_house, clock)
    house.bundle("SET", {"LAMP": 1, "A": 1})
    web.offer("SET", stock=5)
    play(house.settle(rounds=2))
    before = web.shows("SET")

    house.stock("A", 3)
    play(house.settle(rounds=2))

    assert (before, web.shows("SET")) == (5, 3)


def test_what_came_in_and_was_sold_since_is_known_to_be_none(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = opened(make_house, clock)
    house.stock("A", 2, kind=Kind.RECEIVED, cause="delivery:1")
    house.stock("A", 2, kind=Kind.SOLD, cause="pos:1")

    play(house.settle(rounds=3))

    assert numbers(web) == [0, 5, 5]


@pytest.mark.parametrize("can", [ABSOLUTE, replace(ABSOLUTE, batch_size=50)], ids=["many calls", "one call"])
def test_the_blast_guard_looks_at_the_first_numbers_of_a_channel_too(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    """Nothing was written there before, so what is read there says what would be emptied."""
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    skus = [f"LAMP-{number:02}" for number in range(40)]
    house.article(*skus)
    house.stock(skus, 0)
    for sku in skus:
        web.offer(sku, stock=5)

    play(house.settle(rounds=3))

    [case] = house.cases("blast_zero")
    assert sum(web.shows(sku) == 5 for sku in skus) == case.details["listings"] >= 21
