"""What keys of movements name, in the journal and in the months that have left it: told again, it is known for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from omnisync import db
from omnisync.stock.tables import ArchivedKey, Movement

_BOTH = (db.table(Movement), db.table(ArchivedKey))
Columns: TypeAlias = ReadOnlyColumnCollection[str, sa.Column[Any]]


def effects(names: tuple[str, ...], which: Callable[[Columns], sa.ColumnElement[bool]]) -> sa.CompoundSelect[Any]:
    """These columns (key, location, sku, kind, quantity, on_hand) of the effects of which it holds; each half by its own index."""
    return sa.union_all(*(sa.select(*(table.c[name] for name in names)).where(which(table.c)) for table in _BOTH))
