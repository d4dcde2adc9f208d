"""Archiving as tests do it: whatever is old enough, be it minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync.stock import archives, archiving
from omnisync.stock.tables import Archive


def reader(session: Session) -> Callable[[sa.Select[Any]], Sequence[Any]]:
    """Reads in the test's own transaction."""
    return lambda statement: session.execute(statement).all()


def archived(session: Session, folder: Path, name: str, until: datetime, *, now: datetime) -> Archive | None:
    """What was recorded by then leaves the journal, unless something open needs it or nothing was."""
    if any(need.since < until for need in archives.needs(session, now=until + archives.KEPT)):
        return None
    cut = archiving.cut(session, name, until)
    if cut is None:
        return None
    return archiving.take(session, cut, archiving.write(reader(session), cut, folder), now=now)
