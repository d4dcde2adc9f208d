from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from omnisync.orders import handover
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LINDEN, STAFF, a_desk, a_ready_one, hand_over, violations
from tests.stock.shop import kinds, level, shelf

SOON = START + timedelta(minutes=5)


def _sale(session, desk, quantity=1, *, key="pos:4711/1", at=SOON, sku="LAMP"):
    """What reads the till does: ask which pieces were handed over already, then record the sale."""
    kind = Kind.SOLD if quantity > 0 else Kind.RETURNED
    location = desk.location(LINDEN)
    already = handover.rung_up(session, location, sku, quantity, sale_key=key, at=at, now=at)
    parts = [(abs(quantity) - already, True, key), (already, False, f"{key}/handed-over")]
    entries = [Entry(kind, sku, LINDEN, n, key, at, key=name, physical=moves) for n, moves, name in parts if n]
    ledger.record(session, entries, now=at)
    return already


def test_what_was_handed_over_first_is_not_sold_again_by_the_till(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("unpaid"), ("LAMP", 2))

    hand_over(session, desk, placed)
    assert len(handover.not_rung_up(session, LINDEN)) == 2
    assert _sale(session, desk, 3) == 2

    assert level(session, "LAMP").on_hand == 2
    assert kinds(session, "LAMP") == ["hold", "collected", "sold", "sold"]
    assert handover.not_rung_up(session, LINDEN) == []
    assert violations(session) == []


def test_what_the_till_rang_up_first_leaves_the_shelf_once_and_is_no_longer_reserved(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("unpaid"), ("LAMP", 2))

    assert _sale(session, desk, 2) == 0
    hand_over(session, desk, placed, now=SOON)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert kinds(session, "LAMP") == ["hold", "sold", "collected"]
    assert handover.not_rung_up(session) == []
    assert violations(session) == []


@pytest.mark.parametrize(
    ("at_till", "paid", "booked"),
    [("never", False, False), ("unpaid", False, True), ("unpaid", True, False), ("all", True, True)],
)
def test_only_hand_overs_that_the_till_books_are_matched(session, at_till, paid, booked):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk(at_till), ("LAMP", 1), paid=paid)

    hand_over(session, desk, placed)

    assert _sale(session, desk) == booked
    assert level(session, "LAMP").on_hand == (4 if booked else 3)


def test_an_ordinary_sale_without_a_pickup_waits_for_nothing(session):
    shelf(session, "LAMP", pieces=5)
    desk = a_desk("all")
    _sale(session, desk, 1)

    placed = a_ready_one(session, desk, ("LAMP", 1), now=SOON)
    hand_over(session, desk, placed, now=SOON)

    assert level(session, "LAMP").on_hand == 3
    assert len(handover.not_rung_up(session)) == 1


def test_the_same_sale_read_twice_is_answered_twice_and_matched_once(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))
    ordinary = "pos:1/1"
    _sale(session, desk, 1, key=ordinary, sku="LAMP")
    hand_over(session, desk, placed, now=SOON)

    again = [_sale(session, desk, 1, key=ordinary) for _ in range(3)]

    assert again == [0, 0, 0]
    assert level(session, "LAMP").on_hand == 4
    assert violations(session) == []


def test_a_match_that_came_second_is_answered_the_same_when_its_file_comes_again(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))
    hand_over(session, desk, placed)

    assert [_sale(session, desk), _sale(session, desk)] == [1, 1]
    assert level(session, "LAMP").on_hand == 4


def test_a_bag_of_last_week_has_nothing_to_do_with_todays_sale(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))
    hand_over(session, desk, placed)

    assert _sale(session, desk, at=START + timedelta(days=7)) == 0
    assert len(handover.not_rung_up(session, LINDEN)) == 1
    assert handover.not_rung_up(session, "markt") == []


def test_a_sale_that_was_taken_back_no_longer_waits_for_its_hand_over(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))

    _sale(session, desk, 1, key="pos:1/1")
    _sale(session, desk, -1, key="pos:2/1")
    hand_over(session, desk, placed, now=SOON)

    assert level(session, "LAMP").on_hand == 4
    assert len(handover.not_rung_up(session)) == 1


def test_a_customer_who_brings_a_collected_piece_back_puts_it_on_the_shelf(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))
    hand_over(session, desk, placed)
    _sale(session, desk, 1, key="pos:1/1")

    _sale(session, desk, -1, key="pos:2/1")

    assert level(session, "LAMP").on_hand == 5


def test_a_part_collected_in_two_visits_is_matched_piece_by_piece(session):
    shelf(session, "LAMP", pieces=5)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 3))

    hand_over(session, desk, placed, {"LAMP": 1})
    assert _sale(session, desk, 2, key="pos:1/1") == 1
    hand_over(session, desk, placed, now=SOON)
    assert _sale(session, desk, 1, key="pos:2/1") == 1

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.just("hand over"), st.integers(1, 3)), min_size=1, max_size=8))
def test_every_interleaving_of_hand_overs_and_sales_counts_each_piece_once(engine, steps):
    with Session(engine) as session:  # closed without a commit: every example begins with an empty ledger
        shelf(session, "LAMP", pieces=100)
        desk = a_desk("all")
        pickups = [a_ready_one(session, desk, ("LAMP", 2), reference=f"#{n}") for n in range(steps.count("hand over"))]
        handed = sold = 0
        for number, step in enumerate(steps):
            if step == "hand over":
                hand_over(session, desk, pickups.pop(), now=SOON)
                handed += 2
            else:
                _sale(session, desk, step, key=f"pos:{number}/1")
                sold += step

        assert level(session, "LAMP").on_hand == 100 - max(handed, sold)
        assert len(handover.not_rung_up(session)) == max(0, handed - sold)
        assert violations(session) == []


def test_staff_name_is_on_every_hand_over(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 1))

    assert hand_over(session, desk, placed).handed_over_by == STAFF.name
