"""Many values as one parameter of a statement, on either database: its text does not grow with them, so that it is compiled and
planned once, and it costs one round trip however many there are."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from omnisync.values import to_micros


class Many(TypeDecorator[Any]):
    """Any number of texts, or of tuples of them, as one parameter (JSON): the statement's text does not grow with them, so
    that it is compiled and planned once."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return orjson.dumps(list(value), default=tuple).decode()


class Texts(FunctionElement[Any]):
    """The rows of a parameter of the type Many: texts."""

    inherit_cache = True
    name = "texts"


class Pairs(FunctionElement[Any]):
    """The rows of a parameter of the type Many: pairs of texts."""

    inherit_cache = True
    name = "pairs"


_FORMS = {
    (Texts, "sqlite"): "(SELECT value FROM json_each({}))",
    (Texts, "postgresql"): "(SELECT json_array_elements_text(CAST({} AS json)))",
    (Pairs, "sqlite"): "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({}))",
    (Pairs, "postgresql"): "(SELECT pair ->> 0, pair ->> 1 FROM json_array_elements(CAST({} AS json)) AS pair)",
}


def among(column: sa.ColumnElement[Any], texts: Iterable[str] | sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """`column IN texts`, answered from an index on the column; `texts` may be a parameter of the type Many."""
    return column.bool_op("IN")(Texts(_many(texts)))


def in_pairs(
    first: sa.ColumnElement[Any],
    second: sa.ColumnElement[Any],
    pairs: Iterable[tuple[str | None, str | None]] | sa.BindParameter[Any],
) -> sa.ColumnElement[bool]:
    """`(first, second) IN pairs`, answered from a composite index; `pairs` may be a parameter of the type Many."""
    return sa.tuple_(first, second).bool_op("IN")(Pairs(_many(pairs)))


def many(name: str) -> sa.BindParameter[Any]:
    """A parameter of the type Many, for a statement that is built once."""
    return sa.bindparam(name, type_=Many())


def _many(values: Iterable[Any] | sa.BindParameter[Any]) -> sa.BindParameter[Any]:
    if isinstance(values, sa.BindParameter):
        return values
    return sa.bindparam("many", list(values), type_=Many(), unique=True)


def _render(rows: type[FunctionElement[Any]], dialect: str, text: str) -> None:
    @compiles(rows, dialect)
    def render(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
        return text.format(*(compiler.process(clause, **options) for clause in element.clauses))


for (_rows, _dialect), _text in _FORMS.items():
    _render(_rows, _dialect, _text)


# ---------------------------------------------------------------- rows of many columns


def rows(name: str, *columns: sa.Column[Any] | sa.ColumnClause[Any]) -> sa.TableValuedAlias:
    """A table `name` of rows that are handed in as one parameter, `name`: a list of mappings from column to value.

    Its statement is compiled and planned once, and costs one round trip however many rows there are.
    """
    parameter = sa.bindparam(name, type_=_Rows())
    named = [sa.column(column.name, column.type) for column in columns]
    return _Recordset(parameter, *named).table_valued(*named, name=name)


class _Rows(TypeDecorator[Any]):
    """Rows as one parameter (JSON)."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return orjson.dumps(value, default=_as_json, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _as_json(value: Any) -> Any:
    return micros(value) if isinstance(value, datetime) else base64.b64encode(value).decode()


class _Recordset(FunctionElement[Any]):
    """(parameter, columns): a parameter of rows as a table."""

    inherit_cache = True
    name = "recordset"


@compiles(_Recordset, "sqlite")
def _recordset_of_sqlite(element: _Recordset, compiler: Any, **options: Any) -> str:
    parameter, *columns = element.clauses
    fields = ", ".join(f"json_extract(value, '$.{column.name}') AS {column.name}" for column in columns)
    return f"(SELECT {fields} FROM json_each({compiler.process(parameter, **options)}))"  # noqa: S608 - names of our own columns


@compiles(_Recordset, "postgresql")
def _recordset_of_postgresql(element: _Recordset, compiler: Any, **options: Any) -> str:
    parameter, *columns = element.clauses
    fields = ", ".join(f"{column.name} {_type_in_json(column.type, compiler.dialect)}" for column in columns)
    handed_in = compiler.process(parameter, **options)
    return f"(SELECT * FROM json_to_recordset(CAST({handed_in} AS json)) AS row({fields}))"  # noqa: S608


def _type_in_json(kind: TypeEngine[Any], dialect: Dialect) -> str:
    return "text" if isinstance(kind, sa.LargeBinary) else kind.compile(dialect)


@lru_cache(maxsize=4096)
def micros(moment: datetime | None) -> int | None:
    """The rows of one statement share their moments."""
    return None if moment is None else to_micros(moment)
