"""A table of the office's pages: its columns are said once, and make both the page and the file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any

from omnisync.pages.words import Words
from omnisync.values import Money, format_time

DELIMITERS = {"de": ";", "en": ","}
"""What the spreadsheets of a language expect between two fields."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be worked out by a spreadsheet instead of shown."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as a word with its colour and icon."""

    word: str
    mood: str
    icon: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it reads from a row, and where a click on it leads."""

    title: str
    of: Callable[[Any], Any]
    link: Callable[[Any], str] | None = None
    note: Callable[[Any], str] | None = None
    """A second, smaller line; not in the file."""
    look: str = ""
    """num | code | lead: a class of the style sheet."""


@dataclass(frozen=True, slots=True)
class Act:
    """A button in a row: which step, what it says, and what it sends along."""

    step: str
    words: str
    label: str
    """For those who hear the page: with the thing it is about."""
    look: str = "sm"
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it is shown or written to a file."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    """Plain data: they are read when the session is gone."""
    empty: str
    """What is said where there is no row."""
    more: str = ""
    """Where the next page of it is."""
    hint: str = ""
    acts: Callable[[Any], Sequence[Act]] | None = None
    """The buttons of a row."""


def written(sheet: Sheet, say: Words) -> str:
    """The sheet as CSV (RFC 4180), with exact values: moments in UTC, money as a decimal number."""
    out = StringIO()
    write = csv.writer(out, delimiter=DELIMITERS[say.language], lineterminator="\r\n").writerow
    write([say(column.title) for column in sheet.columns])
    for row in sheet.rows:
        write([_exact(column.of(row)) for column in sheet.columns])
    return out.getvalue()


def _exact(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return next((write(value) for kind, write in _WRITTEN.items() if isinstance(value, kind)), str(value))


_WRITTEN: Mapping[Any, Callable[[Any], str]] = {
    type(None): lambda value: "",
    bool: lambda value: "1" if value else "0",
    datetime: format_time,
    Money: lambda value: f"{value.decimal()} {value.currency}",
    Mark: lambda value: value.word,
}
