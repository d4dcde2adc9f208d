"""A database that cannot be reached is nobody's error: it is answered 503 with Retry-After, and callers keep their connection."""

from __future__ import annotations

import asyncio
import random

import httpx

from omnisync import app, db
from omnisync.clock import Ids, StoppedClock
from tests.api import SETTINGS

NOBODY_LISTENS = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2"
CALLS = (
    ("GET", "/v1/stock"), ("GET", "/v1/availability?sku=LAMP"), ("POST", "/v1/reservations"), ("POST", "/v1/pickups/lookup"),
    ("GET", "/readyz"),
)  # fmt: skip


def test_whatever_is_asked_while_the_database_is_away_is_answered_to_try_later_and_raises_nothing(clock: StoppedClock):
    engine = db.engine_for(NOBODY_LISTENS)
    services = app.services_for(SETTINGS, engine, clock, Ids(clock, random.Random(1)), bytes(32))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app.create(services))
        headers = {"authorization": "Bearer omni_some_key", "idempotency-key": "k1"}
        async with httpx.AsyncClient(transport=transport, base_url="http://omnisync", headers=headers) as client:
            return [await client.request(method, path, json={} if method == "POST" else None) for method, path in CALLS]

    answers = asyncio.run(ask())

    assert [answer.status_code for answer in answers] == [503] * len(CALLS)
    assert all("retry-after" in answer.headers for answer in answers)
