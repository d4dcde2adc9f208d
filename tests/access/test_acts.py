"""What is changed by hand or by program stands in the log with who did it, and by which door."""

from __future__ import annotations

import asyncio
import random
import re

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from omnisync import access, db
from omnisync.access import Role, acts
from omnisync.access.acts import Door
from omnisync.access.tables import Act
from omnisync.catalog.tables import Article
from omnisync.errors import Refused
from omnisync.pages.office import log, steps
from omnisync.pages.staff_devices import STEPS as DEVICES
from tests.api import serving
from tests.conftest import START
from tests.pages.ops_site import opened
from tests.pages.staff_site import hidden
from tests.pages.test_staff_door import invite, play, said

act = db.table(Act)
NOTED = {
    "setPrices": ("PUT", "/v1/prices", {"prices": [{"kind": "base", "sku": "LAMP", "amount_minor": 4245, "currency": "EUR"}]}, "prices set LAMP"),
    "setSafety": ("PUT", "/v1/stock/safety", {"lines": [{"sku": "LAMP", "location": "linden", "safety": 1}]}, "stock safety LAMP@linden"),
    "setBackorder": ("PUT", "/v1/stock/backorder", {"lines": [{"sku": "LAMP", "backorder": "3"}]}, "stock backorder LAMP"),
    "putMappings": ("PUT", "/v1/channels/webshop/mappings", {"mappings": [{"external_id": "gid://1", "sku": "LAMP"}]}, "mappings put webshop: gid://1"),
    "syncChannel": ("POST", "/v1/channels/webshop/sync", None, "channels sync webshop"),
    "pauseChannel": ("POST", "/v1/channels/webshop/pause", None, "channels pause webshop"),
    "resumeChannel": ("POST", "/v1/channels/webshop/resume", None, "channels resume webshop"),
    "openStocktake": ("POST", "/v1/stocktakes", {"location": "linden"}, "stocktakes open linden"),
    "createSubscription": ("POST", "/v1/subscriptions", {"url": "https://shop.example.org/x"}, "subscriptions create "),
}  # fmt: skip
"""Operation -> what is asked, and what stands in the log then."""
NOTED_ELSEWHERE = {
    "bookStocktake", "abandonStocktake", "acceptShortage", "answerQuestion", "applyCase", "dismissCase",
    "pausePickups", "resumePickups", "replayDeadLetter", "discardDeadLetter", "resumeSubscription", "deleteSubscription",
}  # fmt: skip
"""They are noted by the same words; what they need to be asked with, their own tests make."""
JOURNALLED = {
    "placeReservation", "confirmReservation", "releaseReservation", "collectReservation", "placePickup", "lookupPickup",
    "pickPickup", "readyPickup", "collectPickup", "rejectPickup", "cancelPickup", "extendPickup", "transferPickup",
    "askTransfer", "sendTransfer", "callOffTransfer", "receiveTransfer", "cannotSendTransfer", "finishTask", "decideReturn", "recordMovements", "countStocktake",
    "sendParcel", "takeBackParcel", "receiveHook", "queryAvailability",
}  # fmt: skip
"""What happens to pieces and orders stands in the journal and the timelines, with who did it; some change nothing."""


def listed(session):
    """(door, by, what it says), the oldest first."""
    rows = session.execute(sa.select(act).order_by(act.c.id))
    return [(row.door, row.by, f"{row.thing} {row.step} {row.about}") for row in rows]


def kept(engine):
    with db.reading(engine) as session:
        return listed(session)


def test_every_operation_that_writes_is_noted_or_stands_in_the_journal(engine, clock):
    async def run():
        async with serving(engine, clock) as api:
            return {
                route.operation_id
                for route in api.app.router.routes
                if route.path.startswith("/v1/") and route.methods & {"POST", "PUT", "DELETE"}
            }

    assert asyncio.run(run()) == NOTED.keys() | NOTED_ELSEWHERE | JOURNALLED


@pytest.mark.parametrize("operation", NOTED)
def test_what_an_api_key_changes_is_noted_with_its_name(engine, clock, operation):
    method, path, body, told = NOTED[operation]

    async def run():
        async with opened(engine, clock) as site:
            with db.transaction(engine) as session:
                key = access.create_key(session, Role.OPS, "ops", chance=random.Random(4), now=START).text
            headers = {"authorization": f"Bearer {key}"}
            return await site.browser.request(method, path, json=body, headers=headers)

    answer = asyncio.run(run())

    assert answer.status_code < 300, answer.text
    [(door, by, what)] = kept(engine)
    assert (door, by) == ("key", "ops")
    assert what.startswith(told)


def test_what_was_refused_is_not_noted(engine, clock):
    async def run():
        async with serving(engine, clock) as api:
            body = {"lines": [{"sku": "NO-SUCH", "location": "linden", "safety": 1}]}
            return await api.call("PUT", "/v1/stock/safety", role="ops", key=None, json=body)

    assert asyncio.run(run()).status_code == 422
    assert kept(engine) == []


def test_a_case_and_a_stocktake_are_noted_when_they_are_decided(engine, clock):
    async def run():
        async with serving(engine, clock) as api:
            made = (await api.call("POST", "/v1/stocktakes", role="ops", json={"location": "linden"})).json()
            await api.call("POST", f"/v1/stocktakes/{made['id']}/abandon", role="ops")
            one = (
                await api.call("POST", "/v1/subscriptions", role="ops", json={"url": "https://shop.example.org/x"})
            ).json()
            await api.call("POST", f"/v1/subscriptions/{one['id']}/resume", role="ops")
            await api.call("DELETE", f"/v1/subscriptions/{one['id']}", role="ops", key=None)
            return one["id"]

    name = asyncio.run(run())

    assert [what for _, _, what in kept(engine)] == [
        "stocktakes open linden", "stocktakes abandon linden",
        f"subscriptions create {name}", f"subscriptions resume {name}", f"subscriptions delete {name}",
    ]  # fmt: skip


def test_an_act_and_its_effect_are_kept_together_or_not_at_all(engine):
    asker = access.Access("key:x", "the shop", Role.OPS)

    def work(session: Session) -> None:
        session.add(Article(sku="LAMP"))
        raise Refused("Not so.")

    with pytest.raises(Refused), db.transaction(engine) as session:
        acts.of_key(asker, ("prices", "set"), "LAMP", START, work)(session)

    assert kept(engine) == []


def test_many_things_are_named_as_far_as_they_fit():
    assert acts.named(["A", "B", "A"]) == "A, B"
    assert acts.named([f"S{n}" for n in range(8)]) == "S0, S1, S2, S3, S4 (+3)"


def test_what_ops_press_on_the_page_of_devices_is_noted_by_name(engine, clock):
    async def story(site):
        await site.log_in("olga")
        page = await invite(site)
        fields = hidden(page)
        device = re.search(r'action="/ops/devices/end">.*?name="id" value="([^"]+)"', page, re.DOTALL)[1]
        for step, more in (
            ("end", {"id": device}),
            ("pin", {"id": "Ada Sommer", "pin": "4826"}),
            ("end-person", {"id": "Ada Sommer"}),
            ("end-person", {"id": "Nobody"}),
        ):
            await site.post(f"/ops/devices/{step}", token=fields["token"], **more)
        mine = re.search(r'action="/ops/devices/end-session">.*?name="id" value="([^"]+)"', page, re.DOTALL)[1]
        return said(await site.post("/ops/devices/end-session", token=fields["token"], id=mine))

    assert play(engine, clock, story).endswith("m=ended")
    assert kept(engine) == [
        ("office", "olga", "devices invite Kasse 1"), ("office", "olga", "devices end Kasse 1"),
        ("office", "olga", "devices pin Ada Sommer"), ("office", "olga", "devices end-person Ada Sommer"),
        ("office", "olga", "devices end-session olga"),
    ]  # fmt: skip


def test_a_store_that_pauses_its_pickups_is_noted_with_who_said_so(engine, clock):
    async def story(site):
        await site.log_in()
        for step, more in (("pause", {"until": "60"}), ("resume", {}), ("resume", {})):
            page = (await site.get("/staff/work/pause")).text
            await site.post(f"/staff/work/{step}", token=hidden(page)["token"], **more)

    play(engine, clock, story)

    assert [(door, what) for door, _, what in kept(engine)] == [
        ("desk", "stores pause linden"), ("desk", "stores resume linden"),
    ]  # fmt: skip


def test_every_act_has_words(engine, clock):
    things = {
        *steps.STEPS,
        *(("devices", step) for step in DEVICES),
        ("keys", "create"),
        ("stores", "pause"),
        ("stores", "resume"),
    }
    things |= {tuple(told.split()[:2]) for _, _, _, told in NOTED.values()}
    things |= {
        ("stocktakes", "book"),
        ("stocktakes", "abandon"),
        ("subscriptions", "resume"),
        ("subscriptions", "delete"),
    }

    assert things <= log.STEPS.keys()
    assert set(log.DOORS) == set(Door)
