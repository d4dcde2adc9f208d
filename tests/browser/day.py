"""A morning of a small retailer, played on a stopped clock into a database that a real server then serves:
`python -m tests.browser.day CONFIG [HOURS]` prints each customer's pickup code as JSON.

A process of its own, because a running Playwright leaves no room for an event loop in its own one.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import access, app, db, migrations, settings
from omnisync.access import Role, people
from omnisync.access.tables import BrowserSession, Device
from omnisync.adapters import registry
from omnisync.adapters.base import Article, Can, OrderLine, OrderSeen, Write
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import Ids, StoppedClock, SystemClock
from omnisync.orders import picking, pickup_api, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor, Desk
from omnisync.settings import Settings
from omnisync.stock import came_back, ledger, transfers
from omnisync.stock.came_back import Source
from omnisync.stock.transfers import Sending
from omnisync.sync import inbox, leases
from omnisync.sync.context import Context, Inline
from omnisync.values import Kind, Money
from omnisync.worker import Worker
from tests.people import PASSWORD as PASSWORD
from tests.people import person
from tests.sync.fakes import FakeChannel

OWNER = "a worker elsewhere"
ARTICLES = {
    "JACKE-NORDWIND-M": ("Jacke Nordwind", "M", "nachtblau", 12990),
    "JACKE-NORDWIND-L": ("Jacke Nordwind", "L", "nachtblau", 12990),
    "SNEAKER-KIEL-42": ("Sneaker Kiel", "42", "navy", 9995),
    "SNEAKER-KIEL-43": ("Sneaker Kiel", "43", "navy", 9995),
    "PULLOVER-HARZ-L": ("Pullover Harz", "L", "bordeaux", 6995),
    "HEMD-ALSTER-M": ("Hemd Alster", "M", "hellblau", 5995),
    "MUETZE-WINTERHUDE": ("Mütze Winterhude", "", "senf", 2995),
    "KERZE-HIDDENSEE": ("Kerze Hiddensee", "", "", 1495),
}
BARCODES = {"SNEAKER-KIEL-42": "4006381333931", "KERZE-HIDDENSEE": "96385074"}
LOCKED = "locked"
"""The device and session of a tablet that has to be opened again."""
LAST_PIECE = "TASCHE-PANKE-COGNAC"
"""Sold over the counter and in the web shop within the same second."""
PICKUPS = (
    ("Anna Schubert", {"JACKE-NORDWIND-M": 1, "MUETZE-WINTERHUDE": 1}, False, None),
    ("Mehmet Yılmaz", {"SNEAKER-KIEL-42": 1}, True, None),
    ("Jonas Petersen", {"HEMD-ALSTER-M": 2}, True, "12"),
)
"""(customer, what, paid, the shelf it is put aside on)"""
HOOKED = Can(write=Write.COMPARE_AND_SET, batch_size=50, webhooks=True, poll_seconds=30)
POLLED = Can(write=Write.ABSOLUTE, batch_size=25, poll_seconds=30)


@dataclass
class _Play:
    engine: Engine
    clock: StoppedClock
    chance: random.Random
    context: Context
    worker: Worker
    fakes: dict[str, FakeChannel]
    receipts: int = 4700

    async def go_on(self, seconds: float) -> None:
        """Let the worker go around once, then time passes."""
        for name, fake in self.fakes.items():
            while fake.hooks:
                await inbox.receive(self.context, self.context.channel(name), fake.hooks.popleft())
            await self.worker.tick(name)
        await self.worker.keep_house()
        self.clock.advance(seconds=seconds)

    def record(self, kind: Kind, sku: str, quantity: int, cause: str) -> None:
        now = self.clock.now()
        with db.transaction(self.engine) as session:
            ledger.record(session, [ledger.Entry(kind, sku, "linden", quantity, cause, now)], now=now)

    def sell_something(self) -> None:
        """A buyer somewhere, who likes some channels more than others."""
        sku = self.chance.choice(list(ARTICLES))
        channel = self.chance.choices(["kasse", "webshop", "ebay"], weights=[5, 4, 1])[0]
        if channel == "kasse":
            self.receipts += 1
            self.record(Kind.SOLD, sku, 1, f"kasse:{self.receipts}/1")
        elif self.fakes[channel].shows(sku) > 0:
            self.fakes[channel].buy(sku)

    async def trade(self, span: timedelta, *, every: float) -> None:
        until = self.clock.now() + span
        while self.clock.now() < until:
            self.sell_something()
            self.clock.advance(seconds=self.chance.choice([0.3, 0.6, 0.9, 1.4]))
            await self.go_on(1)
            await self.go_on(every * self.chance.uniform(0.6, 1.4))


def make(engine: Engine, place: Settings, secret: bytes, until: datetime, *, hours: float = 0.5) -> dict[str, str]:
    """Play `hours` that end at that moment; the pickup codes by customer."""
    migrations.upgrade(engine)
    clock = StoppedClock(until - timedelta(hours=hours, minutes=5))
    ids = Ids(clock, random.Random(7))
    _furnish(engine, clock)
    fakes = {channel.name: _fake(channel.name, clock) for channel in place.channels}
    context = Context(Inline(engine), place, clock, ids, fakes)
    services = app.services_for(place, engine, clock, ids, secret)
    played = _Play(engine, clock, random.Random(7), context, Worker(context, OWNER), fakes)
    asyncio.run(_morning(played, hours))
    clock.set(until)
    with db.transaction(engine) as session:  # for the page, a worker elsewhere goes on
        leases.give_back(session, leases.HOUSE, OWNER, now=until)
        leases.take(session, leases.HOUSE, OWNER, now=until, lasting=timedelta(days=1))
        _on_its_way(session, ids, until)
    return _pickups(engine, pickup_api.desk_for(services), clock)


def _furnish(engine: Engine, clock: StoppedClock) -> None:
    now = clock.now()
    with db.transaction(engine) as session:
        changes = [
            ArticleChange(
                sku,
                {"title": title, "size": size or None, "colour": colour or None},
                barcodes=tuple(filter(None, [BARCODES.get(sku)])),
            )
            for sku, (title, size, colour, _) in ARTICLES.items()
        ]
        articles.put(session, changes, now=now)
        articles.put(session, [ArticleChange(LAST_PIECE, {"title": "Tasche Panke, cognac"})], now=now)
        stock = [ledger.Entry(Kind.COUNT, sku, "linden", 60, "import:1", now) for sku in ARTICLES]
        stock.append(ledger.Entry(Kind.COUNT, LAST_PIECE, "linden", 1, "import:1", now))
        ledger.record(session, stock, now=now)
        person(session, "olga", Role.OPS)
        person(session, "anna", Role.ADMIN)
        person(session, "kim", Role.STAFF, location="linden")
        for name, initials in (("Ada Sommer", "AS"), ("Ben Vogt", "BV")):
            access.create_user(session, name, None, Role.STAFF, location="linden", now=now)
            people.set_initials(session, name, initials)
        _lock(session, now)


def _on_its_way(session: Session, ids: Ids, now: datetime) -> None:
    """Goods that come from the warehouse, and some that came back by mail."""
    opening = [ledger.Entry(Kind.OPENING, sku, "lager", 40, "import:1", now) for sku in ARTICLES]
    ledger.record(session, opening, now=now)
    wanted = Sending("lager", "linden", dict.fromkeys(list(ARTICLES)[:2], 3), now + timedelta(days=1))
    transfers.send(session, transfers.ask(session, ids, wanted, now=now).id, now=now)
    for sku, n in (("PULLOVER-HARZ-L", 1), ("HEMD-ALSTER-M", 3)):
        entry = ledger.Entry(Kind.RETURNED, sku, "linden", n, "webshop:r", now, key=f"return-{sku}")
        came_back.book(session, entry, Source("webshop", check=True, counter=False, reference="#1771"), now=now)


def _lock(session: Session, now: datetime) -> None:
    """A tablet at which somebody typed wrong PINs."""
    session.add(
        Device(
            id=LOCKED, name="Tablet im Lager", location="linden", code_hash=LOCKED, invited_at=now, invited_by="olga",
            enrolled_at=now, wrong_pins=5, locked_at=now,
        )
    )  # fmt: skip
    session.add(
        BrowserSession(id=LOCKED, device_id=LOCKED, created_at=now, seen_at=now, until=now + timedelta(days=30))
    )


def _fake(name: str, clock: StoppedClock) -> FakeChannel:
    fake = FakeChannel(name, clock, POLLED if name == "ebay" else HOOKED)
    for sku, (title, *_) in ARTICLES.items():
        fake.offer(sku, stock=60, title=title)
    fake.offer(LAST_PIECE, stock=1, title="Tasche Panke, cognac")
    return fake


async def _morning(play: _Play, hours: float) -> None:
    """A good start, a marketplace that is away for a moment, an order with a strange line, a marketplace that is away."""
    await play.go_on(5)
    await play.go_on(5)
    await play.trade(timedelta(hours=hours * 0.55), every=120)
    play.fakes["ebay"].faults.down = True
    await play.trade(timedelta(minutes=3), every=20)
    play.fakes["ebay"].faults.down = False
    await play.trade(timedelta(hours=hours * 0.2), every=120)
    play.record(Kind.SOLD, LAST_PIECE, 1, "kasse:4800/1")
    play.fakes["webshop"].buy(LAST_PIECE)
    await play.trade(timedelta(hours=hours * 0.15), every=120)
    _strange_order(play)
    await play.trade(timedelta(hours=hours * 0.1) - timedelta(minutes=3), every=60)
    play.fakes["ebay"].faults.down = True
    for sku, pieces in (("SNEAKER-KIEL-42", 2), ("HEMD-ALSTER-M", 1)):
        play.record(Kind.SOLD, sku, pieces, "kasse:4999/1")
    await play.trade(timedelta(minutes=2, seconds=40), every=10)


def _strange_order(play: _Play) -> None:
    now = play.clock.now()
    lines = (
        OrderLine("1", Article(external_id="id-KERZE-HIDDENSEE", sku="KERZE-HIDDENSEE"), 1),
        OrderLine("2", Article(external_id="v-4061", title="Mütze Winterhude, blau"), 1),
    )
    play.fakes["webshop"].orders["1883"] = OrderSeen("1883", "#1883", now, now, lines)


def _pickups(engine: Engine, desk: Desk, clock: StoppedClock) -> dict[str, str]:
    codes = {}
    for name, lines, paid, shelf in PICKUPS:
        wanted = placing.Wanted(
            "linden", Person(name), tuple(placing.Line(sku, n, Money(ARTICLES[sku][3], "EUR")) for sku, n in lines.items()), paid=paid
        )  # fmt: skip
        with db.transaction(engine) as session:
            placed = placing.place(session, desk, wanted, now=clock.now())
            codes[name] = placed.code
            if shelf:
                picking.ready(session, desk, placed.pickup.id, shelf, actor=Actor("office"), now=clock.now())
    return codes


def main(config: str, hours: str = "0.5") -> None:
    """Play into the database of these settings, with the key that lies there."""
    found = settings.load(Path(config), os.environ, adapters=registry.MODULES)
    engine = db.engine_for(found.database.url)
    secret = bytes.fromhex(Path(found.server.key_file).read_text())
    print(json.dumps(make(engine, found, secret, SystemClock().now(), hours=float(hours))))
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
