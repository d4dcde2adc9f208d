"""One process of omnisync as it really runs: writer, reader, worker, and the doors at which clients and channels ask."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import app
from omnisync.adapters.base import Hook
from omnisync.announce import Touched
from omnisync.clock import Ids
from omnisync.errors import Refused
from omnisync.http import Services, body_hash, kept
from omnisync.orders import ending, handing, picking, pickup_api, placing, sending, transfer
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor, Desk
from omnisync.settings import Settings
from omnisync.sim.adapter import Adapter, Wire
from omnisync.sim.process import Process
from omnisync.sim.time import Clock, Loop
from omnisync.stock import ends, reservations, stocktakes, transfers
from omnisync.stock.ends import End
from omnisync.stock.idempotency import Answer, Call, Once
from omnisync.stock.reservations import Held
from omnisync.stock.tables import Stocktake
from omnisync.sync import inbox
from omnisync.sync.leases import HOUSE
from omnisync.sync.why import Why
from omnisync.values import parse_time
from omnisync.worker import Worker

SECRET = b"the key of a simulated server...."
OWNER = "shop"
"""The API key of all simulated clients."""
GAPS_SECONDS, HOUSE_GAPS_SECONDS = (5, 300, 1800, 3600), (60, 3600)
"""How long a worker may leave a channel or the house alone while nothing wakes it. In truth it is a second, and most find nothing."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What outlives a process: disk, clock, settings and what is at the other end of the wires."""

    engine: Engine
    settings: Settings
    clock: Clock
    loop: Loop
    wires: Mapping[str, Wire]


class Server:
    """A process and all it has in memory."""

    def __init__(
        self,
        machine: Machine,
        chance: random.Random,
        process: Process,
        *,
        after_round: Callable[[str], None],
        failed: Callable[[str], None],
    ) -> None:
        self.machine, self.process, self._chance = machine, process, chance
        self._after_round, self._failed = after_round, failed
        ids = Ids(machine.clock, random.Random(chance.getrandbits(64)))
        app.begin(machine.settings, machine.engine, machine.clock)
        self.services: Services = app.services_for(machine.settings, machine.engine, machine.clock, ids, SECRET)
        self.context = app.context_for(self.services, {name: Adapter(wire) for name, wire in machine.wires.items()})
        self.worker: Worker = app.worker_for(self.services, self.context)
        self.desk: Desk = pickup_api.desk_for(self.services)
        self.services.write.committed.append(self._hear)
        self._doors = _doors(self)
        self._asked: dict[str, Why] = {}
        self._wake = {name: asyncio.Event() for name in [*self.context.channels, HOUSE]}

    # ------------------------------------------------------------ the worker

    def work(self) -> None:
        """Let the worker go its rounds."""
        for name in self._wake:
            self.process.start(self._rounds(name))

    async def _rounds(self, name: str) -> None:
        while True:
            await self.round(name, why=self._asked.pop(name, Why()))
            seconds = self._chance.choice(HOUSE_GAPS_SECONDS if name == HOUSE else GAPS_SECONDS)
            gap = self.machine.loop.call_later(seconds, self._wake[name].set)
            await self._wake[name].wait()
            self._wake[name].clear()
            gap.cancel()

    async def round(self, name: str, *, why: Why | None = None, full: bool = False) -> None:
        """One round for a channel or the house. What the worker's own loop would log as a failure is a violation here."""
        try:
            await (self.worker.keep_house() if name == HOUSE else self.worker.tick(name, why=why, full=full))
        except Exception:
            self._failed(f"a round of {name} failed: {traceback.format_exc()}")
        self._after_round(name)

    def _hear(self, touched: Touched) -> None:
        """As `Worker.hear`, in an order that does not depend on how sets are laid out."""
        channels = self.context.channels if touched.skus else touched.channels & self.context.channels.keys()
        for name in sorted(channels):
            why = Why(scan=False, skus=frozenset(touched.skus))
            self._asked[name] = self._asked[name].also(why) if name in self._asked else why
            self._wake[name].set()

    # ------------------------------------------------------------ the doors

    def hear(self, channel: str, hook: Hook) -> asyncio.Task[Any]:
        """A channel calls."""
        return self.process.start(inbox.receive(self.context, self.context.channel(channel), hook))

    def ask(self, path: str, key: str, body: Mapping[str, Any]) -> asyncio.Task[Answer | Refused]:
        """A client asks for something under its idempotency key."""
        return self.process.start(self._answer(path, key, body))

    def write(self, work: Callable[[Session], Any]) -> asyncio.Task[Any]:
        """Somebody of the staff books something."""
        return self.process.start(self.services.write.run(work))

    def _answer(self, path: str, key: str, body: Mapping[str, Any]) -> Coroutine[Any, Any, Answer | Refused]:
        what, _, rest = path.partition("/")
        name, _, verb = rest.partition("/")
        call = Call(f"{OWNER} POST {path}", key, body_hash(dict(body)), {"id": name, **body})
        return self.services.write.submit(self._doors[verb or what], call)


Step = Callable[[Session, Desk, Mapping[str, Any], datetime], Any]


def _doors(server: Server) -> Mapping[str, Once]:
    """By the last word of the path, as the endpoints have them: one instance each, so that calls are gathered."""
    clock = server.machine.clock
    steps = {verb: Once(_stepping(server.desk, step), clock) for verb, step in _STEPS.items()}
    ends_of = {how: Once(_ending(how), clock) for how in (ends.How.CONFIRM, ends.How.RELEASE, ends.How.COLLECT)}
    holds = {"reservations": Once(_holding(server.services.ids), clock)}
    return {**holds, **steps, **{f"{how}": once for how, once in ends_of.items()}}


def _holding(ids: Ids) -> Any:
    def serve(session: Session, bodies: Sequence[Any], now: datetime) -> list[Answer | Refused]:
        wishes = [
            reservations.Request(
                ids.new(),
                tuple(reservations.Line(*line) for line in body["lines"]),
                now + timedelta(seconds=body["seconds"]),
                body.get("channel"),
                body.get("reference"),
                OWNER,
            )
            for body in bodies
        ]
        return [_said(outcome, 201) for outcome in reservations.reserve(session, wishes, now=now)]

    return serve


def _ending(how: ends.How) -> Any:
    def serve(session: Session, bodies: Sequence[Any], now: datetime) -> list[Answer | Refused]:
        return [_said(one, 200) for one in ends.end(session, [End(body["id"], how) for body in bodies], now=now)]

    return serve


def _stepping(desk: Desk, step: Step) -> Any:
    def serve(session: Session, bodies: Sequence[Any], now: datetime) -> list[Answer | Refused]:
        answers = []
        for body in bodies:
            try:
                with session.begin_nested():
                    answers.append(_said(step(session, desk, body, now), 200))
            except Refused as refused:
                answers.append(kept(refused))
        return answers

    return serve


_STAFF = Actor("staff")


@dataclass(frozen=True, slots=True)
class _Done:
    """What somebody is told of a thing that has no state of its own."""

    id: str
    state: str


def _bring(session: Session, desk: Desk, body: Mapping[str, Any], now: datetime) -> _Done:
    """Have what this pickup holds sent from the other store as well."""
    before = set(transfers.open_of(session, body["id"]))
    transfer.transfer(session, desk, body["id"], body["location"], "goods_come", actor=_STAFF, now=now)
    [asked] = set(transfers.open_of(session, body["id"])) - before
    return _Done(asked, "asked")


def _send(session: Session, desk: Desk, body: Mapping[str, Any], now: datetime) -> _Done:
    """It leaves its shelves, unless it was called off with its pickup."""
    sending.locked(session, transfers.load(session, body["id"]).pickup_id)
    return _Done(body["id"], "called off" if transfers.send(session, body["id"], now=now).sent_at is None else "sent")


def _take_in(session: Session, desk: Desk, body: Mapping[str, Any], now: datetime) -> _Done:
    """All of it has come, or none of it ever will."""
    part: Mapping[str, int] | None = {} if body["lost"] else None
    sending.receive(session, desk, body["id"], part, rest="lost" if body["lost"] else "keep", actor=_STAFF, now=now)
    return _Done(body["id"], "lost" if body["lost"] else "received")


def _count(session: Session, desk: Desk, body: Mapping[str, Any], now: datetime) -> _Done:
    counted = stocktakes.Count(body["sku"], body["quantity"], parse_time(body["at"]))
    stocktakes.count(session, body["id"], [counted], by="staff", now=now)
    return _Done(body["id"], "counted")


def _of(taken: Stocktake) -> _Done:
    return _Done(taken.id, taken.ended_how or "open")


_STEPS: Mapping[str, Step] = {
    "pickups": lambda session, desk, body, now: placing.place(
        session,
        desk,
        placing.Wanted(
            body["location"],
            Person("Somebody"),
            tuple(placing.Line(sku, quantity) for sku, quantity in body["wishes"]),
            paid=body["paid"],
            owner=OWNER,
        ),
        now=now,
    ),
    "pick": lambda session, desk, body, now: picking.pick(session, desk, body["id"], actor=_STAFF, now=now),
    "ready": lambda session, desk, body, now: picking.ready(session, desk, body["id"], "12", actor=_STAFF, now=now),
    "fetch": lambda session, desk, body, now: handing.collect(
        session, desk, body["id"], handing.ByCode(body["code"]), actor=_STAFF, now=now
    ),
    "cancel": lambda session, desk, body, now: ending.cancel(session, desk, body["id"], actor=_STAFF, now=now),
    "bring": _bring,
    "send": _send,
    "take_in": _take_in,
    "stocktakes": lambda session, desk, body, now: _of(
        stocktakes.open_one(session, desk.ids, body["location"], by="staff", now=now)
    ),
    "count": _count,
    "book": lambda session, desk, body, now: _of(stocktakes.book(session, body["id"], by="staff", now=now)),
    "abandon": lambda session, desk, body, now: _of(stocktakes.abandon(session, body["id"], by="staff", now=now)),
}


def _said(outcome: Any, status: int) -> Answer | Refused:
    """The answer that is kept under its key."""
    if isinstance(outcome, Refused):
        return kept(outcome)
    if isinstance(outcome, Held | ends.State):
        told = {"id": outcome.id, "state": outcome.state, "expires_at": outcome.expires_at}
    elif isinstance(outcome, placing.Placed):
        found = outcome.pickup
        told = {
            "id": found.id,
            "state": found.state,
            "code": outcome.code,
            "ready_by": found.ready_by,
            "collect_by": found.collect_by,
        }
    else:
        told = {"id": outcome.id, "state": outcome.state}
    return Answer(status, orjson.dumps(told))
