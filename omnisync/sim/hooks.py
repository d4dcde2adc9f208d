"""Webhooks on their way from the channels to us."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import TYPE_CHECKING

from omnisync.adapters.base import Hook
from omnisync.sim.shop import Shop

if TYPE_CHECKING:
    from omnisync.sim.run import Run

PATIENCE_SECONDS = 30.0
TRIES_SECONDS = (0, 60, 300, 1800, 7200)
"""A channel waits so long before each try."""


def send(run: Run, chance: random.Random) -> None:
    """Every channel sends what it has to tell, or loses it."""
    for shop in run.shops.values():
        while shop.hooks:
            hook = shop.hooks.pop(0)
            if run.weather.strikes("hook lost"):
                run.say(f"{shop.name} hook {hook.headers['x-event']} is lost")
                continue
            for _ in range(2 if run.weather.strikes("hook doubled") else 1):
                run.send(_deliver(run, shop, hook, random.Random(chance.getrandbits(64))))


async def _deliver(run: Run, shop: Shop, hook: Hook, chance: random.Random) -> None:
    """A channel tries for some hours to be heard."""
    if run.weather.strikes("hook delayed"):
        await run.wait(60, 4 * 3600, chance)
    else:
        await run.wait(0.1, 3, chance)
    for pause in TRIES_SECONDS:
        await run.wait(pause, pause, chance)
        if not run.servers:
            continue
        task = chance.choice(run.servers).hear(shop.name, hook)
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        if not task.done() or task.cancelled():
            continue
        assert task.result().status == 200
        run.say(f"{shop.name} hook {hook.headers['x-event']} is heard")
        run.books.messages.append((shop.name, hook.headers["x-event"], hashlib.sha256(hook.body).hexdigest()))
        if not run.weather.strikes("hook unanswered"):
            return
