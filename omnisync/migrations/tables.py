"""Every table there is, in one metadata."""

from __future__ import annotations

from sqlmodel import SQLModel

import omnisync.access.tables
import omnisync.catalog.tables
import omnisync.orders.tables
import omnisync.stock.tables
import omnisync.sync.tables  # noqa: F401  importing registers its tables

METADATA = SQLModel.metadata
