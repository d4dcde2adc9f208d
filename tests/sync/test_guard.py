"""A mistake in the office empties or reprices no channel before a person has looked at it."""

from __future__ import annotations

from typing import Any

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import StoppedClock
from omnisync.errors import Conflict, NotFound
from omnisync.stock import ledger, reservations
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Line, Request
from omnisync.sync import cases, reconcile
from omnisync.sync.rows import Key
from omnisync.values import Kind, Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

SKUS = [f"LAMP-{number:02}" for number in range(40)]
FIVE_ARE_MANY = {"blast_zero_least": 5}
CAN = Can(write=Write.ABSOLUTE, batch_size=50, prices=True, price_with_stock=True)


def full_shop(make_house: MakeHouse, clock: StoppedClock, play: Play, **policy: Any) -> tuple[House, FakeChannel]:
    """Forty lamps, seven of each, all shown."""
    house = make_house((shop("web", policy=policy), web := FakeChannel("web", clock, CAN)))
    house.article(*SKUS)
    for sku in SKUS:
        web.offer(sku)
    house.stock(SKUS, 7)
    play(house.settle(rounds=1))
    assert {web.shows(sku) for sku in SKUS} == {7}
    return house, web


def empty(house: House, skus: list[str], kind: Kind = Kind.COUNT) -> None:
    house.stock(skus, 0 if kind is Kind.COUNT else 7, kind=kind, cause="import:77/linden")


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


def test_what_is_emptied_one_by_one_counts_together(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = full_shop(make_house, clock, play)

    for sku in SKUS[:25]:
        empty(house, [sku])
        play(house.settle(rounds=1))

    [case] = house.cases("blast_zero")
    assert [web.shows(sku) for sku in SKUS] == [0] * 19 + [7] * 21
    assert (case.details["listings"], case.details["zero_already"]) == (6, SKUS[:19])
    assert case.title == "25 listings would go to zero within 30 minutes: 6 wait, 19 show zero already"
    assert "import:77 (25 movements)" in case.cause


def test_what_was_emptied_half_an_hour_ago_no_longer_counts(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play, **FIVE_ARE_MANY)

    for sku in SKUS[:8]:
        empty(house, [sku])
        play(house.settle(rounds=1))
        clock.advance(minutes=8)

    assert {web.shows(sku) for sku in SKUS[:8]} == {0}
    assert house.cases("blast_zero") == []


def test_what_was_filled_again_no_longer_counts(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = full_shop(make_house, clock, play, **FIVE_ARE_MANY)

    for sku in SKUS[:8]:
        empty(house, [sku])
        play(house.settle(rounds=1))
        house.stock(sku, 3, cause="import:78/linden")
        play(house.settle(rounds=1))
        house.stock(sku, 3, kind=Kind.SOLD, cause="pos:1")
        play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS[:8]} == {0}
    assert house.cases("blast_zero") == []


def test_a_released_case_does_not_make_the_next_empty_shelf_a_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play)
    empty(house, SKUS[:25])
    play(house.settle(rounds=1))
    [case] = house.cases("blast_zero")
    house.within(lambda session: cases.apply(session, case.id, by="ops", now=clock.now()))
    play(house.settle(rounds=1))

    empty(house, SKUS[25:30])
    play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS[:30]} == {0}
    assert house.cases("blast_zero") == []


def test_a_busy_saturday_sells_out_the_shop_without_a_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play, **FIVE_ARE_MANY)

    for number, sku in enumerate(SKUS[:10]):
        house.stock(sku, 4, kind=Kind.SOLD, cause=f"pos:{number}")
        play(house.settle(rounds=1))
        held(house, sku, 2)
        web.buy(sku)
        play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS[:10]} == {0}
    assert house.cases("blast_zero") == []


def test_a_till_that_tells_its_level_before_its_sale_has_sold(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = full_shop(make_house, clock, play, **FIVE_ARE_MANY)

    for number, sku in enumerate(SKUS[:8]):
        house.stock(sku, 6, kind=Kind.SOLD, cause=f"pos:{number}")
        play(house.settle(rounds=1))
        sold_at = clock.now()
        house.stock(sku, 0, cause=f"till:level/{number}")
        play(house.tick("web"))
        told = Entry(Kind.SOLD, sku, "linden", 1, f"till:{number}", sold_at)
        house.within(lambda session, told=told: ledger.record(session, [told], now=clock.now()))
        play(house.settle(rounds=1))

    assert {house.level(sku) for sku in SKUS[:8]} == {(0, 0)}
    assert {web.shows(sku) for sku in SKUS[:8]} == {0}
    assert house.cases("blast_zero") == []


def test_what_another_channel_seems_to_have_sold_is_not_taken_for_an_import(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house(
        (shop("web", policy=FIVE_ARE_MANY), web := FakeChannel("web", clock, CAN)),
        (shop("market"), market := FakeChannel("market", clock, CAN)),
    )
    house.article(*SKUS)
    for sku in SKUS[:10]:
        web.offer(sku)
        market.offer(sku)
        house.stock(sku, 1)
    play(house.settle(rounds=1))

    for sku in SKUS[:8]:
        market.edit(sku, 0)  # sold there; the order is told late
        play(looked_at(house, "market", sku))
        play(house.settle(rounds=1))

    assert {web.shows(sku) for sku in SKUS[:8]} == {0}
    assert house.cases("blast_zero") == []


def held(house: House, sku: str, pieces: int) -> None:
    wish = Request(f"hold-{sku}", (Line(sku, "linden", pieces),), None)
    house.within(lambda session: reservations.reserve(session, [wish], now=house.clock.now()))


async def looked_at(house: House, name: str, sku: str) -> None:
    """Its level there is read back."""
    await reconcile.look(house.context, house.channel(name), [Key(f"id-{sku}", "")])


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
