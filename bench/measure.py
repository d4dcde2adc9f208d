"""One figure beside its floor, several times, for the machine is never quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bench.figures import Figure, Requests
from bench.load import Result, drive
from bench.processes import Server

CONNECTIONS = 64
WARM_UP_SECONDS = 1.0
FLASH_SECONDS = 120.0
"""A flash sale ends by itself; this only ends one that hangs."""


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    seconds: float
    rounds: int


@dataclass(frozen=True)
class Run:
    """One load on one server."""

    result: Result
    cpu_us: float
    """Of the server process, for each answer."""


@dataclass(frozen=True)
class Round:
    """Floor, figure, floor."""

    figure: Run
    floors: tuple[Run, Run]

    @property
    def floor(self) -> float:
        return sum(run.result.rate for run in self.floors) / 2

    @property
    def floor_cpu_us(self) -> float:
        return sum(run.cpu_us for run in self.floors) / 2

    @property
    def ratio(self) -> float:
        return self.figure.result.rate / self.floor


def measure(
    figure: Figure, server: Server, floor: Server, key: str, article: Callable[[], str], plan: Plan
) -> list[Round]:
    """All rounds; `article` names the one a round is about, fresh where the figure uses it up."""
    warm = article()
    for process in (server, floor):
        _load(process, figure, figure.requests(key, warm), WARM_UP_SECONDS)
    rounds = []
    for _ in range(plan.rounds):
        one, seconds = article(), FLASH_SECONDS if figure.flash else plan.seconds
        before = _load(floor, figure, figure.requests(key, one), seconds / 2)
        now = _load(server, figure, figure.requests(key, one), seconds)
        after = _load(floor, figure, figure.requests(key, one), seconds / 2)
        rounds.append(Round(now, (before, after)))
    return rounds


def _load(server: Server, figure: Figure, requests: Requests, seconds: float) -> Run:
    before = server.cpu_seconds()
    load = drive(server.port, requests, figure.successes, connections=CONNECTIONS, seconds=seconds)
    result = asyncio.run(load)
    answers = max(1, result.statuses.total())
    return Run(result, (server.cpu_seconds() - before) / answers * 1e6)


def summary(figure: Figure, database: str, rounds: list[Round]) -> dict[str, object]:
    """The median round by ratio as API.md shows it, and how far the others lie apart."""
    ordered = sorted(rounds, key=lambda one: one.ratio)
    middle = ordered[len(ordered) // 2]
    result = middle.figure.result
    row: dict[str, object] = {
        "name": figure.name,
        "database": database,
        "connections": CONNECTIONS,
        "value": round(result.rate, 1),
        "unit": "1/s",
        "floor": round(middle.floor, 1),
        "ratio": round(middle.ratio, 3),
        "ratio_spread": [round(ordered[0].ratio, 3), round(ordered[-1].ratio, 3)],
        "p50_ms": round(result.percentile_ms(0.5), 2),
        "p99_ms": round(result.percentile_ms(0.99), 2),
        "errors": sum(one.figure.result.errors for one in rounds),
        "cpu_us": round(middle.figure.cpu_us),
        "floor_cpu_us": round(middle.floor_cpu_us),
    }
    if figure.flash:
        granted = [one.figure.result.statuses[201] for one in rounds]
        row["granted"] = granted[0] if len(set(granted)) == 1 else granted
    return row
