"""A store of the network takes pickups for goods that other locations have."""

import asyncio
from dataclasses import replace

import pytest

from omnisync import db
from omnisync.adapters.base import Article, OrderLine, OrderSeen
from omnisync.errors import Conflict, OutOfStock
from omnisync.orders import ending, hours, intake, picking, pickup, sending, transfer, unsendable
from omnisync.settings import ChannelSettings
from omnisync.stock import transfers
from tests.api import serving
from tests.conftest import START
from tests.orders.counter import (
    LAGER,
    LINDEN,
    MARKT,
    OFFICE,
    READY_BY,
    STAFF,
    a_desk,
    hand_over,
    place,
    send,
    tasks,
    violations,
)
from tests.stock.shop import article, level, shelf


def network():
    return a_desk(pickup="network", transfer_days=2)


def arrive(session, desk, location=LINDEN):
    for one in transfers.page(session, location, on_the_way=True):
        sending.receive(session, desk, one.id, actor=STAFF, now=START)


def coming(session):
    lines = transfers.page(session, None, on_the_way=True)
    by_id = transfers.lines_of(session, [one.id for one in lines])
    return sorted((one.from_location, line.sku, line.quantity) for one in lines for line in by_id[one.id])


def test_a_store_without_stock_takes_the_order_and_the_goods_come(session):
    shelf(session, "LAMP", pieces=0)
    shelf(session, "LAMP", pieces=3, location=LAGER)

    placed = place(session, desk := network(), ("LAMP", 2))

    assert placed.pickup.ready_by == hours.after_transfer(START, desk.location(LINDEN)) > READY_BY
    assert coming(session) == [(LAGER, "LAMP", 2)]
    assert sorted(tasks(session), key=str) == [("receive", None, None), ("send", None, "LAMP")]
    assert (level(session, "LAMP", LAGER).on_hand, level(session, "LAMP", LAGER).reserved) == (3, 2)
    assert violations(session) == []
    send(session, desk)
    assert (level(session, "LAMP", LAGER).on_hand, level(session, "LAMP", LAGER).reserved) == (1, 0)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").incoming) == (0, 2)
    assert violations(session) == []
    arrive(session, desk)
    assert (level(session, "LAMP").reserved, level(session, "LAMP").available) == (2, 0)
    picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=START)
    assert hand_over(session, desk, placed).state == "collected"
    assert level(session, "LAMP").on_hand == 0
    assert violations(session) == []


def test_what_the_store_has_stays_there_and_warehouses_send_before_stores(session):
    for location, pieces in ((LINDEN, 1), (MARKT, 5), (LAGER, 1)):
        shelf(session, "LAMP", pieces=pieces, location=location)

    placed = place(session, desk := network(), ("LAMP", 3))

    assert coming(session) == [(LAGER, "LAMP", 1), (MARKT, "LAMP", 1)]
    assert level(session, "LAMP").reserved == 1
    assert pickup.here_lines(session, placed.pickup.id) == {"LAMP": 1}
    arrive(session, desk)
    assert pickup.here_lines(session, placed.pickup.id) == {"LAMP": 3}
    assert violations(session) == []


def test_a_store_that_has_everything_waits_for_nobody(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=9, location=LAGER)

    placed = place(session, network(), ("LAMP", 2))

    assert placed.pickup.ready_by == READY_BY
    assert coming(session) == []


@pytest.mark.parametrize(("mode", "there"), [("network", 1), ("local", 5)])
def test_what_nobody_has_or_may_send_is_refused_and_leaves_no_trace(session, mode, there):
    shelf(session, "LAMP", pieces=0)
    shelf(session, "LAMP", pieces=there, location=LAGER)

    with pytest.raises(OutOfStock):
        place(session, a_desk(pickup=mode), ("LAMP", 2))

    assert (level(session, "LAMP", LAGER).on_hand, coming(session), tasks(session)) == (there, [], [])
    assert violations(session) == []


def test_bundles_come_whole(session):
    article(session, "CUP")
    article(session, "PLATE")
    article(session, "SET", components={"CUP": 2, "PLATE": 1})
    shelf(session, "CUP", pieces=3)
    shelf(session, "PLATE", pieces=1)
    shelf(session, "CUP", pieces=2, location=LAGER)
    shelf(session, "PLATE", pieces=1, location=LAGER)

    placed = place(session, desk := network(), ("SET", 2))

    assert coming(session) == [(LAGER, "SET", 1)]
    assert (level(session, "CUP", LAGER).on_hand, level(session, "CUP", LAGER).reserved) == (2, 2)
    send(session, desk)
    assert (level(session, "CUP").reserved, level(session, "CUP").incoming) == (2, 2)
    arrive(session, desk)
    assert (level(session, "CUP").reserved, level(session, "PLATE").reserved) == (4, 2)
    picking.ready(session, desk, placed.pickup.id, "1", actor=STAFF, now=START)
    hand_over(session, desk, placed)
    assert (level(session, "CUP").on_hand, level(session, "PLATE").on_hand) == (1, 0)
    assert violations(session) == []


def test_a_pickup_that_is_cancelled_on_the_way_gives_everything_back(session):
    shelf(session, "LAMP", pieces=0)
    shelf(session, "LAMP", pieces=3, location=LAGER)
    placed = place(session, desk := network(), ("LAMP", 2))
    send(session, desk)

    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)
    assert violations(session) == []
    arrive(session, desk)

    assert (level(session, "LAMP").available, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


def test_a_pickup_that_is_cancelled_before_anything_was_sent_gives_it_back_where_it_lies(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=3, location=LAGER)
    placed = place(session, desk := network(), ("LAMP", 3))

    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)

    assert (level(session, "LAMP").available, level(session, "LAMP", LAGER).available) == (1, 3)
    assert (tasks(session), coming(session)) == ([], [])
    assert violations(session) == []


def test_the_order_of_the_same_reference_promises_nothing_again(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=3, location=LAGER)
    place(session, network(), ("LAMP", 3), channel="webshop", reference="#7")
    shop = ChannelSettings(name="webshop", adapter="fake", locations=[LINDEN])
    order = OrderSeen("7", "#7", START, START, (OrderLine("1", Article(sku="LAMP"), 3),), pickup=True)

    intake.take(session, shop, order, lambda found: found.sku, now=START)
    intake.take(session, shop, replace(order, version=START), lambda found: found.sku, now=START)

    assert (level(session, "LAMP").reserved, level(session, "LAMP", LAGER).reserved) == (1, 2)
    assert violations(session) == []


def test_transfers_are_listed_and_received_over_http_once(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=2)
        shelf(session, "LAMP", pieces=3, location=MARKT)

    async def story():
        async with serving(engine, clock) as api:
            lamp = {"sku": "LAMP", "quantity": 2, "price_minor": 4245, "currency": "EUR"}
            order = {"location": LINDEN, "customer": {"name": "Anna"}, "lines": [lamp]}
            placed = (await api.call("POST", "/v1/pickups", json=order)).json()
            gone = {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "damaged"}]}
            path = f"/v1/pickups/{placed['id']}"
            await api.call("POST", f"{path}/reject", role="staff", json=gone)
            moved = await api.call(
                "POST", f"{path}/transfer", role="staff", json={"location": MARKT, "kind": "goods_come"}
            )
            [transfer] = (await api.call("GET", "/v1/transfers", role="staff")).json()["items"]
            to = f"/v1/transfers/{transfer['id']}/receive"
            early = await api.call("POST", f"{path}/ready", role="staff", json={"shelf": "1"})
            answers = [await api.call("POST", to, role="staff", json={}) for _ in range(2)]
            left = (await api.call("GET", "/v1/transfers", role="staff")).json()["items"]
            shop = await api.call("GET", "/v1/transfers", role="shop")
            return moved.json(), transfer, early, answers, left, shop

    moved, transfer, early, (first, second), left, shop = asyncio.run(story())

    assert moved["lines"][0]["coming"] == 1
    assert (transfer["state"], transfer["from_location"], transfer["to_location"]) == ("asked", MARKT, LINDEN)
    assert (early.status_code, early.json()["type"].rsplit("/", 1)[-1]) == (409, "goods-coming")
    assert (first.status_code, first.json()["state"]) == (200, "received")
    assert second.json()["type"].endswith("already-received")
    assert left == []
    assert shop.status_code == 403


def _ready(session, desk, name):
    picking.ready(session, desk, name, "12", actor=STAFF, now=START)


def _go(session, desk, name):
    return transfer.transfer(session, desk, name, MARKT, "customer_goes", actor=STAFF, now=START, agreed="phone")


def _nothing_left(session, pieces):
    """A pickup at Linden whose only piece was to come from Markt, and was broken there."""
    shelf(session, "LAMP", pieces=pieces, location=MARKT)
    placed = place(session, desk := a_desk(pickup="network"), ("LAMP", 1))
    [asked] = transfers.open_of(session, placed.pickup.id)
    gone = [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)]
    unsendable.cannot_send(session, desk, asked, gone, actor=OFFICE, now=START)
    return desk, placed.pickup.id


def test_a_pickup_of_which_nothing_is_left_does_not_wait_for_its_customer(session):
    desk, name = _nothing_left(session, pieces=2)

    with pytest.raises(Conflict) as refused:
        _ready(session, desk, name)

    assert (refused.value.code, refused.value.details["state"]) == ("wrong-state", "placed")
    assert violations(session) == []


def test_its_customer_is_sent_where_a_piece_is_held_for_him(session):
    desk, name = _nothing_left(session, pieces=2)

    moved = _go(session, desk, name)

    assert moved.location == MARKT
    assert pickup.here_lines(session, name) == {"LAMP": 1}
    assert level(session, "LAMP", MARKT).reserved == 1
    assert violations(session) == []


def test_and_nowhere_where_there_is_none(session):
    desk, name = _nothing_left(session, pieces=1)

    with pytest.raises(OutOfStock):
        _go(session, desk, name)

    assert violations(session) == []
