"""Numbers out: nothing but the number changes, what is urgent goes first, what a feed refused is found out."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from omnisync.adapters.amazon import entries
from omnisync.adapters.amazon.settings import MARKETPLACES
from omnisync.adapters.base import Outcome, Published, Shown, Target
from omnisync.clock import StoppedClock
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.errors import TryLater
from omnisync.values import Money
from tests.adapters.amazon.conftest import Open
from tests.adapters.amazon.rig import SEED, AmazonWorld, Line

pytestmark = pytest.mark.anyio
ACCEPTED, ATTENTION, LATER = Outcome.ACCEPTED, Outcome.ATTENTION, Outcome.TRY_LATER


def wish(clock: StoppedClock, target: Target, quantity: int | None, price: Money | None = None) -> Shown:
    return Shown(target=target, tag="t", at=clock.now(), quantity=quantity, price=price)


def outcomes(published: Sequence[Published]) -> list[Outcome]:
    return [one.outcome for one in published]


def patched(line: Line) -> list[str]:
    """The SKUs that were patched, in their order."""
    return [one.url.path.rpartition("/items/")[2].partition("/")[2] for one in line.asked if one.method == "PATCH"]


# ---------------------------------------------------------------- nothing else changes


async def test_a_quantity_takes_nothing_else_of_its_listing_away(world: AmazonWorld, clock: StoppedClock):
    shade = world.seller.offers["SHADE,WHITE"]
    stock = {
        "fulfillment_channel_code": "DEFAULT", "quantity": 30, "lead_time_to_ship_max_days": 5, "restock_date": "2026-12-01",
        "marketplace_id": "A1PA6795UKMFR9", "is_inventory_available": True,
    }  # fmt: skip
    shade.attributes["fulfillment_availability"] = [dict(stock)]
    before = copy.deepcopy(shade.attributes)

    published = await world.adapter.publish([wish(clock, world.targets[2], 4)])

    assert outcomes(published) == [ACCEPTED]
    assert shade.attributes == {**before, "fulfillment_availability": [{**stock, "quantity": 4}]}


async def test_a_price_leaves_sale_minimum_and_business_prices_as_they_are(world: AmazonWorld, clock: StoppedClock):
    lamp, store = world.seller.offers["LAMP-RED"], "A1PA6795UKMFR9"
    ours = lamp.attributes["purchasable_offer"][0]
    ours["discounted_price"] = [{"schedule": [{"start_at": "2026-11-20", "value_with_tax": 29.99}]}]
    ours["our_price"][0]["schedule"][0]["valid"] = "kept"
    business = {"marketplace_id": store, "currency": "EUR", "audience": "B2B", "our_price": [{"schedule": [{"value_with_tax": 35}]}]}  # fmt: skip
    abroad = {"marketplace_id": "A13V1IB3VIYZZH", "currency": "EUR", "audience": "ALL", "our_price": [{"schedule": [{"value_with_tax": 44.1}]}]}  # fmt: skip
    lamp.attributes["purchasable_offer"] = [business, abroad, ours]
    before = copy.deepcopy(lamp.attributes)

    [published] = await world.adapter.publish([wish(clock, world.targets[0], None, Money(3999, "EUR"))])

    before["purchasable_offer"][2]["our_price"] = [{"schedule": [{"value_with_tax": 39.99, "valid": "kept"}]}]
    assert published.outcome is ACCEPTED
    assert lamp.attributes == before
    [level] = await world.adapter.look([world.targets[0]])
    assert level.price == Money(3999, "EUR")  # not the sale price


def test_amounts_are_written_as_they_are(clock: StoppedClock):
    yen = wish(clock, Target("A", "A"), None, Money(1200, "JPY"))
    cents = wish(clock, Target("A", "A"), None, Money(1910, "EUR"))
    item = {"attributes": {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT"}]}}

    [first] = entries.patches(item, yen, MARKETPLACES["JP"])
    [second] = entries.patches(item, cents, MARKETPLACES["DE"])

    assert json.dumps(first["value"][0]["our_price"]) == '[{"schedule": [{"value_with_tax": 1200}]}]'
    assert json.dumps(second["value"][0]["our_price"]) == '[{"schedule": [{"value_with_tax": 19.1}]}]'
    assert second["value"][0]["currency"] == "EUR"


# ---------------------------------------------------------------- what is never written


@pytest.mark.parametrize("told_by", ["attributes", "fulfillmentAvailability"])
async def test_what_amazon_sends_itself_is_never_written(
    open_world: Open, line: Line, clock: StoppedClock, told_by: str
):
    seed = SEED.model_copy(update={"listings": [*SEED.listings, Listed(sku="CUP", quantity=9, by_amazon=True)]})
    world = open_world(seed)
    line.instead = without(world, line, told_by)
    cup = world.target("CUP")

    [published] = await world.adapter.publish([wish(clock, cup, 3)])

    assert (published.outcome, published.unknown) == (ATTENTION, False)
    assert line.count("PATCH", "/items/") == 0
    assert await world.adapter.look([cup]) == []
    listed = (await world.adapter.listings(None)).listings
    assert {one.external_id: one.managed for one in listed} == {
        "LAMP-RED": True, "LAMP BLÄU/2": True, "SHADE,WHITE": True, "CUP": False,
    }  # fmt: skip


def without(world: AmazonWorld, line: Line, told_by: str) -> Any:
    """Answers to searches in which only this data set tells who sends a listing."""
    other = {"attributes": "fulfillmentAvailability", "fulfillmentAvailability": "attributes"}[told_by]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if "/items/" not in request.url.path or request.method != "GET":
            return None
        asked: Mapping[str, str] = dict(request.url.params)
        told = world.simulation.catalogue.search(asked)
        for item in told["items"]:
            if item["sku"] == "CUP":
                item[other] = {} if other == "attributes" else []
        return httpx.Response(200, json=json.loads(json.dumps(told)))

    return answer


# ---------------------------------------------------------------- patches


async def test_a_line_that_amazon_finds_invalid_stands_alone(world: AmazonWorld, clock: StoppedClock):
    wishes = [
        wish(clock, world.targets[0], 3),
        wish(clock, world.targets[1], None, Money(10, "EUR")),
        wish(clock, world.targets[2], 6),
        wish(clock, world.targets[2], 6, Money(500, "USD")),
    ]

    published = await world.adapter.publish(wishes)

    assert outcomes(published) == [ACCEPTED, ATTENTION, ACCEPTED, ATTENTION]
    assert "18155" in published[1].reason
    assert "sells in EUR" in published[3].reason
    assert world.price(world.targets[2]) == Money(999, "EUR")


async def test_when_the_usage_plan_is_used_up_the_rest_is_put_off_and_says_until_when(
    world: AmazonWorld, line: Line, clock: StoppedClock
):
    after = iter([None, httpx.Response(429, json={"errors": [{"code": "QuotaExceeded"}]})])
    line.instead = lambda request: next(after, None) if request.method == "PATCH" else None
    wishes = [wish(clock, target, 1) for target in world.targets]

    published = await world.adapter.publish(wishes)

    assert outcomes(published) == [ACCEPTED, LATER, LATER]
    assert [round(one.retry_after_seconds or 0, 2) for one in published[1:]] == [0.2, 0.2]  # 5 a second
    assert len(patched(line)) == 2


async def test_a_patch_is_slowed_to_the_plan_instead_of_being_refused(open_world: Open, clock: StoppedClock):
    many = [Listed(sku=f"S{n:02d}", quantity=9) for n in range(24)]
    world = open_world(Seed(listings=many))
    before = clock.monotonic()

    published = await world.adapter.publish([wish(clock, world.target(one.sku), 3) for one in many])

    assert set(outcomes(published)) == {ACCEPTED}
    assert clock.monotonic() - before == pytest.approx(19 / 5, abs=0.5)  # a burst of five, then five a second


# ---------------------------------------------------------------- feeds


BAD = "S70"


def a_large_world(open_world: Open, **more: Any) -> tuple[AmazonWorld, list[Target]]:
    many = [Listed(sku=f"S{n:02d}", quantity=9, price="10.00") for n in range(90)]
    world = open_world(Seed(listings=many, **more))
    return world, [world.target(one.sku) for one in many]


async def test_of_a_large_batch_what_is_urgent_is_patched_and_the_rest_is_one_feed(
    open_world: Open, line: Line, clock: StoppedClock
):
    world, targets = a_large_world(open_world)
    kept = copy.deepcopy(world.seller.offers["S89"].attributes)

    published = await world.adapter.publish([wish(clock, target, 4) for target in targets])

    assert set(outcomes(published)) == {ACCEPTED}
    assert patched(line) == [f"S{n:02d}" for n in range(25)]
    assert (world.level(targets[24]), world.level(targets[25])) == (4, 9)
    [upload] = [one for one in line.asked if one.method == "PUT"]
    assert not {"x-amz-access-token", "authorization"} & set(upload.headers)
    clock.advance(seconds=31)
    world.simulation.desk.settle()
    assert {world.level(target) for target in targets} == {4}
    kept["fulfillment_availability"][0]["quantity"] = 4
    assert world.seller.offers["S89"].attributes == kept


async def test_what_a_feed_refused_is_patched_the_next_time_and_says_why(
    open_world: Open, line: Line, clock: StoppedClock
):
    world, targets = a_large_world(open_world)
    wrong = {BAD: Money(10, "EUR")}
    wishes = [wish(clock, target, 4, wrong.get(target.sku)) for target in targets]
    await world.adapter.publish(wishes)
    clock.advance(seconds=31)
    await world.adapter.look(targets[:1])  # the report is read with the next levels

    asked = len(line.asked)
    again = await world.adapter.publish(wishes)
    await world.adapter.publish(wishes)  # once told, it takes its turn among the others

    assert [one.target.sku for one, fate in zip(wishes, again, strict=True) if fate.outcome is ATTENTION] == [BAD]
    assert "18155" in next(fate.reason for fate in again if fate.outcome is ATTENTION)
    assert [sku for sku in patched(line) if sku == BAD] == [BAD]
    assert sum("/documents" in one.url.path and one.method == "POST" for one in line.asked[asked:]) == 2


async def test_an_error_that_names_no_line_puts_all_of_its_feed_in_doubt(open_world: Open, clock: StoppedClock):
    world, targets = a_large_world(open_world)
    await world.adapter.publish([wish(clock, target, 4) for target in targets])
    clock.advance(seconds=31)
    desk = world.simulation.desk
    desk.settle()
    [feed] = desk.feeds.values()
    said = {"issues": [{"severity": "ERROR", "code": "4000001", "message": "The feed is not valid."}]}
    desk.documents[str(feed.result)] = gzip.compress(json.dumps(said).encode())

    await world.adapter.look([])

    assert list(world.adapter._feeds.refused) == [f"S{n:02d}" for n in range(25, 90)]


async def test_nothing_that_stood_in_a_feed_that_failed_is_trusted_to_a_feed_again(
    open_world: Open, line: Line, clock: StoppedClock
):
    world, targets = a_large_world(open_world)
    world.simulation.desk.fatal = True
    wishes = [wish(clock, target, 4) for target in targets]
    await world.adapter.publish(wishes)
    clock.advance(seconds=31)

    again = await world.adapter.publish(wishes)

    assert set(outcomes(again)) == {ACCEPTED}
    assert patched(line)[25:] == [f"S{n:02d}" for n in range(90)]
    assert {world.level(target) for target in targets} == {4}
    assert line.count("PUT", "/") == 1


async def test_a_feed_that_lands_after_a_newer_patch_is_found_out(open_world: Open, clock: StoppedClock):
    world, targets = a_large_world(open_world, feed_seconds=60)
    await world.adapter.publish([wish(clock, target, 4) for target in targets])
    page = await world.adapter.pull(None, now=clock.now())
    await world.adapter.publish([wish(clock, targets[30], 0)])
    before = world.level(targets[30])
    clock.advance(seconds=61)
    world.simulation.desk.settle()

    pages = []
    for booked in (False, True, True):
        pages.append(await world.adapter.pull(page.cursor, now=clock.now()))
        if booked:
            await world.adapter.done([])
        clock.advance(seconds=1)

    told = [[(fact.article.sku, fact.quantity) for fact in page.facts if fact.at is None] for page in pages]  # type: ignore[union-attr]
    assert (before, world.level(targets[30])) == (0, 4)
    assert told == [[("S30", 4)], [("S30", 4)], []]


async def test_a_feed_that_cannot_be_handed_over_puts_only_its_own_lines_off(
    open_world: Open, line: Line, clock: StoppedClock
):
    world, targets = a_large_world(open_world)
    line.instead = lambda request: httpx.Response(403) if request.method == "PUT" else None  # the address has ended

    published = await world.adapter.publish([wish(clock, target, 4) for target in targets])

    assert outcomes(published) == [ACCEPTED] * 25 + [LATER] * 65
    assert line.count("POST", "/feeds/2021-06-30/feeds") == 0


async def test_while_the_plan_of_feeds_is_used_up_large_batches_are_patched(
    open_world: Open, line: Line, clock: StoppedClock
):
    world, targets = a_large_world(open_world)
    world.adapter._calls.budgets["createFeed"].feed(0)

    published = await world.adapter.publish([wish(clock, target, 4) for target in targets])

    assert set(outcomes(published)) == {ACCEPTED}
    assert len(patched(line)) == 90


async def test_what_would_keep_the_urgent_waiting_is_put_off(open_world: Open, clock: StoppedClock):
    many = [Listed(sku=f"S{n:03d}", quantity=9) for n in range(200)]
    world = open_world(Seed(listings=many))
    world.adapter._calls.budgets["createFeed"].feed(0)
    before = clock.monotonic()

    published = await world.adapter.publish([wish(clock, world.target(one.sku), 4) for one in many])

    assert outcomes(published) == [ACCEPTED] * 150 + [LATER] * 50
    assert clock.monotonic() - before < 40  # a write that takes two minutes is thought to be lost


async def test_a_channel_that_answers_nothing_at_all_is_in_trouble_as_a_whole(world: AmazonWorld, line: Line, clock: StoppedClock):  # fmt: skip
    line.instead = lambda request: httpx.Response(503) if request.method == "PATCH" else None

    with pytest.raises(TryLater):
        await world.adapter.publish([wish(clock, target, 1) for target in world.targets])


async def test_accepted_is_not_applied_until_the_level_says_so(open_world: Open, clock: StoppedClock):
    world = open_world(SEED.model_copy(update={"apply_seconds": 60}))

    [published] = await world.adapter.publish([wish(clock, world.targets[0], 2)])
    before = await world.adapter.look([world.targets[0]])
    clock.advance(seconds=61)
    after = await world.adapter.look([world.targets[0]])

    assert (published.outcome, world.adapter.can.applied_at_once) == (ACCEPTED, False)
    assert [level.quantity for level in (*before, *after)] == [12, 2]
