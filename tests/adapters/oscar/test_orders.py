"""Which orders of a django-oscar shop are read, and what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from omnisync.adapters.base import Adapter, Customer, Fact, OrderSeen, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.oscar import make
from omnisync.clock import StoppedClock
from omnisync.demo.oscar.shop import CANCELLED, SETTINGS, SHIPPED, Shop
from omnisync.errors import NeedsAttention
from omnisync.values import Money

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(clock: StoppedClock) -> Shop:
    """A shop with one article, whose stock record is "1"."""
    shop = Shop(clock)
    shop.add("LAMP")
    return shop


def connect(shop: Shop, tools: Tools, places: dict[str, str] | None = None, **settings: Any) -> Adapter:
    return make("shop", {**SETTINGS, **settings}, places or {}, "", replace(tools, transport=shop.transport))


async def poll(adapter: Adapter, cursor: str | None, tools: Tools) -> tuple[list[Fact], str | None]:
    """One whole pass."""
    facts: list[Fact] = []
    while True:
        page = await adapter.pull(cursor, now=tools.clock.now())
        facts, cursor = [*facts, *page.facts], page.cursor
        if not page.more:
            return facts, cursor


def ids(facts: list[Fact]) -> list[str]:
    return [fact.id for fact in facts if isinstance(fact, OrderSeen)]


async def test_an_order_tells_its_lines_buyer_and_sums(shop: Shop, tools: Tools):
    shop.buy("1", 2)

    [order], _ = await poll(connect(shop, tools), None, tools)

    assert isinstance(order, OrderSeen)
    assert (order.id, order.reference, order.paid, order.closed, order.pickup) == ("1", "100001", True, False, False)
    assert (order.placed_at, order.version) == (tools.clock.now(), tools.clock.now())
    assert order.customer == Customer("Erika Muster", "kundin@example.org", "+49301234567")
    assert order.totals["total_incl_tax"] == "79.90"
    [line] = order.lines
    assert (line.article.external_id, line.quantity, line.cancelled, line.shipped) == ("1", 2, 0, 0)
    assert line.unit_price == Money(3995, "EUR")


@pytest.mark.parametrize(
    ("status", "cancelled", "shipped"), [(CANCELLED, 2, 0), (SHIPPED, 0, 2), ("Being processed", 0, 0)]
)
async def test_the_status_says_what_became_of_the_lines(
    shop: Shop, tools: Tools, status: str, cancelled: int, shipped: int
):
    shop.end(shop.buy("1", 2), status)

    [order], _ = await poll(connect(shop, tools), None, tools)

    assert isinstance(order, OrderSeen)
    assert (order.lines[0].cancelled, order.lines[0].shipped) == (cancelled, shipped)
    assert order.closed == bool(cancelled or shipped)


async def test_a_lines_own_status_goes_before_its_orders(clock: StoppedClock, tools: Tools):
    shop = Shop(clock, line_fields=("status", "partner_sku", "title"))
    shop.add("LAMP")
    order = shop.buy("1", 2)
    shop.lines[order][0]["status"] = CANCELLED

    [seen], _ = await poll(connect(shop, tools), None, tools)

    assert isinstance(seen, OrderSeen)
    assert (seen.lines[0].cancelled, seen.closed) == (2, False)
    assert (seen.lines[0].article.sku, seen.lines[0].article.title) == ("LAMP", "Lampe")


async def test_an_open_order_is_read_again_until_it_is_closed_and_told_once_more_then(
    shop: Shop, tools: Tools, clock: StoppedClock
):
    adapter = connect(shop, tools)
    order = shop.buy("1")
    told = []
    _, cursor = await poll(adapter, None, tools)
    for status in (None, None, CANCELLED, None):
        clock.advance(days=3)
        if status:
            shop.end(order, status)
        facts, cursor = await poll(adapter, cursor, tools)
        told.append([fact.closed for fact in facts if isinstance(fact, OrderSeen)])

    assert told == [[False], [False], [True], []]


async def test_an_order_with_an_older_number_than_the_newest_is_found(shop: Shop, tools: Tools, clock: StoppedClock):
    adapter = connect(shop, tools)
    shop.buy("1", number="100900")
    _, cursor = await poll(adapter, None, tools)
    clock.advance(days=1)
    late = shop.buy("1", number="100001")

    facts, _ = await poll(adapter, cursor, tools)

    assert late in ids(facts)


async def test_an_order_that_became_visible_late_is_found_in_the_overlap(shop: Shop, tools: Tools, clock: StoppedClock):
    adapter = connect(shop, tools)
    slow = shop.buy("1")
    hidden = shop.orders.pop(slow)
    clock.advance(minutes=30)
    shop.orders["77"] = {**hidden, "url": hidden["url"].replace("/1/", "/77/"), "date_placed": shop._now()}
    shop.lines["77"] = shop.lines[slow]
    _, cursor = await poll(adapter, None, tools)
    shop.orders[slow] = hidden

    facts, _ = await poll(adapter, cursor, tools)

    assert slow in ids(facts)


async def test_old_pages_of_a_paging_shop_are_not_walked(clock: StoppedClock, tools: Tools):
    shop = Shop(clock, page=2)
    shop.add("LAMP", stock=99)
    adapter = connect(shop, tools)
    for _ in range(10):
        shop.end(shop.buy("1"), SHIPPED)
        clock.advance(days=1)
    _, cursor = await poll(adapter, None, tools)
    newest = shop.buy("1")
    shop.asked.clear()

    facts, _ = await poll(adapter, cursor, tools)

    assert ids(facts) == [newest]
    assert shop.asked.count("GET /api/admin/orders/") <= 2


async def test_a_shop_whose_clock_runs_ahead_does_not_hide_later_orders(shop: Shop, tools: Tools, clock: StoppedClock):
    adapter = connect(shop, tools)
    ahead = shop.buy("1")
    shop.orders[ahead]["date_placed"] = "2030-01-01T00:00:00Z"
    shop.end(ahead, CANCELLED)
    _, cursor = await poll(adapter, None, tools)
    clock.advance(minutes=5)
    later = shop.buy("1")

    facts, _ = await poll(adapter, cursor, tools)

    assert later in ids(facts)


async def test_a_deleted_order_is_shown_to_a_person_once(shop: Shop, tools: Tools):
    adapter = connect(shop, tools)
    order = shop.buy("1")
    _, cursor = await poll(adapter, None, tools)
    del shop.orders[order]

    [letter], cursor = await poll(adapter, cursor, tools)
    again, _ = await poll(adapter, cursor, tools)

    assert isinstance(letter, Unreadable)
    assert letter.key == "order:1:deleted"
    assert again == []


async def test_an_order_nobody_understands_does_not_keep_the_others(shop: Shop, tools: Tools):
    odd, good = shop.buy("1"), shop.buy("1")
    del shop.lines[odd][0]["quantity"]

    facts, _ = await poll(connect(shop, tools), None, tools)

    assert {type(fact) for fact in facts} == {Unreadable, OrderSeen}
    assert ids(facts) == [good]


async def test_a_shipping_method_that_the_location_map_names_is_a_pickup(shop: Shop, tools: Tools):
    shop.buy("1", shipping_code="abholen-linden")

    [order], _ = await poll(connect(shop, tools, {"abholen-linden": "linden"}), None, tools)

    assert isinstance(order, OrderSeen)
    assert (order.pickup, order.lines[0].place) == (True, "abholen-linden")


async def test_local_times_of_a_shop_without_zones_take_the_zone_of_the_settings(shop: Shop, tools: Tools):
    order = shop.buy("1")
    shop.orders[order]["date_placed"] = "2026-11-21T11:00:00"

    [seen], _ = await poll(connect(shop, tools, timezone="Europe/Berlin"), None, tools)

    assert isinstance(seen, OrderSeen)
    assert seen.placed_at == tools.clock.now()


async def test_many_open_orders_come_in_pages_and_each_once(shop: Shop, tools: Tools, clock: StoppedClock):
    orders = []
    for _ in range(5):
        orders.append(shop.buy("1"))
        clock.advance(minutes=1)

    facts, _ = await poll(connect(shop, tools, page_size=2), None, tools)

    assert ids(facts) == orders


async def test_an_api_that_is_blocked_needs_a_person_who_is_told_the_setting(shop: Shop, tools: Tools):
    shop.blocked = True
    adapter = connect(shop, tools)

    with pytest.raises(NeedsAttention) as caught:
        await adapter.pull(None, now=tools.clock.now())
    [check] = await adapter.check()

    assert "OSCARAPI_BLOCK_ADMIN_API_ACCESS" in caught.value.action
    assert (check.ok, "OSCARAPI_BLOCK_ADMIN_API_ACCESS" in check.mend) == (False, True)


async def test_a_cursor_that_is_not_ours_is_not_guessed_at(shop: Shop, tools: Tools):
    with pytest.raises(NeedsAttention, match="cursor"):
        await connect(shop, tools).pull("100002", now=tools.clock.now() + timedelta(days=1))
