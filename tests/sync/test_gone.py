"""Listings that a channel no longer knows: asked for once more, then gone in plain sight, and back by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.pages import ops_words, words
from omnisync.sync import behind, health
from omnisync.sync import gone as gone_engine
from omnisync.sync.tables import Case, ChannelListing, ShownState
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_api import ask

ABSOLUTE = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True)
COMPARING = Can(write=Write.COMPARE_AND_SET, batch_size=50, webhooks=True)
BLIND = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, looks=False)
MANY = [f"SOCK-{number:03}" for number in range(60)]


def a_shop(make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can = ABSOLUTE, *more: str) -> House:
    """LAMP and DESK (and more) are offered, five of each, and shown."""
    web = FakeChannel("web", clock, can)
    house = make_house((shop("web", policy={"blast_guard": False}), web))
    house.article("LAMP", "DESK", *more)
    house.stock(["LAMP", "DESK", *more], 5)
    for sku in ("LAMP", "DESK", *more):
        web.offer(sku)
    play(house.settle(rounds=2))
    assert {web.shows(sku) for sku in ("LAMP", "DESK", *more)} == {5}
    clock.advance(seconds=gone_engine.ASK_AGAIN_AFTER.total_seconds())
    return house


def gone(house: House) -> Sequence[str]:
    return sorted(str(row.sku) for row in house.rows(ChannelListing) if row.gone_at is not None)


def states(house: House, external_id: str) -> Sequence[ShownState]:
    return house.rows(ShownState, external_id=external_id)


def after_an_hour(house: House, play: Play) -> None:
    house.clock.advance(minutes=61)
    play(house.settle(rounds=2))


@pytest.mark.parametrize("can", [ABSOLUTE, COMPARING])
def test_a_listing_that_the_channel_ended_is_gone_and_named_in_one_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house = a_shop(make_house, clock, play, can)
    house.fakes["web"].end("id-LAMP")
    house.stock("LAMP", 2)

    play(house.settle())

    assert gone(house) == ["LAMP"]
    [case] = house.cases("listings_gone")
    assert [one["external_id"] for one in case.details["examples"]] == ["id-LAMP"]
    assert ("LAMP" in case.title, "LAMP" in ops_words.case_words(case, words.speaking("de"), {})[0]) == (True, True)
    assert house.letters("web") == []


def test_nothing_more_is_asked_or_written_of_what_is_gone(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    web = house.fakes["web"]
    web.end("id-LAMP")
    house.stock("LAMP", 2)
    play(house.settle())
    before = len(web.calls)

    house.stock("LAMP", 1)
    play(house.settle(rounds=10))

    assert web.calls[before:].count("publish") == 0
    assert web.calls[before:].count("listings") == 0
    [row] = states(house, "id-LAMP")
    assert (row.wanted, row.believed, row.behind_since, row.next_try_at) == (None, None, None, None)


def test_what_is_gone_is_no_exposure_no_queue_and_no_drift(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play, COMPARING)
    house.fakes["web"].end("id-LAMP")
    house.stock("LAMP", 0)
    play(house.settle(rounds=1))

    play(house.settle())

    found = house.within(lambda session: health.of(session, house.channel("web"), now=clock.now()))
    assert (found.exposed, found.queued, found.drift, found.failed) == (0, 0, 0, 0)
    assert (found.gone, found.cases) == (1, 1)


def test_it_comes_back_by_itself_and_closes_its_case(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = a_shop(make_house, clock, play)
    web = house.fakes["web"]
    web.end("id-LAMP")
    house.stock("LAMP", 2)
    play(house.settle())
    assert gone(house) == ["LAMP"]

    web.offer("LAMP", stock=99)
    after_an_hour(house, play)

    assert (gone(house), web.shows("LAMP")) == ([], 2)
    [case] = house.rows(Case, kind="listings_gone")
    assert case.closed_how == "mended"


def test_a_look_that_finds_nothing_is_enough_to_ask_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    house.fakes["web"].end("id-DESK")
    house.within(lambda session: behind.compare_all(session, house.channel("web"), now=clock.now()))
    play(house.settle(rounds=3))

    assert gone(house) == ["DESK"]


def test_one_that_is_only_missing_from_the_list_is_not_gone(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    web = house.fakes["web"]
    del web.offers["id-DESK"]
    web.offers["id-OTHER"] = web.offers["id-LAMP"]

    after_an_hour(house, play)
    after_an_hour(house, play)

    assert gone(house) == []
    assert house.cases("listings_gone") == []


def test_where_nothing_can_be_looked_at_it_must_be_missing_from_two_readings(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play, BLIND)
    house.fakes["web"].end("id-DESK")

    clock.advance(minutes=61)
    play(house.tick())
    once = gone(house)
    clock.advance(minutes=6)
    play(house.tick())

    assert (once, gone(house)) == ([], ["DESK"])


def test_a_list_that_names_nothing_proves_nothing_where_nothing_can_be_looked_at(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play, BLIND)
    house.fakes["web"].offers.clear()

    for _ in range(4):
        after_an_hour(house, play)

    assert gone(house) == []


def test_a_write_that_finds_nothing_of_a_listing_that_is_there_is_for_a_person(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    house.fakes["web"].faults.not_found = {"id-LAMP"}
    house.stock("LAMP", 2)

    play(house.settle())

    assert gone(house) == []
    [letter] = house.letters("web")
    assert letter.action == "Put it up again."


def test_hundreds_that_vanish_are_one_case_about_the_catalogue(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play, ABSOLUTE, *MANY)
    house.fakes["web"].end(*(f"id-{sku}" for sku in MANY))

    after_an_hour(house, play)

    assert len(gone(house)) == len(MANY)
    [case] = house.cases("listings_gone")
    assert (case.details["wholesale"], case.details["listings"]) == (True, len(MANY))
    assert ("catalogue" in case.title, "Katalog" in ops_words.case_words(case, words.speaking("de"), {})[0]) == (
        True,
        True,
    )


def test_a_reading_that_breaks_off_says_nothing_about_the_rest(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    house.fakes["web"].end("id-LAMP")
    house.fakes["web"].faults.down = True

    clock.advance(minutes=61)
    play(house.tick())

    assert gone(house) == []


def test_ops_see_since_when_a_listing_is_gone(
    make_house: MakeHouse, clock: StoppedClock, play: Play, engine: Engine
) -> None:
    house = a_shop(make_house, clock, play)
    house.fakes["web"].end("id-LAMP")
    after_an_hour(house, play)

    listed, channels = ask(house, engine, play, ("GET", "/v1/channels/web/listings", {}), ("GET", "/v1/channels", {}))

    assert {one["sku"]: one["gone_at"] is not None for one in listed.json()["items"]} == {"DESK": False, "LAMP": True}
    assert channels.json()["items"][0]["gone"] == 1


def test_all_listings_are_not_read_again_and_again_for_one_that_is_missed(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play, BLIND)
    web = house.fakes["web"]
    web.faults.not_found = {"id-LAMP"}
    web.offers = {}
    house.stock("LAMP", 2)
    before = len(web.calls)

    for _ in range(40):
        play(house.tick())
        clock.advance(seconds=15)

    assert timedelta(seconds=15) * 40 == 2 * gone_engine.ASK_AGAIN_AFTER
    assert web.calls[before:].count("listings") <= 3


def test_what_seemed_sold_there_before_it_ended_leaves_nothing_late(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = a_shop(make_house, clock, play)
    web = house.fakes["web"]
    web.edit("LAMP", 0)
    house.within(lambda session: behind.compare_all(session, house.channel("web"), now=clock.now()))
    play(house.settle(rounds=2))
    assert [row.provisional for row in states(house, "id-LAMP")] == [5]

    web.end("id-LAMP")
    for _ in range(3):
        after_an_hour(house, play)

    assert (gone(house), [row.provisional for row in states(house, "id-LAMP")]) == (["LAMP"], [0])
    found = house.within(lambda session: health.of(session, house.channel("web"), now=clock.now()))
    assert (found.state, found.lag_seconds, found.queued, found.drift) == ("action_required", 0, 0, 0)
