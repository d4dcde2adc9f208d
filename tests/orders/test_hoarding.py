import asyncio
from dataclasses import replace

import pytest

from omnisync import db
from omnisync.errors import OutOfStock
from omnisync.orders import ending, placing
from omnisync.orders.customers import Person
from omnisync.settings import LimitSettings
from omnisync.stock.limits import HoldTooLarge, TooManyHolds
from tests.api import SETTINGS, serving
from tests.conftest import START
from tests.orders.counter import OFFICE, a_desk, place, violations, wanted
from tests.stock.shop import hold, level, shelf

ANNA, BEN = Person("Anna", "anna@example.org"), Person("Ben", "ben@example.org")


def a_desk_with(**limits):
    desk = a_desk()
    return replace(desk, settings=desk.settings.model_copy(update={"limits": LimitSettings(**limits)}))


def refused(session, desk, *lines, **details):
    """Which limit says no, and how many it allows."""
    with pytest.raises((HoldTooLarge, TooManyHolds)) as error:
        place(session, desk, *lines, **{"owner": "shop"} | details)
    return error.value.details["limit"], error.value.details["allowed"]


def test_a_key_has_no_more_pickups_open_than_it_may_paid_or_not(session):
    shelf(session, "LAMP", pieces=9)
    desk = a_desk_with(open_pickups_per_key=2)

    first = place(session, desk, ("LAMP", 1), owner="shop", paid=True)
    place(session, desk, ("LAMP", 1), owner="shop")
    over = refused(session, desk, ("LAMP", 1))
    place(session, desk, ("LAMP", 1), owner="another")
    ending.cancel(session, desk, first.pickup.id, actor=OFFICE, now=START)
    place(session, desk, ("LAMP", 1), owner="shop")

    assert over == ("open_pickups_per_key", 2)
    assert refused(session, desk, ("LAMP", 1)) == over
    assert level(session, "LAMP").reserved == 3
    assert violations(session) == []


def test_a_customer_has_no_more_unpaid_pickups_open_than_he_may(session):
    shelf(session, "LAMP", pieces=9)
    desk = a_desk_with(open_pickups_per_customer=2)

    for _ in range(2):
        place(session, desk, ("LAMP", 1), owner="shop", customer=ANNA)
    over = refused(session, desk, ("LAMP", 1), customer=ANNA)
    place(session, desk, ("LAMP", 1), owner="shop", customer=ANNA, paid=True)
    place(session, desk, ("LAMP", 1), owner="shop", customer=BEN)
    place(session, desk, ("LAMP", 1), owner="another", customer=ANNA)
    for _ in range(3):
        place(session, desk, ("LAMP", 1), owner="shop", customer=Person("Somebody"))

    assert over == ("open_pickups_per_customer", 2)
    assert level(session, "LAMP").free == 1


def test_a_customer_who_leaves_no_address_is_known_by_his_telephone(session):
    shelf(session, "LAMP", pieces=9)
    desk = a_desk_with(open_pickups_per_customer=2)
    by_phone = Person("Anna", phone="+49 30 1234")

    place(session, desk, ("LAMP", 1), owner="shop", customer=by_phone)
    place(session, desk, ("LAMP", 1), owner="shop", customer=Person("Anna", "anna@example.org", "+49 30 1234"))
    over = refused(session, desk, ("LAMP", 1), customer=by_phone)
    place(session, desk, ("LAMP", 1), owner="shop", customer=ANNA)

    assert over == ("open_pickups_per_customer", 2)
    assert refused(session, desk, ("LAMP", 1), customer=ANNA) == over
    assert level(session, "LAMP").reserved == 3


def test_one_pickup_is_no_larger_than_one_hold_may_be(session):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "RUG", pieces=9)
    desk = a_desk_with(lines=1, quantity=3)

    assert refused(session, desk, ("LAMP", 4)) == ("quantity", 3)
    assert refused(session, desk, ("LAMP", 1), ("RUG", 1)) == ("lines", 1)
    assert level(session, "LAMP").reserved == 0


def test_of_a_batch_just_as_many_are_let_in_and_what_is_refused_for_want_of_pieces_counts_once(session):
    shelf(session, "LAMP", pieces=5)
    desk = a_desk_with(open_pickups_per_key=3, open_pickups_per_customer=2)
    orders = [wanted(("LAMP", n), owner="shop", customer=who) for n, who in ((1, ANNA), (1, ANNA), (1, ANNA), (9, BEN), (1, BEN))]  # fmt: skip

    answers = placing.place_batch(session, desk, orders, now=START)

    assert [type(one) for one in answers] == [placing.Placed, placing.Placed, TooManyHolds, OutOfStock, TooManyHolds]
    assert [one.details["limit"] for one in answers if isinstance(one, TooManyHolds)] == [
        "open_pickups_per_customer", "open_pickups_per_key",
    ]  # fmt: skip
    place(session, desk, ("LAMP", 1), owner="shop", customer=BEN)


def test_an_earlier_hold_does_not_open_a_way_round_the_limit(session):
    shelf(session, "LAMP", pieces=9)
    desk = a_desk_with(open_pickups_per_key=1)
    place(session, desk, ("LAMP", 1), owner="shop")
    held = hold(session, "LAMP", 1, owner="shop")

    assert refused(session, desk, ("LAMP", 1), reservation=held.id) == ("open_pickups_per_key", 1)
    assert level(session, "LAMP").reserved == 2


def test_what_the_store_puts_aside_itself_and_what_came_by_itself_has_no_limit(session):
    shelf(session, "LAMP", pieces=9)
    desk = a_desk_with(open_pickups_per_key=1, open_pickups_per_customer=1, quantity=1)

    for by in (OFFICE, None):
        for _ in range(2):
            place(session, desk, ("LAMP", 2), customer=ANNA, by=by)

    assert level(session, "LAMP").reserved == 8


def test_who_hoards_is_told_which_limit_it_is_and_may_ask_again_under_the_same_key_later(engine, clock):
    with_limits = SETTINGS.model_copy(update={"limits": LimitSettings(open_pickups_per_customer=1, quantity=2)})
    order = {
        "location": "linden", "customer": {"name": "Anna", "email": "anna@example.org"},
        "lines": [{"sku": "LAMP", "quantity": 1}],
    }  # fmt: skip

    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=9)

    async def story():
        async with serving(engine, clock, with_limits) as api:
            first = await api.call("POST", "/v1/pickups", json=order)
            second = await api.call("POST", "/v1/pickups", key="again", json=order)
            large = await api.call("POST", "/v1/pickups", json=order | {"lines": [{"sku": "LAMP", "quantity": 3}]})
            await api.call("POST", f"/v1/pickups/{first.json()['id']}/cancel", role="staff", json={})
            return second, large, await api.call("POST", "/v1/pickups", key="again", json=order)

    second, large, later = asyncio.run(story())

    assert (second.status_code, second.json()["type"].rsplit("/")[-1]) == (429, "too-many-holds")
    assert (second.json()["limit"], second.headers["retry-after"]) == ("open_pickups_per_customer", "3600")
    assert "anna" not in second.text.lower()
    assert (large.status_code, large.json()["type"].rsplit("/")[-1]) == (409, "hold-too-large")
    assert later.status_code == 201
