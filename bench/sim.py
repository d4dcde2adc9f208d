"""How many simulated hours of a retailer's business a minute holds, and whether every one of its runs is as it must be."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from omnisync.sim import run

SEEDS, FULL_SEEDS = 100, 10_000
HOURS = 5.0


def measure(*, full: bool = False) -> dict[str, Any]:
    """Play them all; what went wrong is printed with the line that repeats it."""
    logging.disable(logging.CRITICAL)
    seeds, failed, faults = FULL_SEEDS if full else SEEDS, [], 0
    began = time.monotonic()
    for seed in range(seeds):
        outcome = run.play(seed, HOURS)
        faults += sum(outcome.struck.values())
        if outcome.violations:
            failed.append(seed)
            print(f"omnisync sim --seed {seed} --hours {HOURS:g}: {outcome.violations[0]}", file=sys.stderr, flush=True)
    logging.disable(logging.NOTSET)
    seconds = time.monotonic() - began
    return {
        "name": "sim", "database": "sqlite", "value": seeds * HOURS * 60 / seconds, "unit": "h/min", "seeds": seeds,
        "hours": seeds * HOURS, "faults": faults, "failed": failed, "errors": len(failed), "seconds": seconds,
    }  # fmt: skip
