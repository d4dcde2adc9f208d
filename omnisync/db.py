"""The only module that knows which database it talks to (with `engines`, which opens it, `parameters`, `posting` and `journals`):
transactions, column types, insert-if-new, upsert.

SQLite is the embedded default (WAL, synchronous=FULL, BEGIN IMMEDIATE: one writer at a time). PostgreSQL runs at
READ COMMITTED; rows are locked in the order of their primary key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar, cast

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine, Row
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Session, SQLModel

from omnisync import posting
from omnisync.clock import Clock, SystemClock
from omnisync.engines import READ_ONLY
from omnisync.engines import engine_for as engine_for
from omnisync.parameters import Many as Many
from omnisync.parameters import Pairs, Texts, micros
from omnisync.parameters import among as among
from omnisync.parameters import in_pairs as in_pairs
from omnisync.parameters import many as many
from omnisync.parameters import rows as rows
from omnisync.values import from_micros, to_micros

_Value = TypeVar("_Value")
Bound: TypeAlias = _Value | sa.BindParameter[_Value]
"""A value, or the parameter in whose place it comes: a statement that is built once and run often names parameters."""


class Name(TypeDecorator[str]):
    """Text that is compared byte by byte on both databases (SQLite's BINARY, PostgreSQL's "C")."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.String(collation="C" if dialect.name == "postgresql" else None))


class Instant(TypeDecorator[datetime]):
    """An aware moment, stored as whole microseconds since 1970 in UTC: sorts and compares alike on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Serial(TypeDecorator[int]):
    """A growing 64-bit number given by the database."""

    impl = sa.Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.Integer() if dialect.name == "sqlite" else sa.BigInteger())


def table(model: type[SQLModel]) -> sa.Table:
    """The Core table of a SQLModel class, for set-based statements."""
    return cast(sa.Table, model.__table__)  # type: ignore[attr-defined]


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work that may write: committed at the end, rolled back on any error."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A short read that never waits for the writer and sees one state of things. Nothing is written: it is rolled back."""
    with engine.connect().execution_options(**{READ_ONLY: True}) as connection, Session(connection) as session:
        yield session
        session.rollback()


def is_postgresql(session: Session) -> bool:
    """Whether this session talks to PostgreSQL; for this module and the few statements that cannot be the same."""
    return session.get_bind().dialect.name == "postgresql"


def writes_alone(engine: Engine) -> bool:
    """Whether no other transaction can write while ours does."""
    return engine.dialect.name == "sqlite"


def size_bytes(session: Session) -> int:
    """How much room the database takes."""
    size = sa.text(
        "SELECT pg_database_size(current_database())"
        if is_postgresql(session)
        else "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    )
    return int(session.execute(size).scalar_one())


def now(session: Session, clock: Clock) -> datetime:
    """The one clock that decides: the database's on PostgreSQL, ours on SQLite, a simulated one wherever it is handed in."""
    if isinstance(clock, SystemClock) and is_postgresql(session):
        return cast(datetime, session.execute(sa.text("SELECT clock_timestamp()")).scalar_one())
    return clock.now()


def insert_new(
    session: Session,
    into: sa.Table,
    values: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    returning: Sequence[str],
) -> list[Row[Any]]:
    """Insert the rows whose key is not there yet and return `returning` of just those (RETURNING, for the row count of
    ON CONFLICT differs between drivers)."""
    if not values:
        return []
    columns, names = tuple(values[0]), tuple(returning)
    if not is_postgresql(session) and any(isinstance(into.c[name].type, sa.LargeBinary | sa.JSON) for name in columns):
        # SQLite cannot read bytes out of the one parameter.
        statement = _new(_insert(session), into, None, tuple(key), names)
        return list(session.execute(statement, [dict(row) for row in values]))
    statement = _new(_insert(session), into, columns, tuple(key), names)
    return list(session.connection().execute(statement, {"new": values}).all())


_Insert = Callable[[sa.Table], Any]


def _insert(session: Session) -> _Insert:
    return postgresql.insert if is_postgresql(session) else sqlite.insert


@cache
def _new(
    insert: _Insert, into: sa.Table, columns: tuple[str, ...] | None, key: tuple[str, ...], returning: tuple[str, ...]
) -> Any:
    statement = insert(into) if columns is None else _from_rows(insert, into, columns)
    statement = statement.on_conflict_do_nothing(index_elements=list(key))
    return statement.returning(*(into.c[name] for name in returning))


def upsert(
    session: Session, into: sa.Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str], update: Iterable[str]
) -> None:
    """Insert the rows, or where the key is there already set the columns of `update` to the new values."""
    if rows:
        session.execute(_upsert(_insert(session), into, tuple(key), tuple(update)), [dict(row) for row in rows])


@cache
def _upsert(insert: _Insert, into: sa.Table, key: tuple[str, ...], update: tuple[str, ...]) -> Any:
    statement = insert(into)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in update}
    )


def hold_still(session: Session, name: str) -> None:
    """Until the transaction ends nobody writes to this table, and whoever was about to has committed: numbers given so far are all
    there, or never will be. SQLite has one writer anyway."""
    if is_postgresql(session):
        session.execute(sa.text(f"LOCK TABLE {name} IN SHARE MODE"))


def lock_names(session: Session, names: Iterable[str]) -> None:
    """Until the transaction ends nobody else holds these names: for things that have no row to lock yet. SQLite has one
    writer anyway."""
    wanted = sorted(set(names))
    if wanted and is_postgresql(session):
        session.execute(_LOCK_NAMES, {"names": wanted})


_LOCK_NAMES = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM (SELECT unnest(CAST(:names AS text[])) AS name ORDER BY 1) AS wanted"
)


def claim_names(session: Session, names: Iterable[str], clock: Clock) -> tuple[datetime, set[str]]:
    """The moment (as `now`), and those of the names that nobody else holds; they are ours until the transaction ends. Never waits."""
    wanted = sorted(set(names))
    if not wanted or not is_postgresql(session):
        return now(session, clock), set(wanted)
    rows = session.connection().execute(_CLAIM_NAMES, {"names": wanted}).all()
    moment = rows[0].moment if isinstance(clock, SystemClock) else clock.now()
    return moment, {row.name for row in rows if row.got}


_CLAIM_NAMES = sa.text(
    "SELECT name, pg_try_advisory_xact_lock(hashtextextended(name, 1)) AS got, clock_timestamp() AS moment "
    "FROM unnest(CAST(:names AS text[])) AS name"
)


def look_up(
    session: Session, table: sa.Table, key: tuple[str, ...], names: Iterable[Any], *, columns: tuple[str, ...]
) -> Sequence[Row[Any]]:
    """`columns` of the rows of `table` whose `key` is among `names` (texts, or pairs of texts), each found by an index on the key.

    PostgreSQL plans such a question once, perhaps on the first day, while the table is small: it would read all of it from then on,
    until it is analyzed. So it is asked row by row there, which an index answers best in a table that nobody has analyzed yet.
    """
    wanted = list(names)
    if not wanted:
        return []
    return (
        session.connection().execute(_looked_up(table, key, columns, is_postgresql(session)), {"wanted": wanted}).all()
    )


@cache
def _looked_up(table: sa.Table, key: tuple[str, ...], columns: tuple[str, ...], row_by_row: bool) -> sa.Select[Any]:
    keys, wanted = [table.c[name] for name in key], many("wanted")
    those = among(keys[0], wanted) if len(keys) == 1 else in_pairs(keys[0], keys[1], wanted)
    if not row_by_row:
        return sa.select(*(table.c[name] for name in columns)).where(those)
    one = (Texts if len(key) == 1 else Pairs)(wanted).table_valued(*key).render_derived()
    matches = (column == one.c[column.name] for column in keys)
    each = (
        sa.select(*(table.c[name] for name in columns)).where(*matches).offset(sa.literal_column("0")).lateral("each")
    )
    return sa.select(each).select_from(one.join(each, sa.true()))


# ---------------------------------------------------------------- many rows, one statement


def insert_all(session: Session, into: sa.Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name the same columns, all with their stored values: the fastest way that each database has."""
    put_all(session, into, values, key=(), update=None)


Update: TypeAlias = Callable[[sa.ColumnCollection[str, Any]], Mapping[str, Any]]
"""From the columns of the row that is handed in to what is set in the one that is there."""


def put_all(
    session: Session,
    into: sa.Table,
    values: Sequence[Mapping[str, Any]],
    *,
    key: tuple[str, ...],
    update: Update | None,
) -> None:
    """The same; a row whose key is there already is changed as `update` says."""
    if not values:
        return
    columns = tuple(values[0])
    if is_postgresql(session):
        statement = _from_rows(sa.insert, into, columns) if update is None else _put_rows(into, columns, key, update)
        session.connection().execute(statement, {"new": values}, execution_options=posting.options(session))
        return
    text, names = _plain_statement(into, columns, key, update)
    connection, plain, many = session.connection(), _plain(into, names, values), len(values) - len(values) % _AT_ONCE
    for start in range(0, many, _AT_ONCE):
        rows = tuple(chain.from_iterable(plain[start : start + _AT_ONCE]))
        connection.exec_driver_sql(_with_rows(text, len(names), _AT_ONCE), rows)
    if plain[many:]:
        connection.exec_driver_sql(text, plain[many:])


_AT_ONCE = 250
"""Rows that SQLite takes in one statement: a third less than one by one. It is always as many, for each number is another text."""


@cache
def _from_rows(insert: _Insert, into: sa.Table, columns: tuple[str, ...]) -> Any:
    new = rows("new", *(into.c[name] for name in columns))
    # WHERE: without it SQLite takes the ON of ON CONFLICT for that of a join.
    return insert(into).from_select(columns, sa.select(*(_stored(new.c[name]) for name in columns)).where(sa.true()))


@cache
def _put_rows(into: sa.Table, columns: tuple[str, ...], key: tuple[str, ...], update: Update) -> Any:
    return _updating(_from_rows(postgresql.insert, into, columns), key, update)


def _updating(statement: Any, key: tuple[str, ...], update: Update) -> Any:
    return statement.on_conflict_do_update(index_elements=list(key), set_=update(statement.excluded))


@cache
def _plain_statement(
    into: sa.Table, columns: tuple[str, ...], key: tuple[str, ...], update: Update | None
) -> tuple[str, tuple[str, ...]]:
    """For one row, with the names of its columns in their order."""
    statement: Any = sqlite.insert(into).values({name: sa.bindparam(name) for name in columns})
    statement = statement if update is None else _updating(statement, key, update)
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))
    return str(compiled), tuple(compiled.positiontup or ())


@cache
def _with_rows(text: str, columns: int, number: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return text.replace(row, ", ".join([row] * number), 1)


def _plain(into: sa.Table, names: tuple[str, ...], values: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows as SQLite stores them, column by column."""
    stored = []
    for name in names:
        column, to = map(itemgetter(name), values), _PLAIN.get(type(into.c[name].type))
        stored.append(column if to is None else map(to, column))
    return list(zip(*stored, strict=True))


def _stored(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.LargeBinary):
        return sa.func.decode(column, "base64")  # JSON has no bytes
    if isinstance(column.type, sa.JSON):
        return sa.func.coalesce(column, sa.literal_column("'null'::json"))  # a value, as it is when stored one by one
    return column


_PLAIN: Mapping[type[Any], Callable[[Any], Any]] = {
    Instant: micros,
    sa.JSON: lambda value: "null" if value is None else orjson.dumps(value).decode(),
}


def is_transient(error: BaseException) -> bool:
    """Whether running the same transaction again may work: a lost race or deadlock on PostgreSQL, a busy SQLite."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state in ("40001", "40P01"):
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database cannot be reached or cannot write now: callers answer 503 and nothing is lost."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str) and state[:2] in ("08", "53", "57"):
        return True
    message = str(error.orig)
    return isinstance(error, OperationalError) and any(
        sign in message for sign in ("disk is full", "disk I/O", "unable to open", "locked", "connection", "readonly")
    )
