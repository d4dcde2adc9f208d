"""What somebody names that there is not, and what cannot be done any more."""

import pytest

from omnisync.adapters.base import Article, OrderLine, OrderSeen
from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.orders import (
    handover,
    intake,
    offers,
    picking,
    pickup,
    placing,
    sending,
    states,
    transfer,
    unpaid,
    views,
)
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor
from omnisync.orders.states import Step
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import stocktakes, transfers
from omnisync.values import Money
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT, OFFICE, STAFF, a_desk, a_location, a_ready_one, place, violations
from tests.stock.shop import article, level, shelf


def test_what_there_is_not_is_not_found(session):
    for look in (
        lambda: states.advance(session, "nobody", Step.PICK),
        lambda: sending.finish(session, a_desk(), "nothing", actor=OFFICE, now=START),
        lambda: stocktakes.load(session, "nothing"),
        lambda: transfers.load(session, "nothing"),
        lambda: pickup.load(session, "nobody", OFFICE),
    ):
        with pytest.raises(NotFound):
            look()
    assert pickup.by_code_hash(session, None, OFFICE) is None


def test_a_code_is_known_in_its_own_store_and_in_the_office(session):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk()
    placed = a_ready_one(session, desk, ("LAMP", 1))
    code_hash = desk.codes.hash(placed.code)

    found = [pickup.by_code_hash(session, code_hash, who) for who in (STAFF, OFFICE, Actor("Uwe", MARKT))]

    assert [one and one.id for one in found] == [placed.pickup.id, placed.pickup.id, None]


def test_a_damaged_bottle_deposit_is_taken_off_the_order_and_no_shelf_hears_of_it(session):
    shelf(session, "LAMP", pieces=3)
    article(session, "PFAND", stocked=False)
    placed = place(session, desk := a_desk(), ("LAMP", 1), ("PFAND", 2))
    damaged = [picking.Rejected("PFAND", 2, picking.Why.DAMAGED)]

    picking.reject(session, desk, placed.pickup.id, damaged, actor=STAFF, now=START)

    assert pickup.open_lines(session, placed.pickup.id) == {"LAMP": 1}
    assert level(session, "LAMP").reserved == 1
    assert violations(session) == []


def test_one_order_is_paid_in_one_currency_and_a_paid_one_not_again(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "VASE", pieces=3)
    lines = tuple(placing.Line(sku, 1, Money(100, currency)) for sku, currency in (("LAMP", "EUR"), ("VASE", "CHF")))
    desk = a_desk()

    with pytest.raises(InvalidRequest) as refused:
        placing.place(session, desk, placing.Wanted(LINDEN, Person("Anna"), lines), now=START)

    assert "one currency" in str(refused.value.details)
    paid = place(session, desk, ("LAMP", 1), paid=True).pickup
    assert views.due(paid, pickup.lines_of(session, [paid.id])[paid.id]) == {"amount_minor": 0, "currency": "EUR"}


def test_what_is_on_its_way_is_not_asked_for_again(session):
    shelf(session, "LAMP", pieces=5, location=LAGER)
    placed = place(session, desk := a_desk(pickup="network", transfer_days=2), ("LAMP", 1))

    with pytest.raises(Conflict) as refused:
        transfer.transfer(session, desk, placed.pickup.id, LAGER, "goods_come", actor=STAFF, now=START)

    assert refused.value.code == "goods-coming"
    assert level(session, "LAMP", LAGER).reserved == 1
    assert violations(session) == []


def test_an_order_that_was_paid_meanwhile_keeps_its_pieces(session):
    shelf(session, "LAMP", pieces=3)
    web = ChannelSettings(name="web", adapter="fake", locations=[LINDEN])
    order = OrderSeen("1", "#1", START, START, (OrderLine("1", Article(sku="LAMP"), 1),), paid=True)
    intake.take(session, web, order, lambda found: found.sku, now=START)

    assert unpaid.release(session, "web:1", now=START) == 0
    assert level(session, "LAMP").reserved == 1


def test_an_order_that_was_over_before_we_came_moves_nothing(session):
    shelf(session, "LAMP", pieces=3)
    web = ChannelSettings(name="web", adapter="fake", locations=[LINDEN])
    order = OrderSeen("1", "#1", START, START, (OrderLine("1", Article(sku="LAMP"), 1),), closed=True)

    intake.take(session, web, order, lambda found: found.sku, now=START, history=True)

    assert level(session, "LAMP") == (3, 0, 0, 0, 0, 0, False)


def test_a_store_that_never_opens_offers_no_time_and_a_till_finds_its_location_by_its_code(session):
    closed = a_location(LINDEN, hours={"mon-sun": "closed"})
    shelf(session, "LAMP", pieces=3)
    settings = Settings(locations=[closed, a_location(MARKT, pickup_at_till="all")])

    assert offers.ReadyTimes(settings).at(LINDEN, START) is None
    ring = handover.ringing(settings)
    assert ring(session, "LAMP", MARKT, 1, sale_key="pos:1", at=START, now=START) == 0


def test_a_counter_sale_without_a_place_waits_for_somebody_to_name_its_store(session):
    shelf(session, "LAMP", pieces=3)
    tills = ChannelSettings(name="tills", adapter="fake", locations=[LINDEN, MARKT])
    order = OrderSeen("1", "#1", START, START, (OrderLine("1", Article(sku="LAMP"), 1),), counter=True)

    taken = intake.take(session, tills, order, lambda found: found.sku, now=START)

    assert [one.reason for one in taken.waiting] == ["A counter sale without a place."]
    assert level(session, "LAMP").on_hand == 3
