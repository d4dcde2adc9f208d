from datetime import timedelta

import pytest

from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import handing, pickup
from omnisync.orders.handing import ByCode, Reason, WithoutCode, WrongCode
from omnisync.orders.pickup import Actor
from omnisync.stock import ends
from omnisync.stock.tables import Reservation
from tests.conftest import START
from tests.orders.counter import MARKT, STAFF, Heard, a_desk, a_ready_one, hand_over, place, tasks, violations
from tests.stock.shop import article, kinds, level, shelf

LATER = START + timedelta(hours=1)


def test_the_code_opens_the_bag_and_the_pieces_leave_the_ledger(session):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk(announce=(heard := Heard()))
    placed = a_ready_one(session, desk, ("LAMP", 2))

    collected = hand_over(session, desk, placed, now=LATER)

    assert (collected.state, collected.collected_how, collected.handed_over_by) == ("collected", "code", "Kim")
    assert collected.ended_at == LATER
    assert kinds(session, "LAMP") == ["hold", "collected"]
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert heard[-1][1]["lines"] == [{"sku": "LAMP", "quantity": 2}]
    assert violations(session) == []


def test_a_wrong_code_changes_nothing(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(WrongCode) as refused:
        handing.collect(session, desk, placed.pickup.id, ByCode("0000-0000"), actor=STAFF, now=LATER)

    assert (refused.value.status, refused.value.code) == (403, "wrong-code")
    assert level(session, "LAMP").reserved == 1


def test_the_code_of_another_pickup_does_not_open_this_one(session):
    shelf(session, "LAMP", pieces=2)
    mine, yours = (a_ready_one(session, a_desk(), ("LAMP", 1), reference=name) for name in ("#1", "#2"))

    with pytest.raises(WrongCode):
        handing.collect(session, a_desk(), mine.pickup.id, ByCode(yours.code), actor=STAFF, now=LATER)


def test_a_code_finds_its_pickup_however_it_is_typed_and_only_in_its_store(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    typed = placed.code.lower().replace("-", " ")

    assert handing.lookup(session, desk, typed, actor=STAFF).id == placed.pickup.id
    with pytest.raises(WrongCode):
        handing.lookup(session, desk, typed, actor=Actor("Toni", MARKT))
    with pytest.raises(WrongCode):
        handing.lookup(session, desk, "nonsense", actor=STAFF)


def test_without_a_code_the_reason_and_the_name_are_kept(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    proof = WithoutCode(Reason.PROXY, "Bruder, Ausweis gesehen")
    collected = handing.collect(session, desk, placed.pickup.id, proof, actor=STAFF, now=LATER)

    assert collected.collected_how == "proxy: Bruder, Ausweis gesehen"


def test_a_part_is_handed_over_and_the_rest_waits_for_another_visit(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))

    first = hand_over(session, desk, placed, {"LAMP": 1}, rest="keep")
    assert (first.state, level(session, "LAMP").reserved) == ("ready", 2)
    second = hand_over(session, desk, placed)

    assert second.state == "collected"
    assert session.get(Reservation, placed.pickup.reservation_id, populate_existing=True).state == "collected"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 0)
    assert violations(session) == []


def test_a_part_is_handed_over_and_the_rest_can_be_sold_again(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))

    ended = hand_over(session, desk, placed, {"LAMP": 1}, rest="release")

    assert ended.state == "collected"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").available) == (2, 2)
    assert tasks(session) == [("put_back", "12", None)]
    assert violations(session) == []


@pytest.mark.parametrize("part", [{}, {"LAMP": 3}, {"LAMP": 0}, {"RUG": 1}])
def test_only_what_is_open_can_be_handed_over(session, part):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))

    with pytest.raises(InvalidRequest):
        hand_over(session, desk, placed, part)


def test_nothing_is_handed_over_twice_nor_before_it_is_ready(session):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    unready = place(session, desk, ("LAMP", 1), reference="#2")
    hand_over(session, desk, placed)

    with pytest.raises(Conflict) as twice:
        hand_over(session, desk, placed)
    with pytest.raises(Conflict) as early:
        hand_over(session, desk, unready)

    assert (twice.value.details["state"], early.value.details["state"]) == ("collected", "placed")
    assert level(session, "LAMP").on_hand == 1


def test_a_bundle_leaves_as_its_pieces_and_a_deposit_leaves_nothing(session):
    shelf(session, "CUP", pieces=10)
    article(session, "SET", components={"CUP": 4})
    article(session, "DEPOSIT", stocked=False)
    placed = a_ready_one(session, desk := a_desk(), ("SET", 2), ("DEPOSIT", 2))

    hand_over(session, desk, placed, {"SET": 1})
    assert level(session, "CUP").on_hand == 6
    hand_over(session, desk, placed, {"SET": 1})
    last = hand_over(session, desk, placed, {"DEPOSIT": 2})

    assert (last.state, level(session, "CUP").on_hand) == ("collected", 2)
    assert pickup.open_lines(session, placed.pickup.id) == {}
    assert violations(session) == []


def test_goods_whose_reservation_somebody_else_ended_are_not_handed_over_unseen(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    ends.end(session, [ends.End(placed.pickup.reservation_id, ends.How.RELEASE)], now=LATER)

    with pytest.raises(Conflict) as refused:
        hand_over(session, desk, placed)

    assert refused.value.code == "reservation-taken"
