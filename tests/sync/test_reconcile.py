"""Channels show what the ledger says, whatever happens on the way."""

from __future__ import annotations

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync.tables import Conflict, Sent
from omnisync.values import Kind
from tests.sync.conftest import ABSOLUTE, MakeHouse, Play, two_shops, with_lamp
from tests.sync.fakes import FakeChannel
from tests.sync.house import shop

COMPARING = Can(write=Write.COMPARE_AND_SET, batch_size=50, webhooks=True)
ALLOCATING = Can(write=Write.ABSOLUTE, batch_size=50, allocates=True)


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING, ALLOCATING], ids=["blind", "comparing", "allocating"])
def test_what_is_sold_in_one_place_disappears_everywhere_else(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = two_shops(make_house, clock, can)
    with_lamp(house, 5)
    play(house.settle())

    house.fakes["web"].buy("LAMP", 2)
    play(house.settle())

    assert house.level("LAMP") == (5, 2)
    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 3, "market": 3}


@pytest.mark.parametrize("was_known", [True, False])
@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING, ALLOCATING], ids=["blind", "comparing", "allocating"])
def test_what_was_sent_and_paid_back_by_the_time_we_hear_of_it_is_gone_everywhere(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can, was_known: bool
) -> None:
    house = two_shops(make_house, clock, can)
    with_lamp(house, 5)
    play(house.settle())
    web = house.fakes["web"]

    kept = web.buy("LAMP", 1, hook=False)
    order = web.buy("LAMP", 2, hook=was_known)
    if was_known:
        play(house.settle())
    web.send_and_pay_back(order)
    play(house.settle())

    assert kept.id in web.orders
    assert house.level("LAMP") == (3, 1)
    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 2, "market": 2}
    assert house.state("web", "LAMP").provisional == 0

    house.stock("LAMP", 2, kind=Kind.FOUND)
    play(house.settle())
    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 4, "market": 4}


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING], ids=["blind", "comparing"])
def test_a_channel_that_lowered_itself_is_not_written_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = two_shops(make_house, clock, can)
    with_lamp(house, 5)
    play(house.settle())
    written = len(house.fakes["web"].log)

    clock.advance(minutes=10)
    house.fakes["web"].buy("LAMP")
    play(house.settle())

    assert len(house.fakes["web"].log) == written
    assert house.fakes["market"].log[-1].quantity == 4


def test_a_write_that_was_not_answered_is_not_made_twice(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock, COMPARING)
    with_lamp(house, 5)
    play(house.settle())
    house.fakes["web"].faults.timeout_after_effect = 1

    house.stock("LAMP", 3)
    play(house.settle())

    written = [shown for shown in house.fakes["web"].log if shown.quantity == 3]
    assert len(written) == 1
    assert house.fakes["web"].shows("LAMP") == 3
    state = house.state("web", "LAMP")
    assert (state.believed, state.provisional, state.unsettled) == (3, 0, None)


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING], ids=["blind", "comparing"])
def test_a_write_that_never_arrived_is_made_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = two_shops(make_house, clock, can)
    with_lamp(house, 5)
    house.fakes["web"].faults.timeout_before_effect = 2

    play(house.settle())

    assert house.fakes["web"].shows("LAMP") == 5


def test_one_bad_line_of_250_stops_none_of_the_others(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=250)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    skus = [f"LAMP-{number:03}" for number in range(250)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    web.faults.poison = {"id-LAMP-123"}

    play(house.settle(rounds=2))

    assert [sku for sku in skus if web.shows(sku) != 7] == ["LAMP-123"]
    [letter] = house.letters("web")
    assert (letter.kind, letter.payload["sku"]) == ("write", "LAMP-123")

    web.faults.poison = set()
    clock.advance(hours=1)
    play(house.settle(rounds=2))

    assert web.shows("LAMP-123") == 7
    assert house.letters("web") == []


def test_a_line_that_the_channel_refuses_waits_alone(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    house.article("DESK")
    house.stock("DESK", 2)
    house.fakes["web"].faults.unknown = {house.fakes["web"].offer("DESK")}

    play(house.settle())

    assert house.fakes["web"].shows("LAMP") == 5
    [letter] = house.letters("web")
    assert (letter.reason, letter.action) == ("No such listing.", "Create it at the channel.")


def test_nobody_need_see_to_a_number_that_was_refused_and_is_not_wanted_any_more(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock)))
    house.article("DESK")
    desk = web.offer("DESK")
    house.stock("DESK", 5)
    play(house.settle())
    web.faults.unknown = {desk}
    house.stock("DESK", 4)
    play(house.settle())
    assert [letter.reason for letter in house.letters("web")] == ["No such listing."]

    house.stock("DESK", 5)
    play(house.settle())

    assert house.letters("web") == []
    assert house.state("web", "DESK").blocked_reason is None


def test_nobody_need_see_to_a_number_that_was_refused_and_arrives_later(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50, applied_at_once=False)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    house.article("DESK")
    web.faults.unknown = {web.offer("DESK")}
    house.stock("DESK", 4)
    play(house.settle())
    assert [letter.kind for letter in house.letters("web")] == ["write"]

    web.faults.unknown = set()
    clock.advance(hours=1)
    play(house.settle())

    assert (web.shows("DESK"), house.letters("web")) == (4, [])


def test_what_sells_out_is_written_first(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    can = Can(write=Write.COMPARE_AND_SET, batch_size=3)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    skus = [f"LAMP-{number:02}" for number in range(12)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    play(house.settle())
    before = len(web.log)

    for sku in skus[:-1]:
        house.stock(sku, 6)
    house.stock(skus[-1], 0, kind=Kind.COUNT)
    play(house.tick("web"))

    assert web.log[before].target.sku == "LAMP-11"
    assert len(web.log) == before + 12


def test_a_channel_that_was_away_catches_up_by_itself(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 9)
    play(house.settle())
    house.fakes["web"].faults.down = True
    play(house.settle())

    house.fakes["market"].buy("LAMP", 3)
    house.fakes["web"].buy("LAMP", 1)
    play(house.settle())
    assert house.fakes["market"].shows("LAMP") == 6
    assert house.state("web", "LAMP").behind_since is not None

    house.fakes["web"].faults.down = False
    clock.advance(minutes=6)
    play(house.settle())

    assert house.level("LAMP") == (9, 4)
    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 5, "market": 5}
    assert house.state("web", "LAMP").behind_since is None


def test_the_last_piece_sold_twice_is_counted_with_its_shortage(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 1)
    play(house.settle())

    house.fakes["web"].buy("LAMP")
    house.fakes["market"].buy("LAMP")
    play(house.settle())

    [conflict] = house.rows(Conflict)
    assert (conflict.sku, conflict.quantity) == ("LAMP", 1)
    assert conflict.shortage_id is not None
    [case] = house.cases("conflict")
    assert case.details["quantity"] == 1
    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 0, "market": 0}


def test_before_the_first_count_no_order_was_sold_twice_and_what_is_there_after_all_closes_its_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    house.article("LAMP")
    for fake in house.fakes.values():
        fake.offer("LAMP", stock=3)
    play(house.settle())

    house.fakes["web"].buy("LAMP", 2)
    play(house.settle())
    assert (house.level("LAMP"), house.rows(Conflict), house.cases("conflict")) == ((0, 2), [], [])

    house.stock("LAMP", 2)
    clock.advance(seconds=1)
    house.fakes["market"].buy("LAMP")
    play(house.settle())
    assert [one.quantity for one in house.rows(Conflict)] == [1]
    assert [one.details["quantity"] for one in house.cases("conflict")] == [1]
    house.stock("LAMP", 3)
    clock.advance(minutes=1)
    play(house.worker.keep_house())
    assert house.cases("conflict") == []


def test_what_was_sold_twice_and_sent_before_we_heard_of_it_is_counted_with_its_shortage_too(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 1)
    play(house.settle())

    for fake in house.fakes.values():
        fake.ship(fake.buy("LAMP", hook=False))
    play(house.settle())

    [conflict] = house.rows(Conflict)
    assert (conflict.sku, conflict.quantity) == ("LAMP", 1)
    assert conflict.shortage_id is not None


def test_an_accepted_write_that_the_channel_drops_is_seen_and_made_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50, applied_at_once=False)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    with_lamp(house, 5)
    web.faults.accept_and_drop = 1

    play(house.settle(rounds=2))
    assert (web.shows("LAMP"), house.state("web", "LAMP").unsettled) == (0, "accepted")

    clock.advance(minutes=11)
    play(house.settle(rounds=4))

    assert web.shows("LAMP") == 5
    assert "contradicted" in {row.outcome for row in house.rows(Sent, channel="web")}


def test_a_number_edited_at_the_channel_is_set_right(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    play(house.settle())

    house.fakes["web"].edit("LAMP", 40)
    play(house.settle())

    assert house.fakes["web"].shows("LAMP") == 5


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING], ids=["blind", "comparing"])
def test_a_sale_that_hid_behind_an_edit_is_found_when_its_order_comes(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = two_shops(make_house, clock, can)
    with_lamp(house, 5)
    play(house.settle())
    web = house.fakes["web"]
    web.edit("LAMP", 8)
    order = web.buy("LAMP", hook=False)
    del web.orders[order.id]
    play(house.worker.tick("web", full=True))
    assert web.shows("LAMP") == 5

    web.orders[order.id] = order
    web.hooks.append(web.hook_for(order.id, "late"))
    play(house.deliver("web"))
    for _ in range(3):
        play(house.tick("web"))

    assert web.shows("LAMP") == 4


def test_a_channel_that_nobody_can_look_at_is_written_again_after_its_own_sale(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock, Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, looks=False))
    with_lamp(house, 5)
    play(house.settle())

    house.fakes["web"].buy("LAMP")
    house.stock("LAMP", 6)
    play(house.deliver("web"))
    for _ in range(2):
        play(house.tick())

    assert {name: fake.shows("LAMP") for name, fake in house.fakes.items()} == {"web": 5, "market": 5}


def test_where_drift_is_only_shown_a_person_decides(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    from omnisync.sync import cases

    house = make_house((shop("web", policy={"drift": "show"}), web := FakeChannel("web", clock, ABSOLUTE)))
    with_lamp(house, 5)
    play(house.settle())
    web.edit("LAMP", 40)
    play(house.settle())
    [case] = house.cases("drift")
    assert web.shows("LAMP") == 40

    house.within(lambda session: cases.apply(session, case.id, by="ops", now=clock.now()))
    play(house.settle())

    assert web.shows("LAMP") == 5


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING])
def test_a_channel_that_offers_cancelled_pieces_by_itself_is_not_accused(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = make_house((shop("web", policy={"drift": "show"}), web := FakeChannel("web", clock, can)))
    with_lamp(house, 5)
    play(house.settle())
    order = web.buy("LAMP", 2)
    play(house.settle())

    web.cancel(order)
    play(house.settle())

    assert (web.shows("LAMP"), house.cases("drift")) == (5, [])


def test_a_daily_revision_budget_is_kept_for_numbers_that_must_go_down(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    can = Can(write=Write.COMPARE_AND_SET, revisions_per_day=10)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    with_lamp(house, 1)
    play(house.settle(rounds=1))
    for pieces in range(2, 20):
        house.stock("LAMP", pieces)
        play(house.tick("web"))
    assert len(web.log) == 8

    house.stock("LAMP", 0)
    play(house.tick("web"))

    assert web.shows("LAMP") == 0
    assert len(web.log) == 9
