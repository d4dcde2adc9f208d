"""`omnisync sync`: one whole round for a channel, now and in this process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from omnisync import app
from omnisync.commands import progress
from omnisync.commands.serve import put_together
from omnisync.commands.world import AsJson, Config, World, open_engine, world_of
from omnisync.errors import Refused
from omnisync.settings import Settings
from omnisync.settings.faults import nearest
from omnisync.sync import health
from omnisync.sync.health import Health


def sync(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(help="The channel's name in the settings.")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Read everything a channel has to tell, show it every number again, and say how it is doing."""
    world = world_of(context)
    found = world.settings(config)
    check_name(found, channel)
    with progress.waiting(channel):
        state = asyncio.run(_round(world, found, channel))
    if as_json:
        typer.echo(json.dumps(asdict(state), default=str, ensure_ascii=False))
    else:
        typer.echo(f"{channel}: {state.state}. {state.reason}".rstrip(". ") + ".")
    if state.state == "action_required":
        raise typer.Exit(1)


def check_name(found: Settings, channel: str) -> None:
    """Refused, with the nearest right name, when there is no such channel."""
    names = [known.name for known in found.channels]
    if channel not in names:
        hint = nearest(channel, names)
        meant = f" Did you mean {hint}?" if hint else ""
        raise Refused(f"There is no channel {channel!r} in the settings ({', '.join(names) or 'none'}).{meant}")


async def _round(world: World, found: Settings, channel: str) -> Health:
    with open_engine(found) as engine:
        services, context = put_together(world, found, engine)
        hand = app.worker_for(services, context)
        try:
            await hand.tick(channel, full=True)
            now = world.clock.now()
            return await context.store.read(lambda session: health.of(session, context.channel(channel), now=now))
        finally:
            await hand.give_back()
            for adapter in context.adapters.values():
                await adapter.close()
