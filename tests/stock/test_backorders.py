from dataclasses import replace
from datetime import date, timedelta

import pytest

from omnisync import db
from omnisync.catalog.backorder import Backorder, parse
from omnisync.errors import Lack, OutOfStock
from omnisync.orders import holding
from omnisync.stock import backorders, ledger, promises, reservations, shortages
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.stock.shop import LINDEN, a_request, article, hold, level, shelf, violations

DAY = date(2026, 12, 1)
HERE = Shelf(LINDEN, "LAMP")


def say(session, sku="LAMP", **rule):
    backorders.put(session, {sku: Backorder(**rule)}, cause="test", now=START)


def awaits(session, pieces, *, days=None, kind=Kind.AWAITED, cause="supplier"):
    due_at = None if days is None else START + timedelta(days=days)
    ledger.record(session, [Entry(kind, "LAMP", LINDEN, pieces, cause, START, due_at=due_at)], now=START)


def due_in_days(session):
    due_at = session.get(Balance, (LINDEN, "LAMP"), populate_existing=True).due_at
    return due_at and (due_at - START).days


def order(session, pieces):
    wanted = promises.Wanted("web", "#1", "web:1", "1", HERE, pieces, START)
    promises.make(session, [wanted], now=START)


def short(session):
    session.expire_all()
    return [row.quantity for row in shortages.list_open(session)]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", Backorder()), (None, Backorder()), ("None", Backorder()), ("5", Backorder(5)), ("2026-12-01", Backorder(day=DAY))],
)  # fmt: skip
def test_a_backorder_is_none_or_pieces_or_a_day(text, said):
    assert parse(text) == said
    assert parse(said.kept) == said
    for nonsense in ("soon", "-1", "1.5", "2026-13-01", "10000000"):
        with pytest.raises(ValueError, match="none, a number of pieces, or a day"):
            parse(nonsense)


def test_so_many_pieces_are_promised_beyond_what_is_there_and_not_one_more(session):
    shelf(session, "LAMP", pieces=2, safety=1)
    say(session, pieces=3)

    hold(session, "LAMP", 4)
    [refused] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2")], now=START)

    assert refused == OutOfStock([Lack("LAMP", LINDEN, requested=1, available=0)])
    assert (level(session, "LAMP").available, level(session, "LAMP").beyond, short(session)) == (0, 0, [])
    assert violations(session) == []


def test_an_order_within_the_allowance_is_no_shortage_and_one_beyond_it_is(session):
    shelf(session, "LAMP", pieces=1)
    say(session, pieces=2)

    order(session, 3)
    within = short(session)
    order(session, 2)

    assert (within, short(session)) == ([], [2])
    say(session, pieces=0)
    assert short(session) == [4]
    say(session, pieces=4)
    assert short(session) == []
    assert violations(session) == []


def test_from_a_day_on_what_suppliers_owe_is_promised_before_it_comes(session):
    shelf(session, "LAMP", pieces=0)
    awaits(session, 2, days=20)
    say(session, day=DAY)
    awaits(session, 3, days=10)
    awaits(session, 7, cause="transfer:1")

    hold(session, "LAMP", 5)
    [refused] = reservations.reserve(session, [a_request(("LAMP", 1), id="r2")], now=START)
    due = [due_in_days(session)]
    for _ in range(2):
        awaits(session, 2, kind=Kind.RECEIVED)
        due.append(due_in_days(session))

    assert isinstance(refused, OutOfStock)
    assert due == [10, 10, 10]
    assert level(session, "LAMP") == (4, 5, 0, 8, 0, 1, False)
    awaits(session, 1, kind=Kind.RECEIVED)
    assert (due_in_days(session), level(session, "LAMP").backorder, short(session)) == (None, 0, [])
    assert violations(session) == []


def test_a_shelf_that_is_new_follows_its_article(session):
    article(session, "LAMP")
    say(session, pieces=2)

    order(session, 2)

    assert (level(session, "LAMP").reserved, short(session)) == (2, [])
    assert violations(session) == []


def test_what_a_shelf_may_promise_is_what_its_article_says(engine):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        ledger.record(session, [Entry(Kind.BACKORDER, "LAMP", LINDEN, 3, "a bug", START)], now=START)
        found = violations(session)

    assert found == ["LAMP at linden: may be promised 3 beyond what is there, its article says 0"]


def test_what_must_be_there_takes_over_what_has_come_and_who_came_first_has_it(session):
    shelf(session, "LAMP", pieces=1)
    say(session, pieces=3)
    hold(session, "LAMP", id="early")
    hold(session, "LAMP", id="late")
    order(session, 1)

    def collects(number, **earlier):
        request = replace(a_request(("LAMP", 1), id=f"bag {number}", seconds=None, **earlier), there=True)
        [answer] = reservations.reserve(session, [request], now=START)
        if isinstance(answer, reservations.Held):
            holding.belong(session, {answer.id: "a pickup"})
        return answer

    too_soon = OutOfStock([Lack("LAMP", LINDEN, requested=1, available=0)])
    assert collects(1, takes="late") == too_soon
    assert collects(2, channel="web", reference="#1") == too_soon
    assert collects(3, takes="early").state == "confirmed"
    assert collects(4, takes="late") == too_soon  # the bag was filled later, and has the piece
    awaits(session, 1, kind=Kind.RECEIVED)
    assert collects(5, channel="web", reference="#1") == too_soon
    assert collects(6, takes="late").state == "confirmed"
    awaits(session, 1, kind=Kind.RECEIVED)
    assert collects(7, channel="web", reference="#1").state == "confirmed"
    assert violations(session) == []
