"""`omnisync serve` and `omnisync worker`: API, pages and worker in one process, or a worker alone."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from sqlalchemy.engine import Engine

from omnisync import app, logs, settings
from omnisync.commands import https
from omnisync.commands.https import HOW_SERVED
from omnisync.commands.listening import address, listen
from omnisync.commands.world import Config, World, open_engine, world_of
from omnisync.http import Services
from omnisync.settings import Settings
from omnisync.sync.context import Context

KEY_BYTES = 32
DEMO_SWITCHES = "OMNISYNC_DEMO_SWITCHES"
"""The address of the demo's switches; /ops shows them as a panel."""

log = structlog.get_logger(__name__)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Listen here instead of where the settings say.")] = None,
    port: Annotated[int | None, typer.Option(help="0: any free one.")] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also keep the channels in step.")] = True,
    tls: Annotated[bool, typer.Option("--tls", help="Speak https, by an authority of our own (/ops/trust).")] = False,
    config: Config = None,
) -> None:
    """Serve API and pages, and keep all channels in step."""
    world = world_of(context)
    found = world.settings(config)
    wanted = (host or found.server.host, found.server.port if port is None else port)
    with ExitStack() as stack:
        door = stack.enter_context(listen(*wanted))
        plain = stack.enter_context(listen(wanted[0], found.server.plain_port)) if tls else None
        engine = stack.enter_context(open_engine(found))
        services, engine_context = put_together(world, found, engine)
        switches = app.switches_for(world.environ.get(DEMO_SWITCHES), world.tools)
        hand = app.worker_for(services, engine_context) if worker else None
        doors = https.doors(found, wanted[0], (door, plain), world.clock) if plain else None
        stand_in = app.stand_in_for(services, engine_context)
        application = app.create(services, engine_context, hand, switches, doors, stand_in)
        # What was made until now lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        log.info("serving", url=address(*door.getsockname()[:2], safe=tls), worker=worker)
        if doors and plain:
            log.info("serving the way to https", url=address(*plain.getsockname()[:2]))
            both = https.servers(application, doors)
            asyncio.run(https.serve(both, (door, plain), doors, https.Renew(found, wanted[0], world.clock)))
        else:
            uvicorn.Server(uvicorn.Config(application, **HOW_SERVED)).run(sockets=[door])


def worker(context: typer.Context, config: Config = None) -> None:
    """Keep all channels in step, without serving anything."""
    world = world_of(context)
    found = world.settings(config)
    with open_engine(found) as engine:
        asyncio.run(_work(*put_together(world, found, engine)))


async def _work(services: Services, context: Context) -> None:
    hand = app.worker_for(services, context)
    app.connect(services, hand)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hand.stop)
    await hand.run()
    for adapter in context.adapters.values():
        await adapter.close()


def put_together(world: World, found: Settings, engine: Engine) -> tuple[Services, Context]:
    """The services and channels of these settings over a database that is brought up to date."""
    logs.set_up(settings.secret_values(found))
    app.make_ready(found, engine, world.clock)
    secret = server_key(world, found)
    services = app.services_for(found, engine, world.clock, world.ids, secret)
    return services, app.context_for(services, app.adapters_for(found, world.tools, world.factory))


def server_key(world: World, found: Settings) -> bytes:
    """The server's key from its file, which is written, for its owner only, if it is not there yet."""
    file = Path(found.server.key_file)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(file.read_text().strip())
    key = world.chance.getrandbits(KEY_BYTES * 8).to_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "w") as new:
        new.write(key.hex())
    return key
