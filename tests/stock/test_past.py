"""Shelves as they stood at some moment, from what had been recorded by then."""

from datetime import timedelta

from omnisync.stock import ledger, past
from omnisync.stock.ledger import Entry
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.stock.shop import LINDEN, level, shelf, violations

LAMP = Shelf(LINDEN, "LAMP")


def happened(session, kind, n, minutes, *, told=None, reason=None):
    at, now = (START + timedelta(minutes=one) for one in (minutes, minutes if told is None else told))
    ledger.record(session, [Entry(kind, LAMP.sku, LAMP.location, n, "test", at, reason=reason)], now=now)


def then(session, minutes):
    return past.levels(session, [LAMP], START + timedelta(minutes=minutes))[LAMP]


def test_a_shelf_went_off_sale_and_only_a_count_from_after_that_brought_it_back(session):
    shelf(session, "LAMP", pieces=9)
    happened(session, Kind.COUNT, 8, 10)
    happened(session, Kind.OFF_SALE, 0, 20)
    happened(session, Kind.COUNT, 7, 15, told=30)
    happened(session, Kind.COUNT, 9, 5, told=40)
    happened(session, Kind.COUNT, 6, 50)

    assert [then(session, minutes).off_sale for minutes in (10, 20, 30, 40, 50)] == [False, True, True, True, False]
    assert [then(session, minutes).on_hand for minutes in (0, 10, 30, 50)] == [9, 8, 7, 6]
    assert then(session, 60) == level(session, "LAMP")
    assert past.levels(session, [], START) == {}
    assert violations(session) == []


def test_what_was_not_for_sale_is_told_with_what_was_left_of_each_reason(session):
    shelf(session, "LAMP", pieces=9)
    for minutes, (kind, n, why) in enumerate((
        (Kind.BLOCKED, 3, "display"), (Kind.BLOCKED, 2, "damaged"), (Kind.UNBLOCKED, 1, "damaged"), (Kind.UNBLOCKED, 4, "somebody"),
    )):  # fmt: skip
        happened(session, kind, n, minutes, reason=why)

    reasons = [past.blocked_reasons(session, LAMP, START + timedelta(minutes=at)) for at in range(4)]

    assert reasons == [{"display": 3}, {"display": 3, "damaged": 2}, {"display": 3, "damaged": 1}, {}]
