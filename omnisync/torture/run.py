"""Runs an adapter through all torments, each on a fresh ledger and a fresh channel, and says what came of each."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from omnisync.adapters.registry import Factory
from omnisync.torture import verdict
from omnisync.torture.counterpart import DoesNotApply
from omnisync.torture.databases import Fresh
from omnisync.torture.stage import OpenCounterpart, Stage, said
from omnisync.torture.torments import TORMENTS, WAITING, WAITING_FOR_FILES

MOST_SAID = 12
How = Literal["ok", "does not apply", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one torment."""

    torment: str
    outcome: How
    said: tuple[str, ...] = ()
    """Why it does not apply, or what was wrong."""


def run(
    make: Factory,
    opens: OpenCounterpart,
    fresh: Fresh,
    *,
    seed: int = 1,
    only: Sequence[str] = (),
    begins: Callable[[str], object] = str,
) -> list[Finding]:
    """All torments, or those that are named, one after the other. `begins` hears the name of each."""
    findings = []
    with _quiet():
        for name in only or TORMENTS:
            begins(name)
            findings.append(_suffer(name, make, opens, fresh, seed))
    return findings


def _suffer(name: str, make: Factory, opens: OpenCounterpart, fresh: Fresh, seed: int) -> Finding:
    with tempfile.TemporaryDirectory(prefix="omnisync-torture-") as folder, fresh() as engine:
        stage = Stage(engine, make, opens, Path(folder), seed)
        try:
            asyncio.run(_play(stage, name))
        except DoesNotApply as reason:
            return Finding(name, "does not apply", (str(reason),))
        except Exception as bug:
            where = traceback.extract_tb(bug.__traceback__)[-1]
            stage.wrong(f"it ended in {Path(where.filename).name}:{where.lineno} with {said(bug)}")
    return Finding(name, "FAIL" if stage.faults else "ok", tuple(stage.faults[:MOST_SAID]))


async def _play(stage: Stage, name: str) -> None:
    try:
        await stage.open()
        for fault in verdict.of(stage):
            stage.wrong(f"before anything went wrong: {fault}")
        if not stage.faults:
            await TORMENTS[name](stage)
            await stage.calm()
            waiting = name in WAITING or (not stage.speaks_http and name in WAITING_FOR_FILES)
            for fault in verdict.of(stage, waiting=waiting):
                stage.wrong(fault)
    finally:
        await stage.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """What the engine logs about faults that are meant is no news."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
