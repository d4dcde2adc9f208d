"""Brings a database to the schema this version needs, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine
from sqlmodel import Session

from omnisync.migrations import tables

HEAD = "head"
BASE = "base"


def upgrade(engine: Engine, revision: str = HEAD) -> None:
    """Bring the schema up to a revision in one transaction; does nothing when it is there already."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str = BASE) -> None:
    """Take the schema back to a revision in one transaction. Tables that go take their rows with them."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """The revision the database stands at; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def revision(session: Session) -> str | None:
    """The same, seen from a transaction that is open already."""
    return MigrationContext.configure(session.connection()).get_current_revision()


def newest() -> str | None:
    """The revision this version of omnisync needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this version of omnisync has that revision (a newer one's it has not)."""
    return any(step.revision == revision for step in ScriptDirectory.from_config(_config()).walk_revisions())


def differences(engine: Engine) -> list[Any]:
    """What the database has otherwise than the tables in the code say; empty when all is well."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": tables.METADATA}
        )
        return list(compare_metadata(context, tables.METADATA))


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
