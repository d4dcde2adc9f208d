"""`python -m omnisync.demo.woocommerce --port N --seed FILE`: the simulated shop as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
from pathlib import Path

import uvicorn

from omnisync.adapters.client import Tools
from omnisync.clock import SystemClock, system_ids
from omnisync.demo.faults import Faults
from omnisync.demo.outbox import Outbox, http_sender
from omnisync.demo.woocommerce.app import build
from omnisync.demo.woocommerce.seed import Seed
from omnisync.demo.woocommerce.shop import Shop


async def run(seed: Seed, host: str, port: int) -> None:
    """Serve until somebody stops it."""
    clock, chance, faults = SystemClock(), random.SystemRandom(), Faults()
    send, close = http_sender(Tools(clock, system_ids(), chance))
    shop = Shop(seed, clock, faults=faults, site=f"http://{host}:{port}")
    outbox = Outbox(shop.webhooks.counting(send), faults, clock, chance)
    shop.webhooks.put = outbox.put
    config = uvicorn.Config(build(shop), host=host, port=port, log_level="warning", date_header=False)
    delivery = asyncio.create_task(outbox.run())
    try:
        await uvicorn.Server(config).serve()
    finally:
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        await close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m omnisync.demo.woocommerce", description="A simulated shop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=Path, required=True, help="JSON file: keys, listings, webhook")
    options = parser.parse_args()
    seed = Seed.model_validate_json(options.seed.read_text(encoding="utf-8"))
    asyncio.run(run(seed, options.host, options.port))


if __name__ == "__main__":
    main()
