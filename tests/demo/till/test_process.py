"""The simulated till as the process that the demo starts."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.demo.till.test_till import SEED
from tests.real.shop import wait_for


@pytest.mark.rig
def test_the_process_sells_through_its_door_and_drops_a_file(tmp_path: Path):
    seed, folder = tmp_path / "seed.json", tmp_path / "till"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "omnisync.demo.till", "--folder", folder, "--port", str(port), "--seed", seed]
    process = subprocess.Popen([str(part) for part in command])
    try:
        wait_for(lambda: _answers(port))
        bought = httpx.post(f"http://127.0.0.1:{port}/_sim/buy", json={"sku": "SCHAL"}, trust_env=False)
        wait_for(lambda: list(folder.glob("verkauf_*.csv")))
    finally:
        process.kill()
        process.wait()

    [receipts] = folder.glob("verkauf_*.csv")
    assert bought.json()["order"] in receipts.read_text(encoding="cp1252")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_sim/state", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
