"""One demo from its first process to its proof."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import uvicorn
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.client import Tools
from omnisync.demo import journal, line, plan, plants, proof, setup, switches
from omnisync.demo.books import Books
from omnisync.demo.children import Children
from omnisync.demo.doors import Doors, Unreached
from omnisync.demo.options import Options
from omnisync.demo.people import People
from omnisync.demo.plan import CHANNELS, Goods, Plan
from omnisync.demo.proof import Proof
from omnisync.demo.setup import World
from omnisync.demo.switches import Switches
from omnisync.demo.traffic import Traffic

AT_ONCE = 16
"""Acts that may be under way at the same moment."""
OPEN_SECONDS = 60.0
LINE_SECONDS = 2.0
AGREE_SECONDS = 1.0
Say = Callable[[str], None]


@dataclass
class Stage:
    """Everything that a running demo consists of."""

    options: Options
    plan: Plan
    world: World
    say: Say
    children: Children
    books: Books
    doors: Doors
    engine: Engine
    switches: Switches
    everything: list[Goods]
    stop: asyncio.Event
    opened_at: datetime

    # ------------------------------------------------------------ traffic

    async def open(self) -> None:
        """Wait until every channel is matched and shows what it should, for a while: then buyers may come."""
        began = self.world.clock.monotonic()
        while self.world.clock.monotonic() - began < OPEN_SECONDS and not await self._in_step():
            self.children.check()
            await self.world.clock.sleep(0.2)
        self.opened_at = self.world.clock.now()

    async def _in_step(self) -> bool:
        try:
            channels = (await self.doors.ask("ops", "/v1/channels"))["items"]
        except Unreached:
            return False
        return all(one["last_success_at"] is not None and not one["queued"] for one in channels)

    async def play(self) -> None:
        """People come and go until the time is over or somebody asks for the end."""
        traffic = Traffic(random.Random(self.options.seed), self.everything)
        chance = random.Random(self.options.seed + 1)
        people = People(self.doors, self.books, self.world.clock, chance, lambda name: self.switches.on(name, "lose"))
        began, under_way = self.world.clock.monotonic(), set[asyncio.Task[None]]()
        while not self.stop.is_set() and not self._over(began):
            await self.world.clock.sleep(traffic.pause(self.options.rate))
            self.children.check()
            under_way = {task for task in under_way if not _finished(task)}
            if len(under_way) < AT_ONCE:
                under_way.add(asyncio.create_task(people.act(traffic.next())))
        await asyncio.gather(*under_way)

    def _over(self, began: float) -> bool:
        seconds = self.options.seconds
        return seconds is not None and self.world.clock.monotonic() - began >= seconds

    async def tell(self) -> None:
        """The running line, for as long as nobody cancels it."""
        began = self.world.clock.monotonic()
        while True:
            await self.world.clock.sleep(LINE_SECONDS)
            try:
                channels = (await self.doors.ask("ops", "/v1/channels"))["items"]
            except Unreached:
                continue
            with db.reading(self.engine) as session:
                times = journal.propagation(session, self.opened_at)
            seconds = self.world.clock.monotonic() - began
            self.say(line.running(seconds, self.books, channels, times, self.switches.in_words()))

    # ------------------------------------------------------------ the end

    async def settle(self) -> Proof:
        """Everything is well again and nobody buys any more: wait until all agree, but not for ever."""
        await self.switches.turn(switches.ALL, switches.ALL, False)
        began = self.world.clock.monotonic()
        found = await self.look()
        while not found.holds and self.world.clock.monotonic() - began < self.options.settle_seconds:
            await self.world.clock.sleep(AGREE_SECONDS)
            found = await self.look()
        return found

    async def look(self) -> Proof:
        """The proof as it stands now."""
        seen = proof.Seen()
        for channel in CHANNELS:
            seen.add(channel, await self.doors.state(channel))
        with db.reading(self.engine) as session:
            return proof.give(session, self.books, self.everything, seen, since=self.opened_at)


def _finished(task: asyncio.Task[None]) -> bool:
    if task.done():
        task.result()
    return task.done()


# ---------------------------------------------------------------- putting it up


@asynccontextmanager
async def put_up(options: Options, folder: Path, world: World, say: Say) -> AsyncIterator[Stage]:
    """A stage with everything running; all of it ends with the block."""
    tools = Tools(world.clock, world.ids, world.chance)
    ports = await free_ports(options.port)
    database = options.database or f"sqlite:///{folder}/omnisync.db"
    planned = Plan(folder, options.seed, database, ports, plan.secrets(world.chance), options.plant)
    children = Children(folder, world.clock, _environ(planned))
    books = Books()
    try:
        plan.write(planned)
        say("starting the simulated channels, filling the database ...")
        for name, command in plan.children(planned, sys.executable):
            await children.start(name, command)
        keys = setup.fill(planned, world)
        await children.start("server", _server_command(planned))
        doors = Doors(planned, keys, tools, books)
        try:
            await _until_ready(children, doors)
            with setup.open_database(database) as engine:
                turned = Switches(doors)
                async with _switches_door(planned, turned):
                    stage = Stage(
                        options, planned, world, say, children, books, doors, engine, turned,
                        plan.goods(options.seed), asyncio.Event(), world.clock.now(),
                    )  # fmt: skip
                    yield stage
        finally:
            await doors.close()
    finally:
        await children.end()


async def _until_ready(children: Children, doors: Doors) -> None:
    for channel in CHANNELS:
        await children.until_ready(channel, partial(doors.answers, channel, "/_sim/state"))
    await children.until_ready("server", partial(doors.answers, "ops", "/v1/channels"))


def _server_command(planned: Plan) -> list[str]:
    module = "omnisync.demo.server" if planned.plant else "omnisync.cli"
    return [sys.executable, "-m", module, "serve", "--config", str(planned.config)]


def _environ(planned: Plan) -> Mapping[str, str]:
    """Ours, without settings that would reach into the demo's server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMNISYNC_")}
    kept["OMNISYNC_DEMO_SWITCHES"] = planned.switches
    if planned.plant:
        kept[plants.ENVIRONMENT] = planned.plant
    return kept


async def free_ports(wanted: int | None) -> dict[str, int]:
    """A port for everybody: the server's and the switches' as wished, the others free."""
    names = ["server", "switches", *CHANNELS]
    given = {} if wanted is None else {"server": wanted, "switches": wanted + 1}
    servers = {
        name: await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", given.get(name, 0)) for name in names
    }
    ports = {name: int(server.sockets[0].getsockname()[1]) for name, server in servers.items()}
    for server in servers.values():
        server.close()
        await server.wait_closed()
    return ports


class _QuietServer(uvicorn.Server):
    """One that leaves the signals to the demo."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def _switches_door(planned: Plan, turned: Switches) -> AsyncIterator[None]:
    port = planned.ports["server"]
    origins = [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]
    config = uvicorn.Config(
        switches.door(turned, origins), host="127.0.0.1", port=planned.ports["switches"], log_level="warning",
        access_log=False, lifespan="off",
    )  # fmt: skip
    server = _QuietServer(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
