"""What moved, for another system: files in a folder, each movement in one of them, for each reader by its own name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.clock import Clock
from omnisync.imports.export import write_csv
from omnisync.stock.tables import Movement
from omnisync.sync import cursors
from omnisync.values import format_time

COLUMNS = ("id", "occurred_at", "recorded_at", "kind", "sku", "location", "quantity", "on_hand", "reserved", "blocked", "incoming",
           "cause", "reason", "key")  # fmt: skip
_CHANNEL = "#journal"
_AT_ONCE = 1000
_movement = db.table(Movement)


@dataclass(frozen=True, slots=True)
class Span:
    """Movements after the one number up to the other."""

    after: int
    last: int

    @property
    def name(self) -> str:
        """The same for the same movements."""
        return f"movements-{self.after + 1:012}-{self.last:012}.csv"


def write_news(engine: Engine, folder: Path, reader: str, *, clock: Clock) -> tuple[Path, int] | None:
    """Write what this reader has not got yet: the file and its rows; None when there is nothing.

    What is to be written is decided and kept first. Cut off at any moment, the next call writes the very same file again.
    """
    with db.transaction(engine) as session:
        span = _next(session, reader, now=clock.now())
    if span is None:
        return None
    file = folder / span.name
    draft = folder / f".{span.name}.tmp"
    with db.reading(engine) as session:
        rows = write_csv(draft, COLUMNS, _rows(session, span))
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(file)
    with db.transaction(engine) as session:
        _put(session, reader, done=span.last, begun=None, now=clock.now())
    return file, rows


def _next(session: Session, reader: str, *, now: datetime) -> Span | None:
    done, begun = _position(session, reader)
    if begun is not None:
        return Span(done, begun)
    # A number is given before its movement is committed, and a lower one may be committed later than a higher one.
    db.hold_still(session, _movement.name)
    last = session.execute(sa.select(sa.func.max(_movement.c.id))).scalar_one() or 0
    if last <= done:
        return None
    _put(session, reader, done=done, begun=last, now=now)
    return Span(done, last)


def _position(session: Session, reader: str) -> tuple[int, int | None]:
    found = cursors.find(session, _CHANNEL, reader)
    if found is None or found.value is None:
        return 0, None
    kept = json.loads(found.value)
    return kept["done"], kept["begun"]


def _put(session: Session, reader: str, *, done: int, begun: int | None, now: datetime) -> None:
    cursors.put(session, _CHANNEL, reader, json.dumps({"done": done, "begun": begun}), at=now)


def _rows(session: Session, span: Span) -> Iterator[dict[str, Any]]:
    columns = [_movement.c[name] for name in COLUMNS]
    wanted = (_movement.c.id > span.after, _movement.c.id <= span.last)
    query = sa.select(*columns).where(*wanted).order_by(_movement.c.id)
    for row in session.execute(query.execution_options(yield_per=_AT_ONCE)).mappings():
        times = {name: format_time(row[name]) for name in ("occurred_at", "recorded_at")}
        yield {**row, **times, "reason": row["reason"] or "", "key": row["key"] or ""}
