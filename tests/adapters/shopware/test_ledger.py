"""A day with the shop: what it tells reaches the ledger once, and what the ledger says stands in the shop."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.shopware.shop import Shop
from omnisync.demo.shopware.things import Order, Product
from omnisync.orders.tables import ChannelOrder
from omnisync.settings import ServerSettings
from omnisync.stock.tables import Movement
from omnisync.sync import inbox, subscribing
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import InboxMessage
from omnisync.worker import Worker
from tests.adapters.shopware.rig import PUBLIC, ShopwareWorld, as_hook, open_world
from tests.sync.conftest import Play, play
from tests.sync.house import House, settings_for, shop

__all__ = ["play"]
NAME = "contract"


class Day:
    """A ledger with the shop connected to it; `written` are the numbers that went to the lamp."""

    def __init__(self, engine: Engine, clock: StoppedClock, ids: Ids, play: Play) -> None:
        self.world: ShopwareWorld = open_world(Tools(clock, ids, random.Random(7)))
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

    def order(self, quantity: int, **wish: Any) -> Order:
        return self.shop.place([(self.shop.by_sku("LAMP"), quantity)], **wish)

    def ship(self, order: Order, action: str = "ship") -> None:
        self.shop.transition("order_delivery", order.deliveries[0].id, action)

    def settle(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            self._play(self.house.worker.tick(NAME))
            self.clock.advance(seconds=31)

    def deliver(self) -> None:
        """The webhooks that the shop has sent reach us, and are read."""
        channel = self.house.channel(NAME)
        for webhook in self.world.sent:
            self._play(inbox.receive(self.house.context, channel, as_hook(webhook)))
        self.world.sent.clear()

    def look_after(self) -> bool:
        return bool(self._play(subscribing.look_after(self.house.context, self.house.channel(NAME))))

    def numbers(self) -> tuple[tuple[int, int], int, int]:
        """(on hand, reserved), what the shop shows, and what is thought to be sold there without an order."""
        return self.house.level("LAMP"), self.shop.by_sku("LAMP").stock, self.house.state(NAME, "LAMP").provisional

    def _listen(self, shop: Shop) -> None:
        write = shop.write_product

        def listened(product: Product, wish: Any) -> None:
            if product.sku == "LAMP" and "stock" in wish:
                self.written.append(wish["stock"])
            write(product, wish)

        shop.write_product = listened  # type: ignore[method-assign]


@pytest.fixture
def day(engine: Engine, clock: StoppedClock, ids: Ids, play: Play) -> Day:
    return Day(engine, clock, ids, play)


def test_a_sale_its_shipment_and_its_return_are_booked_once_however_they_are_told(day: Day) -> None:
    assert (day.numbers(), day.written) == (((5, 0), 5, 0), [5])
    order = day.order(2)
    day.world.sent *= 2
    day.deliver()
    day.settle()
    assert (day.numbers(), day.written) == (((5, 2), 3, 0), [5])

    day.ship(order)
    day.settle()
    assert day.numbers() == ((3, 0), 3, 0)

    day.ship(order, "retour")
    day.deliver()
    day.settle()
    assert day.numbers() == ((5, 0), 5, 0)
    assert [row.on_hand for row in day.house.rows(Movement, kind="returned")] == [2]
    resources = [row.resource for row in day.house.rows(InboxMessage, topic="order.written")]
    assert resources == [order.id]


def test_a_cancellation_gives_back_what_was_not_sent_and_the_shops_own_number_is_put_right_where_it_was(
    day: Day,
) -> None:
    free, sent = day.order(1), day.order(2)
    day.ship(sent)
    day.settle()
    assert day.numbers() == ((3, 1), 2, 0)

    day.shop.transition("order", free.id, "cancel")
    day.settle()
    assert (day.numbers(), day.written) == (((3, 0), 3, 0), [5])

    day.shop.transition("order", sent.id, "cancel")  # the shop believes that its goods are back
    assert day.shop.by_sku("LAMP").stock == 5
    day.settle()
    assert (day.numbers(), day.written) == (((3, 0), 3, 0), [5, 3])


def test_an_order_that_the_owner_changes_keeps_what_it_still_wants(day: Day) -> None:
    order = day.order(3)
    day.settle()

    day.shop.edit_line(order, order.lines[0], 1)
    day.settle()

    assert (day.numbers(), day.written) == (((5, 1), 4, 0), [5])


def test_what_nobody_pays_is_given_back_and_cancelled_there_and_an_invoice_is_not(day: Day) -> None:
    order = day.order(2, paid=False)
    invoice = day.order(1, paid=False, payment="payment_invoicepayment")
    day.settle()
    assert day.numbers() == ((5, 3), 2, 0)

    day.clock.advance(days=3)
    day.settle(4)

    assert (order.state, invoice.state) == ("cancelled", "open")
    assert day.numbers() == ((5, 1), 4, 0)


def test_webhooks_that_the_shop_switched_off_are_switched_on_and_what_they_missed_is_read(day: Day) -> None:
    assert not day.look_after()
    for hook in day.shop.app.hooks.values():
        hook.active = False
    day.world.sent.clear()
    for _ in range(4):
        day.order(1)
    assert day.world.sent == []

    assert day.look_after()
    assert not day.look_after()
    day.settle()

    assert all(hook.active for hook in day.shop.app.hooks.values())
    assert len(day.house.rows(ChannelOrder)) == 4
