"""Statements whose answer nobody reads are posted: PostgreSQL works on them while we prepare the next (psycopg's pipeline mode).

The first statement that is read, or the commit, waits for all of them; what one of them did wrong is raised there, and nothing
after it was done. Inside a savepoint nothing is posted: whoever takes it back must have seen the error before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlmodel import Session


def options(session: Session) -> dict[str, bool]:
    """Execution options of a statement that changes rows and of which neither rows nor their number are asked."""
    return {} if session.in_nested_transaction() else _POSTED


_POSTED = {"omnisync_posted": True}


def allow(engine: Engine) -> None:
    """Let statements of this psycopg engine be posted."""
    event.listen(engine, "do_execute", _before)
    event.listen(engine, "rollback", lambda connection: _forget(engine, connection.connection.record_info))
    event.listen(engine, "checkin", lambda _, record: _forget(engine, record.record_info))


def _before(cursor: Any, _statement: str, _parameters: Any, context: Any) -> None:
    posted = "omnisync_posted" in context.execution_options
    record = context.root_connection.connection.record_info
    if posted and _PIPELINE not in record:
        record[_PIPELINE] = cursor.connection.pipeline()
        record[_PIPELINE].__enter__()
    elif not posted and _PIPELINE in record:
        record.pop(_PIPELINE).__exit__(None, None, None)


def _forget(engine: Engine, record: Any) -> None:
    """What went wrong was raised already, or is undone now."""
    if pipeline := record.pop(_PIPELINE, None):
        with suppress(engine.dialect.loaded_dbapi.Error):
            pipeline.__exit__(None, None, None)


_PIPELINE = "omnisync pipeline"
