"""Practice at the desk: the real pages over a made-up day, and nothing of it anywhere else."""

from __future__ import annotations

import asyncio
import html
import re
from queue import SimpleQueue
from threading import current_thread

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from omnisync import db
from omnisync.engines import IN_MEMORY
from omnisync.pages.practice.day import PIN
from omnisync.pages.practice.rooms import AT_ONCE
from tests.pages.staff_site import hidden
from tests.pages.test_staff import play
from tests.people import at_the_desk


def everything(engine):
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table)).all()))
            for table in SQLModel.metadata.sorted_tables
        }


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def begin(site):
    """Press the button that begins; the list."""
    asked = (await site.get("/staff/practice")).text
    answer = await site.post("/staff/practice", **hidden(asked))
    assert answer.headers["location"].startswith("/practice/staff"), answer.headers["location"]
    return (await site.get(answer.headers["location"])).text


def card_of(page, name):
    """The address of somebody's pickup on a list."""
    cards = re.split(r"<(?:article|a) class=\"card\"", page)
    card = next(one for one in cards if name in one)
    around = page[max(0, page.index(card) - 40) :]
    return re.search(r"(/practice/staff/pickups/\w+)", around)[1]


def pieces(page):
    """The fields of a hand-over that say how many pieces of each article are given."""
    return dict(re.findall(r'name="(take\.[^"]+)"[^>]* value="(\d+)"', page))


async def hand_over(site, pickup, **fields):
    """Everything that is open of a pickup, without its code."""
    page = (await site.get(pickup)).text
    return await site.post(f"{pickup}/collect", **(hidden(page) | pieces(page) | fields))


def test_a_practice_that_ends_is_thrown_away_by_the_thread_that_reads_it(engine, clock):
    thrown = SimpleQueue()

    def note(disposed):
        thrown.put((str(disposed.url), current_thread().name))

    async def story(site):
        await site.log_in()
        page = await begin(site)
        while not thrown.empty():  # what was opened to make it
            thrown.get()
        await site.post("/staff/practice/end", **hidden(page))
        return await asyncio.to_thread(thrown.get, timeout=30)

    sa.event.listen(Engine, "engine_disposed", note)
    try:
        url, thread = play(engine, clock, story)
    finally:
        sa.event.remove(Engine, "engine_disposed", note)

    assert (url, thread.partition("_")[0]) == (IN_MEMORY, "practice")


async def a_whole_day(site):
    """Accept, tick, put aside, hand over by code, take back, hand over without a code, cannot find something."""
    pages = [await begin(site)]
    paula = card_of(pages[0], "Paula Probe")
    await site.press(paula, "pick")
    page = (await site.get(paula)).text
    pages.append(page)
    await site.post(f"{paula}/ready", **(hidden(page) | {"shelf": "5"}))
    ready = (await site.get("/practice/staff?tab=bereit")).text
    pages.append(ready)
    code = re.search(r"Code von Erika Beispiel: ([\w-]+)", words(ready))[1]
    keypad = (await site.get("/practice/staff/code")).text
    led = await site.post("/practice/staff/code", **hidden(keypad), code=code)
    found = (await site.get(led.headers["location"])).text
    pages += [keypad, found]
    erika = re.search(r'action="(/practice/staff/pickups/\w+)/collect"', found)[1]
    gave = await site.post(f"{erika}/collect", **hidden(found), **pieces(found))
    handed = (await site.get(gave.headers["location"])).text
    pages.append(handed)
    undone = await site.press(erika, "undo")
    pages.append((await site.get(undone.headers["location"])).text)
    theo = card_of(ready, "Theo Test")
    gave = await hand_over(site, theo, reason="known", age="checked")
    pages.append((await site.get(gave.headers["location"])).text)
    max_ = card_of(pages[0], "Max Muster")
    await site.press(max_, "pick")
    await site.press(max_, "reject", sku="UEBUNG-HEMD", quantity="1", why="not_found")
    pages.append((await site.get(max_)).text)
    pages.append((await site.get("/practice/staff?tab=erledigt")).text)
    pages.append((await site.get("/practice/staff/print/picks")).text)
    return pages


def test_a_whole_day_of_practice_leaves_the_database_as_it_was(engine, clock):
    async def story(site):
        await site.place(("LAMP", 1))
        await site.log_in()
        before = everything(engine)
        pages = await a_whole_day(site)
        after = everything(engine)
        return before, after, pages

    before, after, pages = play(engine, clock, story)

    assert after == before
    assert "data-undo=" in pages[5], "it can be taken back"
    assert "Zurückgenommen" in words(pages[6])
    assert "Paula Probe" in words(pages[2])
    done = words(pages[-2])
    assert "Theo Test" in done
    assert "Vera Vorlage" in done
    assert "Erika Beispiel" not in done.replace("Code von Erika Beispiel", "")


def test_every_screen_of_a_practice_is_marked_and_leads_to_no_real_one(engine, clock):
    async def story(site):
        await site.log_in()
        return await a_whole_day(site)

    pages = play(engine, clock, story)

    for page in pages:
        assert "Übung: hier ist nichts echt" in words(page)
        assert page.count('class="practice') == 1
        assert "<title>Übung: " in page
        assert re.findall(r'(?:href|action|data-\w+)="(/staff[^"]*)"', page) == ["/staff/practice/end"]


def test_a_real_page_of_the_same_browser_stays_real(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        await site.log_in()
        await begin(site)
        return placed, (await site.get("/staff")).text

    placed, page = play(engine, clock, story)

    assert placed.pickup.number in page
    assert "Paula Probe" not in page
    assert 'class="practice' not in page


def test_real_pickups_that_nobody_has_accepted_are_said_in_the_practice(engine, clock):
    async def story(site):
        await site.log_in()
        quiet = await begin(site)
        await site.place(("LAMP", 1))
        return quiet, (await site.get("/practice/staff")).text

    quiet, urgent = play(engine, clock, story)

    assert "echte Abholung" not in words(quiet)
    assert "Übung: 1 echte Abholung wartet!" in words(urgent)


def test_one_tap_ends_it_and_what_was_done_is_gone(engine, clock):
    async def story(site):
        await site.log_in()
        first = await begin(site)
        ended = await site.post("/staff/practice/end", **hidden(first))
        late = await site.get("/practice/staff")
        again = await begin(site)
        return ended, late, first, again

    ended, late, first, again = play(engine, clock, story)

    assert ended.headers["location"] == "/staff?m=practice-over"
    assert late.headers["location"] == "/staff/practice?m=practice-over"
    assert card_of(again, "Paula Probe") != card_of(first, "Paula Probe")


def test_it_ends_by_itself_after_half_an_hour_and_the_page_that_still_shows_it_says_so(engine, clock):
    async def story(site):
        await site.log_in()
        await begin(site)
        clock.advance(minutes=29)
        still = await site.get("/practice/staff")
        clock.advance(minutes=2)
        asked = [await site.get(f"/practice/staff{rest}") for rest in ("?live=1", "/bell", "/stream", "")]
        return still, asked

    still, (live, bell, stream, page) = play(engine, clock, story)

    assert still.status_code == 200
    assert "Die Übung ist zu Ende." in live.text
    assert bell.json() == {"ringing": 0, "words": ""}
    assert stream.status_code == 204
    assert page.status_code == 303


def test_at_a_device_somebody_taps_made_up_initials_and_proves_it_by_the_pin_that_is_told(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            at_the_desk(session, "Kim Lang", "KL", pin=True)
        await site.enrolled()
        before = everything(engine)
        page = await begin(site)
        asked = await site.press(card_of(page, "Paula Probe"), "pick")
        who = (await site.get("/practice/staff/who")).text
        await site.post("/practice/staff/who", **hidden(who), name="Kim Übung")
        theo = card_of((await site.get("/practice/staff?tab=bereit")).text, "Theo Test")
        answers = [
            (await hand_over(site, theo, reason="known", age="checked", pin=pin)).headers["location"]
            for pin in ("9999", PIN)
        ]
        return before, everything(engine), asked, who, answers

    before, after, asked, who, answers = play(engine, clock, story)

    assert asked.headers["location"].startswith("/practice/staff/who")
    assert "KL" not in words(who)
    assert "m=wrong-pin" in answers[0]
    assert "m=handed-over" in answers[1]
    assert after == before


@pytest.mark.parametrize(
    "path", ["staff/login", "staff/logout", "staff/status", "ops", "v1/pickups", "staff/practice", "x"]
)
def test_a_practice_has_no_other_doors_than_those_of_the_desk(engine, clock, path):
    async def story(site):
        await site.log_in()
        await begin(site)
        answers = [await site.get(f"/practice/{path}"), await site.post(f"/practice/{path}")]
        return answers, await site.get("/staff")

    answers, real = play(engine, clock, story)

    assert [one.headers["location"] for one in answers] == ["/practice/staff?store=linden"] * 2
    assert not any("set-cookie" in one.headers for one in answers)
    assert real.status_code == 200, "still logged in"


def test_few_practise_at_a_time_and_who_begins_anew_takes_no_second_room(engine, clock):
    async def story(site):
        others = [site.another() for _ in range(AT_ONCE)]
        for one in [site, *others[:-1]]:
            await one.log_in()
            await begin(one)
        await begin(site)
        last = others[-1]
        await last.log_in()
        full = await last.post("/staff/practice", **hidden((await last.get("/staff/practice")).text))
        clock.advance(minutes=31)
        return full, await begin(last)

    full, after = play(engine, clock, story)

    assert full.headers["location"] == "/staff/practice?m=practice-full"
    assert "Paula Probe" in after


def test_nobody_practises_without_a_login_or_by_the_form_of_another_site(engine, clock):
    async def story(site):
        nobody = [
            await site.get("/staff/practice"),
            await site.get("/practice/staff"),
            await site.post("/staff/practice"),
        ]
        await site.log_in()
        return nobody, await site.post("/staff/practice"), await site.post("/staff/practice/end")

    nobody, *foreign = play(engine, clock, story)

    assert {one.headers["location"] for one in nobody} == {"/staff/login"}
    assert {one.headers["location"] for one in foreign} == {"/staff/practice?m=foreign-form"}


def test_the_office_practises_in_the_store_it_looks_at(engine, clock):
    async def story(site):
        await site.log_in("olga")
        asked = (await site.get("/staff/practice?store=markt")).text
        begun = await site.post("/staff/practice?store=markt", **hidden(asked))
        page = (await site.get(begun.headers["location"])).text
        moved = await site.press(card_of(page, "Paula Probe"), "pick")
        return page, moved

    page, moved = play(engine, clock, story)

    assert "Filiale Markt" in page
    assert "m=" not in moved.headers["location"]
