from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import pricelist, prices
from omnisync.catalog.pricelist import BasePrice, ChannelPrice
from omnisync.clock import Ids
from omnisync.orders import accepting, handing, pauses, picking
from omnisync.orders.handing import ByCode
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.tables import HandOver, Mail
from omnisync.pages.office import morning, today
from omnisync.settings import MailSettings
from omnisync.sync import leases
from omnisync.sync.tables import Cursor, ShownState
from omnisync.values import Money
from tests.conftest import START
from tests.pages.office import links, place, play, rows, section, words, work


async def back_up(site):
    """The database was copied just now, and a worker works."""
    row = {"channel": today.BACKUP[0], "name": today.BACKUP[1], "value": None, "at": site.clock.now()}
    await site.services.write.run(
        lambda session: db.upsert(session, db.table(Cursor), [row], key=("channel", "name"), update=("at",))
    )
    await site.services.write.run(
        lambda session: leases.take(session, leases.HOUSE, "a worker", now=site.clock.now(), lasting=timedelta(days=7))
    )


def test_a_quiet_day_is_one_green_line(engine, clock):
    async def story(site):
        await back_up(site)
        return await site.get("/ops/today")

    page = play(engine, clock, story)

    assert "Nichts zu tun." in words(page)
    assert "verdict ok" in page


def test_each_thing_to_do_is_a_line_that_leads_to_where_it_is_done(engine, clock):
    async def story(site):
        await back_up(site)
        await place(site, "Anna Schubert", {"CHAIR": 1})
        await place(site, "Mehmet Yılmaz", {"LAMP": 2}, paid=False)
        await site.sell("LAMP", 9, receipt="1")
        early = await site.get("/ops/today")
        clock.advance(days=1, hours=-2)
        await site.log_in()
        return early, await site.get("/ops/today")

    early, late = play(engine, clock, story)

    assert "2 Abholungen sollen heute bereit sein Filiale Lindenstraße" in rows(early, "today")
    assert "1 Stück ist zugesagt und nicht da" in rows(early, "today")
    assert rows(late, "today")[0] == "2 Abholungen sind verspätet Filiale Lindenstraße"
    assert {"/ops/pickups?location=linden&state=late", "/ops/shortages"} <= set(links(late))


def test_a_day_without_a_worker_is_not_quiet(engine, clock):
    async def story(site):
        await back_up(site)
        clock.advance(days=8)
        await site.log_in()
        return await site.get("/ops/today")

    assert rows(play(engine, clock, story), "today")[0] == "Der Abgleich steht."


def test_a_store_that_paused_its_pickups_stands_there_until_it_takes_them_again(engine, clock):
    async def story(site):
        await back_up(site)
        until = clock.now() + timedelta(hours=2)
        await work(site, pauses.begin, "linden", until)
        paused = await site.get("/ops/today")
        await work(site, pauses.end, "linden")
        return paused, await site.get("/ops/today")

    paused, after = play(engine, clock, story)

    [line] = rows(paused, "today")
    assert re.fullmatch(r"Nimmt bis \d\d:\d\d keine Abholungen an, sagte Kim Filiale Lindenstraße", line)
    assert "/staff/work/pause?store=linden" in links(paused)
    assert "Nichts zu tun." in words(after)


def test_what_nobody_in_its_store_accepts_comes_first(engine, clock):
    async def story(site):
        await back_up(site)
        await place(site, "Anna Schubert", {"CHAIR": 1})
        clock.advance(hours=1, minutes=30)
        desk, now = desk_for(site.services), clock.now()
        await site.services.write.run(lambda session: accepting.alarm(session, desk, now=now))
        return await site.get("/ops/today")

    page = play(engine, clock, story)

    assert rows(page, "today")[0] == "1 Abholung, die niemand annimmt Filiale Lindenstraße"
    assert "/ops/pickups?location=linden" in links(page)


def test_a_backup_that_is_missing_or_old_is_said_so(engine, clock):
    async def story(site):
        never = await site.get("/ops/today")
        await back_up(site)
        clock.advance(days=3)
        await site.log_in()
        return never, await site.get("/ops/today")

    never, old = play(engine, clock, story)

    told = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    assert ("Noch keine Sicherung" in words(never)) == (told == "SQLite")
    assert ("Letzte Sicherung vor 3 Tagen" in words(old)) == (told == "SQLite")


def test_what_was_handed_over_and_not_rung_up_is_listed(engine, clock):
    async def story(site):
        placed = await place(site, "Anna Schubert", {"LAMP": 1})
        await work(site, picking.ready, placed.pickup.id, "12")
        await work(site, handing.collect, placed.pickup.id, ByCode(placed.code))
        piece = HandOver(id="h1", location="linden", sku="LAMP", pickup_id=placed.pickup.id, at=clock.now())
        await site.services.write.run(lambda session: session.add(piece))
        early = await site.get("/ops/today")
        clock.advance(hours=2)
        return early, await site.get("/ops/today"), await site.get("/ops/pickups/unrung")

    early, late, listed = play(engine, clock, story)

    assert "nicht kassiert" not in words(early)
    assert "1 Stück übergeben und nicht kassiert Filiale Lindenstraße" in rows(late, "today")
    assert rows(listed, "unrung")[0].endswith("LAMP Filiale Lindenstraße 11:00")


@pytest.fixture
def office():
    return MailSettings(host="mail.example.org", office="office@example.org")


def mails(engine):
    with Session(engine) as session:
        return session.exec(select(Mail).order_by(col(Mail.id))).all()


def test_the_list_is_mailed_once_a_day_from_half_past_seven_on(engine, clock, office):
    async def story(site):
        await back_up(site)
        await place(site, "Anna Schubert", {"CHAIR": 1})
        named = site.context.settings.model_copy(update={"mail": office})
        write = morning.chore(replace(site.context, settings=named))
        for moment in (
            datetime(2026, 11, 23, 6, 29, tzinfo=UTC), datetime(2026, 11, 23, 6, 30, tzinfo=UTC),
            datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 24, 6, 31, tzinfo=UTC),
        ):  # fmt: skip
            clock.set(moment)
            await site.services.write.run(lambda session, now=moment: write(session, now))

    play(engine, clock, story)

    sent = mails(engine)
    assert [(one.recipient, one.created_at.day) for one in sent] == [
        ("office@example.org", 23),
        ("office@example.org", 24),
    ]
    assert sent[0].subject.startswith("Heute, Mo., 23.11.: ")
    assert "- Filiale Lindenstraße: 1 Abholung ist verspätet\n  /ops/pickups?location=linden&state=late" in sent[0].body


def test_nobody_is_written_to_without_an_address(engine, clock):
    async def story(site):
        write = morning.chore(site.context)
        await site.services.write.run(lambda session: write(session, datetime(2026, 11, 23, 9, 0, tzinfo=UTC)))

    play(engine, clock, story)

    assert mails(engine) == []


# ---------------------------------------------------------------- prices


def price(session, clock, *statements):
    pricelist.set_prices(session, statements, ids=Ids(clock, random.Random(4)), now=START - timedelta(days=1))


def test_prices_stand_side_by_side_and_what_differs_is_said(engine, clock):
    async def story(site):
        await site.run(2)

        def put(session):
            price(
                session, clock, BasePrice("LAMP", Money(1999, "EUR")), ChannelPrice("LAMP", "ebay", Money(2199, "EUR"))
            )
            odd = sa.update(ShownState).where(col(ShownState.channel) == "ebay", col(ShownState.sku) == "LAMP")
            session.execute(odd.values(price_minor=1899, price_currency="EUR"))
            prices.applied(session, [("LAMP", "ebay", Money(1899, "EUR"))], now=clock.now())

        await site.services.write.run(put)
        return await site.get("/ops/prices?q=lamp"), await site.get("/ops/prices/one?sku=LAMP&channel=ebay")

    listed, one = play(engine, clock, story)

    assert rows(listed, "prices") == ["LAMP Lamp 19,99 € 19,99 € 19,99 € 21,99 € zeigt 18,99 €"]
    assert rows(one, "quotes")[1] == "eBay DE 21,99 € 18,99 € eigener Preis"
    assert rows(one, "applied")[0].endswith("eBay DE 18,99 €")


def test_an_article_without_a_price_is_still_listed(engine, clock):
    async def story(site):
        return await site.get("/ops/prices"), await site.get("/ops/prices/one?sku=LAMP")

    listed, one = play(engine, clock, story)

    assert [row.split()[0] for row in rows(listed, "prices")] == ["CHAIR", "LAMP"]
    assert "Er hat keinen Preis." in section(one, "quotes")
