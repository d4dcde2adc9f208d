from __future__ import annotations

import random
import re

from omnisync import access, db
from omnisync.access import Role
from omnisync.catalog.tables import ImportRun
from omnisync.pages.office import house
from omnisync.settings import Settings
from omnisync.settings.models import Secret
from tests.pages.office import links, play, rows, section, words
from tests.people import PASSWORD, person


def admin(engine):
    with db.transaction(engine) as session:
        person(session, "anna", Role.ADMIN)


async def token_of(site, path="/ops"):
    return re.search(r'name="token" value="([^"]+)"', await site.get(path))[1]


async def press(site, step, **fields):
    back = "/ops/people"
    return (await site.post(f"/ops/{step}", token=await token_of(site), back=back, **fields)).headers["location"]


def test_an_admin_lets_people_in_and_out(engine, clock):
    async def story(site):
        admin(engine)
        await site.log_in("anna")
        made = await press(site, "users/_/create", user="lena", password=PASSWORD, role="viewer", location="")
        twice = await press(site, "users/_/create", user="lena", password=PASSWORD, role="viewer", location="")
        bad = await press(site, "users/_/create", user="x", password="short", role="viewer", location="")
        odd = await press(site, "users/_/create", user="y", password=PASSWORD, role="god", location="")
        page = await site.get("/ops/people")
        ended = await press(site, "users/_/disable", user="lena")
        herself = await press(site, "users/_/disable", user="anna")
        gone = await site.log_in("lena")
        return (made, twice, bad, odd), page, (ended, herself), gone, await site.browser.get("/ops/people")

    made, page, ended, gone, after = play(engine, clock, story, who=None)

    assert [one.partition("m=")[2] for one in made] == ["done", "user-exists", "invalid-request", "invalid-request"]
    assert any(row.startswith("lena sieht alles, drückt nichts") for row in rows(page, "users"))
    assert [one.partition("m=")[2] for one in ended] == ["done", "yourself"]
    assert "m=no-login" in gone.headers["location"]
    assert any(row.startswith("lena") and "Beendet" in row for row in rows(after.text, "users"))


def test_an_admin_changes_a_password_and_the_old_one_opens_nothing(engine, clock):
    async def story(site):
        admin(engine)
        await site.log_in("anna")
        page = await site.get("/ops/people")
        short = await press(site, "users/_/password", user="olga", password="short")
        done = await press(site, "users/_/password", user="olga", password="Tee um drei Uhr nachts")
        return page, short, done, await site.log_in("olga")

    page, short, done, old = play(engine, clock, story, who=None)

    assert "<option>olga</option>" in section_html(page, "password")
    assert "m=invalid-request" in short
    assert "m=done" in done
    assert "m=no-login" in old.headers["location"]


def section_html(page, name):
    return re.search(rf'<section[^>]* id="{name}".*?</section>', page, re.DOTALL)[0]


def test_a_key_is_ended_and_its_secret_is_nowhere(engine, clock):
    async def story(site):
        admin(engine)
        with db.transaction(engine) as session:
            made = access.create_key(session, Role.SHOP, "the shop", chance=random.Random(3), now=clock.now())
        await site.log_in("anna")
        before = await site.get("/ops/people")
        await press(site, f"keys/{made.prefix}/revoke")
        return made, before, await site.get("/ops/people")

    made, before, after = play(engine, clock, story, who=None)

    assert rows(before, "keys")[0].startswith(f"the shop omni_{made.prefix} Webshop")
    assert made.text not in before
    assert "Beendet" in rows(after, "keys")[0]


def test_what_was_pressed_stands_in_the_log_with_who_pressed_it(engine, clock):
    async def story(site):
        await site.press("channels/ebay/pause")
        refused = await site.post("/ops/channels/none/pause", token=await token_of(site))
        run = ImportRun(id="r1", kind="stock", file_name="count.csv", file_hash="h", at=clock.now(), rows=3, changed=2)
        await site.services.write.run(lambda session: session.add(run))
        await site.run()
        return refused, await site.get("/ops/log"), await site.get("/ops/log?by=somebody")

    refused, page, of_another = play(engine, clock, story)

    assert "m=not-found" in refused.headers["location"]
    assert [row.split(" ", 1)[1] for row in rows(page, "acts")] == ["olga im Büro Kanal angehalten ebay"]
    assert "/ops/channel?name=ebay" in links(page)
    assert "count.csv Bestand 3 2 Erledigt r1" in rows(page, "imports")[0]
    assert any("eBay DE Angehalten" in row for row in rows(page, "events"))
    assert rows(of_another, "acts") == []


def test_the_settings_are_read_without_their_secrets(engine, clock):
    async def story(site):
        return await site.get("/ops/settings")

    page = play(engine, clock, story)

    assert "locations.linden.name Filiale Lindenstraße" in rows(page, "settings")
    assert any(row.startswith("channels.ebay.adapter ebay") for row in rows(page, "settings"))
    assert "Datenbank" in words(page)
    assert section(page, "settings")


def test_a_secret_is_hidden_by_its_name_by_its_value_and_within_an_address():
    secret, told = "s3cr3t-value", Settings(
        database={"url": "postgresql+psycopg://omni:pa55@db/omni"},
        channels=[
            {"name": "web", "adapter": "shopify", "locations": ["linden"], "settings": {"shop": "x", "access_token": Secret("s3cr3t-value"), "hint": "has s3cr3t-value in it"}}
        ],
    )  # fmt: skip

    shown = dict(house.lines(told))

    assert secret not in "".join(shown.values())
    assert "pa55" not in "".join(shown.values())
    assert shown["channels.web.settings.shop"] == "x"
    assert (
        shown["channels.web.settings.access_token"]
        == shown["database.url"][len("postgresql+psycopg://") :][:3]
        == "•••"
    )
