"""The account itself: tokens, usage plans, settings, pickups, and subscriptions that stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from omnisync.adapters.amazon import make
from omnisync.adapters.base import Forged, Hook, Listing, News, Outcome, Subscription
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.errors import NeedsAttention
from tests.adapters.amazon.conftest import Open
from tests.adapters.amazon.rig import BASE, SEED, AmazonWorld, Line

pytestmark = pytest.mark.anyio

NEEDED = {"client_id": "c", "client_secret": "s3cret-c", "refresh_token": "s3cret-r", "seller_id": "A1"}
QUEUE = {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/omni", "aws_key_id": "AKIA", "aws_secret": "s3cret-a"}  # fmt: skip


# ---------------------------------------------------------------- settings


def made(tools: Tools, **settings: Any) -> Any:
    return make("amazon", {**NEEDED, **settings}, {}, "https://sync.example.org", tools)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"seller_id": ""}, "seller_id"),
        ({"marketplace": "XX"}, "A1PA6795UKMFR9|DE"),
        ({"orders_also_from": ["US"]}, "another region"),
        ({"queue_url": QUEUE["queue_url"]}, "aws_key_id"),
        ({**QUEUE, "queue_url": "https://queue.example.org/1/omni"}, "queue_region"),
        ({"page_size": 0}, "page_size"),
        ({"wharehouse": "own"}, "wharehouse"),
        ({"base_url": "amazon.de"}, "base_url"),
    ],
)
def test_a_setting_that_is_wrong_is_named_without_its_value(tools: Tools, settings: dict[str, Any], named: str):
    with pytest.raises(NeedsAttention) as error:
        made(tools, **settings)

    assert any(part in error.value.message for part in named.split("|"))
    assert "s3cret" not in error.value.message + error.value.action


def test_a_marketplace_names_its_region_its_id_and_its_currency(tools: Tools):
    account = made(tools, marketplace="JP", orders_also_from=("AU",), **QUEUE)._account

    assert account.endpoint == "https://sellingpartnerapi-fe.amazon.com"
    assert account.store_ids == ("A1VC38T7YXB528", "A39IBJ37TRP1C6")
    assert account.queue_arn == "arn:aws:sqs:eu-central-1:123456789012:omni"
    assert "s3cret" not in repr(account)


def test_whoever_calls_our_address_is_not_amazon(world: AmazonWorld):
    assert isinstance(world.adapter.identify(Hook("POST", "", {}, {}, b"{}")), Forged)


# ---------------------------------------------------------------- tokens and plans


async def test_a_token_is_fetched_once_and_renewed_before_it_ends_or_when_it_is_refused(
    world: AmazonWorld, clock: StoppedClock
):
    issued = []
    for step in ("first", "again", "over", "revoked"):
        if step == "over":
            clock.advance(minutes=59)
        if step == "revoked":
            world.simulation.access.revoke()  # Amazon answers 403, as it does for a missing role
        await world.adapter.look(world.targets)
        issued.append(world.simulation.access.issued)

    assert issued == [1, 1, 2, 3]


async def test_a_missing_role_asks_for_a_person_after_one_new_token(world: AmazonWorld, line: Line):
    line.instead = lambda request: httpx.Response(403) if "/items/" in request.url.path else None

    with pytest.raises(NeedsAttention, match="403") as refused:
        await world.adapter.look(world.targets)

    assert (refused.value.code, "roles" in refused.value.action) == ("credentials", True)
    assert world.simulation.access.issued == 2


async def test_a_plan_larger_than_the_usual_one_is_believed(open_world: Open, line: Line, clock: StoppedClock):
    many = [Listed(sku=f"S{n:03d}", quantity=9) for n in range(200)]
    world = open_world(Seed(listings=many, throttled=False))
    world.simulation.access.plans[0] = (50.0, 50)
    before = clock.monotonic()

    await world.adapter.look([world.target(one.sku) for one in many])

    assert line.count("GET", "/items/") == 10
    assert clock.monotonic() - before == pytest.approx(5 / 50, abs=0.05)  # five at once, the rest at fifty a second


@pytest.mark.parametrize("told", ["", "0", "-1", "nan", "many", "1e99"])
async def test_a_plan_that_cannot_be_true_is_not_believed(world: AmazonWorld, line: Line, told: str):
    answer = {"numberOfResults": 0, "items": []}
    line.instead = lambda request: (
        httpx.Response(200, json=answer, headers={"x-amzn-RateLimit-Limit": told}) if "/items/" in request.url.path else None
    )  # fmt: skip

    await world.adapter.look(world.targets[:1])

    assert world.adapter._calls.budgets["searchListingsItems"].rate == 5


async def test_the_doctor_names_what_is_wrong(world: AmazonWorld, line: Line):
    fine = await world.adapter.check()
    line.instead = lambda request: httpx.Response(403) if request.url.path == "/" else None
    broken = await world.adapter.check()

    assert [(one.name, one.ok) for one in fine] == [("listings", True), ("orders", True), ("queue", True)]
    assert [(one.name, one.ok) for one in broken] == [("listings", True), ("orders", True), ("queue", False)]
    assert "sqs:ReceiveMessage" in broken[2].mend


# ---------------------------------------------------------------- listings


async def every_listing(world: AmazonWorld) -> list[Listing]:
    found, cursor, more = list[Listing](), None, True
    while more:
        page = await world.adapter.listings(cursor)
        found += page.listings
        cursor, more = page.cursor, page.more
    return found


async def test_more_listings_than_a_search_shows_are_all_found(open_world: Open):
    many = [Listed(sku=f"S{n:04d}", barcode="4006381333931" if n == 7 else "") for n in range(1030)]
    world = open_world(Seed(listings=many))

    found = {one.external_id: one for one in await every_listing(world)}

    assert found.keys() == {one.sku for one in many}
    assert (found["S0007"].barcode, found["S0008"].barcode) == ("4006381333931", None)
    assert found["S0007"].extra == {"asin": "B0SIM00007"}


async def test_listings_that_no_search_can_tell_apart_are_a_case_for_a_person(open_world: Open):
    world = open_world(Seed(listings=[Listed(sku=f"S{n:04d}") for n in range(1030)]))
    for offer in world.seller.offers.values():
        offer.created = world.seller.clock.now()

    with pytest.raises(NeedsAttention, match="same moment"):
        await every_listing(world)


# ---------------------------------------------------------------- pickups


@pytest.mark.parametrize(
    ("kind", "told", "status"),
    [("ready", "ReadyForPickup", "UNSHIPPED"), ("collected", "PickedUp", "SHIPPED"), ("cancelled", "RefusedPickup", "CANCELLED"), ("expired", "RefusedPickup", "CANCELLED")],
)  # fmt: skip
async def test_a_pickup_is_reported_back_and_its_end_only_once(world: AmazonWorld, kind: Any, told: str, status: str):
    order = world.seller.order([("LAMP-RED", 2)], store="store-1")
    news = News(kind, order.id, order.id, None, [(order.lines[0].id, 2)], "tag")

    first, again = [(await world.adapter.tell([news]))[0].outcome for _ in range(2)]

    assert (first, again, order.status) == (Outcome.APPLIED, Outcome.APPLIED, status)
    assert order.picked_up == [told] * (2 if kind == "ready" else 1)  # to say ready twice does no harm


async def test_an_order_that_is_no_pickup_or_not_there_is_a_case_for_a_person(world: AmazonWorld):
    parcel = world.seller.order([("LAMP-RED", 2)])
    news = [News("cancelled", name, name, None, [], "tag") for name in (parcel.id, "302-0000000-0000000")]

    told = await world.adapter.tell(news)

    assert [one.outcome for one in told] == [Outcome.ATTENTION, Outcome.ATTENTION]
    assert parcel.id in told[0].action


# ---------------------------------------------------------------- subscriptions


def wanted(world: AmazonWorld) -> list[Subscription]:
    return [Subscription(topic, "") for topic in world.adapter.can.topics]


async def test_subscriptions_are_made_once_and_made_again_when_they_are_gone(open_world: Open, line: Line):
    world = open_world(SEED.model_copy(update={"subscribed": False}))

    made, again = [await world.adapter.subscriptions(wanted(world)) for _ in range(2)]
    asked = len([one for one in line.asked if one.method == "POST" and "/notifications/" in one.url.path])
    del world.office.subscriptions["ORDER_CHANGE"]
    mended = await world.adapter.subscriptions(wanted(world))

    assert [(one.active, one.renewed) for one in made] == [(True, True)] * 2
    assert [(one.active, one.renewed) for one in again] == [(True, False)] * 2
    assert asked == 3  # one destination, two topics
    assert [one.renewed for one in mended] == [True, False]
    assert list(world.office.destinations.values()) == [world.office.arn]


async def test_a_subscription_that_leads_elsewhere_is_left_alone_and_named(world: AmazonWorld):
    world.office.destinations["destination-9"] = "arn:aws:sqs:eu-central-1:9:other"
    world.office.subscriptions["ORDER_CHANGE"] = "destination-9"

    standing = await world.adapter.subscriptions(wanted(world))

    assert [one.active for one in standing] == [False, True]
    assert all("ORDER_CHANGE" in one.mend for one in standing)
    assert world.office.subscriptions["ORDER_CHANGE"] == "destination-9"


async def test_a_queue_that_amazon_may_not_write_to_is_a_case_for_a_person(open_world: Open, line: Line):
    world = open_world(SEED.model_copy(update={"subscribed": False}))
    said: Mapping[str, Any] = {"errors": [{"code": "InvalidInput", "message": "The queue's policy does not allow it."}]}
    line.instead = lambda request: httpx.Response(400, content=json.dumps(said)) if request.method == "POST" and request.url.path.endswith("destinations") else None  # fmt: skip

    with pytest.raises(NeedsAttention, match="policy does not allow") as refused:
        await world.adapter.subscriptions(wanted(world))

    assert (refused.value.code, "437568002678" in refused.value.action) == ("subscription", True)
    assert BASE in str(line.asked[0].url)
