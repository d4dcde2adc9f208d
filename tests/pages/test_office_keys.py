"""A new API key from *Users and keys*: shown once, and what it opens."""

from __future__ import annotations

import re

import pytest

from omnisync import db
from omnisync.access import Role
from omnisync.access.tables import AccessKey
from tests.pages.office import play, rows, words
from tests.pages.staff_site import hidden
from tests.people import person

PATH = "/ops/people/key"
KEY = re.compile(r"omni_[0-9a-z]{10}_[\w-]{43}")


async def form_of(site, **fields):
    """The form as a browser sends it."""
    page = (await site.browser.get("/ops/people")).text
    form = re.search(rf'<form[^>]*action="{PATH}".*?</form>', page, re.DOTALL)
    return hidden(form[0]) | {"name": "the shop", "role": "shop", "location": ""} | fields


async def come_in(engine, site, who="anna"):
    with db.transaction(engine) as session:
        person(session, "anna", Role.ADMIN)
    await site.log_in(who)


async def opens(site, key, path):
    return (await site.browser.get(path, headers={"authorization": f"Bearer {key}"})).status_code


@pytest.mark.parametrize(
    ("role", "location", "opened", "shut"),
    [
        ("shop", "", "/v1/availability?sku=LAMP", "/v1/stock/blocked"),
        ("staff", "linden", "/v1/stock/blocked", "/v1/stock"),
        ("ops", "", "/v1/stock", None),
        ("admin", "", "/v1/stock", None),
    ],
)
def test_a_key_opens_what_its_role_may_and_nothing_else(engine, clock, role, location, opened, shut):
    async def story(site):
        await come_in(engine, site)
        page = await site.post(PATH, **await form_of(site, role=role, location=location))
        key = KEY.search(page.text)[0]
        return await opens(site, key, opened), shut and await opens(site, key, shut)

    assert play(engine, clock, story, who=None) == (200, shut and 403)


def test_a_key_is_shown_once_and_stands_nowhere_afterwards(engine, clock):
    async def story(site):
        await come_in(engine, site)
        form = await form_of(site)
        made = await site.post(PATH, **form)
        again = await site.post(PATH, **form)
        return made, again, await site.get("/ops/people"), await site.get("/ops/log")

    made, again, listed, log = play(engine, clock, story, who=None)

    [key] = set(KEY.findall(made.text))
    secret = key.rpartition("_")[2] if key.count("_") == 2 else key[len("omni_") + 11 :]
    assert made.headers["cache-control"] == "no-store"
    assert "Er wird nur dieses eine Mal gezeigt." in words(made.text)
    assert again.headers["location"] == "/ops/people?m=key-exists"
    assert secret not in again.text + listed + log
    assert next(row.split(" Seit")[0] for row in rows(listed, "keys")).startswith(f"the shop {key[:15]} Webshop")
    assert "anna im Büro Schlüssel angelegt" in rows(log, "acts")[0]
    with db.reading(engine) as session:
        assert secret not in str(session.get(AccessKey, key[5:15]).model_dump())


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "god"}, {"role": "viewer"}, {"role": ""}, {"role": "staff"}, {"role": "shop", "location": "linden"},
        {"role": "staff", "location": "mars"}, {"name": " "}, {"name": "x" * 65}, {"prefix": "UPPERCASE!"}, {"prefix": ""},
    ],
)  # fmt: skip
def test_what_makes_no_sense_makes_no_key(engine, clock, wrong):
    async def story(site):
        await come_in(engine, site)
        answer = await site.post(PATH, **await form_of(site, **wrong))
        return answer, await site.get(answer.headers["location"])

    answer, page = play(engine, clock, story, who=None)

    assert answer.headers["location"] == "/ops/people?m=invalid-request"
    assert "Bitte prüfen Sie Ihre Eingabe." in words(page) or "prüfen" in words(page)
    assert rows(page, "keys") == []


@pytest.mark.parametrize(("who", "leads"), [("olga", "forbidden"), ("vera", "forbidden"), ("kim", "forbidden")])
def test_nobody_but_an_admin_makes_one(engine, clock, who, leads):
    async def story(site):
        await come_in(engine, site, who)
        pages = (await site.browser.get("/ops")).text + (await site.browser.get("/staff")).text
        token = re.search(r'name="token" value="([^"]+)"', pages)[1]
        return await site.post(PATH, token=token, prefix="0123456789", name="x", role="ops", location="")

    answer = play(engine, clock, story, who=None)

    assert answer.headers["location"] == f"/ops/people?m={leads}"
    assert not KEY.search(answer.text)


def test_a_form_from_elsewhere_and_a_stranger_make_none(engine, clock):
    async def story(site):
        stranger = await site.post(PATH, token="x", prefix="0123456789", name="x", role="shop")
        await come_in(engine, site)
        return stranger, await site.post(PATH, token="made up", prefix="0123456789", name="x", role="shop")

    stranger, foreign = play(engine, clock, story, who=None)

    assert stranger.headers["location"].startswith("/staff/login")
    assert foreign.headers["location"] == "/ops/people?m=foreign-form"
