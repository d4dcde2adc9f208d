"""A fresh database for every torment: a file in memory, or a schema or file of its own where an address says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

from omnisync import db, migrations
from omnisync.errors import Refused
from omnisync.sim.run import fresh_database

SCHEMA = "omnisync_torture"
Fresh = Callable[[], AbstractContextManager[Engine]]


def at(url: str | None) -> Fresh:
    """Where torments write. Refused when something stands there already: nothing of anybody's is ever touched."""
    if url is None:
        return fresh_database
    found = sa.make_url(url)
    if found.get_backend_name() != "sqlite":
        # One engine for all of them: what a statement compiles to is remembered with the engine that ran it.
        inside = found.update_query_dict({"options": f"-csearch_path={SCHEMA}"})
        engine = db.engine_for(inside.render_as_string(hide_password=False))
        said: list[str] = []
        return lambda: _schema(found, engine, said)
    file = Path(found.database or "")
    if not found.database or file.exists():
        raise Refused(f"{found.database or 'Nothing'} is no new file: the torture kit writes to none that is there.")
    return lambda: _file(file)


@contextmanager
def _file(file: Path) -> Iterator[Engine]:
    engine = db.engine_for(f"sqlite:///{file}")
    try:
        migrations.upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        for left in file.parent.glob(f"{file.name}*"):
            left.unlink()


@contextmanager
def _schema(url: sa.URL, engine: Engine, said: list[str]) -> Iterator[Engine]:
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        if sa.inspect(connection).has_schema(SCHEMA):
            raise Refused(f"There is a schema {SCHEMA} already.", code="schema-exists")
        connection.execute(sa.text(f"CREATE SCHEMA {SCHEMA}"))
    try:
        _build(engine, said)
        yield engine
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {SCHEMA} CASCADE"))
        admin.dispose()


def _build(engine: Engine, said: list[str]) -> None:
    """All tables: by the migrations the first time, later by the same statements. To think them out takes longer than to run them."""
    if said:
        with engine.begin() as connection:
            for statement in said:
                connection.exec_driver_sql(statement)
        return

    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        migrations.upgrade(engine)
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    said += [statement for statement in heard if not statement.lstrip().upper().startswith("SELECT")]
