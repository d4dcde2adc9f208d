"""What came back is on hand at once and for sale when somebody has looked at it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound
from omnisync.stock import blocked, came_back, ledger
from omnisync.stock.came_back import Source, Verdict
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.stock.shop import LINDEN, article, kinds, level, shelf, violations

MAIL = Source("webshop", check=True, counter=False, order_id="webshop:1", reference="#1001")
LATER = START + timedelta(hours=2)


def comes_back(session, n=3, *, source=MAIL, at=START):
    """So many lamps are back; the number of their return."""
    entry = Entry(Kind.RETURNED, "LAMP", LINDEN, n, "order:1", at, key=f"back/{source.channel}")
    came_back.book(session, entry, source, now=START)
    came_back.book(session, entry, source, now=START)
    found = came_back.by_key(session, f"back/{source.channel}")
    return found.id


def b_ware(session, name="LAMP-B"):
    article(session, name)
    session.execute(sa.update(db.table(Article)).where(db.table(Article).c.sku == "LAMP").values(b_ware=name))


def test_what_came_back_by_mail_waits_to_be_checked_and_is_listed_with_its_reason(session):
    shelf(session, "LAMP", pieces=5)
    ledger.record(session, [Entry(Kind.BLOCKED, "LAMP", LINDEN, 1, "api", START, reason="display")], now=START)

    number = comes_back(session)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").available) == (8, 4)
    assert [tuple(row) for row in blocked.page(session, LINDEN)] == [
        (LINDEN, "LAMP", "display", 1), (LINDEN, "LAMP", "to_be_checked", 3),
    ]  # fmt: skip
    assert [one.id for one in came_back.page(session, LINDEN, to_check=True)] == [number]
    assert came_back.count_to_check(session, LINDEN) == 1
    assert violations(session) == []


def test_one_call_makes_it_sellable_b_ware_or_scrap_and_a_second_one_nothing(session):
    shelf(session, "LAMP", pieces=5)
    b_ware(session)
    number = comes_back(session)

    came_back.decide(session, number, Verdict(sellable=1, b_ware=1, scrap=1), by="Kim", at=LINDEN, now=LATER)
    with pytest.raises(Conflict) as again:
        came_back.decide(session, number, Verdict(sellable=3), by="Toni", now=LATER)

    assert again.value.code == "already-decided"
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").available) == (6, 6)
    assert level(session, "LAMP-B").available == 1
    assert came_back.page(session, LINDEN, to_check=True) == []
    assert came_back.count_to_check(session, LINDEN) == 0
    assert blocked.page(session, LINDEN) == []
    assert violations(session) == []


def test_a_verdict_that_cannot_be_leaves_everything_as_it_was(session):
    shelf(session, "LAMP", pieces=5)
    number = comes_back(session)

    for verdict, at, refused in (
        (Verdict(sellable=2), None, InvalidRequest),
        (Verdict(sellable=4), None, InvalidRequest),
        (Verdict(b_ware=3), None, InvalidRequest),
        (Verdict(sellable=3), "markt", Forbidden),
    ):
        with pytest.raises(refused):
            came_back.decide(session, number, verdict, by="Kim", at=at, now=LATER)
    with pytest.raises(NotFound):
        came_back.decide(session, number + 1, Verdict(sellable=3), by="Kim", now=LATER)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").blocked) == (8, 3)
    assert violations(session) == []


STEPS = {
    "nobody looked": lambda session, number: None,
    "sellable": lambda session, number: came_back.decide(session, number, Verdict(3), by="Kim", now=LATER),
    "mixed": lambda session, number: came_back.decide(session, number, Verdict(1, 1, 1), by="Kim", now=LATER),
    "scrap": lambda session, number: came_back.decide(session, number, Verdict(scrap=3), by="Kim", now=LATER),
}


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("counted", [False, True])
def test_what_was_told_twice_is_taken_off_again_wherever_it_went_unless_a_count_has_done_so(session, before, counted):
    shelf(session, "LAMP", pieces=5)
    b_ware(session)
    number = comes_back(session)
    STEPS[before](session, number)
    if counted:  # whoever counts finds what is really there
        counts = [
            Entry(Kind.COUNT, sku, LINDEN, n, "count", LATER + timedelta(hours=1))
            for sku, n in (("LAMP", 5), ("LAMP-B", 0))
        ]
        ledger.record(session, counts, now=LATER + timedelta(hours=1))

    came_back.take_off_again(session, number, now=LATER + timedelta(hours=2))
    with pytest.raises(Conflict):
        came_back.take_off_again(session, number, now=LATER + timedelta(hours=2))

    assert level(session, "LAMP").on_hand == level(session, "LAMP").available == 5
    assert before != "mixed" or level(session, "LAMP-B").on_hand == 0
    assert violations(session) == []


def test_what_was_taken_back_over_a_counter_is_for_sale_at_once(session):
    shelf(session, "LAMP", pieces=5)

    number = comes_back(session, source=Source("till", check=False, counter=True))

    assert level(session, "LAMP").available == 8
    assert kinds(session, "LAMP") == ["returned"]
    with pytest.raises(Conflict):
        came_back.decide(session, number, Verdict(scrap=3), by="Kim", now=LATER)
    assert violations(session) == []
