"""Talking to the application as programs do, in the same event loop."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from omnisync import access, app, db
from omnisync.access import Role
from omnisync.clock import Ids, StoppedClock
from omnisync.http import Services
from omnisync.settings import ChannelSettings, LocationSettings, Settings
from tests import contract

WEEK = {"mon-fri": "09:30-19:00", "sat": "10:00-16:00"}
SETTINGS = Settings(
    locations=[
        LocationSettings(code="linden", name="Filiale Lindenstraße", hours=WEEK, holidays="DE-BE"),
        LocationSettings(code="markt", name="Filiale Markt", hours=WEEK, holidays="DE-BE"),
        LocationSettings(code="lager", name="Lager", kind="warehouse", pickup="off"),
    ],
    channels=[ChannelSettings(name="webshop", adapter="shopify", locations=["linden", "lager"])],
)


@dataclass
class Api:
    """A client with one key of each role."""

    client: httpx.AsyncClient
    services: Services
    keys: Mapping[str, str]
    app: FastAPI
    _number: int = 0

    async def call(
        self, method: str, path: str, *, role: str | None = "shop", key: str | None = "new", **rest: Any
    ) -> httpx.Response:
        """Send one request; `key` is the idempotency key ("new": one of its own)."""
        headers = dict(rest.pop("headers", {}))
        if role is not None:
            headers["authorization"] = f"Bearer {self.keys[role]}"
        if key is not None and method == "POST":
            self._number += 1
            headers.setdefault("idempotency-key", f"k{self._number}" if key == "new" else key)
        return await self.client.request(method, path, headers=headers, **rest)


@asynccontextmanager
async def serving(
    engine: Engine, clock: StoppedClock, settings: Settings = SETTINGS, *, made: FastAPI | None = None
) -> AsyncIterator[Api]:
    """The application over this database, with a key for each role (staff: Lindenstraße)."""
    chance = random.Random()
    services = app.services_for(settings, engine, clock, Ids(clock, chance), bytes(range(32)))
    with db.transaction(engine) as session:
        keys = {
            role.value: access.create_key(
                session, role, role.value, chance=chance, now=clock.now(),
                location="linden" if role is Role.STAFF else None,
            ).text
            for role in sorted(access.OF_KEYS)
        }  # fmt: skip
    application = made or app.create(services)
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    hooks = {"response": [contract.check]}
    async with httpx.AsyncClient(transport=transport, base_url="http://omnisync", event_hooks=hooks) as client:
        yield Api(client, services, keys, application)
