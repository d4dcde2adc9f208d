from datetime import timedelta

import pytest

from omnisync.errors import Conflict
from omnisync.orders import acts, handing, handover, pickup, undoing
from omnisync.orders.handing import AgeUnchecked, ByCode
from omnisync.orders.undoing import UndoOver, Wrong
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LINDEN, STAFF, Heard, a_desk, a_ready_one, hand_over, place, tasks, violations
from tests.stock.shop import article, kinds, level, shelf

SOON = START + timedelta(seconds=9)
LATER = START + timedelta(hours=1)


def take_back(session, desk, placed, *, now=SOON, why=None):
    return undoing.take_back(session, desk, placed.pickup.id, actor=STAFF, now=now, why=why)


def test_a_hand_over_is_taken_back_with_a_movement_of_its_own(session):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk(announce=(heard := Heard()))
    placed = a_ready_one(session, desk, ("LAMP", 2))
    hand_over(session, desk, placed)

    back = take_back(session, desk, placed)

    assert (back.state, back.ended_at, back.collected_how, back.handed_over_by) == ("ready", None, None, None)
    assert kinds(session, "LAMP") == ["hold", "collected", "handed_back"]
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 2)
    assert heard.kinds[-1] == "handed_back"
    assert acts.of(session, placed.pickup.id)[-1].by == "Kim"
    assert violations(session) == []


def test_what_was_taken_back_is_handed_over_once_more(session):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    for _ in range(2):
        hand_over(session, desk, placed)
        take_back(session, desk, placed)

    assert hand_over(session, desk, placed).state == "collected"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 0)
    assert violations(session) == []


def test_only_the_last_hand_over_of_parts_is_taken_back(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))
    hand_over(session, desk, placed, {"LAMP": 1}, now=START)
    hand_over(session, desk, placed, {"LAMP": 2}, now=SOON)

    assert take_back(session, desk, placed).state == "ready"
    with pytest.raises(Conflict):
        take_back(session, desk, placed)

    assert pickup.open_lines(session, placed.pickup.id) == {"LAMP": 2}
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 2)
    assert violations(session) == []


def test_after_ten_seconds_it_takes_a_reason_and_after_a_day_it_is_a_return(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    hand_over(session, desk, placed)

    with pytest.raises(UndoOver):
        take_back(session, desk, placed, now=START + timedelta(seconds=11))
    with pytest.raises(UndoOver):
        take_back(session, desk, placed, now=START + timedelta(hours=25), why=Wrong.MISTAKE)
    assert kinds(session, "LAMP") == ["hold", "collected"]
    corrected = take_back(session, desk, placed, now=LATER, why=Wrong.WRONG_BAG)

    assert corrected.state == "ready"
    assert acts.of(session, placed.pickup.id)[-1].details["why"] == "wrong_bag"
    assert violations(session) == []


def test_what_was_never_handed_over_cannot_be_taken_back(session):
    shelf(session, "LAMP", pieces=2)
    ready = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    placed = place(session, desk, ("LAMP", 1), reference="#2")

    for one in (ready, placed):
        with pytest.raises(Conflict) as refused:
            take_back(session, desk, one)
        assert refused.value.details["state"] == one.pickup.state
    assert undoing.last(session, pickup.load(session, ready.pickup.id, STAFF)) is None


def test_what_the_shop_says_was_handed_over_is_not_ours_to_take_back(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1), channel="webshop", reference="#1")
    handing.hear(session, desk, pickup.load(session, placed.pickup.id, STAFF), now=START)

    with pytest.raises(Conflict):
        take_back(session, desk, placed)


def test_a_rest_that_went_back_on_sale_is_held_again(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))
    hand_over(session, desk, placed, {"LAMP": 1}, rest="release")
    assert [kind for kind, _, _ in tasks(session)] == ["put_back"]

    take_back(session, desk, placed)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 3)
    assert pickup.open_lines(session, placed.pickup.id) == {"LAMP": 3}
    assert tasks(session) == []
    assert violations(session) == []


def test_a_rest_that_somebody_else_got_meanwhile_is_missing(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))
    hand_over(session, desk, placed, {"LAMP": 1}, rest="release")
    place(session, desk, ("LAMP", 1), reference="#2")

    take_back(session, desk, placed)

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.collected, line.rejected, pickup.open_quantity(line)) == (0, 2, 1)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 2)
    assert [kind for kind, _, _ in tasks(session)] == ["put_back"]
    assert violations(session) == []


def test_a_count_made_in_between_has_seen_the_piece(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    hand_over(session, desk, placed)
    counted = Entry(Kind.COUNT, "LAMP", LINDEN, 3, "count", START + timedelta(minutes=5))
    ledger.record(session, [counted], now=START + timedelta(minutes=5))

    take_back(session, desk, placed, now=LATER, why=Wrong.LEFT_HERE)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 1)
    assert violations(session) == []


def test_deposits_come_back_without_any_movement_and_bundles_as_their_pieces(session):
    shelf(session, "CUP", pieces=8)
    article(session, "SET", components={"CUP": 4})
    article(session, "DEPOSIT", stocked=False)
    placed = a_ready_one(session, desk := a_desk(), ("SET", 1), ("DEPOSIT", 1))

    hand_over(session, desk, placed, {"DEPOSIT": 1})
    take_back(session, desk, placed)
    assert kinds(session, "CUP") == ["hold"]
    hand_over(session, desk, placed)
    take_back(session, desk, placed)

    assert (level(session, "CUP").on_hand, level(session, "CUP").reserved) == (8, 4)
    assert pickup.open_lines(session, placed.pickup.id) == {"DEPOSIT": 1, "SET": 1}
    assert violations(session) == []


def rung_up(session, desk, n, key, at=START):
    """The till books so many lamps, in the way the intake of orders does."""
    known = handover.rung_up(session, desk.location(LINDEN), "LAMP", n, sale_key=key, at=at, now=at)
    for pieces, physical in ((n - known, True), (known, False)):
        if pieces:
            sale = Entry(Kind.SOLD, "LAMP", LINDEN, pieces, key, at, key=f"{key}/{physical}", physical=physical)
            ledger.record(session, [sale], now=at)


@pytest.mark.parametrize("till_first", [True, False])
def test_what_the_till_has_rung_up_stays_sold_and_meets_the_next_hand_over(session, till_first):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk("all"), ("LAMP", 2))
    if till_first:
        rung_up(session, desk, 1, "till:1")
    hand_over(session, desk, placed)
    if not till_first:
        rung_up(session, desk, 1, "till:1")

    take_back(session, desk, placed)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 2)
    assert handover.not_rung_up(session, LINDEN) == []
    assert violations(session) == []
    hand_over(session, desk, placed)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert len(handover.not_rung_up(session, LINDEN)) == 1
    rung_up(session, desk, 1, "till:2")
    assert level(session, "LAMP").on_hand == 1
    assert violations(session) == []


def test_an_age_must_be_checked_and_the_timeline_keeps_that(session):
    article(session, "GIN", min_age=18)
    shelf(session, "GIN", pieces=2)
    article(session, "BASKET", components={"GIN": 1})
    placed = a_ready_one(session, desk := a_desk(), ("BASKET", 1), ("GIN", 1))

    with pytest.raises(AgeUnchecked) as refused:
        hand_over(session, desk, placed, {"BASKET": 1})
    assert refused.value.details["min_age"] == 18
    assert kinds(session, "GIN") == ["hold"]
    proof = ByCode(placed.code)
    handing.collect(session, desk, placed.pickup.id, proof, actor=STAFF, now=START, age_checked=True)

    assert acts.of(session, placed.pickup.id)[-1].details["age_checked"] == 18


def test_nobody_is_asked_for_their_age_who_takes_a_lamp_only(session):
    shelf(session, "LAMP", pieces=1)
    article(session, "GIN", min_age=18)
    shelf(session, "GIN", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1), ("GIN", 1))

    hand_over(session, desk, placed, {"LAMP": 1})

    assert "age_checked" not in acts.of(session, placed.pickup.id)[-1].details
