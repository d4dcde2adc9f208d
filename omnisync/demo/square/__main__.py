"""`python -m omnisync.demo.square --port N --seed FILE`: the simulated account as a process of its own."""

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
from omnisync.demo.kept import BOOKS
from omnisync.demo.outbox import Outbox, http_sender
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from omnisync.demo.square.seed import Seed


async def run(seed: Seed, host: str, port: int, books: Path | None) -> None:
    """Serve until somebody stops it."""
    clock, ids, chance, faults = SystemClock(), system_ids(), random.SystemRandom(), Faults()
    send, close = http_sender(Tools(clock, ids, chance))
    outbox = Outbox(send, faults, clock, chance)
    account = Account(seed, clock, ids, faults=faults, outbox=outbox)
    config = uvicorn.Config(build(account, books=books), host=host, port=port, log_level="warning", date_header=False)
    delivery = asyncio.create_task(outbox.run())
    try:
        await uvicorn.Server(config).serve()
    finally:
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        await close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m omnisync.demo.square", description="A simulated Square account.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--seed", type=Path, required=True, help="JSON file: locations, listings, webhook, access_token"
    )
    parser.add_argument("--books", type=Path, help=BOOKS)
    options = parser.parse_args()
    seed = Seed.model_validate_json(options.seed.read_text(encoding="utf-8"))
    asyncio.run(run(seed, options.host, options.port, options.books))


if __name__ == "__main__":
    main()
