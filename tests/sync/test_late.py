"""A hand-over that came too late is a case: what it means, a person says."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlmodel import select

from omnisync.clock import Ids, StoppedClock
from omnisync.errors import Conflict
from omnisync.orders import ending, offline
from omnisync.orders.offline import Deed
from omnisync.orders.pickup import Actor
from omnisync.pages import ops_words, words
from omnisync.stock.tables import Movement
from omnisync.sync import cases, late
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LINDEN, OFFICE, a_desk, a_ready_one, violations
from tests.stock.shop import article, kinds, level, shelf

ADA, BEN = Actor("Ada", LINDEN, "phone"), Actor("Ben", LINDEN, "till")
AT, NOW = START + timedelta(minutes=5), START + timedelta(hours=1)


def told(session, desk, placed, *lines, actor, name):
    deed = Deed(name, dict(lines), AT.isoformat(), AT)
    return offline.hear(session, desk, placed.pickup.id, deed, actor=actor, now=NOW)


def twice(session, desk, *lines):
    """Two colleagues say that they handed it over: the case of it."""
    placed = a_ready_one(session, desk, *lines)
    told(session, desk, placed, *lines, actor=ADA, name="a")
    heard = told(session, desk, placed, *lines, actor=BEN, name="b")
    return late.open_case(session, Ids(StoppedClock(NOW), random.Random(3)), heard, actor=BEN, now=NOW)


def test_a_second_bag_is_booked_as_missing_when_somebody_says_so(session):
    shelf(session, "CUP", pieces=9)
    article(session, "SET", components={"CUP": 4})
    case = twice(session, a_desk(), ("SET", 1))
    assert [one.id for one in cases.list_open(session)] == [case.id]

    closed = cases.apply(session, case.id, by="olga", now=NOW)

    [missing] = session.exec(select(Movement).where(Movement.kind == Kind.MISSING)).all()
    assert (missing.sku, missing.quantity, missing.occurred_at) == ("CUP", 4, AT)
    assert (level(session, "CUP").on_hand, level(session, "CUP").reserved) == (1, 0)
    assert (closed.closed_how, closed.closed_by) == ("applied", "olga")
    with pytest.raises(Conflict):
        cases.apply(session, case.id, by="olga", now=NOW)
    assert violations(session) == []


def test_one_bag_that_two_told_of_moves_nothing_more(session):
    shelf(session, "LAMP", pieces=2)
    case = twice(session, a_desk(), ("LAMP", 1))

    cases.dismiss(session, case.id, by="olga", now=NOW)

    assert kinds(session, "LAMP") == ["hold", "collected"]
    assert cases.list_open(session) == []


def test_what_was_handed_over_after_its_end_is_booked_already(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)
    heard = told(session, desk, placed, ("LAMP", 1), actor=ADA, name="a")
    case = late.open_case(session, Ids(StoppedClock(NOW), random.Random(3)), heard, actor=ADA, now=NOW)

    assert not ops_words.can_apply(case)
    cases.dismiss(session, case.id, by="olga", now=NOW)

    assert kinds(session, "LAMP") == ["hold", "released", "sold"]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_office_reads_what_happened_in_its_own_language(session, language):
    shelf(session, "LAMP", pieces=5)
    say, desk = words.speaking(language), a_desk()
    case = twice(session, desk, ("LAMP", 1))

    title, advice = ops_words.case_words(case, say, {})

    number = case.details["number"]
    assert (
        title
        == {
            "de": f"{number} wurde zweimal übergeben, von Ada und von Ben",
            "en": f"{number} was handed over twice, by Ada and by Ben",
        }[language]
    )
    assert ops_words.can_apply(case)
    case.details = case.details | {"first_by": None}
    elsewhere = ops_words.case_words(case, say, {})
    for state in ("cancelled", "expired"):
        case.details = case.details | {"became": "after_end", "was": state}
        assert say(state) in ops_words.case_words(case, say, {})[0]
    assert advice != elsewhere[1]
