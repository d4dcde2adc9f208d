"""Orders in: by a queue that repeats itself, and by a search that is seldom allowed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Fact, LevelSeen, OrderSeen, Unreadable
from omnisync.clock import StoppedClock
from omnisync.demo.amazon.seed import Listed
from omnisync.errors import NeedsAttention, TryLater
from tests.adapters.amazon.conftest import Open
from tests.adapters.amazon.rig import SEED, AmazonWorld, Line

pytestmark = pytest.mark.anyio

SEARCH = "/orders/2026-01-01/orders"
NO_QUEUE = {"queue_url": None, "aws_key_id": None, "aws_secret": None}


def orders_in(facts: Any) -> dict[str, OrderSeen]:
    return {fact.id: fact for fact in facts if isinstance(fact, OrderSeen)}


def receipts(facts: Any) -> list[str]:
    """As the engine names what it has booked."""
    return [fact.id if isinstance(fact, OrderSeen) else fact.key for fact in facts if not isinstance(fact, LevelSeen)]


async def pull(world: AmazonWorld, clock: StoppedClock, cursor: str | None = None, *, book: bool = True) -> Any:
    page = await world.adapter.pull(cursor, now=clock.now())
    if book:
        await world.adapter.done(receipts(page.facts))
    return page


def searches(line: Line) -> int:
    return sum(one.url.path == SEARCH for one in line.asked)


# ---------------------------------------------------------------- the queue


async def test_a_message_is_deleted_when_its_order_is_booked_and_not_before(
    world: AmazonWorld, line: Line, clock: StoppedClock
):
    first = await pull(world, clock)
    sold = world.sell(world.targets[0], 2)

    lost = await pull(world, clock, first.cursor, book=False)  # we are killed before it is committed
    assert {one.visible_at - clock.monotonic() for one in world.office.queue} == {300}
    again = await pull(world, clock, first.cursor)
    quiet = await pull(world, clock, first.cursor)

    assert orders_in(lost.facts).keys() == orders_in(again.facts).keys() == {sold}
    assert (list(quiet.facts), world.office.queue) == ([], [])


async def test_a_message_that_another_process_took_and_lost_comes_again(
    open_world: Open, world: AmazonWorld, clock: StoppedClock
):
    first = await pull(world, clock)
    sold = world.sell(world.targets[0], 2)
    world.office.receive({"MaxNumberOfMessages": 10, "VisibilityTimeout": 300})

    hidden = await pull(world, clock, first.cursor)
    clock.advance(seconds=301)
    page = await world.adapter.pull(first.cursor, now=clock.now())

    assert (list(hidden.facts), sold in orders_in(page.facts)) == ([], True)


async def test_what_another_process_has_booked_meanwhile_is_not_told_for_ever(world: AmazonWorld, clock: StoppedClock):
    first = await pull(world, clock)
    world.sell(world.targets[0], 2)
    lost = await pull(world, clock, first.cursor, book=False)
    world.office.queue.clear()
    world.adapter._calls.budgets["searchOrders"].feed(0, rate=1e-9)
    clock.advance(seconds=301)

    page = await pull(world, clock, first.cursor)

    assert (len(lost.facts), list(page.facts)) == (2, [])


async def test_messages_that_come_twice_and_in_any_order_tell_the_order_as_it_is_now(
    world: AmazonWorld, line: Line, clock: StoppedClock
):
    first = await pull(world, clock)
    world.seller.faults.double = world.seller.faults.reorder = True
    order = world.seller.orders[world.sell(world.targets[0], 2)]
    world.seller.ship(order, {order.lines[0].id: 1})
    world.seller.ship(order, {order.lines[0].id: 1})

    page = await pull(world, clock, first.cursor)

    [fact] = orders_in(page.facts).values()
    assert (fact.closed, fact.lines[0].shipped) == (True, 2)
    assert line.count("GET", f"{SEARCH}/") == 1  # read once, however many messages spoke of it
    assert world.office.queue == []


async def test_a_change_after_the_order_was_read_is_read_again(world: AmazonWorld, clock: StoppedClock):
    first = await pull(world, clock)
    order = world.seller.orders[world.sell(world.targets[0], 2)]
    before = await pull(world, clock, first.cursor, book=False)
    world.seller.ship(order)

    after = await pull(world, clock, first.cursor)

    told = [orders_in(page.facts)[order.id].lines[0].shipped for page in (before, after)]
    assert told == [0, 2]


async def test_a_level_that_changed_is_a_hint(world: AmazonWorld, clock: StoppedClock):
    first = await pull(world, clock)
    world.sell(world.targets[0], 2)

    page = await pull(world, clock, first.cursor)

    levels = [fact for fact in page.facts if isinstance(fact, LevelSeen)]
    assert [(one.article.external_id, one.quantity, one.place) for one in levels] == [("LAMP-RED", 10, None)]


def note(kind: str, payload: Any) -> str:
    return json.dumps({"NotificationType": kind, "EventTime": "2026-11-21T10:00:00Z", "Payload": payload})


def of_order(order_id: str, **summary: str) -> str:
    return note("ORDER_CHANGE", {"OrderChangeNotification": {"AmazonOrderId": order_id, "Summary": summary}})


LEVEL = {"Sku": "CUP", "FulfillmentChannelCode": "AMAZON_EU", "Quantity": 3}
NOTHING_OF_OURS = [
    of_order("302-1", FulfillmentType="AFN"),  # Amazon sends it
    of_order("302-2", MarketplaceId="A13V1IB3VIYZZH"),  # sold in another marketplace, which is no channel here
    of_order("302-3"),  # nobody knows it (any more)
    note("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", LEVEL),
    note("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", {"Sku": "LAMP-RED", "FulfillmentChannelCode": "DEFAULT"}),
    note("PRICING_HEALTH", {}),
    json.dumps({"notificationType": "FEED_PROCESSING_FINISHED", "payload": {}}),
]


@pytest.mark.parametrize("body", NOTHING_OF_OURS)
async def test_what_is_not_for_us_is_deleted_and_tells_nothing(
    world: AmazonWorld, line: Line, clock: StoppedClock, body: str
):
    first = await pull(world, clock)
    world.office.put(body)

    page = await pull(world, clock, first.cursor)

    assert list(page.facts) == []
    assert world.office.queue == []
    assert line.count("GET", f"{SEARCH}/") == ("302-3" in body)


async def test_only_what_is_booked_is_deleted(world: AmazonWorld, clock: StoppedClock):
    first = await pull(world, clock)
    booked, waiting = (world.sell(target, 1) for target in world.targets[:2])
    page = await pull(world, clock, first.cursor, book=False)

    await world.adapter.done([booked])

    assert orders_in(page.facts).keys() == {booked, waiting}
    [left] = world.office.queue
    assert waiting in left.body


@pytest.mark.parametrize("path", ["/", SEARCH])
async def test_an_answer_of_another_form_is_for_a_person_and_loses_nothing(
    world: AmazonWorld, line: Line, clock: StoppedClock, path: str
):
    first = await pull(world, clock)
    sold = world.sell(world.targets[0], 1)
    clock.advance(minutes=4)
    nothing = {"Messages": [{"MessageId": None, "ReceiptHandle": "h", "Body": None}], "orders": [{"orderId": None}]}
    line.instead = lambda request: httpx.Response(200, json=nothing) if request.url.path == path else None
    world.adapter._calls.budgets["searchOrders"].feed(20 if path == SEARCH else 0)

    with pytest.raises(NeedsAttention, match="form that this version does not know"):
        await world.adapter.pull(first.cursor, now=clock.now())

    line.instead = lambda request: None
    clock.advance(minutes=6)
    assert orders_in((await pull(world, clock, first.cursor)).facts).keys() == {sold}


@pytest.mark.parametrize("body", ["no json", "[]", '{"NotificationType": "ORDER_CHANGE"}', note("ORDER_CHANGE", None), of_order("x")[:-9] + "}", "[" * 9999])  # fmt: skip
async def test_a_message_that_cannot_be_read_stands_where_a_person_sees_it_and_stops_nothing(
    world: AmazonWorld, clock: StoppedClock, body: str
):
    first = await pull(world, clock)
    world.office.put(body)
    sold = world.sell(world.targets[0], 1)

    page = await pull(world, clock, first.cursor)

    [letter] = [fact for fact in page.facts if isinstance(fact, Unreadable)]
    assert letter.key.startswith("notice:")
    assert orders_in(page.facts).keys() == {sold}
    assert world.office.queue == []


async def test_orders_beyond_the_plan_wait_for_the_next_pull(world: AmazonWorld, line: Line, clock: StoppedClock):
    first = await pull(world, clock)
    sold = {world.sell(world.targets[2], 1) for _ in range(30)}
    world.adapter._calls.budgets["getOrder"].feed(10)

    began = clock.monotonic()
    told: list[Fact] = list((await pull(world, clock, first.cursor)).facts)
    counts = (len(told), len(orders_in(told)), clock.monotonic() - began)
    for _ in range(12):
        told += (await pull(world, clock, first.cursor)).facts
        clock.advance(seconds=4)

    assert counts == (
        35,
        10,
        0,
    )  # of fifty messages half are levels; nobody waits for what the plan does not let through
    assert orders_in(told).keys() == sold
    assert world.office.queue == []


async def test_while_the_queue_is_away_orders_are_found_by_the_search_and_the_trouble_is_said(
    world: AmazonWorld, line: Line, clock: StoppedClock
):
    first = await pull(world, clock)
    sold = world.sell(world.targets[0], 2)
    clock.advance(minutes=4)
    line.instead = lambda request: httpx.Response(403) if request.url.path == "/" else None

    page = await world.adapter.pull(first.cursor, now=clock.now())
    world.adapter._calls.budgets["searchOrders"].feed(0)

    assert orders_in(page.facts).keys() == {sold}
    with pytest.raises(NeedsAttention, match="The queue of contract"):
        await world.adapter.pull(page.cursor, now=clock.now())


# ---------------------------------------------------------------- the search


async def test_without_a_queue_orders_are_found_two_minutes_later(open_world: Open, clock: StoppedClock):
    world = open_world(**NO_QUEUE)
    first = await pull(world, clock)
    sold = world.sell(world.targets[0], 2)

    at_once = await pull(world, clock, first.cursor)
    clock.advance(minutes=3)
    later = await pull(world, clock, at_once.cursor)

    assert (list(at_once.facts), orders_in(later.facts).keys()) == ([], {sold})
    assert (world.adapter.can.queue, world.adapter.can.poll_seconds) == (False, 60)


async def test_the_search_is_asked_no_more_often_than_the_plan_allows_and_nothing_is_refused(
    open_world: Open, line: Line, clock: StoppedClock
):
    world = open_world(**NO_QUEUE)
    cursor, told, sold = None, set[str](), set[str]()

    for n in range(360):  # half an hour, asked every five seconds
        if n % 20 == 0 and n < 300:
            sold.add(world.sell(world.targets[2], 1))
        page = await pull(world, clock, cursor)
        told |= orders_in(page.facts).keys()
        cursor = page.cursor
        while page.more:
            page = await pull(world, clock, cursor)
            told |= orders_in(page.facts).keys()
            cursor = page.cursor
        clock.advance(seconds=5)

    assert told == sold
    assert searches(line) <= 20 + 0.0056 * 1800


async def test_a_window_of_many_pages_is_read_to_its_end_while_orders_change(open_world: Open, clock: StoppedClock):
    world = open_world(**NO_QUEUE)
    sold = []
    for _ in range(5):
        sold.append(world.sell(world.targets[2], 1))
        clock.advance(seconds=30)
    clock.advance(minutes=3)

    first = await pull(world, clock)
    moved = world.seller.orders[sold[4]]
    world.seller.ship(moved)  # it moves behind the end of the window that is being read
    told = {**orders_in(first.facts)}
    page = first
    while page.more:
        clock.advance(minutes=6)  # each page has to wait for the plan
        page = await pull(world, clock, page.cursor)
        told |= orders_in(page.facts)

    assert told.keys() == set(sold)
    assert told[moved.id].closed


async def test_an_order_that_reaches_the_search_late_is_found(open_world: Open, clock: StoppedClock):
    world = open_world(**NO_QUEUE)
    first = await pull(world, clock)
    late = world.seller.orders[world.sell(world.targets[0], 1)]
    late.updated -= timedelta(minutes=3)  # a minute before the end of the window that was read

    clock.advance(minutes=3)
    page = await pull(world, clock, first.cursor)

    assert orders_in(page.facts).keys() == {late.id}


async def test_a_page_token_that_is_over_begins_its_window_again(open_world: Open, clock: StoppedClock):
    world = open_world(**NO_QUEUE)
    sold = {world.sell(world.targets[2], 1) for _ in range(5)}
    clock.advance(minutes=3)
    first = await pull(world, clock)
    world.simulation.book.pages.clear()

    told, page = orders_in(first.facts), first
    while page.more:
        page = await pull(world, clock, page.cursor)
        told |= orders_in(page.facts)

    assert told.keys() == sold


async def test_a_clock_that_is_an_hour_ahead_here_loses_nothing(open_world: Open, clock: StoppedClock):
    world = open_world(**NO_QUEUE)
    page = await world.adapter.pull(None, now=clock.now())
    for _ in range(2):
        clock.advance(minutes=4)
        sold = world.sell(world.targets[0], 1)
        clock.advance(minutes=4)

        page = await world.adapter.pull(page.cursor, now=clock.now().replace(hour=clock.now().hour + 1))

        assert orders_in(page.facts).keys() >= {sold}


async def test_what_amazon_sends_itself_uses_up_no_page(open_world: Open, line: Line, clock: StoppedClock):
    seed = SEED.model_copy(update={"listings": [*SEED.listings, Listed(sku="CUP", quantity=9, by_amazon=True)]})
    world = open_world(seed)
    world.seller.order([("CUP", 1)])
    ours = world.sell(world.targets[0], 1)
    clock.advance(minutes=3)

    page = await pull(world, clock)

    assert orders_in(page.facts).keys() == {ours}


async def test_the_store_of_a_pickup_comes_from_the_older_api_and_is_asked_for_those_alone(
    open_world: Open, line: Line, clock: StoppedClock
):
    world = open_world(**NO_QUEUE)
    parcel = world.seller.order([("LAMP-RED", 1)])
    pickup = world.seller.order([("LAMP-RED", 1)], store="store-7")
    clock.advance(minutes=3)

    told = orders_in((await pull(world, clock)).facts)

    assert (told[pickup.id].pickup, told[pickup.id].lines[0].place) == (True, "store-7")
    assert (told[parcel.id].pickup, told[parcel.id].lines[0].place) == (False, None)
    assert line.count("GET", "/orderItems") == 1


async def test_a_search_that_is_limited_waits_for_its_own_next_token(world: AmazonWorld, line: Line, clock: StoppedClock):  # fmt: skip
    line.instead = lambda request: httpx.Response(429) if request.url.path == SEARCH else None

    with pytest.raises(TryLater) as limited:
        await world.adapter.pull(None, now=clock.now())

    clock.advance(seconds=100)
    with pytest.raises(TryLater):
        await world.adapter.pull(None, now=clock.now())

    assert limited.value.retry_after_seconds == pytest.approx(1 / 0.0056)
    assert searches(line) == 1


async def test_a_search_that_fails_is_not_repeated_at_once(world: AmazonWorld, line: Line, clock: StoppedClock):
    line.instead = lambda request: httpx.Response(503) if request.url.path == SEARCH else None

    with pytest.raises(TryLater):
        await world.adapter.pull(None, now=clock.now())

    assert searches(line) == 1  # each is worth three minutes
