"""`python -m omnisync.demo.till --folder F --port N --seed FILE`: the simulated till as a process of its own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import uvicorn

from omnisync.clock import SystemClock
from omnisync.demo.till.app import open_till, till_from_seed


def main() -> None:
    """Sell and export until stopped; its door is open to this machine only."""
    arguments = argparse.ArgumentParser(prog="python -m omnisync.demo.till", description=__doc__)
    arguments.add_argument("--folder", type=Path, required=True, help="where it drops its files")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--seed", type=Path, required=True, help="JSON with listings; imports, timezone, currency")
    given = arguments.parse_args()
    till = till_from_seed(json.loads(given.seed.read_text(encoding="utf-8")), given.folder, SystemClock())
    uvicorn.run(open_till(till), host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
