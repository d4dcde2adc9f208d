"""Somebody who imports files: the small words in which these tests speak."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine
from sqlmodel import SQLModel

from omnisync import db
from omnisync.catalog import articles
from omnisync.clock import Ids, StoppedClock
from omnisync.imports import undo
from omnisync.imports.articles_file import ArticlesFile
from omnisync.imports.listings_file import ListingsFile
from omnisync.imports.runs import Importer, Outcome
from omnisync.imports.stock_file import StockFile
from omnisync.settings import LocationSettings
from omnisync.stock import availability
from omnisync.stock.effects import Level
from omnisync.values import Shelf

LOCATIONS = (
    LocationSettings(code="linden", name="Filiale Lindenstraße"),
    LocationSettings(code="markt", name="Filiale am Markt"),
    LocationSettings(code="kasse", name="Laden mit eigener Kasse", stock_owner="till"),
)
HISTORY = {"import_run", "import_change", "movement", "price", "component_then"}
"""Tables that only grow: an undo adds to them."""


@dataclass
class Desk:
    """Imports files from one folder into one database."""

    engine: Engine
    clock: StoppedClock
    ids: Ids
    folder: Path

    def file(self, text: str | bytes, name: str = "file.csv") -> Path:
        """A file with these contents."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def catalog(self, text: str | bytes, **options: Any) -> Outcome:
        return self.importer.run(self.file(text), ArticlesFile, **options)

    def stock(self, text: str, counted_at: datetime | None = None, **options: Any) -> Outcome:
        return self.importer.run(self.file(text), lambda: StockFile(LOCATIONS, counted_at), **options)

    def listings(self, text: str, channel: str = "webshop", **options: Any) -> Outcome:
        return self.importer.run(self.file(text), lambda: ListingsFile(channel), **options)

    def undo(self, run_id: str | None, **options: Any) -> undo.Undone:
        with db.transaction(self.engine) as session:
            return undo.undo(session, run_id or "none", now=self.clock.now(), **options)

    @property
    def importer(self) -> Importer:
        return Importer(self.engine, self.clock, self.ids)

    def level(self, sku: str, location: str = "linden") -> Level | None:
        with db.transaction(self.engine) as session:
            return availability.levels(session, [Shelf(location, sku)]).get(Shelf(location, sku))

    def article(self, sku: str) -> articles.ArticleState | None:
        with db.transaction(self.engine) as session:
            return articles.states(session, [sku]).get(sku)

    def standing(self, *, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that does not only grow, without the columns that say when it was touched."""
        ignored = {"changed_at", *but}
        with db.transaction(self.engine) as session:
            return {
                table.name: sorted(
                    (tuple(str(value) for name, value in row.items() if name not in ignored))
                    for row in session.execute(table.select()).mappings()
                )
                for table in SQLModel.metadata.sorted_tables
                if table.name not in HISTORY
            }


def kinds(outcome: Outcome) -> dict[str, list[int]]:
    """Fault kind -> lines."""
    return {group.kind: group.lines for group in outcome.survey.faults.groups}


def warnings(outcome: Outcome) -> dict[str, list[int]]:
    """Warning kind -> lines."""
    return {group.kind: group.lines for group in outcome.survey.faults.warnings}


def told(outcome: Outcome) -> str:
    """All fault messages in one text."""
    return "\n".join(
        fault.message
        for group in (*outcome.survey.faults.groups, *outcome.survey.faults.warnings)
        for fault in group.examples
    )
