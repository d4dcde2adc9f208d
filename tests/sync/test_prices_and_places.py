"""Prices that travel alone, channels with locations of their own, bundles, and policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Can, Write
from omnisync.catalog import articles, pricelist, prices
from omnisync.catalog.articles import ArticleChange
from omnisync.catalog.pricelist import BasePrice, PriceRule
from omnisync.clock import Ids, StoppedClock
from omnisync.settings import LocationSettings, Settings
from omnisync.sync import cases, drift, health
from omnisync.sync.tables import Case, Sent
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, shop

PRICED = Can(write=Write.COMPARE_AND_SET, batch_size=50, prices=True)
TOGETHER = Can(write=Write.ABSOLUTE, batch_size=50, prices=True, price_with_stock=True)
PLACED = Can(write=Write.COMPARE_AND_SET, batch_size=50, many_locations=True)


def say(house: House, statement: BasePrice | PriceRule) -> None:
    at = house.clock.advance(seconds=1)
    house.within(lambda session: pricelist.set_price(session, statement, ids=house.ids, now=at))


def test_prices_go_in_calls_of_their_own_where_the_channel_wants_it(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, PRICED)))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP")
    say(house, BasePrice("LAMP", Money(1999, "EUR")))

    play(house.settle(rounds=2))

    assert (web.shows("LAMP"), web.prices["id-LAMP"]) == (5, Money(1999, "EUR"))
    assert [(shown.quantity, shown.price is None) for shown in web.log] == [(5, True), (None, False)]
    assert house.within(lambda session: prices.lowest_30_days(session, "LAMP", "web", clock.now())) == Money(
        1999, "EUR"
    )


def test_a_price_changes_by_itself_when_its_time_comes(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, PRICED)))
    house.article("LAMP")
    web.offer("LAMP")
    say(house, BasePrice("LAMP", Money(1999, "EUR")))
    tomorrow = clock.now().replace(hour=23)
    say(house, PriceRule(percent_hundredths=-1000, channel="web", valid_from=tomorrow))
    play(house.settle(rounds=1))
    assert web.prices["id-LAMP"] == Money(1999, "EUR")

    clock.set(tomorrow)
    play(house.settle(rounds=1))

    assert web.prices["id-LAMP"] == Money(1799, "EUR")


def priced(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can, **policy: object
) -> tuple[House, FakeChannel]:
    """A shop whose lamp costs 19.99, as it shows."""
    house = make_house((shop("web", policy=policy), web := FakeChannel("web", clock, can)))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP")
    say(house, BasePrice("LAMP", Money(1999, "EUR")))
    play(house.settle(rounds=2))
    play(house.tick())
    return house, web


def drift_of(house: House) -> int:
    return int(house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()).drift))


SHAPES = pytest.mark.parametrize("can", [PRICED, TOGETHER], ids=["alone", "with stock"])


@SHAPES
def test_a_price_edited_at_the_channel_is_drift_and_set_right(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house, web = priced(make_house, clock, play, can)
    web.prices["id-LAMP"] = Money(999, "EUR")
    clock.advance(seconds=31)
    play(drift.read_back(house.context, house.channel("web")))
    assert drift_of(house) == 1

    play(house.settle(rounds=3))

    assert web.prices["id-LAMP"] == Money(1999, "EUR")
    assert drift_of(house) == 0
    assert house.cases("price_drift") == house.cases("blast_price") == []


@SHAPES
@pytest.mark.parametrize("decision", [cases.apply, cases.dismiss])
def test_where_drift_is_only_shown_a_person_decides_about_the_price(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can, decision: Any
) -> None:
    house, web = priced(make_house, clock, play, can, drift="show")
    web.prices["id-LAMP"] = Money(2499, "EUR")
    play(house.settle(rounds=3))
    house.stock("LAMP", 4)  # what is written meanwhile takes no price with it
    play(house.settle(rounds=3))
    [case] = house.cases("price_drift")
    assert case.title == "LAMP costs 24.99 EUR, it should cost 19.99"
    assert (web.shows("LAMP"), web.prices["id-LAMP"], drift_of(house)) == (4, Money(2499, "EUR"), 1)

    house.within(lambda session: decision(session, case.id, by="ops", now=clock.now()))
    play(house.settle(rounds=3))
    assert web.prices["id-LAMP"] == Money(1999 if decision is cases.apply else 2499, "EUR")

    say(house, BasePrice("LAMP", Money(1899, "EUR")))
    play(house.settle(rounds=3))

    assert web.prices["id-LAMP"] == Money(1899, "EUR")
    assert (drift_of(house), house.cases("price_drift"), house.cases("blast_price")) == (0, [], [])


def test_a_case_about_a_price_closes_when_the_channel_takes_it_back_itself(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = priced(make_house, clock, play, PRICED, drift="show")
    web.prices["id-LAMP"] = Money(2499, "EUR")
    play(house.settle(rounds=2))
    [case] = house.cases("price_drift")
    web.prices["id-LAMP"] = Money(1999, "EUR")
    play(house.settle(rounds=2))

    assert [one.closed_how for one in house.rows(Case, id=case.id)] == ["mended"]
    assert drift_of(house) == 0


@SHAPES
def test_a_price_that_was_taken_and_is_not_shown_is_contradicted_and_written_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can
) -> None:
    house, web = priced(make_house, clock, play, can)
    web.faults.drop_silently = {"id-LAMP": 1}
    say(house, BasePrice("LAMP", Money(1899, "EUR")))
    play(house.tick())
    assert web.prices["id-LAMP"] == Money(1999, "EUR")

    play(house.settle(rounds=3))

    assert web.prices["id-LAMP"] == Money(1899, "EUR")
    assert {row.tag for row in house.rows(Sent, outcome="contradicted")} == set(web.dropped)
    states = house.within(lambda session: health.of(session, house.channel("web"), now=clock.now()).writes)
    assert {name for name, number in states.items() if number} == {"confirmed"}


def test_a_till_that_owns_its_stock_has_its_prices_read_back_all_the_same(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    pos = FakeChannel("pos", clock, replace(PRICED, many_locations=True), places=("P1", "P2"))
    places = {"P1": "linden", "P2": "markt"}
    settings = shop("pos", locations=("linden", "markt"), location_map=places)
    house = make_house((settings, pos), owners={"linden": "pos", "markt": "pos"})
    house.article("LAMP")
    pos.offer("LAMP", stock=5)
    say(house, BasePrice("LAMP", Money(1999, "EUR")))
    play(house.settle(rounds=2))
    pos.prices["id-LAMP"] = Money(999, "EUR")

    play(house.settle(rounds=2))

    assert pos.prices["id-LAMP"] == Money(1999, "EUR")
    assert {shown.quantity for shown in pos.log} == {None}
    assert house.cases("listings_gone") == []


def test_a_change_of_price_is_shown_everywhere_at_its_moment_and_ends_at_its_end(
    engine: Engine, ids: Ids, clock: StoppedClock, play: Play
) -> None:
    """Two online shops at once; a till before its store opens, and after the last day when it has closed."""
    hours = {"mon-sat": "10:00-18:00"}  # in Berlin: nine to five
    store = LocationSettings(code="linden", name="Linden", hours=hours)
    around_the_clock = LocationSettings(code="markt", name="Automat")
    alone, together = FakeChannel("alone", clock, PRICED), FakeChannel("together", clock, TOGETHER)
    till = FakeChannel("till", clock, TOGETHER)
    at_opening = {"prices": "at_opening"}
    channels = [shop("alone"), shop("together"), shop("till", locations=("linden", "markt"), policy=at_opening)]
    settings = Settings(locations=[store, around_the_clock], channels=channels)
    house = build(engine, clock, ids, settings, [alone, together, till])
    house.article("LAMP")
    house.stock("LAMP", 5)
    for fake in (alone, together, till):
        fake.offer("LAMP")
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    clock.set(day + timedelta(hours=8))
    say(house, BasePrice("LAMP", Money(1999, "EUR")))
    monday = day + timedelta(days=2)
    opens, closes = monday + timedelta(hours=9), monday + timedelta(hours=17)
    rule = PriceRule(percent_hundredths=-1000, valid_from=opens, valid_to=closes - timedelta(hours=1))
    say(house, rule)

    def shown_at(moment: datetime) -> list[int]:
        clock.set(moment)
        play(house.tick())
        return [fake.prices["id-LAMP"].minor for fake in (alone, together, till)]

    assert shown_at(day + timedelta(hours=8, minutes=1)) == [1999, 1999, 1999]
    assert shown_at(day + timedelta(hours=12)) == [1999, 1999, 1999]
    assert shown_at(day + timedelta(hours=18)) == [1999, 1999, 1799]  # what Monday's first customer pays
    assert shown_at(opens - timedelta(seconds=1)) == [1999, 1999, 1799]
    assert shown_at(opens) == [1799, 1799, 1799]
    assert shown_at(closes - timedelta(hours=1, seconds=1)) == [1799, 1799, 1799]
    assert shown_at(closes - timedelta(hours=1)) == [1999, 1999, 1799]
    assert shown_at(closes + timedelta(minutes=5)) == [1999, 1999, 1999]


def test_prices_for_the_opening_wait_while_a_store_is_open(ids, engine, clock: StoppedClock, play: Play) -> None:  # type: ignore[no-untyped-def]
    open_now = LocationSettings(code="linden", name="Linden", hours={"sat": "10:00-16:00"})
    web = FakeChannel("web", clock, PRICED)
    settings = Settings(locations=[open_now], channels=[shop("web", policy={"prices": "at_opening"})])
    house = build(engine, clock, ids, settings, [web])
    house.article("LAMP")
    web.offer("LAMP")
    say(house, BasePrice("LAMP", Money(1999, "EUR")))

    play(house.settle(rounds=1))
    assert web.prices == {}

    clock.advance(hours=6)
    play(house.settle(rounds=1))
    assert web.prices["id-LAMP"] == Money(1999, "EUR")


def test_a_channel_with_locations_gets_a_number_for_each(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    square = FakeChannel("square", clock, PLACED, places=("S1", "S2"))
    places = {"S1": "linden", "S2": "markt"}
    house = make_house((shop("square", locations=("linden", "markt"), location_map=places), square))
    house.article("LAMP")
    house.stock("LAMP", 3, "linden")
    house.stock("LAMP", 8, "markt")
    square.offer("LAMP")
    play(house.settle(rounds=2))

    square.buy("LAMP", 2, place="S2")
    play(house.settle(rounds=3))

    assert (square.shows("LAMP", "S1"), square.shows("LAMP", "S2")) == (3, 6)
    assert (house.level("LAMP", "linden"), house.level("LAMP", "markt")) == ((3, 0), (8, 2))


def test_a_channel_that_owns_a_location_is_written_no_stock_there(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    square = FakeChannel("square", clock, PLACED, places=("S1", "S2"))
    settings = shop("square", locations=("linden", "markt"), location_map={"S1": "linden", "S2": "markt"})
    house = make_house((settings, square), owners={"markt": "square"})
    house.article("LAMP")
    house.stock("LAMP", 3, "linden")
    house.stock("LAMP", 8, "markt")
    square.offer("LAMP", stock=99)

    play(house.settle(rounds=2))

    assert (square.shows("LAMP", "S1"), square.shows("LAMP", "S2")) == (3, 99)


def test_a_bundle_shows_what_its_scarcest_component_allows(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, Can(write=Write.ABSOLUTE, batch_size=50))))
    house.article("LAMP", "BULB")
    change = ArticleChange("SET", {"title": "Set"}, components={"LAMP": 1, "BULB": 3})
    house.within(lambda session: articles.put(session, [change], now=clock.now()))
    house.stock("LAMP", 10)
    house.stock("BULB", 11)
    for sku in ("LAMP", "SET"):
        web.offer(sku)
    play(house.settle(rounds=2))
    assert (web.shows("SET"), web.shows("LAMP")) == (3, 10)

    web.buy("SET", 2)
    play(house.settle())

    assert (house.level("LAMP"), house.level("BULB")) == ((10, 2), (11, 6))
    assert (web.shows("SET"), web.shows("LAMP")) == (1, 8)


def test_what_others_fulfil_and_what_is_no_stock_is_never_written(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, Can(write=Write.ABSOLUTE, batch_size=50))))
    house.article("LAMP")
    house.article("VERSAND", stocked=False)
    house.stock("LAMP", 10)
    web.offer("LAMP", stock=44, managed=False)
    web.offer("VERSAND", stock=1)

    play(house.settle(rounds=2))

    assert web.log == []
    assert house.rows(Sent) == []


def test_each_channel_shows_by_its_own_policy(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50)
    till_can = Can(write=Write.ABSOLUTE, batch_size=50, shows="on_hand")
    careful, till = FakeChannel("careful", clock, can), FakeChannel("till", clock, till_can)
    policy = {"buffer": "10%", "max_listed": 8, "stop_at": 2}
    house = make_house((shop("careful", policy=policy), careful), (shop("till"), till))
    house.article("LAMP", "DESK")
    house.stock("LAMP", 20)
    house.stock("DESK", 3)
    for fake in (careful, till):
        fake.offer("LAMP")
        fake.offer("DESK")
    play(house.settle(rounds=2))

    till.buy("DESK")
    play(house.settle())

    assert (careful.shows("LAMP"), careful.shows("DESK")) == (8, 0)
    assert (till.shows("LAMP"), till.shows("DESK")) == (20, 3)
