from __future__ import annotations

import re

from omnisync.adapters.base import Article, Counted, OrderLine, OrderSeen, Unreadable
from omnisync.catalog.tables import Barcode
from omnisync.pages.office import redacted
from omnisync.sync import facts
from omnisync.sync.tables import DeadLetter, InboxMessage
from tests.pages.office import links, play, rows, section, words


async def leave_lying(site, *facts_told, channel="ebay"):
    """What a channel tells and nobody can book."""
    found, now = site.context.channel(channel), site.clock.now()
    await site.services.write.run(lambda session: facts.apply(session, site.context, found, facts_told, now=now))


def an_order(clock, *articles):
    now = clock.now()
    lines = tuple(OrderLine(str(n), article, 2) for n, article in enumerate(articles, 1))
    return OrderSeen("77", "#77", now, now, lines)


async def open_one(site):
    page = await site.get("/ops/letters")
    return await site.get(next(one for one in links(page) if "/ops/letters/one" in one))


def test_a_letter_says_what_why_how_often_and_what_differs_by_now(engine, clock):
    async def story(site):
        await leave_lying(site, an_order(clock, Article(external_id="x-9", title="Lampe, blau"), Article(sku="LAMP")))
        return await open_one(site)

    page = play(engine, clock, story)

    assert "Kein Artikel heißt x-9." in words(page)
    assert "Versuche 1" in words(page)
    assert "Position 1 2 × Lampe, blau unbekannter Artikel" in rows(page, "difference")
    assert "Position 2 2 × LAMP 2 × LAMP" in rows(page, "difference")
    assert '"external_id": "x-9"' in words(section(page, "payload"))


def test_an_article_is_mapped_on_the_page_of_its_letter(engine, clock):
    async def story(site):
        await leave_lying(site, an_order(clock, Article(external_id="x-9")))
        page = await open_one(site)
        action = re.search(r'action="(/ops/letters/\w+/map)"', page)[1]
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page[page.index(action) :]))
        mapped = await site.post(action, **hidden, sku="CHAIR")
        return mapped, await site.get(mapped.headers["location"])

    mapped, page = play(engine, clock, story)

    assert re.fullmatch(r"/ops/letters/one\?id=\w+&m=done", mapped.headers["location"])
    assert "Gespeichert." in words(page)


def test_a_rehearsal_tells_what_would_succeed_and_changes_nothing(engine, clock):
    async def story(site):
        await leave_lying(
            site, an_order(clock, Article(barcode="4006381333931")), Unreadable("file:1", "Zeile 7.", "Mend.")
        )
        await site.services.write.run(lambda session: session.add(Barcode(code="4006381333931", sku="CHAIR")))
        before = await site.get("/ops/stock?q=CHAIR")
        page = await site.get("/ops/letters/rehearsal")
        return before, page, await site.get("/ops/stock?q=CHAIR"), await site.get("/ops/letters")

    before, page, after, still = play(engine, clock, story)

    assert "1 kann gelingen." in words(page)
    assert sorted(next(word for word in ("gebucht", "wartet", "Wartet") if word in row) for row in rows(page, "rehearsal")) == [
        "Wartet", "gebucht",
    ]  # fmt: skip
    assert rows(before, "stock") == rows(after, "stock")
    assert len(rows(still, "letters")) == 2


def test_those_that_can_succeed_are_replayed_together_and_the_others_stay(engine, clock):
    async def story(site):
        await leave_lying(
            site, an_order(clock, Article(barcode="4006381333931")), Unreadable("file:1", "Zeile 7.", "Mend.")
        )
        await site.services.write.run(lambda session: session.add(Barcode(code="4006381333931", sku="CHAIR")))
        page = await site.get("/ops/letters/rehearsal")
        form = page[page.index('action="/ops/all/_/replay"') :]
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[: form.index("</form>")]))
        pressed = await site.post("/ops/all/_/replay", **hidden)
        return pressed, await site.get("/ops/letters"), await site.get("/ops/stock?q=CHAIR")

    pressed, left, stock = play(engine, clock, story)

    assert "m=done" in pressed.headers["location"]
    assert ["file:1" in row for row in rows(left, "letters")] == [True]
    assert rows(stock, "stock")[0].startswith("CHAIR Chair Filiale Lindenstraße 8 10 2")


def test_the_message_a_letter_came_in_is_shown_without_people_and_secrets(engine, clock):
    body = (
        b'{"id": 7, "customer": {"first_name": "Anna"}, "email": "anna@example.org", "items": [{"sku": "LAMP", "qty": 2}],'
        b' "text": "call +49 170 1234567 or anna@example.org", "token": "t0psecret"}'
    )

    async def story(site):
        came = InboxMessage(
            id=5, channel="ebay", event_id="e", body_hash="h", topic="orders", body=body, state="failed", received_at=clock.now(),
            headers={"content-type": "application/json", "authorization": "Basic c2VjcmV0", "x-shopify-topic": "orders/create"},
        )  # fmt: skip
        lying = DeadLetter(
            id="d1", channel="ebay", kind="message", key="message/5", title="orders 7", reason="Broken.", action="Mend.",
            message_id=5, payload={"topic": "orders"}, opened_at=clock.now(), last_at=clock.now(),
        )  # fmt: skip
        await site.services.write.run(lambda session: session.add_all([came, lying]))
        return await site.get("/ops/letters/one?id=d1")

    shown = section(play(engine, clock, story), "message")

    assert '"sku": "LAMP"' in shown
    assert "orders/create" in shown
    assert not any(secret in shown for secret in ("Anna", "anna@", "0170", "1234567", "t0psecret", "c2VjcmV0"))


def test_what_is_no_json_is_kept_and_not_shown():
    assert redacted.body(b"<order><buyer>Anna</buyer></order>") == ""
    assert redacted.payload({"at": "2026-11-21T10:00:00Z", "sku": "4006381333931", "n": 3}) == {
        "at": "2026-11-21T10:00:00Z",
        "sku": "4006381333931",
        "n": 3,
    }
    assert redacted.address("https://user:key@shop.example/orders?key=secret") == "https://shop.example/orders"


def test_letters_are_filtered_by_channel_kind_and_whether_they_are_closed(engine, clock):
    async def story(site):
        await leave_lying(site, an_order(clock, Article(external_id="x-9")))
        await leave_lying(site, Counted("c1", Article(external_id="y-1"), 3, clock.now()), channel="kasse")
        page = await site.get("/ops/letters?channel=ebay")
        return page, await site.get("/ops/letters?kind=fact"), await site.get("/ops/letters?state=closed")

    of_channel, of_kind, closed = play(engine, clock, story)

    assert ["eBay" in row for row in rows(of_channel, "letters")] == [True]
    assert ["Kassen" in row for row in rows(of_kind, "letters")] == [True]
    assert rows(closed, "letters") == []


def test_who_may_only_look_cannot_press(engine, clock):
    async def story(site):
        await leave_lying(site, an_order(clock, Article(external_id="x-9")))
        page = await open_one(site)
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        letter = re.search(r"id=(\w+)", next(one for one in links(await site.get("/ops/letters")) if "one?id" in one))[
            1
        ]
        pressed = await site.post(f"/ops/letters/{letter}/discard", token=token)
        return page, pressed, await site.browser.get("/ops/letters/rehearsal"), await site.get("/ops/letters")

    page, pressed, rehearsal, after = play(engine, clock, story, who="vera")

    assert "/discard" not in page
    assert "m=forbidden" in pressed.headers["location"]
    assert rehearsal.status_code == 403
    assert len(rows(after, "letters")) == 1
