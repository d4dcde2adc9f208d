"""How each database is opened, so that it keeps what the ledger promises."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import StaticPool

from omnisync import posting

BUSY_TIMEOUT_SECONDS = 10
IN_MEMORY = "sqlite://"
"""A database that nobody else sees and that is gone with its engine; one thread at a time uses it."""
READ_ONLY = "omnisync_read_only"
"""An execution option of a connection on which nothing is written."""

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # so that REPLACE fires the triggers that protect the journal
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
    "PRAGMA cache_size=-65536",
    "PRAGMA wal_autocheckpoint=8000",  # 32 MB: pages that many batches write are copied into the database once
    "PRAGMA temp_store=MEMORY",
)

_NEWEST, _ONE_STATE = 2, 3
"""psycopg's numbers of READ COMMITTED, in which a statement sees what others committed before it began, and REPEATABLE READ."""

_POSTGRESQL_SETTINGS = (
    # Rows are asked for by key, some dozens at once. At the default price of a disk that must turn, reading a whole table of ten
    # thousand balances looks cheaper than that, and is ten times dearer.
    "SET random_page_cost = 1.1",
    "SET jit = off",
)


def engine_for(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for `sqlite:///file.db` or `postgresql+psycopg://...`, set up as the ledger needs it."""
    if url.startswith("sqlite"):
        return _sqlite_engine(url, pool_size)
    return _postgresql_engine(url, pool_size)


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    engine = sa.create_engine(url, pool_size=pool_size, max_overflow=pool_size)

    @event.listens_for(engine, "checkout")
    def is_there(connection: Any, _record: Any, _proxy: Any) -> None:
        """A server that ended has closed its side: that is seen without asking it, so that no transaction begins with a ping."""
        with suppress(engine.dialect.loaded_dbapi.Error):
            connection.pgconn.consume_input()  # its farewell
            connection.pgconn.consume_input()  # and that nothing follows
        if connection.closed:
            raise DisconnectionError("the database has closed this connection")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for setting in _POSTGRESQL_SETTINGS:
                cursor.execute(setting)
        connection.commit()  # else the settings end with the first transaction that is rolled back

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Several statements of a read see one state of things; psycopg says BEGIN with the first of them."""
        level = _ONE_STATE if connection.get_execution_options().get(READ_ONLY, False) else _NEWEST
        driver: Any = connection.connection.driver_connection
        if driver.isolation_level != level:
            driver.isolation_level = level

    posting.allow(engine)
    return engine


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
    if url == IN_MEMORY:
        pool = {"poolclass": StaticPool}  # a second connection would see another database
    engine = sa.create_engine(url, connect_args={"check_same_thread": False}, **pool)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, the driver would begin too late
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
