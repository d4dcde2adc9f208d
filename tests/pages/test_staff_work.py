"""A store's other work: what stands on its page, what each button books, and whose it is."""

from __future__ import annotations

import asyncio
import re

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.access import Role
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.orders import ending, pickup, pickup_api, transfer
from omnisync.orders.tables import Task
from omnisync.stock import came_back, stocktakes, transfers
from omnisync.stock.came_back import Source
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import GoodsReturn
from omnisync.values import Kind
from tests.orders.counter import violations
from tests.pages.staff_site import OFFICE, hidden, opened
from tests.people import PIN, at_the_desk, person
from tests.stock.shop import level

PAGES = (
    "/staff/work",
    "/staff/work/find",
    "/staff/work/scan?code=LAMP",
    "/staff/work/article?sku=LAMP",
    "/staff/work/count?sku=LAMP",
)
WORK = "/staff/work"


def play(engine, clock, story):
    """Run a story against the pages and hand back what it returns; afterwards all books are right."""

    async def run():
        async with opened(engine, clock) as site:
            with db.transaction(engine) as session:
                at_the_desk(session, "Kim Lang", "KL", pin=True)
                articles.put(
                    session,
                    [ArticleChange("LAMP", {"title": "Lampe", "shelf": "A3"}, barcodes=["4006381333931"])],
                    now=clock.now(),
                )
            return await story(site)

    found = asyncio.run(run())
    with db.transaction(engine) as session:
        assert violations(session) == []
    return found


def said(answer):
    """Where an answer leads, and what it says there."""
    return answer.headers["location"]


async def press(site, page, step, **fields):
    """Open a page and press one of its buttons, with the hidden fields that stand there."""
    shown = hidden((await site.get(page)).text)
    return await site.post(f"{WORK}/{step}", **(shown | fields))


def later(site, work, **told):
    """Something that happened elsewhere."""
    desk, now = pickup_api.desk_for(site.services), site.services.clock.now()
    return site.services.write.run(lambda session: work(session, desk, **told, now=now))


async def missing_here(site, *, store="linden", other="markt", pieces=1):
    """A pickup whose lamps come from another store; the id of their transfer."""
    placed = await site.place(("LAMP", pieces), location=store)
    name = placed.pickup.id
    await later(
        site,
        lambda session, desk, now: transfer.transfer(session, desk, name, other, "goods_come", actor=OFFICE, now=now),
    )
    found = await site.services.read.run(lambda session: transfers.open_of(session, name))
    return placed, found[0]


async def goods_back(site, pieces=1, location="linden"):
    """Lamps that came back by mail; the number of their return."""

    def book(session, desk, now):
        entry = Entry(Kind.RETURNED, "LAMP", location, pieces, "webshop:r", now, key=f"r-{location}-{pieces}")
        came_back.book(session, entry, Source("webshop", True, False, None, "#77"), now=now)
        return session.execute(sa.select(sa.func.max(db.table(GoodsReturn).c.id))).scalar_one()

    return await later(site, book)


# ---------------------------------------------------------------- the page


def test_a_quiet_store_has_nothing_to_do(engine, clock):
    async def story(site):
        await site.log_in()
        return (await site.get(WORK)).text, (await site.get("/staff")).text

    page, listed = play(engine, clock, story)

    assert "Außer den Abholungen ist nichts zu tun." in page
    assert re.search(r'/staff/work[^>]*><span>Aufgaben</span> <span class="n">0<', listed)


def test_a_bag_that_nobody_fetched_names_its_shelf_its_articles_and_where_they_belong(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        await later(
            site,
            lambda session, desk, now: ending.cancel(
                session, desk, placed.pickup.id, actor=OFFICE, now=now, reason="rejected"
            ),
        )
        await site.log_in()
        page, listed = (await site.get(WORK)).text, (await site.get("/staff")).text
        done = await site.post(f"{WORK}/done", **hidden(page))
        again = await site.post(f"{WORK}/done", **hidden(page))
        return page, listed, done, again, (await site.get(WORK)).text

    page, listed, done, again, after = play(engine, clock, story)

    for word in ("Zurücklegen", "L-1001", "<b>12</b>", "2 ×", "Lampe", "A3"):
        assert word in page
    assert '<span>Aufgaben</span> <span class="n">1<' in listed
    assert said(done) == "/staff/work?m=done"
    assert said(again) == "/staff/work?m=already-done"
    assert "L-1001" not in after


def test_more_tasks_than_the_page_shows_are_counted_and_come_up_one_after_the_other(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            now = clock.now()
            rows = [Task(id=f"t{n:03}", kind="put_back", location="linden", created_at=now) for n in range(203)]
            rows.append(Task(id="t999", kind="put_back", location="markt", created_at=now))
            session.add_all(rows)
        await site.log_in()
        page = (await site.get(WORK)).text
        for task in ("t000", "t001"):
            await site.post(f"{WORK}/done", token=hidden(page)["token"], id=task)
        return page, (await site.get(WORK)).text

    before, after = play(engine, clock, story)

    assert '<span class="n">203<' in before
    assert before.count('action="/staff/work/done') == after.count('action="/staff/work/done') == 200
    assert "3 weitere Aufgaben rücken nach" in before
    assert "1 weitere Aufgabe rückt nach" in after
    assert ('value="t201"' in before, 'value="t201"' in after) == (False, True)


def test_a_customer_who_is_to_be_called_leads_to_the_pickup(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 2))
        await site.log_in()
        await site.press(f"/staff/pickups/{placed.pickup.id}", "ask")
        return placed, (await site.get(WORK)).text

    placed, page = play(engine, clock, story)

    assert f'href="/staff/pickups/{placed.pickup.id}"' in page
    assert "Kunden anrufen" in page


# ---------------------------------------------------------------- goods that go and come


def test_goods_for_another_store_are_sent_off_with_one_tap(engine, clock):
    async def story(site):
        await missing_here(site, store="markt", other="linden", pieces=2)
        await site.log_in()
        page = (await site.get(WORK)).text
        task = re.search(r'name="id" value="([^"]+)"', page)[1]
        return page, await press(site, WORK, "done", id=task)

    page, sent = play(engine, clock, story)

    assert "An Filiale Markt" in page
    assert said(sent) == "/staff/work?m=done"
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP", "markt").incoming) == (7, 2)


def test_what_cannot_be_found_is_not_sent_and_the_stock_says_so_at_once(engine, clock):
    async def story(site):
        _, name = await missing_here(site, store="markt", other="linden", pieces=2)
        await site.log_in()
        return await press(site, WORK, "missing", id=name, sku="LAMP", quantity="1", why="damaged")

    answer = play(engine, clock, story)

    assert said(answer) == "/staff/work?m=done"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 8


def test_all_that_comes_is_taken_in_and_held_for_its_pickup(engine, clock):
    async def story(site):
        placed, name = await missing_here(site, pieces=2)
        await site.log_in()
        listed, page = (await site.get(WORK)).text, (await site.get(f"{WORK}/transfer?id={name}")).text
        taken = await press(site, f"{WORK}/transfer?id={name}", "receive", **{"came.LAMP": "2", "rest": "keep"})
        return placed, listed, page, taken, await site.get(f"{WORK}/transfer?id={name}")

    placed, listed, page, taken, gone = play(engine, clock, story)

    assert "Von Filiale Markt" in listed
    assert "für L-1001" in page
    assert said(taken) == "/staff/work?m=received"
    assert said(gone) == "/staff/work?m=not-found"
    with db.transaction(engine) as session:
        assert pickup.here_lines(session, placed.pickup.id) == {"LAMP": 2}
        assert level(session, "LAMP").on_hand == 11


def test_a_part_that_comes_leaves_the_rest_on_its_way(engine, clock):
    async def story(site):
        _, name = await missing_here(site, pieces=3)
        await site.log_in()
        await press(site, f"{WORK}/transfer?id={name}", "receive", **{"came.LAMP": "1", "rest": "keep"})
        page = (await site.get(f"{WORK}/transfer?id={name}")).text
        nothing = await press(site, f"{WORK}/transfer?id={name}", "receive", **{"came.LAMP": "0", "rest": "keep"})
        more = await press(site, f"{WORK}/transfer?id={name}", "receive", **{"came.LAMP": "3", "rest": "keep"})
        return name, page, nothing, more

    name, page, nothing, more = play(engine, clock, story)

    assert 'value="2" aria-label="Lampe: angekommene Stück"' in page
    assert said(nothing) == f"/staff/work/transfer?id={name}&m=invalid-request"
    assert said(more) == f"/staff/work/transfer?id={name}&m=invalid-request"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 10


def test_what_is_lost_is_written_off_by_somebody_with_a_pin(engine, clock):
    async def story(site):
        _, name = await missing_here(site, pieces=3)
        await later(site, lambda session, desk, now: transfers.send(session, name, now=now))
        await site.enrolled()
        nobody = await press(
            site, f"{WORK}/transfer?id={name}", "receive", **{"came.LAMP": "1", "rest": "lost", "pin": PIN}
        )
        await site.tap("Kim Lang")
        page = f"{WORK}/transfer?id={name}"
        without = await press(site, page, "receive", **{"came.LAMP": "1", "rest": "lost"})
        wrong = await press(site, page, "receive", **{"came.LAMP": "1", "rest": "lost", "pin": "0000"})
        right = await press(site, page, "receive", **{"came.LAMP": "1", "rest": "lost", "pin": PIN})
        return nobody, without, wrong, right

    nobody, without, wrong, right = play(engine, clock, story)

    assert said(nobody).startswith("/staff/who?")
    assert [said(one).rpartition("=")[2] for one in (without, wrong, right)] == ["pin-needed", "wrong-pin", "received"]
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").incoming) == (10, 0)
        assert level(session, "LAMP", "markt").on_hand == 6


# ---------------------------------------------------------------- counting


def test_a_count_is_blind_and_says_afterwards_what_was_known(engine, clock):
    async def story(site):
        await site.log_in()
        before = (await site.get(f"{WORK}/count?sku=LAMP")).text
        booked = await press(site, f"{WORK}/count?sku=LAMP", "count", quantity="7")
        return before, booked, (await site.get(said(booked))).text

    before, booked, after = play(engine, clock, story)

    assert not re.search(r">\s*9\s*<|\"9\"", before), "nothing on the page says how many were known"
    assert said(booked).startswith("/staff/work/count?done=")
    assert "Lampe: 7 gezählt" in after
    assert "2 weniger als gebucht." in after
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 7


@pytest.mark.parametrize("typed", ["", "-1", "3,5", "x", "1000000", "²"])
def test_what_is_no_number_of_pieces_is_not_booked(engine, clock, typed):
    async def story(site):
        await site.log_in()
        return await press(site, f"{WORK}/count?sku=LAMP", "count", quantity=typed)

    answer = play(engine, clock, story)

    assert said(answer) == "/staff/work/count?sku=LAMP&m=invalid-request"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 9


def test_what_was_not_found_is_to_be_counted_until_somebody_has(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 2))
        await site.log_in()
        await site.press(f"/staff/pickups/{placed.pickup.id}", "reject", sku="LAMP", quantity="1", why="not_found")
        before = (await site.get(WORK)).text
        clock.advance(minutes=1)
        await press(site, f"{WORK}/count?sku=LAMP", "count", quantity="8")
        return before, (await site.get(WORK)).text

    before, after = play(engine, clock, story)

    assert before.count('href="/staff/work/count?store=linden&amp;sku=LAMP"') == 1
    assert "fehlte bei einer Abholung" in before
    assert "/staff/work/count?" not in after


def test_during_a_stocktake_the_desks_count_is_kept_for_it(engine, clock):
    async def story(site):
        ids = site.services.ids
        await later(site, lambda session, desk, now: stocktakes.open_one(session, ids, "linden", by="olga", now=now))
        await site.log_in()
        return await press(site, f"{WORK}/count?sku=LAMP", "count", quantity="7")

    assert said(play(engine, clock, story)) == "/staff/work/count?m=kept"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 9


def test_a_count_comes_from_our_own_page_and_of_an_article_that_can_be_counted(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            articles.put(session, [ArticleChange("SET", {"title": "Set"}, components={"LAMP": 2})], now=clock.now())
        await site.log_in()
        made_up = await press(site, f"{WORK}/count?sku=LAMP", "count", quantity="7", key="../x")
        return made_up, await site.get(f"{WORK}/count?sku=SET"), await site.get(f"{WORK}/count?sku=NOBODY")

    made_up, a_set, unknown = play(engine, clock, story)

    assert said(made_up) == "/staff/work/count?sku=LAMP&m=invalid-request"
    assert (said(a_set), said(unknown)) == ("/staff/work?m=not-countable", "/staff/work?m=not-found")


# ---------------------------------------------------------------- finding


def test_an_article_is_found_by_barcode_number_and_name_and_shows_what_others_have(engine, clock):
    async def story(site):
        await site.log_in()
        asked = [
            await site.get(f"{WORK}/find?q={q}") for q in ("4006381333931", "LAMP", "lampe", "LAM", "niemand", "%00")
        ]
        return asked, (await site.get(f"{WORK}/article?sku=LAMP")).text, await site.get(f"{WORK}/article?sku=X")

    asked, page, unknown = play(engine, clock, story)

    assert [said(one) for one in asked[:4]] == ["/staff/work/article?sku=LAMP"] * 4
    assert "Kein Artikel heißt so." in asked[4].text
    assert asked[5].status_code == 200
    assert "Filiale Markt" in page
    assert "9 Stück" in page
    assert said(unknown) == "/staff/work?m=not-found"


def test_a_scan_opens_its_article_to_look_at_or_to_count(engine, clock):
    async def story(site):
        await site.log_in()
        return [
            await site.get(f"{WORK}/scan?code={code}")
            for code in ("4006381333931", "4006381333931&then=count", "LAMP&then=//evil", "123")
        ]

    look, count, other, unknown = play(engine, clock, story)

    assert (said(look), said(count)) == ("/staff/work/article?sku=LAMP", "/staff/work/count?sku=LAMP")
    assert said(other) == "/staff/work/article?sku=LAMP"
    assert said(unknown) == "/staff/work/find?q=123"


# ---------------------------------------------------------------- what came back


@pytest.mark.parametrize(("verdict", "on_hand"), [("sellable", 10), ("scrap", 9)])
def test_a_return_is_decided_with_one_tap(engine, clock, verdict, on_hand):
    async def story(site):
        number = await goods_back(site)
        await site.log_in()
        listed, page = (await site.get(WORK)).text, f"{WORK}/return?id={number}"
        shown = (await site.get(page)).text
        first, again = (
            await press(site, page, "decide", **{verdict: "1"}),
            await site.post(f"{WORK}/decide", **hidden(shown), scrap="1"),
        )
        return listed, shown, first, again

    listed, shown, first, again = play(engine, clock, story)

    assert "Rückgaben prüfen" in listed
    assert "#77" in listed
    assert 'name="b_ware"' not in shown, "there is no SKU under which it could be sold for less"
    assert said(first) == "/staff/work?m=done"
    assert said(again) == "/staff/work?m=already-decided"
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").blocked) == (on_hand, 0)


def test_of_several_pieces_each_gets_its_verdict_and_all_of_them_one(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            articles.put(session, [ArticleChange("LAMP-B", {"title": "Lampe B"})], now=clock.now())
            articles.put(session, [ArticleChange("LAMP", {"b_ware": "LAMP-B"})], now=clock.now())
        number = await goods_back(site, 3)
        await site.log_in()
        page = f"{WORK}/return?id={number}"
        shown = (await site.get(page)).text
        few = await press(site, page, "decide", sellable="1", b_ware="1", scrap="0")
        return number, shown, few, await press(site, page, "decide", sellable="1", b_ware="1", scrap="1")

    number, shown, few, all_of_them = play(engine, clock, story)

    assert 'name="b_ware"' in shown
    assert said(few) == f"/staff/work/return?id={number}&m=invalid-request"
    assert said(all_of_them) == "/staff/work?m=done"
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP-B").on_hand) == (10, 1)


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize(
    ("who", "opens"), [(None, False), ("vera", False), ("kim", True), ("toni", True), ("olga", True)]
)
def test_the_pages_open_to_the_stores_and_the_office(engine, clock, who, opens):
    async def story(site):
        with db.transaction(engine) as session:
            person(session, "vera", Role.VIEWER)
        if who:
            await site.log_in(who)
        return [await site.get(page) for page in PAGES]

    for answer in play(engine, clock, story):
        location = answer.headers.get("location", "")
        assert (answer.status_code == 200 or location.startswith(WORK)) is opens


def test_a_store_sees_and_changes_nothing_of_another_one(engine, clock):
    async def story(site):
        _, name = await missing_here(site, pieces=1)
        number = await goods_back(site)
        placed = await site.place_ready(("LAMP", 1))
        await later(
            site,
            lambda session, desk, now: ending.cancel(
                session, desk, placed.pickup.id, actor=OFFICE, now=now, reason="rejected"
            ),
        )
        [task] = [
            one
            for one in await later(site, lambda session, desk, now: session.execute(sa.select(Task)).scalars().all())
            if one.kind == "put_back"
        ]
        await site.log_in("toni")
        seen = (await site.get(f"{WORK}?store=linden")).text
        token = hidden(seen)["token"]
        pages = [await site.get(f"{WORK}/{page}") for page in (f"transfer?id={name}", f"return?id={number}")]
        pressed = [
            await site.post(f"{WORK}/receive", token=token, id=name, rest="keep", **{"came.LAMP": "1"}),
            await site.post(f"{WORK}/decide", token=token, id=str(number), sellable="1"),
            await site.post(f"{WORK}/done", token=token, id=task.id),
        ]
        counted = await press(site, f"{WORK}/count?sku=LAMP&store=linden", "count", quantity="5")
        return seen, pages, pressed, counted

    seen, pages, pressed, counted = play(engine, clock, story)

    assert "Filiale Markt" in seen
    assert "Zurücklegen" not in seen
    assert [said(one) for one in pages] == ["/staff/work?m=not-found"] * 2
    assert [said(one) for one in pressed] == ["/staff/work?m=forbidden"] * 3
    assert said(counted).startswith("/staff/work/count?done=")
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP", "markt").on_hand) == (10, 5)


def test_the_office_works_in_the_store_it_looks_at(engine, clock):
    async def story(site):
        await site.log_in("olga")
        shown = hidden((await site.get(f"{WORK}/count?sku=LAMP&store=markt")).text)
        return await site.post(f"{WORK}/count?store=markt", **shown, quantity="4")

    answer = play(engine, clock, story)

    assert "store=markt" in said(answer)
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP", "markt").on_hand) == (9, 4)


def test_a_form_from_elsewhere_and_a_button_that_there_is_not_do_nothing(engine, clock):
    async def story(site):
        await site.log_in()
        foreign = await site.post(f"{WORK}/count", token="made up", sku="LAMP", quantity="1", key="k")
        token = hidden((await site.get(f"{WORK}/count?sku=LAMP")).text)["token"]
        odd = [
            await site.post(f"{WORK}/{step}", token=token, id="x", why="x", sku="LAMP")
            for step in ("nothing", "decide", "missing", "done")
        ]
        return foreign, odd, await site.get(f"{WORK}/return?id=x")

    foreign, odd, unknown = play(engine, clock, story)

    assert said(foreign) == "/staff/work?m=foreign-form"
    assert [said(one).rpartition("=")[2] for one in odd] == ["not-found", "not-found", "invalid-request", "not-found"]
    assert said(unknown) == "/staff/work?m=not-found"
