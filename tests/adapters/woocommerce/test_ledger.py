"""A day with the shop: what it tells reaches the ledger once, and what the ledger says stands in the shop."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.woocommerce.shop import Shop
from omnisync.orders.tables import ChannelOrder
from omnisync.settings import ServerSettings
from omnisync.stock.tables import Movement
from omnisync.sync import inbox, subscribing
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import InboxMessage
from omnisync.worker import Worker
from tests.adapters.woocommerce.rig import PUBLIC, WooWorld, as_hook, open_world
from tests.sync.conftest import Play, play
from tests.sync.house import House, settings_for, shop

__all__ = ["play"]
NAME = "contract"


class Day:
    """A ledger with the shop connected to it; `written` are the numbers that went to the lamp."""

    def __init__(
        self, engine: Engine, clock: StoppedClock, ids: Ids, play: Play, before: Callable[[Shop], None] | None = None
    ) -> None:
        self.world: WooWorld = open_world(Tools(clock, ids, random.Random(7)))
        if before is not None:
            before(self.world.shop)
        self.clock, self._play = clock, play
        channel = shop(NAME, policy={"unpaid_days": 3, "returns": "sellable"})
        settings = settings_for(channel).model_copy(update={"server": ServerSettings(public_url=PUBLIC)})
        context = Context(Inline(engine), settings, clock, ids, {NAME: self.world.adapter})
        self.house = House(engine, clock, ids, context, {}, Worker(context, owner="test"))
        self.written: list[int] = []
        self._listen(self.shop)
        self.house.article("LAMP", "SHIRT-S", "SHIRT-M")
        self.house.stock("LAMP", 5)
        self.settle()

    @property
    def shop(self) -> Shop:
        return self.world.shop

    def order(self, quantity: int, status: str) -> Any:
        return self.shop.place([(self.shop.by_sku("LAMP"), quantity)], status=status)

    def settle(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            self._play(self.house.worker.tick(NAME))
            self.clock.advance(seconds=31)

    def deliver(self, *topics: str) -> None:
        """The webhooks of these topics that the shop has sent reach us, and are read."""
        channel = self.house.channel(NAME)
        for webhook in [one for one in self.world.sent if one.headers.get("x-wc-webhook-topic") in topics]:
            self._play(inbox.receive(self.house.context, channel, as_hook(webhook)))
        self.world.sent.clear()

    def look_after(self) -> bool:
        return bool(self._play(subscribing.look_after(self.house.context, self.house.channel(NAME))))

    def numbers(self) -> tuple[tuple[int, int], int, int]:
        """(on hand, reserved), what the shop shows, and what is thought to be sold there without an order."""
        return self.house.level("LAMP"), self.shop.by_sku("LAMP").stock, self.house.state(NAME, "LAMP").provisional

    def _listen(self, shop: Shop) -> None:
        change = shop.change_product

        def listened(product: Any, wish: Any) -> None:
            if product.sku == "LAMP" and "stock_quantity" in wish:
                self.written.append(wish["stock_quantity"])
            change(product, wish)

        shop.change_product = listened  # type: ignore[method-assign]


@pytest.fixture
def day(engine: Engine, clock: StoppedClock, ids: Ids, play: Play) -> Day:
    return Day(engine, clock, ids, play)


def test_a_sale_in_the_shop_lowers_both_once_and_is_not_written_again(day: Day) -> None:
    assert (day.numbers(), day.written) == (((5, 0), 5, 0), [5])

    day.order(2, "processing")
    day.settle()

    assert (day.numbers(), day.written) == (((5, 2), 3, 0), [5])


def test_an_order_that_waits_for_its_payment_is_taken_off_the_shops_number_by_us_and_paid_by_itself(day: Day) -> None:
    order = day.order(2, "pending")
    assert day.shop.by_sku("LAMP").stock == 5  # WooCommerce lowers nothing before it is paid
    day.settle()
    assert (day.numbers(), day.written) == (((5, 2), 3, 0), [5, 3])

    day.shop.set_status(order, "processing")
    assert day.shop.by_sku("LAMP").stock == 1
    day.settle()
    assert (day.numbers(), day.written) == (((5, 2), 3, 0), [5, 3, 3])

    day.shop.set_status(order, "completed")
    day.settle()
    assert day.numbers() == ((3, 0), 3, 0)


def test_an_order_of_before_the_first_reading_lowers_the_shop_when_it_is_paid(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play
) -> None:
    def place(shop: Shop) -> None:
        shop.place([(shop.by_sku("LAMP"), 2)], status="pending")
        clock.advance(minutes=5)

    day = Day(engine, clock, ids, play, before=place)
    assert day.numbers() == ((5, 2), 3, 0)

    [order] = day.shop.orders.values()
    day.shop.set_status(order, "processing")
    day.settle()

    assert day.numbers() == ((5, 2), 3, 0)


def test_a_level_that_falls_before_its_order_is_seen_and_the_order_end_the_same(day: Day) -> None:
    day.order(2, "processing")
    day.deliver("product.updated")
    day.settle(1)
    day.settle()

    assert (day.numbers(), day.written) == (((5, 2), 3, 0), [5])


def test_what_nobody_pays_is_given_back_after_its_days_and_cancelled_in_the_shop(day: Day) -> None:
    order = day.order(2, "on-hold")
    day.settle()
    assert day.numbers() == ((5, 2), 3, 0)

    day.clock.advance(days=3)
    day.settle(4)

    assert order.status == "cancelled"
    assert day.numbers() == ((5, 0), 5, 0)


def test_a_return_is_booked_once_whatever_the_shop_does_with_its_order_afterwards(day: Day) -> None:
    order = day.order(2, "processing")
    day.shop.set_status(order, "completed")
    day.settle()
    day.shop.refund(order, {order.lines[0].id: 1}, restock=True)
    day.settle()
    assert day.numbers() == ((4, 0), 4, 0)

    day.shop.set_status(order, "cancelled")  # WooCommerce puts the other one back as well
    day.settle()
    day.shop.set_status(order, "cancelled")
    day.settle()

    assert day.numbers() == ((5, 0), 5, 0)
    assert [row.on_hand for row in day.house.rows(Movement, kind="returned")] == [1, 1]


def test_webhooks_that_the_shop_switched_off_are_switched_on_and_what_they_missed_is_read(day: Day, play: Play) -> None:
    async def nobody(webhook: Any) -> bool:
        return False

    counted = day.shop.webhooks.counting(nobody)
    for _ in range(6):
        day.order(1, "pending")
    for webhook in [one for one in day.world.sent if one.headers.get("x-wc-webhook-topic") == "order.created"]:
        play(counted(webhook))
    hooks = {hook.topic: hook for hook in day.shop.webhooks.hooks.values()}
    assert hooks["order.created"].status == "disabled"

    assert day.look_after()
    assert not day.look_after()
    day.settle()

    assert hooks["order.created"].status == "active"
    assert len(day.house.rows(ChannelOrder)) == 6


def test_the_same_second_under_one_delivery_id_is_two_messages_and_a_message_told_twice_is_one(day: Day) -> None:
    first, second = day.order(1, "processing"), day.order(1, "processing")
    told = [one for one in day.world.sent if one.headers.get("x-wc-webhook-topic") == "order.created"]
    assert told[0].headers["x-wc-webhook-delivery-id"] == told[1].headers["x-wc-webhook-delivery-id"]

    day.world.sent.extend(told)
    day.deliver("order.created")
    resources = [row.resource for row in day.house.rows(InboxMessage)]
    assert sorted(resources) == [str(first.id), str(second.id)]
