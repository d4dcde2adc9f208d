"""One torment's stage: a fresh ledger, the real engine, the adapter under torture, its simulated channel, and books of what people did."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Adapter, Fact, Hook, Message, News, OrderSeen, Sale
from omnisync.adapters.client import Tools
from omnisync.adapters.registry import Factory
from omnisync.catalog import articles, pricelist
from omnisync.catalog.articles import ArticleChange
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import NeedsAttention, TryLater, Unauthorized
from omnisync.orders.desk import open_desk
from omnisync.settings import ChannelPolicy, ChannelSettings, LocationSettings, ServerSettings, Settings
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.sync import inbox
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import InboxMessage
from omnisync.torture.counterpart import LOCATION, Bought, Counterpart, Goods, Ground
from omnisync.torture.wire import Wire
from omnisync.values import Kind, Money
from omnisync.worker import Worker

NAME = "torture"
PUBLIC = "https://sync.example.org"
HOOKS = f"{PUBLIC}/v1/hooks/{NAME}"
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PIECES, THEIRS = 20, 7
"""What lies on each shelf, and what the channel thinks in the beginning."""
SKUS = tuple(f"LAMP-{n}" for n in range(1, 9))
CURRENCY = "EUR"
DEPOSIT, STRANGER = "PFAND", "STRANGER"
"""An article that is no stock, and one that our catalogue does not have."""
GOODS = tuple(
    Goods(sku, f"Artikel {sku}", f"40063813339{n:02d}", Money(1995 + n, CURRENCY), 900 if sku in (DEPOSIT, STRANGER) else THEIRS)
    for n, sku in enumerate((*SKUS, DEPOSIT, STRANGER))
)  # fmt: skip
ROUND_SECONDS = 31.0

OpenCounterpart = Callable[[Ground], Counterpart]


@dataclass
class Books:
    """What people did, as they would write it down themselves."""

    taken: Counter[str] = field(default_factory=Counter)
    """Pieces that left their shelf or are promised to a buyer."""
    promised: Counter[str] = field(default_factory=Counter)
    """Those of them that still lie there."""
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, PIECES))
    at: dict[str, datetime] = field(default_factory=dict)
    """When each thing was bought, by the id that it is told under."""
    lines: dict[str, dict[str, int]] = field(default_factory=dict)
    """What was bought of our shelves."""
    gone: set[str] = field(default_factory=set)
    """What was bought and sent."""
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    """(event, hash of the body) of each message that we said yes to."""
    delisted: set[str] = field(default_factory=set)
    prices: dict[str, Money] = field(default_factory=dict)
    """What we said that articles cost; of all others the channel decides by itself."""

    def left(self, sku: str) -> int:
        """What can still be sold."""
        return self.counted[sku] - self.taken[sku]

    def leave(self, id: str) -> None:
        """It is sent: no longer promised, and no longer there."""
        if id not in self.gone:
            self.gone.add(id)
            self.promised.subtract(self.lines[id])

    def come_back(self, id: str) -> None:
        """It can be sold again, whether it had left or not."""
        self.leave(id)
        self.taken.subtract(self.lines[id])


class Stage:
    """Acts for the torments; what is wrong is noted and the play goes on."""

    def __init__(self, engine: Engine, make: Factory, opens: OpenCounterpart, folder: Path, seed: int) -> None:
        self.engine, self._make = engine, make
        self.clock, self.chance = StoppedClock(START), random.Random(seed)
        self.ids = Ids(self.clock, random.Random(seed + 1))
        self.tools = Tools(self.clock, self.ids, random.Random(seed + 2))
        self.books = Books()
        self.faults: list[str] = []
        self.told: dict[str, Fact] = {}
        """The newest fact of each order and sale that the adapter told, by its id."""
        self.news: list[News] = []
        """What the adapter was asked to tell the channel, as often as it was asked."""
        self.held: list[Hook] | None = None
        """Webhooks that are kept back; None: they arrive."""
        self._refused: list[Hook] = []
        self.counterpart = opens(Ground(self.tools, GOODS, HOOKS, folder))
        self.wire = Wire(self.counterpart.transport, self.clock)
        self.restart()

    @property
    def speaks_http(self) -> bool:
        return self.counterpart.transport is not None

    def wrong(self, what: str) -> None:
        """Something is not as it must be; said once."""
        if what not in self.faults:
            self.faults.append(what)

    def restart(self) -> None:
        """A new process: nothing is remembered but what was stored."""
        tools = Tools(self.clock, self.ids, self.tools.chance, self.wire)
        made = self._make(NAME, self.counterpart.settings, self.counterpart.places, PUBLIC, tools)
        self.adapter = _Watched(made, self)
        settings = self._settings()
        self.desk = open_desk(settings, bytes(32), self.ids, self.clock)
        adapters = {NAME: self.adapter}
        self.context = Context(Inline(self.engine), settings, self.clock, self.ids, adapters, desk=self.desk)
        self.worker = Worker(self.context, owner=NAME)

    def _settings(self) -> Settings:
        channel = ChannelSettings(
            name=NAME, adapter="tortured", locations=[LOCATION], location_map=dict(self.counterpart.places),
            policy=ChannelPolicy(shows="available", returns="sellable"),
        )  # fmt: skip
        store = LocationSettings(code=LOCATION, name="Filiale Lindenstraße")
        return Settings(server=ServerSettings(public_url=PUBLIC), locations=[store], channels=[channel])

    async def close(self) -> None:
        await self.adapter.close()

    # ------------------------------------------------------------ our side

    async def open(self) -> None:
        """Connect the channel on an ordinary day, and count what lies there."""
        changes = [ArticleChange(one.sku, {"title": one.title}, [one.barcode]) for one in GOODS if one.sku in SKUS]
        changes.append(ArticleChange(DEPOSIT, {"title": "Pfand", "stocked": False}))
        with db.transaction(self.engine) as session:
            articles.put(session, changes, now=self.clock.now())
        self.count(dict.fromkeys(SKUS, PIECES))
        await self.rounds(3)

    def learn(self, sku: str) -> None:
        """Somebody answers: this article is ours too, and so many are there."""
        with db.transaction(self.engine) as session:
            articles.put(session, [ArticleChange(sku, {"title": "Now we know it"})], now=self.clock.now())
            entry = Entry(Kind.COUNT, sku, LOCATION, PIECES, "learned", self.clock.now())
            ledger.record(session, [entry], now=self.clock.now())

    def count(self, pieces: Mapping[str, int]) -> None:
        """Somebody counts these shelves now: so many can be sold."""
        self.clock.advance(seconds=1)
        now, cause = self.clock.now(), self.ids.new()
        for sku, left in pieces.items():
            self.books.counted[sku] = left + self.books.taken[sku]
        entries = [
            Entry(Kind.COUNT, sku, LOCATION, left + self.books.promised[sku], cause, now, key=f"{cause}/{sku}")
            for sku, left in pieces.items()
        ]
        with db.transaction(self.engine) as session:
            ledger.record(session, entries, now=now)

    def price(self, cents: Mapping[str, int], *, later: timedelta = timedelta(0)) -> None:
        """Somebody says what these cost, from now on or from later on."""
        now = self.clock.now()
        said = [BasePrice(sku, Money(minor, CURRENCY), now + later) for sku, minor in cents.items()]
        self.books.prices |= {one.sku: one.price for one in said}
        with db.transaction(self.engine) as session:
            pricelist.set_prices(session, said, ids=self.ids, now=now)

    async def rounds(self, number: int = 3, *, seconds: float = ROUND_SECONDS) -> None:
        """The channel works, what it sends arrives, our worker takes its turn, time passes."""
        for _ in range(number):
            self.counterpart.work()
            sent = self.counterpart.hooks()
            if self.held is None:
                await self.deliver(sent)
            else:
                self.held += sent
            await self.tick()
            self.clock.advance(seconds=seconds)

    async def tick(self, *, full: bool = False) -> None:
        """One turn of the worker. What an adapter may not raise has been noted when it comes up here."""
        try:
            await self.worker.tick(NAME, full=full)
            await self.worker.keep_house()
        except Exception as bug:
            self.wrong(f"the worker's round ended with {said(bug)}")

    async def deliver(self, hooks: Sequence[Hook]) -> None:
        """These webhooks arrive now, in this order."""
        again, self._refused = [*self._refused, *hooks], []
        for hook in again:
            try:
                answer = await inbox.receive(self.context, self.context.channel(NAME), hook)
            except (TryLater, NeedsAttention):
                self._refused.append(hook)  # as the channel does, which did not hear yes
                continue
            except Unauthorized as refused:
                self.wrong(f"a true webhook was refused: {refused}")
                continue
            self.counterpart.hear(hook, answer)
            found = self.adapter.identify(hook)
            if isinstance(found, Message) and answer.status < 300:
                self.books.acknowledged.append((found.event_id, hashlib.sha256(hook.body).hexdigest()))

    async def deliver_forged(self, hook: Hook) -> None:
        """Somebody else sends this."""
        try:
            await inbox.receive(self.context, self.context.channel(NAME), hook)
        except Unauthorized:
            return
        except Exception as bug:
            self.wrong(f"a forged webhook ended with {said(bug)}")

    def kept_messages(self) -> int:
        """How many messages are in the inbox."""
        with db.reading(self.engine) as session:
            return int(session.execute(sa.select(sa.func.count()).select_from(InboxMessage)).scalar_one())

    async def calm(self) -> None:
        """All faults end, what was kept back arrives, and there is time for everything that is tried again."""
        self.wire.calm()
        kept, self.held = self.held or [], None
        await self.deliver(kept)
        await self.rounds(1)
        for minutes in (70, 25):
            self.clock.advance(minutes=minutes)
            await self.tick(full=True)
            await self.rounds(1, seconds=95)

    # ------------------------------------------------------------ what people do there

    def buy(self, *lines: tuple[str, int], wrapped: bool = False, elsewhere: bool = False) -> Bought:
        """A buyer at the channel."""
        bought = self.counterpart.buy(lines, wrapped=wrapped, elsewhere=elsewhere)
        ours = {} if elsewhere else {sku: n for sku, n in lines if sku in SKUS}
        return self._write_down(bought, ours, promised=not self.counterpart.over_the_counter)

    def pick_up(self, *lines: tuple[str, int]) -> Bought:
        """A buyer at the channel who comes to the store for it."""
        return self._write_down(self.counterpart.pick_up(lines), dict(lines), promised=True)

    def owe(self, *lines: tuple[str, int]) -> Bought:
        """A buyer at the channel who has not paid yet."""
        return self._write_down(self.counterpart.owe(lines), dict(lines), promised=True)

    def _write_down(self, bought: Bought, ours: Mapping[str, int], *, promised: bool) -> Bought:
        self.books.at |= dict.fromkeys(bought.told_as, self.clock.now())
        self.books.lines[bought.id] = dict(ours)
        self.books.taken.update(ours)
        if promised:
            self.books.promised.update(ours)
        return bought

    def ship(self, bought: Bought) -> None:
        self.counterpart.ship(bought)
        self.books.leave(bought.id)

    def cancel(self, bought: Bought) -> None:
        self.counterpart.cancel(bought)
        self.books.come_back(bought.id)

    def take_back(self, bought: Bought) -> None:
        self.counterpart.take_back(bought)
        self.books.come_back(bought.id)

    def delist(self, sku: str) -> None:
        self.counterpart.delist(sku)
        self.books.delisted.add(sku)

    # ------------------------------------------------------------ what was seen

    def is_told(self, bought: Bought) -> bool:
        """Whether the adapter told of all of it."""
        return bought.told_as <= self.told.keys()


class _Watched:
    """The adapter as the engine sees it; what it tells is written down, and what it may not raise is held against it."""

    def __init__(self, adapter: Adapter, stage: Stage) -> None:
        self._adapter, self._stage = adapter, stage

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._adapter, name)
        return self._watch(name, verb) if name in _NETWORK_VERBS else verb

    def _watch(self, name: str, verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*given: Any, **named: Any) -> Any:
            if name == "tell":
                self._stage.news += given[0]
            try:
                answer = await verb(*given, **named)
            except (TryLater, NeedsAttention):
                raise
            except Exception as bug:
                if name == _OF_ONE_MESSAGE:
                    raise
                self._stage.wrong(f"{name} raised {said(bug)}; a verb may raise TryLater and NeedsAttention only")
                raise
            self._note(answer.facts if name == "pull" else answer if name == "follow" else ())
            return answer

        return watched

    def _note(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, OrderSeen | Sale):
                self._stage.told[fact.id if isinstance(fact, OrderSeen) else fact.key] = fact


_NETWORK_VERBS = frozenset(
    {"pull", "follow", "listings", "look", "publish", "tell", "subscriptions", "check", "fetch_key"}
)
_OF_ONE_MESSAGE = "follow"
"""Whatever it stumbles over, the engine tries this message again and then lets it wait."""


def said(bug: Exception) -> str:
    return f"{type(bug).__name__}: {' '.join(str(bug).split())[:160]}"
