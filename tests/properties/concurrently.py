"""Many clients of two nodes over one database, each with a memory of what it was answered."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import writer
from omnisync.clock import StoppedClock
from omnisync.errors import OutOfStock, Refused
from omnisync.stock import ends, ledger, reservations
from omnisync.stock.ends import End, How, State
from omnisync.stock.idempotency import Answer, Call, InFlight, Once
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Held, Line, Request
from omnisync.values import Kind, Shelf
from omnisync.writer import Batches
from tests.conftest import START

NODES = 2
TRIES = 200
_ON_HAND = {Kind.SOLD: -1, Kind.RETURNED: +1, Kind.FOUND: +1, Kind.MISSING: -1}


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold these pieces; asked `twins` times under one idempotency key, of all nodes in turn."""

    lines: tuple[Line, ...]
    twins: int = 1
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """End one of the reservations that anybody was granted so far."""

    which: int
    how: How


@dataclass(frozen=True, slots=True)
class Say:
    """A fact of the floor; `twins` tell the same."""

    kind: Kind
    shelf: Shelf
    quantity: int
    twins: int = 1


Act = Reserve | Finish | Say


@dataclass
class Memory:
    """What all clients together were answered; the ledger must agree with it."""

    on_hand: Counter[Shelf] = field(default_factory=Counter)
    granted: dict[str, dict[Shelf, int]] = field(default_factory=dict)
    ends: dict[str, list[How]] = field(default_factory=lambda: defaultdict(list))

    @property
    def reserved(self) -> Counter[Shelf]:
        """What is held by reservations that nobody has ended."""
        return sum((Counter(lines) for name, lines in self.granted.items() if not self.ended(name)), Counter[Shelf]())

    def ended(self, name: str) -> bool:
        return any(how is not How.CONFIRM for how in self.ends[name])


@dataclass
class Crowd:
    """Clients that act at the same time on every node."""

    nodes: Sequence[Batches]
    clock: StoppedClock
    name: str
    memory: Memory = field(default_factory=Memory)
    _number: int = 0

    def __post_init__(self) -> None:
        self._reserve, self._end = Once(_reserve, self.clock), Once(_end, self.clock)

    async def act(self, clients: Sequence[Sequence[Act]]) -> None:
        """Each client does its acts one after the other, all clients at once."""
        async with asyncio.TaskGroup() as together:
            for number, acts in enumerate(clients):
                together.create_task(self._client(number, acts))

    async def _client(self, number: int, acts: Sequence[Act]) -> None:
        for act in acts:
            match act:
                case Reserve():
                    await self._hold(number, act)
                case Finish():
                    await self._finish(number, act)
                case Say():
                    await self._say(number, act)

    async def _hold(self, node: int, act: Reserve) -> None:
        key = self._next()
        until = START + timedelta(minutes=-1 if act.expired else 15)
        wish = Request(key, act.lines, until)
        answers = await asyncio.gather(*(self._ask(node + n, self._reserve, key, wish) for n in range(act.twins)))
        assert len({(answer.status, answer.body) for answer in answers}) == 1, "twins were answered differently"
        if answers[0].status == 201 and not act.expired:
            self.memory.granted[key] = _merged(act.lines)

    async def _finish(self, node: int, act: Finish) -> None:
        if not self.memory.granted:
            return
        names = list(self.memory.granted)
        name = names[act.which % len(names)]
        answer = await self._ask(node, self._end, self._next(), End(name, act.how))
        if answer.status != 200:
            return
        self.memory.ends[name].append(act.how)
        if act.how is How.COLLECT:
            self.memory.on_hand.subtract(self.memory.granted[name])

    async def _say(self, node: int, act: Say) -> None:
        key = self._next()
        entry = Entry(act.kind, act.shelf.sku, act.shelf.location, act.quantity, "floor", START, key)
        told = await asyncio.gather(
            *(self._node(node + n).submit(_record, replace(entry)) for n in range(act.twins)),
        )
        assert sorted(told) == [False] + [True] * (act.twins - 1), "a fact was taken twice, or never"
        self.memory.on_hand[act.shelf] += _ON_HAND[act.kind] * act.quantity

    async def _ask(self, node: int, serve: Once, key: str, work: Any) -> Answer:
        for _ in range(TRIES):
            with suppress(InFlight):
                return await self._node(node).submit(serve, Call("test", key, b"", work))
        raise AssertionError(f"{key} was in flight for ever")

    def _node(self, number: int) -> Batches:
        return self.nodes[number % len(self.nodes)]

    def _next(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"


@contextmanager
def nodes(engine: Engine) -> Iterator[list[Batches]]:
    """Two writers with a thread each, as two server processes have them."""
    threads = [ThreadPoolExecutor(1, f"node-{number}") for number in range(NODES)]
    try:
        yield [writer.writer(engine, thread) for thread in threads]
    finally:
        for thread in threads:
            thread.shutdown()


def _reserve(session: Session, wishes: Sequence[Request], now: Any) -> list[Answer | Refused]:
    return [_answer(outcome) for outcome in reservations.reserve(session, wishes, now=START)]


def _end(session: Session, wanted: Sequence[End], now: Any) -> list[Answer | Refused]:
    return [_answer(outcome) for outcome in ends.end(session, wanted, now=START)]


def _answer(outcome: Held | State | Refused) -> Answer | Refused:
    match outcome:
        case Held():
            return Answer(201, orjson.dumps(outcome.id))
        case State():
            return Answer(200, orjson.dumps(outcome.state))
        case OutOfStock():
            return Answer(409, orjson.dumps([[lack.sku, lack.available] for lack in outcome.lacks]))
        case Refused():
            return Answer(outcome.status, outcome.code.encode())


def _record(session: Session, entries: Sequence[Entry]) -> list[bool]:
    return [recorded.duplicate for recorded in ledger.record(session, entries, now=START)]


def _merged(lines: Sequence[Line]) -> dict[Shelf, int]:
    merged: Counter[Shelf] = Counter()
    for line in lines:
        merged[Shelf(line.location, line.sku)] += line.quantity
    return dict(merged)
