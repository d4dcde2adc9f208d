"""`python -m omnisync.demo.shopware --port N --seed FILE`: the simulated shop as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
from pathlib import Path

import uvicorn

from omnisync.adapters.client import ChannelClient, Tools
from omnisync.clock import SystemClock, system_ids
from omnisync.demo.faults import Faults
from omnisync.demo.outbox import Outbox, http_sender
from omnisync.demo.shopware.app import build
from omnisync.demo.shopware.seed import Seed
from omnisync.demo.shopware.shop import Shop
from omnisync.errors import NeedsAttention, TryLater

AGAIN_SECONDS = 1.0


async def install(shop: Shop, tools: Tools) -> None:
    """The shopkeeper uploads the app, and tries again while its server does not answer."""
    if shop.seed.app is None:
        return
    client = ChannelClient("the app's server", "", tools, timeout_seconds=5.0)
    while not shop.app.shop_secret:
        url, headers = shop.app.install(shop.seed.app.name, shop.seed.app.url, shop.seed.app.secret)
        try:
            reply = (await client.call("GET", url, headers=headers)).expect(200)
            confirmation = shop.app.accept(reply.body)
            await client.call("POST", confirmation.url, content=confirmation.body, headers=confirmation.headers)
        except (TryLater, NeedsAttention, ValueError):
            await tools.clock.sleep(AGAIN_SECONDS)
    await client.close()


async def run(seed: Seed, host: str, port: int) -> None:
    """Serve until somebody stops it."""
    clock, chance, faults = SystemClock(), random.SystemRandom(), Faults()
    tools = Tools(clock, system_ids(), chance)
    send, close = http_sender(tools)
    shop = Shop(seed, clock, faults=faults, site=f"http://{host}:{port}")
    outbox = Outbox(shop.app.counting(send), faults, clock, chance)
    shop.app.put = outbox.put
    config = uvicorn.Config(build(shop), host=host, port=port, log_level="warning", date_header=False)
    tasks = [asyncio.create_task(outbox.run()), asyncio.create_task(install(shop, tools))]
    try:
        await uvicorn.Server(config).serve()
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m omnisync.demo.shopware", description="A simulated shop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=Path, required=True, help="JSON file: keys, listings, app")
    options = parser.parse_args()
    seed = Seed.model_validate_json(options.seed.read_text(encoding="utf-8"))
    asyncio.run(run(seed, options.host, options.port))


if __name__ == "__main__":
    main()
