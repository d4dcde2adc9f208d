"""The disk under the database runs full under load, and space comes back, again and again."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from omnisync import db
from tests.rig import books
from tests.rig.databases import cluster
from tests.rig.load import SHELVES, SKUS, Clients, trading, wait_for_more
from tests.rig.outcome import Outcome
from tests.rig.processes import until
from tests.rig.server import settled
from tests.rig.wire import Door

SHORT, FULL = 4, 200
"""How often, in CI and in the long form."""
CLIENTS, PIECES_PER_FILLING = 6, 200
DISK_MB = {"sqlite": 48, "postgresql": 192}
"""Room for an empty database and what a rig writes."""
BLOCK = bytes(4096)
MOST_BETWEEN, LEAST_LATER, LONGEST_PAUSE_SECONDS = 40, 6, 0.3
READS = ("/v1/stock", f"/v1/availability?sku={SKUS[0]}", "/livez")


def missing() -> str | None:
    """Why no disk can be made to run full here; None where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root may mount the small disk that is to run full: sudo python3 run.py test -m rig tests/rig/test_disks.py"
    return None


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, in memory, on which nothing else lies."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_again_and_again(folder: Path, database: str, *, fillings: int, seed: int = 1) -> Outcome:
    """Each filling leaves no byte: writes are answered 503 with Retry-After, reads as always, until there is space again."""
    began, chance = time.monotonic(), random.Random(seed)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "disk", DISK_MB[database]))
        url = f"sqlite:///{disk}/omnisync.db" if database == "sqlite" else stack.enter_context(cluster(disk)).url
        server = stack.enter_context(settled(folder / "omnisync", url))
        server.import_stock(dict.fromkeys(SHELVES, fillings * PIECES_PER_FILLING))
        node = server.node()
        node.start()
        clients = Clients([node.base_url], server.keys, SHELVES, seed)
        journal, ops = clients.journal, {"authorization": f"Bearer {server.keys['ops']}"}
        with trading(clients, CLIENTS):
            for _ in range(fillings):
                wait_for_more(clients, chance.randint(1, MOST_BETWEEN))
                threading.Event().wait(chance.random() * LONGEST_PAUSE_SECONDS)
                with _full(disk):
                    _wait_for_more_later(clients)
                    journal.surprises += _unfit_reads(node.base_url, ops)
                wait_for_more(clients, 1)
        assert node.running, f"the server ended. It said:\n{node.words}"
        engine = db.engine_for(url)
        stack.callback(engine.dispose)
        with db.reading(engine) as session:
            findings = books.compare(session, journal)
        return Outcome(fillings, journal, findings, time.monotonic() - began)


def _unfit_reads(address: str, headers: dict[str, str]) -> list[str]:
    """Reads need no space."""
    with closing(Door(address)) as door:
        answers = {path: door.ask("GET", path, None, headers) for path in READS}
    return [f"{path} on a full disk: {one}" for path, one in answers.items() if one is None or one.status != 200]


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    """No byte is free meanwhile."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(BLOCK):
            pass
    try:
        yield
    finally:
        ballast.unlink()


def _wait_for_more_later(clients: Clients) -> None:
    before = clients.journal.later
    until("writes are answered 503", lambda: clients.journal.later - before, lambda more: more >= LEAST_LATER)
