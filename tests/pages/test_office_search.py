from __future__ import annotations

import re

from omnisync.catalog.tables import Barcode
from omnisync.orders import handing, picking
from omnisync.orders.handing import ByCode
from omnisync.orders.tables import Mail
from tests.pages.office import links, place, play, rows, section, table_of, words, work


def story_of(page):
    """The moments of a timeline, each as words."""
    found = re.search(r'<ol class="story"[^>]*>.*?</ol>', page, re.DOTALL)
    return [words(one) for one in re.findall(r"<li>.*?</li>", found[0], re.DOTALL)]


def test_a_name_finds_every_pickup_of_that_person_at_all_stores(engine, clock):
    async def story(site):
        await place(site, "Anna Schubert", {"LAMP": 1})
        await place(site, "Jonas Schubert", {"CHAIR": 1})
        await place(site, "Mehmet Yılmaz", {"CHAIR": 1})
        return await site.get("/ops/search?q=schubert"), await site.get("/ops/search?q=nobody")

    found, nothing = play(engine, clock, story)

    assert sorted(" ".join(row.split()[1:3]) for row in rows(found, "pickups")) == ["Anna Schubert", "Jonas Schubert"]
    assert "Nichts heißt „nobody“." in words(nothing)


def test_a_single_find_opens_at_once(engine, clock):
    async def story(site):
        placed = await place(site, "Anna Schubert", {"LAMP": 1}, channel="webshop", reference="#1001")
        await site.services.write.run(lambda session: session.add(Barcode(code="4006381333931", sku="LAMP")))
        asked = ("4006381333931", "schubert", placed.pickup.number, "%231001")
        return placed.pickup.id, [
            (await site.browser.get(f"/ops/search?q={one}")).headers.get("location") for one in asked
        ]

    pickup_id, (barcode, *others) = play(engine, clock, story)

    assert barcode == "/ops/stock/article?sku=LAMP"
    assert others == [f"/ops/pickups/one?id={pickup_id}"] * 3


def test_the_timeline_of_a_pickup_tells_who_when_and_which_mail(engine, clock):
    async def story(site):
        placed = await place(site, "Anna Schubert", {"LAMP": 2})
        clock.advance(minutes=5)
        await work(site, picking.pick, placed.pickup.id)
        await site.run()
        clock.advance(minutes=5)
        await work(site, picking.ready, placed.pickup.id, "12")
        letter = Mail(
            id="m1", customer_id=placed.pickup.customer_id, recipient="", subject="Ihre Abholung liegt bereit", body="",
            created_at=clock.now(), sent_at=clock.now(),
        )  # fmt: skip
        await site.services.write.run(lambda session: session.add(letter))
        clock.advance(hours=1)
        await work(site, handing.collect, placed.pickup.id, ByCode(placed.code), by="Lena")
        await site.run()
        return placed, await site.get(f"/ops/pickups/one?id={placed.pickup.id}")

    placed, page = play(engine, clock, story)

    told = story_of(page)
    assert [one.partition(" ")[2] for one in told] == [
        "Bestellt", "Packen begonnen Kim", "Bereitgelegt Kim 12", "Mail verschickt Ihre Abholung liegt bereit",
        "Abgeholt Lena mit Abholcode",
    ]  # fmt: skip
    assert told[0].startswith("11:00")
    assert rows(page, "lines")[0].startswith("LAMP Lamp 2 2 0 2 19,99")
    assert placed.code not in page


def test_the_timeline_of_an_order_goes_from_the_shop_to_the_parcel(engine, clock):
    async def story(site):
        await site.run(2)
        site.fakes["ebay"].buy("LAMP", 2)
        clock.advance(minutes=1)
        await site.run(2)
        listed = await site.get("/ops/orders?state=open")
        way = next(one for one in links(listed) if one.startswith("/ops/orders/one"))
        return listed, await site.get(way), await site.get("/ops/orders?state=waiting")

    listed, page, waiting = play(engine, clock, story)

    assert rows(listed, "orders")[0].startswith("#1001 eBay DE Offen 2 0")
    assert [one.partition(" ")[2] for one in story_of(page)][-1] == "Im Kanal bestellt 2 × LAMP, Filiale Lindenstraße"
    assert "Keine Bestellung passt dazu." in section(waiting, "orders")


def test_pickups_are_listed_by_state_and_store(engine, clock):
    async def story(site):
        first = await place(site, "Anna Schubert", {"LAMP": 1})
        await place(site, "Mehmet Yılmaz", {"LAMP": 1})
        await work(site, picking.ready, first.pickup.id, "12")
        clock.advance(days=1)
        await site.log_in()
        return (
            await site.get("/ops/pickups"),
            await site.get("/ops/pickups?state=ready"),
            await site.get("/ops/pickups?state=late"),
            await site.get("/ops/pickups?location=nowhere"),
            await site.browser.get("/ops/pickups?csv=pickups"),
        )

    everything, ready, late, nowhere, file = play(engine, clock, story)

    assert len(rows(everything, "pickups")) == 2
    assert ["Anna" in row for row in rows(ready, "pickups")] == [True]
    assert ["Mehmet" in row for row in rows(late, "pickups")] == [True]
    assert "Verspätet" in rows(late, "pickups")[0]
    assert "Keine Abholung passt dazu." in section(nowhere, "pickups")
    assert sorted(row[1] for row in table_of(file.text)[1:]) == ["Anna Schubert", "Mehmet Yılmaz"]


def test_a_store_may_not_search_the_house(engine, clock):
    async def story(site):
        return [await site.browser.get(path) for path in ("/ops/search?q=a", "/ops/pickups", "/ops/orders")]

    assert [one.status_code for one in play(engine, clock, story, who="kim")] == [403] * 3


def test_what_is_not_there_is_said_so(engine, clock):
    async def story(site):
        return [await site.browser.get(path) for path in ("/ops/pickups/one?id=no", "/ops/orders/one?id=no")]

    assert [one.status_code for one in play(engine, clock, story)] == [404] * 2
