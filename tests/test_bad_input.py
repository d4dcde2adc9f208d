"""Whatever is sent: a clear 4xx that names what is wrong, never a 500, never half an effect."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from sqlalchemy.engine import Engine

from omnisync import access, app, db, migrations, openapi
from omnisync.access import Role
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay.hooks import as_pem
from omnisync.adapters.shopware.hooks import shop_secret, signature
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.ebay.notifying import Signer
from omnisync.http import MAX_BODY, Services
from omnisync.orders.pickup_api import desk_for
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock.tables import Movement
from omnisync.sync import leases
from omnisync.sync.tables import InboxMessage
from omnisync.values import to_cursor
from tests.anything import things
from tests.api import SETTINGS, Api, serving
from tests.conftest import START
from tests.contract import DOCUMENT
from tests.stock.shop import shelf, violations

LINE = b'{"sku": "LAMP", "location": "linden", "quantity": 1}'
EXAMPLES = int(os.environ.get("OMNISYNC_TRIES", "8"))
"""For each operation, allowed and forbidden; CI asks for more than there is patience for at a desk."""


def lines(*line: bytes) -> bytes:
    return b'{"lines": [' + b",".join(line) + b"]}"


BODIES = {
    "nothing": b"",
    "no JSON": b"{'lines': []}",
    "half a body": lines(LINE)[:-5],
    "text after the end": lines(LINE) + b"{}",
    "a list": b"[]",
    "null": b"null",
    "no UTF-8": lines(LINE.replace(b"LAMP", b"L\xff\xfeMP")),
    "NaN": lines(LINE.replace(b": 1", b": NaN")),
    "infinity": lines(LINE.replace(b": 1", b": Infinity")),
    "a lone surrogate": lines(LINE.replace(b"LAMP", b"LA\\ud800MP")),
    "NUL": lines(LINE.replace(b"LAMP", b"LA\\u0000MP")),
    "nothing wanted": lines(LINE.replace(b": 1", b": 0")),
    "fewer than nothing": lines(LINE.replace(b": 1", b": -1")),
    "more than there can be": lines(LINE.replace(b": 1", b": 99999999999999999999999")),
    "a million and one": lines(LINE.replace(b": 1", b": 1000001")),
    "a boolean": lines(LINE.replace(b": 1", b": true")),
    "a fraction": lines(LINE.replace(b": 1", b": 1.5")),
    "a number with a point": lines(LINE.replace(b": 1", b": 1.0")),
    "a number as text": lines(LINE.replace(b": 1", b': "1"')),
    "an unknown article": lines(LINE.replace(b"LAMP", b"GHOST")),
    "an unknown location": lines(LINE.replace(b"linden", b"nowhere")),
    "an unknown channel": b'{"channel": "nowhere", ' + lines(LINE)[1:],
    "an unknown field": b'{"hurry": true, ' + lines(LINE)[1:],
    "no lines": b'{"lines": []}',
    "too many lines": lines(*[LINE] * 101),
    "a good line and a bad one": lines(LINE, LINE.replace(b": 1", b": -1")),
    "a good line and an unknown article": lines(LINE, LINE.replace(b"LAMP", b"GHOST")),
    "depth without end": b"[" * 100_000,
    "a SKU that is a list": lines(LINE.replace(b'"LAMP"', b'["LAMP"]')),
    "a SKU of blanks": lines(LINE.replace(b"LAMP", b"   ")),
    "an expiry in the past": b'{"expires_in_seconds": -1, ' + lines(LINE)[1:],
}


LIBRARIES = (
    "Input should",
    "Value error",
    "JSON decode",
    "Extra inputs",
    "Field required",
    "should have",
    "a valid ",
    "literal",
)


def library_words(text: str) -> list[str]:
    """What of an answer was said by pydantic, FastAPI or Python and not by us."""
    return [words for words in LIBRARIES if words in text]


WORDS = {
    "no JSON": ("body", "is no JSON: line 1, character 2: unexpected character, expected a string key"),
    "no UTF-8": ("body", "is no JSON: it is not written in UTF-8"),
    "NaN": ("body", "is no JSON: line 1, character 62: unexpected character, expected a JSON value"),
    "a list": ("body", "is an object, in curly braces"),
    "nothing": ("body", "is missing"),
    "nothing wanted": ("lines.0.quantity", "is at least 1"),
    "a million and one": ("lines.0.quantity", "is at most 1000000"),
    "more than there can be": ("lines.0.quantity", "is a whole number of a size that can be true"),
    "a boolean": ("lines.0.quantity", "is a whole number such as 5, without quotes"),
    "an unknown field": ("hurry", "there is no such field"),
    "no lines": ("lines", "is too short: its length is at least 1"),
    "too many lines": ("lines", "is too long: it has at most 100 entries"),
    "NUL": ("lines.0.sku", "a SKU has printable characters only"),
    "a SKU that is a list": ("lines.0.sku", "is text in quotes"),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_is_wrong_is_said_with_its_place_and_what_is_allowed(
    engine: Engine, clock: StoppedClock, name: str
) -> None:
    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await send(api, BODIES[name])

    [error] = asyncio.run(story()).json()["errors"]

    assert (error["field"], error["message"]) == WORDS[name]


def test_unknown_articles_are_named_with_their_lines(engine: Engine, clock: StoppedClock) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await send(api, BODIES["a good line and an unknown article"])

    answer = asyncio.run(story())

    assert answer.json()["errors"] == [{"field": "lines.1.sku", "message": "There is no article GHOST."}]


def test_an_address_that_does_not_exist_is_answered_in_words_that_lead_on(engine: Engine, clock: StoppedClock) -> None:
    async def story() -> list[Any]:
        async with serving(engine, clock) as api:
            return [await api.call("GET", "/v1/reservation"), await api.call("DELETE", "/v1/reservations")]

    nowhere, not_so = asyncio.run(story())

    assert (nowhere.status_code, "/openapi.json lists" in nowhere.json()["detail"]) == (404, True)
    assert (not_so.status_code, "the header Allow" in not_so.json()["detail"]) == (405, True)
    assert not_so.headers["allow"] == "POST"


def test_a_broken_json_is_named_by_line_and_character(engine: Engine, clock: StoppedClock) -> None:
    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await send(api, b'{\n  "reference": "c-1",\n  "lines": [],\n}')

    [error] = asyncio.run(story()).json()["errors"]

    assert error["message"].startswith("is no JSON: line 3, character 14: ")


def test_a_body_that_cannot_be_is_refused_in_words_and_holds_nothing(engine: Engine, clock: StoppedClock) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    async def story() -> dict[str, Any]:
        async with serving(engine, clock) as api:
            return {name: await send(api, body) for name, body in BODIES.items()}

    answers = asyncio.run(story())

    assert {name: one.status_code for name, one in answers.items() if not 400 <= one.status_code < 500} == {}
    for name, answer in answers.items():
        assert answer.headers["content-type"] == "application/problem+json", name
        assert {"type", "title", "status", "detail"} <= answer.json().keys(), name
        assert library_words(answer.text) == [], name
    assert_untouched(engine)


@pytest.mark.parametrize("declared", [True, False])
def test_ten_megabytes_are_refused_before_they_are_read(engine: Engine, clock: StoppedClock, declared: bool) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
    sent = 0

    async def in_pieces() -> Any:
        nonlocal sent
        for _ in range(160):
            sent += 1 << 16
            yield b" " * (1 << 16)

    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await send(api, b" " * (10 << 20) if declared else in_pieces())

    answer = asyncio.run(story())

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")
    assert sent <= MAX_BODY + (1 << 17) or declared
    assert_untouched(engine)


async def send(api: Api, body: Any) -> Any:
    return await api.call("POST", "/v1/reservations", content=body, headers={"content-type": "application/json"})


def assert_untouched(engine: Engine) -> None:
    """Nothing stands in the journal but the opening of the shelf."""
    journal = db.table(Movement)
    with db.reading(engine) as session:
        assert session.execute(sa.select(journal.c.kind)).scalars().all() == ["opening"]
        assert violations(session) == []


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_is_in_no_year_of_ours_is_refused_wherever_one_is_told(
    engine: Engine, clock: StoppedClock, moment: str
) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
    awaited = {"key": "d-1", "kind": "awaited", "sku": "LAMP", "location": "linden", "quantity": 1}
    price = {"kind": "base", "sku": "LAMP", "amount_minor": 100, "currency": "EUR"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "stock/explain", {"params": {"sku": "LAMP", "at": moment}}),
        ("GET", "stock/movements", {"params": {"since": moment}}),
        ("GET", "prices", {"params": {"sku": "LAMP", "at": moment}}),
        ("POST", "stock/movements", {"json": {"movements": [{**awaited, "due_at": moment}]}}),
        ("POST", "stock/movements", {"json": {"movements": [{**awaited, "occurred_at": moment}]}}),
        ("PUT", "prices", {"json": {"prices": [{**price, "valid_to": moment}]}}),
        (
            "POST",
            "stocktakes/none/counts",
            {"json": {"counts": [{"sku": "LAMP", "quantity": 1, "counted_at": moment}]}},
        ),
        ("POST", "pickups/none/extend", {"json": {"collect_by": moment}}),
    ]

    async def story() -> list[Any]:
        async with serving(engine, clock) as api:
            return [await api.call(method, f"/v1/{path}", role="ops", **sent) for method, path, sent in calls]

    answers = asyncio.run(story())

    assert [answer.status_code for answer in answers] == [422] * len(calls), [answer.text for answer in answers]
    assert_untouched(engine)


# ---------------------------------------------------------------- webhooks, as the channels' own adapters read them


PUBLIC = "http://omnisync"
HOOKED = Settings(
    locations=SETTINGS.locations,
    channels=[
        ChannelSettings(
            name="square", adapter="square", locations=["linden"], location_map={"L1": "linden"},
            settings={"access_token": "token", "webhook_secret": "secret", "notification_url": f"{PUBLIC}/v1/hooks/square"},
        ),
        ChannelSettings(
            name="shopify", adapter="shopify", locations=["linden"], location_map={"gid://shopify/Location/1": "linden"},
            settings={"shop": "example.myshopify.com", "access_token": "token", "webhook_secret": "secret"},
        ),
        ChannelSettings(
            name="woocommerce", adapter="woocommerce", locations=["linden"],
            settings={
                "base_url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs", "webhook_secret": "secret",
            },
        ),
        ChannelSettings(
            name="shopware", adapter="shopware", locations=["linden"],
            settings={
                "base_url": "https://shop.example", "client_id": "id", "client_secret": "cs", "app_secret": "secret",
            },
        ),
        ChannelSettings(
            name="ebay", adapter="ebay", locations=["linden"],
            settings={"client_id": "id", "client_secret": "secret", "refresh_token": "token", "verification_token": "v" * 32},
        ),
    ],
)  # fmt: skip
HOOKS = [channel.name for channel in HOOKED.channels]
NONSENSE = {
    "no JSON": b"{'a': 1",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"17",
    "not UTF-8": b'{"event_id": "\xff"}',
    "NaN": b'{"event_id": NaN, "id": NaN}',
    "NUL": b'{"event_id": "a\\u0000b", "type": "order.created", "id": "a\\u0000b"}',
    "a lone surrogate": b'{"event_id": "a\\ud800b", "type": "order.created", "id": "a\\ud800b"}',
    "depth without end": b"[" * 100_000,
    "a number without end": b'{"event_id": ' + b"9" * 5000 + b', "id": ' + b"9" * 5000 + b"}",
}


EBAY = {secret: Signer(random.Random(secret)) for secret in (b"secret", b"another secret")}


def signed(channel: str, body: bytes, secret: bytes = b"secret") -> dict[str, str]:
    """The headers under which this channel sends a body that it signed."""
    if channel == "ebay":
        return {"x-ebay-signature": EBAY[secret].header(body)}
    if channel == "square":
        mac = hmac.digest(secret, f"{PUBLIC}/v1/hooks/square".encode() + body, hashlib.sha256)
        return {"x-square-hmacsha256-signature": base64.b64encode(mac).decode()}
    if channel == "shopware":
        return {"shopware-shop-signature": signature(shop_secret(secret.decode()), body)}
    mac = hmac.digest(secret, body, hashlib.sha256)
    if channel == "woocommerce":
        told = {"x-wc-webhook-topic": "order.created", "x-wc-webhook-delivery-id": "d1"}
        return told | {"x-wc-webhook-signature": base64.b64encode(mac).decode()}
    topic = {"x-shopify-topic": "orders/create", "x-shopify-event-id": "e1", "x-shopify-webhook-id": "w1"}
    return topic | {
        "x-shopify-hmac-sha256": base64.b64encode(mac).decode(),
        "x-shopify-shop-domain": "example.myshopify.com",
    }


def hooked(engine: Engine, clock: StoppedClock, *calls: tuple[str, bytes, dict[str, str]]) -> list[int]:
    """The status of the answer to each of these webhooks."""
    chance = random.Random(1)
    tools = Tools(clock, Ids(clock, chance), chance)

    async def story() -> list[int]:
        services = app.services_for(HOOKED, engine, clock, tools.ids, bytes(32))
        adapters = app.adapters_for(HOOKED, tools)
        adapters["ebay"].keys.remember(EBAY[b"secret"].kid, as_pem(EBAY[b"secret"].public()))
        adapters["ebay"].keys.remember(EBAY[b"another secret"].kid, None)
        made = app.create(services, app.context_for(services, adapters))
        async with serving(engine, clock, HOOKED, made=made) as api:
            answers = [
                await api.call("POST", f"/v1/hooks/{name}", role=None, key=None, content=body, headers=headers)
                for name, body, headers in calls
            ]
        return [answer.status_code for answer in answers]

    return asyncio.run(story())


def kept(engine: Engine) -> int:
    """How many messages lie in the inbox."""
    with db.reading(engine) as session:
        return session.execute(sa.select(sa.func.count()).select_from(db.table(InboxMessage))).scalar_one()


@pytest.mark.parametrize("channel", HOOKS)
def test_a_signed_message_that_makes_no_sense_is_kept_and_never_a_500(
    engine: Engine, clock: StoppedClock, channel: str
) -> None:
    answers = hooked(engine, clock, *((channel, body, signed(channel, body)) for body in NONSENSE.values()))

    assert [name for name, status in zip(NONSENSE, answers, strict=True) if not 200 <= status < 300] == []
    assert kept(engine) == len(NONSENSE)


@pytest.mark.parametrize("channel", HOOKS)
def test_a_wrong_or_missing_signature_leaves_nothing(engine: Engine, clock: StoppedClock, channel: str) -> None:
    body = b'{"event_id": "e1", "type": "order.created", "id": 1}'
    right = signed(channel, body)
    name = next(header for header in right if "hmac" in header or "signature" in header)
    forgeries = [
        {},
        signed(channel, body, b"another secret"),
        signed(channel, body + b" "),
        right | {name: ""},
        right | {name: right[name][:-2]},
        right | {name: "=" * 10_000},
        right | {name: base64.b64encode(b"[" * 10_000).decode()},
    ]

    answers = hooked(engine, clock, *((channel, body, headers) for headers in forgeries))

    assert (answers, kept(engine)) == ([401] * len(forgeries), 0)


@pytest.mark.parametrize("channel", HOOKS)
def test_a_message_that_comes_three_times_is_kept_once(engine: Engine, clock: StoppedClock, channel: str) -> None:
    body = b'{"event_id": "e1", "type": "order.created", "id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"}'

    answers = hooked(engine, clock, *[(channel, body, signed(channel, body))] * 3)

    assert ({200 <= status < 300 for status in answers}, kept(engine)) == ({True}, 1)


# ---------------------------------------------------------------- anything at all, along the OpenAPI document


@dataclass(frozen=True)
class Tried:
    """A server to try things on."""

    app: FastAPI
    services: Services

    def things(self) -> dict[str, str]:
        """New ones of everything that a path can name."""
        with db.transaction(self.services.engine) as session:
            return things(session, desk_for(self.services), self.services.ids)


@dataclass(frozen=True)
class Described:
    """The servers' own description, and one on each database to try it on: to think of a call takes twice as long as to make it."""

    schema: Any
    servers: Mapping[str, Tried]


@pytest.fixture(scope="module")
def described(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    """Servers with a database of their own and the same key."""
    urls = {
        "sqlite": f"sqlite:///{tmp_path_factory.mktemp('anything')}/anything.db",
        "postgresql": another_database(postgresql_url, "anything"),
    }
    opened = {name: a_server(url) for name, url in urls.items()}
    [key] = {key for _, key in opened.values()}
    servers = {name: server for name, (server, _) in opened.items()}
    schema = schemathesis.openapi.from_asgi("/openapi.json", servers["sqlite"].app)
    schema.config.headers = {"authorization": f"Bearer {key}"}
    # Events stream until their client goes away.
    yield Described(schema.exclude(operation_id="streamEvents"), servers)
    for server in servers.values():
        server.services.engine.dispose()


def a_server(url: str) -> tuple[Tried, str]:
    """One with something to sell, and a key that may do everything."""
    engine = db.engine_for(url)
    migrations.upgrade(engine)
    clock, chance = StoppedClock(START), random.Random(1)
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=100_000)
        shelf(session, "VASE", pieces=0, location="markt")
        key = access.create_key(session, Role.ADMIN, "anybody", chance=chance, now=START)
        # A worker works: without one /readyz answers 503, as it should.
        leases.take(session, leases.HOUSE, "worker", now=START, lasting=timedelta(hours=1))
    services = app.services_for(HOOKED, engine, clock, Ids(clock, chance), bytes(32))
    tools = Tools(clock, services.ids, chance)
    made = app.create(services, app.context_for(services, app.adapters_for(HOOKED, tools)))
    return Tried(made, services), key.text


def another_database(url: str, name: str) -> str:
    """An empty one on the same server."""
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    server.dispose()
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE], ids=str)
def test_nothing_that_the_description_allows_or_forbids_is_a_fault_of_ours(described: Described, mode: Any) -> None:
    tried = {
        found.ok().definition.raw["operationId"]: try_out(found.ok(), mode, described.servers)
        for found in described.schema.get_all_operations()
    }

    for database in described.servers:
        answers = {name: answered[database] for name, answered in tried.items()}
        assert len([name for name, statuses in answers.items() if statuses]) > 40, answers
        of_things = {one["operationId"] for path, one in OPERATIONS if NAMED.search(path)} & answers.keys()
        assert len(of_things) > 20
        assert [name for name in of_things if answers[name] and answers[name] <= {404}] == []


OPERATIONS = [(path, operation) for path, methods in DOCUMENT["paths"].items() for operation in methods.values()]
NAMED = re.compile(r"\{(reservation|pickup|transfer|return|shortage|stocktake|task|case|letter)_id\}")


def try_out(operation: Any, mode: Any, servers: Mapping[str, Tried]) -> dict[str, set[int]]:
    """Call one operation with whatever its description allows, or forbids, on what there is and on what there is not; what it
    answered on each database. Nothing when it takes nothing to get wrong."""
    answered: dict[str, set[int]] = {database: set() for database in servers}

    @given(case=operation.as_strategy(generation_mode=mode), there=strategies.integers(0, 3))
    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def play(case: schemathesis.Case, there: int) -> None:
        named = case.path_parameters
        for database, server in servers.items():
            if there and named:
                known = server.things()
                case.path_parameters = {name: known.get(name, value) for name, value in named.items()}
            key = hashlib.sha256(repr((case.body, case.path_parameters)).encode()).hexdigest()
            answer = case.call(headers={"idempotency-key": key}, app=server.app)
            answered[database].add(answer.status_code)
            assert answer.status_code < 500, f"{database}: {case.as_curl_command()}: {answer.text}"

    try:
        play()
    except Unsatisfiable:
        return {database: set() for database in servers}
    return answered


@pytest.mark.parametrize("number", [2**63, 2**63 - 1, -1, 10**40])
def test_a_number_that_no_row_can_have_is_refused(engine: Engine, clock: StoppedClock, number: int) -> None:
    async def story() -> list[Any]:
        async with serving(engine, clock) as api:
            paths = (f"/v1/stock/movements?cursor={to_cursor(number, 0)}", f"/v1/shortages?cursor={to_cursor(number)}")
            accepted = await api.call("POST", f"/v1/shortages/{number}/accept", role="ops", json={"proposal": "x"})
            return [accepted, *[await api.call("GET", path, role="ops") for path in paths]]

    accepted, *pages = asyncio.run(story())

    assert 400 <= accepted.status_code < 500
    assert {page.status_code for page in pages} == {200 if number == 2**63 - 1 else 422}


def test_a_parameter_that_there_is_not_is_refused_wherever_something_is_asked(
    engine: Engine, clock: StoppedClock
) -> None:
    calls = [
        (method.upper(), re.sub(r"\{[^}]*\}", "1", path))
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/") and operation["operationId"] not in openapi.OPEN
    ]

    async def story() -> list[Any]:
        async with serving(engine, clock) as api:
            return [await api.call(method, f"{path}?locatoin=linden", role="admin") for method, path in calls]

    answers = asyncio.run(story())

    wrong = {
        call: answer.text
        for call, answer in zip(calls, answers, strict=True)
        if answer.status_code != 422 or [one["field"] for one in answer.json()["errors"]] != ["locatoin"]
    }
    assert len(calls) > 50
    assert wrong == {}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "/v1/stock?skuu=LAMP",
            "There is no such parameter. Did you mean sku? There are cursor, limit, location, overdue, sku.",
        ),
        ("/v1/stocktakes/1?x=1", "There is no such parameter: this takes none."),
    ],
)
def test_who_mistypes_a_parameter_is_told_the_right_one(
    engine: Engine, clock: StoppedClock, path: str, said: str
) -> None:
    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await api.call("GET", path, role="ops")

    [error] = asyncio.run(story()).json()["errors"]

    assert error["message"] == said


def test_a_cursor_that_somebody_made_up_is_refused(engine: Engine, clock: StoppedClock) -> None:
    async def story() -> Any:
        async with serving(engine, clock) as api:
            return await api.call("GET", f"/v1/stock?cursor={to_cursor('lin', 'NUL' + chr(0))}", role="ops")

    assert asyncio.run(story()).status_code == 422
