"""`python -m omnisync.demo.amazon --port N --seed FILE`: the simulated Amazon as a process of its own, on loopback only."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import uvicorn

from omnisync.clock import SystemClock
from omnisync.demo.amazon.app import open_account
from omnisync.demo.amazon.seed import Seed


def main() -> None:
    """Read the seed and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m omnisync.demo.amazon", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--seed", type=Path, required=True, help="JSON: listings, and credentials if not the usual ones"
    )
    arguments = parser.parse_args()
    seed = Seed.model_validate_json(arguments.seed.read_bytes())
    account = open_account(seed, SystemClock(), random.SystemRandom())
    uvicorn.run(account.app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
