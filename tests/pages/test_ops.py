from __future__ import annotations

import asyncio
import html
import re

from omnisync.adapters.base import Article, OrderLine, OrderSeen, Unreadable
from omnisync.pages.ops_switches import Switches
from omnisync.sync import facts
from tests.pages.ops_site import opened


def play(engine, clock, story, **more):
    """Run a story against the page and hand back what it returns."""

    async def run():
        async with opened(engine, clock, **more) as site:
            return await story(site)

    return asyncio.run(run())


def words(page):
    """What a reader sees, without the tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def part(page, name):
    """One part of the page, as words."""
    found = re.search(rf'<(\w+)[^>]* id="{name}".*?(?=<(?:section|div|nav)[^>]* data-part|</main>)', page, re.DOTALL)
    assert found is not None, name
    return words(found[0])


def row(page, channel):
    found = re.search(rf'<tr id="kanal-{channel}">.*?</tr>', page, re.DOTALL)
    assert found is not None, channel
    return words(found[0])


def test_nobody_sees_the_page_before_they_log_in_and_a_store_never(engine, clock):
    async def story(site):
        stranger = await site.browser.get("/ops")
        pressed = await site.post("/ops/channels/ebay/pause", token="")
        await site.log_in("kim")
        kim = await site.browser.get("/ops")
        kims_form = await site.post("/ops/channels/ebay/pause", token="")
        return stranger, pressed, kim, kims_form, site.context

    stranger, pressed, kim, kims_form, _ = play(engine, clock, story)

    assert [one.headers["location"] for one in (stranger, pressed)] == ["/staff/login?next=%2Fops"] * 2
    assert kim.status_code == 403
    assert "forbidden" in kims_form.headers["location"] or "foreign-form" in kims_form.headers["location"]


def test_the_bare_address_leads_to_the_page(engine, clock):
    async def story(site):
        return await site.browser.get("/")

    found = play(engine, clock, story)

    assert (found.status_code, found.headers["location"]) == (303, "/ops")


def test_a_login_leads_back_to_the_page_that_was_wanted_and_nowhere_else(engine, clock):
    async def story(site):
        here = await site.log_in()
        elsewhere = await site.post("/staff/login", name="olga", password="Kaffee um halb zehn", next="//evil.example")
        return here, elsewhere

    here, elsewhere = play(engine, clock, story)

    assert here.headers["location"] == "/ops"
    assert elsewhere.headers["location"] == "/staff"


def test_when_all_is_well_the_page_says_so_without_promising_too_much(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(3)
        await site.sell("LAMP", 3, receipt="4711")
        await site.run(2)
        return await site.get()

    page = play(engine, clock, story)

    assert "Alle Kanäle sind pünktlich." in part(page, "banner")
    assert "nur innerhalb von" in part(page, "banner")
    assert "Pünktlich" in row(page, "ebay")
    assert "0 von 6 Angeboten" in part(page, "tiles")


def test_the_delay_is_that_of_the_numbers_that_were_sent(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(3)
        clock.advance(hours=2)
        await site.sell("LAMP", receipt="1")
        clock.advance(seconds=4)
        await site.run()
        return await site.get("/ops?range=1h")

    page = play(engine, clock, story)

    assert "Verzögerung, p95 4,0 s Ziel 5,0 s" in part(page, "tiles")
    assert 'aria-label="Verzögerung von 3 Änderungen: die Hälfte unter 4,0 s, 95 Prozent unter 4,0 s"' in page


def test_a_channel_that_is_down_shows_what_it_still_offers(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(3)
        site.fakes["ebay"].faults.down = True
        await site.sell("LAMP", 3, receipt="4711")
        await site.sell("CHAIR", 1, receipt="4712")
        await site.run(8, seconds=15)
        return await site.get()

    page = play(engine, clock, story)

    assert "eBay DE zeigt noch 2 Artikel, die wir nicht senken können, höchstens 4 Stück." in part(page, "banner")
    assert "2 von 3 Kanälen pünktlich." in part(page, "banner")
    assert "Verspätet" in row(page, "ebay")
    assert "Pünktlich" in row(page, "webshop")
    assert "eBay DE: in 1 von 48 halben Stunden gab es Ärger" in html.unescape(page)
    # What waits counts as old as it is: a channel that is down does not make the average look fast.
    assert "Verzögerung, p95 1 min" in part(page, "tiles") or "Verzögerung, p95 2 min" in part(page, "tiles")


def test_a_refused_credential_asks_for_a_person_in_words(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        site.fakes["ebay"].faults.credentials = True
        clock.advance(minutes=2)
        await site.run(2)
        return await site.get()

    page = play(engine, clock, story)

    assert "eBay DE braucht Sie" in part(page, "banner")
    assert "Braucht Sie" in row(page, "ebay")
    assert 'class="bad"' in page[page.index("kanal-ebay") :]


def test_a_worker_that_stopped_is_worse_than_any_channel(engine, clock):
    async def story(site):
        await site.log_in()
        never = await site.get()
        await site.run(2)
        site.fakes["ebay"].faults.down = True
        await site.run(4, seconds=15)
        running = await site.get()
        clock.advance(minutes=13)
        return never, running, await site.get()

    never, running, stopped = play(engine, clock, story)

    assert "Noch hat kein Worker gearbeitet." in part(never, "banner")
    assert "Der Abgleich steht" not in part(running, "banner")
    assert "Der Abgleich steht. Seit 12 min" in part(stopped, "banner")


def test_pause_and_resume_stop_and_start_the_writing(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        await site.press("channels/ebay/pause")
        await site.sell("LAMP", receipt="1")
        await site.run(2)
        paused = site.fakes["ebay"].shows("LAMP"), row(await site.get(), "ebay")
        await site.press("channels/ebay/resume")
        await site.run(2)
        return paused, site.fakes["ebay"].shows("LAMP"), row(await site.get(), "ebay")

    (shown, line), resumed, line_after = play(engine, clock, story)

    assert (shown, resumed) == (10, 9)
    assert "Angehalten" in line
    assert "Fortsetzen" in line
    assert "Pünktlich" in line_after


def order_with_unknown(clock, fake):
    now = clock.now()
    lines = (
        OrderLine("1", Article(external_id="id-LAMP", sku="LAMP"), 1),
        OrderLine("2", Article(external_id="x-9"), 2),
    )
    fake.orders["77"] = OrderSeen("77", "#77", now, now, lines)


def test_an_unknown_article_is_mapped_from_its_letter(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        order_with_unknown(clock, site.fakes["ebay"])
        clock.advance(minutes=1)
        await site.run(2)
        before = await site.get()
        letter = re.search(r"/ops/letters/(\w+)/map", before)[1]
        too_soon = await site.press(f"letters/{letter}/replay")
        wrong = await site.press(f"letters/{letter}/map", sku="NO-SUCH")
        told = await site.browser.get(wrong.headers["location"])
        right = await site.press(f"letters/{letter}/map", sku="CHAIR")
        await site.run(2)
        clock.advance(seconds=2)
        return before, too_soon, wrong, told.text, right, await site.get(), site.fakes["webshop"].shows("CHAIR")

    before, too_soon, wrong, told, right, after, shown = play(engine, clock, story)

    assert "Liegen geblieben 1" in part(before, "rail")
    assert "Kein Artikel heißt" in part(before, "liegen")
    assert "m=still-waits" in too_soon.headers["location"]
    assert "m=no-such-article" in wrong.headers["location"]
    assert "Kein Artikel hat diese SKU" in told
    assert "m=done" in right.headers["location"]
    assert "Nichts liegen geblieben." in part(after, "liegen")
    assert shown == 8


def test_letters_are_replayed_or_discarded_once(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        channel, now = site.context.channel("kasse"), clock.now()
        broken = [Unreadable(f"file:{n}", "Zeile 7: keine Menge.", "Berichtigen.") for n in (1, 2)]
        await site.services.write.run(lambda session: facts.apply(session, site.context, channel, broken, now=now))
        clock.advance(seconds=2)
        page = await site.get()
        first = re.search(r"/ops/letters/(\w+)/discard", page)[1]
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        discarded = await site.press(f"letters/{first}/discard")
        again = await site.post(f"/ops/letters/{first}/discard", token=token)
        clock.advance(seconds=2)
        return page, discarded, again, await site.get()

    page, discarded, again, after = play(engine, clock, story)

    assert "Kassen Lindenstraße: Unlesbar: file:1" in part(page, "liegen")
    assert "Alle wiederholen" in part(page, "liegen")
    assert "m=done" in discarded.headers["location"]
    assert "m=already-closed" in again.headers["location"]
    assert "Liegen geblieben 1" in part(after, "tiles")


def test_a_sale_of_the_same_last_piece_is_counted_and_answered(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        await site.sell("LAMP", 10, receipt="1")
        site.fakes["ebay"].buy("LAMP", 2)
        await site.run(2)
        page = await site.get()
        shortage = re.search(r"/ops/shortages/(\d+)/accept", page)[1]
        await site.press(f"shortages/{shortage}/accept")
        clock.advance(seconds=2)
        return page, await site.get()

    page, after = play(engine, clock, story)

    assert "Doppelt verkauft 2 Stück 2 Stück fehlen noch" in part(page, "tiles")
    assert "2 × LAMP in Filiale Lindenstraße zweimal verkauft" in part(page, "entscheidungen")
    assert "2 × Lamp, Filiale Lindenstraße" in part(page, "fehlmengen")
    assert "olga kümmert sich" in part(after, "fehlmengen")


def test_the_blast_guard_waits_for_a_person_and_writes_exactly_what_it_held_back(engine, clock):
    many = [f"SHELF-{number:02}" for number in range(25)]

    async def story(site):
        await site.log_in()
        await site.run(3)
        for number, sku in enumerate(many):
            await site.count(sku, 0, f"import:7/{number}")
        await site.run(2)
        clock.advance(seconds=2)
        page = await site.get()
        case = re.search(r"/ops/cases/(\w+)/apply", page)[1]
        before = [fake.shows(many[0]) for fake in site.fakes.values()]
        pressed = await site.press(f"cases/{case}/apply")
        await site.run(2)
        return page, before, pressed, [fake.shows(many[0]) for fake in site.fakes.values()]

    page, before, pressed, after = play(engine, clock, story, skus=many)

    assert "25 Angebote würden auf einmal auf 0 gehen" in part(page, "entscheidungen")
    assert "import:7" in part(page, "entscheidungen")
    assert before == [10, 10, 10]
    assert "m=done" in pressed.headers["location"]
    assert sorted(after) == [0, 10, 10]


def test_forms_from_elsewhere_have_no_effect(engine, clock):
    async def story(site):
        await site.log_in()
        await site.run(2)
        foreign = await site.post("/ops/channels/ebay/pause", token="made up")
        return foreign, row(await site.get(), "ebay")

    foreign, line = play(engine, clock, story)

    assert "m=foreign-form" in foreign.headers["location"]
    assert "Anhalten" in line


def test_the_demo_panel_shows_its_switches_and_turns_them(engine, clock):
    stand = {"down": False, "rate_limited": False, "double": True, "reorder": False, "lose": False}

    async def call(method, body):
        if method == "POST":
            stand[body["fault"]] = body["on"]
        return {"channels": [{"name": "ebay", "faults": stand}]}

    async def story(site):
        await site.log_in()
        page = await site.get()
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        on = await site.post("/ops/switches", token=token, channel="ebay", fault="down", on="1")
        unknown = await site.post("/ops/switches", token=token, channel="ebay", fault="fire", on="1")
        return page, on, unknown

    page, on, unknown = play(engine, clock, story, switches=Switches(call))

    assert page.count('aria-checked="true"') == 1
    assert stand["down"] is True
    assert "m=done" in on.headers["location"]
    assert "m=invalid-request" in unknown.headers["location"]


def test_without_a_demo_there_are_no_switches(engine, clock):
    async def story(site):
        await site.log_in()
        page = await site.get()
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        return page, await site.post("/ops/switches", token=token, channel="ebay", fault="down", on="1")

    page, pressed = play(engine, clock, story)

    assert 'id="demo"' not in page
    assert "m=not-found" in pressed.headers["location"]
