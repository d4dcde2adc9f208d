"""A small retailer with a ledger and some fake channels, driven step by step on a stopped clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import Ids, StoppedClock
from omnisync.orders.desk import open_desk
from omnisync.settings import ChannelPolicy, ChannelSettings, LocationSettings, Settings
from omnisync.stock import ledger
from omnisync.sync.context import Channel, Context, Inline
from omnisync.sync.tables import Case, DeadLetter, ShownState
from omnisync.values import Kind
from omnisync.worker import Worker
from tests.sync.fakes import FakeChannel

Row = TypeVar("Row")


@dataclass
class House:
    """Everything a test needs to play a day."""

    engine: Engine
    clock: StoppedClock
    ids: Ids
    context: Context
    fakes: Mapping[str, FakeChannel]
    worker: Worker

    def channel(self, name: str) -> Channel:
        return self.context.channel(name)

    async def settle(self, rounds: int = 4) -> None:
        """Let time pass and the worker tick until nothing is left to do."""
        for _ in range(rounds):
            for name in self.fakes:
                await self.deliver(name)
                await self.worker.tick(name)
            self.clock.advance(seconds=31)

    async def tick(self, *names: str) -> None:
        for name in names or self.fakes:
            await self.worker.tick(name)

    async def deliver(self, name: str) -> None:
        """Hand over the webhooks that a channel has sent so far."""
        from omnisync.sync import inbox

        fake = self.fakes[name]
        while fake.hooks:
            await inbox.receive(self.context, self.channel(name), fake.hooks.popleft())

    def stock(
        self,
        sku: str | Sequence[str],
        quantity: int,
        location: str = "linden",
        *,
        kind: Kind = Kind.COUNT,
        cause: str = "import:1",
    ) -> None:
        """Book something on a shelf, or the same on many."""
        self.clock.advance(seconds=1)
        now, skus = self.clock.now(), [sku] if isinstance(sku, str) else sku
        with db.transaction(self.engine) as session:
            ledger.record(session, [ledger.Entry(kind, each, location, quantity, cause, now) for each in skus], now=now)

    def article(self, *skus: str, **fields: Any) -> None:
        with db.transaction(self.engine) as session:
            changes = [ArticleChange(sku, {"title": sku, **fields}) for sku in skus]
            articles.put(session, changes, now=self.clock.now())

    def bundle(self, sku: str, contents: Mapping[str, int]) -> None:
        """An article that is made of others."""
        change = ArticleChange(sku, {"title": sku}, components=contents)
        self.within(lambda session: articles.put(session, [change], now=self.clock.now()))

    def rows(self, model: type[Row], **wanted: object) -> Sequence[Row]:
        with db.reading(self.engine) as session:
            found = session.exec(select(model).filter_by(**wanted)).all()
            session.expunge_all()
            return found

    def level(self, sku: str, location: str = "linden") -> tuple[int, int]:
        """(on hand, reserved)"""
        from omnisync.stock.tables import Balance

        [row] = self.rows(Balance, sku=sku, location=location)
        return row.on_hand, row.reserved

    def state(self, channel: str, sku: str, place: str = "") -> ShownState:
        [row] = self.rows(ShownState, channel=channel, sku=sku, place=place)
        return row

    def letters(self, channel: str) -> Sequence[DeadLetter]:
        return [letter for letter in self.rows(DeadLetter, channel=channel) if letter.closed_at is None]

    def cases(self, kind: str) -> Sequence[Case]:
        return [case for case in self.rows(Case, kind=kind) if case.closed_at is None]

    def within(self, work: Any) -> Any:
        """Run one unit of work."""
        with db.transaction(self.engine) as session:
            return work(session)


def settings_for(*channels: ChannelSettings, owners: Mapping[str, str] | None = None) -> Settings:
    """Two stores, by default both of the ledger."""
    owned = owners or {}
    locations = [
        LocationSettings(code=code, name=code.title(), stock_owner=owned.get(code, "ledger"))
        for code in ("linden", "markt")
    ]
    return Settings(locations=locations, channels=list(channels))


def shop(
    name: str, *, locations: Sequence[str] = ("linden",), policy: Mapping[str, Any] | None = None, **more: Any
) -> ChannelSettings:
    """A channel of that name."""
    made = ChannelPolicy(**(policy or {}))
    return ChannelSettings(name=name, adapter="fake", locations=list(locations), policy=made, **more)


def build(engine: Engine, clock: StoppedClock, ids: Ids, settings: Settings, fakes: Sequence[FakeChannel]) -> House:
    """Connect these fakes to a fresh ledger."""
    by_name = {fake.name: fake for fake in fakes}
    desk = open_desk(settings, bytes(32), ids, clock)
    context = Context(Inline(engine), settings, clock, ids, by_name, desk=desk)
    return House(engine, clock, ids, context, by_name, Worker(context, owner="test"))


def session_of(house: House) -> Session:
    return Session(house.engine)
