"""Crash rigs with real processes: what was broken, how often, and whether anything that was acknowledged was lost or doubled."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.processes import anywhere
from tests.rig import crashes, crowd, cuts, disks, kills
from tests.rig.databases import cluster, empty_database
from tests.rig.outcome import Outcome

Run = Callable[[Path, int], Outcome]


@dataclass(frozen=True)
class Rig:
    """One rig on one database; its own file says how often it tries in the short form, which CI runs as tests, and in the long one."""

    name: str
    database: str
    unit: str
    module: ModuleType
    run: Run
    missing: Callable[[], str | None] = lambda: None
    """Why it cannot run here."""


def _kills(folder: Path, times: int) -> Outcome:
    return kills.kill_again_and_again(folder, f"sqlite:///{folder}/rig.db", kills=times)


def _kills_on_postgresql(folder: Path, times: int) -> Outcome:
    with _postgresql(folder) as url:
        return kills.kill_again_and_again(folder, url, kills=times)


def _crashes(folder: Path, times: int) -> Outcome:
    return crashes.crash_again_and_again(folder, crashes=times)


def _cuts(folder: Path, times: int) -> Outcome:
    return cuts.cut_again_and_again(folder, cuts=times)


def _disks(database: str) -> Run:
    return lambda folder, times: disks.fill_again_and_again(folder, database, fillings=times)


def _crowd(folder: Path, times: int) -> Outcome:
    with _postgresql(folder) as url:
        return crowd.crowd(folder, url, attempts=times)


RIGS = (
    Rig("kill", "sqlite", "kills", kills, _kills),
    Rig("kill", "postgresql", "kills", kills, _kills_on_postgresql),
    Rig("stop", "postgresql", "stops", crashes, _crashes),
    Rig("cut", "sqlite", "cuts", cuts, _cuts),
    Rig("full", "sqlite", "disks", disks, _disks("sqlite"), disks.missing),
    Rig("full", "postgresql", "disks", disks, _disks("postgresql"), disks.missing),
    Rig("crowd", "postgresql", "tries", crowd, _crowd),
)
NAMES = ("rigs", *dict.fromkeys(f"rigs.{one.name}" for one in RIGS))
"""All of them, or one."""


def measure(database: str, names: Collection[str], *, full: bool, tries: int | None = None) -> Iterator[dict[str, Any]]:
    """The named rigs of this database, each in a folder of its own; `tries` instead of how often they would try by themselves."""
    for rig in RIGS:
        if rig.database != database or not {"rigs", f"rigs.{rig.name}"} & set(names):
            continue
        if reason := rig.missing():
            print(f"rigs.{rig.name}: not run, {reason}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="omnisync-rig-") as folder, anywhere():
            yield _row(rig, rig.run(Path(folder), tries or (rig.module.FULL if full else rig.module.SHORT)))


def _row(rig: Rig, outcome: Outcome) -> dict[str, Any]:
    found = outcome.findings
    wrong = [*found.lost, *found.doubled, *found.violations, *found.surprises]
    for one in wrong[:20]:
        print(f"rigs.{rig.name}: {one}", file=sys.stderr)
    return {
        "name": f"rigs.{rig.name}", "database": rig.database, "value": outcome.tried, "unit": rig.unit, "errors": len(wrong),
        "acknowledged": outcome.acknowledged, "repeated": outcome.journal.repeated, "lost": len(found.lost),
        "doubled": len(found.doubled), "violations": len(found.violations), "seconds": outcome.seconds, **outcome.more,
    }  # fmt: skip


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    """An empty database on a PostgreSQL of its own."""
    with cluster(folder) as server, empty_database(server.url) as url:
        yield url
