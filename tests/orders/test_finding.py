from datetime import timedelta

import pytest

from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
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


def named(session, scanned, location=LINDEN, **more):
    those = finding.named(session, location, scanned, **more)
    return None if those is None else [one.number for one in those]


def with_barcode(session, sku="LAMP", code="4006381333931"):
    articles.put(session, [ArticleChange(sku, {}, barcodes=(code,))], now=START)


@pytest.mark.parametrize("scanned", ["4006381333931", "04006381333931", "LAMP", " LAMP "])
def test_an_articles_barcode_finds_the_pickups_that_still_hold_it(session, scanned):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "CHAIR", pieces=9)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    with_barcode(session)
    desk = a_desk()
    done, gone = (a_ready_one(session, desk, ("LAMP", 1)) for _ in range(2))
    hand_over(session, desk, done, now=START)
    ending.cancel(session, desk, gone.pickup.id, reason="customer", actor=OFFICE, now=START)
    place(session, desk, ("LAMP", 1), now=LATER)
    place(session, desk, ("CHAIR", 1), now=START)
    place(session, desk, ("LAMP", 1), location=MARKT)
    short = place(session, desk, ("LAMP", 1), ("CHAIR", 1), now=START)
    a_ready_one(session, desk, ("LAMP", 1))
    missing = [Rejected("LAMP", 1, Why.DAMAGED)]
    picking.reject(session, desk, short.pickup.id, missing, actor=STAFF, now=START)

    assert named(session, scanned) == found(session, scanned) == ["L-1006", "L-1003"]
    assert named(session, scanned, limit=1) == ["L-1006"]


def test_a_scanned_number_is_that_pickup_alone_in_whatever_state(session):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    desk = a_desk()
    done = a_ready_one(session, desk, ("LAMP", 1))
    hand_over(session, desk, done, now=START)
    place(session, desk, ("LAMP", 1), location=MARKT)

    assert named(session, " l-1001 ") == ["L-1001"]
    assert named(session, "L-1") is None
    assert named(session, "M-1001") is None, "it is another store's"


def test_an_article_that_no_pickup_holds_is_known_as_one_and_anything_else_can_be_a_code_only(session):
    shelf(session, "LAMP", pieces=9)
    with_barcode(session)

    assert named(session, "4006381333931") == []
    assert [named(session, scanned) for scanned in ("K7Q4-X9RT", "", "Anna")] == [None, None, None]
