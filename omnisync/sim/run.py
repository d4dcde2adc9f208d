"""One run: a retailer's days under the weather of a seed, then calm, and the question whether all is as it must be."""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from omnisync import db, migrations
from omnisync.sim import oracle, people, staff, town
from omnisync.sim.adapter import Wire
from omnisync.sim.books import Books
from omnisync.sim.process import Process, by_process
from omnisync.sim.server import Machine, Server
from omnisync.sim.shop import Shop
from omnisync.sim.time import Clock, Loop, Stuck
from omnisync.sim.weather import Weather
from omnisync.sync.leases import HOUSE

SCRATCH = "/dev/shm"  # noqa: S108 - memory instead of a disk, where there is any
PATIENCE_SECONDS = 65 * 60
"""Longer than anything waits before it is tried again, and than any hold stands. What we were down comes on top of a hold: as long
as the whole run at the most."""
BETWEEN_POLLS_SECONDS = 20 * 60
ROUNDS_AFTERWARDS, BETWEEN_ROUNDS_SECONDS = 10, 15
"""Twice as long as a channel takes that applies later: it is told of fewer at once, and of more when it shows those."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    seed: int
    hours: float
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    journal: tuple[str, ...] = ()
    struck: dict[str, int] = field(default_factory=dict)
    busy: bool = False

    @property
    def again(self) -> str:
        """The line that repeats it."""
        return f"omnisync sim --seed {self.seed} --hours {self.hours:g}{' --busy' if self.busy else ''}"

    @property
    def digest(self) -> str:
        """Two runs with the same digest went the same way."""
        return hashlib.sha256("\n".join([*self.trace, *self.journal]).encode()).hexdigest()


class Run:
    """Everything of one run."""

    def __init__(self, seed: int, hours: float, loop: Loop, engine: Engine, *, busy: bool = False) -> None:
        self.seed, self.hours, self.busy, self.loop, self.engine = seed, hours, busy, loop, engine
        self.weather = Weather(seed)
        self.chance = self.weather.chance("town")
        self.clock = Clock(loop, town.begins(self.chance))
        found = town.trades(self.chance)
        self.settings = town.settings(found, self.chance)
        self.shops = {name: Shop(name, trade, self.clock) for name, trade in found.items()}
        self.wires = {name: Wire(shop, self.weather, loop, self.say) for name, shop in self.shops.items()}
        self.machine = Machine(engine, self.settings, self.clock, loop, self.wires)
        self.books = Books()
        self.servers: list[Server] = []
        self.trace: list[str] = []
        self.violations: list[str] = []
        self.errands: dict[asyncio.Task[None], None] = {}
        self.is_calm = asyncio.Event()
        self._safety = oracle.Safety(engine)
        self._numbers = count(1)

    # ------------------------------------------------------------ what everybody may do

    def name(self, kind: str) -> str:
        """A name that nobody else in this run has: keys are made of it."""
        return f"{kind}-{next(self._numbers)}"

    def say(self, what: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{self.loop.time():.3f} {what}")

    def wrong(self, what: str) -> None:
        """Something is not as it must be: the run ends here."""
        self.say(f"WRONG {what}")
        self.violations.append(what)

    def check(self, after: str) -> None:
        """All that must always hold."""
        for violation in self._safety.violations():
            self.wrong(f"after {after}: {violation}")

    async def wait(self, least: float, most: float, chance: random.Random) -> None:
        """Let some seconds pass; none once it is calm, so that everybody finishes what they began."""
        seconds = chance.uniform(least, most)
        if not self.is_calm.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.is_calm.wait(), seconds)
        if self.is_calm.is_set():
            await self.clock.sleep(0.1)

    def send(self, work: Coroutine[Any, Any, None]) -> None:
        """Somebody goes about something of their own."""

        async def safely() -> None:
            try:
                await work
            except Exception:
                self.wrong(f"somebody met an error: {traceback.format_exc()}")

        task = self.loop.create_task(safely())
        self.errands[task] = None
        task.add_done_callback(lambda done: self.errands.pop(done, None))

    # ------------------------------------------------------------ processes

    def start_server(self) -> Server:
        """A new process on the same machine, with nothing in its memory."""
        process = Process(self.loop, self._at_await)
        server = Server(self.machine, self.chance, process, after_round=self._after_round, failed=self.wrong)
        self.servers.append(server)
        self.say("a server starts")
        return server

    def _after_round(self, name: str) -> None:
        self.check(f"a round of {name}")

    def _at_await(self, process: Process) -> None:
        if self.weather.strikes("crash"):
            self.say("a server crashes")
            process.crash()
            self.servers = [server for server in self.servers if server.process is not process]
            self.send(self._replace())
        elif self.weather.strikes("standstill"):
            seconds = self.chance.uniform(20, 900)
            self.say(f"a server stands still for {seconds:.0f} s")
            process.stand_still(seconds)

    async def _replace(self) -> None:
        await self.wait(1, 900, self.chance)
        self.start_server().work()

    # ------------------------------------------------------------ the end

    async def settle(self) -> None:
        """Calm: what is under way arrives, everybody finishes, and then every channel is polled twice."""
        self.weather.calm()
        self.is_calm.set()
        self.clock.set_off(0)
        for wire in self.wires.values():
            wire.calm()
        self.say("calm")
        while self.errands and not self.violations:
            await asyncio.wait(list(self.errands))
        for server in self.servers:
            server.process.crash()
        self.servers.clear()
        server = self.start_server()
        await self.clock.sleep(PATIENCE_SECONDS + self.hours * 3600)
        await self.round_of_all(server, full=True)
        # A person answers what was held back; asking is right, and waiting for an answer is not a fault.
        await asyncio.wait([server.write(lambda session: staff.decide(self, session))])
        await self.clock.sleep(BETWEEN_POLLS_SECONDS)
        await self.round_of_all(server, full=True)
        # What the last of them told is written to the others, and looked at where it is applied later, by the worker that goes
        # on; no third poll of a network channel is due before that ends.
        for _ in range(ROUNDS_AFTERWARDS):
            await self.clock.sleep(BETWEEN_ROUNDS_SECONDS)
            await self.round_of_all(server)

    async def round_of_all(self, server: Server, *, full: bool = False) -> None:
        """The house and then every channel, one after the other."""
        for name in [HOUSE, *self.shops]:
            await asyncio.wait([server.process.start(server.round(name, full=full))])


def play(seed: int, hours: float, *, busy: bool = False) -> Outcome:
    """The run of this seed, from its beginning to its verdict; on a `busy` day five times as much happens."""
    with fresh_database() as engine, asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Loop)
        loop.set_task_factory(by_process)
        run = Run(seed, hours, loop, engine, busy=busy)
        try:
            runner.run(_life(run))
        except Stuck:
            run.wrong("everybody waits for something that nobody does")
        for server in run.servers:
            server.process.crash()
        journal = tuple(oracle.journal(engine))
        return Outcome(seed, hours, tuple(run.violations), tuple(run.trace), journal, dict(run.weather.struck), busy)


async def _life(run: Run) -> None:
    town.stock_up(run.engine, now=run.clock.now())
    opening = run.start_server()
    on, run.weather.on = run.weather.on, set()
    await run.round_of_all(opening, full=True)
    run.weather.on = on
    opening.work()
    if run.chance.random() < 0.5:
        run.start_server().work()
    await people.live(run)
    if not run.violations:
        await run.settle()
    if not run.violations:
        run.violations += oracle.verdict(run)


@contextmanager
def fresh_database() -> Iterator[Engine]:
    """A fresh database with all tables; nobody needs it after a power cut. One at a time in a process: all have one engine, for what
    a statement compiles to is remembered with the engine that ran it."""
    engine, folder = _only_engine()
    file = Path(folder.name) / "town.db"
    file.write_bytes(_empty_database())
    try:
        yield engine
    finally:
        engine.dispose()
        for left in file.parent.iterdir():
            left.unlink()


@cache
def _only_engine() -> tuple[Engine, tempfile.TemporaryDirectory[str]]:
    folder = tempfile.TemporaryDirectory(prefix="omnisync-sim-", dir=SCRATCH if Path(SCRATCH).is_dir() else None)
    return _engine(Path(folder.name) / "town.db"), folder


def _engine(file: Path) -> Engine:
    engine = db.engine_for(f"sqlite:///{file}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory(prefix="omnisync-sim-") as folder:
        engine = _engine(Path(folder) / "empty.db")
        migrations.upgrade(engine)
        engine.dispose()  # the last connection writes the WAL into the file
        return (Path(folder) / "empty.db").read_bytes()
