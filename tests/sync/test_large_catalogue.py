"""A channel that offers more than its limits let anybody read at once: it is read to its end all the same, and nothing else waits for it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters import registry
from omnisync.adapters.base import Article, Can, ListingPage, Page, Target, Write
from omnisync.adapters.client import Budget, Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.shopify.counterpart import Shopify
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import health, offers, plan, polling
from omnisync.sync.patience import LONGEST_SECONDS, TRIES, patient
from omnisync.sync.tables import ChannelListing
from omnisync.torture.counterpart import Goods, Ground
from omnisync.torture.known import counterpart
from omnisync.torture.wire import Call, Wire
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, settings_for, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, poll_seconds=1)
POINTS, BUCKET, PAGE_COSTS = 1.0, 20.0, 3.0
SKUS = [f"LAMP-{n:02d}" for n in range(20)]


class Narrow(FakeChannel):
    """A page of its listings has two of them and costs three of the twenty points that it has; one comes back each second."""

    def __init__(self, clock: StoppedClock) -> None:
        super().__init__("web", clock, CAN)
        self.budget = Budget(clock, POINTS, BUCKET)
        self.budgets = {"points": self.budget}
        self.least, self.pull_costs = BUCKET, 0.2
        self.begun = 0
        self.broken: Exception | None = None

    async def listings(self, cursor: str | None) -> ListingPage:
        await self.budget.take(PAGE_COSTS)
        self.least = min(self.least, self.budget.held())
        if self.broken is not None:
            raise self.broken
        self.begun += cursor is None
        start = int(cursor or 0)
        found = sorted(self.offers.values(), key=lambda one: one.external_id)[start : start + 2]
        return ListingPage(found, str(start + 2), start + 2 < len(self.offers))

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        await self.budget.take(self.pull_costs)
        return await super().pull(cursor, now=now)


@pytest.fixture
def web(clock: StoppedClock) -> Narrow:
    return Narrow(clock)


@pytest.fixture
def house(make_house: MakeHouse, web: Narrow) -> House:
    house = make_house((shop("web"), web))
    house.article(*SKUS)
    house.stock(SKUS, 3)
    for sku in SKUS:
        web.offer(sku, stock=9)
    return house


async def seconds(house: House, number: int) -> None:
    for _ in range(0, number, 2):
        await house.worker.tick("web")
        house.clock.advance(seconds=2)


def known(house: House) -> int:
    return len(house.rows(ChannelListing, channel="web"))


def test_it_is_read_over_many_rounds_in_which_orders_are_heard_and_half_of_the_budget_is_left(
    house: House, web: Narrow, play: Play
) -> None:
    play(seconds(house, 4))
    some = known(house)
    web.buy(SKUS[-1], 2, hook=False)
    play(seconds(house, 2))
    heard, then = house.level(SKUS[-1]), known(house)
    play(seconds(house, 40))

    assert (0 < some <= then < 20, heard) == (True, (3, 2)), "it is booked in the middle of it"
    assert (known(house), web.begun, [web.shows(sku) for sku in SKUS]) == (20, 1, [*[3] * 19, 1])
    assert web.least >= BUCKET / 2 - PAGE_COSTS
    state = house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()))
    assert (state.state, state.failures_in_row) == ("on_time", 0)


def test_where_there_is_never_room_a_page_is_read_each_minute(house: House, web: Narrow, play: Play) -> None:
    play(seconds(house, 2))
    web.pull_costs = 2.0  # all that comes back in the meantime
    play(seconds(house, 50))
    before = known(house)
    play(seconds(house, 140))

    assert known(house) - before in (2 * 2, 2 * 3)


def test_a_reading_that_is_interrupted_goes_on_where_it_was_and_finds_what_is_gone(
    house: House, web: Narrow, play: Play
) -> None:
    play(seconds(house, 50))
    web.end(f"id-{SKUS[0]}")
    house.clock.advance(hours=1)
    play(seconds(house, 2))
    web.broken = TryLater("Away.")
    house.clock.advance(seconds=30)
    play(seconds(house, 2))
    web.broken = None
    house.clock.advance(seconds=60)
    play(seconds(house, 40))

    gone = [one.sku for one in house.rows(ChannelListing, channel="web") if one.gone_at is not None]
    assert (gone, web.begun) == ([SKUS[0]], 2)


def test_one_that_stood_still_for_too_long_or_needed_a_person_begins_again(
    house: House, web: Narrow, play: Play
) -> None:
    play(seconds(house, 2))
    house.clock.advance(minutes=11)
    play(seconds(house, 2))
    assert web.begun == 2

    web.broken = NeedsAttention("No.", action="Look.")
    house.clock.advance(seconds=60)
    play(seconds(house, 2))
    web.broken = None
    house.clock.advance(hours=2)
    play(seconds(house, 2))
    assert web.begun == 3


def test_whoever_asks_for_all_at_once_gets_all_at_once(house: House, web: Narrow, play: Play) -> None:
    assert play(polling.pull_listings(house.context, patient(house.channel("web"), house.clock))) == 20
    assert web.begun == 1


# ---------------------------------------------------------------- numbers before its end


def test_what_its_pages_have_matched_shows_what_it_should_while_the_rest_is_read(
    house: House, web: Narrow, play: Play
) -> None:
    shown = list[tuple[int, list[int]]]()
    for _ in range(6):
        play(seconds(house, 6))
        shown.append((known(house), [web.shows(sku) for sku in SKUS]))

    assert len({number for number, _ in shown}) >= 4, "page by page"
    assert [numbers for _, numbers in shown] == [[3] * number + [9] * (20 - number) for number, _ in shown]
    assert web.begun == 1


def test_an_order_that_waited_for_an_article_is_booked_when_its_page_has_come(
    house: House, web: Narrow, play: Play
) -> None:
    order = web.buy(SKUS[12], 2, hook=False)
    nameless = replace(order.lines[0], article=Article(external_id=f"id-{SKUS[12]}"))
    web.orders[order.id] = replace(order, lines=(nameless,))

    play(seconds(house, 2))
    assert (house.level(SKUS[12]), len(house.letters("web"))) == ((3, 0), 1)
    while known(house) < 14:
        play(seconds(house, 2))

    assert (house.level(SKUS[12]), house.letters("web"), web.shows(SKUS[12])) == ((3, 2), [], 1)
    assert known(house) < 20


# A quarter of twenty is five, of the eight that the first round reads it is two: so three are too many of these and few of all.
A_QUARTER = {"blast_zero_percent": 25, "blast_zero_least": 3}


def emptied(make_house: MakeHouse, web: Narrow, number: int) -> House:
    """A new shop whose first so many listings are sold out here and on offer there."""
    house = make_house((shop("web", policy=A_QUARTER), web))
    house.article(*SKUS)
    house.stock(SKUS, 3)
    house.stock(SKUS[:number], 0)
    for sku in SKUS:
        web.offer(sku, stock=9)
    return house


def test_what_would_be_a_large_part_of_the_listings_read_so_far_waits_for_the_others_and_for_nobody(
    make_house: MakeHouse, web: Narrow, play: Play
) -> None:
    house = emptied(make_house, web, 4)

    play(seconds(house, 2))
    assert (known(house), [web.shows(sku) for sku in SKUS[:8]]) == (8, [9] * 4 + [3] * 4)
    assert house.cases("blast_zero") == []
    state = house.within(lambda session: health.of(session, house.channel("web"), now=house.clock.now()))
    assert state.state == "on_time"
    play(seconds(house, 50))

    assert [web.shows(sku) for sku in SKUS] == [0] * 4 + [3] * 16
    assert (house.cases("blast_zero"), {house.state("web", sku).guard_decision for sku in SKUS}) == ([], {None})


def test_what_is_a_large_part_of_all_is_a_case_when_all_are_read(
    make_house: MakeHouse, web: Narrow, play: Play
) -> None:
    house = emptied(make_house, web, 7)

    play(seconds(house, 50))

    [case] = house.cases("blast_zero")
    assert case.details["listings"] == 7
    assert [web.shows(sku) for sku in SKUS] == [9] * 7 + [3] * 13


def test_nobody_waits_for_a_reading_that_never_ends(make_house: MakeHouse, web: Narrow, play: Play) -> None:
    house = emptied(make_house, web, 4)
    play(seconds(house, 2))
    web.broken = NeedsAttention("No.", action="Look.")
    play(seconds(house, 4))
    assert house.cases("blast_zero") == []

    house.clock.advance(minutes=11)
    play(seconds(house, 4))

    [case] = house.cases("blast_zero")
    assert case.details["listings"] == 4


# ---------------------------------------------------------------- waiting


class Busy:
    """An adapter that limits calls so often, with that wait."""

    def __init__(self, times: int, seconds: float | None) -> None:
        self.times, self.seconds, self.asked = times, seconds, 0

    async def look(self, targets: list[Target]) -> list[Any]:
        self.asked += 1
        if self.asked <= self.times:
            raise TryLater("Slower.", retry_after_seconds=self.seconds)
        return ["seen"]


@pytest.mark.parametrize(
    ("times", "seconds", "asked"), [(TRIES, 3.0, TRIES + 1), (TRIES + 1, 3.0, None), (1, None, None), (1, LONGEST_SECONDS + 1, None)]
)  # fmt: skip
def test_who_is_patient_waits_where_the_channel_says_for_how_long_and_not_for_ever(
    house: House, clock: StoppedClock, play: Play, times: int, seconds: float | None, asked: int | None
) -> None:
    busy, before = Busy(times, seconds), clock.monotonic()
    channel = patient(house.channel("web"), clock)
    channel.adapter._adapter = busy  # type: ignore[attr-defined]

    if asked is None:
        with pytest.raises(TryLater):
            play(channel.adapter.look([]))
    else:
        assert play(channel.adapter.look([])) == ["seen"]
        assert (busy.asked, clock.monotonic() - before) == (asked, times * 3.0)


# ---------------------------------------------------------------- Shopify's smallest plan


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_shop_of_1500_variants_on_shopifys_smallest_plan_is_planned_for_and_then_shows_what_it_should(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, tmp_path: Path
) -> None:
    goods = [Goods(f"S-{n:04d}", f"Artikel {n}", "", Money(1995, "EUR"), 7) for n in range(1500)]
    tools = Tools(clock, ids, random.Random(2))
    there = Shopify(Ground(tools, goods, "https://sync.example.org/v1/hooks/web", tmp_path))
    wire = Wire(there.transport, clock)
    settings = {name: value for name, value in there.settings.items() if name != "page_size"}
    made = registry.factory("shopify")(
        "web", settings, there.places, "https://sync.example.org", Tools(clock, ids, random.Random(3), wire)
    )
    places = dict.fromkeys(there.places, "linden")
    house = build(engine, clock, ids, settings_for(shop("web", location_map=places)), [made])  # type: ignore[list-item]
    skus = [one.sku for one in goods]
    house.article(*skus)
    house.stock(skus, 3)

    rows = play(offers.catalogue(patient(house.channel("web").shadow(), clock)))
    drawn = play(plan.draw(house.context, house.channel("web")))
    play(seconds(house, 250))

    assert (len(rows), drawn.listings, drawn.compared) == (1500, 1500, 1500)
    assert {there.shown(sku) for sku in skus} == {3}


# ---------------------------------------------------------------- channels that count by the day, or do not say


@pytest.mark.parametrize(
    ("adapter", "page_of", "calls_each"), [("ebay", "/inventory_item", 2.3), ("square", "/catalog/list", 0.2)]
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_numbers_go_out_while_ebay_and_square_are_still_being_read_at_a_few_calls_for_each_listing(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, tmp_path: Path, adapter: str, page_of: str, calls_each: float
) -> None:  # fmt: skip
    goods = [Goods(f"S-{n:04d}", f"Artikel {n}", "", Money(1995, "EUR"), 7) for n in range(300)]
    tools = Tools(clock, ids, random.Random(2))
    there = counterpart(adapter)(Ground(tools, goods, "https://sync.example.org/v1/hooks/web", tmp_path))
    wire, shown_before_page = Wire(there.transport, clock), list[int]()
    settings = {name: value for name, value in there.settings.items() if name != "page_size"}
    made = registry.factory(adapter)(
        "web", settings, there.places, "https://sync.example.org", Tools(clock, ids, random.Random(3), wire)
    )
    places = dict.fromkeys(there.places, "linden")
    house = build(engine, clock, ids, settings_for(shop("web", location_map=places)), [made])  # type: ignore[list-item]
    skus = [one.sku for one in goods]
    house.article(*skus)
    house.stock(skus, 3)
    worker = replace(house.worker, _wake={"web": asyncio.Event()})

    async def as_time_passes(call: Call) -> None:
        clock.advance(seconds=0.5)
        worker.wake("web")
        if call.method == "GET" and call.url.partition("?")[0].endswith(page_of):
            shown_before_page.append(sum(there.shown(sku) == 3 for sku in skus))

    wire.before = as_time_passes
    for _ in range(40):
        play(worker.tick("web", why=worker._asked.pop("web", None)))

    assert {there.shown(sku) for sku in skus} == {3}
    pages, last = len(shown_before_page), shown_before_page[-1]
    assert last >= 300 * (pages - 2) / pages > 0, "all but the page before it"
    assert len(wire.calls) <= 300 * calls_each + 40 * 3
