from datetime import timedelta

import pytest

from omnisync.orders import ending, finding, mark, picking
from omnisync.orders.customers import Person
from omnisync.orders.picking import Rejected, Why
from tests.conftest import START
from tests.orders.counter import LINDEN, MARKT, OFFICE, STAFF, a_desk, a_ready_one, hand_over, place
from tests.stock.shop import shelf

LATER = START + timedelta(minutes=5)


def found(session, wanted, location=LINDEN, **more):
    return [one.number for one in finding.find(session, location, wanted, **more)]


@pytest.mark.parametrize(
    "wanted", ["Özil", "özil", "ÖZIL", "anna", "zil Anna", "L-1001", "1001", "web#77", "WEB#77", "  özil   web#77 "]
)
def test_a_pickup_is_found_by_name_number_and_reference_whatever_the_case(session, wanted):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk()
    place(session, desk, ("LAMP", 1), customer=Person("Anna Özil"), reference="web#77")
    place(session, desk, ("LAMP", 1), customer=Person("Jonas Petersen"), reference="web#90")

    assert found(session, wanted) == ["L-1001"]


@pytest.mark.parametrize("wanted", ["", "   ", "Meier", "Anna Petersen", "%", "_", "L-1001 web#90"])
def test_what_nobody_is_called_finds_nobody(session, wanted):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk()
    place(session, desk, ("LAMP", 1), customer=Person("Anna Özil"), reference="web#77")
    place(session, desk, ("LAMP", 1), customer=Person("Jonas Petersen"), reference="web#90")

    assert found(session, wanted) == []


def test_open_pickups_come_first_and_those_of_another_store_not_at_all(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "LAMP", pieces=5, location=MARKT)
    desk = a_desk()
    done = [a_ready_one(session, desk, ("LAMP", 1), reference=name) for name in ("#1", "#2")]
    hand_over(session, desk, done[0], now=START)
    hand_over(session, desk, done[1], now=LATER)
    place(session, desk, ("LAMP", 1), reference="#3", now=LATER)
    place(session, desk, ("LAMP", 1), reference="#4", now=START)
    place(session, desk, ("LAMP", 1), reference="#5", location=MARKT)

    assert found(session, "Schubert") == ["L-1004", "L-1003", "L-1002", "L-1001"]
    assert found(session, "Schubert", limit=2) == ["L-1004", "L-1003"]
    assert found(session, "Schubert", MARKT) == ["M-1001"]


def test_the_mark_of_a_store_changes_with_whatever_is_done_there_and_with_nothing_else(session):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    desk, marks = a_desk(), [mark.of(session, LINDEN)]

    def changed():
        marks.append(mark.of(session, LINDEN))
        return marks[-1] != marks[-2]

    placed = place(session, desk, ("LAMP", 2))
    assert changed(), "placed"
    picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START)
    assert changed(), "accepted"
    picking.pick(session, desk, placed.pickup.id, picked={"LAMP": 1}, actor=STAFF, now=START)
    assert changed(), "picked"
    rejected = [Rejected("LAMP", 1, Why.NOT_FOUND)]
    picking.reject(session, desk, placed.pickup.id, rejected, actor=STAFF, now=START)
    assert changed(), "missing, with a task to count"
    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)
    assert changed(), "cancelled"
    place(session, desk, ("LAMP", 1), location=MARKT, reference="#2")
    assert not changed(), "another store"
