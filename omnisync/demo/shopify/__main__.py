"""`python -m omnisync.demo.shopify --port N --seed FILE`: the simulated shop as a process of its own."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import uvicorn

from omnisync.adapters.client import Tools
from omnisync.clock import SystemClock, system_ids
from omnisync.demo.outbox import http_sender
from omnisync.demo.shopify import seed as seeds
from omnisync.demo.shopify.app import open_shop


def main() -> None:
    """Serve until stopped; only to this machine."""
    arguments = argparse.ArgumentParser(prog="python -m omnisync.demo.shopify", description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--seed", type=Path, required=True, help="JSON with listings, access_token and webhook")
    given = arguments.parse_args()
    seed = seeds.read(given.seed.read_bytes())
    tools = Tools(clock=SystemClock(), ids=system_ids(), chance=random.SystemRandom())
    send, _ = http_sender(tools, "omnisync")
    shop = seed.open(tools.clock)
    simulation = open_shop(
        shop,
        token=seed.access_token,
        secret=seed.webhook.secret,
        send=send,
        tools=tools,
        points_per_second=seed.points_per_second,
    )
    uvicorn.run(simulation.app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
