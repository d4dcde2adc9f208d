"""The event stream as programs read it: over a real connection that breaks and is taken up where it broke."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from sqlalchemy.engine import Engine

from omnisync import access, app, db
from omnisync.access import Role
from omnisync.announce import announce
from omnisync.clock import StoppedClock
from omnisync.sync import events
from omnisync.values import to_cursor
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

PATIENCE = 60
"""Who hears so many heartbeats, and what he waits for is not among them, waits in vain."""
LISTENERS = {"shop": (Role.SHOP, None), "ops": (Role.OPS, None), "kim": (Role.STAFF, "linden")}


@dataclass
class Stream:
    """An open connection to /v1/events."""

    answer: httpx.Response
    lines: AsyncIterator[str]

    async def next(self) -> dict[str, Any]:
        """The next event: its fields, as the standard has them; comments are none."""
        fields: dict[str, Any] = {}
        for _ in range(PATIENCE):
            line = await anext(self.lines)
            if not line and fields:
                return fields | {"data": json.loads(fields["data"])}
            name, _, value = line.partition(": ")
            fields |= {name: value} if name else {}
        raise AssertionError("this event does not come")


@dataclass
class Listening:
    """A running server and a key for each listener."""

    client: httpx.AsyncClient
    keys: Mapping[str, str]

    @asynccontextmanager
    async def stream(self, who: str, last: str | None = None, **params: str) -> AsyncIterator[Stream]:
        headers = self._headers(who) | ({"last-event-id": last} if last else {})
        async with self.client.stream("GET", "/v1/events", params=params, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield Stream(answer, answer.aiter_lines())

    async def refused(self, who: str, **params: str) -> tuple[int, str]:
        """Why somebody gets no stream."""
        answer = await self.client.get("/v1/events", params=params, headers=self._headers(who))
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    def _headers(self, who: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys.get(who, who)}"}


@asynccontextmanager
async def listening(house: House, engine: Engine) -> AsyncIterator[Listening]:
    """The application on a port of its own, in this event loop."""
    services = app.services_for(house.context.settings, engine, house.clock, house.ids, bytes(range(32)))
    chance, now = random.Random(3), house.clock.now()
    with db.transaction(engine) as session:
        keys = {
            name: access.create_key(session, role, name, chance=chance, now=now, location=location).text
            for name, (role, location) in LISTENERS.items()
        }
    made = app.create(services, house.context)
    server = uvicorn.Server(uvicorn.Config(made, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        running = asyncio.create_task(server.serve(sockets=[door]))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                yield Listening(client, keys)
        finally:
            server.should_exit = True
            await running


async def pickups(house: House, *locations: str) -> None:
    """A pickup is placed at each of these, and the worker numbers what happened."""
    for number, location in enumerate(locations):
        body = {"id": f"{location}{number}", "location": location}
        house.within(lambda session, body=body: announce(session, "pickup.placed", body, now=house.clock.now()))
    await house.worker.keep_house()


def test_a_client_whose_line_broke_misses_no_event_and_hears_none_twice(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house = make_house((shop("web"), FakeChannel("web", clock)))

    async def story() -> None:
        await pickups(house, "linden")
        async with listening(house, engine) as server:
            async with server.stream("ops") as stream:
                await pickups(house, "markt", "linden", "markt")
                first = await stream.next()
            headers = stream.answer.headers
            async with server.stream("ops", last=first["id"]) as stream:
                rest = [await stream.next(), await stream.next()]
                await pickups(house, "linden")
                rest.append(await stream.next())
            async with server.stream("shop", since=rest[0]["id"]) as stream:
                again = [await stream.next(), await stream.next()]

        assert (headers["content-type"].partition(";")[0], headers["cache-control"]) == (
            "text/event-stream",
            "no-store",
        )
        assert first["event"] == "pickup.placed"
        assert first["data"].keys() == {"id", "location", "at"}
        assert [one["data"]["id"] for one in (first, *rest)] == ["markt0", "linden1", "markt2", "linden0"]
        assert again == rest[1:]

    play(story())


def test_a_store_hears_of_its_own_pickups_and_a_stranger_of_none(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    house = make_house((shop("web"), FakeChannel("web", clock)))

    async def story() -> None:
        async with listening(house, engine) as server:
            async with server.stream("kim") as stream:
                await pickups(house, "markt", "linden", "markt")
                heard = [await stream.next()]
                await pickups(house, "linden")
                heard.append(await stream.next())
            never = to_cursor(house.within(events.latest) + 1)
            refusals = [
                await server.refused("nobody"),
                await server.refused("ops", since="no cursor"),
                await server.refused("ops", since=never),
            ]

        assert [one["data"]["id"] for one in heard] == ["linden1", "linden0"]
        assert refusals == [(401, "unauthorized"), (422, "invalid-request"), (410, "resync")]

    play(story())
