"""What a channel says it took is read back, and a write that it threw away is found, named and made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync import behind, drift, health, looks
from omnisync.sync.tables import EventPending, Sent, ShownState
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_api import ask

COMPARING = Can(write=Write.COMPARE_AND_SET, batch_size=50)
BLIND = replace(COMPARING, write=Write.ABSOLUTE)
LATER = replace(BLIND, applied_at_once=False)
BOTH = pytest.mark.parametrize("can", [COMPARING, BLIND], ids=["comparing", "blind"])


def well(house: House) -> health.Health:
    found: health.Health = house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()))
    return found


def writes(house: House) -> Mapping[str, int]:
    """Those that there are any of."""
    return {name: number for name, number in well(house).writes.items() if number}


def outcomes(house: House, outcome: str) -> set[str]:
    return {row.tag for row in house.rows(Sent, channel="web", outcome=outcome)}


def a_shop(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can, pieces: int = 5
) -> tuple[House, FakeChannel]:
    """A shop that shows its lamp, as everybody has read."""
    house = make_house((shop("web", policy={"blast_guard": False}), web := FakeChannel("web", clock, can)))
    house.article("LAMP")
    web.offer("LAMP")
    house.stock("LAMP", pieces)
    play(house.settle())
    play(house.tick())  # the next read-back is due in 30 seconds
    return house, web


def test_two_per_cent_of_the_writes_dropped_in_silence_are_all_found_in_one_pass_and_nothing_else_is_accused(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web", policy={"blast_guard": False}), web := FakeChannel("web", clock, COMPARING)))
    skus = [f"LAMP-{number:04}" for number in range(1050)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku, stock=7)
    house.stock(skus, 7)
    play(house.worker.tick("web", full=True))
    lower, higher, none = skus[::3], skus[1::3], skus[2::3]
    web.faults.drop_silently = {f"id-{sku}": 1 for sku in skus[::50]}
    bought = web.buy(lower[-1], 1)
    play(house.worker.tick("web"))

    house.stock(lower, 6)
    house.stock(higher, 9)
    house.stock(none, 0)
    play(house.worker.tick("web"))
    assert len(web.dropped) == 21
    web.buy(higher[-1], 2)  # shows what it showed before the write
    web.cancel(bought)  # so does this one, when it has been written
    web.calls.clear()
    turns = (drift.READ_ALL_WITHIN + looks.PROVISIONAL_PATIENCE) // drift.EVERY
    for number in range(turns):
        clock.advance(seconds=drift.EVERY.total_seconds())
        play(house.worker.tick("web") if number % 10 == 9 else drift.read_back(house.context, house.channel("web")))

    assert outcomes(house, "contradicted") == set(web.dropped)
    wanted = {row.sku: row.wanted for row in house.rows(ShownState, channel="web")}
    assert {sku: web.shows(sku) for sku in skus} == wanted
    assert writes(house) == {"confirmed": 1050}
    assert web.calls.count("look") <= turns + 2 * len(web.dropped)


@BOTH
def test_a_number_that_was_to_go_down_and_did_not_is_written_again_at_the_first_look(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house, web = a_shop(make_house, clock, play, can)
    assert writes(house) == {"confirmed": 1}
    web.faults.drop_silently = {"id-LAMP": 1}
    house.stock("LAMP", 2)
    play(house.tick())
    assert (web.shows("LAMP"), writes(house), well(house).exposed) == (5, {"applied": 1}, 0)

    clock.advance(seconds=31)
    play(drift.read_back(house.context, house.channel("web")))
    assert (writes(house), well(house).exposed) == ({"contradicted": 1}, 3)
    [listed] = ask(house, house.engine, play, ("GET", "/v1/channels/web/listings", {}))
    [shown] = listed.json()["items"][0]["shown"]
    assert (shown["shows"], shown["should_show"], shown["write"]) == (5, 2, "contradicted")
    play(house.settle(rounds=3))

    assert (web.shows("LAMP"), writes(house), well(house).exposed) == (2, {"confirmed": 1}, 0)
    assert outcomes(house, "contradicted") == set(web.dropped)


@BOTH
def test_a_number_that_did_not_go_up_is_a_sale_that_nobody_has_told_until_its_order_would_have_come(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house, web = a_shop(make_house, clock, play, can)
    web.faults.drop_silently = {"id-LAMP": 1}
    house.stock("LAMP", 9)
    play(house.settle(rounds=3))
    assert (outcomes(house, "contradicted"), house.state("web", "LAMP").provisional) == (set(), 4)

    clock.advance(seconds=looks.PROVISIONAL_PATIENCE.total_seconds())
    play(house.settle(rounds=3))

    assert (web.shows("LAMP"), writes(house)) == (9, {"confirmed": 1})
    assert outcomes(house, "contradicted") == set(web.dropped)


@pytest.mark.parametrize("taken_back", [False, True], ids=["sold", "cancelled"])
def test_a_channel_is_not_accused_of_what_its_buyers_did(
    make_house: MakeHouse, clock: StoppedClock, play: Play, taken_back: bool
) -> None:
    """Orders are read only once an hour here: those that explain the level are read before anything is said of the channel."""
    house, web = a_shop(make_house, clock, play, replace(COMPARING, poll_seconds=3600))
    order = web.buy("LAMP", 1)
    play(house.worker.tick("web", full=True))
    assert web.shows("LAMP") == 4
    house.stock("LAMP", 4 if taken_back else 7)
    play(house.tick())
    if taken_back:
        web.cancel(order)
    else:
        web.buy("LAMP", 2)
    assert web.shows("LAMP") == 4  # as before the write

    play(house.settle(rounds=3))

    assert house.state("web", "LAMP").provisional == 0
    assert (web.shows("LAMP"), writes(house)) == (4, {"confirmed": 1})
    assert outcomes(house, "contradicted") == set()


def test_what_was_accepted_is_accepted_until_it_is_seen_and_contradicted_when_it_never_comes(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = a_shop(make_house, clock, play, LATER)
    web.faults.accept_and_drop = 1
    house.stock("LAMP", 1)
    play(house.tick())
    assert (writes(house), well(house).exposed) == ({"accepted": 1}, 4)

    clock.advance(minutes=11)
    play(house.settle(rounds=3))

    assert len(outcomes(house, "contradicted")) == 1
    assert (web.shows("LAMP"), writes(house), well(house).exposed) == (1, {"confirmed": 1}, 0)


def test_a_number_that_may_wait_for_one_that_was_accepted_waits_also_when_it_falls_meanwhile(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    """Of two numbers on their way the older may land last: only fewer pieces than the first has are worth that."""
    house, web = a_shop(make_house, clock, play, LATER)
    web.faults.accept_and_drop = 1
    house.stock("LAMP", 3)
    play(house.tick())
    before = len(web.log)
    for pieces in (9, 7, 4):
        house.stock("LAMP", pieces)
        play(house.tick())
    assert (len(web.log), writes(house)) == (before, {"accepted": 1})

    house.stock("LAMP", 2)
    play(house.tick())

    assert [one.quantity for one in web.log[before:]] == [2]


def test_whoever_asks_to_compare_everything_accuses_nobody_of_what_is_still_on_its_way(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = a_shop(make_house, clock, play, LATER)
    web.faults.accept_and_drop = 1
    house.stock("LAMP", 1)
    play(house.tick())

    house.within(lambda session: behind.compare_all(session, house.channel("web"), now=clock.now()))
    play(house.settle(rounds=2))

    assert (outcomes(house, "contradicted"), writes(house)) == (set(), {"accepted": 1})


def test_a_listing_that_takes_every_number_and_shows_none_is_for_a_person_and_is_not_hammered(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = a_shop(make_house, clock, play, COMPARING)
    web.faults.drop_silently = {"id-LAMP": 1000}
    house.stock("LAMP", 2)
    play(house.settle(rounds=50))

    [letter] = house.letters("web")
    assert (letter.kind, letter.title) == ("write", "LAMP is not shown as 2, though web says so")
    assert letter.attempts > 3
    told = [row.kind for row in house.rows(EventPending)]
    assert told.count("channel.dead_letter") == 1  # another yes of the channel does not close it
    assert len(web.dropped) < 13
    assert well(house).state == "action_required"

    web.faults.drop_silently = {}
    clock.advance(minutes=5)
    play(house.settle(rounds=3))

    assert (web.shows("LAMP"), house.letters("web"), writes(house)) == (2, [], {"confirmed": 1})


def test_what_was_contradicted_before_and_what_was_sold_out_is_read_before_the_rest_and_the_rest_all_the_same(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web", policy={"blast_guard": False}), web := FakeChannel("web", clock, COMPARING)))
    skus = [f"LAMP-{number:03}" for number in range(480)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku, stock=7)
    house.stock(skus, 7)
    play(house.worker.tick("web", full=True))
    web.faults.drop_silently = {"id-LAMP-333": 1}
    house.stock("LAMP-333", 6)
    play(house.worker.tick("web", full=True))
    house.stock(skus, 5)
    house.stock("LAMP-444", 0)
    play(house.tick())

    def turn() -> list[str]:
        keys = house.within(
            lambda session: drift.turn(session, house.channel("web"), now=clock.now(), everything=False)
        )
        return [key.external_id for key in keys]

    assert turn()[:2] == ["id-LAMP-333", "id-LAMP-444"]
    seen = set()
    for _ in range(drift.READ_ALL_WITHIN // drift.EVERY):
        clock.advance(seconds=30)
        seen |= set(turn())
        play(drift.read_back(house.context, house.channel("web")))
    assert seen == {f"id-{sku}" for sku in skus}


def test_pieces_that_cannot_be_lowered_are_counted_while_the_channel_is_down_or_paused(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = a_shop(make_house, clock, play, COMPARING)
    web.faults.down = True
    house.stock("LAMP", 1)
    play(house.settle(rounds=2))
    assert (well(house).exposed, well(house).state) == (4, "late")

    web.faults.down = False
    clock.advance(minutes=6)
    house.within(lambda session: health.pause(session, "web", now=clock.now()))
    play(house.settle(rounds=2))
    assert (well(house).exposed, well(house).state) == (4, "paused")
    web.buy("LAMP", 3)
    play(house.settle(rounds=2))
    assert well(house).exposed == 2  # none is left, and it offers two
    house.stock("LAMP", 40)
    play(house.settle(rounds=1))
    assert well(house).exposed == 0  # too few are shown, which nobody can buy twice

    house.within(lambda session: health.resume(session, "web", now=clock.now()))
    play(house.settle(rounds=2))
    assert (web.shows("LAMP"), well(house).exposed) == (37, 0)
