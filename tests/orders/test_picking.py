from datetime import timedelta

import pytest

from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound
from omnisync.orders import picking, pickup
from omnisync.orders import tasks as todo
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LINDEN, MARKT, STAFF, Heard, a_desk, a_ready_one, place, tasks, violations
from tests.stock.shop import kinds, level, shelf

LATER = START + timedelta(hours=1)


def _line(session, placed, sku="LAMP"):
    [found] = [line for line in pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id] if line.sku == sku]
    return found


def test_a_pickup_is_packed_put_aside_and_waits(session):
    shelf(session, "LAMP", pieces=2)
    desk = a_desk(announce=(heard := Heard()))
    placed = place(session, desk, ("LAMP", 2))

    picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START)
    picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START, picked={"LAMP": 1})
    assert _line(session, placed).picked == 1
    ready = picking.ready(session, desk, placed.pickup.id, "12", actor=STAFF, now=LATER)

    assert (ready.state, ready.shelf, ready.ready_at) == ("ready", "12", LATER)
    assert _line(session, placed).picked == 2
    assert heard.kinds == ["placed", "picking", "ready"]


def test_a_pickup_that_is_ready_late_waits_as_long_as_one_that_was_ready_in_time(session):
    shelf(session, "LAMP", pieces=1)
    placed = place(session, a_desk(), ("LAMP", 1))
    promised = placed.pickup.collect_by

    late = picking.ready(session, a_desk(), placed.pickup.id, "12", actor=STAFF, now=START + timedelta(days=2))

    assert late.collect_by == promised + timedelta(days=1)


def test_each_piece_is_scanned_into_the_bag_by_any_barcode_of_its_article_or_its_sku(session):
    shelf(session, "LAMP", pieces=3)
    articles.put(session, [ArticleChange("LAMP", {}, barcodes=("4006381333931", "5901234123457"))], now=START)
    placed = place(session, desk := a_desk(), ("LAMP", 3))

    for number, code in enumerate((" 4006381333931", "5901234123457", "LAMP"), 1):
        picking.scan(session, desk, placed.pickup.id, code, actor=STAFF, now=START)
        assert _line(session, placed).picked == number

    with pytest.raises(Conflict) as refused:
        picking.scan(session, desk, placed.pickup.id, "LAMP", actor=STAFF, now=START)
    assert refused.value.code == "all-picked"
    assert _line(session, placed).picked == 3


def test_what_does_not_belong_to_the_pickup_is_not_scanned_into_its_bag(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "RUG", pieces=1)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(Conflict) as refused:
        picking.scan(session, desk, placed.pickup.id, "RUG", actor=STAFF, now=START)

    assert (refused.value.code, refused.value.details["sku"]) == ("not-in-pickup", "RUG")
    assert _line(session, placed).picked == 0


@pytest.mark.parametrize("again", [picking.pick, lambda *a, **k: picking.ready(*a, "13", **k)])
def test_what_is_ready_is_not_packed_again(session, again):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(Conflict) as refused:
        again(session, desk, placed.pickup.id, actor=STAFF, now=START)

    assert (refused.value.code, refused.value.details["state"]) == ("wrong-state", "ready")


def test_staff_of_another_store_neither_see_nor_change_it(session):
    shelf(session, "LAMP", pieces=1)
    placed = place(session, a_desk(), ("LAMP", 1))
    stranger = Actor("Toni", MARKT)

    with pytest.raises(Forbidden):
        pickup.load(session, placed.pickup.id, stranger)
    with pytest.raises(Forbidden):
        picking.pick(session, a_desk(), placed.pickup.id, actor=stranger, now=START)
    with pytest.raises(NotFound):
        pickup.load(session, "no such", STAFF)


@pytest.mark.parametrize(
    ("why", "kind", "off_sale", "jobs"),
    [
        (Why.NOT_FOUND, "missing", True, [("count", None, "LAMP")]),
        (Why.DAMAGED, "damaged", False, []),
        (Why.MISMATCH, "missing", False, [("count", None, "LAMP")]),
    ],
)
def test_a_reason_corrects_the_stock_at_once_and_leaves_the_rest_open(session, why, kind, off_sale, jobs):
    shelf(session, "LAMP", pieces=5)
    placed = place(session, desk := a_desk(), ("LAMP", 2))

    found = picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, why)], actor=STAFF, now=START)

    assert kinds(session, "LAMP") == ["hold", "released", kind, *["off_sale"] * off_sale]
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (4, 1)
    assert level(session, "LAMP").off_sale is off_sale
    assert tasks(session) == jobs
    assert (found.state, pickup.open_lines(session, found.id)) == ("placed", {"LAMP": 1})
    assert violations(session) == []


def test_what_was_not_found_is_not_sold_here_until_somebody_counts_it(session):
    shelf(session, "LAMP", pieces=5)
    placed = place(session, desk := a_desk(), ("LAMP", 1))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.NOT_FOUND)], actor=STAFF, now=START)
    assert level(session, "LAMP").available == 0

    ledger.record(session, [Entry(Kind.COUNT, "LAMP", LINDEN, 3, "count", LATER)], now=LATER)

    assert level(session, "LAMP").available == 3
    assert (todo.list_open(session, LINDEN), todo.count_open(session, LINDEN)) == ([], 0)


def test_with_nothing_left_the_pickup_is_cancelled(session):
    shelf(session, "LAMP", pieces=2)
    desk = a_desk(announce=(heard := Heard()))
    placed = place(session, desk, ("LAMP", 2))

    rejected = [Rejected("LAMP", 1, Why.DAMAGED), Rejected("LAMP", 1, Why.NOT_FOUND)]
    ended = picking.reject(session, desk, placed.pickup.id, rejected, actor=STAFF, now=START)

    assert ended.state == "cancelled"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 0)
    assert heard.kinds == ["placed", "rejected", "cancelled"]
    assert violations(session) == []


@pytest.mark.parametrize("rejected", [[], [Rejected("LAMP", 3, Why.DAMAGED)], [Rejected("RUG", 1, Why.DAMAGED)]])
def test_only_what_is_open_can_be_rejected(session, rejected):
    shelf(session, "LAMP", pieces=5)
    placed = place(session, desk := a_desk(), ("LAMP", 2))

    with pytest.raises(InvalidRequest):
        picking.reject(session, desk, placed.pickup.id, rejected, actor=STAFF, now=START)


def test_the_customer_is_to_be_asked_once_however_often_somebody_says_so(session):
    shelf(session, "LAMP", pieces=5)
    placed = place(session, desk := a_desk(), ("LAMP", 1))

    todo.ask(session, desk, placed.pickup, now=START)
    todo.ask(session, desk, placed.pickup, now=LATER)

    [asked] = todo.list_open(session, LINDEN)
    assert (todo.count_open(session, LINDEN), todo.count_open(session, MARKT)) == (1, 0)
    assert (asked.kind, asked.pickup_id, asked.created_at) == ("ask", placed.pickup.id, START)


def test_a_task_is_done_once_and_by_its_own_store(session):
    shelf(session, "LAMP", pieces=5)
    placed = place(session, desk := a_desk(), ("LAMP", 1))
    picking.reject(session, desk, placed.pickup.id, [Rejected("LAMP", 1, Why.MISMATCH)], actor=STAFF, now=START)
    [task] = todo.list_open(session, LINDEN)

    with pytest.raises(Forbidden):
        todo.done(session, task.id, Actor("Toni", MARKT), now=LATER)
    assert todo.done(session, task.id, STAFF, now=LATER).done_by == "Kim"
    with pytest.raises(Conflict):
        todo.done(session, task.id, STAFF, now=LATER)
