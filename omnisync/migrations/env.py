"""What alembic runs: the steps, on the connection and in the transaction that `omnisync.migrations` hands it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

from omnisync.migrations import tables

_LOCK = 7_306_221_114
"""Any number that nothing else locks: two nodes that start together migrate one after the other."""


def run(connection: Connection) -> None:
    """Run the steps; on SQLite the transaction itself keeps others out."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    context.configure(connection=connection, target_metadata=tables.METADATA, transactional_ddl=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
