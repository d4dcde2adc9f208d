"""The office's page over a small retailer with fake channels: a till, a shop and a marketplace, driven on a stopped clock."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy.engine import Engine

from omnisync import app, db
from omnisync.access import Role
from omnisync.adapters.base import Can, Write
from omnisync.clock import Ids, StoppedClock
from omnisync.http import Services
from omnisync.pages.ops_switches import Switches
from omnisync.settings import ChannelPolicy, ChannelSettings, LocationSettings, Settings
from omnisync.stock import ledger, policies
from omnisync.sync import inbox
from omnisync.sync.context import Context
from omnisync.values import Kind
from omnisync.worker import Worker
from tests.api import WEEK
from tests.people import PASSWORD, person
from tests.stock.shop import shelf
from tests.sync.fakes import FakeChannel

CHANNELS = {
    "webshop": ("Onlineshop", "shopify"),
    "kasse": ("Kassen Lindenstraße", "square"),
    "ebay": ("eBay DE", "ebay"),
}
HOOKED = Can(write=Write.COMPARE_AND_SET, batch_size=50, webhooks=True)


@dataclass
class Site:
    """The application, its channels, and one browser."""

    services: Services
    context: Context
    worker: Worker
    clock: StoppedClock
    fakes: dict[str, FakeChannel]
    browser: httpx.AsyncClient

    async def log_in(self, name: str = "olga") -> httpx.Response:
        return await self.post("/staff/login", name=name, password=PASSWORD, next="/ops")

    async def get(self, path: str = "/ops") -> str:
        answer = await self.browser.get(path)
        assert answer.status_code == 200, answer.headers
        return answer.text

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a browser does."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.browser.post(path, content=urlencode(fields), headers=headers)

    async def press(self, step: str, **fields: str) -> httpx.Response:
        """Press a button that stands on the page, with its hidden fields."""
        self.clock.advance(seconds=2)
        page = await self.get()
        form = re.search(rf'<form[^>]*action="/ops/{re.escape(step)}".*?</form>', page, re.DOTALL)
        assert form is not None, f"no button for {step}"
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[0]))
        return await self.post(f"/ops/{step}", **hidden | fields)

    async def run(self, rounds: int = 1, *, seconds: float = 2.0) -> None:
        """Let the worker go around; a moment passes in each round."""
        for _ in range(rounds):
            for name, fake in self.fakes.items():
                while fake.hooks:
                    await inbox.receive(self.context, self.context.channel(name), fake.hooks.popleft())
                await self.worker.tick(name)
            await self.worker.keep_house()
            self.clock.advance(seconds=seconds)

    async def sell(self, sku: str, quantity: int = 1, *, receipt: str) -> None:
        """Somebody carries it out of the store."""
        now = self.clock.now()
        entry = ledger.Entry(Kind.SOLD, sku, "linden", quantity, f"kasse:{receipt}", now, key=f"kasse:{receipt}")
        await self.services.write.run(lambda session: ledger.record(session, [entry], now=now))

    async def count(self, sku: str, quantity: int, cause: str) -> None:
        """Somebody counts a shelf."""
        now = self.clock.now()
        entry = ledger.Entry(Kind.COUNT, sku, "linden", quantity, cause, now)
        await self.services.write.run(lambda session: ledger.record(session, [entry], now=now))


@asynccontextmanager
async def opened(
    engine: Engine, clock: StoppedClock, *, skus: Sequence[str] = ("LAMP", "CHAIR"), switches: Switches | None = None
) -> AsyncIterator[Site]:
    """A site where every channel offers ten of each article, with Olga of the office, Vera who looks and Kim of the store."""
    fakes = {name: FakeChannel(name, clock, HOOKED) for name in CHANNELS}
    for fake in fakes.values():
        for sku in skus:
            fake.offer(sku, stock=10)
    services = app.services_for(settings(), engine, clock, Ids(clock, random.Random(5)), bytes(range(32)))
    with db.transaction(engine) as session:
        for sku in skus:
            shelf(session, sku, pieces=10)
        policies.load(session, settings(), now=clock.now())
        person(session, "olga", Role.OPS)
        person(session, "vera", Role.VIEWER)
        person(session, "kim", Role.STAFF, location="linden")
    context = app.context_for(services, fakes)
    site = app.create(services, context, switches=switches)
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://omnisync") as browser:
        yield Site(services, context, app.worker_for(services, context), clock, fakes, browser)


def settings(**policy: Any) -> Settings:
    """Three channels over one store that hands out pickups."""
    return Settings(
        locations=[LocationSettings(code="linden", name="Filiale Lindenstraße", hours=WEEK, holidays="DE-BE")],
        channels=[
            ChannelSettings(name=name, title=title, adapter=adapter, locations=["linden"], policy=ChannelPolicy(**policy))
            for name, (title, adapter) in CHANNELS.items()
        ],
    )  # fmt: skip
