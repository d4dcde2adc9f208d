"""The overview's stream, the pages behind its figures, and its tables as files."""

from __future__ import annotations

import json
import re

from sqlmodel import Session

from omnisync.pages.ops_live import LASTS_SECONDS
from omnisync.sync.tables import Conflict
from tests.pages.office import links, play, rows, table_of, words


def told(text):
    """The events of a stream: (kind, data)."""
    return [(kind, json.loads(data)) for kind, data in re.findall(r"^event: (\w+)\ndata: (.*)$", text, re.MULTILINE)]


def test_the_stream_says_the_time_each_second_and_that_something_changed_only_when_it_did(engine, clock):
    async def story(site):
        answer = await site.browser.get("/ops/live")
        return answer.headers["content-type"], answer.text

    kind, text = play(engine, clock, story)

    found = told(text)
    stands = [data for kind, data in found if kind == "stand"]
    assert kind.startswith("text/event-stream")
    assert len(stands) == LASTS_SECONDS
    assert stands[0] == {"live": "Live, Stand 11:00:00", "lost": "Keine Verbindung, Stand 11:00:00"}
    assert stands[-1]["live"] == "Live, Stand 11:00:29"
    assert [kind for kind, _ in found].count("changed") == 1


def test_what_happens_meanwhile_is_said_at_once(engine, clock):
    async def story(site):
        slept, sleep = [], clock.sleep

        async def busy(seconds):
            slept.append(seconds)
            if len(slept) == 5:
                await site.sell("LAMP", 30, receipt="1")
            await sleep(seconds)

        watched = type(clock)(clock.now())
        watched.sleep, watched.now, watched.monotonic = busy, clock.now, clock.monotonic
        site.services.clock = watched
        return (await site.browser.get("/ops/live")).text

    found = told(play(engine, clock, story))

    changes = [index for index, (kind, _) in enumerate(found) if kind == "changed"]
    assert found[changes[1] - 1][1]["live"] == "Live, Stand 11:00:05"


def test_the_stream_is_the_offices_alone(engine, clock):
    async def story(site):
        refused = await site.browser.get("/ops/live")
        site.browser.cookies.clear()
        return refused.status_code, (await site.browser.get("/ops/live")).headers["location"]

    assert play(engine, clock, story, who="kim") == (403, "/staff/login?next=%2Fops")


def test_every_figure_leads_to_its_explanation(engine, clock):
    async def story(site):
        page = await site.get()
        ways = links(re.search(r'<section[^>]* id="tiles".*?</section>', page, re.DOTALL)[0])
        return ways, [(await site.browser.get(way)).status_code for way in ways]

    ways, found = play(engine, clock, story)

    assert len(ways) == 5
    assert found == [200] * 5


def test_the_slowest_changes_the_doubly_sold_and_what_waits_are_listed(engine, clock):
    async def story(site):
        await site.run(3)
        await site.sell("LAMP", 3, receipt="1")
        clock.advance(seconds=9)
        await site.run(2)
        site.fakes["ebay"].faults.down = True
        await site.sell("CHAIR", 1, receipt="2")
        await site.run(1)
        with Session(engine) as session:
            session.add(
                Conflict(id="c1", channel="ebay", order_id="ebay:1001", location="linden", sku="LAMP", quantity=2, at=clock.now())
            )  # fmt: skip
            session.commit()
        found = [await site.get(f"/ops/number?name={name}") for name in ("delay", "twice", "queue")]
        return *found, await site.get("/ops/number?name=queue&csv=rows"), await site.browser.get("/ops/number?name=x")

    delay, twice, queue, file, unknown = play(engine, clock, story)

    assert "95 Prozent blieben unter der Kennzahl" in words(delay)
    assert any(
        row.startswith(("Onlineshop LAMP 7", "eBay DE LAMP 7")) and row.endswith(" 9") for row in rows(delay, "rows")
    )
    assert rows(twice, "rows")[0].startswith("eBay DE LAMP 2 ebay:1001")
    assert [row.split(" 11:")[0] for row in rows(queue, "rows")] == ["eBay DE CHAIR 9 10"]
    assert table_of(file)[1][:2] == ["eBay DE", "CHAIR"]
    assert unknown.status_code == 404


def test_the_channels_and_the_devices_come_as_files(engine, clock):
    async def story(site):
        await site.run()
        channels, devices = await site.get("/ops?csv=channels"), await site.get("/ops/devices?csv=devices")
        lost = [(await site.browser.get(path)).status_code for path in ("/ops?csv=x", "/ops/devices?csv=x")]
        return channels, devices, lost, await site.get(), await site.get("/ops/devices")

    channels, devices, lost, page, desk = play(engine, clock, story)

    assert [row[0] for row in table_of(channels)] == ["Kanal", "Onlineshop", "Kassen Lindenstraße", "eBay DE"]
    assert table_of(devices)[0][:2] == ["Filiale", "Gerät"]
    assert lost == [404, 404]
    assert "/ops?csv=channels" in links(page)
    assert "/ops/devices?csv=devices" in links(desk)
