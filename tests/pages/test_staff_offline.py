"""What an enrolled device keeps for the time without a network, and the door at which it tells of its hand-overs later."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest
from sqlmodel import select

from omnisync import access, db
from omnisync.access import people
from omnisync.access.tables import Device
from omnisync.orders import acts, checks, ending, pickup_api
from omnisync.orders.pickup import Actor
from omnisync.orders.tables import Pickup
from omnisync.sync.tables import Case
from tests.conftest import START
from tests.pages.staff_site import hidden, opened

OFFICE = Actor("office")


def play(engine, clock, story):
    async def run():
        async with opened(engine, clock) as site:
            with db.transaction(engine) as session:
                people.set_initials(session, "kim", "KL")
            return await story(site)

    return asyncio.run(run())


async def a_device(site, name="Kasse 1", location="linden"):
    await site.enrolled(name, location)
    await site.tap("kim")
    return (await site.get("/staff/offline/list")).json()


def key_of(code, one, iterations):
    typed = code.replace("-", "").encode()
    return hashlib.pbkdf2_hmac("sha256", typed, bytes.fromhex(one["salt"]), iterations)


async def tell(site, kept, placed, *, name="a", pieces="1", ago=timedelta(minutes=5), proof=None, **fields):
    """What the device sends when its network is back."""
    if proof is None:
        one = next(one for one in kept["ready"] if one["id"] == placed.pickup.id)
        proof = key_of(placed.code, one, kept["iterations"]).hex()
    told = {
        "token": kept["token"], "by": "kim", "noted_at": START.isoformat(), "sent_at": (START + ago).isoformat(),
        "proof": proof, "take.LAMP": pieces,
    } | fields  # fmt: skip
    site.browser.headers["idempotency-key"] = name
    return await site.post(f"/staff/pickups/{placed.pickup.id}/offline", **told)


def test_a_device_keeps_what_its_list_shows_and_never_a_code(engine, clock):
    async def story(site):
        ready, waiting = await site.place_ready(("LAMP", 2)), await site.place(("LAMP", 1), reference="#2")
        kept = await a_device(site)
        again = await site.get("/staff/offline/list")
        return kept, again.text, ready, waiting

    kept, text, ready, waiting = play(engine, clock, story)

    [one] = kept["ready"]
    assert (one["number"], one["who"], one["shelf"]) == (ready.pickup.number, "Anna Schubert", "12")
    assert [(line["sku"], line["open"]) for line in one["lines"]] == [("LAMP", 2)]
    assert [other["id"] for other in kept["picking"]] == [waiting.pickup.id]
    assert (kept["person"], kept["people"], kept["more"]) == ("kim", [{"name": "kim", "initials": "KL"}], False)
    key = key_of(ready.code, one, kept["iterations"])
    assert hashlib.sha256(key).hexdigest() == one["hash"]
    assert not any(code in text or code.replace("-", "") in text for code in (ready.code, waiting.code))


def test_check_values_come_a_few_at_a_time_and_are_made_once(engine, clock):
    async def story(site):
        for number in range(8):
            await site.place_ready(("LAMP", 1), reference=f"#{number}")
        await site.enrolled()
        return [(await site.get("/staff/offline/list")).json() for _ in range(3)]

    asked = play(engine, clock, story)

    assert [sum(one["hash"] is not None for one in kept["ready"]) for kept in asked] == [6, 8, 8]
    assert [kept["more"] for kept in asked] == [True, False, False]


@pytest.mark.parametrize("who", ["nobody", "a password", "an ended device", "a locked device"])
def test_who_is_no_device_hears_so_and_nothing_else(engine, clock, who):
    async def story(site):
        await site.place_ready(("LAMP", 1))
        if who == "a password":
            await site.log_in()
        if "device" in who:
            the_id = await site.enrolled()
            column = "ended_at" if "ended" in who else "locked_at"
            with db.transaction(engine) as session:
                setattr(session.get(Device, the_id), column, START)
        return (await site.get("/staff/offline/list")).json()

    assert play(engine, clock, story) == {"device": None}


def test_the_page_without_a_network_holds_words_only_and_its_script_names_its_files(engine, clock):
    async def story(site):
        await site.place_ready(("LAMP", 1))
        await site.enrolled()
        pages = [await site.get(path) for path in ("/staff/offline", "/staff/sw.js", "/staff/manifest.webmanifest")]
        files = [part for part in pages[1].text.split('"') if part.startswith("/static/")]
        icons = [icon["src"] for icon in pages[2].json()["icons"]]
        return pages, [await site.get(path) for path in [*files, *icons]]

    (shell, worker, manifest), files = play(engine, clock, story)

    assert "Anna Schubert" not in shell.text
    assert worker.headers["service-worker-allowed"] == "/staff"
    assert "__VERSION__" not in worker.text
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert "manifest-src 'self'" in shell.headers["content-security-policy"]
    assert len(files) > 10
    assert {answer.status_code for answer in files} == {200}


def test_a_hand_over_that_is_told_later_is_booked_when_it_happened(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        kept = await a_device(site)
        clock.advance(hours=2)
        first = await tell(site, kept, placed, ago=timedelta(minutes=30))
        return placed, first, await tell(site, kept, placed, ago=timedelta(minutes=31))

    placed, first, again = play(engine, clock, story)

    assert (first.status_code, first.json()["became"], first.json()["by"]) == (200, "booked", "kim")
    assert again.json() == first.json()
    with db.transaction(engine) as session:
        newest = acts.of(session, placed.pickup.id)[-1]
        assert (newest.what, newest.by, newest.at) == ("collected", "kim", clock.now() - timedelta(minutes=30))
        assert session.exec(select(Case)).all() == []


def test_of_two_devices_the_second_is_told_who_was_first_and_one_case_opens(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        other = site.another()
        mine, theirs = await a_device(site), await a_device(other, "Handy")
        await tell(site, mine, placed)
        return placed, [await tell(other, theirs, placed, name="b") for _ in range(2)]

    placed, (late, again) = play(engine, clock, story)

    assert (late.status_code, late.json()["became"]) == (200, "twice")
    assert "von kim" in late.json()["words"]
    assert again.json() == late.json()
    with db.transaction(engine) as session:
        [case] = session.exec(select(Case)).all()
        assert (case.kind, case.details["pickup"], case.details["first_by"]) == (
            "late_handover",
            placed.pickup.id,
            "kim",
        )


@pytest.mark.parametrize("how", ["cancelled", "expired", "moved"])
def test_a_pickup_that_ended_or_went_away_meanwhile_says_so_in_words(engine, clock, how):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        kept = await a_device(site)
        desk, now = pickup_api.desk_for(site.services), clock.now()
        with db.transaction(engine) as session:
            if how == "cancelled":
                ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=now)
            elif how == "expired":
                ending.expire_overdue(session, desk, now=placed.pickup.collect_by)
            else:
                session.get(Pickup, placed.pickup.id).location = "markt"
        return (await tell(site, kept, placed)).json()

    told = play(engine, clock, story)

    assert told["became"] == ("twice" if how == "moved" else "after_end")
    assert {"cancelled": "storniert", "expired": "abgelaufen", "moved": "andere Filiale"}[how] in told["words"]


def test_who_has_left_handed_over_all_the_same_and_a_strange_name_is_the_devices(engine, clock):
    async def story(site):
        placed = [await site.place_ready(("LAMP", 1), reference=f"#{n}") for n in range(2)]
        kept = await a_device(site)
        with db.transaction(engine) as session:
            access.disable_user(session, "kim", now=START)
        first = await tell(site, kept, placed[0], name="a")
        return first.json()["by"], (await tell(site, kept, placed[1], name="b", by="toni")).json()["by"]

    assert play(engine, clock, story) == ("kim", "Kasse 1")


FAULTS = {
    "a wrong proof": ({"proof": "00" * 32}, 403, "wrong-code"),
    "the check value itself": ({"proof": "hash"}, 403, "wrong-code"),
    "another site's form": ({"token": "x"}, 403, "foreign-form"),
    "no time": ({"noted_at": "yesterday"}, 422, "invalid-request"),
    "no pieces": ({"take.LAMP": "0"}, 422, "invalid-request"),
    "no key": ({"name": ""}, 400, "idempotency-key-missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_no_device_of_ours_would_send_is_refused_and_books_nothing(engine, clock, fault):
    fields, status, code = FAULTS[fault]

    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        kept = await a_device(site)
        given = fields | ({"proof": kept["ready"][0]["hash"]} if fields.get("proof") == "hash" else {})
        return placed, await tell(site, kept, placed, **given)

    placed, answer = play(engine, clock, story)

    assert (answer.status_code, answer.json()["refused"]) == (status, code)
    with db.transaction(engine) as session:
        assert session.get(Pickup, placed.pickup.id).state == "ready"


def test_the_same_key_for_another_hand_over_is_409(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        kept = await a_device(site)
        await tell(site, kept, placed, pieces="1")
        return await tell(site, kept, placed, pieces="2")

    answer = play(engine, clock, story)

    assert (answer.status_code, answer.json()["refused"]) == (409, "deed-differs")


def test_wrong_proofs_are_counted_like_wrong_codes(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        kept = await a_device(site)
        return [(await tell(site, kept, placed, proof="00")).status_code for _ in range(11)]

    assert play(engine, clock, story) == [403] * 10 + [429]


@pytest.mark.parametrize("who", ["nobody", "a password"])
def test_only_an_enrolled_device_tells_of_hand_overs(engine, clock, who):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        kept = {"token": "", "ready": []}
        if who == "a password":
            await site.log_in()
            kept["token"] = hidden((await site.get("/staff")).text)["token"]
        return await tell(site, kept, placed, proof="00")

    answer = play(engine, clock, story)

    assert (answer.status_code, answer.json()["refused"]) == (403, "forbidden")


def test_a_proof_of_one_device_is_none_of_another(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        other = site.another()
        mine, theirs = await a_device(site), await a_device(other, "Handy")
        proof = key_of(placed.code, mine["ready"][0], checks.ITERATIONS).hex()
        return (await tell(other, theirs, placed, proof=proof)).status_code

    assert play(engine, clock, story) == 403
