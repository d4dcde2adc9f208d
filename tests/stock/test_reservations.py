from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.errors import Conflict, InvalidRequest, Lack, NotFound, OutOfStock
from omnisync.stock import availability, backorders, ends, idempotency, ledger, promises, reservations, shelves
from omnisync.stock.ends import End, How
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Held
from omnisync.stock.tables import Idempotency
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.stock.shop import LINDEN, a_request, article, hold, kinds, level, shelf, until_somebody_waits, violations

LATER = START + timedelta(hours=1)


def test_a_hold_that_fits_is_granted_and_stands_in_the_journal(session):
    shelf(session, "LAMP", pieces=2)

    [held] = reservations.reserve(session, [a_request(("LAMP", 2))], now=START)

    assert isinstance(held, Held)
    assert (held.state, level(session, "LAMP").reserved, kinds(session, "LAMP")) == ("held", 2, ["hold"])
    assert violations(session) == []


def test_a_refused_hold_leaves_no_trace(session):
    shelf(session, "LAMP", pieces=1)

    [outcome] = reservations.reserve(session, [a_request(("LAMP", 2))], now=START)

    assert outcome == OutOfStock([Lack("LAMP", LINDEN, requested=2, available=1)])
    assert kinds(session, "LAMP") == []


def test_of_many_callers_for_the_last_pieces_just_as_many_are_granted(session):
    shelf(session, "LAMP", pieces=3)

    outcomes = reservations.reserve(session, [a_request(("LAMP", 1), id=f"r{n}") for n in range(10)], now=START)

    assert [isinstance(outcome, Held) for outcome in outcomes] == [True] * 3 + [False] * 7
    assert level(session, "LAMP").free == 0
    assert violations(session) == []


def test_a_request_with_many_lines_is_granted_whole_or_not_at_all(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "VASE", pieces=0)

    wanted = [a_request(("LAMP", 1), ("VASE", 1)), a_request(("LAMP", 5), id="r2")]
    [refused, held] = reservations.reserve(session, wanted, now=START)

    assert refused == OutOfStock([Lack("VASE", LINDEN, requested=1, available=0)])
    assert isinstance(held, Held)
    assert level(session, "LAMP").reserved == 5


def test_equal_lines_are_merged_before_they_are_decided(session):
    shelf(session, "LAMP", pieces=3)

    [refused] = reservations.reserve(session, [a_request(("LAMP", 2), ("LAMP", 2))], now=START)

    assert refused == OutOfStock([Lack("LAMP", LINDEN, requested=4, available=3)])


def test_bundles_are_exploded_and_summed(session):
    shelf(session, "CUP", pieces=5)
    shelf(session, "POT", pieces=1)
    article(session, "TEA-SET", components={"CUP": 4, "POT": 1})

    [held] = reservations.reserve(session, [a_request(("TEA-SET", 1), ("CUP", 1))], now=START)
    [refused] = reservations.reserve(session, [a_request(("TEA-SET", 1), id="r2")], now=START)

    assert isinstance(held, Held)
    assert (level(session, "CUP").reserved, level(session, "POT").reserved) == (5, 1)
    assert isinstance(refused, OutOfStock)


@pytest.mark.parametrize("kind", [Kind.SAFETY, Kind.BLOCKED])
def test_safety_and_blocked_pieces_are_not_promised(session, kind):
    shelf(session, "LAMP", pieces=3)
    ledger.record(session, [Entry(kind, "LAMP", LINDEN, 2, "staff:display", START)], now=START)

    outcomes = reservations.reserve(session, [a_request(("LAMP", 1)), a_request(("LAMP", 1), id="r2")], now=START)

    assert [type(outcome) for outcome in outcomes] == [Held, OutOfStock]


def test_an_article_nobody_knows_is_refused_by_name(session):
    [refused] = reservations.reserve(session, [a_request(("NO-SUCH", 1))], now=START)

    assert isinstance(refused, InvalidRequest)
    assert "NO-SUCH" in refused.details["errors"][0]["message"]


def test_gift_wrap_is_taken_along_and_never_enters_the_ledger(session):
    shelf(session, "LAMP", pieces=1)
    article(session, "WRAP", stocked=False)

    [held] = reservations.reserve(session, [a_request(("LAMP", 1), ("WRAP", 1))], now=START)

    assert isinstance(held, Held)
    assert kinds(session, "WRAP") == []


def test_collecting_takes_the_pieces_off_the_shelf_once(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 2)

    [first, second] = ends.end(session, [End("r1", How.COLLECT), End("r1", How.COLLECT)], now=START)

    assert first.state == "collected"
    assert second == Conflict("", code="already-collected", state="collected")
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert violations(session) == []


def test_a_part_is_collected_and_the_rest_given_back(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 3)

    ends.end(session, [End("r1", How.COLLECT, {Shelf(LINDEN, "LAMP"): 1})], now=START)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 0)
    assert kinds(session, "LAMP") == ["hold", "collected", "released"]


def test_a_part_is_collected_and_the_rest_stays_held_until_it_is_collected_too(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 3)

    [part] = ends.end(session, [End("r1", How.COLLECT, {Shelf(LINDEN, "LAMP"): 1}, keep_rest=True)], now=START)
    [rest] = ends.end(session, [End("r1", How.COLLECT)], now=START)

    assert (part.state, rest.state) == ("held", "collected")
    assert level(session, "LAMP").on_hand == 0
    assert violations(session) == []


def test_more_than_is_open_cannot_be_collected(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 1)

    [refused] = ends.end(session, [End("r1", How.COLLECT, {Shelf(LINDEN, "LAMP"): 2})], now=START)

    assert isinstance(refused, InvalidRequest)
    assert level(session, "LAMP").on_hand == 3


def test_a_hold_past_its_time_counts_as_expired_at_once(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP")

    [late] = ends.end(session, [End("r1", How.COLLECT)], now=LATER)

    assert late == Conflict("", code="already-expired", state="expired")


def test_a_reserve_that_would_refuse_first_expires_overdue_holds(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP")

    [held] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2")], now=LATER)

    assert isinstance(held, Held)
    assert kinds(session, "LAMP") == ["hold", "released", "hold"]
    assert violations(session) == []


def test_however_many_holds_of_other_articles_ran_out_before_it_an_overdue_hold_is_in_nobodys_way(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "VASE", pieces=2 * ends.PAGE + 1)
    of_vases = [a_request(("VASE", 1), id=f"vase-{n:04}", seconds=800) for n in range(2 * ends.PAGE + 1)]
    reservations.reserve(session, of_vases, now=START)
    hold(session, "LAMP")

    [held] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2")], now=LATER)

    assert isinstance(held, Held)
    assert ends.states(session, ["r1", "vase-0000"])["r1"].state == "expired"
    assert level(session, "VASE").reserved == 2 * ends.PAGE + 1, "nobody wanted these"
    assert ends.expire_overdue(session, now=LATER) == ends.OVERDUE_AT_ONCE
    assert violations(session) == []


def test_a_crowd_of_holds_that_ran_out_together_gives_way_to_one_that_wants_all_their_pieces(session):
    crowd = 2 * ends.PAGE + 1
    shelf(session, "LAMP", pieces=crowd)
    reservations.reserve(session, [a_request(("LAMP", 1), id=f"lamp-{n:04}") for n in range(crowd)], now=START)

    [held] = reservations.reserve(session, [a_request(("LAMP", crowd), id="all")], now=LATER)

    assert isinstance(held, Held)
    assert level(session, "LAMP").reserved == crowd


def test_a_hold_that_was_confirmed_or_has_ended_no_longer_expires(session):
    shelf(session, "LAMP", pieces=2)
    hold(session, "LAMP")
    hold(session, "LAMP", id="r2")

    ends.end(session, [End("r1", How.CONFIRM), End("r2", How.RELEASE)], now=START)

    assert ends.expire_overdue(session, now=LATER) == 0
    assert [ends.states(session, ["r1", "r2"])[name].state for name in ("r1", "r2")] == ["confirmed", "released"]
    assert level(session, "LAMP").reserved == 1


def test_holds_get_the_time_that_we_were_down_on_top(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP")

    ends.excuse_outage(session, down_since=START + timedelta(minutes=5), now=START + timedelta(minutes=35))

    assert ends.expire_overdue(session, now=START + timedelta(minutes=44)) == 0
    assert ends.expire_overdue(session, now=START + timedelta(minutes=46)) == 1


def test_an_earlier_hold_is_taken_over_once_also_by_fewer_and_by_more_pieces(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 2, owner="shop")

    taking = [a_request(("LAMP", 3), id=name, owner="shop", takes="r1", seconds=None) for name in ("p1", "p2")]
    [taken, second] = reservations.reserve(session, taking, now=START)

    assert taken.state == "confirmed"
    assert second == Conflict("", code="reservation-taken")
    assert level(session, "LAMP").reserved == 3
    assert violations(session) == []


def test_a_take_over_that_is_refused_leaves_the_earlier_hold_as_it_was(session):
    shelf(session, "LAMP", pieces=2)
    hold(session, "LAMP", 1, owner="shop")

    [refused] = reservations.reserve(session, [a_request(("LAMP", 3), id="p1", owner="shop", takes="r1")], now=START)

    assert refused == OutOfStock([Lack("LAMP", LINDEN, requested=3, available=2)])
    assert level(session, "LAMP").reserved == 1
    assert ends.states(session, ["r1"])["r1"].state == "held"


def test_a_hold_of_somebody_else_or_of_another_place_is_not_taken_over(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", owner="shop")

    [refused] = reservations.reserve(session, [a_request(("LAMP", 1), id="p1", owner="other", takes="r1")], now=START)

    assert refused == Conflict("", code="reservation-mismatch")


def test_a_hold_passes_on_pieces_of_a_shelf_that_facts_have_overdrawn(session):
    shelf(session, "LAMP", pieces=1)
    hold(session, "LAMP", owner="shop")
    ledger.record(session, [Entry(Kind.SOLD, "LAMP", LINDEN, 1, "pos:1", START, key="pos:1")], now=START)

    [taken] = reservations.reserve(session, [a_request(("LAMP", 1), id="p1", owner="shop", takes="r1")], now=START)

    assert isinstance(taken, Held)
    assert violations(session) == []


def test_the_last_piece_goes_to_who_asked_first_also_when_others_wait_for_the_same_order(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "VASE", pieces=1)
    ordered = {"channel": "webshop", "reference": "#1001"}
    requests = [
        a_request(("LAMP", 1), id="r1", **ordered),
        a_request(("VASE", 1), id="r2", **ordered),
        a_request(("VASE", 1), id="r3"),
    ]

    answers = reservations.reserve(session, requests, now=START)

    assert [isinstance(answer, Held) for answer in answers] == [True, True, False]


def test_a_take_over_that_needs_fewer_pieces_mends_the_shortage(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 3)
    ledger.record(session, [Entry(Kind.MISSING, "LAMP", LINDEN, 2, "floor", START)], now=START)

    [held] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2", takes="r1")], now=START)

    assert isinstance(held, Held)
    assert violations(session) == []


def test_of_what_nobody_finds_one_customer_does_not_get_what_another_gives_back_in_the_same_moment(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 3)
    ledger.record(session, [Entry(Kind.OFF_SALE, "LAMP", LINDEN, 0, "picked", START)], now=START)

    fewer, next_customer = a_request(("LAMP", 1), id="r2", takes="r1"), a_request(("LAMP", 1), id="r3")
    [held, refused] = reservations.reserve(session, [fewer, next_customer], now=START)

    assert isinstance(held, Held)
    assert refused == OutOfStock([Lack("LAMP", LINDEN, requested=1, available=0)])
    assert level(session, "LAMP").reserved == 1
    assert violations(session) == []


def test_what_nobody_wants_changes_nothing(session):
    here = shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 2)

    assert ends.excuse_outage(session, down_since=START, now=START - timedelta(minutes=1)) == 0
    assert (availability.levels(session, []), shelves.take_off_sale(session, [], now=START)) == ({}, None)
    backorders.follow(session, [], cause="test", now=START)
    assert promises.make(session, [], now=START) == []
    with pytest.raises(NotFound):
        ends.end_one(session, End("r9", How.RELEASE), now=START)

    assert level(session, here.sku).reserved == 2


def test_an_order_gives_its_reservation_what_it_asks_for_and_keeps_the_rest(session):
    for sku in ("CUP", "LAMP", "VASE"):
        here = shelf(session, sku, pieces=3)
        wanted = promises.Wanted("web", "#1", "web:1", sku, here, 2, START)
        promises.make(session, [wanted], now=START)

    request = a_request(("LAMP", 1), channel="web", reference="#1")
    [held] = reservations.reserve(session, [request], now=START)

    assert held.state == "confirmed"
    assert {sku: level(session, sku).reserved for sku in ("CUP", "LAMP", "VASE")} == {"CUP": 2, "LAMP": 2, "VASE": 2}
    assert promises.open_of_order(session, "web:1") == {("CUP", "CUP"): 2, ("LAMP", "LAMP"): 1, ("VASE", "VASE"): 2}
    assert violations(session) == []


def test_a_hold_of_which_its_shop_knows_the_end_is_not_taken_over(session):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP")
    ends.end_one(session, End("r1", How.RELEASE), now=START)

    [refused] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2", takes="r1")], now=START)

    assert refused.code == "already-released"


def test_a_promise_moves_only_where_there_are_the_pieces_for_it(session):
    here = shelf(session, "LAMP", pieces=3)
    shelf(session, "LAMP", pieces=1, location="markt")
    promises.make(session, [promises.Wanted("web", "#1", "web:1", "1", here, 2, START)], now=START)
    [promise] = promises.of_line(session, "web:1", "1")

    with pytest.raises(OutOfStock):
        promises.move(session, promise.id, 2, "markt", now=START)
    for name, pieces in ((promise.id, 3), ("nobody's", 1)):
        with pytest.raises(Conflict, match="Less than that"):
            promises.move(session, name, pieces, "markt", now=START)

    assert (level(session, "LAMP").reserved, level(session, "LAMP", "markt").reserved) == (2, 0)
    assert availability.available(level(session, "LAMP")._replace(off_sale=True)) == 0
    assert violations(session) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer
def test_of_two_who_speak_of_a_shelf_for_the_first_time_both_are_heard(engine):
    with db.transaction(engine) as session:
        article(session, "LAMP")

    def sells():
        with db.transaction(engine) as session:
            ledger.record(session, [Entry(Kind.SOLD, "LAMP", LINDEN, 1, "till 2", START)], now=START)

    with ThreadPoolExecutor(1) as thread, db.transaction(engine) as first:
        ledger.record(first, [Entry(Kind.FOUND, "LAMP", LINDEN, 3, "till 1", START)], now=START)
        waiting = thread.submit(sells)
        until_somebody_waits(first)
        first.commit()
        waiting.result()

    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 2
        assert violations(session) == []


def test_a_reservation_that_ended_under_our_lock_rolls_everything_back(session):
    """No lock of ours lets this happen: the guard stands there for the day on which one is forgotten."""
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP")
    connection = session.connection()

    def somebody_else(connection, cursor, statement, *rest):
        if statement.startswith("UPDATE reservation"):
            cursor.execute("UPDATE reservation SET state = 'collected' WHERE state = 'held'")

    sa.event.listen(connection, "before_cursor_execute", somebody_else)
    with pytest.raises(shelves.GuardBroken):
        ends.end_one(session, End("r1", How.CONFIRM), now=START)

    sa.event.remove(connection, "before_cursor_execute", somebody_else)
    session.rollback()


def test_keys_are_forgotten_after_a_week(session):
    row = {"scope": "s", "key": "k", "body_hash": b"", "status": 200, "answer": b"", "at": START}
    db.insert_all(session, db.table(Idempotency), [row])

    assert idempotency.forget(session, now=START + timedelta(days=6)) == 0
    assert idempotency.forget(session, now=START + timedelta(days=8)) == 1


def test_a_hold_of_another_shelf_whose_time_is_over_is_not_taken_over(session):
    shelf(session, "LAMP", pieces=3)
    shelf(session, "VASE", pieces=3)
    hold(session, "VASE")

    [refused] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2", takes="r1")], now=LATER)

    assert refused.code == "already-expired"
