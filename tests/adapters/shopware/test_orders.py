"""Orders in: Shopware's three states, its lines that are none of ours, and pages that miss nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Adapter, Fact, OrderLine, OrderSeen, Unreadable
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.shopware.things import Delivery, Line, Order, Payment
from omnisync.errors import NeedsAttention
from omnisync.values import Money
from tests.adapters.shopware.rig import PICKUP, UNMAPPED, ShopwareWorld, an_adapter, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tools: Tools) -> ShopwareWorld:
    return open_world(tools)


async def pulled(world: ShopwareWorld, cursor: str | None = None) -> tuple[list[Fact], str | None]:
    """Everything from a cursor on."""
    facts: list[Fact] = []
    more = True
    while more:
        page = await world.adapter.pull(cursor, now=world.shop.clock.now())
        facts += page.facts
        cursor, more = page.cursor, page.more
    return facts, cursor


async def seen(world: ShopwareWorld, order: Order) -> OrderSeen:
    """That order as a poll tells it now."""
    facts, _ = await pulled(world)
    return next(fact for fact in facts if isinstance(fact, OrderSeen) and fact.id == order.id)


def answered(tools: Tools, *rows: dict[str, Any], page_size: int = 50) -> Adapter:
    """An adapter whose shop answers each search with these."""

    def serve(request: httpx.Request) -> httpx.Response:
        token = {"access_token": "t", "expires_in": 600, "token_type": "Bearer"}
        return httpx.Response(200, json=token if request.url.path.endswith("/token") else {"data": rows})

    return an_adapter(replace(tools, transport=httpx.MockTransport(serve)), page_size=page_size)


def ids(facts: list[Fact]) -> list[str]:
    return [fact.id for fact in facts if isinstance(fact, OrderSeen)]


def ordered(world: ShopwareWorld, quantity: int = 3, **wish: Any) -> Order:
    return world.shop.place([(world.shop.by_sku("LAMP"), quantity)], **wish)


def move(world: ShopwareWorld, order: Order, *actions: str) -> None:
    """`process` of the order, `delivery:ship`, `transaction:paid`."""
    for action in actions:
        of, _, name = action.rpartition(":")
        thing = {"": order, "delivery": order.deliveries[0], "transaction": order.payments[-1]}[of]
        world.shop.transition(f"order_{of}" if of else "order", thing.id, name)


def numbers(line: OrderLine) -> tuple[int, int, int, int]:
    """(ordered, cancelled, shipped, restocked)"""
    return line.quantity, line.cancelled, line.shipped, sum(one.quantity for one in line.restocks)


@pytest.mark.parametrize(
    ("actions", "lowered", "closed", "expected"),
    [
        ([], True, False, (3, 0, 0, 0)),
        (["process", "delivery:ship"], True, False, (3, 0, 3, 0)),
        (["delivery:ship_partially"], True, False, (3, 0, 0, 0)),
        (["delivery:cancel"], True, False, (3, 0, 0, 0)),
        (["process", "complete"], True, True, (3, 0, 3, 0)),
        (["cancel"], False, True, (3, 3, 0, 0)),
        (["delivery:ship", "cancel"], False, True, (3, 0, 3, 0)),
        (["delivery:ship", "delivery:retour"], True, False, (3, 0, 3, 3)),
        (["delivery:ship", "delivery:retour_partially"], True, False, (3, 0, 3, 0)),
        (["delivery:ship", "delivery:retour", "cancel"], False, True, (3, 0, 3, 3)),
    ],
    ids=lambda value: " ".join(value) or "open" if isinstance(value, list) else None,
)
async def test_states_say_what_is_taken_sent_over_and_back(
    world: ShopwareWorld, actions: list[str], lowered: bool, closed: bool, expected: tuple[int, int, int, int]
):
    order = ordered(world)
    move(world, order, *actions)

    told = await seen(world, order)

    assert (told.lowered, told.closed, numbers(told.lines[0])) == (lowered, closed, expected)
    assert world.shop.by_sku("LAMP").stock == (9 if lowered else 12)


@pytest.mark.parametrize(
    ("method", "actions", "paid"),
    [
        ("payment_prepayment", [], False),
        ("payment_prepayment", ["transaction:paid"], True),
        ("payment_prepayment", ["transaction:authorize"], True),
        ("payment_prepayment", ["transaction:paid", "transaction:refund"], True),
        ("payment_prepayment", ["transaction:fail"], False),
        ("payment_invoicepayment", [], True),
        ("payment_invoicepayment", ["transaction:cancel"], False),
        ("payment_cashpayment", ["cancel"], False),
    ],
)
async def test_money_that_came_or_comes_after_the_goods_is_paid(
    world: ShopwareWorld, method: str, actions: list[str], paid: bool
):
    order = ordered(world, payment=method, paid=False)
    move(world, order, *actions)

    assert (await seen(world, order)).paid is paid


async def test_the_payment_that_the_shop_counts_or_else_the_last_one_counts_and_what_costs_nothing_is_paid(
    world: ShopwareWorld, tools: Tools, clock: StoppedClock
):
    tried, free = ordered(world, paid=False), ordered(world)
    move(world, tried, "transaction:fail")
    tried.payments.insert(0, Payment(world.shop.id(), "paypal", clock.now() + timedelta(minutes=5), state="paid"))
    free.payments.clear()
    by_primary = [(await seen(world, order)).paid for order in (tried, free)]

    row = {**world.shop.rows("order")[0], "primaryOrderTransactionId": None}
    [told] = (await answered(tools, row).pull(None, now=clock.now())).facts

    assert by_primary == [False, True]
    assert isinstance(told, OrderSeen)
    assert told.paid


async def test_an_order_is_told_with_its_buyer_its_money_and_its_article(world: ShopwareWorld):
    shirt = world.shop.by_sku("SHIRT-M")
    order = world.shop.place([(shirt, 2)], reference="R-2026-7")

    told = await seen(world, order)

    [line] = told.lines
    assert (told.reference, told.currency, told.totals["amountTotal"]) == ("R-2026-7", "EUR", "59.8")
    assert (line.article.external_id, line.article.sku) == (shirt.id, "SHIRT-M")
    assert line.unit_price == Money(2990, "EUR")
    assert told.customer is not None
    assert (told.customer.name, told.customer.email) == ("Erika Muster", "erika@example.org")
    assert told.placed_at == told.version == world.shop.now()


async def test_only_products_are_ours_also_inside_a_container(world: ShopwareWorld):
    shop = world.shop
    box = Line(shop.id(), "container", "Geschenkset", 1, 49.85)
    inside = shop.line(shop.by_sku("LAMP"), 2, parent=box.id)
    others = [Line(shop.id(), kind, kind, 1, -5.0) for kind in ("promotion", "credit", "discount", "custom")]
    order = shop.place([], extra=[box, inside, *others])

    told = await seen(world, order)

    assert {line.article.title: (line.stocked, line.quantity, line.shipped) for line in told.lines} == {
        "Geschenkset": (False, 1, 0), "Lampe": (True, 2, 0), "promotion": (False, 1, 0), "credit": (False, 1, 0),
        "discount": (False, 1, 0), "custom": (False, 1, 0),
    }  # fmt: skip
    assert world.shop.by_sku("LAMP").stock == 10


async def test_a_discount_on_shipping_is_a_delivery_that_carries_nothing(world: ShopwareWorld, clock: StoppedClock):
    order = ordered(world)
    order.deliveries.insert(0, Delivery(world.shop.id(), PICKUP, {}, clock.now(), state="shipped", costs=-4.9))

    told = await seen(world, order)

    assert (told.pickup, numbers(told.lines[0])) == (False, (3, 0, 0, 0))


async def test_two_deliveries_of_one_line_are_sent_and_come_back_each_for_itself(
    world: ShopwareWorld, clock: StoppedClock
):
    order = ordered(world)
    [line] = order.lines
    order.deliveries[0].pieces[line.id] = 2
    order.deliveries.append(Delivery(world.shop.id(), "shipping_express", {line.id: 1}, clock.now()))
    first, second = order.deliveries
    seen_after = []
    for one, action in ((second, "ship"), (first, "ship"), (second, "retour")):
        world.shop.transition("order_delivery", one.id, action)
        seen_after.append((await seen(world, order)).lines[0])

    assert [numbers(one) for one in seen_after] == [(3, 0, 1, 0), (3, 0, 3, 0), (3, 0, 3, 1)]
    assert [one.id for one in seen_after[-1].restocks] == [second.id]


async def test_a_product_that_was_deleted_is_known_by_its_number_and_prices_without_tax_are_not_ours(
    world: ShopwareWorld, tools: Tools
):
    order = ordered(world, 1)
    order.tax_status = "net"
    row = next(row for row in world.shop.rows("order") if row["id"] == order.id)
    row["lineItems"][0] |= {"productId": None, "product": None}
    world.adapter = answered(tools, row)

    [line] = (await seen(world, order)).lines

    assert (line.article.sku, line.unit_price) == ("LAMP", None)


@pytest.mark.parametrize(
    ("method", "place"),
    [(PICKUP, PICKUP), (UNMAPPED, UNMAPPED), ("shipping_standard", None)],
    ids=["a store", "a pickup that the map does not know", "no pickup"],
)
async def test_a_pickup_is_known_by_its_shipping_method(world: ShopwareWorld, method: str, place: str | None):
    told = await seen(world, ordered(world, 1, method=method))

    assert (told.pickup, told.lines[0].place) == (place is not None, place)


async def test_a_shipping_method_may_be_named_as_people_name_it(tools: Tools):
    world = open_world(tools, settings={"pickup_methods": ["Popup"]})

    assert (await seen(world, ordered(world, 1, method=UNMAPPED))).pickup


# ---------------------------------------------------------------- passes and pages


async def test_what_only_moves_a_delivery_is_found_although_the_order_itself_never_changed(
    world: ShopwareWorld, clock: StoppedClock
):
    order = ordered(world)
    clock.advance(minutes=10)
    facts, cursor = await pulled(world)
    move(world, order, "delivery:ship")

    later, _ = await pulled(world, cursor)

    assert order.updated is None
    [before], [after] = facts, later
    assert isinstance(before, OrderSeen)
    assert isinstance(after, OrderSeen)
    assert (before.version < after.version, after.lines[0].shipped) == (True, 3)


async def test_an_order_that_changes_while_pages_are_read_hides_no_other_and_is_read_again(
    world: ShopwareWorld, clock: StoppedClock
):
    orders = [ordered(world, 1) for _ in range(7)]
    first = await world.adapter.pull(None, now=clock.now())
    clock.advance(minutes=1)
    move(world, orders[0], "delivery:ship")
    move(world, orders[3], "process")
    clock.advance(minutes=20)  # a first reading takes its time

    rest, cursor = await pulled(world, first.cursor)
    again, _ = await pulled(world, cursor)

    assert ids([*first.facts, *rest]) == [order.id for order in orders]
    assert orders[0].id in ids(again)


async def test_a_shop_whose_clock_is_slow_loses_nothing(tools: Tools, clock: StoppedClock):
    slow = StoppedClock(clock.now() - timedelta(minutes=30))
    world = open_world(replace(tools, clock=slow))
    world.adapter = an_adapter(replace(tools, transport=world.channel))
    ordered(world, 1)
    slow.advance(minutes=5)
    page = await world.adapter.pull(None, now=clock.now())
    page = await world.adapter.pull(page.cursor, now=clock.now())
    slow.advance(minutes=1)
    late = ordered(world, 1)

    found, _ = await pulled(world, page.cursor)

    assert late.id in ids(found)


async def test_a_quiet_pass_reads_no_more_than_the_overlap(world: ShopwareWorld, clock: StoppedClock):
    ordered(world, 1)
    clock.advance(minutes=5)
    _, cursor = await pulled(world)
    late = ordered(world, 1)

    found, cursor = await pulled(world, cursor)
    clock.advance(minutes=5)
    _, cursor = await pulled(world, cursor)
    nothing, _ = await pulled(world, cursor)

    assert (ids(found), nothing) == ([late.id], [])


async def test_the_first_pass_begins_ninety_days_ago_or_where_the_settings_say(tools: Tools, clock: StoppedClock):
    old = open_world(tools)
    ordered(old, 1)
    clock.advance(days=120)
    since = (clock.now() - timedelta(days=365)).isoformat()
    told = an_adapter(replace(tools, transport=old.channel), start_at=since)

    by_default = await old.adapter.pull(None, now=clock.now())
    as_set = await told.pull(None, now=clock.now())

    assert (len(by_default.facts), len(as_set.facts)) == (0, 1)
    assert told.can.since is not None


@pytest.mark.parametrize("cursor", ["rubbish", "AA", "MjAyNi0xMC0wMQ"])
async def test_a_cursor_that_is_not_ours_asks_for_a_person(world: ShopwareWorld, cursor: str):
    with pytest.raises(NeedsAttention) as raised:
        await world.adapter.pull(cursor, now=world.shop.clock.now())

    assert "Reset" in raised.value.action


@pytest.mark.parametrize(
    "broken",
    [{"orderDateTime": None}, {"lineItems": [{"id": "1", "type": "product", "quantity": 1.5}]}, {"currency": {"isoCode": "€"}},
     {"stateMachineState": None}],
    ids=["no time", "a fraction", "no currency", "no state"],
)  # fmt: skip
async def test_one_order_that_cannot_be_understood_waits_alone(
    world: ShopwareWorld, tools: Tools, broken: dict[str, object]
):
    first, second = ordered(world, 1), ordered(world, 1)
    rows = world.shop.rows("order")
    rows[1] |= broken

    page = await answered(tools, *rows).pull(None, now=world.shop.clock.now())

    assert [type(fact) for fact in page.facts] == [OrderSeen, Unreadable]
    assert isinstance(page.facts[1], Unreadable)
    assert (page.facts[1].key, ids([*page.facts])) == (f"order:{second.id}", [first.id])


async def test_fields_and_values_that_nobody_knows_are_passed_over(world: ShopwareWorld, tools: Tools):
    ordered(world, 1)
    [row] = world.shop.rows("order")
    row["stateMachineState"]["technicalName"] = "frozen_by_plugin"
    row["deliveries"][0]["stateMachineState"]["technicalName"] = "ready"
    row |= {"extensions": {"swag": [1]}, "autoIncrement": 2**60}

    page = await answered(tools, row, page_size=1).pull(None, now=world.shop.clock.now())

    [told] = page.facts
    assert isinstance(told, OrderSeen)
    assert (told.closed, numbers(told.lines[0]), page.more) == (False, (1, 0, 0, 0), True)


async def test_orders_are_found_by_their_numbers(world: ShopwareWorld) -> None:
    first, _, third = [ordered(world) for _ in range(3)]
    numbers = [(await seen(world, order)).reference for order in (first, third)]

    found = await world.adapter.find([*numbers, "999"])  # type: ignore[attr-defined]

    assert [(one.id, one.reference) for one in found] == [(first.id, numbers[0]), (third.id, numbers[1])]
