"""What is awaited on a shelf and when: deliveries in the order in which they were announced, eaten by what arrives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.stock.tables import Movement
from omnisync.values import Shelf

_movement = db.table(Movement)
_TRANSFER = "transfer:"


@dataclass
class Lot:
    """Pieces that were announced together and have not come yet."""

    pieces: int
    due_at: datetime | None
    cause: str
    movement: int | None = None
    """The row that announced it."""

    @property
    def is_transfer(self) -> bool:
        """It comes from another location, perhaps for a pickup: nobody else is promised it before it is here."""
        return self.cause.startswith(_TRANSFER)


@dataclass
class Awaited:
    """The lots of one shelf, oldest first."""

    lots: list[Lot] = field(default_factory=list)

    def book(self, pieces: int, cause: str, due_at: datetime | None, movement: int | None = None) -> None:
        """More is awaited, or some has come: a transfer its own, and anything else the oldest of what is no transfer's."""
        if pieces > 0:
            self.lots.append(Lot(pieces, due_at, cause, movement))
        own = [lot for lot in self.lots if lot.cause == cause and lot.is_transfer]
        others = sorted((lot for lot in self.lots if lot not in own), key=lambda lot: lot.is_transfer)
        for lot in (*own, *others) if pieces < 0 else ():
            come = min(lot.pieces, -pieces)
            lot.pieces -= come
            pieces += come
        self.lots = [lot for lot in self.lots if lot.pieces]

    @property
    def promisable(self) -> int:
        """What suppliers owe; goods from our other locations may be somebody's already."""
        return sum(lot.pieces for lot in self.lots if not lot.is_transfer)

    @property
    def due_at(self) -> datetime | None:
        """When the next of it is expected, as far as anybody said so."""
        return min((lot.due_at for lot in self.lots if lot.due_at is not None), default=None)


def awaited(session: Session, shelves: Collection[Shelf]) -> dict[Shelf, Awaited]:
    """What is awaited on each of these (locked) shelves, by the journal."""
    found: dict[Shelf, Awaited] = defaultdict(Awaited)
    if shelves:
        for row in session.execute(_ANNOUNCED, {"shelves": sorted(shelves)}):
            found[Shelf(row.location, row.sku)].book(row.incoming, row.cause, row.due_at)
    return found


_ANNOUNCED = (
    sa.select(_movement.c.location, _movement.c.sku, _movement.c.incoming, _movement.c.cause, _movement.c.due_at)
    .where(
        db.in_pairs(_movement.c.location, _movement.c.sku, sa.bindparam("shelves", type_=db.Many())),
        _movement.c.incoming != sa.literal_column("0"),
    )
    .order_by(_movement.c.id)
)
