"""A piece is missing while a pickup is picked: what is offered is what the desk can then do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from omnisync import db
from omnisync.orders import pauses, pickup
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import violations
from tests.pages.staff_site import OFFICE
from tests.pages.test_staff import play
from tests.pages.test_staff_work import later
from tests.stock.shop import article, level, shelf

BRING, GO = "Ware kommt aus {}", "Kunde geht zu {}"


async def one_missing(site, lines=(("LAMP", 2),), missing="1"):
    """The page of a pickup on which one of the first article was not found."""
    placed = await site.place(*lines)
    page = f"/staff/pickups/{placed.pickup.id}"
    await site.log_in()
    await site.press(page, "reject", sku=lines[0][0], quantity=missing, why="damaged")
    return placed, page, (await site.get(page)).text


def offers(page, *names):
    """Location -> whether the goods come from there, and whether the customer goes there."""
    return {name: (BRING.format(name) in page, GO.format(name) in page) for name in names}


def furnish(engine, **pieces):
    """Location -> so many lamps there."""
    with db.transaction(engine) as session:
        counts = [Entry(Kind.COUNT, "LAMP", code, n, "test", START) for code, n in pieces.items()]
        ledger.record(session, counts, now=START)


@pytest.mark.parametrize(
    ("there", "offered"),
    [({"markt": 2}, (True, True)), ({"markt": 1}, (True, False)), ({"markt": 0}, (False, False))],
)
def test_a_store_sends_what_is_missing_and_hands_out_only_all_of_it(engine, clock, there, offered):
    async def story(site):
        furnish(engine, **there)
        return (await one_missing(site))[2]

    assert offers(play(engine, clock, story), "Filiale Markt") == {"Filiale Markt": offered}


def test_nobody_is_sent_to_a_warehouse_whose_goods_come_all_the_same(engine, clock):
    async def story(site):
        furnish(engine, markt=9, lager=9)
        return (await one_missing(site))[2]

    page = play(engine, clock, story)

    assert offers(page, "Filiale Markt", "Lager") == {"Filiale Markt": (True, True), "Lager": (True, False)}
    assert page.index("Filiale Markt</button>") < page.index("Lager</button>"), "where one can go comes first"


def test_nobody_is_sent_to_a_store_that_pauses(engine, clock):
    async def story(site):
        await later(
            site,
            lambda session, desk, now: pauses.begin(
                session, desk, "markt", now + timedelta(hours=1), actor=OFFICE, now=now
            ),
        )
        return (await one_missing(site))[2]

    assert offers(play(engine, clock, story), "Filiale Markt") == {"Filiale Markt": (True, False)}


def test_of_a_bundle_whole_ones_are_offered_and_what_is_not_stocked_keeps_nobody_back(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            article(session, "PAIR", components={"LAMP": 2})
            article(session, "DEPOSIT", stocked=False)
        placed, page, shown = await one_missing(site, (("PAIR", 2), ("DEPOSIT", 1)))
        went = await site.press(page, "go", location="markt", agreed="phone")
        return placed, shown, went

    placed, shown, went = play(engine, clock, story)

    assert "Filiale Markt hat noch 4 Stück" in shown
    assert offers(shown, "Filiale Markt") == {"Filiale Markt": (True, True)}
    assert went.headers["location"] == "/staff?m=done"
    with db.transaction(engine) as session:
        assert pickup.load(session, placed.pickup.id, Actor("test")).location == "markt"
        assert level(session, "LAMP", "markt").reserved == 4
        assert violations(session) == []


def test_of_two_articles_the_customer_goes_only_where_both_are(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            shelf(session, "VASE", pieces=3)
        return (await one_missing(site, (("LAMP", 1), ("VASE", 1))))[2]

    assert offers(play(engine, clock, story), "Filiale Markt") == {"Filiale Markt": (True, False)}
