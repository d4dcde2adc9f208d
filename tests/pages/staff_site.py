"""A store's pickup page over a database, and what a browser would send to it."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import app, db
from omnisync.access import Role, devices
from omnisync.access.tables import Device
from omnisync.clock import Ids, StoppedClock
from omnisync.http import Services
from omnisync.orders import picking, pickup_api, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor
from tests.api import SETTINGS
from tests.people import PASSWORD, person
from tests.stock.shop import shelf

OFFICE = Actor("office")


@dataclass
class Site:
    """The application, and one browser."""

    services: Services
    browser: httpx.AsyncClient

    async def log_in(self, name: str = "kim", password: str = PASSWORD) -> httpx.Response:
        return await self.post("/staff/login", name=name, password=password)

    async def get(self, path: str) -> httpx.Response:
        return await self.browser.get(path)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a browser does."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.browser.post(path, content=urlencode(fields), headers=headers)

    async def by_code(self, code: str) -> httpx.Response:
        """The page to which a customer's code leads."""
        token = hidden((await self.get("/staff/code")).text)["token"]
        led = await self.post("/staff/code", token=token, code=code)
        return await self.get(led.headers["location"])

    async def press(self, page: str, step: str, **fields: str) -> httpx.Response:
        """Open a pickup's page and press one of its buttons, with the hidden fields that stand there."""
        shown = (await self.get(page)).text
        return await self.post(f"{page}/{step}", **(hidden(shown) | fields))

    async def enrolled(self, name: str = "Kasse 1", location: str = "linden") -> str:
        """Make this browser a device of the store, as a scan of its code does; the device's id."""
        device = await self.services.write.run(lambda session: self._invite(session, name, location))
        await self.post(f"/d/{devices.codes(self.services.secret).of(device.id)}")
        return device.id

    def _invite(self, session: Session, name: str, location: str) -> Device:
        codes, services = devices.codes(self.services.secret), self.services
        return devices.invite(session, codes, name, location, by="olga", ids=services.ids, now=services.clock.now())

    async def tap(self, name: str) -> httpx.Response:
        """Tap somebody's initials."""
        return await self.post("/staff/who", **hidden((await self.get("/staff/who")).text), name=name)

    def another(self) -> Site:
        """A second browser at the same application."""
        return Site(self.services, httpx.AsyncClient(transport=self.browser._transport, base_url="http://omnisync"))

    async def place(self, *lines: tuple[str, int], **more: Any) -> placing.Placed:
        desk, now = pickup_api.desk_for(self.services), self.services.clock.now()
        told = tuple(placing.Line(sku, n) for sku, n in lines)
        wanted = placing.Wanted(**{"location": "linden", "customer": Person("Anna Schubert"), "lines": told} | more)
        return await self.services.write.run(lambda session: placing.place(session, desk, wanted, now=now))

    async def place_ready(self, *lines: tuple[str, int], **more: Any) -> placing.Placed:
        placed = await self.place(*lines, **more)
        desk, now, the_id = pickup_api.desk_for(self.services), self.services.clock.now(), placed.pickup.id
        await self.services.write.run(lambda session: picking.ready(session, desk, the_id, "12", actor=OFFICE, now=now))
        return placed


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the first form that has a version (or of any form)."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


@asynccontextmanager
async def opened(engine: Engine, clock: StoppedClock, *, pictures: str = "") -> AsyncIterator[Site]:
    """A site with lamps in two stores, Kim of Lindenstraße, Toni of Markt and Olga of the office."""
    server = SETTINGS.server.model_copy(update={"pictures": pictures})
    settings = SETTINGS.model_copy(update={"server": server})
    services = app.services_for(settings, engine, clock, Ids(clock, random.Random(5)), bytes(range(32)))
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=9)
        shelf(session, "LAMP", pieces=9, location="markt")
        for name, role, location in (
            ("kim", Role.STAFF, "linden"), ("toni", Role.STAFF, "markt"), ("olga", Role.OPS, None),
        ):  # fmt: skip
            person(session, name, role, location=location)
    transport = httpx.ASGITransport(app.create(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://omnisync") as browser:
        yield Site(services, browser)
