"""SQLite's log cut at random bytes, as a machine may leave it that lost what it had not yet written.

The server is killed under load and both files are copied before it starts again. A reader that holds its snapshot from before the
load keeps SQLite from moving anything out of the log meanwhile: whatever happened since stands in the log alone, so that it may
be cut anywhere. (Moved pages are only ever those of a log that is safely on disk: to cut that is to break the disk.)
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.stock.tables import Movement
from tests.rig import books
from tests.rig.books import Findings
from tests.rig.journal import Done, Journal
from tests.rig.load import SHELVES, Clients, trading, wait_for_more
from tests.rig.outcome import Outcome
from tests.rig.server import settled

SHORT, FULL = 50, 2_000
"""How often, in CI and in the long form."""
EFFECTS, CLIENTS, PIECES = 150, 6, 5_000
DATABASE, LOG = "omnisync.db", "omnisync.db-wal"

Row = tuple[Any, ...]


def cut_again_and_again(folder: Path, *, cuts: int, effects: int = EFFECTS, seed: int = 1) -> Outcome:
    """So many effects are acknowledged before the kill; then each cut is another copy."""
    began, chance = time.monotonic(), random.Random(seed)
    journal = _copied_under_load(folder, effects, seed)
    whole = (folder / "copy" / LOG).read_bytes()
    with _opened(folder, whole) as engine:
        history, found = _movements(engine), _holes(engine, journal.done)
    found += [f"only {len(history)} movements are in the log"] if len(history) < effects // 2 else []
    lengths, violations = set(), []
    for _ in range(cuts):
        with _opened(folder, whole[: chance.randrange(len(whole) + 1)]) as engine:
            kept = _movements(engine)
            found += ["what is left is no beginning of the history"] if kept != history[: len(kept)] else []
            found += _holes(engine, _before(journal.done, engine))
            violations += _violations(engine)
            lengths.add(len(kept))
    findings = Findings(lost=found, violations=violations, surprises=journal.surprises)
    more = {"log_bytes": len(whole), "histories": len(lengths)}
    return Outcome(cuts, journal, findings, time.monotonic() - began, more)


def _copied_under_load(folder: Path, effects: int, seed: int) -> Journal:
    """What had been acknowledged when the server was killed; both its files lie in `copy`."""
    file, copy = folder / DATABASE, folder / "copy"
    copy.mkdir(parents=True)
    with settled(folder / "omnisync", f"sqlite:///{file}") as server:
        server.import_stock(dict.fromkeys(SHELVES, PIECES))
        node = server.node(worker=False)
        with _nothing_leaves_the_log(file):
            before = file.read_bytes()
            node.start()
            clients = Clients([node.base_url], server.keys, SHELVES, seed)
            with trading(clients, CLIENTS):
                wait_for_more(clients, effects)
                node.kill()
                done = list(clients.journal.done)
                for name in (DATABASE, LOG):
                    shutil.copy(folder / name, copy / name)
                assert file.read_bytes() == before, (
                    "SQLite moved pages out of its log: a cut would be no accident that can happen"
                )
                node.start()
    return Journal(
        done, clients.journal.refused, clients.journal.repeated, clients.journal.later, clients.journal.surprises
    )


@contextmanager
def _nothing_leaves_the_log(file: Path) -> Iterator[None]:
    """The log is empty at first, and grows for as long as the block lasts."""
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM movement").fetchone()
        yield


@contextmanager
def _opened(folder: Path, log: bytes) -> Iterator[Engine]:
    """The copied database with this log, opened as the server opens it."""
    place = folder / "cut"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copy(folder / "copy" / DATABASE, place / DATABASE)
    (place / LOG).write_bytes(log)
    engine = db.engine_for(f"sqlite:///{place / DATABASE}")
    try:
        yield engine
    finally:
        engine.dispose()


def _movements(engine: Engine) -> list[Row]:
    movement = db.table(Movement)
    with db.reading(engine) as session:
        return [tuple(row) for row in session.execute(sa.select(movement).order_by(movement.c.id))]


def _holes(engine: Engine, acknowledged: Sequence[Done]) -> list[str]:
    """Those of these effects that are not there."""
    with db.reading(engine) as session:
        missing = books.moved(acknowledged) - books.recorded(session)
    return [f"{kind} {name} is missing" for kind, name, _, _ in missing]


def _before(done: Sequence[Done], engine: Engine) -> list[Done]:
    """What had been acknowledged when the last of those that are there was asked for: all that must be there as well."""
    with db.reading(engine) as session:
        there = {(kind, name) for kind, name, *_ in books.effects(session)}
    last = max((one.asked_at for one in done if (one.kind, one.name) in there), default=0.0)
    return [one for one in done if one.answered_at <= last]


def _violations(engine: Engine) -> list[str]:
    with db.reading(engine) as session:
        sound = session.execute(sa.text("PRAGMA integrity_check")).scalar_one()
        return books.violations(session) + ([] if sound == "ok" else [f"integrity_check: {sound}"])
