"""A day with Amazon: what it tells reaches the ledger once, and what the ledger says stands on Amazon in the end."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.amazon import make
from omnisync.adapters.client import Tools
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.amazon.seed import Listed
from omnisync.demo.amazon.things import Order
from omnisync.settings import LocationSettings, ServerSettings
from omnisync.sync import subscribing
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import Sent
from omnisync.values import Money
from omnisync.worker import Worker
from tests.adapters.amazon.rig import BASE, SEED, AmazonWorld
from tests.sync.conftest import Play, play
from tests.sync.house import House, settings_for, shop

__all__ = ["play"]
NAME, FBA = "contract", "amazon-fba"
LAMP = "LAMP-RED"


class Day:
    """A ledger with an account connected to it, and what of it lies at Amazon as a second channel."""

    def __init__(self, engine: Engine, clock: StoppedClock, ids: Ids, play: Play, **seed: Any) -> None:
        self.clock, self._play = clock, play
        listings = [*SEED.listings, Listed(sku="CUP", quantity=40, by_amazon=True)]
        self.tools = Tools(clock, ids, random.Random(7))
        self.world = AmazonWorld(
            self.tools, SEED.model_copy(update={"listings": listings, "apply_seconds": 20, **seed})
        )
        tools = Tools(clock, ids, random.Random(7), self.world.channel)
        wanted = self.world.simulation.settings(BASE)
        ours = make(NAME, wanted, {}, "", tools)
        theirs = make(FBA, {**wanted, "warehouse": "amazon"}, {}, "", tools)
        channels = (
            shop(NAME, policy={"unpaid_days": 3}),
            shop(FBA, locations=["fba"], location_map={"AMAZON": "fba"}),
        )
        settings = settings_for(*channels).model_copy(update={"server": ServerSettings(public_url="http://shop.lan")})
        settings.locations.append(LocationSettings(code="fba", name="Amazon", kind="warehouse", stock_owner=FBA))
        context = Context(Inline(engine), settings, clock, ids, {NAME: ours, FBA: theirs})
        self.house = House(engine, clock, ids, context, {}, Worker(context, owner="test"))
        self.house.article(*(one.sku for one in listings))
        self.house.stock(LAMP, 5)
        self.settle()

    def settle(self, rounds: int = 4, *, seconds: float = 31) -> None:
        for _ in range(rounds):
            for name in (NAME, FBA):
                self._play(self.house.worker.tick(name))
            self.clock.advance(seconds=seconds)

    def order(self, quantity: int, sku: str = LAMP, **wish: Any) -> Order:
        return self.world.seller.order([(sku, quantity)], **wish)

    def numbers(self) -> tuple[tuple[int, int], int, int]:
        """(on hand, reserved), what Amazon shows, and what is thought to be sold there without an order."""
        shows = self.world.seller.offers[LAMP].quantity
        return self.house.level(LAMP), shows, self.house.state(NAME, LAMP).provisional


@pytest.fixture
def day(engine: Engine, clock: StoppedClock, ids: Ids, play: Play) -> Day:
    return Day(engine, clock, ids, play)


def test_a_purchase_is_a_promise_until_it_is_sent_and_amazon_shows_what_is_left(day: Day):
    first = day.numbers()
    order = day.order(2)
    day.settle()
    promised = day.numbers()
    day.world.seller.ship(order, {order.lines[0].id: 1})
    day.settle()
    part = day.numbers()
    day.world.seller.ship(order)
    day.settle()

    assert [first, promised, part, day.numbers()] == [
        ((5, 0), 5, 0), ((5, 2), 3, 0), ((4, 1), 3, 0), ((3, 0), 3, 0),
    ]  # fmt: skip
    assert day.world.office.queue == []


def test_a_pending_order_is_a_soft_hold_that_ends_with_its_payment_or_its_cancellation(day: Day):
    paid, never = day.order(1, paid=False), day.order(2, paid=False)
    day.settle()
    held = day.numbers()
    day.world.seller.pay(paid)
    day.world.seller.cancel(never)
    day.settle()

    assert held == ((5, 3), 2, 0)
    assert day.numbers() == ((5, 1), 4, 0)
    assert day.house.cases("drift") == []


def test_what_nobody_pays_is_offered_again_after_some_days(day: Day):
    day.order(2, paid=False)
    day.settle()
    day.clock.advance(days=3, minutes=1)
    day.settle(6)

    assert day.numbers()[0] == (5, 0)
    assert day.numbers()[1] == 5


def test_a_cancelled_line_gives_its_pieces_back_and_the_rest_is_sent(day: Day):
    day.house.stock("LAMP BLÄU/2", 3)
    day.settle()
    order = day.world.seller.order([(LAMP, 2), ("LAMP BLÄU/2", 1)])
    day.settle()
    day.world.seller.cancel(order, order.lines[0].id)
    day.world.seller.ship(order)
    day.settle()

    assert day.numbers() == ((5, 0), 5, 0)
    assert day.house.level("LAMP BLÄU/2") == (2, 0)


def test_a_sale_whose_notification_is_lost_is_provisional_until_the_search_finds_it(day: Day):
    day.world.seller.faults.lose = True
    day.order(2)
    day.house.stock(LAMP, 9)  # makes us write, and look before
    day.settle(1, seconds=15)
    unseen = day.numbers()
    day.clock.advance(minutes=4)
    day.settle()

    assert unseen[0::2] == ((9, 0), 2)
    assert day.numbers() == ((9, 2), 7, 0)


def test_fewer_pieces_overtake_a_number_that_amazon_has_not_applied_yet(day: Day):
    day.house.stock(LAMP, 9)
    day.settle(1, seconds=1)
    day.house.stock(LAMP, 0)
    day.settle(1, seconds=1)
    before = day.world.seller.offers[LAMP].quantity
    day.settle(6)

    assert before == 5
    assert day.numbers() == ((0, 0), 0, 0)
    assert day.house.letters(NAME) == []


def test_a_price_alone_is_accepted_shown_and_then_left_alone(day: Day):
    price = BasePrice(LAMP, Money(3999, "EUR"))
    day.house.within(lambda session: pricelist.set_price(session, price, ids=day.house.ids, now=day.clock.now()))
    day.clock.advance(seconds=1)
    day.settle(30)

    sent = [one for one in day.house.rows(Sent, channel=NAME, sku=LAMP) if one.price_minor is not None]
    assert day.world.seller.price(LAMP) == Money(3999, "EUR")
    assert [(one.price_minor, one.outcome) for one in sent] == [(3999, "applied")]
    assert day.house.state(NAME, LAMP).drift_since is None


def test_what_lies_at_amazon_is_counted_by_amazon_moved_by_nobody_and_never_written(day: Day):
    before = day.house.level("CUP", "fba")
    day.order(3, "CUP")
    day.clock.advance(minutes=6)
    day.settle()

    assert (before, day.house.level("CUP", "fba")) == ((40, 0), (37, 0))
    assert day.world.seller.offers["CUP"].by_amazon
    assert day.world.seller.offers["CUP"].quantity == 37
    assert [row.sku for row in day.house.rows(type(day.house.state(NAME, LAMP)), channel=NAME, sku="CUP")] == []


def test_the_queue_is_subscribed_though_nobody_can_reach_us(engine: Engine, clock: StoppedClock, ids: Ids, play: Play):
    day = Day(engine, clock, ids, play, subscribed=False)

    assert set(day.world.office.subscriptions) == {"ORDER_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"}
    assert not play(subscribing.look_after(day.house.context, day.house.channel(NAME)))
    day.world.office.subscriptions.clear()
    assert play(subscribing.look_after(day.house.context, day.house.channel(NAME)))
