"""The list: what somebody looks for, and the line on which a browser hears that something changed."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from sqlalchemy.engine import Engine
from starlette.requests import Request

from omnisync import db
from omnisync.access import devices
from omnisync.clock import StoppedClock
from omnisync.orders import mark
from omnisync.orders.customers import Person
from omnisync.orders.pickup_api import desk_for
from omnisync.pages import staff_stream
from omnisync.pages.staff_gate import Gate
from tests.pages.test_staff import play
from tests.stock.shop import shelf


def numbers(page: str) -> list[str]:
    return re.findall(r'<span class="code">([^<]+)</span>', page)


def test_what_somebody_looks_for_stands_in_the_address_and_is_found_in_every_list(engine, clock):
    async def story(site):
        await site.place(("LAMP", 1), customer=Person("Mehmet Kaya"), reference="#1")
        await site.place_ready(("LAMP", 1), customer=Person("Erika Kayal"), reference="SHOP-7")
        await site.place(("LAMP", 1), customer=Person("Toni Kaya"), location="markt")
        await site.log_in()
        return [(await site.get(f"/staff?q={q}")).text for q in ("kaya", "shop-7", "niemand", "%00%0A", "kaya&live=1")]

    both, one, nobody, nothing, live = play(engine, clock, story)

    assert sorted(numbers(both)) == ["L-1001", "L-1002"]
    assert 'value="kaya"' in both
    assert numbers(one) == ["L-1002"]
    assert "SHOP-7" in one
    assert numbers(nobody) == []
    assert "Keine Abholung dieser Filiale heißt so." in nobody
    assert numbers(nothing) == ["L-1001"], "an empty question is none: the list"
    assert sorted(numbers(live)) == ["L-1001", "L-1002"], "also when the script asks again"


def test_what_is_typed_is_never_part_of_the_page_itself(engine, clock):
    async def story(site):
        await site.log_in()
        return (await site.get('/staff?q="><script>')).text

    page = play(engine, clock, story)

    assert "<script>" not in page
    assert "&#34;&gt;&lt;script&gt;" in page


class Listening(Request):
    """A browser with its cookies that is connected until it has heard enough."""

    is_gone = False

    async def is_disconnected(self) -> bool:
        return self.is_gone


def listening(site):
    sent = site.browser.build_request("GET", "/staff/stream").headers.raw
    return Listening({
        "type": "http", "method": "GET", "path": "/staff/stream", "query_string": b"", "scheme": "http",
        "headers": [(name.lower(), value) for name, value in sent], "server": ("omnisync", 80),
    })  # fmt: skip


def test_the_stream_says_another_mark_when_something_changes_and_ends_with_the_device(
    engine: Engine, clock: StoppedClock
) -> None:
    async def story(site):
        the_id = await site.enrolled()
        gate = Gate(site.services, desk_for(site.services))
        lines = staff_stream.follow(gate, listening(site), "linden")
        begins, first = await anext(lines), await anext(lines)
        still = await anext(lines)
        await site.place(("LAMP", 1))
        second = await anext(lines)
        now = await site.services.read.run(lambda session: mark.of(session, "linden"))
        await site.services.write.run(lambda session: devices.end(session, the_id, by="olga", now=clock.now()))
        return begins, first, still, second, now, [line async for line in lines]

    begins, first, still, second, now, rest = play(engine, clock, story)

    assert begins == b"retry: 3000\n\n"
    assert first == still, "a heartbeat says the same again"
    assert first != second == f"data: {now}\n\n".encode()
    assert rest == []


def test_the_stream_ends_when_nobody_listens_any_more(engine: Engine, clock: StoppedClock) -> None:
    async def story(site):
        await site.log_in()
        gate = Gate(site.services, desk_for(site.services))
        asked = listening(site)
        lines = staff_stream.follow(gate, asked, "linden")
        heard = [await anext(lines), await anext(lines)]
        asked.is_gone = True
        return len(heard), [line async for line in lines]

    assert play(engine, clock, story) == (2, [])


def test_nobody_hears_of_a_store_who_may_not_see_it(engine: Engine, clock: StoppedClock) -> None:
    async def story(site):
        return await site.get("/staff/stream")

    answer = play(engine, clock, story)

    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/login")


FIRST_LOAD = 92_000
"""Bytes of the page with everything it names; what the lines before each answer weigh comes on top: below 100 kB over the wire."""
NAMED = re.compile(r"""(?:href|src)="(/static/[^"]+)"|(?:from|import) "([^"]+)"|url\(["']?([^"')]+)""")


async def first_load(site, page):
    """Address -> bytes of the page and of all that it, its style sheets and its scripts name; of a script that is loaded later nothing."""
    weights, ahead = {}, [page]
    while ahead:
        address = ahead.pop()
        if address not in weights:
            answer = await site.browser.get(address, headers={"accept-encoding": "gzip"})
            weights[address] = answer.num_bytes_downloaded
            if not address.endswith((".woff2", ".png", ".svg", ".webmanifest")):
                ahead += [urljoin(address, next(filter(None, one))) for one in NAMED.findall(answer.text)]
    return weights


def test_a_list_of_many_pickups_is_light_at_first_and_shows_the_rest_on_a_tap(engine, clock):
    async def story(site):
        skus = [f"JACKE-NORDWIND-{n}" for n in range(3)]
        with db.transaction(engine) as session:
            for sku in skus:
                shelf(session, sku, pieces=110)
        for n in range(105):
            person = Person(f"Anneliese Müller-Lüdenscheidt {n}")
            await site.place(*((sku, 1) for sku in skus), customer=person)
        await site.log_in()
        weights, first = await first_load(site, "/staff"), await site.get("/staff")
        live = (await site.get(re.search(r'data-live="([^"]+)"', first.text)[1].replace("&amp;", "&"))).text
        [more] = re.findall(r'<a class="btn quiet" href="([^"]+)">85 weitere zeigen</a>', first.text)
        return weights, first, live, (await site.get(more.replace("&amp;", "&"))).text

    weights, first, live, whole = play(engine, clock, story)

    assert {
        "/static/staff.js",
        "/static/scan.js",
        "/static/offline/sync.js",
        "/static/fonts/inter-latin-ext.woff2",
    } < set(weights)
    assert sum(weights.values()) < FIRST_LOAD, weights
    assert len(set(numbers(first.text))) == 20
    assert numbers(live) == numbers(first.text)
    assert len(numbers(whole)) == 100
    assert "&amp;all=1" in re.search(r'data-live="([^"]+)"', whole)[1]
    assert "5 weitere: die Suche findet sie." in whole
    assert "weitere zeigen" not in whole


def test_a_tap_in_the_list_accepts_that_pickup_and_no_other(engine, clock):
    async def story(site):
        placed = [await site.place(("LAMP", 1)) for _ in range(2)]
        await site.log_in()
        shown = (await site.get("/staff")).text
        token = re.search(r'<form id="accept".*?name="token" value="(\w+)"', shown)[1]
        action, version = re.findall(r'form="accept" formaction="([^"]+)" name="version" value="(\d+)"', shown)[1]
        await site.post(action, token=token, version=version)
        return action, [one.pickup.id for one in placed], (await site.get("/staff")).text

    action, ids, after = play(engine, clock, story)

    assert action in [f"/staff/pickups/{one}/pick" for one in ids]
    assert after.count('form="accept"') == 1
    assert after.count("Packt: kim") == 1
