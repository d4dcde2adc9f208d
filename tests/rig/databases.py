"""A database of its own for a whole server, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table. SQLite's lies on a real disk, where fsync means something."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/omnisync.db"
        return
    server: str = request.getfixturevalue("postgresql_url")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    _do(admin, "DROP DATABASE IF EXISTS rig WITH (FORCE)", "CREATE DATABASE rig")
    yield sa.make_url(server).set(database="rig").render_as_string(hide_password=False)
    _do(admin, "DROP DATABASE rig WITH (FORCE)")
    admin.dispose()


def _do(admin: sa.Engine, *statements: str) -> None:
    with admin.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
