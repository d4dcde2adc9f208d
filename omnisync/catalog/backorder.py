"""How far an article may be promised beyond what is there: not at all, by so many pieces, or whatever is awaited, from a date on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.values import MAX_QUANTITY

_article = db.table(Article)
NONE = "none"
WORDS = "write none, a number of pieces, or a day such as 2026-12-01"


@dataclass(frozen=True, slots=True)
class Backorder:
    """`pieces` at each location that keeps it; or, with a day, the pieces that are awaited there."""

    pieces: int = 0
    day: date | None = None

    @property
    def since(self) -> datetime | None:
        """From when on they can be had; None: from when they are awaited."""
        return None if self.day is None else datetime.combine(self.day, time(), UTC)

    @property
    def kept(self) -> str | None:
        """As the article keeps it, and files say it; None where it cannot be backordered."""
        return self.day.isoformat() if self.day else str(self.pieces) if self.pieces else None


def parse(text: str | None) -> Backorder:
    """From `none` (or nothing), a number of pieces, or a day such as 2026-12-01. ValueError for anything else."""
    said = (text or NONE).strip().lower()
    if said in (NONE, ""):
        return Backorder()
    if said.isdecimal() and int(said) <= MAX_QUANTITY:
        return Backorder(int(said))
    try:
        return Backorder(day=date.fromisoformat(said))
    except ValueError:
        raise ValueError(WORDS) from None


def of(session: Session, skus: Collection[str], *, lock: bool = False) -> dict[str, Backorder]:
    """Of those of these SKUs that can be backordered; locked, nobody changes it before we are done."""
    if not skus:
        return {}
    rows = session.execute(_LOCKED if lock else _SAID, {"skus": sorted(skus)})
    return {sku: parse(said) for sku, said in rows}


_SAID = sa.select(_article.c.sku, _article.c.backorder).where(
    db.among(_article.c.sku, sa.bindparam("skus", type_=db.Many())), _article.c.backorder.is_not(None)
)
_LOCKED = _SAID.order_by(_article.c.sku).with_for_update(read=True)
