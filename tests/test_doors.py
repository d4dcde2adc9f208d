"""Every route of the application, asked by everybody: what nobody has been let into is shut.

The tables here say who may come in where, apart from the code. A route that stands in none of them fails the test.
"""

from __future__ import annotations

import asyncio
import random
import re

import pytest
from fastapi.routing import APIRoute

from omnisync import access, app, db
from omnisync.access import Role
from omnisync.clock import Ids
from omnisync.pages.office.steps import STEPS
from tests.api import serving
from tests.conftest import START
from tests.pages.office import place, play
from tests.pages.ops_site import opened, settings
from tests.people import person

PEOPLE = {"kim": "staff", "vera": "viewer", "olga": "ops", "anna": "admin"}
OFFICE = {"viewer", "ops", "admin"}
PAGES = {
    "/ops/people": {"admin"},
    "/ops/letters/rehearsal": {"ops", "admin"},
    "/ops/devices": {"ops", "admin"},
    "/ops/trust": {"ops", "admin"},
} | dict.fromkeys(
    (
        "/ops", "/ops/live", "/ops/number", "/ops/today", "/ops/search", "/ops/stock", "/ops/stock/article", "/ops/stock/explain", "/ops/prices",
        "/ops/prices/one", "/ops/orders", "/ops/orders/one", "/ops/pickups", "/ops/pickups/one", "/ops/pickups/unrung",
        "/ops/letters", "/ops/letters/one", "/ops/cases", "/ops/shortages", "/ops/mappings", "/ops/drift", "/ops/channel",
        "/ops/channel/message", "/ops/log", "/ops/settings",
    ), OFFICE,
)  # fmt: skip
ADMIN_STEPS = {("users", "create"), ("users", "password"), ("users", "disable"), ("keys", "revoke")}
"""Every other button is the office's."""

OPEN = {
    "/", "/livez", "/readyz", "/metrics", "/language", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/static",
    "/v1/hooks/{channel}", "/ca.crt", "/trust",
}  # fmt: skip
"""Without a login: machines, channels, whose signature is their key, and devices that do not trust us yet."""
DESK = re.compile(r"/staff(/|$)|/practice/|/d/\{code\}$")
"""The desk's own doors and those of a practice there, which have tests of their own."""
BUTTONS = {"/ops/{thing}/{name}/{step}", "/ops/switches", "/ops/devices/{step}", "/ops/people/key"}

ANYBODY = frozenset({"shop", "staff", "ops", "admin"})
THE_SHOPS, THE_STORES = ANYBODY - {"staff"}, ANYBODY - {"shop"}
KEYS = (
    dict.fromkeys(
        (
            "getAvailability", "queryAvailability", "streamEvents", "listPickups", "getPickup", "lookupPickup", "pickPickup",
            "readyPickup", "collectPickup", "rejectPickup", "cancelPickup", "extendPickup", "transferPickup",
            "listPrices",
        ), ANYBODY,
    )
    | dict.fromkeys(
        (
            "placeReservation", "getReservation", "confirmReservation", "releaseReservation", "collectReservation", "placePickup",
        ), THE_SHOPS,
    )
    | dict.fromkeys(
        (
            "recordMovements", "listBlocked", "listRecounts", "listReturns", "decideReturn", "listTransfers", "receiveTransfer",
            "cannotSendTransfer", "askTransfer", "sendTransfer", "callOffTransfer", "countStocktake", "listStocktakes", "listStocktakeLines",
            "listTasks", "finishTask", "listNotRungUp", "listParcels", "sendParcel", "takeBackParcel", "listPauses", "pausePickups", "resumePickups",
        ), THE_STORES,
    )
)  # fmt: skip
"""Operation -> whose keys open it; every other one is the office's."""


def routes(engine, clock):
    services = app.services_for(settings(), engine, clock, Ids(clock, random.Random(1)), bytes(32))
    return app.create(services, app.context_for(services, {})).router.routes


def path_of(route, **known):
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda name: known.get(name[1], "x"), route.path)


def test_every_route_is_in_a_table(engine, clock):
    strangers = [
        route.path
        for route in routes(engine, clock)
        if route.path not in OPEN | PAGES.keys() | BUTTONS
        and not DESK.match(route.path)
        and not route.path.startswith("/v1/")
    ]

    assert strangers == []


def test_tables_name_nothing_that_is_not_there(engine, clock):
    found = routes(engine, clock)

    assert PAGES.keys() <= {route.path for route in found}
    assert KEYS.keys() <= {getattr(route, "operation_id", None) for route in found}


@pytest.mark.parametrize("who", [None, *PEOPLE])
def test_a_page_opens_to_its_roles_and_to_nobody_else(engine, clock, who):
    async def story(site):
        with db.transaction(engine) as session:
            person(session, "anna", Role.ADMIN)
        if who:
            await site.log_in(who)
        return {path: await site.browser.get(path) for path in PAGES}

    answers = play(engine, clock, story, who=None)

    let_in = {path for path, one in answers.items() if one.status_code not in (303, 403)}
    assert let_in == {path for path, roles in PAGES.items() if PEOPLE.get(who) in roles}
    assert all(one.status_code < 500 for one in answers.values())


@pytest.mark.parametrize("who", PEOPLE)
def test_a_button_works_for_its_roles_and_for_nobody_else(engine, clock, who):
    async def story(site):
        with db.transaction(engine) as session:
            person(session, "anna", Role.ADMIN)
        await site.log_in(who)
        page = (await site.browser.get("/ops")).text + (await site.browser.get("/staff")).text
        token = re.search(r'name="token" value="([^"]+)"', page)
        fields = {"token": token[1] if token else "", "back": "/ops"}
        return {step: await site.post(f"/ops/{step[0]}/nothing/{step[1]}", **fields) for step in STEPS}

    answers = play(engine, clock, story, who=None)

    refused = {
        step for step, one in answers.items() if re.search("m=(forbidden|foreign-form)", one.headers["location"])
    }
    mine = {"admin": set(), "ops": ADMIN_STEPS}.get(PEOPLE[who], STEPS.keys())
    assert refused == mine


def test_a_form_from_elsewhere_presses_no_button(engine, clock):
    async def story(site):
        return [await site.post(f"/ops/{thing}/nothing/{step}", token="made up") for thing, step in STEPS]

    assert all("m=foreign-form" in one.headers["location"] for one in play(engine, clock, story))


def test_an_operation_opens_to_its_keys_and_to_nobody_else(engine, clock):
    async def ask(api, route, key):
        headers = {"idempotency-key": "k", "last-event-id": "made up"} | (
            {"authorization": f"Bearer {key}"} if key else {}
        )
        [method] = route.methods - {"HEAD"}
        body = {} if method in ("POST", "PUT") else None
        return (await api.client.request(method, path_of(route), headers=headers, json=body)).status_code

    async def run():
        async with serving(engine, clock) as api:
            found = {}
            for route in routes(engine, clock):
                if isinstance(route, APIRoute) and route.path.startswith("/v1/") and route.path not in OPEN:
                    asked = {role: await ask(api, route, key) for role, key in api.keys.items()}
                    found[route.operation_id] = (await ask(api, route, None), asked)
            return found

    answers = asyncio.run(run())

    assert {name for name, (stranger, _) in answers.items() if stranger != 401} == set()
    let_in = {
        name: {role for role, status in asked.items() if status not in (401, 403)}
        for name, (_, asked) in answers.items()
    }
    assert let_in == {name: KEYS.get(name, {"ops", "admin"}) for name in answers}
    assert len(answers) > 50


STEPS_OF_A_PICKUP = {
    "getPickup": None, "pickPickup": {}, "readyPickup": {"shelf": "1"}, "collectPickup": {"code": "AAAA-AAAA"},
    "rejectPickup": {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "not_found"}]}, "cancelPickup": {},
    "extendPickup": {"collect_by": "2026-11-30T18:00:00Z"}, "transferPickup": {"location": "markt", "kind": "customer_goes"},
}  # fmt: skip


def test_a_store_sees_and_changes_no_other_stores_pickups(engine, clock):
    async def run():
        async with opened(engine, clock) as site:
            placed = await place(site, "Anna Schubert", {"LAMP": 1})
            with db.transaction(engine) as session:
                key = access.create_key(
                    session, Role.STAFF, "markt", location="markt", chance=random.Random(9), now=START
                ).text
            answers = {}
            for route in routes(engine, clock):
                if "{pickup_id}" in route.path and route.path.startswith("/v1/"):
                    [method] = route.methods - {"HEAD"}
                    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
                    path, body = path_of(route, pickup_id=placed.pickup.id), STEPS_OF_A_PICKUP[route.operation_id]
                    answers[route.operation_id] = (
                        await site.browser.request(method, path, headers=headers, json=body)
                    ).status_code
            return answers

    answers = asyncio.run(run())

    assert answers == dict.fromkeys(STEPS_OF_A_PICKUP, 403)
