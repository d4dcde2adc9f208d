from datetime import UTC, datetime, timedelta

import pytest

from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import customers, ending, handing, picking
from omnisync.orders.pickup import Actor, load
from omnisync.orders.tables import Customer
from omnisync.values import parse_time
from tests.conftest import START
from tests.orders.counter import (
    COLLECT_BY,
    OFFICE,
    STAFF,
    Heard,
    a_desk,
    a_ready_one,
    hand_over,
    place,
    tasks,
    violations,
)
from tests.stock.shop import kinds, level, shelf

LATER = START + timedelta(hours=1)
TOO_LATE = COLLECT_BY + timedelta(minutes=1)


def test_an_unpaid_pickup_that_nobody_fetches_expires_and_leaves_its_bag_to_be_put_back(session):
    shelf(session, "LAMP", pieces=1)
    desk = a_desk(announce=(heard := Heard()))
    placed = a_ready_one(session, desk, ("LAMP", 1), paid=False)

    assert ending.expire_overdue(session, desk, now=COLLECT_BY - timedelta(seconds=1)) == 0
    assert ending.expire_overdue(session, desk, now=COLLECT_BY) == 1

    assert load(session, placed.pickup.id, OFFICE).state == "expired"
    assert level(session, "LAMP").available == 1
    assert tasks(session) == [("put_back", "12", None)]
    assert heard.kinds[-1] == "expired"
    assert violations(session) == []


def test_a_paid_pickup_that_nobody_fetches_is_a_case_and_keeps_its_pieces(session):
    shelf(session, "LAMP", pieces=1)
    desk = a_desk(announce=(heard := Heard()))
    placed = a_ready_one(session, desk, ("LAMP", 1), paid=True)

    for days in range(3):
        ending.expire_overdue(session, desk, now=TOO_LATE + timedelta(days=days))

    found = load(session, placed.pickup.id, OFFICE)
    assert (found.state, found.overdue) == ("ready", True)
    assert level(session, "LAMP").reserved == 1
    assert tasks(session) == [("overdue", "12", None)]
    assert heard.kinds.count("overdue") == 1


def test_the_customer_of_an_overdue_pickup_still_gets_it_and_the_case_is_closed(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1), paid=True)
    ending.expire_overdue(session, desk, now=TOO_LATE)

    collected = hand_over(session, desk, placed, now=TOO_LATE)

    assert (collected.state, collected.overdue) == ("collected", False)
    assert tasks(session) == []


def test_who_is_granted_more_time_is_no_longer_overdue(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1), paid=True)
    ending.expire_overdue(session, desk, now=TOO_LATE)
    longer = COLLECT_BY + timedelta(days=7)

    extended = ending.extend(session, desk, placed.pickup.id, longer, actor=STAFF, now=TOO_LATE)

    assert (extended.collect_by, extended.overdue, tasks(session)) == (longer, False, [])
    assert session.get(Customer, extended.customer_id).erase_after == longer + customers.RETENTION
    for until in (TOO_LATE, datetime.max.replace(tzinfo=UTC)):
        with pytest.raises(InvalidRequest):
            ending.extend(session, desk, placed.pickup.id, until, actor=STAFF, now=TOO_LATE)


@pytest.mark.parametrize(
    ("until", "opens"),
    [
        ("2026-11-29T11:00:00Z", "2026-11-30T08:30:00Z"),  # a Sunday
        ("2026-11-27T18:00:01Z", "2026-11-28T09:00:00Z"),  # a second after the doors close
        ("2026-12-25T11:00:00Z", "2026-12-28T08:30:00Z"),  # Christmas, and a weekend behind it
    ],
)
def test_nobody_is_told_to_come_while_the_store_is_closed(session, until, opens):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(InvalidRequest) as refused:
        ending.extend(session, desk, placed.pickup.id, parse_time(until), actor=STAFF, now=LATER)

    [error] = refused.value.details["errors"]
    assert error["field"] == "collect_by"
    assert error["message"] == f"Filiale Linden is closed at {until}; it opens next at {opens}."
    assert load(session, placed.pickup.id, OFFICE).collect_by == COLLECT_BY


def test_a_store_that_never_opens_names_no_next_opening(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, a_desk(), ("LAMP", 1))
    closed = a_desk(hours={"mon-sun": "closed"})

    with pytest.raises(InvalidRequest) as refused:
        ending.extend(session, closed, placed.pickup.id, COLLECT_BY + timedelta(days=1), actor=STAFF, now=LATER)

    [error] = refused.value.details["errors"]
    assert error["message"] == "Filiale Linden is closed at 2026-11-26T18:00:00Z."


@pytest.mark.parametrize("until", ["2026-11-27T08:30:00Z", "2026-11-27T18:00:00Z"])
def test_who_is_granted_more_time_may_come_as_the_doors_open_and_as_they_close(session, until):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    extended = ending.extend(session, desk, placed.pickup.id, parse_time(until), actor=STAFF, now=LATER)

    assert extended.collect_by == parse_time(until)


@pytest.mark.parametrize("put_aside", [False, True])
def test_a_cancelled_pickup_can_be_sold_again_at_once(session, put_aside):
    shelf(session, "LAMP", pieces=1)
    desk = a_desk()
    placed = (a_ready_one if put_aside else place)(session, desk, ("LAMP", 1))

    cancelled = ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=LATER)

    assert (cancelled.state, cancelled.ended_at) == ("cancelled", LATER)
    assert kinds(session, "LAMP") == ["hold", "released"]
    assert tasks(session) == ([("put_back", "12", None)] if put_aside else [])
    assert violations(session) == []


ENDS = {
    "collect": lambda session, desk, placed: hand_over(session, desk, placed),
    "cancel": lambda session, desk, placed: ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=LATER),
    "reject": lambda session, desk, placed: picking.reject(
        session, desk, placed.pickup.id, [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)], actor=STAFF, now=LATER
    ),
    "extend": lambda session, desk, placed: ending.extend(
        session, desk, placed.pickup.id, COLLECT_BY + timedelta(days=1), actor=STAFF, now=LATER
    ),
}


@pytest.mark.parametrize("first", ["collect", "cancel", "reject"])
@pytest.mark.parametrize("second", list(ENDS))
def test_a_pickup_ends_once(session, first, second):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    ended = ENDS[first](session, desk, placed)
    after = kinds(session, "LAMP")

    with pytest.raises(Conflict) as refused:
        ENDS[second](session, desk, placed)

    assert (refused.value.code, refused.value.details["state"]) == ("wrong-state", ended.state)
    assert kinds(session, "LAMP") == after
    assert ending.expire_overdue(session, desk, now=TOO_LATE) == 0
    assert violations(session) == []


def test_a_customer_is_forgotten_when_the_time_is_over_or_when_they_ask(session):
    shelf(session, "LAMP", pieces=2)
    one, other = (place(session, a_desk(), ("LAMP", 1), reference=name).pickup for name in ("#1", "#2"))

    assert customers.erase(session, [one.customer_id], now=LATER) == 1
    assert customers.erase_overdue(session, now=COLLECT_BY) == 0
    assert customers.erase_overdue(session, now=COLLECT_BY + customers.RETENTION) == 1

    names = [found.name for found in customers.by_id(session, [one.customer_id, other.customer_id]).values()]
    assert names == ["", ""]


def test_the_worker_may_look_after_all_stores(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    proof = handing.WithoutCode(handing.Reason.KNOWN)
    assert handing.collect(session, desk, placed.pickup.id, proof, actor=Actor("ops"), now=LATER).state == "collected"
