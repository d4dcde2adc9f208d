"""A mistake in the office empties or reprices no channel before a person has looked at it."""

from __future__ import annotations

from typing import Any

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import StoppedClock
from omnisync.errors import Conflict, NotFound
from omnisync.sync import cases
from omnisync.values import Kind, Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

SKUS = [f"LAMP-{number:02}" for number in range(40)]
CAN = Can(write=Write.ABSOLUTE, batch_size=50, prices=True, price_with_stock=True)


def full_shop(make_house: MakeHouse, clock: StoppedClock, play: Play, **policy: Any) -> tuple[House, FakeChannel]:
    """Forty lamps, seven of each, all shown."""
    house = make_house((shop("web", policy=policy), web := FakeChannel("web", clock, CAN)))
    house.article(*SKUS)
    for sku in SKUS:
        web.offer(sku)
        house.stock(sku, 7)
    play(house.settle(rounds=1))
    assert {web.shows(sku) for sku in SKUS} == {7}
    return house, web


def empty(house: House, skus: list[str], kind: Kind = Kind.COUNT) -> None:
    for sku in skus:
        house.stock(sku, 0 if kind is Kind.COUNT else 7, kind=kind, cause="import:77/linden")


def test_an_import_that_empties_half_the_shop_waits_as_one_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play)

    empty(house, SKUS[:20])
    play(house.settle(rounds=2))
    empty(house, SKUS[20:30])
    play(house.settle(rounds=2))

    [case] = house.cases("blast_zero")
    assert case.details["listings"] == 30
    assert "import:77" in case.cause
    assert {web.shows(sku) for sku in SKUS} == {7}


def test_applying_the_case_releases_exactly_what_waited(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = full_shop(make_house, clock, play)
    empty(house, SKUS[:25])
    play(house.settle(rounds=1))
    [case] = house.cases("blast_zero")

    house.within(lambda session: cases.apply(session, case.id, by="ops", now=clock.now()))
    play(house.settle(rounds=1))

    assert [web.shows(sku) for sku in SKUS] == [0] * 25 + [7] * 15
    assert house.cases("blast_zero") == []


def test_dismissing_keeps_what_is_shown_until_the_ledger_wants_something_else(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play)
    empty(house, SKUS[:25])
    play(house.settle(rounds=1))
    [case] = house.cases("blast_zero")

    house.within(lambda session: cases.dismiss(session, case.id, by="ops", now=clock.now()))
    play(house.settle(rounds=3))
    assert house.cases("blast_zero") == []
    assert web.shows(SKUS[0]) == 7

    house.stock(SKUS[0], 5)
    play(house.settle(rounds=1))

    assert web.shows(SKUS[0]) == 5
    assert web.shows(SKUS[1]) == 7


def test_what_buyers_emptied_is_shown_empty_however_much_it_is(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play)

    empty(house, SKUS, kind=Kind.SOLD)
    play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS} == {0}
    assert house.cases("blast_zero") == []


def test_a_few_empty_shelves_are_no_case(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = full_shop(make_house, clock, play)

    empty(house, SKUS[:19])
    play(house.settle(rounds=1))

    assert web.shows(SKUS[0]) == 0
    assert house.cases("blast_zero") == []


def test_the_guard_can_be_switched_off(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = full_shop(make_house, clock, play, blast_guard=False)

    empty(house, SKUS)
    play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS} == {0}


@pytest.mark.parametrize(("cents", "waits"), [(1400, False), (690, True), (2700, True)])
def test_a_price_that_jumps_waits_for_a_person(
    make_house: MakeHouse, clock: StoppedClock, play: Play, cents: int, waits: bool
) -> None:
    house, web = full_shop(make_house, clock, play)
    price(house, SKUS[0], 1999)
    play(house.settle(rounds=1))
    assert web.prices[f"id-{SKUS[0]}"] == Money(1999, "EUR")

    price(house, SKUS[0], cents)
    house.stock(SKUS[1], 3)
    play(house.settle(rounds=1))

    assert bool(house.cases("blast_price")) is waits
    assert web.prices[f"id-{SKUS[0]}"] == Money(1999 if waits else cents, "EUR")
    assert web.shows(SKUS[1]) == 3


def price(house: House, sku: str, cents: int) -> None:
    at = house.clock.advance(seconds=1)
    said = BasePrice(sku, Money(cents, "EUR"), valid_from=at)
    house.within(lambda session: pricelist.set_price(session, said, ids=house.ids, now=at))


def test_a_case_is_decided_once(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, _ = full_shop(make_house, clock, play)
    empty(house, SKUS)
    play(house.settle(rounds=1))
    [case] = house.cases("blast_zero")
    house.within(lambda session: cases.apply(session, case.id, by="ops", now=clock.now()))

    with pytest.raises(Conflict) as again:
        house.within(lambda session: cases.dismiss(session, case.id, by="ops", now=clock.now()))
    with pytest.raises(NotFound):
        house.within(lambda session: cases.apply(session, "nothing", by="ops", now=clock.now()))

    assert again.value.code == "already-closed"
