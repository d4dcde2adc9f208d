from datetime import timedelta

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from omnisync import db
from omnisync.errors import NotFound, OutOfStock
from omnisync.stock import ledger, reservations, shelves, shortages
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.ledger import Entry, Recorded
from omnisync.stock.tables import Shortage
from omnisync.values import Kind
from tests.conftest import START
from tests.stock.shop import LINDEN, a_request, hold, kinds, level, shelf, violations


def entry(kind: Kind, quantity: int, *, minutes: float = 0, key: str | None = None, **details: object) -> Entry:
    return Entry(kind, "LAMP", LINDEN, quantity, "test", START + timedelta(minutes=minutes), key=key, **details)


def test_what_a_till_sold_is_written_down_even_below_zero(session):
    shelf(session, "LAMP", pieces=1)

    ledger.record(session, [entry(Kind.SOLD, 3), Entry(Kind.SOLD, "VASE", LINDEN, 1, "test", START)], now=START)

    assert level(session, "LAMP").on_hand == -2
    found, total = shortages.stock_errors(session, limit=1)
    assert ([one.sku for one in found], total) == (["LAMP"], 2)
    assert violations(session) == []


def test_a_shelf_of_which_nobody_had_spoken_is_there_even_if_nothing_of_it_moved(session):
    ledger.record(session, [Entry(Kind.OFF_SALE, "VASE", LINDEN, 0, "test", START)], now=START)
    ledger.record(session, [Entry(Kind.COUNT, "CUP", LINDEN, 0, "test", START)], now=START)

    assert (level(session, "VASE").off_sale, level(session, "CUP").on_hand) == (True, 0)


def test_the_same_key_twice_is_one_movement_in_one_batch_and_in_two(session):
    shelf(session, "LAMP", pieces=5)

    first = ledger.record(session, [entry(Kind.SOLD, 1, key="pos:1/1"), entry(Kind.SOLD, 1, key="pos:1/1")], now=START)
    [again] = ledger.record(session, [entry(Kind.SOLD, 1, key="pos:1/1")], now=START)

    assert [outcome.duplicate for outcome in first] == [False, True]
    assert again == Recorded(duplicate=True)
    assert level(session, "LAMP").on_hand == 4


def test_a_sale_of_promised_pieces_opens_a_shortage_that_closes_when_goods_are_found(session):
    shelf(session, "LAMP", pieces=2)
    hold(session, "LAMP", 2)

    [sold] = ledger.record(session, [entry(Kind.SOLD, 1, key="pos:1")], now=START)
    [opened] = shortages.list_open(session)
    assert (sold.shortage, opened.quantity) == (1, 1)

    ledger.record(session, [entry(Kind.FOUND, 1)], now=START)
    assert shortages.list_open(session) == []
    assert [row.worst for row in session.exec(select(Shortage))] == [1]
    assert violations(session) == []


def test_a_shortage_can_open_again_at_the_same_moment(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP")

    for kind in (Kind.MISSING, Kind.FOUND, Kind.MISSING):
        ledger.record(session, [entry(kind, 1)], now=START)

    assert len(shortages.list_open(session)) == 1
    assert violations(session) == []


def test_a_count_of_now_makes_the_shelf_what_was_counted(session):
    shelf(session, "LAMP", pieces=9)

    ledger.record(session, [entry(Kind.COUNT, 7)], now=START)

    assert level(session, "LAMP").on_hand == 7


def test_a_count_of_the_past_keeps_what_was_sold_after_it(session):
    shelf(session, "LAMP", pieces=9)
    ledger.record(session, [entry(Kind.SOLD, 2, minutes=30)], now=START)

    ledger.record(session, [entry(Kind.COUNT, 5, minutes=10)], now=START)

    assert level(session, "LAMP").on_hand == 3


def test_a_count_and_later_sales_of_one_batch_agree_in_either_order(session):
    shelf(session, "LAMP", pieces=9)

    ledger.record(session, [entry(Kind.SOLD, 2, minutes=30), entry(Kind.COUNT, 5, minutes=10)], now=START)
    ledger.record(session, [entry(Kind.COUNT, 3, minutes=40), entry(Kind.SOLD, 1, minutes=50)], now=START)

    assert level(session, "LAMP").on_hand == 2


def test_a_fact_from_before_the_count_is_already_in_it(session):
    shelf(session, "LAMP", pieces=9)
    ledger.record(session, [entry(Kind.COUNT, 5, minutes=10)], now=START)

    ledger.record(session, [entry(Kind.SOLD, 2, minutes=5, key="pos:1")], now=START)
    ledger.record(session, [entry(Kind.SOLD, 2, minutes=5, key="pos:1")], now=START)

    assert level(session, "LAMP").on_hand == 5
    assert kinds(session, "LAMP") == ["count", "sold", "counted_already"]
    assert violations(session) == []


def test_an_older_count_that_arrives_later_does_not_undo_the_newer_one(session):
    shelf(session, "LAMP", pieces=9)
    ledger.record(session, [entry(Kind.COUNT, 5, minutes=10)], now=START)

    ledger.record(session, [entry(Kind.COUNT, 8, minutes=2)], now=START)

    assert level(session, "LAMP").on_hand == 5


def test_an_older_count_that_was_right_does_not_become_the_newest(session):
    shelf(session, "LAMP", pieces=5)
    for minutes in (10, 2):
        ledger.record(session, [entry(Kind.COUNT, 5, minutes=minutes)], now=START)

    ledger.record(session, [entry(Kind.SOLD, 1, minutes=5)], now=START)

    assert level(session, "LAMP").on_hand == 5


def test_what_was_not_found_stays_off_sale_until_somebody_counts_it(session):
    here = shelf(session, "LAMP", pieces=5)
    shelves.take_off_sale(session, [here], now=START)
    assert level(session, "LAMP").available == 0
    [refused] = reservations.reserve(session, [a_request(("LAMP", 1))], now=START)
    assert isinstance(refused, OutOfStock)

    ledger.record(session, [entry(Kind.FOUND, 1)], now=START)
    assert level(session, "LAMP").available == 0

    ledger.record(session, [entry(Kind.COUNT, 4, minutes=1)], now=START)
    assert level(session, "LAMP").available == 4


def test_goods_that_nobody_awaited_leave_incoming_at_zero(session):
    shelf(session, "LAMP", pieces=0)

    ledger.record(session, [entry(Kind.AWAITED, 3), entry(Kind.RECEIVED, 5)], now=START)

    found = level(session, "LAMP")
    assert (found.on_hand, found.incoming) == (5, 0)
    assert violations(session) == []


def test_no_more_is_unblocked_than_was_blocked(session):
    shelf(session, "LAMP", pieces=5)

    ledger.record(session, [entry(Kind.BLOCKED, 2), entry(Kind.UNBLOCKED, 3)], now=START)

    assert (level(session, "LAMP").blocked, level(session, "LAMP").available) == (0, 5)
    assert violations(session) == []


def test_the_second_booking_of_a_hand_over_moves_no_stock_and_stands_in_the_journal(session):
    shelf(session, "LAMP", pieces=2)

    ledger.record(session, [entry(Kind.SOLD, 1, physical=False)], now=START)

    assert level(session, "LAMP").on_hand == 2
    assert kinds(session, "LAMP") == ["sold"]


def test_a_negative_quantity_is_a_bug_of_the_caller(session):
    with pytest.raises(ValueError, match="never negative"):
        ledger.record(session, [entry(Kind.SOLD, -1)], now=START)


def test_facts_of_many_shelves_are_recorded_whole_or_not_at_all(engine):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    spoiled = entry(Kind.SOLD, 1, reason="\x00" if engine.dialect.name == "postgresql" else object())
    with pytest.raises((DBAPIError, ValueError)), db.transaction(engine) as session:
        ledger.record(session, [entry(Kind.SOLD, 1), spoiled], now=START)

    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 5


def test_a_count_from_before_a_shelf_was_found_empty_leaves_it_off_sale_also_in_one_batch(session):
    at = shelf(session, "LAMP", pieces=5)
    gone, counted = entry(Kind.OFF_SALE, 0, minutes=10), entry(Kind.COUNT, 4, minutes=5)

    ledger.record(session, [gone, counted], now=START + timedelta(minutes=20))

    assert level(session, at.sku).off_sale
    assert level(session, at.sku).on_hand == 4


def test_who_acts_on_a_shortage_that_is_over_or_never_was_is_told_so(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP")
    ledger.record(session, [entry(Kind.SOLD, 1)], now=START)
    [found] = shortages.list_open(session)

    assert shortages.totals(session) == (1, 1)
    for by in ("Kim", "Anna"):
        shortages.accept(session, found.id, by=by, now=START)
    assert found.accepted_by == "Kim"
    for look in (shortages.load_open, lambda session, number: shortages.accept(session, number, by="Kim", now=START)):
        with pytest.raises(NotFound):
            look(session, found.id + 1)


def test_what_a_change_sets_is_made_of_what_is_there_and_what_is_handed_in():
    new = sqlite.insert(shelves.balance).excluded

    changed, counted = shelves._added(new), shelves._counted(new)

    assert str(changed["on_hand"]) == "balance.on_hand + excluded.on_hand"
    assert set(changed) == {*QUANTITIES, "changed_at"}
    assert set(counted) == {*changed, "counted_at", "off_sale"}
