"""Events pushed to those who subscribed: signed, in order, none lost, and given up only after days."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.engine import Engine
from sqlmodel import select

from omnisync import app, db
from omnisync.announce import announce
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import TryLater
from omnisync.settings import Settings
from omnisync.sync import events, listeners
from omnisync.sync.context import Inline
from omnisync.sync.listeners import WAITS, Courier
from omnisync.sync.tables import EventSubscription
from tests.api import serving
from tests.sync.conftest import Play

KEY = bytes(range(32))
URL = "https://shop.example.org/omnisync?from=us"


@dataclass
class Listener:
    """Somebody else's server."""

    answers: list[int | Exception] = field(default_factory=list)
    """What it will say next; then 204."""
    heard: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.heard.append((url, headers, json.loads(body)))
        self.raw.append(body)
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def numbers(self) -> list[int]:
        return [told["data"]["number"] for _, _, told in self.heard]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def courier(engine: Engine, clock: StoppedClock, listener: Listener) -> Courier:
    return Courier(Inline(engine), clock, KEY, listener)


def subscribed(engine: Engine, clock: StoppedClock, *wanted: str) -> None:
    with db.transaction(engine) as session:
        listeners.subscribe(session, "sub-1", URL, wanted or ["*"], now=clock.now())


def happens(engine: Engine, clock: StoppedClock, kind: str, *numbers: int) -> None:
    """These events, numbered."""
    with db.transaction(engine) as session:
        for number in numbers:
            announce(session, kind, {"number": number}, now=clock.now())
        events.number(session, now=clock.now())


def state(engine: Engine) -> EventSubscription:
    with db.reading(engine) as session:
        found = session.exec(select(EventSubscription)).one()
        session.expunge_all()
        return found


def test_the_signature_is_that_of_the_specifications_example():
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    made = listeners.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_events_that_were_asked_for_come_once_in_order_and_can_be_checked(
    engine: Engine, clock: StoppedClock, courier: Courier, listener: Listener, play: Play
):
    happens(engine, clock, "pickup.placed", 0)
    subscribed(engine, clock, "pickup.*")
    happens(engine, clock, "pickup.ready", 1, 2)
    happens(engine, clock, "channel.late", 3)
    happens(engine, clock, "pickup.collected", 4)

    for _ in range(2):
        play(courier.deliver_due())

    assert listener.numbers == [1, 2, 4]
    url, headers, told = listener.heard[0]
    assert (url, told["type"], told["timestamp"]) == (URL, "pickup.ready", "2026-11-21T10:00:00Z")
    secret = base64.b64decode(listeners.secret_of(KEY, "sub-1").removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + listener.raw[0]
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    assert len({headers["webhook-id"] for _, headers, _ in listener.heard}) == 3


def test_what_is_not_taken_comes_again_later_under_the_same_id_and_nothing_overtakes_it(
    engine: Engine, clock: StoppedClock, courier: Courier, listener: Listener, play: Play
):
    subscribed(engine, clock)
    listener.answers = [204, 500, TryLater("shop.example.org did not answer in 10 s.")]
    happens(engine, clock, "pickup.ready", 1, 2, 3)

    play(courier.deliver_due())
    play(courier.deliver_due())
    first = listener.numbers, state(engine).last_error
    clock.advance(seconds=WAITS[0].total_seconds())
    play(courier.deliver_due())
    second = state(engine).failures, state(engine).last_error
    clock.advance(seconds=WAITS[1].total_seconds())
    play(courier.deliver_due())

    assert first == ([1, 2], "It answered 500.")
    assert second == (2, "shop.example.org did not answer in 10 s.")
    assert listener.numbers == [1, 2, 2, 2, 3]
    assert len({headers["webhook-id"] for _, headers, told in listener.heard if told["data"]["number"] == 2}) == 1
    assert (state(engine).failures, state(engine).failing_since) == (0, None)


def test_what_nobody_asked_for_is_no_delivery(
    engine: Engine, clock: StoppedClock, courier: Courier, listener: Listener, play: Play
):
    subscribed(engine, clock, "pickup.*")
    happens(engine, clock, "channel.late", 1)

    play(courier.deliver_due())
    play(courier.deliver_due())

    assert (listener.heard, state(engine).delivered_at) == ([], None)


@pytest.mark.parametrize("gone", [True, False])
def test_it_is_switched_off_after_days_or_when_it_says_that_it_is_gone_and_can_be_resumed(
    engine: Engine, clock: StoppedClock, courier: Courier, listener: Listener, play: Play, gone: bool
):
    subscribed(engine, clock)
    happens(engine, clock, "pickup.ready", 1)
    listener.answers = [410] if gone else [503] * (len(WAITS) + 1)

    for wait in [*WAITS, WAITS[-1]]:
        play(courier.deliver_due())
        clock.advance(seconds=wait.total_seconds())
    off = state(engine).disabled_at, len(listener.heard)
    with db.transaction(engine) as session:
        listeners.resume(session, "sub-1")
    play(courier.deliver_due())

    assert off[0] is not None
    assert off[1] == (1 if gone else len(WAITS) + 1)
    assert (listener.numbers[-1], state(engine).disabled_at) == (1, None)


def test_who_was_away_for_too_long_is_told_to_read_everything_again_and_then_goes_on(
    engine: Engine, clock: StoppedClock, courier: Courier, listener: Listener, play: Play
):
    subscribed(engine, clock, "pickup.*")
    happens(engine, clock, "pickup.ready", 1, 2)
    clock.advance(days=8)
    with db.transaction(engine) as session:
        events.forget_old(session, now=clock.now())
    happens(engine, clock, "pickup.ready", 3)

    for _ in range(2):
        play(courier.deliver_due())

    assert [told["type"] for _, _, told in listener.heard] == ["resync", "pickup.ready"]
    assert listener.heard[-1][2]["data"] == {"number": 3}


def test_programs_subscribe_look_resume_and_leave_over_http(engine: Engine, clock: StoppedClock):
    async def story() -> list[Any]:
        async with serving(engine, clock) as api:
            made = [
                await api.call("POST", "/v1/subscriptions", role="ops", json={"url": url, "events": ["pickup.*"]})
                for url in (URL, "http://127.0.0.1:9/hook")
            ]
            bad = [
                await api.call("POST", "/v1/subscriptions", role="ops", json={"url": url})
                for url in (
                    "http://example.org/",
                    "https://ada:pw@example.org/",
                    "https:///x",
                    "https://[/",
                    "ftp://example.org",
                )
            ]
            refused = await api.call("POST", "/v1/subscriptions", role="shop", json={"url": URL})
            page = await api.call("GET", "/v1/subscriptions?limit=1", role="ops")
            rest = await api.call("GET", f"/v1/subscriptions?cursor={page.json()['next_cursor']}", role="ops")
            name = made[0].json()["id"]
            ends = [
                await api.call(method, f"/v1/subscriptions/{name}{verb}", role="ops")
                for method, verb in (("POST", "/resume"), ("DELETE", ""), ("DELETE", ""), ("POST", "/resume"))
            ]
            return [made, bad, refused, page, rest, ends]

    made, bad, refused, page, rest, ends = asyncio.run(story())

    assert [answer.status_code for answer in made] == [201, 201]
    assert all(answer.json()["secret"].startswith("whsec_") for answer in made)
    assert [answer.status_code for answer in bad] == [422] * 5
    assert refused.status_code == 403
    listed = [*page.json()["items"], *rest.json()["items"]]
    assert [one["id"] for one in listed] == sorted(answer.json()["id"] for answer in made)
    assert all("secret" not in one and one["state"] == "active" for one in listed)
    assert [answer.status_code for answer in ends] == [200, 204, 404, 404]


def test_the_line_to_a_listener_carries_address_headers_and_body_and_tells_how_it_went(
    engine: Engine, clock: StoppedClock, ids: Ids
):
    heard: list[bytes] = []
    answers = [b"HTTP/1.1 202 Accepted", b"HTTP/1.1 401 Unauthorized", b"HTTP/1.1 302 Found\r\nlocation: /else"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head + await reader.readexactly(2))
            writer.write(answer + b"\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def story() -> list[int]:
        post = app._post(app.services_for(Settings(), engine, clock, ids, KEY))
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            url = f"http://{host}:{port}/hook?from=us"
            told = [await post(url, {"webhook-id": "evt_1"}, b"{}") for _ in answers]
        with pytest.raises(TryLater):
            await post(url, {}, b"{}")
        return told

    assert asyncio.run(story()) == [202, 403, 302]
    assert heard[0].startswith(b"POST /hook?from=us HTTP/1.1\r\n")
    assert b"webhook-id: evt_1\r\n" in heard[0]
    assert heard[0].endswith(b"\r\n\r\n{}")


def test_one_that_cannot_be_sent_to_or_is_slow_holds_up_nobody_else(
    engine: Engine, clock: StoppedClock, listener: Listener, play: Play
):
    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        if "nobody" in url:
            raise UnicodeError("label empty or too long")
        if "slow" in url:
            clock.advance(seconds=9)
        return await listener(url, headers, body)

    courier = Courier(Inline(engine), clock, KEY, post)
    with db.transaction(engine) as session:
        for name in ("good", "nobody", "slow"):
            listeners.subscribe(session, name, f"https://{name}.example.org", ["*"], now=clock.now())
    happens(engine, clock, "pickup.ready", 1, 2, 3)
    play(courier.deliver_due())

    heard = [(url, told["data"]["number"]) for url, _, told in listener.heard]
    with db.reading(engine) as session:
        trouble = session.get_one(EventSubscription, "nobody").last_error
    assert [number for url, number in heard if "good" in url] == [1, 2, 3]
    assert [number for url, number in heard if "slow" in url] == [1]
    assert trouble == "It could not be sent (UnicodeError)."
