"""Prices that travel alone, channels with locations of their own, bundles, and policies."""

from __future__ import annotations

from omnisync.adapters.base import Can, Write
from omnisync.catalog import articles, pricelist, prices
from omnisync.catalog.articles import ArticleChange
from omnisync.catalog.pricelist import BasePrice, PriceRule
from omnisync.clock import StoppedClock
from omnisync.settings import LocationSettings, Settings
from omnisync.sync.tables import Sent
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, shop

PRICED = Can(write=Write.COMPARE_AND_SET, batch_size=50, prices=True)
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


def test_a_price_edited_at_the_channel_is_set_right(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, PRICED)))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP")
    say(house, BasePrice("LAMP", Money(1999, "EUR")))
    play(house.settle(rounds=2))

    web.prices["id-LAMP"] = Money(999, "EUR")
    play(house.settle(rounds=3))

    assert web.prices["id-LAMP"] == Money(1999, "EUR")
    assert house.cases("blast_price") == []


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
