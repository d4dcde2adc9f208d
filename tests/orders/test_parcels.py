"""Orders that a location sends: what waits there, what leaves the shelf, and what the channel says of it afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from omnisync.adapters.base import Restock
from omnisync.errors import Conflict, NotFound
from omnisync.orders import parcels
from omnisync.orders.tables import OrderLine
from tests.conftest import START
from tests.orders.test_intake import a_line, an_order, take
from tests.stock.shop import LINDEN, article, kinds, level, shelf, violations

LAGER, ORDER = "lager", "webshop:4711"


def send(session, location=LINDEN, order=ORDER):
    parcels.send(session, location, order, owner="user:Kim Lang", now=START)


def test_a_paid_order_waits_where_its_pieces_lie(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "VASE", pieces=5)
    take(session, an_order(a_line(2), a_line(1, sku="VASE", id="2")))

    [parcel] = parcels.waiting(session, LINDEN)

    assert (parcel.order_id, parcel.channel, parcel.reference) == (ORDER, "webshop", "#1001")
    assert parcel.pieces == {"LAMP": 2, "VASE": 1}
    assert (parcels.count(session, LINDEN), parcels.count(session, LAGER)) == (1, 0)


@pytest.mark.parametrize("details", [{"paid": False}, {"pickup": True}, {"closed": True}])
def test_what_is_not_to_be_sent_does_not_wait(session, details):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2), **details))

    assert parcels.waiting(session, LINDEN) == []
    with pytest.raises(Conflict):
        send(session)


def test_what_was_sent_leaves_the_shelf_once_whatever_the_channel_says_later(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))

    send(session)
    with pytest.raises(Conflict) as again:
        send(session)
    for minutes, shipped in ((1, 0), (2, 1), (3, 2)):
        take(session, an_order(a_line(2, shipped=shipped), minutes=minutes))

    assert again.value.code == "already-done"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert kinds(session, "LAMP") == ["order", "shipped"]
    assert parcels.waiting(session, LINDEN) == []
    assert violations(session) == []


def test_what_the_store_sent_is_not_taken_for_the_channels_own_word(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))

    send(session)

    line = session.get_one(OrderLine, (ORDER, "1"))
    assert (line.sent, line.shipped) == (2, 0), "what the channel still keeps for it is reckoned by its own word"


def test_an_order_from_two_places_is_sent_from_each(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "VASE", pieces=3, location=LAGER)
    take(session, an_order(a_line(1, place="L1"), a_line(2, sku="VASE", id="2", place="L2")))

    send(session, LAGER)

    assert parcels.count(session, LINDEN) == 1
    assert level(session, "VASE", LAGER).on_hand == 1
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 1)
    take(session, an_order(a_line(1, place="L1"), a_line(2, sku="VASE", id="2", place="L2", shipped=2), minutes=1))
    send(session)
    assert level(session, "LAMP").on_hand == 1
    assert violations(session) == []


def test_one_line_from_two_places_leaves_the_other_ones_pieces_where_they_are(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=2, location=LAGER)
    take(session, an_order(a_line(3)))

    send(session, LAGER)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 1)
    assert (level(session, "LAMP", LAGER).on_hand, level(session, "LAMP", LAGER).reserved) == (0, 0)
    take(session, an_order(a_line(3, shipped=3), minutes=1))
    assert level(session, "LAMP").on_hand == 0
    assert violations(session) == []


def test_pieces_that_come_back_from_what_the_store_sent_are_taken_in(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))
    send(session)

    take(session, an_order(a_line(2, restocks=(Restock("r1", 1, "L1"),)), minutes=1))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").blocked) == (4, 1)


def test_a_set_is_sent_whole(session):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "VASE", pieces=9)
    article(session, "DEPOSIT", stocked=False)
    article(session, "SET", components={"LAMP": 2, "VASE": 1, "DEPOSIT": 1})
    take(session, an_order(a_line(2, sku="SET")))

    send(session)

    assert (level(session, "LAMP").on_hand, level(session, "VASE").on_hand) == (5, 7)
    assert session.get_one(OrderLine, (ORDER, "1")).sent == 2
    take(session, an_order(a_line(2, sku="SET", shipped=2), minutes=1))
    assert level(session, "LAMP").on_hand == 5
    assert violations(session) == []


@pytest.mark.parametrize("elsewhere", ["LAMP", "VASE"])
def test_of_a_set_in_two_places_the_channel_says_when_it_is_sent(session, elsewhere):
    here = {"LAMP": "VASE", "VASE": "LAMP"}[elsewhere]
    shelf(session, here, pieces=9)
    shelf(session, elsewhere, pieces=9, location=LAGER)
    article(session, "SET", components={"LAMP": 2, "VASE": 1})
    take(session, an_order(a_line(1, sku="SET")))

    with pytest.raises(Conflict) as refused:
        send(session)

    assert refused.value.code == "split-set"
    assert level(session, here).on_hand == 9


def test_an_order_that_nobody_knows_is_not_sent(session):
    with pytest.raises(NotFound):
        send(session, order="webshop:1")


def take_back(session, *, seconds=5, location=LINDEN, order=ORDER):
    parcels.take_back(session, location, order, owner="user:Kim Lang", now=START + timedelta(seconds=seconds))


def refused(session, **where):
    with pytest.raises(Conflict) as error:
        take_back(session, **where)
    return error.value.code


def test_a_parcel_that_is_still_there_lies_on_its_shelf_again_and_is_sent_later(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "VASE", pieces=5)
    take(session, an_order(a_line(2), a_line(1, sku="VASE", id="2")))
    send(session)

    take_back(session)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (5, 2)
    assert (level(session, "VASE").on_hand, level(session, "VASE").reserved) == (5, 1)
    assert [one.pieces for one in parcels.waiting(session, LINDEN)] == [{"LAMP": 2, "VASE": 1}]
    assert session.get_one(OrderLine, (ORDER, "1")).sent == 0
    assert violations(session) == []
    send(session)
    take(session, an_order(a_line(2, shipped=2), a_line(1, sku="VASE", id="2", shipped=1), minutes=1))
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert kinds(session, "LAMP") == ["order", "shipped", "handed_back", "shipped"]
    assert violations(session) == []


def test_a_parcel_is_taken_back_for_ten_seconds_and_once(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))

    nothing = refused(session)
    send(session)

    assert nothing == "unsend-over"
    assert parcels.sent_just_now(session, LINDEN, ORDER, now=START + timedelta(seconds=10)) == START
    assert parcels.sent_just_now(session, LINDEN, ORDER, now=START + timedelta(seconds=11)) is None
    assert parcels.sent_just_now(session, LAGER, ORDER, now=START) is None
    assert refused(session, seconds=11) == "unsend-over"
    take_back(session)
    assert refused(session) == "unsend-over"
    assert level(session, "LAMP").reserved == 2


@pytest.mark.parametrize(
    "said",
    [
        (a_line(2, shipped=1), {}),
        (a_line(2, cancelled=1), {}),
        (a_line(2), {"closed": True}),
    ],
)
def test_what_the_channel_said_of_it_meanwhile_is_not_taken_back(session, said):
    line, details = said
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))
    send(session)
    take(session, an_order(line, minutes=1, **details))

    assert refused(session) == "unsend-over"
    assert level(session, "LAMP").on_hand == 3
    assert violations(session) == []


def test_what_a_channel_says_is_sent_is_not_the_stores_to_take_back(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))
    take(session, an_order(a_line(2, shipped=2), minutes=1))

    assert refused(session, seconds=0) == "unsend-over"


def test_of_two_places_each_takes_back_what_it_sent(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=2, location=LAGER)
    take(session, an_order(a_line(3)))
    send(session, LAGER)
    send(session)

    take_back(session, location=LAGER)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP", LAGER).on_hand) == (0, 2)
    assert session.get_one(OrderLine, (ORDER, "1")).sent == 1
    assert parcels.count(session, LAGER) == 1
    assert violations(session) == []
