"""Channels over HTTP, as ops and as the channels themselves use it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy.engine import Engine

from omnisync import access, app, db
from omnisync.access import Role
from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync.tables import InboxMessage
from tests import contract
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

HOOKED = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True)


def web_shop(make_house: MakeHouse, clock: StoppedClock) -> tuple[House, FakeChannel]:
    house = make_house((shop("web"), web := FakeChannel("web", clock, HOOKED)))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP")
    return house, web


@asynccontextmanager
async def serving(house: House, engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """The application with the channel endpoints, and a client with the key of ops."""
    services = app.services_for(house.context.settings, engine, house.clock, house.ids, bytes(range(32)))
    with db.transaction(engine) as session:
        key = access.create_key(session, Role.OPS, "ops", chance=random.Random(), now=house.clock.now(), location=None)
    made = app.create(services, house.context)
    headers = {"authorization": f"Bearer {key.text}"}
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    hooks = {"response": [contract.check]}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://omnisync", headers=headers, event_hooks=hooks
    ) as client:
        yield client


def ask(house: House, engine: Engine, play: Play, *calls: tuple[str, str, dict[str, Any]]) -> Sequence[httpx.Response]:
    """The answers to these calls, one after the other."""

    async def run() -> list[httpx.Response]:
        async with serving(house, engine) as client:
            return [await client.request(method, path, **more) for method, path, more in calls]

    answers: list[httpx.Response] = play(run())
    return answers


def test_a_hook_is_answered_when_its_message_is_stored(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    hook = web.hook_for(web.buy("LAMP", hook=False).id, "event-1")
    sent = {"content": hook.body, "headers": dict(hook.headers)}

    first, twin, forged, stranger = ask(
        house, engine, play,
        ("POST", "/v1/hooks/web", sent),
        ("POST", "/v1/hooks/web", sent),
        ("POST", "/v1/hooks/web", {"content": hook.body, "headers": {"x-event": "event-2"}}),
        ("POST", "/v1/hooks/nobody", sent),
    )  # fmt: skip

    assert (first.status_code, twin.status_code, forged.status_code, stranger.status_code) == (200, 200, 401, 404)
    assert forged.json()["code" if "code" in forged.json() else "type"].endswith("wrong-signature")
    assert len(house.rows(InboxMessage)) == 1


def test_ops_see_how_a_channel_is_and_why(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    web.faults.credentials = True
    house.stock("LAMP", 2)
    play(house.settle(rounds=1))
    clock.advance(minutes=3)

    [answer] = ask(house, engine, play, ("GET", "/v1/channels", {}))

    [health] = answer.json()["items"]
    assert (health["channel"], health["state"], health["action"]) == ("web", "action_required", "Renew the key.")
    assert (health["exposed"], health["queued"]) == (3, 1)
    assert health["lag_seconds"] >= 180


def test_a_paused_channel_is_written_nothing_until_it_is_resumed(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))

    [paused] = ask(house, engine, play, ("POST", "/v1/channels/web/pause", {}))
    house.stock("LAMP", 2)
    web.buy("LAMP")
    play(house.settle(rounds=2))
    assert paused.json()["state"] == "paused"
    assert (web.shows("LAMP"), house.level("LAMP")) == (4, (2, 1))

    ask(house, engine, play, ("POST", "/v1/channels/web/resume", {}))
    play(house.settle(rounds=1))

    assert web.shows("LAMP") == 1


def test_listings_are_mapped_and_read_back_a_page_at_a_time(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    web.offer("FREMD", external_id="x-1")
    play(house.settle(rounds=1))

    first, unknown, mapped, open_ones = ask(
        house, engine, play,
        ("GET", "/v1/channels/web/listings?limit=1", {}),
        ("PUT", "/v1/channels/web/mappings", {"json": {"mappings": [{"external_id": "x-1", "sku": "NOPE"}]}}),
        ("PUT", "/v1/channels/web/mappings", {"json": {"mappings": [{"external_id": "x-1", "sku": "LAMP"}]}}),
        ("GET", "/v1/channels/web/mappings?unmapped=true", {}),
    )  # fmt: skip
    play(house.settle(rounds=2))

    assert first.json()["items"][0]["shown"][0]["should_show"] == 5
    assert first.json()["next_cursor"]
    assert (unknown.status_code, mapped.status_code) == (422, 200)
    assert open_ones.json()["items"] == []
    assert web.stock["x-1", ""] == 5


def test_a_dead_letter_is_replayed_over_http(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    web.faults.unknown = {"id-LAMP"}
    play(house.settle(rounds=1))

    [listed] = ask(house, engine, play, ("GET", "/v1/dead-letters", {}))
    [letter] = listed.json()["items"]
    web.faults.unknown = set()
    replayed, again = ask(
        house, engine, play,
        ("POST", f"/v1/dead-letters/{letter['id']}/replay", {}),
        ("POST", f"/v1/dead-letters/{letter['id']}/discard", {}),
    )  # fmt: skip
    play(house.settle(rounds=1))

    assert letter["action"] == "Create it at the channel."
    assert (replayed.json()["closed_how"], again.status_code) == ("replayed", 409)
    assert web.shows("LAMP") == 5


def test_without_a_key_of_ops_nothing_is_told(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house, _ = web_shop(make_house, clock)
    nobody = {"headers": {"authorization": ""}}

    answers = ask(
        house, engine, play,
        *(("GET", f"/v1/{path}", nobody) for path in ("channels", "cases", "dead-letters", "channels/web/mappings")),
        ("POST", "/v1/channels/web/pause", nobody),
    )  # fmt: skip

    assert {answer.status_code for answer in answers} == {401}
