"""What a store sends, puts aside and pauses at its desk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.adapters.base import Article, OrderLine, OrderSeen
from omnisync.orders import intake, pauses, placing
from omnisync.orders.customers import Person
from omnisync.orders.tables import Pickup
from omnisync.pages import staff_work_pause
from omnisync.pages.staff_view import Eyes
from omnisync.pages.words import speaking
from omnisync.settings import LocationSettings
from tests.api import SETTINGS
from tests.conftest import START
from tests.orders.counter import STAFF
from tests.pages.staff_site import hidden
from tests.pages.test_staff_work import WORK, later, play, press, said
from tests.people import PIN
from tests.stock.shop import level

ASIDE = {"name": "Erika Kaya", "phone": "+49 30 1234567", "quantity": "2", "shelf": "7"}


def ordered(site, **details):
    """The web shop sold two lamps that are to be sent."""
    seen = {"id": "77", "reference": "#77", "version": START, "placed_at": START - timedelta(minutes=5)}
    line = OrderLine("1", Article(sku="LAMP"), 2)

    def book(session, desk, now):
        order = OrderSeen(**(seen | {"lines": (line,)} | details))
        return intake.take(session, SETTINGS.channels[0], order, lambda article: article.sku, now=now)

    return later(site, book)


# ---------------------------------------------------------------- sending


def test_an_order_to_be_sent_leaves_the_shelf_when_somebody_says_so(engine, clock):
    async def story(site):
        await ordered(site)
        await site.log_in()
        page, listed = (await site.get(WORK)).text, (await site.get("/staff")).text
        sent, again = [await site.post(f"{WORK}/sent", **hidden(page)) for _ in range(2)]
        return page, listed, sent, again, (await site.get(WORK)).text

    page, listed, sent, again, after = play(engine, clock, story)

    for word in ("Versenden", "#77", "webshop", "2 ×", "A3"):
        assert word in page
    assert '<span>Aufgaben</span> <span class="n">1<' in listed
    assert (said(sent), said(again)) == ("/staff/work?sent=webshop%3A77&m=done", "/staff/work?m=already-done")
    assert "#77" not in after
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (7, 0)


def test_for_ten_seconds_one_tap_takes_back_what_was_called_sent(engine, clock):
    async def story(site):
        await ordered(site)
        await site.log_in()
        sent = await press(site, WORK, "sent", id="webshop:77")
        offered = (await site.get(sent.headers["location"])).text
        clock.advance(seconds=4)
        live = (await site.get(re.search(r'data-live="([^"]+)"', offered)[1].replace("&amp;", "&"))).text
        back = await press(site, f"{WORK}/pause", "not-sent", id="webshop:77")
        shown = (await site.get(back.headers["location"])).text
        again = await press(site, WORK, "sent", id="webshop:77")
        clock.advance(seconds=11)
        over, page = (
            await press(site, f"{WORK}/pause", "not-sent", id="webshop:77"),
            (await site.get(again.headers["location"])).text,
        )
        return offered, live, back, shown, over, page

    offered, live, back, shown, over, page = play(engine, clock, story)

    assert "#77 ist unterwegs" in offered
    assert 'data-undo="10"' in offered
    assert 'data-undo="6"' in live
    assert said(back) == "/staff/work?m=not-sent"
    assert "Zurückgenommen: es steht wieder unter „Versenden“." in shown
    assert "#77</div>" in shown
    assert said(over) == "/staff/work?m=unsend-over"
    assert "data-undo" not in page
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (7, 0)


def test_what_another_store_sends_is_not_ours_to_send(engine, clock):
    async def story(site):
        await ordered(site)
        await site.log_in("toni")
        page = (await site.get(WORK)).text
        return page, await press(site, f"{WORK}/pause", "sent", id="webshop:77")

    page, answer = play(engine, clock, story)

    assert "#77" not in page
    assert said(answer) == "/staff/work?m=already-done"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 9


# ---------------------------------------------------------------- putting aside


def test_an_article_is_put_aside_for_a_customer_who_is_named(engine, clock):
    async def story(site):
        await site.log_in()
        put = await press(site, f"{WORK}/article?sku=LAMP", "put-aside", **ASIDE)
        return put, (await site.get("/staff?tab=bereit")).text, (await site.get("/staff/bell")).json()

    put, ready, bell = play(engine, clock, story)

    assert said(put) == "/staff?tab=bereit&m=set-aside"
    for word in ("Erika Kaya", "L-1001", "<b>7</b>", "noch nicht bezahlt"):
        assert word in ready
    assert bell["ringing"] == 0
    with db.transaction(engine) as session:
        assert level(session, "LAMP").reserved == 2


def test_a_button_pressed_twice_puts_aside_once(engine, clock):
    async def story(site):
        await site.log_in()
        fields = hidden((await site.get(f"{WORK}/article?sku=LAMP")).text)
        return [await site.post(f"{WORK}/put-aside", **fields, **ASIDE) for _ in range(2)]

    assert [said(one).rpartition("=")[2] for one in play(engine, clock, story)] == ["set-aside", "already-done"]
    with db.transaction(engine) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Pickup)).scalar_one() == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " \x00"}, "invalid-request"), ({"shelf": ""}, "invalid-request"), ({"quantity": "0"}, "invalid-request"),
        ({"quantity": "10"}, "out-of-stock"), ({"key": "1"}, "invalid-request"),
    ],
)  # fmt: skip
def test_what_cannot_be_put_aside_is_said_where_it_was_typed(engine, clock, wrong, code):
    async def story(site):
        await site.log_in()
        return await press(site, f"{WORK}/article?sku=LAMP", "put-aside", **(ASIDE | wrong))

    assert said(play(engine, clock, story)) == f"/staff/work/article?sku=LAMP&m={code}"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").reserved == 0


# ---------------------------------------------------------------- pausing


def test_a_pause_takes_a_pin_and_its_end_one_tap(engine, clock):
    async def story(site):
        await site.enrolled()
        await site.tap("Kim Lang")
        page = f"{WORK}/pause"
        offered = (await site.get(page)).text
        without = await press(site, page, "pause", until="60")
        paused = await press(site, page, "pause", until="60", pin=PIN)
        told = [(await site.get(path)).text for path in ("/staff", WORK)]
        refused = await shop_places(site)
        ended = await press(site, WORK, "resume")
        return offered, without, paused, told, refused, ended, await shop_places(site), (await site.get("/staff")).text

    offered, without, paused, told, refused, ended, placed, after = play(engine, clock, story)

    assert "Bis zur nächsten Öffnung" in offered
    assert said(without) == "/staff/work/pause?m=pin-needed"
    assert said(paused) == "/staff/work?m=paused"
    assert all("Abholungen pausiert bis heute 12:00" in page and "Von Kim Lang." in page for page in told)
    assert refused == "no-pickup"
    assert said(ended) == "/staff/work?m=resumed"
    assert placed == "placed"
    assert "pausiert" not in after


async def shop_places(site):
    """What a web shop hears that orders a pickup at Lindenstraße: its state, or why not."""
    wanted = placing.Wanted("linden", Person("Anna"), (placing.Line("LAMP", 1),), owner="key:shop")
    try:
        return (
            await later(site, lambda session, desk, now: placing.place(session, desk, wanted, now=now))
        ).pickup.state
    except placing.Refused as refused:
        return refused.code


@pytest.mark.parametrize("until", ["", "61", "opening "])
def test_a_pause_says_for_how_long(engine, clock, until):
    async def story(site):
        await site.log_in()
        return await press(site, f"{WORK}/pause", "pause", until=until)

    assert said(play(engine, clock, story)) == "/staff/work/pause?m=invalid-request"


def test_a_manager_with_a_password_pauses_until_the_store_opens_next(engine, clock):
    async def story(site):
        await site.log_in()
        await press(site, f"{WORK}/pause", "pause", until="opening")
        return await site.services.read.run(lambda session: pauses.of(session, "linden", now=clock.now()))

    assert play(engine, clock, story).until.isoformat() == "2026-11-23T08:30:00+00:00"


def test_a_pause_of_one_store_is_not_seen_in_another_one(engine, clock):
    async def story(site):
        await later(
            site,
            lambda session, desk, now: pauses.begin(
                session, desk, "linden", now + timedelta(hours=1), actor=STAFF, now=now
            ),
        )
        await site.log_in("toni")
        page = (await site.get(WORK)).text
        token = hidden((await site.get(f"{WORK}/pause")).text)["token"]
        await site.post(f"{WORK}/resume?store=linden", token=token)
        return page, await site.services.read.run(lambda session: pauses.of(session, "linden", now=clock.now()))

    page, still = play(engine, clock, story)

    assert "Wieder annehmen" not in page
    assert still is not None


def test_a_store_that_never_opens_offers_no_opening():
    never = LocationSettings(code="x", name="X", hours={"mon": "09:00-18:00"}, special={}, holidays=None)
    closed = never.model_copy(update={"hours": {"mon": "closed"}})
    names = [
        [one.name for one in staff_work_pause.choices(Eyes(speaking("de"), place, [], START))]
        for place in (never, closed)
    ]

    assert names == [["30", "60", "120", "opening"], ["30", "60", "120"]]
