"""Levels and orders in any order end the same; numbers to show obey their policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync import db
from omnisync.adapters.base import Article, Can, Fact, LevelSeen, Write
from omnisync.clock import StoppedClock
from omnisync.sync import facts, levels, shown
from omnisync.sync.levels import View
from omnisync.sync.shown import Rule
from omnisync.sync.tables import ShownState
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

pieces = st.integers(0, 10_000)


@given(start=st.integers(0, 50), sold=st.lists(st.integers(1, 5), max_size=6), chance=st.randoms(use_true_random=False))
def test_orders_and_the_levels_they_leave_may_come_in_any_order(start: int, sold: list[int], chance) -> None:  # type: ignore[no-untyped-def]
    view = View(believed=start)
    orders = list(sold)
    level = start - sum(sold)
    chance.shuffle(orders)
    cut = chance.randint(0, len(orders))

    for quantity in orders[:cut]:
        view = levels.order(view, quantity)
    view = levels.see(view, level).view
    for quantity in orders[cut:]:
        view = levels.order(view, quantity)

    assert view == View(believed=level, provisional=0)


@given(believed=pieces, seen=pieces)
def test_a_lower_level_is_provisional_and_a_higher_one_is_drift(believed: int, seen: int) -> None:
    verdict = levels.see(View(believed), seen)

    assert verdict.view.provisional == max(0, believed - seen)
    assert verdict.drift == max(0, seen - believed)
    assert verdict.view.believed == seen


@given(believed=pieces, submitted=pieces, sold=st.integers(0, 20), arrived=st.booleans())
def test_a_write_of_unknown_fate_never_makes_more_provisional_than_was_sold(
    believed: int, submitted: int, sold: int, arrived: bool
) -> None:
    truth = (submitted if arrived else believed) - sold

    verdict = levels.see(View(believed, submitted=submitted), truth)

    assert verdict.view.provisional <= sold
    assert verdict.drift == 0


@given(
    there=pieces, rule=st.builds(Rule, st.integers(0, 5), st.integers(0, 100), st.integers(0, 9), st.none() | pieces)
)
def test_nothing_is_shown_that_is_not_there(there: int, rule: Rule) -> None:
    number = shown.quantity(there, rule)

    assert 0 <= number <= there
    assert rule.max_listed is None or number <= rule.max_listed
    assert number == 0 or number > rule.stop_at or rule.max_listed is not None


@given(there=pieces, rule=st.builds(Rule, st.integers(0, 5), st.integers(0, 100), st.integers(0, 9)))
def test_one_piece_more_never_shows_less(there: int, rule: Rule) -> None:
    assert shown.quantity(there + 1, rule) >= shown.quantity(there, rule)


@pytest.mark.parametrize(
    ("there", "buffer", "stop_at", "max_listed", "expected"),
    [
        (10, 0, 0, None, 10),
        (10, 3, 0, None, 7),
        (11, "10%", 0, None, 9),
        (1, "10%", 0, None, 0),
        (3, 0, 3, None, 0),
        (4, 0, 3, None, 4),
        (80, 0, 0, 50, 50),
        (-2, 0, 0, None, 0),
    ],
)
def test_buffer_stop_and_cap(
    there: int, buffer: int | str, stop_at: int, max_listed: int | None, expected: int
) -> None:
    assert shown.quantity(there, Rule.of(buffer, stop_at=stop_at, max_listed=max_listed)) == expected


@given(st.lists(st.tuples(pieces, st.integers(1, 9)), min_size=1))
def test_so_many_bundles_can_be_made_and_not_one_more(contents: list[tuple[int, int]]) -> None:
    number = shown.bundles(contents)

    assert all(there >= number * each for there, each in contents)
    assert any(there < (number + 1) * each for there, each in contents)


# ---------------------------------------------------------------- the whole engine


HAPPENINGS = ("level", "order", "order again", "echo")
SHOPS = {
    "blind": Can(write=Write.ABSOLUTE, batch_size=50, poll_seconds=86_400),
    "comparing": Can(write=Write.COMPARE_AND_SET, batch_size=50, poll_seconds=86_400),
}


@pytest.mark.parametrize("kind", SHOPS)
def test_a_sale_ends_the_same_in_every_order_of_what_we_hear_of_it(
    make_house: MakeHouse, clock: StoppedClock, play: Play, kind: str
) -> None:
    can = SHOPS[kind]
    web, market = FakeChannel("web", clock, can), FakeChannel("market", clock, can)
    house = make_house((shop("web"), web), (shop("market"), market))

    orders = {f"LAMP-{number}": happenings for number, happenings in enumerate(permutations(HAPPENINGS))}
    _sell_one_each(house, play, orders)

    for sku, happenings in orders.items():
        assert house.level(sku) == (5, 1), happenings
        assert (web.shows(sku), market.shows(sku)) == (4, 4), happenings
        assert house.state("web", sku).provisional == 0, happenings


def _sell_one_each(house: House, play: Play, orders: Mapping[str, Sequence[str]]) -> None:
    """One piece of each SKU is sold at the same time, and what there is to hear of it comes in the order of its own."""
    web = house.fakes["web"]
    house.article(*orders)
    house.stock(list(orders), 5)
    for sku in orders:
        for fake in house.fakes.values():
            fake.offer(sku)
    play(house.worker.tick("web", full=True))
    play(house.worker.tick("market", full=True))
    house.clock.advance(minutes=5)
    told = {sku: _what_there_is_to_hear(house, sku) for sku in orders}
    web.orders.clear()  # only what is told below is heard; polling finds nothing
    for turn in range(len(HAPPENINGS)):
        now = house.clock.now()
        heard = [told[sku][happenings[turn]] for sku, happenings in orders.items()]
        house.within(
            lambda session, heard=heard, now=now: facts.apply(
                session, house.context, house.channel("web"), heard, now=now
            )
        )
        play(house.tick("web", "market"))
        house.clock.advance(seconds=40)


def _what_there_is_to_hear(house: House, sku: str) -> dict[str, Fact]:
    order = house.fakes["web"].buy(sku, hook=False)
    article = Article(external_id=f"id-{sku}")
    return {
        "level": LevelSeen(article, 4, at=house.clock.now()),
        "order": order,
        "order again": order,
        "echo": LevelSeen(article, 5, tag=house.state("web", sku).tag),
    }


def test_a_sale_not_yet_seen_is_offered_nowhere_else(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50, poll_seconds=86_400)
    web, market = FakeChannel("web", clock, can), FakeChannel("market", clock, can)
    house = make_house((shop("web"), web), (shop("market"), market))
    house.article("LAMP")
    house.stock("LAMP", 1)
    for fake in (web, market):
        fake.offer("LAMP")
    play(house.settle(rounds=2))

    web.edit("LAMP", 0)  # sold, but its order is not visible yet
    play(house.settle(rounds=3))

    assert house.state("web", "LAMP").provisional == 1
    assert (web.shows("LAMP"), market.shows("LAMP")) == (0, 0)


def test_a_bundle_that_seems_sold_takes_its_parts_off_the_others_and_gives_them_back_at_once(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web, market = FakeChannel("web", clock, SHOPS["blind"]), FakeChannel("market", clock, SHOPS["blind"])
    house = make_house((shop("web"), web), (shop("market"), market))
    house.article("LAMP")
    house.bundle("PAIR", {"LAMP": 2})
    house.stock("LAMP", 6)
    web.offer("PAIR")
    market.offer("LAMP")
    play(house.settle(rounds=2))

    def shows(pieces: int) -> None:
        clock.advance(seconds=40)
        web.edit("PAIR", pieces)
        seen = LevelSeen(Article(external_id="id-PAIR"), pieces, at=clock.now())
        house.within(lambda session: facts.apply(session, house.context, house.channel("web"), [seen], now=clock.now()))
        play(house.tick("web", "market"))

    shows(2)
    assert market.shows("LAMP") == 4
    shows(3)
    assert market.shows("LAMP") == 6


@pytest.mark.parametrize("relist", [True, False])
@pytest.mark.parametrize("kind", SHOPS)
def test_an_order_cancelled_before_we_heard_of_it_keeps_nothing_back(
    make_house: MakeHouse, clock: StoppedClock, play: Play, kind: str, relist: bool
) -> None:
    web, market = FakeChannel("web", clock, SHOPS[kind]), FakeChannel("market", clock, SHOPS[kind])
    house = make_house((shop("web"), web), (shop("market"), market))
    house.article("LAMP")
    house.stock("LAMP", 5)
    for fake in (web, market):
        fake.offer("LAMP")
    play(house.settle(rounds=2))
    order = web.buy("LAMP", hook=False)
    orders, web.orders = web.orders, type(web.orders)()
    house.within(lambda session: facts.apply(session, house.context, house.channel("web"), [LevelSeen(Article(external_id="id-LAMP"), 4, at=clock.now())], now=clock.now()))  # fmt: skip
    play(house.tick("web", "market"))
    assert (house.state("web", "LAMP").provisional, market.shows("LAMP")) == (1, 4)

    web.orders = orders
    heard = web.cancel(order, hook=False, relist=relist)
    house.within(lambda session: facts.apply(session, house.context, house.channel("web"), [heard], now=clock.now()))
    play(house.settle(rounds=3))

    assert house.level("LAMP") == (5, 0)
    assert house.state("web", "LAMP").provisional == 0
    assert (web.shows("LAMP"), market.shows("LAMP")) == (5, 5)


@pytest.mark.parametrize("relist", [True, False])
def test_an_order_that_came_and_went_unheard_is_looked_after_for_a_number_it_left_lower(
    make_house: MakeHouse, clock: StoppedClock, play: Play, relist: bool
) -> None:
    can = replace(SHOPS["blind"], relists=False)
    web, market = FakeChannel("web", clock, can), FakeChannel("market", clock, can)
    house = make_house((shop("web"), web), (shop("market"), market))
    house.article("LAMP")
    house.stock("LAMP", 5)
    for fake in (web, market):
        fake.offer("LAMP")
    play(house.settle(rounds=2))
    clock.advance(minutes=5)
    heard = web.cancel(web.buy("LAMP", hook=False), hook=False, relist=relist)
    assert web.shows("LAMP") == (5 if relist else 4)

    house.within(lambda session: facts.apply(session, house.context, house.channel("web"), [heard], now=clock.now()))
    play(house.settle(rounds=2))

    assert (web.shows("LAMP"), market.shows("LAMP")) == (5, 5)
    assert (house.state("web", "LAMP").provisional, house.state("web", "LAMP").drift_since) == (0, None)


@given(bought=st.integers(0, 5), cancelled=st.integers(0, 5), relisted=st.booleans())
def test_an_order_explains_what_it_took_also_when_it_was_cancelled_since(
    bought: int, cancelled: int, relisted: bool
) -> None:
    level = 20 - bought - (0 if relisted else cancelled)

    view = levels.order(levels.see(View(20), level).view, bought, cancelled)

    assert view == View(believed=level, provisional=0)


@given(cancelled=st.integers(0, 5), kept=st.integers(0, 5), sold=st.integers(0, 5))
def test_only_what_a_cancelled_order_cannot_have_kept_is_a_sale_not_yet_seen(
    cancelled: int, kept: int, sold: int
) -> None:
    kept = min(kept, cancelled)

    verdict = levels.see(levels.order(View(20), 0, cancelled, relists=False), 20 - kept - sold)

    assert verdict.drift == 0
    assert verdict.view == View(20 - kept - sold, provisional=max(0, kept + sold - cancelled))


def test_a_sale_that_no_order_explains_is_undone_after_a_while(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50)
    web, market = FakeChannel("web", clock, can), FakeChannel("market", clock, can)
    house = make_house((shop("web"), web), (shop("market"), market))
    house.article("LAMP")
    house.stock("LAMP", 3)
    for fake in (web, market):
        fake.offer("LAMP")
    play(house.settle(rounds=2))
    web.edit("LAMP", 1)
    play(house.settle(rounds=3))
    assert (web.shows("LAMP"), market.shows("LAMP")) == (1, 1)

    play(house.settle(rounds=40))

    assert (web.shows("LAMP"), market.shows("LAMP")) == (3, 3)
    assert house.state("web", "LAMP").drift_since is None


def test_of_many_levels_told_at_once_only_those_that_say_something_new_are_looked_at(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, Can(write=Write.ABSOLUTE, batch_size=50))))
    for sku in ("ECHO", "EDITED", "VERSION", "TAGGED", "NOBODY"):
        house.article(sku)
        house.stock(sku, 5)
        web.offer(sku)
    play(house.settle(rounds=2))
    version = house.state("web", "VERSION").seen_version or "v1"
    with db.transaction(house.engine) as session:
        session.get_one(ShownState, ("web", "id-VERSION", "")).seen_version = version
    tag = house.state("web", "TAGGED").tag
    told = [("ECHO", 5, None, None), ("EDITED", 4, None, None), ("VERSION", 4, version, None), ("TAGGED", 4, None, tag)]
    levels = [
        LevelSeen(Article(external_id=f"id-{sku}"), shows, version=seen, tag=ours) for sku, shows, seen, ours in told
    ]
    stranger = LevelSeen(Article(external_id="id-STRANGER"), 1)

    house.within(
        lambda session: facts.apply(
            session, house.context, house.channel("web"), [*levels, stranger, levels[1]], now=clock.now()
        )
    )

    waits = {row.sku for row in house.rows(ShownState, channel="web") if row.look_at is not None}
    assert waits == {"EDITED"}
    assert house.letters("web") == []
