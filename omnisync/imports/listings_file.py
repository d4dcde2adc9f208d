"""`omnisync import listings CHANNEL`: which offer of a channel is which of our articles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.imports import cells
from omnisync.imports.csvfile import Columns, Row
from omnisync.imports.faults import EXAMPLES, CellFault, Fault
from omnisync.imports.reading import Cells, Difference, Remake, Run, keep, similar_sku
from omnisync.sync.tables import ChannelListing

COLUMNS = Columns(required=("sku", "external_id"))
_LISTING = db.table(ChannelListing)


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One offer and its article."""

    line: int
    sku: str
    external_id: str


class ListingsFile:
    """One reading of a list of offers."""

    kind = "listings"
    columns = COLUMNS
    counted_at: datetime | None = None
    record: Remake | None = None

    def __init__(self, channel: str) -> None:
        self.channel: str | None = channel
        self._lines: dict[str, int] = {}
        self._hints = 0

    def parse(self, row: Row) -> tuple[ListingRow | None, list[Fault]]:
        read = Cells(row)
        sku, external_id = read.read("sku", cells.sku), read.read("external_id", _external_id)
        if sku is None or external_id is None:
            return None, read.faults
        first = self._lines.setdefault(external_id, row.line)
        if first != row.line:
            read.faults.append(Fault(first, "double-row", f"{external_id} stands on line {row.line} too"))
            read.faults.append(Fault(row.line, "double-row", f"{external_id} stands on line {first} already"))
        return ListingRow(row.line, sku, external_id), read.faults

    def examine(self, session: Session, records: Sequence[ListingRow]) -> Iterable[Fault]:
        known = articles.known(session, (record.sku for record in records))
        for record in records:
            if record.sku not in known:
                self._hints += 1
                hint = similar_sku(session, record.sku) if self._hints <= EXAMPLES else ""
                yield Fault(record.line, "unknown-sku", f"{record.sku}{hint}")

    def finish(self, session: Session) -> Iterable[Fault]:
        return ()

    def compare(self, session: Session, records: Sequence[ListingRow], now: datetime) -> list[Difference]:
        wanted = [record.external_id for record in records]
        query = sa.select(_LISTING.c.external_id, _LISTING.c.sku)
        rows = session.execute(query.where(_LISTING.c.channel == self.channel, _LISTING.c.external_id.in_(wanted)))
        before = {row.external_id: {"sku": row.sku} for row in rows}
        found = [(record, before.get(record.external_id), {"sku": record.sku}) for record in records]
        return [Difference(one.line, one.external_id, was, now_) for one, was, now_ in found if was != now_]

    def write(self, session: Session, run: Run, differences: Sequence[Difference]) -> None:
        rows = [
            {
                "channel": self.channel,
                "external_id": one.key,
                "sku": one.after["sku"],
                "title": "",
                "extra": {},
                "managed": True,
            }
            | {"added_at": run.now}
            for one in differences
        ]
        db.upsert(session, _LISTING, rows, key=["channel", "external_id"], update=["sku"])
        keep(session, run, "listing", ((one.key, one.before, dict(one.after)) for one in differences))

    def close(self, session: Session, run: Run) -> None:
        """Nothing has to wait here."""

    def repeats(self, session: Session, sha256: str) -> str | None:
        return None


def _external_id(cell: str) -> str:
    cells.refuse_spoiled(cell)
    if not cell:
        raise CellFault("empty", "the id of the offer is empty")
    return cells.text(cell) or ""
