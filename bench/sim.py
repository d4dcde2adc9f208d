"""How many simulated hours of a retailer's business a minute holds, and whether every one of its runs is as it must be."""

from __future__ import annotations

import logging
import sys
import time
from itertools import count
from typing import Any

from omnisync.sim import run

SECONDS = 50.0
"""One seed after the other until so much time is over: a figure in about a minute, on any machine. The 100 seeds of the short form are
tests (`tests/sim`), each of which fails by itself."""
FULL_SEEDS = 10_000
HOURS = 5.0


def measure(*, full: bool = False, tries: int | None = None) -> dict[str, Any]:
    """Play seeds from 0 on: so many, all of the long form, or as many as there is time for. What went wrong is printed with the line
    that repeats it."""
    logging.disable(logging.CRITICAL)
    seeds = tries or (FULL_SEEDS if full else None)
    failed, faults, played = [], 0, 0
    run.play(0, 0.1)  # what a statement compiles to is remembered; that is no simulated time
    began = time.monotonic()
    for seed in count():
        if (played == seeds) if seeds else (time.monotonic() - began > SECONDS):
            break
        outcome = run.play(seed, HOURS)
        played += 1
        faults += sum(outcome.struck.values())
        if outcome.violations:
            failed.append(seed)
            print(f"{outcome.again}: {outcome.violations[0]}", file=sys.stderr, flush=True)
    logging.disable(logging.NOTSET)
    seconds = time.monotonic() - began
    return {
        "name": "sim", "database": "sqlite", "value": played * HOURS * 60 / seconds, "unit": "h/min", "seeds": played,
        "hours": played * HOURS, "faults": faults, "failed": failed, "errors": len(failed), "seconds": seconds,
    }  # fmt: skip
