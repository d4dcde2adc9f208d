"""One reading of a file by its kind: rows become records, records are examined, compared with what stands, and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article, ImportChange
from omnisync.clock import Ids
from omnisync.imports.csvfile import Columns, Row
from omnisync.imports.faults import CellFault, Fault, nearest

T = TypeVar("T")
R = TypeVar("R")
_ARTICLE, _CHANGE = db.table(Article), db.table(ImportChange)
Remake = Callable[[Iterable[Any]], Any]


class Difference(NamedTuple):
    """What one row would change: only what differs. `before` is None for what is not there yet."""

    line: int
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    currency: str | None = None
    """Of its amounts, where it has any."""


@dataclass(frozen=True, slots=True)
class Run:
    """The import that is being written."""

    id: str
    at: datetime
    """What the file says is true at this moment, unless it is told another."""
    now: datetime
    ids: Ids


class Reading(Protocol[R]):
    """Made anew for each reading of a file, for it remembers the rows it has seen."""

    kind: str
    columns: Columns
    channel: str | None
    counted_at: datetime | None
    record: Remake | None
    """Makes a record out of its parts where rows do not lean on each other, so that they can be set aside and booked in
    slices. None: all of the file is one transaction."""

    def parse(self, row: Row) -> tuple[R | None, list[Fault]]:
        """The record of a row, or None with the faults that prevent it; warnings come beside a record. No database."""
        ...

    def examine(self, session: Session, records: Sequence[R]) -> Iterable[Fault]:
        """What is wrong with these records beside what the database holds."""
        ...

    def finish(self, session: Session) -> Iterable[Fault]:
        """What can only be said when the whole file was read."""
        ...

    def compare(self, session: Session, records: Sequence[R], now: datetime) -> list[Difference]:
        """What these records would change."""
        ...

    def write(self, session: Session, run: Run, differences: Sequence[Difference]) -> None:
        """Change it, and keep what the undo needs."""
        ...

    def close(self, session: Session, run: Run) -> None:
        """Write what had to wait for the last row."""
        ...

    def repeats(self, session: Session, sha256: str) -> str | None:
        """Why this very file is not taken a second time, if that is so."""
        ...


@dataclass(slots=True)
class Cells:
    """Reads the cells of one row; what is wrong is gathered instead of stopping at the first."""

    row: Row
    faults: list[Fault] = field(default_factory=list)

    def read(self, column: str, reader: Callable[[str], T]) -> T | None:
        """The cell of that column as the reader understands it; None (and a fault) when it does not."""
        try:
            return reader(self.row.cells.get(column, ""))
        except CellFault as fault:
            self.fault(fault.kind, f"{column}: {fault.message}")
            return None

    def fault(self, kind: str, message: str) -> None:
        self.faults.append(Fault(self.row.line, kind, message))

    def has(self, column: str) -> bool:
        """Whether the file has that column at all: what it does not have is left as it is."""
        return column in self.row.cells


def keep(session: Session, run: Run, subject: str, changes: Iterable[tuple[str, Any, Any]]) -> None:
    """Remember (key, before, after) for the undo."""
    rows = [
        {"run_id": run.id, "subject": subject, "key": key, "before": before, "after": after}
        for key, before, after in changes
    ]
    db.insert_all(session, _CHANGE, rows)


def similar_sku(session: Session, sku: str) -> str:
    """`, did you mean ...?` with the nearest SKU of the catalogue: another case, lost zeros, or a slip of the pen."""
    lower, bare = sa.func.lower(_ARTICLE.c.sku), sa.func.ltrim(_ARTICLE.c.sku, "0")
    exact = sa.select(_ARTICLE.c.sku).where(sa.or_(lower == sku.lower(), bare == sku.lstrip("0"))).limit(1)
    if found := session.execute(exact).scalar():
        return f", did you mean {found}?"
    start, end = sa.func.substr(_ARTICLE.c.sku, 1, 2) == sku[:2], _ARTICLE.c.sku.endswith(sku[-3:], autoescape=True)
    near = sa.select(_ARTICLE.c.sku).where(sa.or_(start, end)).order_by(_ARTICLE.c.sku).limit(2000)
    return nearest(sku, session.execute(near).scalars())
