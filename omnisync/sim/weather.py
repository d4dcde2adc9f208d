"""What goes wrong in a run: each seed turns on some of it, and everything is drawn from the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping

FAULTS: Mapping[str, float] = {
    "hook lost": 0.15,
    "hook doubled": 0.15,
    "hook delayed": 0.15,
    "hook unanswered": 0.1,
    "call lost": 0.05,
    "answer lost": 0.05,
    "write lands late": 0.03,
    "rate limit": 0.03,
    "outage": 0.005,
    "key refused": 0.003,
    "line refused": 0.02,
    "line not found": 0.01,
    "write dropped": 0.05,
    "stale levels": 0.01,
    "short pages": 0.2,
    "orders listed late": 0.3,
    "receipts late": 0.2,
    "number edited": 0.3,
    "crash": 0.003,
    "standstill": 0.002,
    "clock ahead": 0.2,
    "clock behind": 0.2,
    "request lost": 0.05,
    "response lost": 0.05,
    "write taken and not shown": 0.2,
}
"""How likely each is on an occasion, where it is on at all."""


class Weather:
    """Which faults blow in this run, and whether one strikes now."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        chance = self.chance("weather")
        share = chance.choice((0.0, 0.2, 0.5, 0.5, 0.8))
        self.on = {name for name in FAULTS if chance.random() < share}
        self._strikes = {name: self.chance(f"fault {name}") for name in FAULTS}
        self.struck: dict[str, int] = {}
        """How often each did."""

    def chance(self, name: str) -> random.Random:
        """A source of randomness of its own for everybody who needs one: what one does changes nothing for another."""
        return random.Random(f"{self._seed}/{name}")

    def strikes(self, name: str) -> bool:
        """Whether this fault strikes on this occasion."""
        struck = name in self.on and self._strikes[name].random() < FAULTS[name]
        if struck:
            self.struck[name] = self.struck.get(name, 0) + 1
        return struck

    def calm(self) -> None:
        """From now on nothing goes wrong any more."""
        self.on = set()
