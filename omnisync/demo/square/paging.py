"""Pages whose cursors hold the sort key of their last row, so that rows that come or go move no boundary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from omnisync.demo.square.problems import Problem
from omnisync.values import as_utc, from_cursor, from_micros, parse_time, to_cursor, to_micros

Row = TypeVar("Row")


def page(
    rows: Iterable[Row],
    key: Callable[[Row], tuple[datetime, str]],
    *,
    cursor: str | None,
    limit: int,
    now: datetime,
    newest_first: bool = False,
) -> tuple[list[Row], str | None]:
    """One page, and the cursor of the next. What is newer than the first request of a cursor is not shown to it."""
    until, last = _read(cursor, now)
    sign = -1 if newest_first else 1

    def order(row: Row) -> tuple[int, str]:
        at, name = key(row)
        return sign * to_micros(at), name

    ahead = sorted((row for row in rows if key(row)[0] <= until and (last is None or order(row) > last)), key=order)
    if len(ahead) <= limit:
        return ahead, None
    shown = ahead[:limit]
    return shown, to_cursor(to_micros(until), *order(shown[-1]))


def _read(cursor: str | None, now: datetime) -> tuple[datetime, tuple[int, str] | None]:
    if cursor is None:
        return now, None
    try:
        until, at, name = from_cursor(cursor, 3)
        return from_micros(int(until)), (int(at), name)
    except ValueError:
        raise Problem("INVALID_CURSOR", "The cursor is invalid or has expired.", field="cursor") from None


def limit_of(body: dict[str, Any], default: int) -> int:
    """The page size asked for, within Square's bounds."""
    limit = body.get("limit") or default
    if not isinstance(limit, int) or not 1 <= limit <= 1000:
        raise Problem("INVALID_VALUE", "The limit is between 1 and 1000.", field="limit")
    return limit


def time_of(text: str | None, field: str) -> datetime | None:
    """An RFC 3339 time, or None when it is left out."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except (ValueError, AttributeError):
        raise Problem("INVALID_TIME", "This is no RFC 3339 time.", field=field) from None


def stamp(moment: datetime) -> str:
    """A time as Square writes it: with fractions and a Z."""
    return as_utc(moment).isoformat(timespec="microseconds").replace("+00:00", "Z")


def wanted(names: Sequence[str] | None, name: str) -> bool:
    """A filter that is left out lets everything through."""
    return names is None or name in names
