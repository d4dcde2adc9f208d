"""The one way around the office's pages, with what is open behind each entry."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col

from omnisync.pages.words import later
from omnisync.stock.tables import Shortage
from omnisync.sync.tables import Case, DeadLetter

ENTRIES = (
    ("/ops", later("Sync overview"), "", "viewer"),
    ("/ops/today", later("Today"), "", "viewer"),
    ("/ops/stock", later("Stock"), "", "viewer"),
    ("/ops/prices", later("Prices"), "", "viewer"),
    ("/ops/orders", later("Orders"), "", "viewer"),
    ("/ops/pickups", later("Pickups"), "", "viewer"),
    ("/ops/letters", later("Dead letters"), "letters", "viewer"),
    ("/ops/cases", later("Decisions"), "cases", "viewer"),
    ("/ops/shortages", later("Shortages"), "shortages", "viewer"),
    ("/ops/mappings", later("Mapping"), "", "viewer"),
    ("/ops/drift", later("Drift"), "", "viewer"),
    ("/ops/log", later("Audit log"), "", "viewer"),
    ("/ops/devices", later("Devices"), "", "ops"),
    ("/ops/people", later("Users and keys"), "", "admin"),
    ("/ops/settings", later("Settings"), "", "viewer"),
    ("/staff/status", later("For the stores"), "", "viewer"),
    ("/staff", later("Pickup desk"), "", "staff"),
)
"""(path, what it is called, which count stands beside it, whose it is)"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What is open now, of all channels."""

    letters: int = 0
    cases: int = 0
    shortages: int = 0

    @classmethod
    def read(cls, session: Session) -> Counts:
        counted = (
            sa.select(sa.func.count()).select_from(one).where(col(one.closed_at).is_(None)).scalar_subquery()
            for one in (DeadLetter, Case, Shortage)
        )
        return cls(*session.execute(sa.select(*counted)).one())

    def of(self, name: str) -> int:
        """The count of that name; nothing where there is none."""
        return getattr(self, name) if name else 0


NOTHING = Counts()
