"""Pickups told back: once, however often it is said, and with no mail that nobody asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import httpx
import pytest

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.client import Tools, Unanswered
from omnisync.demo.shopify.things import Order
from tests.adapters.contract import Wire
from tests.adapters.shopify.rig import LINDEN, LINDEN_PLACE, MARKT_PLACE, ShopifyWorld, open_world

pytestmark = pytest.mark.anyio


def a_pickup(world: ShopifyWorld, quantity: int = 2) -> Order:
    return world.shop.sell([(world.variant(world.targets[0]), quantity)], place=LINDEN, pickup=True)


async def tell(
    world: ShopifyWorld,
    order: Order,
    kind: Literal["ready", "collected", "cancelled", "expired"],
    *,
    quantity: int = 2,
    place: str | None = LINDEN_PLACE,
    notify: bool = False,
) -> Published:
    lines = [(f"gid://shopify/LineItem/{order.lines[0].id}", quantity)]
    news = News(kind, order.gid, order.name, place, lines, f"{kind}-{order.id}", notify_customer=notify)
    [published] = await world.adapter.tell([news])
    return published


async def test_shopify_hears_of_ready_goods_only_when_it_shall_write_to_the_customer(world: ShopifyWorld):
    order = a_pickup(world)

    quiet = await tell(world, order, "ready")
    assert (quiet.outcome, order.fulfillment_orders[0].prepared) == (Outcome.APPLIED, False)

    told = [await tell(world, order, "ready", notify=True) for _ in range(2)]
    assert {one.outcome for one in told} == {Outcome.APPLIED}
    assert order.fulfillment_orders[0].prepared


async def test_a_collected_pickup_is_fulfilled_once(world: ShopifyWorld):
    order = a_pickup(world)

    told = [await tell(world, order, "collected") for _ in range(3)]

    assert {one.outcome for one in told} == {Outcome.APPLIED}
    assert (order.lines[0].fulfilled, len(order.fulfillments)) == (2, 1)


async def test_a_part_that_was_collected_is_not_collected_again_when_told_again(world: ShopifyWorld):
    order = a_pickup(world, 3)

    for so_far in (1, 1, 3, 3):
        await tell(world, order, "collected", quantity=so_far)

    assert [sum(quantity for _, quantity in one.lines) for one in order.fulfillments] == [1, 2]


class LosesFulfilments(Wire):
    """Loses the first answer to a hand-over, after its effect."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loses = b"fulfillmentCreate" in request.content and not self.lost
        self.lost += loses
        self.fault = "answer lost" if loses else None
        return await super().handle_async_request(request)


async def test_a_lost_answer_to_a_hand_over_does_not_fulfil_twice(tools: Tools):
    wire = LosesFulfilments()
    world = open_world(replace(tools, transport=wire))
    wire.inner = world.channel
    order = a_pickup(world, 2)

    with pytest.raises(Unanswered):
        await tell(world, order, "collected", quantity=1)
    again = await tell(world, order, "collected", quantity=1)

    assert again.outcome is Outcome.APPLIED
    assert order.lines[0].fulfilled == 1


async def test_goods_fetched_at_another_place_than_shopify_thinks_need_a_person(world: ShopifyWorld):
    order = a_pickup(world)

    told = [await tell(world, order, kind, place=MARKT_PLACE, notify=True) for kind in ("ready", "collected")]

    assert {one.outcome for one in told} == {Outcome.ATTENTION}
    assert order.lines[0].fulfilled == 0


@pytest.mark.parametrize("kind", ["cancelled", "expired"])
async def test_an_ended_pickup_asks_for_the_refund_until_it_is_made(
    world: ShopifyWorld, kind: Literal["cancelled", "expired"]
):
    order = a_pickup(world)

    before = await tell(world, order, kind)
    world.shop.cancel(order)
    after = await tell(world, order, kind)

    assert (before.outcome, after.outcome) == (Outcome.ATTENTION, Outcome.APPLIED)
    assert "refund" in before.action


async def test_an_unknown_order_needs_a_person(world: ShopifyWorld):
    order = a_pickup(world)
    world.shop.orders.clear()

    assert (await tell(world, order, "collected")).outcome is Outcome.ATTENTION
