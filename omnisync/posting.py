"""Statements whose answer nobody reads are posted: PostgreSQL works on them while we prepare the next (psycopg's pipeline mode).

The first statement that is read, or the commit, waits for all of them; what one of them did wrong is raised there, and nothing
after it was done. Inside a savepoint nothing is posted: whoever takes it back must have seen the error before.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlmodel import Session


def options(session: Session) -> dict[str, bool]:
    """Execution options of a statement that changes rows and of which neither rows nor their number are asked."""
    return {} if session.in_nested_transaction() else _POSTED


_POSTED = {"omnisync_posted": True}


def allow(engine: Engine) -> None:
    """Let statements of this psycopg engine be posted."""
    from psycopg.generators import send  # only whoever uses PostgreSQL has it

    pipelines: MutableMapping[Any, Any] = WeakKeyDictionary()

    @event.listens_for(engine, "do_execute")
    @event.listens_for(engine, "do_executemany")
    @event.listens_for(engine, "do_execute_no_params")
    def before(cursor: Any, _statement: str, *more: Any) -> None:
        connection, posted = cursor.connection, "omnisync_posted" in more[-1].execution_options
        if posted and connection not in pipelines:
            pipelines[connection] = connection.pipeline()
            pipelines[connection].__enter__()
        elif not posted and connection in pipelines:
            pipelines.pop(connection).__exit__(None, None, None)

    @event.listens_for(engine, "commit")
    def committing(connection: Connection) -> None:
        """psycopg waits for the answer to a commit without sending what did not fit into the socket yet: both sides would wait for
        ever."""
        open_one: Any = connection.connection.driver_connection
        if open_one in pipelines:
            open_one.wait(send(open_one.pgconn))

    @event.listens_for(engine, "rollback")
    def rolled_back(connection: Connection) -> None:
        if not connection.invalidated:
            forget(connection.connection.driver_connection)

    @event.listens_for(engine, "checkin")
    def checked_in(connection: Any, _record: Any) -> None:
        forget(connection)

    def forget(connection: Any) -> None:
        """What went wrong was raised already, or is undone now."""
        if pipeline := connection and pipelines.pop(connection, None):
            with suppress(engine.dialect.loaded_dbapi.Error):
                pipeline.__exit__(None, None, None)
