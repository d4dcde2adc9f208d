"""The simulated eBay as a process of its own, called over a real socket."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnisync.adapters.base import OrderSeen
from omnisync.adapters.client import ChannelClient, Tools
from omnisync.adapters.ebay import make
from omnisync.clock import Ids, SystemClock
from omnisync.demo.ebay.seed import Listed, Seed
from omnisync.errors import TryLater

pytestmark = [pytest.mark.anyio, pytest.mark.rig]

SETTINGS = {"client_id": "demo-client", "client_secret": "demo-client-secret", "refresh_token": "demo-refresh-token"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the process listens."""
    seed = tmp_path / "seed.json"
    seed.write_text(Seed(listings=[Listed(sku="LAMP", price="42.45", quantity=5)]).model_dump_json())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "omnisync.demo.ebay", "--port", str(port), "--seed", str(seed)]
    process = subprocess.Popen(command)
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the simulation did not start")


async def test_the_adapter_talks_to_the_running_process(address: str):
    clock, chance = SystemClock(), random.Random(1)
    tools = Tools(clock=clock, ids=Ids(clock, chance), chance=chance)
    adapter = make("ebay-de", {**SETTINGS, "base_url": address}, {}, "http://127.0.0.1:1", tools)
    buyer = ChannelClient("buyer", address, tools)

    sold = (await buyer.call("POST", "/_sim/buy", body={"sku": "LAMP", "quantity": 2})).expect().json()
    page = await adapter.pull(None, now=clock.now())
    listed = await adapter.listings(None)
    await buyer.call("POST", "/_sim/faults", body={"down": True})
    with pytest.raises(TryLater):
        await adapter.pull(page.cursor, now=clock.now())
    await adapter.close()
    await buyer.close()

    assert [fact.id for fact in page.facts if isinstance(fact, OrderSeen)] == [sold["order"]]
    assert [one.sku for one in listed.listings] == ["LAMP"]
