import asyncio
from urllib.parse import urlencode

import httpx
import pytest

from omnisync import access, db
from omnisync.access import Role, devices, people, sessions
from omnisync.orders import pickup
from omnisync.orders.pickup import Actor
from tests.pages.staff_site import Site, hidden, opened
from tests.people import PASSWORD, PIN, at_the_desk, person


def play(engine, clock, story):
    """Run a story against the pages and hand back what it returns."""

    async def run():
        async with opened(engine, clock) as site:
            with db.transaction(engine) as session:
                at_the_desk(session, "Kim Lang", "KL", pin=True)
                at_the_desk(session, "Ada Sommer", "AS")
                at_the_desk(session, "Toni Berg", "TB", location="markt", pin=True)
            return await story(site)

    return asyncio.run(run())


def said(answer):
    """Where an answer leads, and what it says there."""
    return answer.headers["location"]


async def invite(site, name="Kasse 1", location="linden"):
    """The office adds a device; the page that shows its code."""
    fields = hidden((await site.get("/ops/devices")).text)
    answer = await site.post("/ops/devices/invite", token=fields["token"], name=name, location=location)
    return (await site.get(said(answer))).text


def link_in(page):
    return page.split('link-code">')[1].split("<")[0].removeprefix("http://omnisync")


def test_a_device_comes_by_the_link_that_the_office_shows_and_shows_its_store_at_once(engine, clock):
    async def story(site):
        await site.place(("LAMP", 1))
        await site.log_in("olga")
        page = await invite(site)
        phone = site.another()
        asked = await phone.get(link_in(page))
        before = await phone.get("/staff")
        enrolled = await phone.post(link_in(page))
        listed, office = await phone.get("/staff"), await site.get("/ops/devices")
        return page, asked, before, enrolled, listed, office, await site.another().post(link_in(page))

    page, asked, before, enrolled, listed, office, again = play(engine, clock, story)

    assert "<svg" in page
    assert "Filiale Lindenstraße" in asked.text
    assert said(before) == "/staff/login"
    assert said(enrolled) == "/staff/who"
    assert "HttpOnly" in enrolled.headers["set-cookie"]
    assert "Anna Schubert" in listed.text
    assert "zuletzt gesehen" in office.text
    assert (again.status_code, "gilt nicht mehr" in again.text) == (403, True)


def test_an_old_link_enrols_nothing_and_guessing_is_stopped(engine, clock):
    async def story(site):
        await site.log_in("olga")
        link = link_in(await invite(site))
        clock.advance(minutes=15)
        old = await site.another().post(link)
        guessed = [await site.another().post(f"/d/0000-{n:04}") for n in range(12)]
        return old, guessed[-1]

    old, guessed = play(engine, clock, story)

    assert (old.status_code, guessed.status_code) == (403, 429)


def test_nothing_is_done_before_somebody_has_tapped_their_initials(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        await site.enrolled()
        page = f"/staff/pickups/{placed.pickup.id}"
        nobody = await site.press(page, "pick")
        chooser = await site.get(said(nobody))
        back = await site.post("/staff/who", **hidden(chooser.text), name="Ada Sommer")
        return placed, nobody, chooser, back, await site.press(page, "pick"), await site.get("/staff")

    placed, nobody, chooser, back, picked, listed = play(engine, clock, story)

    page = f"/staff/pickups/{placed.pickup.id}"
    assert said(nobody).startswith("/staff/who?next=")
    assert ["Kim Lang" in chooser.text, "Ada Sommer" in chooser.text, "Toni Berg" in chooser.text] == [
        True,
        True,
        False,
    ]
    assert said(back) == page
    assert said(picked) == page
    assert ">AS<" in listed.text


def test_what_is_handed_over_carries_the_name_of_who_stood_there(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        await site.enrolled()
        await site.tap("Ada Sommer")
        await site.tap("Kim Lang")
        page = f"/staff/pickups/{placed.pickup.id}"
        return placed, await site.press(page, "collect", reason="known", pin=PIN, **{"take.LAMP": "1"})

    placed, answer = play(engine, clock, story)

    assert said(answer).endswith("m=handed-over")
    with db.transaction(engine) as session:
        assert pickup.load(session, placed.pickup.id, Actor("test")).handed_over_by == "Kim Lang"


def test_without_a_code_it_takes_a_pin_and_with_one_it_does_not(engine, clock):
    async def story(site):
        first, second = await site.place_ready(("LAMP", 1)), await site.place_ready(("LAMP", 1))
        await site.enrolled()
        await site.tap("Ada Sommer")
        page, taken = f"/staff/pickups/{first.pickup.id}", {"take.LAMP": "1"}
        has_none = await site.press(page, "collect", reason="known", pin="0815", **taken)
        await site.tap("Kim Lang")
        empty = await site.press(page, "collect", reason="known", **taken)
        wrong = await site.press(page, "collect", reason="known", pin="0815", **taken)
        voucher = hidden((await site.by_code(second.code)).text)["voucher"]
        by_code = await site.press(f"/staff/pickups/{second.pickup.id}", "collect", voucher=voucher, **taken)
        return [said(one).split("m=")[1] for one in (has_none, empty, wrong, by_code)]

    assert play(engine, clock, story) == ["no-pin", "pin-needed", "wrong-pin", "handed-over"]


def test_wrong_pins_lock_the_device_until_the_office_opens_it(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        device_id = await site.enrolled()
        await site.tap("Kim Lang")
        page, taken = f"/staff/pickups/{placed.pickup.id}", {"take.LAMP": "1"}
        fields = hidden((await site.get(page)).text) | taken | {"reason": "known"}
        for n in range(5):
            await site.post(f"{page}/collect", **fields, pin=f"{n}000")
        locked = [await site.get("/staff"), await site.post(f"{page}/collect", **fields, pin=PIN)]
        office = site.another()
        await office.log_in("olga")
        shown = (await office.get("/ops/devices")).text
        await office.post("/ops/devices/unlock", token=hidden(shown)["token"], id=device_id)
        return locked, shown, await site.post(f"{page}/collect", **fields, pin=PIN)

    locked, shown, after = play(engine, clock, story)

    assert [(one.status_code, "gesperrt" in one.text) for one in locked] == [(403, True), (403, True)]
    assert "gesperrt" in shown
    assert said(after).endswith("m=handed-over")


def test_the_office_ends_a_device_a_person_or_a_session_with_one_click(engine, clock):
    async def story(site):
        device_id = await site.enrolled()
        await site.tap("Kim Lang")
        office, other = site.another(), site.another()
        await office.log_in("olga")
        await other.log_in("kim")
        token = hidden((await office.get("/ops/devices")).text)["token"]
        with db.reading(engine) as session:
            [of_kim] = [one.id for one in sessions.of_people(session, now=clock.now()) if one.name == "kim"]
        await office.post("/ops/devices/end-person", token=token, id="Kim Lang")
        without_kim = (await site.get("/staff")).text
        for step, the_id in (("end", device_id), ("end-session", of_kim)):
            await office.post(f"/ops/devices/{step}", token=token, id=the_id)
        again = await office.post("/ops/devices/end", token=token, id=device_id)
        return without_kim, await site.get("/staff"), await other.get("/staff"), again, await site.tap("Kim Lang")

    without_kim, device, kim, again, tapped = play(engine, clock, story)

    assert ">KL<" not in without_kim
    assert [said(device), said(kim), said(tapped)] == ["/staff/login"] * 3
    assert said(again).endswith("m=already-done")


def test_people_and_pins_are_added_by_the_office(engine, clock):
    async def story(site):
        await site.log_in("olga")
        token = hidden((await site.get("/ops/devices")).text)["token"]
        told = [
            await site.post("/ops/devices/add-person", token=token, **fields)
            for fields in (
                {"name": "Mia Noll", "initials": "MN", "location": "linden", "pin": "0815"},
                {"name": "Mark Nau", "initials": "MN", "location": "linden"},
                {"name": "Mark Nau", "initials": "MA", "location": "lager"},
                {"name": "Mark Nau", "initials": "MA", "location": "linden", "pin": "1234"},
                {"name": "", "initials": "MA", "location": "linden"},
            )
        ]
        await site.post("/ops/devices/pin", token=token, id="Mia Noll", pin="")
        return [said(one).split("m=")[1] for one in told]

    assert play(engine, clock, story) == [
        "added", "initials-taken", "invalid-request", "invalid-request", "invalid-request",
    ]  # fmt: skip
    with db.transaction(engine) as session:
        assert access.find_user(session, "Mark Nau") is None
        assert people.find(session, "Mia Noll", "linden").has_pin is False


STEPS = ("invite", "end", "unlock", "add-person", "pin", "end-person", "end-session")


@pytest.mark.parametrize("step", [*STEPS, "explode"])
@pytest.mark.parametrize("who", ["nobody", "device", "kim", "olga without a token"])
def test_devices_and_people_are_the_offices_business_alone(engine, clock, who, step):
    async def story(site):
        if who == "device":
            await site.enrolled("Here")
            await site.tap("Kim Lang")
        elif who != "nobody":
            await site.log_in(who.split()[0])
        fields = {"name": "Mia Noll", "initials": "MN", "location": "linden", "id": "Ada Sommer"}
        token = "" if "without" in who else hidden((await site.get("/staff/code")).text).get("token", "")
        return await site.get("/ops/devices"), await site.post(f"/ops/devices/{step}", token=token, **fields)

    page, answer = play(engine, clock, story)

    refused = {"kim": "m=forbidden", "olga without a token": "m=foreign-form"}
    assert said(answer).endswith(refused.get(who, "next=%2Fops%2Fdevices"))
    assert page.status_code == {"kim": 403, "olga without a token": 200}.get(who, 303)
    with db.transaction(engine) as session:
        assert access.find_user(session, "Mia Noll") is None
        assert [one.name for one in people.at(session, "linden")] == ["Ada Sommer", "Kim Lang"]
        assert [one.name for one in devices.list_all(session, now=clock.now())] == ["Here"] * (who == "device")


def test_the_office_looks_after_people_of_stores_only(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            person(session, "boss", Role.ADMIN)
        await site.log_in("olga")
        token = hidden((await site.get("/ops/devices")).text)["token"]
        return [await site.post(f"/ops/devices/{step}", token=token, id="boss") for step in ("end-person", "pin")]

    assert [said(one).split("m=")[1] for one in play(engine, clock, story)] == ["forbidden", "forbidden"]


def test_a_device_opens_neither_the_office_nor_another_store(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1), location="markt")
        await site.enrolled()
        await site.tap("Kim Lang")
        listed, single = await site.get("/staff?store=markt"), await site.get(f"/staff/pickups/{placed.pickup.id}")
        return listed, single, await site.get("/ops"), await site.tap("Toni Berg")

    listed, single, ops, tapped = play(engine, clock, story)

    assert "Anna Schubert" not in listed.text
    assert said(single) == "/staff?m=forbidden"
    assert said(ops) == "/staff/login?next=%2Fops"
    assert said(tapped).endswith("m=forbidden")


def test_the_office_can_log_in_at_a_till_without_taking_its_place(engine, clock):
    async def story(site):
        await site.enrolled()
        await site.tap("Ada Sommer")
        await site.log_in("olga")
        return await site.get("/ops/devices"), await site.get("/staff")

    office, desk = play(engine, clock, story)

    assert office.status_code == 200
    assert ">AS<" in desk.text


def test_over_https_a_cookie_belongs_to_this_host_alone(engine, clock):
    async def story(site):
        safe = httpx.AsyncClient(transport=site.browser._transport, base_url="https://omnisync")
        answer = await Site(site.services, safe).log_in()
        with_prefix = await safe.get("/staff")
        name, value = next(iter(safe.cookies.items()))
        stripped = httpx.AsyncClient(transport=site.browser._transport, base_url="https://omnisync")
        stripped.cookies.set(name.removeprefix("__Host-"), value)
        return answer.headers["set-cookie"], with_prefix, await stripped.get("/staff")

    cookie, with_prefix, stripped = play(engine, clock, story)

    assert cookie.startswith("__Host-omnisync_session=")
    assert ["Secure" in cookie, "Path=/;" in cookie, "Domain" in cookie] == [True, True, False]
    assert with_prefix.status_code == 200
    assert said(stripped) == "/staff/login"


def test_who_logs_out_is_out_also_with_the_old_cookie(engine, clock):
    async def story(site):
        await site.log_in()
        kept = dict(site.browser.cookies)
        token = hidden((await site.get("/staff/code")).text)["token"]
        await site.post("/staff/logout", token=token)
        site.browser.cookies.update(kept)
        return await site.get("/staff")

    assert said(play(engine, clock, story)) == "/staff/login"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/staff", "/docs", "/staffx", "/staff\nx", "x"]
)
def test_a_login_leads_to_our_own_pages_only(engine, clock, wanted):
    async def story(site):
        return await site.post("/staff/login", name="olga", password="Kaffee um halb zehn", next=wanted)

    assert said(play(engine, clock, story)) == "/staff"


def test_a_login_leads_where_somebody_wanted_to_go(engine, clock):
    async def story(site):
        asked = await site.get("/ops/devices")
        page = await site.get(said(asked))
        return await site.post("/staff/login", **hidden(page.text), name="olga", password="Kaffee um halb zehn")

    assert said(play(engine, clock, story)) == "/ops/devices"


def test_whoever_is_logged_out_meanwhile_is_told_so_and_led_back_to_the_page(engine, clock):
    read = {"accept": "text/html"}

    async def story(site):
        await site.log_in("kim")
        shown = (await site.get("/staff")).text
        clock.advance(days=2)
        looked = await site.browser.get("/staff/work/count?sku=LAMP&m=done", headers=read)
        form = urlencode(hidden(shown) | {"until": "1h"})
        form_headers = read | {"content-type": "application/x-www-form-urlencoded"}
        pressed = await site.browser.post("/staff/work/pause", content=form, headers=form_headers)
        page = (await site.get(looked.headers["location"])).text
        back = await site.post("/staff/login", **hidden(page), name="kim", password=PASSWORD)
        return looked, pressed, page, back

    looked, pressed, page, back = play(engine, clock, story)

    assert said(looked) == "/staff/login?next=%2Fstaff%2Fwork%2Fcount%3Fsku%3DLAMP&m=login-over"
    assert "Hier ist niemand mehr angemeldet. Bitte neu anmelden." in page
    assert said(back) == "/staff/work/count?sku=LAMP"
    assert said(pressed).endswith("m=login-over-undone")


@pytest.mark.parametrize(
    ("path", "leads_to"), [("/ops/letters?channel=webshop", "/ops/letters?channel=webshop"), ("/ops", "/ops")]
)
def test_a_link_of_a_mail_leads_past_the_login_to_its_page(engine, clock, path, leads_to):
    async def story(site):
        asked = await site.browser.get(path, headers={"accept": "text/html"})
        page = await site.get(asked.headers["location"])
        return page.text, await site.post("/staff/login", **hidden(page.text), name="olga", password=PASSWORD)

    page, back = play(engine, clock, story)

    assert "angemeldet. Bitte neu" not in page  # nobody was logged in here before
    assert said(back) == leads_to
