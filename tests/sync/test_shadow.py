"""Before a channel goes live everything is read there and nothing is written; and what going live would change can be seen."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from omnisync.adapters.base import Article, Can, Hook, LevelSeen, Listing, ListingPage, Subscription, Write
from omnisync.adapters.client import Tools
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import Ids, StoppedClock
from omnisync.orders.tables import ChannelOrder
from omnisync.settings import ServerSettings
from omnisync.sync import claims, golive, health, plan, questions, telling
from omnisync.sync.answering import Said, answer
from omnisync.sync.plan import Kind as Wrong
from omnisync.sync.tables import Case, Sent
from omnisync.values import Money
from tests.adapters.contract import Feature, open_world, rigs
from tests.sync.conftest import Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, settings_for, shop
from tests.sync.test_telling import order, pickup
from tests.sync.test_unpaid import unpaid

CAN = Can(write=Write.ABSOLUTE, batch_size=2, webhooks=True, tells_pickups=True, prices=True, poll_seconds=60, topics=("orders",))  # fmt: skip


class Watched(FakeChannel):
    """Remembers when its subscriptions are asked for, which makes those that are missing."""

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        self._call("subscriptions")
        return wanted


@pytest.fixture
def web(clock: StoppedClock) -> Watched:
    return Watched("web", clock, CAN)


@pytest.fixture
def house(engine: Engine, clock: StoppedClock, ids: Ids, web: Watched) -> House:
    """A shop in shadow that shows something of its own, and one that is live."""
    other, server = FakeChannel("other", clock), ServerSettings(public_url="https://sync.example.org")
    settings = settings_for(shop("web", shadow=True), shop("other")).model_copy(update={"server": server})
    made = build(engine, clock, ids, settings, [web, other])
    made.article("LAMP")
    made.stock("LAMP", 9)
    web.offer("LAMP", stock=4)
    other.offer("LAMP")
    return made


WRITES = {"publish", "tell", "subscriptions"}


def test_its_orders_count_everywhere_and_nothing_is_written_there(
    house: House, web: Watched, engine: Engine, clock: StoppedClock, play: Play
):
    play(house.settle(rounds=2))
    web.buy("LAMP", 2)
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    play(house.settle(rounds=3))

    assert house.level("LAMP") == (9, 5)
    assert (web.shows("LAMP"), house.fakes["other"].shows("LAMP")) == (2, 4)
    assert (WRITES & set(web.calls), web.put_away) == (set(), [])
    state = house.within(lambda session: health.of(session, house.channel("web"), now=clock.now()))
    assert (state.state, state.lag_seconds, state.queued) == ("shadow", 0.0, 0)


def test_what_somebody_else_writes_there_is_neither_a_sale_nor_drift(house: House, web: Watched, play: Play):
    play(house.settle(rounds=2))
    for number in (1, 30):
        web.edit("LAMP", number)
        body = json.dumps({"level": "id-LAMP", "quantity": number}).encode()
        web.hooks.append(Hook("POST", "", {"x-event": f"level-{number}", "x-signature": "good"}, {}, body))
        play(house.settle(rounds=2))

    assert house.state("web", "LAMP").provisional == 0
    assert (house.fakes["other"].shows("LAMP"), house.rows(Case)) == (9, [])


def test_it_is_written_from_the_moment_it_goes_live_until_it_is_handed_back(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    play(house.settle(rounds=2))
    went_live = clock.now()

    house.within(lambda session: health.go_live(session, "web", now=went_live))
    play(house.settle(rounds=2))
    live = web.shows("LAMP")
    house.within(lambda session: health.hand_back(session, "web", now=clock.now()))
    house.stock("LAMP", 5)
    play(house.settle(rounds=2))

    assert (live, web.shows("LAMP"), "subscriptions" in web.calls) == (9, 9, True)
    assert [sent.changed_at for sent in house.rows(Sent, channel="web")] == [went_live]
    [last] = house.within(lambda session: list(golive.last_values(session, "web")))
    assert (last["sku"], last["quantity"]) == ("LAMP", 5)


def test_the_plan_names_what_is_wrong_with_each_listing_worst_first(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    shows = {"GONE": (0, 3), "MUCH": (2, 5), "LESS": (7, 1), "NONE": (6, 0), "RIGHT": (4, 4)}
    house.article(*shows, "NEW")
    for sku, (there, shown) in shows.items():
        house.stock(sku, there)
        web.offer(sku, stock=shown)
    web.offer("NEW", stock=1)
    web.offer("STRANGE", stock=1)
    price = BasePrice("RIGHT", Money(1500, "EUR"))
    house.within(lambda session: pricelist.set_price(session, price, ids=house.ids, now=clock.now()))
    web.prices["id-RIGHT"] = Money(1999, "EUR")
    clock.advance(seconds=1)

    drawn = play(plan.draw(house.context, house.channel("web")))

    assert [(one.kind, one.sku, one.shows, one.should) for one in drawn.differences] == [
        (Wrong.SOLD_OUT_OFFERED, "GONE", 3, 0),
        (Wrong.TOO_MANY, "MUCH", 5, 2),
        (Wrong.NOT_OFFERED, "NONE", 0, 6),
        (Wrong.TOO_FEW, "LESS", 1, 7),
        (Wrong.TOO_FEW, "LAMP", 4, 9),
        (Wrong.PRICE, "RIGHT", 4, None),
        (Wrong.UNCOUNTED, "NEW", 1, 0),
        (Wrong.UNMAPPED, None, None, None),
    ]
    assert (drawn.listings, drawn.mapped, drawn.compared) == (8, 7, 7)
    assert not WRITES & set(web.calls)


def test_what_was_ordered_and_never_counted_is_named_as_uncounted(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    house.article("NEW")
    web.offer("NEW", stock=5)
    play(house.settle(rounds=2))
    web.buy("NEW")
    play(house.settle(rounds=2))

    drawn = play(plan.draw(house.context, house.channel("web")))

    assert house.level("NEW") == (0, 1)
    assert [one.kind for one in drawn.differences if one.sku == "NEW"] == [Wrong.UNCOUNTED]


def test_it_may_go_live_when_every_question_is_answered(house: House, web: Watched, clock: StoppedClock, play: Play):
    house.article("NEW", "GONE")
    house.stock("GONE", 0)
    web.offer("NEW", stock=1)
    web.offer("GONE", stock=1)
    web.offer("STRANGE")

    def asked() -> dict[str, bool]:
        drawn = play(plan.draw(house.context, house.channel("web")))
        found = house.within(lambda session: golive.questions(session, house.channel("web"), drawn, now=clock.now()))
        return {one.name: one.ok for one in found}

    before = asked()
    house.article("STRANGE")
    house.stock(["NEW", "STRANGE", "GONE"], 3)
    play(house.settle(rounds=2))

    assert before == {
        "orders": False,
        "messages": True,
        "mapping": False,
        "questions": True,
        "stock": False,
        "zeros": False,
        "prices": True,
        "unpaid": True,
        "pickups": True,
    }
    assert asked() == dict.fromkeys(before, True)


def not_ok(house: House, name: str, clock: StoppedClock, play: Play) -> list[str]:
    drawn = play(plan.draw(house.context, house.channel(name)))
    asked = house.within(lambda session: golive.questions(session, house.channel(name), drawn, now=clock.now()))
    return [one.name for one in asked if not one.ok]


def test_what_is_unclear_about_its_listings_is_answered_before_it_goes_live(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    web.offers["twin"] = Listing("twin", "LAMP")
    web.offers["strange"] = Listing("strange", "GIFTCARD")
    web.stock["twin", ""] = web.stock["strange", ""] = 9
    play(house.settle(rounds=2))
    before = not_ok(house, "web", clock, play)

    for about, said in (("LAMP", Said(keep=True)), ("strange", Said(keep=True))):
        asked = house.within(lambda session: questions.page(session, [house.channel("web")], kind=None, after=None, limit=9))  # fmt: skip
        [key] = [one.key.id for one in asked[0] if one.key.about == about]
        house.within(lambda session, key=key, said=said: answer(session, house.context, key, said, by="me", now=clock.now()))  # fmt: skip

    assert (before, not_ok(house, "web", clock, play)) == (["mapping", "questions"], [])


@pytest.mark.parametrize(("can", "missing"), [(Can(write=Write.NONE, looks=False), []), (CAN, ["mapping"])])
def test_a_till_that_is_only_read_need_not_list_anything(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, can: Can, missing: list[str]
):
    till = FakeChannel("till", clock, can)
    house = build(engine, clock, ids, settings_for(shop("till", shadow=True)), [till])
    play(house.settle(rounds=2))

    assert not_ok(house, "till", clock, play) == missing


def test_what_was_shown_before_it_was_handed_back_is_no_measure_of_what_somebody_else_wrote_since(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play
):
    web, blind = FakeChannel("web", clock, CAN), FakeChannel("blind", clock, replace(CAN, looks=False))
    house = build(engine, clock, ids, settings_for(shop("web"), shop("blind"), shop("other")), [web, blind, FakeChannel("other", clock)])  # fmt: skip
    house.article("LAMP")
    house.stock("LAMP", 9)
    for fake in house.fakes.values():
        fake.offer("LAMP")
    play(house.settle(rounds=2))
    web.edit("LAMP", 7)
    play(house.worker.tick("web", full=True))
    unexplained = house.state("web", "LAMP").provisional

    for name in ("web", "blind"):
        house.within(lambda session, name=name: health.hand_back(session, name, now=clock.now()))
    play(house.settle(rounds=2))
    others = house.fakes["other"].shows("LAMP")
    for fake in (web, blind):
        fake.edit("LAMP", 4)
        house.within(lambda session, name=fake.name: health.go_live(session, name, now=clock.now()))
    play(house.settle(rounds=3))

    assert (unexplained, others) == (2, 9)
    assert [fake.shows("LAMP") for fake in house.fakes.values()] == [9, 9, 9]
    assert house.state("web", "LAMP").provisional == 0


@pytest.mark.parametrize("stop", [health.pause, health.hand_back])
def test_a_round_under_way_writes_no_more_after_the_channel_was_paused_or_handed_back(
    house: House, web: Watched, clock: StoppedClock, play: Play, stop: Any
):
    play(house.settle(rounds=2))
    house.within(lambda session: health.go_live(session, "web", now=clock.now()))
    channel = house.channel("web")
    [key] = house.within(lambda session: claims.due(session, channel, now=clock.now(), prices=False, limit=9))

    house.within(lambda session: stop(session, "web", now=clock.now()))
    claimed = house.within(lambda session: claims.claim(session, house.context, channel, [key], now=clock.now()))

    assert claimed == []


def test_a_round_that_began_in_shadow_ends_in_it_when_the_channel_goes_live_meanwhile(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    play(house.settle(rounds=2))
    clock.advance(hours=1)
    read = web.listings

    async def listings(cursor: str | None) -> ListingPage:
        house.within(lambda session: health.go_live(session, "web", now=clock.now()))
        return await read(cursor)

    web.listings = listings  # type: ignore[method-assign]
    play(house.tick("web"))
    assert (web.log, house.letters("web")) == ([], [])
    web.listings = read  # type: ignore[method-assign]
    play(house.tick("web"))

    assert (web.shows("LAMP"), house.letters("web")) == (9, [])


@pytest.mark.parametrize("stop", [health.pause, health.hand_back])
def test_a_round_under_way_tells_nothing_after_the_channel_was_paused_or_handed_back(
    house: House, web: Watched, engine: Engine, clock: StoppedClock, play: Play, stop: Any
):
    house.within(lambda session: health.go_live(session, "web", now=clock.now()))
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    house.within(lambda session: unpaid_order(session, clock))

    house.within(lambda session: stop(session, "web", now=clock.now()))
    told = play(telling.tell(house.context, house.channel("web")))

    assert (told, web.told) == (0, [])


def unpaid_order(session: Session, clock: StoppedClock) -> None:
    """One whose pieces were given back because nobody paid it."""
    now = clock.now()
    session.add(
        ChannelOrder(
            id="o1", channel="web", external_id="901", reference="#1002", version=now, placed_at=now, seen_at=now,
            paid=False, closed=False, released_at=now,
        )
    )  # fmt: skip


def test_what_a_till_says_of_its_own_stock_counts_in_shadow_too(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play
):
    till = FakeChannel("till", clock, Can(write=Write.NONE))
    settings = settings_for(shop("till", shadow=True, location_map={"Kasse 1": "linden"}), owners={"linden": "till"})
    house = build(engine, clock, ids, settings, [till])
    house.article("LAMP")
    play(house.tick("till"))
    clock.advance(minutes=1)

    till.facts.append(LevelSeen(Article(sku="LAMP"), 6, place="Kasse 1", at=clock.now(), version="7"))
    clock.advance(minutes=2)
    play(house.tick("till"))

    assert house.level("LAMP") == (6, 0)


def test_a_price_that_jumps_is_asked_about_before_the_first_one_is_written(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    price = BasePrice("LAMP", Money(1500, "EUR"))
    house.within(lambda session: pricelist.set_price(session, price, ids=house.ids, now=clock.now()))
    web.prices["id-LAMP"] = Money(15000, "EUR")
    clock.advance(seconds=1)
    play(house.settle(rounds=2))

    drawn = play(plan.draw(house.context, house.channel("web")))
    asked = house.within(lambda session: golive.questions(session, house.channel("web"), drawn, now=clock.now()))

    assert [one.name for one in asked if not one.ok] == ["prices"]


def test_orders_that_nobody_paid_while_it_was_in_shadow_are_named_before_they_are_cancelled_there(
    house: House, web: Watched, clock: StoppedClock, play: Play
):
    play(house.settle(rounds=2))
    unpaid(web)
    play(house.settle(rounds=2))
    clock.advance(days=8)
    play(house.settle(rounds=2))

    drawn = play(plan.draw(house.context, house.channel("web")))
    asked = house.within(lambda session: golive.questions(session, house.channel("web"), drawn, now=clock.now()))

    assert ([(one.name, one.detail) for one in asked if not one.ok], web.told) == (
        [("unpaid", "1 orders that nobody paid would be cancelled there")],
        [],
    )


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_orders_whose_pickup_ended_while_it_was_in_shadow_are_named_until_they_are_cancelled_there(
    house: House, web: Watched, engine: Engine, clock: StoppedClock, play: Play, state: str
):
    play(house.settle(rounds=2))
    order(engine, house, clock)
    pickup(engine, clock, state)

    def not_ok() -> list[tuple[str, str]]:
        drawn = play(plan.draw(house.context, house.channel("web")))
        asked = house.within(lambda session: golive.questions(session, house.channel("web"), drawn, now=clock.now()))
        return [(one.name, one.detail) for one in asked if not one.ok]

    over = not_ok()
    house.within(lambda session: setattr(session.exec(select(ChannelOrder)).one(), "closed", True))

    assert over == [("pickups", "1 orders whose pickup is over would be cancelled there")]
    assert (not_ok(), web.told) == ([], [])


@pytest.mark.parametrize("state", ["ready", "collected"])
def test_pickups_that_go_well_do_not_keep_a_channel_from_going_live(
    house: House, web: Watched, engine: Engine, clock: StoppedClock, play: Play, state: str
):
    play(house.settle(rounds=2))
    order(engine, house, clock)
    pickup(engine, clock, state)
    clock.advance(minutes=1)
    drawn = play(plan.draw(house.context, house.channel("web")))

    asked = house.within(lambda session: golive.questions(session, house.channel("web"), drawn, now=clock.now()))

    assert [one.name for one in asked if not one.ok] == []


# ---------------------------------------------------------------- what leaves the client

RECEIVED = "AmazonSQS.ReceiveMessage"
"""Hides a message for a while, and leaves it where it is."""
READS = re.compile(r"/search|batch-retrieve|/token|/bulk_get|/login")
RIGS = [rig for rig in rigs().values() if not {Feature.NETWORK, Feature.STOCK_OUT} & set(rig.does_not_apply)]


def is_read(request: httpx.Request) -> bool:
    """By the rules of the channels' own APIs."""
    if request.content.startswith(b'{"query"'):
        query = str(json.loads(request.content)["query"]).lstrip()
        return not query.startswith("mutation") or "authenticate" in query or "login" in query
    if request.headers.get("x-amz-target") == RECEIVED:
        return True
    return request.method in ("GET", "HEAD") or (request.method == "POST" and bool(READS.search(request.url.path)))


@pytest.mark.parametrize("rig", RIGS, ids=[rig.adapter for rig in RIGS])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_write_leaves_the_client_of_a_real_adapter(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, rig: Any
):
    opened = open_world(rig, Tools(clock=clock, ids=ids, chance=random.Random(7)), clock)
    world, sent = opened.world, []
    inner = opened.wire.handle_async_request

    async def noted(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return await inner(request)

    opened.wire.handle_async_request = noted  # type: ignore[method-assign]
    place = world.targets[0].place
    places = {"location_map": {place: "linden"}} if place else {}
    house = build(engine, clock, ids, settings_for(shop("contract", shadow=True, **places)), [world.adapter])  # type: ignore[list-item]
    skus = [target.sku for target in world.targets]
    house.article(*skus)
    house.stock(skus, 3)
    before = [world.level(target) for target in world.targets]

    async def rounds() -> None:
        for _ in range(2):
            await house.worker.tick("contract", full=True)
            clock.advance(hours=1)

    play(rounds())
    if Feature.LOOK not in rig.does_not_apply:
        drawn = play(plan.draw(house.context, house.channel("contract")))
        assert {one.sku for one in drawn.differences if one.shows != one.should} >= set(skus)

    assert sent
    assert [f"{one.method} {one.url}" for one in sent if not is_read(one)] == []
    assert [world.level(target) for target in world.targets] == before
