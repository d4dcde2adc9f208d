"""One article is counted at the desk: at once, or for a stocktake, and once however often the button is pressed."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.clock import Ids
from omnisync.errors import Conflict, NotFound, Refused
from omnisync.stock import counts, stocktakes
from omnisync.stock.counts import Counted
from omnisync.stock.tables import Movement
from tests.conftest import START
from tests.stock.shop import LINDEN, article, level, shelf, violations

KIM = {"by": "Kim Lang", "owner": "user:Kim Lang"}


def test_a_count_says_afterwards_what_was_known(session):
    shelf(session, "LAMP", pieces=9)

    kept = counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START, **KIM)

    assert kept is None
    assert level(session, "LAMP").on_hand == 7
    assert counts.outcome(session, LINDEN, "k1") == Counted("LAMP", 7, -2)
    assert violations(session) == []


def test_the_journal_names_who_counted(session):
    shelf(session, "LAMP", pieces=9)

    counts.count(session, LINDEN, "LAMP", 9, key="k1", now=START, **KIM)

    journal = db.table(Movement)
    [cause] = session.execute(journal.select().where(journal.c.kind == "count")).all()
    assert (cause.cause, cause.key) == ("desk:user:Kim Lang", "desk:linden:count:k1")


def test_a_button_pressed_twice_is_one_count(session):
    shelf(session, "LAMP", pieces=9)
    counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START, **KIM)
    counts.count(session, LINDEN, "LAMP", 5, key="k2", now=START + timedelta(minutes=1), **KIM)

    counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START + timedelta(minutes=2), **KIM)

    assert level(session, "LAMP").on_hand == 5


def test_a_page_that_was_sent_already_books_no_other_count(session):
    shelf(session, "LAMP", pieces=9)
    counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START, **KIM)

    with pytest.raises(Refused) as refused:
        counts.count(session, LINDEN, "LAMP", 6, key="k1", now=START, **KIM)

    assert refused.value.code == "idempotency-key-reused"
    assert level(session, "LAMP").on_hand == 7


def test_what_another_store_counted_is_not_said(session):
    shelf(session, "LAMP", pieces=9)
    counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START, **KIM)

    assert counts.outcome(session, "markt", "k1") is None


def test_during_a_stocktake_a_count_is_kept_for_it_and_has_no_effect_yet(session, clock):
    shelf(session, "LAMP", pieces=9)
    taking = stocktakes.open_one(session, Ids(clock, random.Random(3)), LINDEN, by="ops", now=START)

    kept = counts.count(session, LINDEN, "LAMP", 7, key="k1", now=START + timedelta(minutes=1), **KIM)

    assert kept == taking.id
    assert level(session, "LAMP").on_hand == 9
    assert counts.outcome(session, LINDEN, "k1") is None
    [line] = stocktakes.lines(session, taking)
    assert (line.counted, line.counted_by) == (7, "Kim Lang")


def test_what_has_no_shelf_of_its_own_is_not_counted(session):
    article(session, "LAMP")
    article(session, "SET", components={"LAMP": 2})
    article(session, "DEPOSIT", stocked=False)

    for sku in ("SET", "DEPOSIT"):
        with pytest.raises(Conflict) as refused:
            counts.count(session, LINDEN, sku, 1, key="k1", now=START, **KIM)
        assert refused.value.code == "not-countable"
    with pytest.raises(NotFound):
        counts.countable(session, "NOBODY-KNOWS")
