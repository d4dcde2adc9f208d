"""What a store puts aside for a customer itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.errors import Conflict, InvalidRequest, OutOfStock
from omnisync.orders import acts, aside, pauses, pickup
from omnisync.orders.customers import Person
from omnisync.orders.tables import Mail, Pickup
from omnisync.values import Money
from tests.conftest import START
from tests.orders.counter import LINDEN, STAFF, a_desk, violations
from tests.stock.shop import level, shelf

ANNA = Person("Anna Schubert", phone="+49 30 1234567")


def put_aside(session, desk, lines, customer=ANNA, shelf_name="7", **more):
    return aside.put_aside(session, desk, LINDEN, lines, customer, shelf_name, actor=STAFF, now=START, **more)


def test_it_lies_ready_for_the_customer_and_nobody_else_is_promised_it(session):
    desk = a_desk(email="linden@example.org")
    shelf(session, "LAMP", pieces=3)

    found = put_aside(session, desk, {"LAMP": 2})

    assert (found.state, found.shelf, found.paid, found.number) == ("ready", "7", False, "L-1001")
    assert found.collect_by > START + timedelta(days=1)
    assert (level(session, "LAMP").available, level(session, "LAMP").reserved) == (1, 2)
    assert [(one.what, one.by) for one in acts.of(session, found.id)] == [("placed", "Kim"), ("ready", "Kim")]
    assert session.execute(sa.select(Mail)).all() == [], "the store knows what it put aside itself"
    assert violations(session) == []


def test_it_is_paid_at_the_price_of_today_where_there_is_one(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=3)
    shelf(session, "VASE", pieces=3)
    pricelist.set_price(session, BasePrice("LAMP", Money(4245, "EUR"), START), ids=desk.ids, now=START)

    found = put_aside(session, desk, {"LAMP": 2, "VASE": 1})

    lines = pickup.lines_of(session, [found.id])[found.id]
    assert [(line.sku, line.price_minor, line.currency) for line in lines] == [
        ("LAMP", 4245, "EUR"),
        ("VASE", None, None),
    ]


def test_what_the_store_does_not_have_is_not_put_aside(session):
    shelf(session, "LAMP", pieces=1)

    with pytest.raises(OutOfStock):
        put_aside(session, a_desk(), {"LAMP": 2})

    assert level(session, "LAMP").reserved == 0


def test_a_button_pressed_twice_puts_aside_once(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=3)
    name = desk.ids.new()

    first = put_aside(session, desk, {"LAMP": 1}, name=name)
    with pytest.raises(Conflict) as again:
        put_aside(session, desk, {"LAMP": 1}, name=name)

    assert (first.id, again.value.code) == (name, "already-done")
    assert level(session, "LAMP").reserved == 1


def test_a_pause_of_the_store_does_not_stop_the_store_itself(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=1)
    pauses.begin(session, desk, LINDEN, START + timedelta(hours=1), actor=STAFF, now=START)

    assert put_aside(session, desk, {"LAMP": 1}).state == "ready"


@pytest.mark.parametrize(("customer", "shelf_name", "pieces"), [(Person(""), "7", 1), (ANNA, "", 1), (ANNA, "7", 0)])
def test_it_takes_a_name_a_shelf_and_a_piece(session, customer, shelf_name, pieces):
    shelf(session, "LAMP", pieces=1)

    with pytest.raises(InvalidRequest):
        put_aside(session, a_desk(), {"LAMP": pieces}, customer, shelf_name)

    assert session.execute(sa.select(Pickup)).all() == []
