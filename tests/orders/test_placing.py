from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync.catalog.backorder import Backorder
from omnisync.errors import Conflict, InvalidRequest, Lack, OutOfStock
from omnisync.orders import numbers, placing, transfer
from omnisync.orders.tables import Customer, Pickup
from omnisync.stock import backorders, reservations
from omnisync.stock.tables import Reservation
from tests.conftest import START
from tests.orders.counter import (
    COLLECT_BY,
    LAGER,
    LINDEN,
    MARKT,
    OFFICE,
    READY_BY,
    Heard,
    a_desk,
    place,
    violations,
    wanted,
)
from tests.stock.shop import a_request, article, hold, kinds, level, shelf


def test_a_placed_pickup_owns_its_pieces_and_knows_its_times(session):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk(announce=(heard := Heard()))

    placed = place(session, desk, ("LAMP", 2), reference="#1001", channel="webshop", paid=True)

    assert (placed.pickup.state, placed.pickup.number) == ("placed", "L-1001")
    assert (placed.pickup.ready_by, placed.pickup.collect_by) == (READY_BY, COLLECT_BY)
    assert desk.codes.opens(placed.code, placed.pickup.code_hash)
    assert level(session, "LAMP").reserved == 2
    assert heard.kinds == ["placed"]
    assert violations(session) == []


def test_a_pickup_is_promised_of_what_is_there_and_not_of_what_is_awaited(session):
    for location, pieces in ((LINDEN, 1), (MARKT, 0)):
        shelf(session, "LAMP", pieces=pieces, location=location)
    backorders.put(session, {"LAMP": Backorder(5)}, cause="test", now=START)
    desk = a_desk()

    placed = place(session, desk, ("LAMP", 1))
    with pytest.raises(OutOfStock) as refused:
        place(session, desk, ("LAMP", 1))
    for how, agreed in (("customer_goes", "phone"), ("goods_come", None)):
        with pytest.raises(OutOfStock):
            transfer.transfer(session, desk, placed.pickup.id, MARKT, how, actor=OFFICE, now=START, agreed=agreed)
    hold(session, "LAMP", 5)

    assert refused.value.lacks == (Lack("LAMP", LINDEN, 1, 0),)
    assert (level(session, "LAMP").free, level(session, "LAMP", MARKT).reserved) == (0, 0)
    assert violations(session) == []


def test_a_pickup_is_held_whole_or_not_at_all(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "RUG", pieces=0)

    with pytest.raises(OutOfStock) as refused:
        place(session, a_desk(), ("LAMP", 1), ("RUG", 1))

    assert refused.value.lacks == (Lack("RUG", LINDEN, 1, 0),)
    assert session.execute(sa.select(sa.func.count()).select_from(Pickup)).scalar_one() == 0
    assert level(session, "LAMP").reserved == 0


def test_of_a_batch_each_is_granted_or_refused_for_itself_and_numbers_have_no_gaps(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    orders = [wanted(("LAMP", 1)), wanted(("LAMP", 1), location=LAGER), wanted(("LAMP", 1), location=MARKT)]

    answers = placing.place_batch(session, a_desk(), [*orders, wanted(("LAMP", 1)), wanted(("LAMP", 1))], now=START)

    numbered = [answer.pickup.number if isinstance(answer, placing.Placed) else answer.code for answer in answers]
    assert numbered == ["L-1001", "no-pickup", "M-1001", "L-1002", "out-of-stock"]
    assert len({answer.code for answer in answers if isinstance(answer, placing.Placed)}) == 3
    assert violations(session) == []


def test_numbers_are_given_out_once_and_begin_as_their_location_does(session):
    first = numbers.take(session, {"markt": 2, "linden": 1}, ["linden", "lager", "markt"])
    second = numbers.take(session, {"markt": 1}, ["linden", "lager", "markt"])

    assert first == {"markt": ["M-1001", "M-1002"], "linden": ["LI-1001"]}
    assert second == {"markt": ["M-1003"]}
    assert numbers.prefix("linden", ["linden", "markt"]) == "L"
    assert numbers.prefix("markt", ["markt", "markt2"]) == "MARKT"


def test_the_letters_of_a_store_that_was_closed_stay_its_own(session):
    first = numbers.take(session, {"linden": 1}, ["linden", "markt"])

    after = numbers.take(session, {"lager": 1}, ["lager", "markt"])
    once_more = numbers.take(session, {"linden": 1}, ["linden", "markt"])

    assert (first, after, once_more) == ({"linden": ["L-1001"]}, {"lager": ["LA-1001"]}, {"linden": ["LI-1002"]})


def test_a_pickup_takes_over_an_earlier_hold_once(session):
    shelf(session, "LAMP", pieces=1)
    reservations.reserve(session, [a_request(("LAMP", 1), owner="shop")], now=START)

    placed = place(session, a_desk(), ("LAMP", 1), reservation="r1", owner="shop")

    with pytest.raises(Conflict) as again:
        place(session, a_desk(), ("LAMP", 1), reservation="r1", owner="shop")
    assert placed.pickup.reservation_id != "r1"
    assert again.value.code == "reservation-taken"
    assert level(session, "LAMP").reserved == 1
    assert violations(session) == []


@pytest.mark.parametrize(("ordered", "reserved"), [(1, 1), (3, 3)])
def test_fewer_pieces_than_held_free_the_rest_and_more_are_reserved_with_them(session, ordered, reserved):
    shelf(session, "LAMP", pieces=3)
    reservations.reserve(session, [a_request(("LAMP", 2), owner="shop")], now=START)

    place(session, a_desk(), ("LAMP", ordered), reservation="r1", owner="shop")

    assert level(session, "LAMP").reserved == reserved
    assert violations(session) == []


def test_more_than_can_be_had_leaves_the_earlier_hold_as_it_was(session):
    shelf(session, "LAMP", pieces=2)
    reservations.reserve(session, [a_request(("LAMP", 2), owner="shop")], now=START)

    with pytest.raises(OutOfStock):
        place(session, a_desk(), ("LAMP", 3), reservation="r1", owner="shop")

    assert session.get(Reservation, "r1").state == "held"
    assert level(session, "LAMP").reserved == 2


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"reservation": "r1", "owner": "other shop"}, "reservation-mismatch"),
        ({"reservation": "nobody's", "owner": "shop"}, "reservation-mismatch"),
        ({"reservation": "r1", "owner": "shop", "location": MARKT}, "reservation-mismatch"),
        ({"reservation": "r1", "owner": "shop", "now": START + timedelta(minutes=15)}, "already-expired"),
    ],
)
def test_a_hold_that_is_not_ours_or_gone_is_not_taken(session, details, code):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=2, location=MARKT)
    reservations.reserve(session, [a_request(("LAMP", 1), owner="shop")], now=START)

    with pytest.raises(Conflict) as refused:
        place(session, a_desk(), ("LAMP", 1), **details)

    assert refused.value.code == code


def test_a_pickups_own_reservation_cannot_be_taken_by_another(session):
    shelf(session, "LAMP", pieces=2)
    placed = place(session, a_desk(), ("LAMP", 1), owner="shop")

    with pytest.raises(Conflict) as refused:
        place(session, a_desk(), ("LAMP", 1), reservation=placed.pickup.reservation_id, owner="shop")

    assert refused.value.code == "reservation-taken"


def test_equal_lines_are_one_and_bundles_hold_what_is_in_them(session):
    shelf(session, "CUP", pieces=10)
    article(session, "SET", components={"CUP": 4})
    article(session, "DEPOSIT", stocked=False)

    placed = place(session, a_desk(), ("SET", 1), ("SET", 1), ("DEPOSIT", 2))

    assert [(line.sku, line.quantity) for line in placed.lines] == [("DEPOSIT", 2), ("SET", 2)]
    assert level(session, "CUP").reserved == 8
    assert kinds(session, "DEPOSIT") == []


@pytest.mark.parametrize(
    ("lines", "details"),
    [
        ([], {}),
        ([("NOBODY KNOWS", 1)], {}),
        ([("LAMP", 1)], {"location": "mars"}),
        ([("LAMP", 1)], {"channel": "moon"}),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(session, lines, details):
    shelf(session, "LAMP", pieces=1)

    with pytest.raises(InvalidRequest) as refused:
        place(session, a_desk(), *lines, **details)

    assert refused.value.details["errors"][0]["field"]


def test_the_customer_is_kept_apart_and_for_a_limited_time(session):
    shelf(session, "LAMP", pieces=1)

    placed = place(session, a_desk(), ("LAMP", 1))

    customer = session.get(Customer, placed.pickup.customer_id)
    assert customer.name == "Anna Schubert"
    assert customer.erase_after > placed.pickup.collect_by
