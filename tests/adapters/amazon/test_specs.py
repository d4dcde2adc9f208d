"""What the adapter sends and the simulation answers, held against Amazon's own models, schemas and sandbox."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from omnisync.adapters.amazon import make, pulling
from omnisync.adapters.amazon.feeds import Line
from omnisync.adapters.amazon.notices import TOPICS, _hint
from omnisync.adapters.base import LevelSeen, News, OrderSeen, Outcome, Shown, Subscription, Target
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.errors import NeedsAttention
from omnisync.values import Money
from tests.adapters.amazon import vendor
from tests.adapters.amazon.rig import BASE, SEED, AmazonWorld

pytestmark = [pytest.mark.specs, pytest.mark.anyio]


class Paper(httpx.AsyncBaseTransport):
    """Keeps every feed and report that passes."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.documents: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.documents.append(json.loads(request.content))
        return await self._inner.handle_async_request(request)


def judged_world(tools: Tools, seed: Seed, **settings: Any) -> tuple[AmazonWorld, vendor.Judged, Paper]:
    """A world whose adapter speaks through the judge."""
    vendor.folder()
    inner = AmazonWorld(tools, seed)
    paper = Paper(inner.channel)
    judge = vendor.Judged(paper)
    wanted = inner.simulation.settings(BASE, page_size=2, **settings)
    adapter = make("contract", wanted, {}, "https://sync.example.org", replace(tools, transport=judge))
    inner.adapter = adapter  # type: ignore[assignment]
    return inner, judge, paper


async def test_a_whole_day_of_calls_is_what_amazon_describes(tools: Tools, clock: StoppedClock):
    many = [Listed(sku=f"S{n:02d}", quantity=9) for n in range(80)]
    seed = SEED.model_copy(update={"listings": [*SEED.listings, *many], "subscribed": False})
    world, judge, _ = judged_world(tools, seed)
    adapter = world.adapter
    plain = Target("LAMP BLÄU/2", "LAMP BLÄU/2")

    assert all(check.ok for check in await adapter.check())
    await adapter.subscriptions([Subscription(topic, "") for topic in TOPICS])
    assert (await adapter.listings(None)).more
    assert len(await adapter.look([plain, world.target("SHADE,WHITE"), world.unknown])) == 2
    wishes = [Shown(world.target(one.sku), "t", clock.now(), 4, price=Money(1999, "EUR")) for one in many]
    wishes[0] = Shown(plain, "t", clock.now(), 3)
    wishes.append(Shown(world.target("S00"), "t", clock.now(), price=Money(1, "EUR")))
    fates = [one.outcome for one in await adapter.publish(wishes[-1:] + wishes[:-1])]
    assert fates == [Outcome.ATTENTION] + [Outcome.ACCEPTED] * 80
    clock.advance(minutes=1)
    await adapter.look([plain])

    paid, pending = world.seller.order([("S01", 2)]), world.seller.order([("S02", 1)], paid=False)
    pickup = world.seller.order([("S03", 1)], store="store-1")
    world.seller.ship(paid, {paid.lines[0].id: 1})
    world.seller.cancel(pending)
    clock.advance(minutes=5)
    page = await adapter.pull(None, now=clock.now())
    page = await adapter.pull(page.cursor, now=clock.now())
    assert {fact.id for fact in page.facts if isinstance(fact, OrderSeen)} == {paid.id, pending.id, pickup.id}
    told = await adapter.tell([News("collected", pickup.id, pickup.id, None, [(pickup.lines[0].id, 1)], "tag")])
    assert [one.outcome for one in told] == [Outcome.APPLIED]

    warehouse, read, _ = judged_world(tools, Seed(listings=[Listed(sku="CUP", quantity=9, by_amazon=True)]), warehouse="amazon")  # fmt: skip
    await warehouse.adapter.pull((await warehouse.adapter.pull(None, now=clock.now())).cursor, now=clock.now())

    assert read.judged == {"getInventorySummaries 200"}
    assert judge.judged == {
        "searchListingsItems 200", "getListingsItem 200", "patchListingsItem 200", "searchOrders 200", "getOrder 200",
        "getOrderItems 200", "updateShipmentStatus 204", "createFeedDocument 201", "createFeed 202", "getFeed 200",
        "getFeedDocument 200", "getDestinations 200", "createDestination 200", "getSubscription 404", "createSubscription 200",
    }  # fmt: skip


async def test_the_judge_lets_no_made_up_field_or_value_pass(tools: Tools, clock: StoppedClock):
    world, _, _ = judged_world(tools, SEED)
    good = {"marketplaceIds": SEED.marketplace_id}
    wrong: list[tuple[str, tuple[str, ...], Any, Any]] = [
        ("searchListingsItems", (SEED.seller_id,), {**good, "includedData": "stock"}, None),
        ("searchListingsItems", (SEED.seller_id,), {**good, "pageSize": "21"}, None),
        ("searchListingsItems", (SEED.seller_id,), {}, None),
        ("patchListingsItem", (SEED.seller_id, "S"), good, {"productType": "HOME", "patches": [{"op": "swap", "path": "x"}]}),
        ("patchListingsItem", (SEED.seller_id, "S"), good, {"productType": "HOME", "patches": [], "quantity": 3}),
        ("createFeed", (), {}, {"feedType": "JSON_LISTINGS_FEED"}),
        ("updateShipmentStatus", ("302-1",), {}, {"marketplaceId": "A1", "shipmentStatus": "Gone"}),
    ]  # fmt: skip

    for name, names, params, body in wrong:
        with pytest.raises(OpenAPIError):
            await world.adapter._calls.call(name, *names, params=params, body=body)


# ---------------------------------------------------------------- feeds and notifications


async def test_feeds_and_reports_are_what_amazons_schemas_say(tools: Tools, clock: StoppedClock):
    many = [Listed(sku=f"S{n:02d}", quantity=9) for n in range(90)]
    world, _, paper = judged_world(tools, Seed(listings=many))
    wishes = [Shown(world.target(one.sku), "t", clock.now(), 4) for one in many]
    wishes[80] = replace(wishes[80], price=Money(1, "EUR"))
    await world.adapter.publish(wishes)
    clock.advance(minutes=1)
    await world.adapter.look([])
    [feed], desk = paper.documents, world.simulation.desk
    [done] = desk.feeds.values()
    report = (await world.adapter._feeds._store("GET", f"{BASE}/_documents/{done.result}")).body

    vendor.schema("feeds/listings-feed-schema-v2.json").validate(feed)
    for message in feed["messages"]:
        vendor.schema("feeds/listings-feed-message-schema-v2.json").validate(message)
    vendor.schema("feeds/listings-feed-processing-report-schema-v2.json").validate(_unzipped(report))
    assert list(world.adapter._feeds.refused) == ["S80"]


def _unzipped(body: bytes) -> Any:
    return json.loads(gzip.decompress(body))


async def test_amazons_own_example_of_a_report_is_understood(tools: Tools):
    folder = vendor.folder()
    example = json.loads((folder / "schemas/feeds/listings-feed-processing-report-schema-v2.example.json").read_bytes())
    feed = {"feedId": "1", "feedType": "x", "createdTime": "x", "processingStatus": "DONE", "resultFeedDocumentId": "d"}
    answers = {
        ("POST", "/documents"): (201, {"feedDocumentId": "d", "url": f"{BASE}/_store"}), ("PUT", "/_store"): (200, {}),
        ("POST", "/feeds/2021-06-30/feeds"): (202, {"feedId": "1"}), ("GET", "/feeds/2021-06-30/feeds/1"): (200, feed),
        ("GET", "/documents/d"): (200, {"feedDocumentId": "d", "url": f"{BASE}/_store"}), ("GET", "/_store"): (200, example),
    }  # fmt: skip
    world = replaced(tools, answers)
    lines = [
        world.adapter._feeds.__class__.__annotations__ and _line(sku) for sku in ("A", "B", "C", "My-SKU-B", "My-SKU-C")
    ]

    await world.adapter._feeds.send(lines)
    world.seller.clock.advance(seconds=31)  # type: ignore[attr-defined]
    await world.adapter._feeds.learn()

    assert list(world.adapter._feeds.refused) == ["My-SKU-B", "My-SKU-C"]


def _line(sku: str) -> Any:
    return Line(sku, "HOME", [])


async def test_the_simulations_notifications_are_what_amazons_schemas_say(tools: Tools):
    world = AmazonWorld(tools)
    order = world.seller.orders[world.sell(world.targets[0], 2)]
    world.seller.ship(order)
    world.seller.cancel(world.seller.order([("LAMP-RED", 1)], paid=False))

    files = {
        "ORDER_CHANGE": "OrderChangeNotification.json",
        "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": "ListingsItemMfnQuantityChange.json",
    }
    notes = [json.loads(message.body) for message in world.office.queue]
    for note in notes:
        vendor.schema(f"notifications/{files[note['NotificationType']]}").validate(note)
    assert {note["NotificationType"] for note in notes} == set(files)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("OrderChangeNotification.json", "903-8868176-2219830"),
        ("ListingsItemMfnQuantityChange.json", ("NLS-SHOES-03", 99)),
        ("FeedProcessingFinishedNotification.json", None),
        ("ListingsItemStatusChangeNotification.json", None),
        ("ListingsItemIssuesChangeNotification_2023-12-13.json", None),
        ("AnyOfferChangedNotification.json", None),
    ],
)
async def test_amazons_own_example_of_a_notification_is_understood(file: str, expected: Any):
    examples = list(vendor.samples(vendor.schema(f"notifications/{file}").schema))

    hints = [_hint(note, ["ATVPDKIKX0DER"]) for note in examples]

    told = [(one.article.external_id, one.quantity) if isinstance(one, LevelSeen) else one for one in hints]
    assert told == [expected] * len(examples)
    assert examples


# ---------------------------------------------------------------- Amazon's sandbox

ORDERS, LISTINGS = "/orders/2026-01-01/orders", "/listings/2021-08-01/items"


def replaced(tools: Tools, answers: dict[tuple[str, str], tuple[int, Any]]) -> AmazonWorld:
    """A world whose adapter hears nothing but these answers."""
    world = AmazonWorld(tools)
    wanted = {
        **world.simulation.settings(BASE),
        "queue_url": None,
        "aws_key_id": None,
        "aws_secret": None,
        "marketplace": "US",
    }
    sandbox = replace(tools, transport=vendor.Sandbox(answers))
    world.adapter = make("contract", wanted, {}, "", sandbox)  # type: ignore[assignment]
    return world


async def test_every_order_of_the_sandbox_is_understood(tools: Tools, clock: StoppedClock):
    told = {}
    for one in vendor.pairs("orders_2026-01-01.json", "get", ORDERS):
        if one["status"] == "200":
            world = replaced(tools, {("GET", ORDERS): (200, one["pair"]["response"])})
            page = await world.adapter.pull(None, now=clock.now())
            assert page.more == ("pagination" in one["pair"]["response"])
            told |= {fact.id: fact for fact in page.facts if isinstance(fact, OrderSeen)}
    for one in vendor.pairs("orders_2026-01-01.json", "get", f"{ORDERS}/{{orderId}}"):
        if one["status"] == "200":
            stores = {"payload": {"AmazonOrderId": "x", "OrderItems": []}}
            world = replaced(
                tools, {("GET", "orderItems"): (200, stores), ("GET", ORDERS): (200, one["pair"]["response"])}
            )
            order = await pulling.by_id(world.adapter._calls, "x")
            assert order is not None
            fact = await pulling.seen(world.adapter._calls, order)
            assert isinstance(fact, OrderSeen), fact
            told[fact.id] = fact

    shape = {
        name: (fact.elsewhere, fact.pickup, fact.paid, fact.closed, [(line.quantity, line.shipped, line.cancelled) for line in fact.lines])
        for name, fact in told.items()
    }  # fmt: skip
    assert shape["250-1234567-8901234"] == (True, False, True, True, [(1, 1, 0), (2, 2, 0)])
    assert shape["114-9876543-1234567"] == (False, True, True, False, [(1, 0, 0)])
    assert len(shape) == 6
    assert all(fact.lines and fact.customer is None for fact in told.values())
    assert "John Smith" not in repr(told)


async def test_what_the_sandbox_refuses_needs_a_person(tools: Tools, clock: StoppedClock):
    [refused] = [one for one in vendor.pairs("orders_2026-01-01.json", "get", ORDERS) if one["status"] == "400"]
    world = replaced(tools, {("GET", ORDERS): (400, refused["pair"]["response"])})

    with pytest.raises(NeedsAttention, match="InvalidInput"):
        await world.adapter.pull(None, now=clock.now())


async def test_the_sandboxs_listings_and_what_it_says_of_patches_are_understood(tools: Tools, clock: StoppedClock):
    [found] = [one["pair"]["response"] for one in vendor.pairs("listingsItems_2021-08-01.json", "get", f"{LISTINGS}/{{sellerId}}") if one["status"] == "200"]  # fmt: skip
    patches = vendor.pairs("listingsItems_2021-08-01.json", "patch", f"{LISTINGS}/{{sellerId}}/{{sku}}")
    lamp = Target("GM-ZDPI-9B4E", "LAMP")
    fates = {}
    for one in patches:
        answers = {
            ("GET", LISTINGS): (200, found),
            ("PATCH", LISTINGS): (int(one["status"]), one["pair"]["response"]),
        }
        world = replaced(tools, answers)
        [level] = [level for level in await world.adapter.look([lamp]) if level.article.external_id == lamp.external_id]
        [fate] = await world.adapter.publish([Shown(lamp, "t", clock.now(), 3)])
        fates[one["pair"]["response"].get("status", one["status"])] = fate

    assert level.quantity == 100
    assert {name: fate.outcome for name, fate in fates.items()} == {
        "ACCEPTED": Outcome.ACCEPTED, "VALID": Outcome.ACCEPTED, "INVALID": Outcome.ATTENTION, "400": Outcome.ATTENTION,
    }  # fmt: skip
    assert "90000900 The attributes are invalid." in fates["INVALID"].reason
    assert "Invalid input" in fates["400"].reason


async def test_the_sandboxs_feeds_and_subscriptions_are_understood(tools: Tools):
    def good(model: str, method: str, path: str) -> tuple[int, Any]:
        [one] = [one for one in vendor.pairs(model, method, path) if one["status"].startswith("2")]
        return int(one["status"]), one["pair"].get("response", {})

    feeds, notices = "feeds_2021-06-30.json", "notifications.json"
    answers = {
        ("POST", "/documents"): good(feeds, "post", "/feeds/2021-06-30/documents"), ("PUT", ".xml"): (200, {}),
        ("POST", "/feeds/2021-06-30/feeds"): good(feeds, "post", "/feeds/2021-06-30/feeds"),
        ("GET", "/feeds/2021-06-30/feeds/"): good(feeds, "get", "/feeds/2021-06-30/feeds/{feedId}"),
        ("GET", "/destinations"): good(notices, "get", "/notifications/v1/destinations"),
        ("POST", "/destinations"): good(notices, "post", "/notifications/v1/destinations"),
        ("GET", "/subscriptions/"): good(notices, "get", "/notifications/v1/subscriptions/{notificationType}"),
    }  # fmt: skip
    world = replaced(tools, answers)
    asked = {
        "queue_url": "https://sqs.us-east-2.amazonaws.com/444455556666/queue1",
        "aws_key_id": "k",
        "aws_secret": "s",
    }
    wanted = {**world.simulation.settings(BASE), **asked, "queue_region": None}
    queued = make("contract", wanted, {}, "", replace(tools, transport=vendor.Sandbox(answers)))

    await world.adapter._feeds.send([_line("A")])
    world.seller.clock.advance(seconds=31)  # type: ignore[attr-defined]
    await world.adapter._feeds.learn()
    [standing] = await queued.subscriptions([Subscription("ORDER_CHANGE", "")])

    assert list(world.adapter._feeds.refused) == ["A"]  # the sandbox's feed was cancelled
    assert (standing.id, standing.active) == ("TEST_CASE_200_SUBSCRIPTION_ID", False)
    assert "ORDER_CHANGE" in standing.mend
