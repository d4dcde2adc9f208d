"""Which orders of a Vendure shop are read, what they say, and what the shop is told of pickups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters.base import Adapter, Customer, Fact, News, OrderSeen, Outcome, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure import make
from omnisync.clock import StoppedClock
from omnisync.demo.vendure.shop import SETTINGS, Shop
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money

pytestmark = pytest.mark.anyio
PICKUPS = {"pickup_methods": {"abholen": "desk"}, "stock_location": "1"}


@pytest.fixture
def shop(clock: StoppedClock) -> Shop:
    """A shop with one article, whose variant is "1"."""
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


async def orders(adapter: Adapter, tools: Tools) -> list[OrderSeen]:
    """Everything, read from the start."""
    facts, _ = await poll(adapter, None, tools)
    return [fact for fact in facts if isinstance(fact, OrderSeen)]


def numbers(order: OrderSeen) -> tuple[int, int, int, int]:
    """(ordered, cancelled, shipped, restocked) of its first line."""
    line = order.lines[0]
    return line.quantity, line.cancelled, line.shipped, sum(one.quantity for one in line.restocks)


async def test_an_order_tells_its_lines_buyer_and_sums(shop: Shop, tools: Tools):
    shop.buy("1", 2)

    [order] = await orders(connect(shop, tools), tools)

    assert (order.id, order.reference, order.paid, order.closed, order.pickup) == ("1", "CODE1", True, False, False)
    assert (order.placed_at, order.version) == (tools.clock.now(), tools.clock.now())
    assert order.customer == Customer("Erika Muster", "kundin@example.org", "+49301234567")
    assert (order.currency, order.totals["totalWithTax"]) == ("EUR", "8480")
    assert (order.lines[0].article.external_id, order.lines[0].article.sku) == ("1", "LAMP")
    assert order.lines[0].unit_price == Money(3995, "EUR")


@pytest.mark.parametrize("state", ["AddingItems", "ArrangingPayment", "Draft", "Cancelled"])
async def test_what_was_never_placed_is_no_order(shop: Shop, tools: Tools, state: str):
    shop.orders[shop.buy("1", placed=False)]["state"] = state

    assert await orders(connect(shop, tools), tools) == []


async def test_an_order_is_read_again_while_it_is_open_though_its_time_of_change_stands_still(
    shop: Shop, tools: Tools, clock: StoppedClock
):
    adapter, order, told = connect(shop, tools), shop.buy("1", 3), []
    _, cursor = await poll(adapter, None, tools)
    for step in (lambda: shop.ship(order, 1), lambda: shop.ship(order, 2, "Pending"), lambda: None):
        clock.advance(days=3)
        step()
        facts, cursor = await poll(adapter, cursor, tools)
        told += [(numbers(fact), fact.version, fact.closed) for fact in facts if isinstance(fact, OrderSeen)]
    shop.orders[order]["fulfillments"][1]["state"] = "Delivered"
    [done], cursor = await poll(adapter, cursor, tools)
    afterwards, _ = await poll(adapter, cursor, tools)

    # What is packed has not left.
    assert [(seen, closed) for seen, _, closed in told] == [((3, 0, 1, 0), False)] * 3
    assert [version for _, version, _ in told] == sorted(version for _, version, _ in told)
    assert isinstance(done, OrderSeen)
    assert (numbers(done), done.closed, afterwards) == ((3, 0, 3, 0), True, [])


@pytest.mark.parametrize(("restocks", "came_back"), [(True, 2), (False, 0)])
async def test_cancelled_pieces_are_first_those_not_sent_and_then_those_that_came_back(
    shop: Shop, tools: Tools, restocks: bool, came_back: int
):
    order = shop.buy("1", 4)
    shop.ship(order, 3)
    adapter = connect(shop, tools, restock_cancelled=restocks)
    shop.cancel(order, 1)
    [before] = await orders(adapter, tools)
    shop.cancel(order, 2)
    [after] = await orders(adapter, tools)

    assert numbers(before) == (4, 1, 3, 0)
    assert numbers(after) == (4, 1, 3, came_back)
    assert len({restock.id for restock in after.lines[0].restocks}) == came_back


async def test_an_order_that_was_modified_upwards_promises_more(shop: Shop, tools: Tools):
    order = shop.buy("1", 2)
    shop.orders[order]["lines"][0]["quantity"] = 5

    [seen] = await orders(connect(shop, tools), tools)

    assert numbers(seen) == (5, 0, 0, 0)


async def test_an_order_placed_from_an_old_basket_is_found(shop: Shop, tools: Tools, clock: StoppedClock):
    adapter = connect(shop, tools)
    late, _ = shop.buy("1", placed=False), shop.buy("1")
    _, cursor = await poll(adapter, None, tools)
    clock.advance(days=2)
    shop.orders[late] |= {"orderPlacedAt": shop._second(), "state": "PaymentAuthorized"}

    facts, _ = await poll(adapter, cursor, tools)

    assert late in [fact.id for fact in facts if isinstance(fact, OrderSeen)]


async def test_an_old_basket_paid_while_a_long_pass_is_on_is_found_by_the_next(
    shop: Shop, tools: Tools, clock: StoppedClock
):
    adapter, late = connect(shop, tools, page_size=2), shop.buy("1", placed=False)
    for _ in range(3):
        shop.buy("1")
    page = await adapter.pull(None, now=clock.now())
    shop.orders[late] |= {"orderPlacedAt": shop._second(), "state": "PaymentSettled"}
    clock.advance(hours=1)
    shop.buy("1")
    first, cursor = await poll(adapter, page.cursor, tools)
    later, _ = await poll(adapter, cursor, tools)

    assert late not in [fact.id for fact in (*page.facts, *first) if isinstance(fact, OrderSeen)]
    assert late in [fact.id for fact in later if isinstance(fact, OrderSeen)]


async def test_orders_of_before_the_first_day_are_not_read_even_when_they_change(
    shop: Shop, tools: Tools, clock: StoppedClock
):
    old = shop.buy("1")
    clock.advance(days=1)
    adapter = connect(shop, tools, orders_since=clock.now().isoformat())
    clock.advance(days=1)
    new = shop.buy("1")
    facts, cursor = await poll(adapter, None, tools)
    shop.cancel(old, 1)
    later, _ = await poll(adapter, cursor, tools)

    assert {fact.id for fact in (*facts, *later) if isinstance(fact, OrderSeen)} == {new}


async def test_the_order_above_those_of_many_sellers_moves_nothing(shop: Shop, tools: Tools):
    shop.orders[shop.buy("1")]["type"] = "Aggregate"
    shop.orders[shop.buy("1")]["type"] = "Seller"

    assert [order.elsewhere for order in await orders(connect(shop, tools), tools)] == [True, False]


async def test_a_shop_whose_clock_runs_ahead_does_not_hide_later_orders(shop: Shop, tools: Tools, clock: StoppedClock):
    adapter, ahead = connect(shop, tools), shop.buy("1")
    shop.orders[ahead] |= {"orderPlacedAt": "2030-01-01T00:00:00Z", "updatedAt": "2030-01-01T00:00:00Z"}
    _, cursor = await poll(adapter, None, tools)
    clock.advance(days=1)
    later = shop.buy("1")

    facts, _ = await poll(adapter, cursor, tools)

    assert later in [fact.id for fact in facts if isinstance(fact, OrderSeen)]


async def test_what_nobody_understands_and_what_is_gone_waits_for_a_person_and_keeps_nobody(shop: Shop, tools: Tools):
    adapter = connect(shop, tools)
    odd, gone, good = (shop.buy("1") for _ in range(3))
    shop.orders[odd]["lines"][0]["updatedAt"] = "never"
    first = await adapter.pull(None, now=tools.clock.now())
    del shop.orders[gone]
    second, _ = await poll(adapter, first.cursor, tools)

    assert [type(fact) for fact in first.facts] == [Unreadable, OrderSeen, OrderSeen]
    assert {fact.key for fact in second if isinstance(fact, Unreadable)} == {f"order:{odd}", f"order:{gone}:deleted"}
    assert good in [fact.id for fact in second if isinstance(fact, OrderSeen)]


async def test_a_pickup_is_packed_handed_over_and_nothing_is_done_twice(shop: Shop, tools: Tools):
    id = shop.buy("1", 2, shipping="abholen")
    adapter = connect(shop, tools, {"desk": "linden"}, **PICKUPS)
    [order] = await orders(adapter, tools)
    states = []
    for kind in ("ready", "ready", "collected", "collected"):
        [told] = await adapter.tell([News(kind, id, "CODE1", "desk", [(order.lines[0].id, 2)], tag=kind)])
        states.append((told.outcome, [parcel["state"] for parcel in shop.orders[id]["fulfillments"]]))

    assert (order.pickup, order.lines[0].place) == (True, "desk")
    assert states == [(Outcome.APPLIED, ["Pending"])] * 2 + [(Outcome.APPLIED, ["Delivered"])] * 2


async def test_fewer_pieces_fetched_than_packed_wait_for_a_person(shop: Shop, tools: Tools):
    id = shop.buy("1", 2, shipping="abholen")
    shop.ship(id, 2, "Pending")
    adapter = connect(shop, tools, {"desk": "linden"}, **PICKUPS)

    [told] = await adapter.tell([News("collected", id, "CODE1", "desk", [(f"{id}0", 1)], tag="t")])

    assert (told.outcome, shop.orders[id]["fulfillments"][0]["state"]) == (Outcome.ATTENTION, "Pending")


async def test_an_ended_pickup_is_cancelled_unless_its_money_must_go_back(shop: Shop, tools: Tools):
    paid, unpaid = (shop.buy("1", shipping="abholen") for _ in range(2))
    shop.orders[unpaid]["payments"][0]["state"] = "Authorized"
    adapter = connect(shop, tools, {"desk": "linden"}, **PICKUPS)

    told = await adapter.tell([News("expired", id, id, "desk", [(f"{id}0", 1)], tag=id) for id in (paid, unpaid)])
    shop.orders[paid]["payments"][0]["refunds"] = [
        {"state": "Settled", "total": shop.orders[paid]["payments"][0]["amount"]}
    ]
    [again] = await adapter.tell([News("expired", paid, paid, "desk", [(f"{paid}0", 1)], tag=paid)])

    assert [one.outcome for one in told] == [Outcome.ATTENTION, Outcome.APPLIED]
    assert (shop.orders[unpaid]["state"], again.outcome) == ("Cancelled", Outcome.APPLIED)


async def test_a_cursor_that_is_not_ours_is_not_guessed_at(shop: Shop, tools: Tools):
    with pytest.raises(NeedsAttention, match="cursor"):
        await connect(shop, tools).pull("2026-11-21", now=tools.clock.now())


def spoil_for_shop(order: dict[str, Any]) -> None:
    """What its resolver must have is not there, so that the shop answers the whole page with an error."""
    order["lines"][0]["productVariant"] = None


def spoil_for_us(order: dict[str, Any]) -> None:
    """It answers, and what it says is no time."""
    order["lines"][0]["updatedAt"] = "yesterday"


@pytest.mark.parametrize("spoil", [spoil_for_shop, spoil_for_us])
async def test_one_order_that_cannot_be_read_stops_neither_its_page_nor_the_next_pass(
    shop: Shop, tools: Tools, spoil: Callable[[dict[str, Any]], None]
):
    for _ in range(7):
        shop.buy("1")
    spoil(shop.orders["4"])
    adapter = connect(shop, tools, page_size=5)

    first, cursor = await poll(adapter, None, tools)
    tools.clock.advance(minutes=5)  # type: ignore[attr-defined]
    again, _ = await poll(adapter, cursor, tools)

    for facts in (first, again):
        assert {fact.id for fact in facts if isinstance(fact, OrderSeen)} == {"1", "2", "3", "5", "6", "7"}
        assert {fact.key for fact in facts if isinstance(fact, Unreadable)} == {"order:4"}


async def test_a_shop_that_fails_on_every_order_is_down_and_no_order_is_taken_for_unreadable(shop: Shop, tools: Tools):
    shop.buy("1")
    adapter = connect(shop, tools)
    await orders(adapter, tools)
    shop.stumbles_over_orders = True

    with pytest.raises(TryLater):
        await orders(adapter, tools)
