from itertools import permutations

import pytest

from omnisync.errors import Conflict, Forbidden, InvalidRequest, OutOfStock, Refused
from omnisync.orders import ending, hours, picking, pickup, sending, transfer
from omnisync.orders import tasks as jobs
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger, reservations, transfers
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import (
    LAGER,
    LINDEN,
    MARKT,
    STAFF,
    a_desk,
    a_ready_one,
    hand_over,
    place,
    send,
    tasks,
    violations,
)
from tests.orders.test_intake import a_line, an_order, take
from tests.stock.shop import kinds, level, shelf

THERE = Actor("Toni", MARKT)


def arrive(session, desk, part=None, actor=STAFF, **more):
    """Everything that is on its way to Lindenstraße comes."""
    found = transfers.page(session, LINDEN, on_the_way=True)
    return [sending.receive(session, desk, one.id, part, actor=actor, now=START, **more) for one in found]


def bring(session, desk, placed, location=MARKT, how="customer_goes"):
    agreed = "phone" if how == "customer_goes" else None
    return transfer.transfer(session, desk, placed.pickup.id, location, how, actor=STAFF, now=START, agreed=agreed)


def test_the_customer_goes_to_another_store_with_the_same_code_and_number(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    moved = bring(session, desk, placed)

    assert (moved.location, moved.state, moved.shelf, moved.number) == (MARKT, "placed", None, "L-1001")
    assert (level(session, "LAMP").available, level(session, "LAMP", MARKT).available) == (1, 0)
    assert tasks(session) == [("put_back", "12", None)]
    there = Actor("Toni", MARKT)
    picking.ready(session, desk, moved.id, "3", actor=there, now=START)
    assert desk.codes.opens(placed.code, moved.code_hash)
    assert violations(session) == []


def test_a_pickup_for_a_part_of_its_order_takes_nothing_more_of_it_when_it_changes_places(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=4, location=MARKT)
    take(session, an_order(a_line(3)))
    of_it = {"reference": "#1001", "channel": "webshop"}
    placed = place(session, desk := a_desk(), ("LAMP", 1), **of_it)

    bring(session, desk, placed, how="goods_come")
    bring(session, desk, placed)

    assert (level(session, "LAMP").reserved, level(session, "LAMP", MARKT).reserved) == (2, 1)
    take(session, an_order(a_line(3), minutes=5))
    assert (level(session, "LAMP").reserved, level(session, "LAMP", MARKT).reserved) == (2, 1)
    assert violations(session) == []


@pytest.mark.parametrize("how", ["customer_goes", "goods_come"])
def test_where_the_other_location_has_too_few_everything_stays_as_it_was(session, how):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    before = kinds(session, "LAMP")

    with pytest.raises(OutOfStock):
        bring(session, desk, placed, how=how)

    assert kinds(session, "LAMP") == before
    assert pickup.load(session, placed.pickup.id, STAFF).location == LINDEN
    assert violations(session) == []


def test_a_piece_that_was_not_found_comes_from_another_store(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    placed = place(session, desk := a_desk(transfer_days=2), ("LAMP", 2))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)

    moved = bring(session, desk, placed, how="goods_come")

    assert (moved.location, moved.state) == (LINDEN, "placed")
    assert moved.ready_by == hours.after_transfer(START, desk.location(LINDEN))
    assert pickup.open_lines(session, moved.id) == {"LAMP": 2}
    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (5, 1)
    assert violations(session) == []
    send(session, desk)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved, level(session, "LAMP").incoming) == (
        1,
        1,
        1,
    )
    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (4, 0)
    with pytest.raises(Conflict) as coming:
        picking.ready(session, desk, moved.id, "12", actor=STAFF, now=START)
    assert coming.value.code == "goods-coming"
    arrive(session, desk)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved, level(session, "LAMP").incoming) == (
        2,
        2,
        0,
    )
    assert violations(session) == []


def test_goods_that_nobody_waits_for_any_more_are_free_when_they_come(session):
    shelf(session, "LAMP", pieces=4)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    placed = place(session, desk := a_desk(), ("LAMP", 2))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)
    bring(session, desk, placed, how="goods_come")
    send(session, desk)
    for there, actor in ((MARKT, STAFF), (LINDEN, Actor("Toni", MARKT))):
        transfer.transfer(
            session, desk, placed.pickup.id, there, "customer_goes", actor=actor, now=START, agreed="in_store"
        )

    arrive(session, desk)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (4, 2)
    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected) == (0, 0)
    assert violations(session) == []


def test_what_is_off_sale_here_can_come_from_elsewhere(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=5, location=LAGER)
    placed = place(session, desk := a_desk(), ("LAMP", 2))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.NOT_FOUND)], actor=STAFF, now=START)

    moved = bring(session, desk, placed, LAGER, "goods_come")
    arrive(session, desk)
    picking.ready(session, desk, moved.id, "12", actor=STAFF, now=START)
    hand_over(session, desk, placed)

    assert (level(session, "LAMP").reserved, level(session, "LAMP").off_sale) == (0, True)
    assert level(session, "LAMP", LAGER).on_hand == 4
    assert violations(session) == []


def test_pieces_that_come_although_none_were_rejected_can_be_sold_here(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    bring(session, desk, placed, how="goods_come")
    send(session, desk)
    assert (level(session, "LAMP").available, level(session, "LAMP").incoming) == (0, 1)
    arrive(session, desk)

    assert (level(session, "LAMP").available, level(session, "LAMP").reserved) == (1, 1)
    assert violations(session) == []


def test_pieces_that_come_to_an_overdrawn_shelf_belong_to_older_promises(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    place(session, desk := a_desk(), ("LAMP", 1))
    placed = place(session, desk, ("LAMP", 2), reference="#2")
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)
    bring(session, desk, placed, how="goods_come")
    ledger.record(session, [ledger.Entry(Kind.SOLD, "LAMP", LINDEN, 2, "pos:1", START)], now=START)

    arrive(session, desk)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 2)
    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.rejected, line.coming) == (1, 0)
    assert violations(session) == []


def rejected_and_sent(session, desk, pieces=2, off=True):
    """A pickup of so many lamps, all but one of which are damaged here and come from the other store."""
    shelf(session, "LAMP", pieces=pieces)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    placed = place(session, desk, ("LAMP", pieces))
    gone = [Rejected("LAMP", pieces - 1, Why.DAMAGED)]
    picking.reject(session, desk, placed.pickup.id, gone, actor=STAFF, now=START)
    bring(session, desk, placed, how="goods_come")
    assert violations(session) == []
    if off:
        send(session, desk)
    return placed


def test_goods_may_come_in_parts_and_some_never(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=5)
    arrive(session, desk, {"LAMP": 2})
    assert (level(session, "LAMP").reserved, level(session, "LAMP").incoming) == (3, 2)
    with pytest.raises(InvalidRequest):
        arrive(session, desk, {"LAMP": 3})

    [transfer] = arrive(session, desk, {"LAMP": 1}, rest="lost")

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected, transfer.received_by) == (0, 1, "Kim")
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved, level(session, "LAMP").incoming) == (
        4,
        4,
        0,
    )
    picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=START)
    with pytest.raises(Conflict) as twice:
        sending.receive(session, desk, transfer.id, actor=STAFF, now=START)
    assert twice.value.code == "already-received"
    assert violations(session) == []


def test_pieces_on_their_way_are_nobodys_and_cannot_be_rejected_or_picked(session):
    placed = rejected_and_sent(session, desk := a_desk())

    with pytest.raises(InvalidRequest):
        picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 2, Why.DAMAGED)], actor=STAFF, now=START)
    with pytest.raises(InvalidRequest):
        picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START, picked={"LAMP": 2})
    with pytest.raises(OutOfStock):
        place(session, desk, ("LAMP", 1), reference="#2")

    assert tasks(session) == [("receive", None, None)]
    assert violations(session) == []


def test_what_arrives_for_a_pickup_that_has_ended_can_be_sold(session):
    placed = rejected_and_sent(session, desk := a_desk())
    ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=START)
    assert violations(session) == []

    arrive(session, desk)

    assert (level(session, "LAMP").available, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


def test_everything_here_is_rejected_while_the_rest_is_on_its_way(session):
    placed = rejected_and_sent(session, desk := a_desk())
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)
    assert violations(session) == []

    arrive(session, desk)
    picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=START)
    hand_over(session, desk, placed)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 0)
    assert violations(session) == []


def test_only_the_store_it_goes_to_receives_a_transfer(session):
    rejected_and_sent(session, desk := a_desk())

    with pytest.raises(Forbidden):
        arrive(session, desk, actor=Actor("Toni", MARKT))


def test_a_pickup_goes_neither_nowhere_nor_where_nothing_is_collected(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=LAGER)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(InvalidRequest):
        bring(session, desk, placed, LINDEN)
    with pytest.raises(Conflict) as refused:
        bring(session, desk, placed, LAGER)
    assert refused.value.code == "no-pickup"


def test_what_was_collected_does_not_travel(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    hand_over(session, desk, placed)

    with pytest.raises(Conflict) as refused:
        bring(session, desk, placed)

    assert refused.value.details["state"] == "collected"


def test_who_finishes_the_task_of_an_arrival_has_received_it(session):
    placed = rejected_and_sent(session, desk := a_desk())
    [task] = [one for one in jobs.list_open(session, LINDEN) if one.kind == "receive"]

    sending.finish(session, desk, task.id, actor=STAFF, now=START)

    assert level(session, "LAMP").reserved == 2
    picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=START)
    assert violations(session) == []


def test_the_task_of_an_arrival_closes_with_its_receipt(session):
    rejected_and_sent(session, desk := a_desk())

    arrive(session, desk)

    assert [one.kind for one in jobs.list_open(session, LINDEN)] == []


def test_pieces_that_nobody_has_sent_lie_where_a_count_finds_them(session):
    rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)
    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).available) == (9, 7)

    ledger.record(session, [ledger.Entry(Kind.COUNT, "LAMP", MARKT, 9, "count:1", START)], now=START)
    send(session, desk)
    arrive(session, desk)

    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (7, 0)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 3)
    assert violations(session) == []


def test_a_cancelled_pickup_gives_back_what_nobody_has_sent_and_nobody_is_asked_to(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)

    ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=START)

    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).available) == (9, 9)
    assert (level(session, "LAMP").available, level(session, "LAMP").incoming) == (1, 0)
    assert tasks(session) == []
    assert transfers.page(session, None, on_the_way=True) == []
    assert violations(session) == []


def test_a_pickup_that_goes_to_another_store_calls_off_what_was_to_come(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=2, off=False)

    bring(session, desk, placed)

    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (9, 2)
    assert [task for task in tasks(session) if task[0] in ("send", "receive")] == []
    assert violations(session) == []


def test_what_arrives_was_sent_whether_or_not_somebody_said_so(session):
    rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)

    arrive(session, desk)

    assert (level(session, "LAMP", MARKT).on_hand, level(session, "LAMP", MARKT).reserved) == (7, 0)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 3)
    assert tasks(session) == []
    assert violations(session) == []


def test_what_nobody_sent_is_not_lost_on_its_way_but_given_back(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)

    arrive(session, desk, {}, rest="lost")

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected) == (0, 2)
    assert level(session, "LAMP", MARKT).available == 9
    assert "missing" not in kinds(session, "LAMP")
    assert tasks(session) == []
    assert violations(session) == []


def test_what_is_to_be_sent_and_was_sold_over_the_counter_is_a_shortage_there(session):
    rejected_and_sent(session, a_desk(), pieces=3, off=False)

    ledger.record(session, [ledger.Entry(Kind.SOLD, "LAMP", MARKT, 8, "pos:1", START)], now=START)

    assert level(session, "LAMP", MARKT).short == 1
    assert violations(session) == []


def test_nobody_else_ends_what_is_held_for_a_transfer(session):
    placed = rejected_and_sent(session, a_desk(), off=False)
    [asked] = transfers.page(session, MARKT, on_the_way=True)
    takes = reservations.Request("other", (reservations.Line("LAMP", MARKT, 1),), None, takes=asked.id)

    [answer] = reservations.reserve(session, [takes], now=START)

    assert isinstance(answer, Conflict)
    assert placed.pickup.reservation_id != asked.id


STEPS = {
    "send": lambda session, desk, _: send(session, desk),
    "arrive": lambda session, desk, _: arrive(session, desk),
    "one comes": lambda session, desk, _: arrive(session, desk, {"LAMP": 1}),
    "none comes": lambda session, desk, _: arrive(session, desk, {}),
    "rest is called off or lost": lambda session, desk, _: arrive(session, desk, {}, rest="lost"),
    "cancel": lambda session, desk, placed: ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=START),
    "customer goes": lambda session, desk, placed: bring(session, desk, placed),
    "more come": lambda session, desk, placed: bring(session, desk, placed, how="goods_come"),
}


def test_whatever_becomes_of_a_transfer_nothing_appears_or_vanishes(session):
    for steps in permutations(STEPS, 2):
        with session.begin_nested() as world:
            nothing_appears_or_vanishes(session, steps)
            world.rollback()
        session.expunge_all()


def nothing_appears_or_vanishes(session, steps):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)
    shelf_pieces = level(session, "LAMP", MARKT).on_hand + level(session, "LAMP").on_hand

    for step in (*steps, "send", "arrive"):
        try:
            with session.begin_nested():
                STEPS[step](session, desk, placed)
        except Refused:
            continue
        lost = sum(line.lost for one in transfers.page(session, None, on_the_way=False) for line in lines(session, one))
        there = sum(level(session, "LAMP", store).on_hand for store in (LINDEN, MARKT))
        coming = level(session, "LAMP").incoming + level(session, "LAMP", MARKT).incoming
        assert there + coming + lost == shelf_pieces, steps
        assert violations(session) == [], steps


def lines(session, transfer):
    return transfers.lines_of(session, [transfer.id])[transfer.id]


@pytest.mark.parametrize("then", ["cancel", "customer goes"])
def test_a_pickup_can_end_although_all_that_was_here_is_rejected_and_the_rest_is_coming(session, then):
    placed = rejected_and_sent(session, desk := a_desk())
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.DAMAGED)], actor=STAFF, now=START)

    STEPS[then](session, desk, placed)
    arrive(session, desk)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert violations(session) == []


def test_nobody_is_sent_to_another_store_without_having_said_yes(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = place(session, desk := a_desk(), ("LAMP", 1))
    moving = session, desk, placed.pickup.id, MARKT, "customer_goes"

    with pytest.raises(InvalidRequest):
        transfer.transfer(*moving, actor=STAFF, now=START)
    moved = transfer.transfer(*moving, actor=STAFF, now=START, agreed="phone")

    assert (moved.agreed_how, moved.agreed_by, moved.agreed_at) == ("phone", "Kim", START)
