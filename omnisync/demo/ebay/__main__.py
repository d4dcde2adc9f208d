"""`python -m omnisync.demo.ebay --port N --seed FILE`: the simulated eBay as a process of its own, on loopback only."""

from __future__ import annotations

import argparse
import asyncio
import random
from contextlib import suppress
from pathlib import Path

import uvicorn

from omnisync.adapters.client import ChannelClient, Tools
from omnisync.clock import Ids, SystemClock
from omnisync.demo.ebay.app import open_account
from omnisync.demo.ebay.notifying import Ask
from omnisync.demo.ebay.seed import Seed
from omnisync.demo.kept import BOOKS
from omnisync.demo.outbox import http_sender
from omnisync.errors import NeedsAttention, TryLater


def main() -> None:
    """Read the seed and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m omnisync.demo.ebay", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--seed", type=Path, required=True, help="JSON: listings, and the webhook's url and verification_token"
    )
    parser.add_argument("--books", type=Path, help=BOOKS)
    arguments = parser.parse_args()
    seed = Seed.model_validate_json(arguments.seed.read_bytes())
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(seed, arguments.port, arguments.books))


async def serve(seed: Seed, port: int, books: Path | None) -> None:
    """Answer calls and send webhooks."""
    clock, chance = SystemClock(), random.SystemRandom()
    tools = Tools(clock=clock, ids=Ids(clock, chance), chance=chance)
    send, close = http_sender(tools, "webhook receiver")
    asker = ChannelClient("webhook receiver", "", tools, timeout_seconds=5.0)
    account = open_account(seed, clock, chance, send, ask=_ask(asker), books=books)
    server = uvicorn.Server(uvicorn.Config(account.app, host="127.0.0.1", port=port, log_level="warning"))
    sending = asyncio.create_task(account.outbox.run())
    try:
        await server.serve()
    finally:
        sending.cancel()
        await close()
        await asker.close()


def _ask(client: ChannelClient) -> Ask:
    async def ask(url: str) -> bytes:
        try:
            reply = await client.call("GET", url, repeatable=False)
        except (TryLater, NeedsAttention):
            return b""
        return reply.body if reply.status == 200 else b""

    return ask


if __name__ == "__main__":
    main()
