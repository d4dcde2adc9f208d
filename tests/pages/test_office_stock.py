from __future__ import annotations

from datetime import timedelta

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.stock import ledger, reservations
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.pages.office import links, play, rows, section, table_of, words
from tests.stock.shop import a_request


async def record(site, *entries):
    now = site.clock.now()
    await site.services.write.run(lambda session: ledger.record(session, entries, now=now))


def test_an_article_shows_where_it_lies_and_every_number_leads_to_its_reason(engine, clock):
    async def story(site):
        await record(site, Entry(Kind.SAFETY, "LAMP", "linden", 2, "api:key", clock.now()))
        await site.sell("LAMP", 3, receipt="4711")
        return await site.get("/ops/stock/article?sku=LAMP")

    page = play(engine, clock, story)

    assert rows(page, "balances") == ["Filiale Lindenstraße 5 7 0 0 2 0"]
    assert "/ops/stock/explain?sku=LAMP&location=linden" in links(page)
    assert "/ops/stock/article?sku=LAMP&location=linden#journal" in links(page)


def test_the_journal_is_read_page_by_page_the_newest_first(engine, clock):
    async def story(site):
        for number in range(60):
            await site.sell("LAMP", 1, receipt=f"{number:03}")
        first = await site.get("/ops/stock/article?sku=LAMP")
        more = next(one for one in links(first) if "before=" in one)
        return first, await site.get(more.partition("#")[0])

    first, second = play(engine, clock, story)

    assert [row.split()[-1] for row in rows(first, "journal")[:2]] == ["kasse:059", "kasse:058"]
    assert len(rows(first, "journal")) == 50
    assert [row.split()[-1] for row in rows(second, "journal")][-3:] == ["kasse:001", "kasse:000", "test"]
    assert "Verkauft" in rows(first, "journal")[0]
    assert "Bestand -1" in rows(first, "journal")[0]


def test_the_journal_is_filtered_by_what_happened(engine, clock):
    async def story(site):
        await site.sell("LAMP", 1, receipt="1")
        await site.count("LAMP", 8, "hand:1")
        return await site.get("/ops/stock/article?sku=LAMP&kind=count")

    page = play(engine, clock, story)

    assert [row.split()[-1] for row in rows(page, "journal")] == ["hand:1"]
    assert '<option value="count" selected>' in page


def test_who_waits_for_pieces_stands_on_the_page_until_it_ends(engine, clock):
    async def story(site):
        now = clock.now()
        wish = a_request(("LAMP", 2), id="r77", reference="cart-77")
        await site.services.write.run(lambda session: reservations.reserve(session, [wish], now=now))
        clock.advance(seconds=5)
        site.fakes["ebay"].buy("LAMP", 1)
        await site.run(2)
        return await site.get("/ops/stock/article?sku=LAMP")

    page = play(engine, clock, story)

    held, ordered = rows(page, "holds")
    assert held.startswith("Reservierung cart-77 Filiale Lindenstraße 2")
    assert held.endswith("r77")
    assert ordered.startswith("Bestellung ")
    assert any(one.startswith("/ops/orders/one?id=") for one in links(page))


def test_what_channels_show_stands_beside_what_they_should(engine, clock):
    async def story(site):
        await site.run(3)
        site.fakes["ebay"].faults.down = True
        await site.sell("LAMP", 4, receipt="1")
        await site.run(2)
        return await site.get("/ops/stock/article?sku=LAMP")

    page = play(engine, clock, story)

    shown = {row.split()[0]: row for row in rows(page, "channels")}
    assert "6 10 Verspätet" in shown["eBay"]
    assert "6 6 Pünktlich" in shown["Onlineshop"]


def test_the_course_goes_back_from_what_is_there_now(engine, clock):
    async def story(site):
        clock.advance(days=2)
        await site.log_in()
        await site.sell("LAMP", 4, receipt="1")
        clock.advance(days=1)
        await site.log_in()
        return await site.get("/ops/stock/article?sku=LAMP&range=7d"), await site.get(
            "/ops/stock/article?sku=LAMP&range=1d"
        )

    week, day = play(engine, clock, story)

    assert "Bestand von 0 auf 6, am wenigsten 0; jetzt verfügbar 6" in week
    assert "Bestand von 6 auf 6, am wenigsten 6; jetzt verfügbar 6" in day


def test_an_article_nobody_knows_is_said_so(engine, clock):
    async def story(site):
        return await site.browser.get("/ops/stock/article?sku=NO-SUCH"), await site.browser.get(
            "/ops/stock/article?sku=%00"
        )

    unknown, odd = play(engine, clock, story)

    assert (unknown.status_code, odd.status_code) == (404, 404)
    assert "NO-SUCH" in words(unknown.text)


def test_a_number_explains_itself_now_and_at_a_past_moment(engine, clock):
    async def story(site):
        await site.run(2)
        before = clock.now()
        clock.advance(minutes=10)
        await site.sell("LAMP", 4, receipt="4711")
        await site.run(2)
        at = f"{(before + timedelta(minutes=1)).isoformat()}".replace("+", "%2B")
        return (
            await site.get("/ops/stock/explain?sku=LAMP&channel=ebay"),
            await site.get(f"/ops/stock/explain?sku=LAMP&channel=ebay&at={at}"),
            await site.browser.get("/ops/stock/explain?sku=LAMP&at=2030-01-01T10:00"),
        )

    now, past, future = play(engine, clock, story)

    assert "Der Kanal sollte 6 zeigen." in words(now)
    assert "-4 Verkauft" in words(now)
    assert "kasse:4711" in words(now)
    assert " 6 id-LAMP angewendet" in rows(now, "sent")[0]
    assert "Der Kanal sollte 10 zeigen." in words(past)
    assert "kasse:4711" not in words(past)
    assert future.status_code == 422


def test_the_list_finds_articles_by_name_and_by_state(engine, clock):
    async def story(site):
        await site.count("CHAIR", 0, "hand:1")
        return (
            await site.get("/ops/stock?q=lam"),
            await site.get("/ops/stock?state=none"),
            await site.get("/ops/stock?q=%25"),
        )

    by_name, by_state, by_sign = play(engine, clock, story)

    assert [row.split()[0] for row in rows(by_name, "stock")] == ["LAMP"]
    assert [row.split()[0] for row in rows(by_state, "stock")] == ["CHAIR"]
    assert "Kein Bestand passt dazu." in section(by_sign, "stock")


def test_the_list_goes_on_where_the_page_before_ended(engine, clock):
    many = [f"CUP-{number:02}" for number in range(55)]

    async def story(site):
        first = await site.get("/ops/stock?q=cup")
        more = next(one for one in links(first) if "after=" in one)
        return first, await site.get(more), await site.browser.get("/ops/stock?after=made-up")

    first, second, made_up = play(engine, clock, story, skus=many)

    found = [row.split()[0] for row in rows(first, "stock") + rows(second, "stock")]
    assert found == many
    assert made_up.status_code == 404


def test_a_table_is_also_a_file_with_exact_values(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            session.add(Article(sku="=1+1", title="A trap", changed_at=clock.now()))
            session.flush()
        await record(site, Entry(Kind.COUNT, "=1+1", "linden", 1200, "hand", clock.now()))
        german = await site.browser.get("/ops/stock?q=trap&csv=stock")
        english = await site.browser.get("/ops/stock?q=trap&csv=stock", headers={"accept-language": "en"})
        return german, english, await site.browser.get("/ops/stock?csv=nothing")

    german, english, nothing = play(engine, clock, story)

    assert german.headers["content-disposition"] == 'attachment; filename="omnisync-stock.csv"'
    assert table_of(german.text)[1][:4] == ["'=1+1", "Filiale Lindenstraße", "1200", "1200"]
    assert table_of(english.text, ",")[0][:3] == ["Article", "Location", "Available"]
    assert nothing.status_code == 404


def test_who_may_only_look_sees_the_pages_and_no_button(engine, clock):
    async def story(site):
        return await site.get("/ops"), await site.get("/ops/stock/article?sku=LAMP")

    board, article = play(engine, clock, story, who="vera")

    assert "/ops/channels/ebay/pause" not in board
    assert 'action="/ops/' not in article.replace('action="/ops/search"', "").replace('action="/ops/stock', "")
