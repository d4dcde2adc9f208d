"""What the desk makes of something that was scanned: a code, a number, an article, or nothing of ours."""

import asyncio

import pytest

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from tests.conftest import START
from tests.pages.staff_site import hidden, opened

BARCODE = "4006381333931"
LIST = "/staff?tab=packen&store=linden"


def play(engine, clock, story):
    async def played():
        async with opened(engine, clock) as site:
            with db.transaction(engine) as session:
                articles.put(session, [ArticleChange("LAMP", {}, barcodes=(BARCODE,))], now=START)
            await site.log_in()
            return await story(site)

    return asyncio.run(played())


async def scan(site, code, back=LIST):
    token = hidden((await site.get("/staff")).text)["token"]
    return await site.post("/staff/code?store=linden", token=token, code=code, back=back)


def test_an_articles_barcode_leads_to_the_one_pickup_that_holds_it_or_to_the_list_of_them(engine, clock):
    async def story(site):
        none = await scan(site, BARCODE)
        first = await site.place(("LAMP", 1))
        one = await scan(site, BARCODE)
        await site.place(("LAMP", 2))
        return first.pickup.id, none, one, await scan(site, BARCODE), (await site.get(f"/staff?q={BARCODE}")).text

    first, none, one, many, shown = play(engine, clock, story)

    assert none.headers["location"] == f"{LIST}&m=no-article-pickup"
    assert one.headers["location"] == f"/staff/pickups/{first}"
    assert many.headers["location"] == f"/staff?store=linden&q={BARCODE}"
    assert shown.count('<a class="card"') == 2


def test_a_number_leads_to_its_pickup_without_saying_that_the_code_was_right(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        return placed.pickup.id, await scan(site, "l-1001")

    pickup, answer = play(engine, clock, story)

    assert answer.headers["location"] == f"/staff/pickups/{pickup}"


def test_the_code_in_a_shops_address_opens_its_pickup(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        led = await scan(site, f"https://shop.example/abholen/{placed.code}?lang=de")
        return (await site.get(led.headers["location"])).text

    assert 'name="voucher"' in play(engine, clock, story)


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        (LIST, f"{LIST}&m=wrong-code"),
        ("/staff/pickups/x", "/staff/pickups/x?m=wrong-code"),
        ("https://elsewhere.example/", "/staff/code?m=wrong-code"),
        ("", "/staff/code?m=wrong-code"),
    ],
)
def test_what_opens_nothing_leads_back_to_where_it_was_scanned(engine, clock, back, leads):
    answer = play(engine, clock, lambda site: scan(site, "ZZZZ-ZZZZ", back))

    assert answer.headers["location"] == leads


def test_what_cannot_be_a_code_is_no_try(engine, clock):
    async def story(site):
        for n in range(12):
            await scan(site, f"40063813339{n:02}")
        return await scan(site, "ZZZZ-ZZZZ")

    assert "m=wrong-code" in play(engine, clock, story).headers["location"]


def test_only_pages_that_scan_may_ask_for_the_camera_and_none_may_compile_webassembly(engine, clock):
    async def story(site):
        placed, ready = await site.place(("LAMP", 1)), await site.place_ready(("LAMP", 1))
        paths = ["/staff", f"/staff/pickups/{placed.pickup.id}", f"/staff/pickups/{ready.pickup.id}"]
        return [await site.get(path) for path in [*paths, "/staff/code", "/staff/status", "/staff/login"]]

    shown = play(engine, clock, story)

    asked = [answer.headers["permissions-policy"].split(",")[0] for answer in shown]
    assert asked == ["camera=(self)"] * 3 + ["camera=()"] * 3
    assert not any("eval" in answer.headers["content-security-policy"] for answer in shown)


def test_a_message_stays_on_the_list_that_draws_itself_anew(engine, clock):
    async def story(site):
        return [(await site.get(f"/staff?m={code}")).text for code in ("wrong-code", "done")]

    wrong, done = play(engine, clock, story)

    assert "m=wrong-code&amp;live=1" in wrong
    assert "m=&amp;live=1" in done
