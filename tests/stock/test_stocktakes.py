"""A stocktake booked later is what booking each count at its moment would have been; and which shelves are counted again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.errors import Conflict, Forbidden, InvalidRequest
from omnisync.stock import ledger, recounts, shelves, stocktakes
from omnisync.stock.ledger import Entry
from omnisync.stock.stocktakes import Count
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.properties.reality import Reality
from tests.stock.shop import LINDEN, article, hold, level, shelf, violations

SKUS = ("CUP", "POT")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def happened(session: Session, kind: Kind, sku: str, n: int, minutes: float, told: float | None = None) -> None:
    now = at(minutes if told is None else told)
    ledger.record(session, [Entry(kind, sku, LINDEN, n, "floor", at(minutes))], now=now)


def costs(session: Session, sku: str, minor: int) -> None:
    table = db.table(Article)
    session.execute(sa.update(table).where(table.c.sku == sku).values(cost_minor=minor, currency="EUR"))


def test_counts_have_no_effect_until_all_are_booked_and_sales_in_between_stay_right(session, ids):
    shelf(session, "CUP", pieces=10)
    shelf(session, "POT", pieces=4)
    article(session, "JUG")
    costs(session, "CUP", 250)
    found = stocktakes.open_one(session, ids, LINDEN, by="ops", now=START)
    happened(session, Kind.SOLD, "CUP", 2, 5)
    counts = [Count("CUP", 7, at(10)), Count("JUG", 1, at(11))]

    told = stocktakes.count(session, found.id, counts, by="Kim", at=LINDEN, now=at(12))
    happened(session, Kind.SOLD, "CUP", 3, 20)
    before = level(session, "CUP").on_hand
    summary = stocktakes.summary(session, found)
    stocktakes.book(session, found.id, by="ops", now=at(30))

    assert [(line.sku, line.expected, line.counted, line.difference) for line in told] == [
        ("CUP", 8, 7, -1),
        ("JUG", 0, 1, 1),
    ]
    assert before == 5
    assert [level(session, sku).on_hand for sku in ("CUP", "POT", "JUG")] == [4, 4, 1]
    assert (summary.lines, summary.counted, summary.missing, summary.found) == (3, 2, 1, 1)
    assert (summary.value_minor, summary.without_cost) == ({"EUR": -250}, 1)
    assert stocktakes.summary(session, found) == summary
    assert violations(session) == []


def test_a_stocktake_ends_once_and_an_abandoned_one_changes_nothing(session, ids):
    shelf(session, "CUP", pieces=10)
    found = stocktakes.open_one(session, ids, LINDEN, by="ops", now=START)
    stocktakes.count(session, found.id, [Count("CUP", 2, at(1))], by="Kim", now=at(1))
    with pytest.raises(Conflict) as second:
        stocktakes.open_one(session, ids, LINDEN, by="ops", now=at(2))
    assert (second.value.code, stocktakes.closed(session)) == ("stocktake-open", {LINDEN})

    stocktakes.abandon(session, found.id, by="ops", now=at(3))

    for late in (
        lambda: stocktakes.book(session, found.id, by="ops", now=at(4)),
        lambda: stocktakes.count(session, found.id, [Count("CUP", 2, at(4))], by="Kim", now=at(4)),
    ):
        with pytest.raises(Conflict) as ended:
            late()
        assert ended.value.code == "already-ended"
    assert (level(session, "CUP").on_hand, stocktakes.closed(session)) == (10, frozenset())
    assert stocktakes.open_one(session, ids, LINDEN, by="ops", now=at(5)).id != found.id


def test_of_two_counts_the_later_one_holds_in_whatever_order_they_come(session, ids):
    shelf(session, "CUP", pieces=10)
    found = stocktakes.open_one(session, ids, LINDEN, by="ops", now=START)

    stocktakes.count(session, found.id, [Count("CUP", 9, at(9)), Count("CUP", 7, at(7))], by="Kim", now=at(10))
    stocktakes.count(session, found.id, [Count("CUP", 8, at(8))], by="Toni", now=at(10))

    [line] = stocktakes.lines(session, found)
    assert (line.counted, line.counted_at, line.counted_by) == (9, at(9), "Kim")


def test_counts_from_before_the_cut_off_from_the_future_and_of_another_store_are_refused(session, ids):
    found = stocktakes.open_one(session, ids, LINDEN, by="ops", now=START)

    for minutes in (-1, 11):
        with pytest.raises(InvalidRequest):
            stocktakes.count(session, found.id, [Count("CUP", 9, at(minutes))], by="Kim", now=at(10))
    with pytest.raises(Forbidden):
        stocktakes.count(session, found.id, [Count("CUP", 9, at(5))], by="Toni", at="markt", now=at(10))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("sold", "found", "returned", "count", "lost", "hold", "counted elsewhere")),
        st.sampled_from(SKUS), st.integers(0, 4), st.integers(0, 15),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(steps=STEPS)
def _compare(engine: Engine, ids, steps: list[tuple[str, str, int, int]]) -> None:
    levels = [_world(engine, ids, steps, together=together) for together in (True, False)]

    assert levels[0] == levels[1]


def test_booking_a_stocktake_is_having_recorded_each_count_at_its_moment(engine, ids):
    _compare(engine, ids)


def _world(engine: Engine, ids, steps: list[tuple[str, str, int, int]], *, together: bool) -> dict[Shelf, object]:
    """What lies there after these steps: counts kept for a stocktake, or each recorded when it was made."""
    real = Reality(engine)
    shelves_ = [Shelf(LINDEN, sku) for sku in SKUS]
    try:
        for sku in SKUS:
            real.step(lambda session, sku=sku: shelf(session, sku, pieces=6))
        found = real.step(lambda session: stocktakes.open_one(session, ids, LINDEN, by="ops", now=START).id)
        for number, (what, sku, n, late) in enumerate(steps):
            minute = 20 * (number + 1)
            real.step(lambda session, step=(what, sku, n, late, minute): _step(session, found, step, together=together))
        real.step(lambda session: stocktakes.book(session, found, by="ops", now=at(1000)))
        assert real.violations() == []
        return dict(real.levels(shelves_))
    finally:
        real.close()


def _step(session: Session, found: str, step: tuple[str, str, int, int, int], *, together: bool) -> None:
    what, sku, n, late, minute = step
    match what:
        case "count" if together:
            stocktakes.count(session, found, [Count(sku, n, at(minute))], by="Kim", now=at(minute))
        case "count" | "counted elsewhere":
            happened(session, Kind.COUNT, sku, n, minute)
        case "lost":
            shelves.take_off_sale(session, [Shelf(LINDEN, sku)], now=at(minute))
        case "hold":
            ledger.record(session, [Entry(Kind.SAFETY, sku, LINDEN, n, "floor", at(minute))], now=at(minute))
        case _:
            happened(session, Kind(what), sku, n, minute - late, told=minute)


def test_shelves_are_counted_again_for_each_of_four_reasons_until_they_are(session):
    for sku in ("LOST", "BELOW", "LATE", "LARGE", "DEAR", "FINE"):
        shelf(session, sku, pieces=20)
    costs(session, "DEAR", 50_00)
    shelves.take_off_sale(session, [Shelf(LINDEN, "LOST")], now=START)
    happened(session, Kind.SOLD, "BELOW", 21, 1)
    article(session, "NEW")
    for sku, counted in (("LATE", 20), ("LARGE", 9), ("DEAR", 18), ("FINE", 18), ("NEW", 50)):
        happened(session, Kind.COUNT, sku, counted, 60)
    happened(session, Kind.SOLD, "LATE", 1, 90, told=400)
    happened(session, Kind.SOLD, "FINE", 1, 90)

    found = recounts.page(session, LINDEN)
    after = recounts.page(session, LINDEN, after=(LINDEN, "DEAR"), limit=1)
    of_a_till = recounts.page(session, LINDEN, owned_elsewhere=[LINDEN])
    for sku in ("LOST", "BELOW", "LATE", "LARGE", "DEAR"):
        happened(session, Kind.COUNT, sku, level(session, sku).on_hand if sku != "BELOW" else 0, 2000)

    assert {one.sku: one.reasons for one in found} == {
        "LOST": ("not_found",), "BELOW": ("stock_error",), "LATE": ("late_facts",), "LARGE": ("large_difference",),
        "DEAR": ("large_difference",),
    }  # fmt: skip
    assert [one.sku for one in after] == ["LARGE"]
    assert [one.sku for one in of_a_till] == ["BELOW", "LATE", "LOST"]
    assert recounts.page(session, None) == []


def test_a_fact_that_comes_late_while_a_shelf_waits_to_be_counted_adds_its_reason_until_a_count_has_heard_of_it(
    session,
):
    """A count that was made before it was told leaves it open on which side of that count it lies; a later one does not."""
    for sku in ("LAMP", "CUP"):
        shelf(session, sku, pieces=20)
        happened(session, Kind.COUNT, sku, 20, 60)
    happened(session, Kind.SOLD, "LAMP", 25, 100)

    waiting = recounts.page(session, LINDEN)
    happened(session, Kind.SOLD, "LAMP", 1, 50, told=200)
    happened(session, Kind.SOLD, "CUP", 1, 50, told=200)
    both, on_hand = recounts.page(session, LINDEN), [level(session, sku).on_hand for sku in ("LAMP", "CUP")]
    for sku in ("LAMP", "CUP"):
        happened(session, Kind.COUNT, sku, 3, 190, told=210)
    made_before_it_was_told = recounts.page(session, LINDEN)
    for sku in ("LAMP", "CUP"):
        happened(session, Kind.COUNT, sku, 3, 220)

    assert [(one.sku, one.reasons) for one in waiting] == [("LAMP", ("stock_error",))]
    assert {one.sku: one.reasons for one in both} == {"LAMP": ("stock_error", "late_facts"), "CUP": ("late_facts",)}
    assert on_hand == [-5, 20], "it is in the count already"
    assert {one.sku: "late_facts" in one.reasons for one in made_before_it_was_told} == {"LAMP": True, "CUP": True}
    assert recounts.page(session, LINDEN) == []


def test_a_count_from_before_a_shelf_was_found_empty_does_not_put_it_back_on_sale(session):
    shelf(session, "CUP", pieces=5)
    shelves.take_off_sale(session, [Shelf(LINDEN, "CUP")], now=at(10))

    happened(session, Kind.COUNT, "CUP", 5, 9, told=11)
    still = level(session, "CUP").available
    happened(session, Kind.COUNT, "CUP", 5, 12)

    assert (still, level(session, "CUP").available) == (0, 5)
    assert hold(session, "CUP", 5)
