"""Orders in: WooCommerce's statuses, refunds and pages in our words."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from omnisync.adapters.base import Fact, OrderLine, OrderSeen, Unreadable
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.woocommerce import views
from omnisync.demo.woocommerce.things import Order
from omnisync.errors import NeedsAttention
from omnisync.values import Money
from tests.adapters.woocommerce.rig import WooWorld, an_adapter, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tools: Tools) -> WooWorld:
    return open_world(tools)


async def pulled(world: WooWorld, cursor: str | None = None) -> tuple[list[Fact], str | None]:
    """Everything from a cursor on."""
    facts: list[Fact] = []
    more = True
    while more:
        page = await world.adapter.pull(cursor, now=world.shop.clock.now())
        facts += page.facts
        cursor, more = page.cursor, page.more
    return facts, cursor


async def seen(world: WooWorld, order: Order) -> OrderSeen:
    """That order as a poll tells it now."""
    facts, _ = await pulled(world)
    found = {fact.id: fact for fact in facts if isinstance(fact, OrderSeen)}
    return found[str(order.id)]


def ordered(world: WooWorld, quantity: int = 3, status: str = "processing") -> Order:
    return world.shop.place([(world.shop.by_sku("LAMP"), quantity)], status=status)


def numbers(line: OrderLine) -> tuple[int, int, int, int]:
    """(ordered, cancelled, shipped, restocked)"""
    return line.quantity, line.cancelled, line.shipped, sum(one.quantity for one in line.restocks)


@pytest.mark.parametrize(
    ("status", "paid", "lowered", "closed", "expected"),
    [
        ("pending", False, False, False, (3, 0, 0, 0)),
        ("on-hold", False, True, False, (3, 0, 0, 0)),
        ("processing", True, True, False, (3, 0, 0, 0)),
        ("completed", True, True, True, (3, 0, 3, 0)),
        ("cancelled", False, False, True, (3, 3, 0, 0)),
        ("failed", False, False, True, (3, 3, 0, 0)),
    ],
)
async def test_a_status_says_what_is_paid_taken_sent_and_over(
    world: WooWorld, status: str, paid: bool, lowered: bool, closed: bool, expected: tuple[int, int, int, int]
):
    order = ordered(world, status="pending")
    world.shop.set_status(order, status)

    told = await seen(world, order)

    assert (told.paid, told.lowered, told.closed, numbers(told.lines[0])) == (paid, lowered, closed, expected)
    assert told.lowered == (world.shop.by_sku("LAMP").stock == 9)


async def test_a_plugins_status_means_what_the_settings_say_and_else_that_it_is_to_be_sent(tools: Tools):
    world = open_world(tools, settings={"shipped_statuses": ["versendet"], "cancelled_statuses": ["storno"]})
    orders = [ordered(world, 1) for _ in range(3)]
    for order, status in zip(orders, ("versendet", "storno", "in-packing"), strict=True):
        world.shop.set_status(order, status)

    told = [numbers((await seen(world, order)).lines[0]) for order in orders]

    assert told == [(1, 0, 1, 0), (1, 1, 0, 0), (1, 0, 0, 0)]


async def test_baskets_in_the_checkout_are_no_orders(world: WooWorld):
    draft = ordered(world, status="checkout-draft")

    facts, _ = await pulled(world)

    assert facts == []
    assert draft.status == "checkout-draft"


async def test_an_order_is_told_with_its_buyer_its_money_and_its_article(world: WooWorld):
    shirt = world.shop.by_sku("SHIRT-M")
    order = world.shop.place([(shirt, 2)], number="R-2026-7")

    told = await seen(world, order)

    [line] = told.lines
    assert (told.reference, told.currency, told.totals["total"]) == ("R-2026-7", "EUR", "59.80")
    assert (line.article.external_id, line.article.sku) == (f"{shirt.parent_id}:{shirt.id}", "SHIRT-M")
    assert line.unit_price == Money(2990, "EUR")  # with tax, although WooCommerce keeps both apart
    assert told.customer is not None
    assert (told.customer.name, told.customer.email) == ("Erika Muster", "erika@example.org")
    assert told.placed_at == world.shop.clock.now().replace(microsecond=0)


async def test_what_is_refunded_before_it_was_sent_is_cancelled_and_what_after_came_back_only_where_it_was_restocked(
    world: WooWorld, clock: StoppedClock
):
    order = ordered(world, 5)
    [line] = order.lines
    world.shop.refund(order, {line.id: 1}, restock=True)
    clock.advance(minutes=1)
    before = numbers((await seen(world, order)).lines[0])
    world.shop.set_status(order, "completed")
    clock.advance(minutes=1)
    world.shop.refund(order, {line.id: 1}, restock=False)
    kept = numbers((await seen(world, order)).lines[0])
    world.shop.refund(order, {line.id: 2}, restock=True)
    back = (await seen(world, order)).lines[0]

    assert (before, kept, numbers(back)) == ((5, 1, 0, 0), (5, 1, 4, 0), (5, 1, 4, 2))
    assert [one.id for one in back.restocks] == ["piece-1", "piece-2"]
    assert world.shop.by_sku("LAMP").stock == 12 - 5 + 3


async def test_a_refund_of_money_moves_no_piece(world: WooWorld):
    order = ordered(world)
    world.shop.give_back(order, Money(500, "EUR"), {}, restock=True)

    told = await seen(world, order)

    assert numbers(told.lines[0]) == (3, 0, 0, 0)
    assert not told.closed


async def test_an_order_refunded_whole_ends_what_was_not_sent_and_brings_nothing_back_by_itself(
    world: WooWorld, clock: StoppedClock
):
    waiting, sent = ordered(world, 2), ordered(world, 2)
    world.shop.set_status(sent, "completed")
    clock.advance(minutes=1)
    for order in (waiting, sent):
        total = sum(line.total.minor + line.tax.minor for line in order.lines)
        world.shop.give_back(order, Money(total, "EUR"), {}, restock=True)

    told = [await seen(world, order) for order in (waiting, sent)]

    assert [numbers(one.lines[0]) for one in told] == [(2, 2, 0, 0), (2, 0, 2, 0)]
    assert all(one.closed for one in told)


async def test_a_sent_order_that_is_refunded_with_restock_and_then_cancelled_comes_back_once(
    world: WooWorld, clock: StoppedClock
):
    order = ordered(world, 2)
    world.shop.set_status(order, "completed")
    clock.advance(minutes=1)
    world.shop.refund(order, {order.lines[0].id: 1}, restock=True)
    refunded = (await seen(world, order)).lines[0]

    world.shop.set_status(order, "cancelled")
    cancelled = (await seen(world, order)).lines[0]

    assert [one.id for one in refunded.restocks] == ["piece-1"]
    assert [one.id for one in cancelled.restocks] == ["piece-1", "piece-2"]
    assert numbers(cancelled) == (2, 0, 2, 2)
    assert world.shop.by_sku("LAMP").stock == 12


@pytest.mark.parametrize(
    ("pickup", "method", "place"),
    [
        ("Filiale Lindenstraße", None, "Filiale Lindenstraße"),
        (None, "local_pickup", "local_pickup:7"),
        ("Pop-up im Bahnhof", None, "Pop-up im Bahnhof"),
    ],
    ids=["a pickup location", "the method's instance", "one that the map does not know"],
)
async def test_a_pickup_is_known_by_its_shipping_method(
    world: WooWorld, pickup: str | None, method: str | None, place: str
):
    lamp = world.shop.by_sku("LAMP")
    fetched = world.shop.place([(lamp, 1)], pickup=pickup, method=method)
    sent = world.shop.place([(lamp, 1)], method="flat_rate")

    told, other = await seen(world, fetched), await seen(world, sent)

    assert (told.pickup, told.lines[0].place) == (True, place)
    assert (other.pickup, other.lines[0].place) == (False, None)


async def test_an_order_that_changes_while_pages_are_read_hides_no_other(world: WooWorld, clock: StoppedClock):
    orders = [ordered(world, 1) for _ in range(7)]
    first = await world.adapter.pull(None, now=clock.now())
    clock.advance(seconds=30)
    world.shop.set_status(orders[0], "completed")  # moves to the end: counted pages would skip the third

    rest, _ = await pulled(world, first.cursor)

    told = {fact.id for fact in (*first.facts, *rest) if isinstance(fact, OrderSeen)}
    assert told == {str(order.id) for order in orders}


async def test_times_are_gmt_whatever_the_clock_on_the_wall_of_the_shop_says(world: WooWorld, clock: StoppedClock):
    ordered(world, 1)
    _, cursor = await pulled(world)
    clock.advance(minutes=30)  # less than Berlin is ahead of Greenwich
    late = ordered(world, 1)

    _, cursor = await pulled(world, cursor)
    again, _ = await pulled(world, cursor)

    assert [fact.id for fact in again if isinstance(fact, OrderSeen)] == [str(late.id)]


async def test_an_order_that_was_written_late_is_still_found_and_the_overlap_does_not_grow(
    world: WooWorld, clock: StoppedClock
):
    order = ordered(world, 1)
    _, cursor = await pulled(world)
    late = ordered(world, 1)
    late.modified = order.modified.replace(microsecond=0)
    late.created = late.modified
    clock.advance(seconds=1)

    found, cursor = await pulled(world, cursor)
    del world.shop.orders[order.id], world.shop.orders[late.id]
    for _ in range(3):
        nothing, last = await pulled(world, cursor)
        assert (nothing, last) == ([], cursor)

    assert str(late.id) in {fact.id for fact in found if isinstance(fact, OrderSeen)}


async def test_the_first_pass_begins_ninety_days_ago_or_where_the_settings_say(tools: Tools, clock: StoppedClock):
    old = open_world(tools)
    ordered(old, 1)
    clock.advance(days=120)
    since = (clock.now().replace(year=clock.now().year - 1)).isoformat()
    told = an_adapter(Tools(tools.clock, tools.ids, tools.chance, old.channel), start_at=since)

    by_default = await old.adapter.pull(None, now=clock.now())
    as_set = await told.pull(None, now=clock.now())

    assert (len(by_default.facts), len(as_set.facts)) == (0, 1)
    assert told.can.since is not None


@pytest.mark.parametrize("cursor", ["rubbish", "AA", "MjAyNi0xMC0wMQ"])
async def test_a_cursor_that_is_not_ours_asks_for_a_person(world: WooWorld, cursor: str):
    with pytest.raises(NeedsAttention) as raised:
        await world.adapter.pull(cursor, now=world.shop.clock.now())

    assert "Reset" in raised.value.action


@pytest.mark.parametrize(
    "broken",
    [{"date_modified_gmt": None}, {"line_items": [{"id": 1, "quantity": "1.5", "name": "Stoff"}]}, {"currency": "€"}],
    ids=["no time", "a fraction", "no currency"],
)
async def test_one_order_that_cannot_be_understood_waits_alone(
    world: WooWorld, tools: Tools, broken: dict[str, object]
):
    whole, other = (views.order(ordered(world, 1), "EUR") for _ in range(2))
    orders: Sequence[object] = [whole, {**other, "date_modified_gmt": whole["date_modified_gmt"], **broken}]
    line = httpx.MockTransport(lambda request: httpx.Response(200, json=orders))
    adapter = an_adapter(Tools(tools.clock, tools.ids, tools.chance, line), page_size=50)

    page = await adapter.pull(None, now=world.shop.clock.now())

    assert [type(fact) for fact in page.facts] == [OrderSeen, Unreadable]
    assert isinstance(page.facts[1], Unreadable)
    assert page.facts[1].key == f"order:{other['id']}"


async def test_fields_and_values_that_nobody_knows_are_passed_over(world: WooWorld, tools: Tools):
    order = views.order(ordered(world, 1), "EUR")
    order["line_items"][0]["meta_data"].append({"id": 5, "key": "_gift", "value": {"wrap": ["red"]}})
    order |= {"status": "frozen-by-plugin", "date_paid_gmt": None, "tip": {"amount": 3}, "id": 2**60}
    line = httpx.MockTransport(lambda request: httpx.Response(200, json=[order]))
    adapter = an_adapter(Tools(tools.clock, tools.ids, tools.chance, line))

    page = await adapter.pull(None, now=world.shop.clock.now())

    [told] = page.facts
    assert isinstance(told, OrderSeen)
    assert (told.id, numbers(told.lines[0])) == (str(2**60), (1, 0, 0, 0))


async def test_an_order_in_the_bin_is_heard_of_without_a_webhook_and_comes_back_with_its_pieces(
    world: WooWorld, clock: StoppedClock
):
    orders = [ordered(world, 2) for _ in range(3)]
    _, cursor = await pulled(world)
    clock.advance(minutes=10)

    for order in orders:
        world.shop.trash(order)
    binned, cursor = await pulled(world, cursor)
    nothing, cursor = await pulled(world, cursor)
    clock.advance(minutes=10)
    world.shop.set_status(orders[0], "processing")
    back, _ = await pulled(world, cursor)

    ended = [fact for fact in binned if isinstance(fact, OrderSeen) and fact.closed]
    assert {fact.id for fact in ended} == {str(order.id) for order in orders}
    assert {line.cancelled for fact in ended for line in fact.lines} == {2}
    assert [fact for fact in nothing if isinstance(fact, OrderSeen) and fact.closed] == []
    [again] = [fact for fact in back if isinstance(fact, OrderSeen)]
    assert (again.id, again.closed, again.lines[0].cancelled) == (str(orders[0].id), False, 0)
