"""Orders are found, whatever moves while they are read."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from omnisync.adapters.base import OrderSeen, Page
from omnisync.clock import StoppedClock
from omnisync.demo.faults import Purchase
from omnisync.errors import TryLater
from omnisync.values import Money
from tests.adapters.contract import Opened, Wire, pull_all, told
from tests.adapters.ebay.conftest import Line
from tests.adapters.ebay.rig import EbayWorld

pytestmark = pytest.mark.anyio


async def everything(world: EbayWorld, clock: StoppedClock, cursor: str | None = None) -> list[Page]:
    return await pull_all(Opened(world, Wire(), clock), cursor)


def orders_in(pages: list[Page]) -> list[OrderSeen]:
    return [fact for page in pages for fact in page.facts if isinstance(fact, OrderSeen)]


async def test_an_unpaid_purchase_is_seen_when_it_is_paid(world: EbayWorld, clock: StoppedClock):
    order = world.simulation.shop.order([("SHADE", 4)], paid=False)
    before = await everything(world, clock)
    clock.advance(hours=5)
    world.simulation.shop.pay(order.id)

    after = await everything(world, clock, before[-1].cursor)

    assert orders_in(before) == []
    assert world.level(world.targets[2]) == 26
    assert told(orders_in(after)) == {order.id}


async def test_what_becomes_of_an_order_is_told_with_cumulative_numbers(world: EbayWorld, clock: StoppedClock):
    shop = world.simulation.shop
    order = shop.orders[world.sell(world.targets[0], 3)]
    seen = []
    cursor = None
    for step in (
        lambda: None,
        lambda: shop.ship(order.id, {order.lines[0].id: 1}),
        lambda: shop.refund(order.id, Money(4245, "EUR")),
        lambda: shop.cancel(order.id),
    ):
        clock.advance(minutes=20)
        step()
        pages = await everything(world, clock, cursor)
        cursor = pages[-1].cursor
        seen.append(orders_in(pages)[-1])

    numbers = [(one.lines[0].quantity, one.lines[0].shipped, one.lines[0].cancelled) for one in seen]
    assert numbers == [(3, 0, 0), (3, 1, 0), (3, 1, 0), (3, 1, 2)]
    assert [one.version for one in seen] == sorted({one.version for one in seen})
    assert seen[-1].closed


async def test_a_thousand_minutes_of_orders_are_read_in_windows_that_fit_a_page(
    world: EbayWorld, line: Line, clock: StoppedClock
):
    sold = []
    for _ in range(12):
        sold.append(world.sell(world.targets[2], 1))
        clock.advance(minutes=90)

    found = orders_in(await everything(world, clock))

    assert told(found) == set(sold)
    offsets = {request.url.params["offset"] for request in line.asked if request.url.path.endswith("/order")}
    assert offsets == {"0"}


async def test_orders_of_the_last_minutes_are_paged_by_offset(world: EbayWorld, line: Line, clock: StoppedClock):
    sold = [world.sell(world.targets[2], 1) for _ in range(7)]

    pages = await everything(world, clock)

    assert told(orders_in(pages)) == set(sold)
    offsets = [request.url.params["offset"] for request in line.asked if request.url.path.endswith("/order")]
    assert offsets[-4:] == ["0", "2", "4", "6"]


async def test_the_cursor_follows_ebays_clock_not_ours(world: EbayWorld, line: Line, clock: StoppedClock):
    first = await world.adapter.pull(None, now=clock.now() + timedelta(hours=3))
    late = world.sell(world.targets[0], 1)

    second = await world.adapter.pull(first.cursor, now=clock.now() + timedelta(hours=3))

    assert told(second.facts) == {late}
    assert not first.more


async def test_an_order_that_reaches_the_list_late_is_found_by_the_overlap(world: EbayWorld, clock: StoppedClock):
    shop = world.simulation.shop
    late = world.sell(world.targets[0], 1)
    hidden = shop.orders.pop(late)
    clock.advance(seconds=90)
    seen = world.sell(world.targets[1], 1)
    first = await everything(world, clock)
    shop.orders[late] = hidden

    second = await everything(world, clock, first[-1].cursor)

    assert told(orders_in(first)) == {seen}
    assert late in told(orders_in(second))


async def test_an_unreadable_order_does_not_hide_the_others(world: EbayWorld, line: Line, clock: StoppedClock):
    good = world.sell(world.targets[0], 1)
    inner = world.channel

    async def spoil(request: httpx.Request) -> httpx.Response:
        reply = await inner.handle_async_request(request)
        if not request.url.path.endswith("/order"):
            return reply
        await reply.aread()
        said = reply.json()
        said["orders"].append({"orderId": "12-99999-00000", "lastModifiedDate": "2026-11-21T09:59:59.000Z"})
        said["total"] += 1
        return httpx.Response(200, json=said)

    line.inner = httpx.MockTransport(spoil)
    page = await world.adapter.pull(None, now=clock.now())

    assert told(page.facts) == {good}
    assert [type(fact).__name__ for fact in page.facts] == ["Unreadable", "OrderSeen"]


async def test_a_pickup_and_an_order_sent_by_ebay_are_told_as_such(world: EbayWorld, clock: StoppedClock):
    shop = world.simulation.shop
    pickup = shop.buy(Purchase(sku="SHADE", pickup=True, place="linden-1"))["order"]
    theirs = shop.order([("SHADE", 1)], by_ebay=True).id

    found = {one.id: one for one in orders_in(await everything(world, clock))}

    assert (found[pickup].pickup, found[pickup].lines[0].place) == (True, "linden-1")
    assert (found[pickup].elsewhere, found[theirs].elsewhere) == (False, True)


async def test_the_days_call_limit_is_asked_for_and_believed(world: EbayWorld, line: Line, clock: StoppedClock):
    world.simulation.door.daily_calls["fulfillment"] = 3
    world.simulation.door.used["fulfillment"] = 3

    with pytest.raises(TryLater, match="rate limit") as caught:
        await world.adapter.pull(None, now=clock.now())

    assert line.count("/rate_limit/") == 1
    assert line.count("/order") == 0
    assert caught.value.retry_after_seconds
    assert caught.value.retry_after_seconds > 3600
