"""Goods that came back are counted once, whether their return was told with the receipt, without it, or both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from omnisync.adapters.base import Article, Delivered, Fact, OrderLine, OrderSeen, Restock, Sale
from omnisync.clock import StoppedClock
from omnisync.pages import ops_words
from omnisync.sync.tables import Case
from tests.sync.conftest import MakeHouse
from tests.sync.house import House
from tests.sync.test_facts import bundle, tell, till

LAMP = Article(sku="LAMP")


def receipt(house: House, *restocks: Restock, sold: int = 3, sku: str = "LAMP", minutes: float = 0.0) -> OrderSeen:
    """A counter sale with what came back of it so far."""
    at = house.clock.now()
    line = OrderLine("1", Article(sku=sku), sold, shipped=sold, restocks=restocks, place="Kasse 1")
    return OrderSeen("R-1", "#R-1", at + timedelta(minutes=minutes), at, (line,), counter=True, closed=True)


def restock(number: str, quantity: int = 1) -> Restock:
    return Restock(number, quantity, "Kasse 1", told_as=f"adjustment:{number}")


def loose(house: House, number: str, quantity: int = 1, *, sku: str = "LAMP", minutes: float = 0.0) -> Sale:
    """The same adjustment, told while nobody knew its order."""
    at = house.clock.now() + timedelta(minutes=minutes)
    return Sale(f"adjustment:{number}", Article(sku=sku), -quantity, at, "Kasse 1")


def after(house: House, *told: Fact) -> int:
    """What lies there after these facts, each told by itself."""
    for fact in told:
        assert tell(house, fact) == 0
    return house.level("LAMP")[0]


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock) -> House:
    """A till with ten lamps, of which it sells three."""
    return till(make_house, clock)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_return_told_both_ways_is_one_return_in_every_order(house: House, order: Sequence[int]) -> None:
    told = [receipt(house, restock("A")), loose(house, "A"), receipt(house, restock("A"), minutes=5)]

    there = after(house, receipt(house), *(told[at] for at in order))

    assert there == 10 - 3 + 1


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_of_more_pieces_than_the_receipt_knows_the_rest_came_back_too(house: House, first: str) -> None:
    with_receipt, without = receipt(house, restock("A", 2), sold=1), loose(house, "A", 2)

    there = after(house, *((with_receipt, without) if first == "receipt" else (without, with_receipt)))

    assert there == 10 - 1 + 2


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_the_parts_of_a_bundle_come_back_once(house: House, first: str) -> None:
    house.article("BULB")
    house.stock("BULB", 10)
    bundle(house, "SET", {"LAMP": 1, "BULB": 2})
    with_receipt = receipt(house, restock("A"), sold=1, sku="SET")
    without = loose(house, "A", sku="SET")

    after(house, *((with_receipt, without) if first == "receipt" else (without, with_receipt)))

    assert (house.level("LAMP")[0], house.level("BULB")[0]) == (10, 10)


def test_where_the_till_owns_the_stock_the_same_holds_for_goods_booked_in(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock, owns=True)
    moved = Delivered("adjustment:A", LAMP, 1, clock.now(), "Kasse 1", "returned")
    other = replace(moved, key="adjustment:B")

    there = after(house, receipt(house), moved, receipt(house, restock("A"), restock("B"), minutes=5), other)

    assert there == 10 - 3 + 2


def test_different_returns_each_count(house: House) -> None:
    there = after(house, receipt(house, restock("A")), loose(house, "B", 2))

    assert there == 10 - 3 + 1 + 2
    assert house.cases("double_return") == []


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_two_returns_that_may_be_the_same_piece_are_a_case_and_no_guess(house: House, first: str) -> None:
    with_receipt, without = receipt(house, restock("A"), minutes=4), loose(house, "B", minutes=1)
    told = (with_receipt, without) if first == "receipt" else (without, with_receipt)

    there = after(house, receipt(house), *told, *told)

    assert there == 10 - 3 + 2
    [case] = house.rows(Case, kind="double_return")
    assert "LAMP" in ops_words.case_words(case)[0]
    assert {"LAMP", "linden", "R-1"} <= {case.details["sku"], case.details["location"], case.details["order"]}


def test_returns_that_lie_hours_apart_are_two(house: House) -> None:
    house.clock.advance(hours=3)
    early = loose(house, "B", minutes=-120)

    after(house, receipt(house, restock("A")), early)

    assert house.cases("double_return") == []
