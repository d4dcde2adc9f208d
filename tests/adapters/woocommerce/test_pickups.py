"""Pickups reported back to a shop that knows no pickup desk."""

from __future__ import annotations

from typing import Literal

import pytest

from omnisync.adapters.base import News, Outcome
from omnisync.adapters.client import Tools
from omnisync.demo.woocommerce.things import Order
from tests.adapters.woocommerce.rig import WooWorld, open_world

pytestmark = pytest.mark.anyio
Kind = Literal["ready", "collected", "cancelled", "expired"]


@pytest.fixture
def world(tools: Tools) -> WooWorld:
    return open_world(tools)


def waiting(world: WooWorld, status: str = "processing") -> Order:
    """Two lamps and a shirt, to be fetched."""
    lines = [(world.shop.by_sku("LAMP"), 2), (world.shop.by_sku("SHIRT-M"), 1)]
    return world.shop.place(lines, status=status, pickup="Filiale Lindenstraße")


def news(order: Order, kind: Kind, *pieces: int, notify: bool = False) -> News:
    """So many of each line so far; all of them unless said."""
    wanted = pieces or tuple(line.quantity for line in order.lines)
    lines = [(str(line.id), n) for line, n in zip(order.lines, wanted, strict=True)]
    return News(kind, str(order.id), order.number, None, lines, f"tag-{kind}", notify_customer=notify)


async def told(world: WooWorld, *items: News) -> list[Outcome]:
    return [one.outcome for one in await world.adapter.tell(items)]


async def test_ready_is_a_note_to_the_buyer_once_and_only_where_the_shop_shall_write(world: WooWorld):
    order = waiting(world)

    outcomes = await told(world, news(order, "ready"))
    assert order.notes == []
    outcomes += await told(world, news(order, "ready", notify=True), news(order, "ready", notify=True))

    assert outcomes == [Outcome.APPLIED] * 3
    assert [(note["note"], note["customer_note"]) for note in order.notes] == [
        ("Your order is ready for pickup.", True)
    ]


async def test_ready_is_a_status_where_a_plugin_has_one(tools: Tools):
    world = open_world(tools, settings={"ready_status": "on-hold"})  # as good as any, to a shop
    order = waiting(world)

    outcomes = await told(world, news(order, "ready", notify=True), news(order, "ready", notify=True))

    assert (outcomes, order.status, order.notes) == ([Outcome.APPLIED] * 2, "on-hold", [])


async def test_a_status_that_the_shop_does_not_have_is_said(tools: Tools):
    world = open_world(tools, settings={"ready_status": "abholbereit"})

    [published] = await world.adapter.tell([news(waiting(world), "ready")])

    assert published.outcome is Outcome.ATTENTION
    assert "status" in published.reason


async def test_an_order_is_completed_when_all_of_it_was_fetched_and_not_before(world: WooWorld):
    order = waiting(world)

    [part] = await world.adapter.tell([news(order, "collected", 1, 1)])
    unfinished = order.status
    rest = await told(world, news(order, "collected"), news(order, "collected"))

    assert (part.outcome, unfinished) == (Outcome.ATTENTION, "processing")
    assert "1 pieces were not" in part.reason
    assert (rest, order.status) == ([Outcome.APPLIED] * 2, "completed")


async def test_what_was_refunded_need_not_be_fetched(world: WooWorld):
    order = waiting(world)
    world.shop.refund(order, {order.lines[0].id: 1}, restock=True)

    assert await told(world, news(order, "collected", 1, 1)) == [Outcome.APPLIED]
    assert order.status == "completed"


@pytest.mark.parametrize("kind", ["cancelled", "expired"])
async def test_an_end_cancels_what_nobody_paid_and_leaves_money_to_a_person(world: WooWorld, kind: Kind):
    unpaid, paid = waiting(world, "on-hold"), waiting(world)

    outcomes = await told(world, news(unpaid, kind), news(unpaid, kind), news(paid, kind))
    world.shop.set_status(paid, "cancelled")

    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.ATTENTION]
    assert await told(world, news(paid, kind)) == [Outcome.APPLIED]
    assert (unpaid.status, world.shop.by_sku("LAMP").stock) == ("cancelled", 12)


async def test_what_ended_otherwise_in_the_shop_is_said(world: WooWorld):
    order = waiting(world)
    world.shop.set_status(order, "cancelled")

    collected = await told(world, news(order, "collected"))
    ready = await told(world, news(order, "ready", notify=True))
    del world.shop.orders[order.id]

    assert (collected, ready) == ([Outcome.ATTENTION], [Outcome.APPLIED])
    assert await told(world, news(order, "ready")) == [Outcome.ATTENTION]
