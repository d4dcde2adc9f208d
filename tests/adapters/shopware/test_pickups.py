"""Pickups reported back as transitions of the order's delivery."""

from __future__ import annotations

from typing import Literal

import pytest

from omnisync.adapters.base import News, Outcome
from omnisync.adapters.client import Tools
from omnisync.demo.shopware.things import Order
from tests.adapters.shopware.rig import PICKUP, ShopwareWorld, open_world

pytestmark = pytest.mark.anyio
Kind = Literal["ready", "collected", "cancelled", "expired"]


@pytest.fixture
def world(tools: Tools) -> ShopwareWorld:
    return open_world(tools)


def waiting(world: ShopwareWorld, *, paid: bool = True, payment: str = "payment_prepayment") -> Order:
    """Two lamps and a shirt, to be fetched."""
    lines = [(world.shop.by_sku("LAMP"), 2), (world.shop.by_sku("SHIRT-M"), 1)]
    return world.shop.place(lines, method=PICKUP, paid=paid, payment=payment)


def news(order: Order, kind: Kind, *pieces: int, notify: bool = False) -> News:
    """So many of each line so far; all of them unless said."""
    wanted = pieces or tuple(line.quantity for line in order.lines)
    lines = [(line.id, n) for line, n in zip(order.lines, wanted, strict=True) if n]
    return News(kind, order.id, order.reference, None, lines, f"tag-{kind}", notify_customer=notify)


async def told(world: ShopwareWorld, *items: News) -> list[Outcome]:
    return [one.outcome for one in await world.adapter.tell(items)]


async def test_ready_is_an_order_in_progress_told_to_the_buyer_only_where_the_shop_shall_write(world: ShopwareWorld):
    quiet, loud = waiting(world), waiting(world)

    outcomes = await told(world, *[news(quiet, "ready")] * 2, *[news(loud, "ready", notify=True)] * 2)

    assert (outcomes, quiet.state, loud.state) == ([Outcome.APPLIED] * 4, "in_progress", "in_progress")
    assert (quiet.mails, loud.mails) == ([], ["order.in_progress"])


async def test_ready_is_a_state_of_the_delivery_where_a_plugin_has_one(tools: Tools):
    world = open_world(tools, settings={"ready_transition": "ship_partially"})  # as good as any, to a shop
    order = waiting(world)

    outcomes = await told(world, news(order, "ready"), news(order, "ready"))

    assert (outcomes, order.deliveries[0].state, order.state) == ([Outcome.APPLIED] * 2, "shipped_partially", "open")


async def test_a_transition_that_the_shop_does_not_have_is_said(tools: Tools):
    world = open_world(tools, settings={"ready_transition": "lay_ready"})

    [published] = await world.adapter.tell([news(waiting(world), "ready")])

    assert published.outcome is Outcome.ATTENTION
    assert "lay_ready" in published.reason


async def test_a_delivery_is_shipped_when_all_of_it_was_fetched_and_in_part_before(world: ShopwareWorld):
    order = waiting(world)
    states = []
    for pieces in ((1, 0), (1, 1), (2, 1), (2, 1)):
        assert await told(world, news(order, "collected", *pieces)) == [Outcome.APPLIED]
        states.append(order.deliveries[0].state)

    assert states == ["shipped_partially", "shipped_partially", "shipped", "shipped"]


@pytest.mark.parametrize("kind", ["cancelled", "expired"])
async def test_an_end_cancels_what_nobody_paid_and_leaves_money_to_a_person(world: ShopwareWorld, kind: Kind):
    unpaid, paid = waiting(world, paid=False), waiting(world)
    at_the_desk = waiting(world, paid=False, payment="payment_cashpayment")

    outcomes = await told(world, news(unpaid, kind), news(unpaid, kind), news(at_the_desk, kind), news(paid, kind))
    world.shop.transition("order", paid.id, "cancel")

    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.APPLIED, Outcome.ATTENTION]
    assert await told(world, news(paid, kind)) == [Outcome.APPLIED]
    assert ([one.state for one in (unpaid, at_the_desk)], world.shop.by_sku("LAMP").stock) == (["cancelled"] * 2, 12)


async def test_what_ended_otherwise_in_the_shop_is_said(world: ShopwareWorld):
    cancelled, half = waiting(world), waiting(world)
    world.shop.transition("order", cancelled.id, "cancel")
    world.shop.transition("order_delivery", half.deliveries[0].id, "cancel")

    collected = await told(world, news(cancelled, "collected"), news(half, "collected"))
    ready = await told(world, news(cancelled, "ready", notify=True), news(half, "ready"))
    del world.shop.orders[half.id]

    assert (collected, ready) == ([Outcome.ATTENTION] * 2, [Outcome.APPLIED] * 2)
    assert await told(world, news(half, "ready")) == [Outcome.ATTENTION]
    assert cancelled.mails == ["order.cancelled"]
