"""Every endpoint that takes a body, every field of it spoiled in every way: a clear 4xx, and the database is as it was."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from omnisync import app, db
from omnisync.adapters.base import Article, OrderLine, OrderSeen
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.orders import intake
from omnisync.problems import MEDIA_TYPE
from omnisync.stock import came_back, ledger
from omnisync.stock.came_back import Source
from omnisync.stock.ledger import Entry
from omnisync.sync.tables import ChannelListing
from omnisync.values import Kind
from tests.api import Api, serving
from tests.contract import DOCUMENT
from tests.stock.shop import shelf
from tests.test_bad_input import HOOKED, library_words

Json = Any
LINE = {"sku": "LAMP", "location": "linden", "quantity": 1}
ORDER = {
    "location": "linden", "channel": "shopify", "reference": "#1001", "paid": False, "note": "n", "gift": True,
    "customer": {"name": "Anna", "email": "anna@example.org", "phone": "1", "language": "de"},
    "lines": [{"sku": "LAMP", "quantity": 1, "price_minor": 4245, "currency": "EUR"}],
}  # fmt: skip
PRICES = [
    {"kind": "base", "sku": "LAMP", "amount_minor": 4245, "currency": "EUR", "valid_to": "2027-01-01T00:00:00Z"},
    {"kind": "rule", "channel": "shopify", "percent_hundredths": -1000, "add_minor": 5, "ending_minor": 99},
]
MOVEMENT = LINE | {"key": "d/1", "kind": "received", "reason": "r", "occurred_at": "2026-11-21T09:00:00Z"}
AWAITED = LINE | {"key": "d/2", "kind": "awaited", "due_at": "2026-12-01T09:00:00Z"}


@dataclass(frozen=True)
class Case:
    """An endpoint and a body it takes. `before` makes what its path names; `code` goes into a body that needs it."""

    method: str
    path: str
    body: Json
    role: str = "ops"
    before: Callable[[Api], Awaitable[dict[str, str]]] | None = None


async def held(api: Api) -> dict[str, str]:
    """A reservation."""
    return await _made(api, "/v1/reservations", {"lines": [LINE]})


async def placed(api: Api) -> dict[str, str]:
    """A pickup."""
    return await _made(api, "/v1/pickups", ORDER)


async def ready(api: Api) -> dict[str, str]:
    """A pickup that waits for its customer."""
    made = await placed(api)
    await _made(api, f"/v1/pickups/{made['id']}/ready", {"shelf": "12"})
    return made


async def on_its_way(api: Api) -> dict[str, str]:
    """A transfer that brings the pieces of a pickup from another store."""
    made = await placed(api)
    await _made(api, f"/v1/pickups/{made['id']}/transfer", {"location": "markt", "kind": "goods_come"})
    [transfer] = (await api.call("GET", "/v1/transfers", role="ops")).json()["items"]
    return {"id": transfer["id"]}


async def to_be_sent(api: Api) -> dict[str, str]:
    """An order that is to be sent from linden."""
    now = api.services.clock.now()
    seen = OrderSeen("77", "#77", now, now, (OrderLine("1", Article(sku="LAMP"), 1),))
    shop = next(one for one in api.services.settings.channels if one.name == "shopify")
    with db.transaction(api.services.engine) as session:
        intake.take(session, shop, seen, lambda article: article.sku, now=now)
    return {}


async def sent(api: Api) -> dict[str, str]:
    """One that has just been called sent."""
    await to_be_sent(api)
    await _made(api, "/v1/parcels/sent", {"order": "shopify:77", "location": "linden"}, role="staff")
    return {}


async def here(api: Api) -> dict[str, str]:
    """A store."""
    return {"location": "linden"}


async def back(api: Api) -> dict[str, str]:
    """A return that waits to be checked."""
    entry = Entry(Kind.RETURNED, "LAMP", "linden", 1, "order:1", api.services.clock.now(), key="back/1")
    source = Source("shopify", check=True, counter=False)
    with db.transaction(api.services.engine) as session:
        came_back.book(session, entry, source, now=entry.occurred_at)
    [made] = (await api.call("GET", "/v1/returns", role="staff")).json()["items"]
    return {"id": str(made["id"])}


async def counting(api: Api) -> dict[str, str]:
    """A stocktake that is open."""
    return await _made(api, "/v1/stocktakes", {"location": "linden"}, role="ops")


async def short(api: Api) -> dict[str, str]:
    """A shortage with what is proposed."""
    await held(api)
    with db.transaction(api.services.engine) as session:
        sold = Entry(Kind.SOLD, "LAMP", "linden", 5, "pos:1", api.services.clock.now())
        ledger.record(session, [sold], now=sold.occurred_at)
    [made] = (await api.call("GET", "/v1/shortages", role="ops")).json()["items"]
    return {"id": str(made["id"]), "code": made["proposal"]}


async def unmapped(api: Api) -> dict[str, str]:
    """A listing of which nobody knows which article it is."""
    with db.transaction(api.services.engine) as session:
        session.add(ChannelListing(channel="shopify", external_id="9", added_at=api.services.clock.now()))
    [made] = (await api.call("GET", "/v1/mappings", role="ops")).json()["items"]
    return {"id": made["id"]}


async def _made(api: Api, path: str, body: Json, role: str = "shop") -> dict[str, str]:
    answer = await api.call("POST", path, role=role, json=body)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, str] = answer.json()
    return made


CASES = [
    Case("POST", "/v1/availability/query", {"sku": ["LAMP"], "location": "linden", "channel": "shopify"}),
    Case("PUT", "/v1/prices", {"prices": PRICES}),
    Case("POST", "/v1/subscriptions", {"url": "https://shop.example.org/hook", "events": ["pickup.*"]}),
    Case("POST", "/v1/stock/movements", {"movements": [MOVEMENT, AWAITED]}),
    Case("PUT", "/v1/stock/backorder", {"lines": [{"sku": "LAMP", "backorder": "2026-12-01"}]}),
    Case("PUT", "/v1/stock/safety", {"lines": [{"sku": "LAMP", "location": "linden", "safety": 1}]}),
    Case("PUT", "/v1/channels/{name}/mappings", {"mappings": [{"external_id": "x", "sku": "LAMP"}]}),
    Case(
        "POST", "/v1/reservations",
        {"reference": "cart-1", "channel": "shopify", "expires_in_seconds": 60, "lines": [LINE]}, "shop",
    ),
    Case("POST", "/v1/reservations/{id}/collect", {"lines": [LINE]}, "shop", held),
    Case("POST", "/v1/pickups", ORDER, "shop"),
    Case("POST", "/v1/pickups/lookup", {"code": "{code}"}, "staff", ready),
    Case("POST", "/v1/pickups/{id}/pick", {"lines": [{"sku": "LAMP", "quantity": 1}]}, "staff", placed),
    Case("POST", "/v1/pickups/{id}/ready", {"shelf": "12"}, "staff", placed),
    Case(
        "POST", "/v1/pickups/{id}/collect",
        {"code": "{code}", "lines": [{"sku": "LAMP", "quantity": 1}], "rest": "keep"}, "staff", ready,
    ),
    Case(
        "POST", "/v1/pickups/{id}/collect", {"without_code": {"reason": "id_seen", "note": "n"}}, "staff", ready
    ),
    Case(
        "POST", "/v1/pickups/{id}/reject", {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "damaged"}]},
        "staff", placed,
    ),
    Case("POST", "/v1/pickups/{id}/cancel", {"reason": "r"}, "staff", placed),
    Case("POST", "/v1/pickups/{id}/extend", {"collect_by": "2026-12-05T12:00:00Z"}, "staff", placed),
    Case("POST", "/v1/pickups/{id}/transfer", {"location": "markt", "kind": "customer_goes", "agreed": "phone"}, "staff", placed),
    Case(
        "POST", "/v1/transfers",
        {
            "from_location": "linden", "to_location": "markt", "lines": [{"sku": "LAMP", "quantity": 1}],
            "due_at": "2026-12-01T10:00:00Z", "sent": True,
        },
        "staff",
    ),
    Case(
        "POST", "/v1/transfers/{id}/receive", {"lines": [{"sku": "LAMP", "quantity": 1}], "rest": "lost"},
        "staff", on_its_way,
    ),
    Case(
        "POST", "/v1/transfers/{id}/cannot-send", {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "damaged"}]},
        "ops", on_its_way,
    ),
    Case("POST", "/v1/parcels/sent", {"order": "shopify:77", "location": "linden"}, "staff", to_be_sent),
    Case("POST", "/v1/parcels/not-sent", {"order": "shopify:77", "location": "linden"}, "ops", sent),
    Case("PUT", "/v1/pauses/{location}", {"until": "2026-11-21T16:00:00Z"}, "staff", here),
    Case("POST", "/v1/mappings/{id}/answer", {"sku": "LAMP"}, "ops", unmapped),
    Case("POST", "/v1/mappings/{id}/answer", {"keep": True}, "ops", unmapped),
    Case("POST", "/v1/returns/{id}/decide", {"sellable": 1, "b_ware": 0, "scrap": 0}, "staff", back),
    Case("POST", "/v1/shortages/{id}/accept", {"proposal": "{code}"}, "ops", short),
    Case("POST", "/v1/stocktakes", {"location": "linden"}),
    Case(
        "POST", "/v1/stocktakes/{id}/counts", {"counts": [{"sku": "LAMP", "quantity": 4, "counted_at": "2026-11-21T10:00:00Z"}]},
        "staff", counting,
    ),
]  # fmt: skip
NO_BODIES = [b"[]", b"17", b'"text"', b"{", b"\xff", b'{"hurry": 1}', b"[" * 100_000, b"{}{}"]
ODD_TEXT = ["LA\ud800MP", "LA\0MP", 7, True, [], {}]
ODD_NUMBER = [True, "1", 1.5, float("nan"), float("inf"), 10**30, -(10**30), [], {}]
ODD_TIME = ["7", "2026-11-21", "2026-11-21T09:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
"""Without a zone, or in no year of a calendar in UTC."""
ODD = {str: ODD_TEXT, int: [*ODD_NUMBER, -1], bool: [1, "true", [], {}]}
SIGNED = {"percent_hundredths", "add_minor"}
"""Numbers that may be below zero."""


def spoiled(body: Json) -> Iterator[bytes]:
    """This body with one field of it spoiled, for every field and every way."""
    for path in _leaves(body):
        value = _at(body, path)
        is_time = isinstance(value, str) and value.endswith("Z")
        for odd in (*ODD[type(value)], *(ODD_TIME if is_time else ())):
            if not (path[-1] in SIGNED and odd == -1):
                wrong = copy.deepcopy(body)
                _at(wrong, path[:-1])[path[-1]] = odd
                yield json.dumps(wrong).encode()


def _leaves(body: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(body, dict | list):
        for key, below in body.items() if isinstance(body, dict) else enumerate(body):
            yield from _leaves(below, (*path, key))
    else:
        yield path


def _at(body: Json, path: tuple[Any, ...]) -> Json:
    for key in path:
        body = body[key]
    return body


def everything(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in SQLModel.metadata.sorted_tables
        }


def play(engine: Engine, clock: StoppedClock, story: Callable[[Api], Awaitable[Any]]) -> Any:
    """Run a story against a server with channels and five lamps in each store."""
    chance = random.Random(1)
    tools = Tools(clock, Ids(clock, chance), chance)
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
        shelf(session, "LAMP", pieces=5, location="markt")

    async def run() -> Any:
        services = app.services_for(HOOKED, engine, clock, tools.ids, bytes(range(32)))
        made = app.create(services, app.context_for(services, app.adapters_for(HOOKED, tools)))
        async with serving(engine, clock, HOOKED, made=made) as api:
            return await story(api)

    return asyncio.run(run())


@pytest.mark.parametrize("case", CASES, ids=[f"{case.path} {'/'.join(case.body)}" for case in CASES])
def test_a_body_with_one_spoiled_field_is_refused_and_changes_nothing(
    engine: Engine, clock: StoppedClock, case: Case
) -> None:
    async def story(api: Api) -> tuple[list[tuple[bytes, Any]], Any, Any, Any]:
        made = {"name": "shopify", **(await case.before(api) if case.before else {})}
        path = case.path.format_map(made)
        body = json.loads(json.dumps(case.body).replace("{code}", made.get("code", "")))
        before = everything(engine)
        answers = [(wrong, await send(api, path, wrong)) for wrong in (*NO_BODIES, *spoiled(body))]
        after = everything(engine)
        return answers, before, after, await send(api, path, json.dumps(body).encode())

    async def send(api: Api, path: str, content: bytes) -> Any:
        headers = {"content-type": "application/json"}
        return await api.call(case.method, path, role=case.role, content=content, headers=headers)

    answers, before, after, right = play(engine, clock, story)

    let_through = [
        (wrong[:300], answer.status_code, answer.text[:300])
        for wrong, answer in answers
        if not (400 <= answer.status_code < 500 and answer.headers["content-type"] == MEDIA_TYPE)
        or library_words(answer.text)
    ]
    assert let_through == []
    assert after == before
    assert right.status_code in (200, 201), right.text


def test_every_body_that_is_described_is_spoiled_here() -> None:
    described = {
        (
            method.upper(),
            re.sub(r"\{(pickup|reservation|transfer|return|stocktake|shortage|question)_id\}", "{id}", path),
        )
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }

    assert described == {(case.method, case.path) for case in CASES}


def test_ten_megabytes_are_refused_by_every_endpoint_that_changes_something(
    engine: Engine, clock: StoppedClock
) -> None:
    calls = [
        (method.upper(), path.format_map(dict.fromkeys(_NAMES, "1") | {"name": "shopify", "channel": "shopify"}))
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
        if method in ("post", "put")
    ]

    async def story(api: Api) -> Any:
        before = everything(engine)
        huge = b'{"lines": "' + b" " * (10 << 20) + b'"}'
        answers = [await api.call(method, path, role="admin", content=huge) for method, path in calls]
        return before, everything(engine), answers

    before, after, answers = play(engine, clock, story)

    assert len(calls) > 25
    assert {answer.status_code for answer in answers} == {413}
    assert {answer.headers["content-type"] for answer in answers} == {MEDIA_TYPE}
    assert after == before


_NAMES = (
    "shortage_id",
    "reservation_id",
    "pickup_id",
    "task_id",
    "case_id",
    "letter_id",
    "transfer_id",
    "return_id",
    "stocktake_id",
    "question_id",
    "location",
)
