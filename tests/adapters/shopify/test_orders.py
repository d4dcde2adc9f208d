"""What becomes of Shopify's orders: cumulative numbers, whole orders, nothing that is not goods."""

from __future__ import annotations

from typing import Any

import pytest

from omnisync.adapters.base import OrderLine, OrderSeen, Restock
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.shopify.things import Order
from omnisync.values import Money
from tests.adapters.shopify.rig import LINDEN, LINDEN_PLACE, MARKT, MARKT_PLACE, ShopifyWorld, open_world

pytestmark = pytest.mark.anyio


async def told(world: ShopifyWorld, order: Order) -> OrderSeen:
    """The order as pulling tells it."""
    page = await world.adapter.pull(None, now=world.shop.clock.now())
    [seen] = [fact for fact in page.facts if isinstance(fact, OrderSeen) and fact.id == order.gid]
    return seen


def numbers(line: OrderLine) -> tuple[int, int, int, int]:
    """Ordered, cancelled, shipped, restocked."""
    return line.quantity, line.cancelled, line.shipped, sum(one.quantity for one in line.restocks)


def an_order(world: ShopifyWorld, quantity: int = 3, **how: Any) -> Order:
    return world.shop.sell([(world.variant(world.targets[0]), quantity)], **how)


async def test_a_web_order_is_a_promise_at_the_place_that_shopify_chose(world: ShopifyWorld):
    order = an_order(world, place=MARKT)

    seen = await told(world, order)

    [line] = seen.lines
    assert (seen.reference, seen.counter, seen.pickup, seen.closed, seen.paid) == ("#1001", False, False, False, True)
    assert (numbers(line), line.place, line.stocked) == ((3, 0, 0, 0), MARKT_PLACE, True)
    assert (line.article.sku, line.article.external_id) == ("LAMP-1", world.targets[0].external_id)
    assert line.unit_price == Money(1996, "EUR")
    assert seen.totals["totalPriceSet"] == {"amount": "59.88", "currencyCode": "EUR"}
    assert seen.customer is not None
    assert seen.customer.name == "Testkundin 1001"


async def test_shipping_counts_up_and_closes(world: ShopifyWorld):
    order = an_order(world)
    one = order.fulfillment_orders[0]

    world.shop.fulfil(order, [(one, one.parts[0], 1)])
    partly = await told(world, order)
    world.shop.fulfil(order)
    wholly = await told(world, order)

    assert [numbers(partly.lines[0]), numbers(wholly.lines[0])] == [(3, 0, 1, 0), (3, 0, 3, 0)]
    assert (partly.closed, wholly.closed) == (False, True)


async def test_cancelling_an_order_cancels_what_was_not_sent(world: ShopifyWorld):
    order = an_order(world)
    one = order.fulfillment_orders[0]
    world.shop.fulfil(order, [(one, one.parts[0], 1)])

    world.shop.cancel(order)

    seen = await told(world, order)
    assert (numbers(seen.lines[0]), seen.closed) == ((3, 2, 1, 0), True)


@pytest.mark.parametrize("restock_type", ["CANCEL", "NO_RESTOCK"])
async def test_a_refund_before_shipping_frees_the_promise_and_returns_nothing(world: ShopifyWorld, restock_type: str):
    order = an_order(world)

    world.shop.refund(order, [(order.lines[0], 2)], restock_type)

    assert numbers((await told(world, order)).lines[0]) == (3, 2, 0, 0)


async def test_goods_that_came_back_are_restocked_where_they_are(world: ShopifyWorld):
    order = an_order(world, place=LINDEN)
    world.shop.fulfil(order)

    refund = world.shop.refund(order, [(order.lines[0], 1)], "RETURN", place=MARKT)

    [line] = (await told(world, order)).lines
    assert numbers(line) == (3, 0, 3, 1)
    assert line.restocks == (Restock(f"gid://shopify/RefundLineItem/{refund.lines[0].id}", 1, MARKT_PLACE),)


async def test_money_given_back_without_goods_moves_nothing(world: ShopifyWorld):
    order = an_order(world)
    world.shop.fulfil(order)

    world.shop.refund(order, [(order.lines[0], 3)], "NO_RESTOCK")

    assert numbers((await told(world, order)).lines[0]) == (3, 0, 3, 0)


async def test_part_sent_part_cancelled_part_returned_add_up(world: ShopifyWorld):
    order = an_order(world, 5)
    one = order.fulfillment_orders[0]
    world.shop.fulfil(order, [(one, one.parts[0], 3)])
    world.shop.refund(order, [(order.lines[0], 1)], "CANCEL")
    world.shop.refund(order, [(order.lines[0], 2)], "RETURN")

    assert numbers((await told(world, order)).lines[0]) == (5, 1, 3, 2)


async def test_a_receipt_of_the_till_is_a_counter_sale_of_its_store(world: ShopifyWorld):
    order = an_order(world, place=MARKT, counter=True)

    seen = await told(world, order)

    assert (seen.counter, seen.pickup, seen.closed) == (True, False, True)
    assert (numbers(seen.lines[0]), seen.lines[0].place) == ((3, 0, 3, 0), MARKT_PLACE)


async def test_an_order_to_be_fetched_is_a_pickup_and_not_sent_while_it_waits(world: ShopifyWorld, clock: StoppedClock):
    order = an_order(world, place=LINDEN, pickup=True)
    world.shop.fulfil(order)
    order.fulfillments[0].display = "READY_FOR_PICKUP"

    waiting = await told(world, order)
    order.fulfillments[0].display = "PICKED_UP"
    clock.advance(seconds=1)
    world.shop.touch(order)
    fetched = await told(world, order)

    assert (waiting.pickup, waiting.lines[0].shipped, fetched.lines[0].shipped) == (True, 0, 3)


async def test_tips_services_and_gift_cards_never_enter_the_ledger(world: ShopifyWorld):
    service = world.shop.add_variant("FITTING", Money(2000, "EUR"), {LINDEN: 9}, requires_shipping=False)
    card = world.shop.add_variant("CARD-50", Money(5000, "EUR"), {LINDEN: 9}, gift_card=True)
    order = world.shop.sell([(service, 1), (card, 1), (world.variant(world.targets[0]), 1)])
    world.shop.add_loose_line(order, "Trinkgeld", Money(200, "EUR"))

    seen = await told(world, order)

    assert {line.article.title: line.stocked for line in seen.lines} == {
        "FITTING": False,
        "CARD-50": False,
        "LAMP-1": True,
        "Trinkgeld": False,
    }


async def test_goods_sent_by_a_fulfilment_service_are_not_ours(world: ShopifyWorld):
    world.shop.add_location(77, "Dienstleister", fulfillment_service=True)
    there = world.shop.add_variant("FOREIGN", Money(500, "EUR"), {77: 5})
    ours = world.variant(world.targets[0])

    mixed = await told(world, world.shop.sell([(there, 1), (ours, 1)]))
    foreign = await told(world, world.shop.sell([(there, 1)]))

    assert [(line.article.sku, line.stocked) for line in mixed.lines] == [("FOREIGN", False), ("LAMP-1", True)]
    assert (mixed.elsewhere, foreign.elsewhere) == (False, True)


async def test_a_place_that_is_not_mapped_keeps_its_name(world: ShopifyWorld):
    world.shop.add_location(78, "Neue Filiale")
    new = world.shop.add_variant("NEW", Money(500, "EUR"), {78: 5})

    [line] = (await told(world, world.shop.sell([(new, 1)]))).lines

    assert (line.place, line.stocked) == ("gid://shopify/Location/78", True)


async def test_a_line_gathered_from_two_places_names_the_one_with_more(world: ShopifyWorld):
    order = world.shop.sell([(world.variant(world.targets[0]), 14)])

    [line] = (await told(world, order)).lines

    assert len(order.fulfillment_orders) == 2
    assert (numbers(line), line.place) == ((14, 0, 0, 0), LINDEN_PLACE)


async def test_an_order_of_seventy_lines_in_seven_parcels_is_read_to_its_end(world: ShopifyWorld):
    variants = [world.shop.add_variant(f"S-{n}", Money(100, "EUR"), {LINDEN: 5}) for n in range(70)]
    order = world.shop.sell([(variant, 2) for variant in variants])
    one = order.fulfillment_orders[0]
    for start in range(0, 70, 10):
        world.shop.fulfil(order, [(one, part, 1) for part in one.parts[start : start + 10]])
    world.shop.refund(order, [(line, 1) for line in order.lines[:45]], "RETURN")

    seen = await told(world, order)

    assert [line.article.sku for line in seen.lines] == [variant.sku for variant in variants]
    assert {numbers(line) for line in seen.lines[:45]} == {(2, 0, 1, 1)}
    assert {numbers(line) for line in seen.lines[45:]} == {(2, 0, 1, 0)}


async def test_a_finished_pass_reads_an_overlap_again_without_asking_twice(world: ShopifyWorld, clock: StoppedClock):
    old = an_order(world, 1)
    clock.advance(minutes=30)
    late = [an_order(world, 1), an_order(world, 1)]
    clock.advance(minutes=1)
    first = await world.adapter.pull(None, now=clock.now())
    second = await world.adapter.pull(first.cursor, now=clock.now())
    assert (first.more, second.more) == (True, False)

    again = await world.adapter.pull(second.cursor, now=clock.now())

    assert {fact.id for fact in again.facts if isinstance(fact, OrderSeen)} == {order.gid for order in late}
    assert {fact.id for fact in first.facts if isinstance(fact, OrderSeen)} >= {old.gid}


async def test_an_order_that_changes_again_in_the_same_second_is_not_answered_from_memory(
    world: ShopifyWorld, clock: StoppedClock
):
    order = an_order(world)
    await told(world, order)
    world.shop.cancel(order)

    assert (await told(world, order)).lines[0].cancelled == 3

    clock.advance(minutes=1)
    assert await told(world, order) is await told(world, order)


async def test_fifty_fresh_orders_fit_into_the_points_of_the_smallest_plan(tools: Tools, clock: StoppedClock):
    world = open_world(tools, settings={"page_size": 25})
    for n in range(50):
        world.shop.sell([(world.shop.add_variant(f"F-{n}", Money(100, "EUR"), {LINDEN: 1}), 1)])
    before = clock.monotonic()

    first = await world.adapter.pull(None, now=clock.now())
    second = await world.adapter.pull(first.cursor, now=clock.now())

    assert (len(first.facts), len(second.facts), second.more) == (25, 25, False)
    assert clock.monotonic() - before < 10


async def test_orders_are_found_by_the_names_that_people_call_them(world: ShopifyWorld):
    orders = [an_order(world) for _ in range(3)]

    found = await world.adapter.find(["#1003", "#1001", "#999"])  # type: ignore[attr-defined]

    assert [(seen.id, seen.reference) for seen in found] == [(orders[0].gid, "#1001"), (orders[2].gid, "#1003")]
    assert numbers(found[0].lines[0]) == (3, 0, 0, 0)
