from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import col

from omnisync.adapters.base import Article, Counted, OrderLine, OrderSeen
from omnisync.sync import facts
from omnisync.sync.tables import ChannelListing, InboxMessage, ShownState
from tests.conftest import START
from tests.pages.office import links, place, play, rows, section, words


def form(page, step):
    """The hidden fields of a button, as a browser sends them."""
    found = re.search(rf'<form[^>]*action="(/ops/{step})".*?</form>', page, re.DOTALL)
    assert found is not None, step
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[0]))
    return found[1], {name: html.unescape(value) for name, value in fields.items()}


async def press(site, page, step, **more):
    action, fields = form(page, step)
    return await site.post(action, **fields | more)


def test_a_channels_page_says_how_it_does_and_what_was_said_and_written(engine, clock):
    async def story(site):
        await site.run(3)
        await site.sell("LAMP", 3, receipt="4711")
        await site.run(2)
        return await site.get("/ops/channel?name=webshop"), await site.browser.get("/ops/channel?name=none")

    page, nothing = play(engine, clock, story)

    assert "Pünktlich" in words(page)
    assert any("LAMP id-LAMP 7" in row and "angewendet" in row for row in rows(page, "writes"))
    then = urlencode({"at": START.replace(second=6).isoformat()})
    assert f"/ops/stock/explain?sku=LAMP&channel=webshop&{then}" in links(page)
    assert nothing.status_code == 404


def test_a_message_is_shown_without_people(engine, clock):
    async def story(site):
        came = InboxMessage(
            id=9, channel="ebay", event_id="e9", body_hash="h", topic="orders/create", resource="1001", state="applied",
            body=b'{"sku": "LAMP", "buyer": {"name": "Anna"}}', received_at=clock.now(), handled_at=clock.now(),
            url="https://sync.example.org/v1/hooks/ebay?key=t0psecret",
        )  # fmt: skip
        await site.services.write.run(lambda session: session.add(came))
        page = await site.get("/ops/channel?name=ebay")
        return page, await site.get(next(one for one in links(page) if "message?id" in one))

    page, message = play(engine, clock, story)

    assert rows(page, "messages")[0].endswith("orders/create 1001 Gebucht 0")
    assert "LAMP" in section(message, "payload")
    assert not any(hidden in message for hidden in ("Anna", "t0psecret"))


def test_a_channel_that_needs_a_person_is_connected_again(engine, clock):
    async def story(site):
        await site.run(2)
        site.fakes["ebay"].faults.credentials = True
        clock.advance(minutes=2)
        await site.run(2)
        broken = await site.get("/ops/channel?name=ebay")
        site.fakes["ebay"].faults.credentials = False
        pressed = await press(site, broken, "channels/ebay/reconnect")
        await site.run(2)
        return broken, pressed, await site.get("/ops/channel?name=ebay")

    broken, pressed, mended = play(engine, clock, story)

    assert "Braucht Sie" in words(broken)
    assert "name=ebay&m=done" in pressed.headers["location"]
    assert "Pünktlich" in words(mended)
    assert "/channels/ebay/reconnect" not in mended


def test_a_decision_is_made_on_its_page_and_kept_with_who_made_it(engine, clock):
    async def story(site):
        await site.run(2)
        await site.sell("LAMP", 10, receipt="1")
        site.fakes["ebay"].buy("LAMP", 2)
        await site.run(2)
        page = await site.get("/ops/cases?channel=ebay")
        await press(site, page, r"cases/\w+/dismiss")
        return page, await site.get("/ops/cases?channel=ebay"), await site.get("/ops/cases?state=closed")

    page, after, closed = play(engine, clock, story)

    assert rows(page, "cases")[0].startswith("2 × LAMP in Filiale Lindenstraße zweimal verkauft")
    assert "Nichts zu entscheiden." in section(after, "cases")
    assert "Verworfen olga" in rows(closed, "cases")[0]


def test_a_shortage_is_answered_with_one_press(engine, clock):
    async def story(site):
        await place(site, "Anna Schubert", {"LAMP": 2}, paid=False)
        await site.sell("LAMP", 9, receipt="1")
        page = await site.get("/ops/shortages")
        pressed = await press(site, page, r"shortages/\d+/carry_out")
        again = await press(site, page, r"shortages/\d+/carry_out")
        return page, pressed, again, await site.get("/ops/shortages")

    page, pressed, again, after = play(engine, clock, story)

    assert rows(page, "shortages")[0].startswith("LAMP Filiale Lindenstraße 1 1 für Abholung L-")
    assert "m=done" in pressed.headers["location"]
    assert "m=done" not in again.headers["location"]
    assert "Jede Zusage kann gehalten werden." in section(after, "shortages")


def test_a_proposal_that_no_longer_fits_is_refused(engine, clock):
    async def story(site):
        await place(site, "Anna Schubert", {"LAMP": 2}, paid=False)
        await site.sell("LAMP", 9, receipt="1")
        page = await site.get("/ops/shortages")
        return await press(site, page, r"shortages/\d+/carry_out", proposal="made-up"), await site.get("/ops/shortages")

    pressed, after = play(engine, clock, story)

    assert "m=done" not in pressed.headers["location"]
    assert len(rows(after, "shortages")) == 1


def test_shelves_below_zero_are_to_be_counted(engine, clock):
    async def story(site):
        await site.sell("LAMP", 12, receipt="1")
        return await site.get("/ops/shortages")

    assert rows(play(engine, clock, story), "below") == ["LAMP Filiale Lindenstraße -2"]


def test_an_unknown_article_is_answered_with_one_press(engine, clock):
    async def story(site):
        now = clock.now()
        told = OrderSeen("77", "#77", now, now, (OrderLine("1", Article(external_id="x-9", title="Chair"), 2),))
        channel = site.context.channel("ebay")
        await site.services.write.run(lambda session: facts.apply(session, site.context, channel, [told], now=now))
        page = await site.get("/ops/mappings")
        answered = await press(site, page, r"mappings/[\w-]+/answer", sku="CHAIR")
        return page, answered, await site.get("/ops/mappings"), await site.get("/ops/stock?q=CHAIR")

    page, answered, after, stock = play(engine, clock, story)

    assert "eBay DE: Chair Unbekannter Artikel, x-9" in section(page, "mappings")
    assert "1 Buchung wartet darauf" in section(page, "mappings")
    assert "Das ist CHAIR" in section(page, "mappings")
    assert "m=done" in answered.headers["location"]
    assert "Alles ist klar." in section(after, "mappings")
    assert rows(stock, "stock")[0].startswith("CHAIR Chair Filiale Lindenstraße 8 10 2")


def test_a_listing_that_is_none_of_ours_is_put_away(engine, clock):
    async def story(site):
        stranger = ChannelListing(channel="ebay", external_id="x-1", title="Gutschein", added_at=clock.now())
        await site.services.write.run(lambda session: session.add(stranger))
        page = await site.get("/ops/mappings?kind=unknown_article")
        action, fields = form(page[page.index("Keiner von uns") - 900 :], r"mappings/[\w-]+/answer")
        await site.post(action, **fields)
        return fields, await site.get("/ops/mappings"), await site.browser.get("/ops/mappings?after=made-up")

    fields, after, made_up = play(engine, clock, story)

    assert fields["keep"] == "1"
    assert "Alles ist klar." in section(after, "mappings")
    assert made_up.status_code == 404


def test_a_number_that_nobody_explains_stands_under_drift(engine, clock):
    async def story(site):
        await site.run(3)
        calm = await site.get("/ops/drift")
        odd = sa.update(ShownState).where(col(ShownState.channel) == "ebay", col(ShownState.sku) == "LAMP")
        seen = odd.values(drift_since=clock.now(), seen=4)
        await site.services.write.run(lambda session: session.execute(seen) and None)
        return calm, await site.get("/ops/drift"), await site.get("/ops/drift?channel=kasse")

    calm, odd, elsewhere = play(engine, clock, story)

    assert "Jeder Kanal zeigt, was er soll." in section(calm, "drift")
    assert rows(odd, "drift")[0].startswith("LAMP id-LAMP eBay DE Niemand erklärt die Zahl 10 4")
    assert rows(elsewhere, "drift") == []


def test_a_count_of_somebody_elses_stock_is_a_decision(engine, clock):
    async def story(site):
        told, channel, now = (
            Counted("c1", Article(sku="LAMP"), 3, clock.now()),
            site.context.channel("kasse"),
            clock.now(),
        )
        await site.services.write.run(lambda session: facts.apply(session, site.context, channel, [told], now=now))
        return await site.get("/ops/cases")

    assert "3 × LAMP gezählt in Filiale Lindenstraße" in section(play(engine, clock, story), "cases")
