import pytest

from omnisync.errors import Conflict, InvalidRequest, OutOfStock
from omnisync.orders import hours, picking, pickup, transfer
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT, STAFF, a_desk, a_ready_one, hand_over, place, tasks, violations
from tests.stock.shop import kinds, level, shelf


def _transfer(session, desk, placed, location=MARKT, how="customer_goes"):
    return transfer.transfer(session, desk, placed.pickup.id, location, how, actor=STAFF, now=START)


def test_the_customer_goes_to_another_store_with_the_same_code_and_number(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    moved = _transfer(session, desk, placed)

    assert (moved.location, moved.state, moved.shelf, moved.number) == (MARKT, "placed", None, "L-1001")
    assert (level(session, "LAMP").available, level(session, "LAMP", MARKT).available) == (1, 0)
    assert tasks(session) == [("put_back", "12", None)]
    there = Actor("Toni", MARKT)
    picking.ready(session, desk, moved.id, "3", actor=there, now=START)
    assert desk.codes.opens(placed.code, moved.code_hash)
    assert violations(session) == []


@pytest.mark.parametrize("how", ["customer_goes", "goods_come"])
def test_where_the_other_location_has_too_few_everything_stays_as_it_was(session, how):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    before = kinds(session, "LAMP")

    with pytest.raises(OutOfStock):
        _transfer(session, desk, placed, how=how)

    assert kinds(session, "LAMP") == before
    assert pickup.load(session, placed.pickup.id, STAFF).location == LINDEN
    assert violations(session) == []


def test_a_piece_that_was_not_found_comes_from_another_store(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    placed = place(session, desk := a_desk(transfer_days=2), ("LAMP", 2))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)

    moved = _transfer(session, desk, placed, how="goods_come")

    assert (moved.location, moved.state) == (LINDEN, "placed")
    assert moved.ready_by == hours.after_transfer(START, desk.location(LINDEN))
    assert pickup.open_lines(session, moved.id) == {"LAMP": 2}
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 2)
    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (4, 0)
    assert violations(session) == []


def test_what_is_off_sale_here_can_come_from_elsewhere(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=5, location=LAGER)
    placed = place(session, desk := a_desk(), ("LAMP", 2))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.NOT_FOUND)], actor=STAFF, now=START)

    moved = _transfer(session, desk, placed, LAGER, "goods_come")
    picking.ready(session, desk, moved.id, "12", actor=STAFF, now=START)
    hand_over(session, desk, placed)

    assert (level(session, "LAMP").reserved, level(session, "LAMP").off_sale) == (0, True)
    assert level(session, "LAMP", LAGER).on_hand == 4
    assert violations(session) == []


def test_pieces_that_come_although_none_were_rejected_can_be_sold_here(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    _transfer(session, desk, placed, how="goods_come")

    assert (level(session, "LAMP").available, level(session, "LAMP").reserved) == (1, 1)
    assert violations(session) == []


def test_pieces_that_come_to_an_overdrawn_shelf_belong_to_older_promises(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    place(session, desk := a_desk(), ("LAMP", 1))
    placed = place(session, desk, ("LAMP", 2), reference="#2")
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)
    ledger.record(session, [ledger.Entry(Kind.SOLD, "LAMP", LINDEN, 2, "pos:1", START)], now=START)

    with pytest.raises(OutOfStock):
        _transfer(session, desk, placed, how="goods_come")

    assert level(session, "LAMP", MARKT).on_hand == 5
    assert violations(session) == []


def test_a_pickup_goes_neither_nowhere_nor_where_nothing_is_collected(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=LAGER)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(InvalidRequest):
        _transfer(session, desk, placed, LINDEN)
    with pytest.raises(Conflict) as refused:
        _transfer(session, desk, placed, LAGER)
    assert refused.value.code == "no-pickup"


def test_what_was_collected_does_not_travel(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    hand_over(session, desk, placed)

    with pytest.raises(Conflict) as refused:
        _transfer(session, desk, placed)

    assert refused.value.details["state"] == "collected"
