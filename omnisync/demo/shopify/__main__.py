"""`python -m omnisync.demo.shopify --port N --seed FILE`: the simulated shop as a process of its own."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import uvicorn

from omnisync.adapters.client import Tools
from omnisync.clock import SystemClock, system_ids
from omnisync.demo.outbox import http_sender
from omnisync.demo.shopify.app import open_shop, shop_from_seed


def main() -> None:
    """Serve until stopped; only to this machine."""
    arguments = argparse.ArgumentParser(prog="python -m omnisync.demo.shopify", description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--seed", type=Path, required=True, help="JSON with listings, access_token and webhook")
    given = arguments.parse_args()
    seed = json.loads(given.seed.read_text())
    tools = Tools(clock=SystemClock(), ids=system_ids(), chance=random.SystemRandom())
    send, _ = http_sender(tools, "omnisync")
    shop = shop_from_seed(seed, tools.clock)
    simulation = open_shop(
        shop, token=seed["access_token"], secret=seed.get("webhook", {}).get("secret", ""), send=send, tools=tools
    )
    uvicorn.run(simulation.app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
