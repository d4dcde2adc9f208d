"""What the people of a store read about the channels: plain words, at most a promise that can be kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omnisync import db
from omnisync.errors import NeedsAttention
from omnisync.pages import staff_status
from omnisync.pages import words as language
from omnisync.sync import health
from omnisync.sync.tables import DeadLetter, HeardAt
from tests.pages.office import place, play, words

PATH = "/staff/status"


async def away(site, *, minutes=5):
    """eBay does not answer while three lamps are sold elsewhere."""
    await site.run(2)
    site.fakes["ebay"].faults.down = True
    await site.sell("LAMP", 3, receipt="1")
    await site.run(2)
    site.clock.advance(minutes=minutes)
    await site.worker.keep_house()


def test_all_is_well_says_how_fast_the_others_know(engine, clock):
    async def story(site):
        await site.run(3)
        await site.sell("LAMP", 1, receipt="1")
        await site.run(3)
        return await site.get(PATH)

    page = play(engine, clock, story, who="kim")

    assert "Alles stimmt." in words(page)
    assert "in der letzten Stunde meist nach" in words(page)
    assert page.count("Stimmt.") == 3
    assert "Was jetzt gilt" not in words(page)


def test_a_channel_that_is_late_is_said_with_the_pieces_that_could_be_sold_there(engine, clock):
    async def story(site):
        await away(site)
        german = await site.get(PATH)
        site.browser.cookies.set("omnisync_language", "en")
        return german, await site.get(PATH)

    german, english = play(engine, clock, story, who="kim")

    assert "1 Kanal stimmt gerade nicht. Alle anderen stimmen." in words(german)
    assert "eBay DE hängt 5 Minuten hinterher Bis zu 3 Stück könnten dort inzwischen verkauft werden." in words(german)
    assert "Was jetzt gilt" in words(german)
    assert "eBay DE is 5 minutes behind Up to 3 pieces could be sold there in the meantime." in words(english)


@pytest.mark.parametrize(("minutes", "told"), [(125, "2 Stunden"), (60 * 72, "3 Tage")])
def test_long_spans_are_told_roughly(engine, clock, minutes, told):
    async def story(site):
        await away(site, minutes=minutes)
        await site.log_in("kim")
        return await site.get(PATH)

    assert f"hängt {told} hinterher" in words(play(engine, clock, story, who="kim"))


def test_without_a_worker_it_says_that_everything_stands_still(engine, clock):
    async def story(site):
        return await site.get(PATH)

    page = play(engine, clock, story, who="kim")

    assert "Der Abgleich steht still." in words(page)
    assert "verdict bad" in page


def test_what_the_office_did_or_sees_is_said(engine, clock):
    async def story(site):
        await site.run()
        trouble = NeedsAttention("It refuses our credentials (401).", action="Check them.", code="credentials")
        with db.transaction(engine) as session:
            health.pause(session, "webshop", now=clock.now())
            health.failed(session, "ebay", trouble, now=clock.now())
            session.add(
                DeadLetter(
                    id="l", channel="kasse", kind="line", key="k", title="t", reason="r", action="a",
                    opened_at=clock.now(), last_at=clock.now(),
                )
            )  # fmt: skip
        return words(await site.get(PATH))

    page = play(engine, clock, story, who="kim")

    assert "Onlineshop Das Büro hat ihn angehalten. Was hier verkauft wird, zeigt sich dort erst später." in page
    assert "eBay DE Dort stimmt etwas nicht. Das Büro sieht es auf seinem Bildschirm." in page
    assert "Kassen Lindenstraße Stimmt. Das Büro klärt dort noch etwas." in page
    assert "401" not in page


def test_a_silent_till_and_a_channel_that_only_reads_along_are_said(engine, clock):
    def watched(channel):
        policy = channel.policy.model_copy(update={"heard_within": "1h"})
        return channel.model_copy(update={"policy": policy}) if channel.name == "kasse" else channel

    async def story(site):
        known = site.context.settings
        settings = known.model_copy(update={"channels": [watched(one) for one in known.channels]})
        await site.run()
        with db.transaction(engine) as session:
            health.hand_back(session, "ebay", now=clock.now())
            session.add(HeardAt(channel="kasse", location="linden", at=clock.now()))
        clock.advance(hours=2)
        with db.reading(engine) as session:
            context = replace(site.context, settings=settings)
            return staff_status.status(session, context, language.speaking("de"), clock.now())

    lines = {one.name: (one.title, one.text) for one in play(engine, clock, story, who="").lines}

    assert lines["Kassen Lindenstraße"] == (
        "Von dieser Kasse hören wir seit 11:00 nichts.", "Was seitdem in Filiale Lindenstraße verkauft wurde, weiß niemand.",
    )  # fmt: skip
    assert lines["eBay DE"] == ("Wird noch nicht von hier aus gepflegt.", "")


def test_who_may_see_it(engine, clock):
    async def story(site):
        found = {}
        for who in ("kim", "olga", "vera"):
            await site.log_in(who)
            found[who] = (await site.browser.get(PATH)).status_code
        site.browser.cookies.clear()
        found["nobody"] = (await site.browser.get(PATH)).headers["location"]
        return found

    assert play(engine, clock, story, who="") == {"kim": 200, "olga": 200, "vera": 200, "nobody": "/staff/login"}


def test_it_stays_live_tells_of_new_pickups_and_is_linked_from_desk_and_office(engine, clock):
    async def story(site):
        await site.run()
        await place(site, "Anna Schubert", {"CHAIR": 1})
        part, desk = await site.get(f"{PATH}?live=1"), await site.get("/staff")
        await site.log_in("vera")
        return part, desk, await site.get("/ops/today"), await site.get(PATH)

    part, desk, office, seen = play(engine, clock, story, who="kim")

    assert part.lstrip().startswith("<header")
    assert "1 neue Abholung" in words(part)
    assert 'data-ringing="1"' in part
    assert 'href="/staff/status?store=linden"' in desk
    assert 'href="/staff/status"' in office
    assert 'href="/ops"' in seen
