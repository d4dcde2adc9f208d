"""Opening hours as people write them: days, spans of a day, single dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = "closed"
DAY_MINUTES = 24 * 60
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """Open from one minute of the day to another; 1440 is midnight at its end."""

    opens: int
    closes: int


def days_of(key: str) -> list[int]:
    """The weekdays (Monday is 0) that `mon-fri`, `sat` or `mon,wed` names; a range may run over the weekend. ValueError."""
    days: list[int] = []
    for part in key.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        days += [(start + ahead) % 7 for ahead in range((end - start) % 7 + 1)]
    return days


def spans_of(text: str) -> tuple[Span, ...]:
    """The spans in `09:00-13:00, 14:00-18:00`, in order; `closed` has none. ValueError."""
    if text.strip().lower() == CLOSED:
        return ()
    spans = tuple(_span(part.strip()) for part in text.split(","))
    if any(later.opens < earlier.closes for earlier, later in pairwise(spans)):
        raise ValueError(f'the spans of "{text}" overlap or are out of order')
    return spans


def date_of(key: str) -> date:
    """The day that `2026-12-24` names. ValueError."""
    try:
        return date.fromisoformat(key)
    except ValueError:
        raise ValueError(f'"{key}" is no date such as 2026-12-24') from None


def check_hours(value: Any) -> Any:
    """The opening hours of a week, unchanged. ValueError when a day or span is none, or a day is named twice."""
    seen: set[int] = set()
    for key, text in _texts(value):
        _named("hours", key, spans_of, text)
        for day in days_of(key):
            if day in seen:
                raise ValueError(f'{DAYS[day]} is named twice, the second time by "{key}"')
            seen.add(day)
    return value


def check_special(value: Any) -> Any:
    """The opening hours of single dates, unchanged. ValueError when a date or span is none."""
    for key, text in _texts(value):
        date_of(key)
        _named("special", key, spans_of, text)
    return value


def check_nightly(value: Any) -> Any:
    """Two times of a day such as `22:00-07:00`, unchanged; they may lie on both sides of midnight. ValueError."""
    if isinstance(value, str) and value:
        nightly_of(value)
    return value


def nightly_of(text: str) -> tuple[int, int]:
    """The minutes of the day at which `22:00-07:00` begins and ends. ValueError."""
    found = _SPAN.fullmatch(text.strip())
    times = [int(found[hour]) * 60 + int(found[hour + 1]) for hour in (1, 3)] if found else []
    if found is None or max(times) >= DAY_MINUTES or int(found[2]) > 59 or int(found[4]) > 59 or times[0] == times[1]:
        raise ValueError("two times such as 22:00-07:00")
    return times[0], times[1]


def is_within(nightly: str, minute: int) -> bool:
    """Whether that minute of the day lies between the two times; never where none are named."""
    if not nightly:
        return False
    begins, ends = nightly_of(nightly)
    return begins <= minute < ends if begins < ends else minute >= begins or minute < ends


def _named(section: str, key: str, read: Callable[[str], object], text: str) -> None:
    """Read it; a ValueError then says which key of the table it means."""
    try:
        read(text)
    except ValueError as error:
        raise ValueError(f"{section}.{key}: {error}") from None


def _texts(value: Any) -> list[tuple[str, str]]:
    """The entries that are text; everything else is refused by the field's own type."""
    return [(key, text) for key, text in value.items() if isinstance(text, str)] if isinstance(value, Mapping) else []


def _day(text: str) -> int:
    if text not in DAYS:
        raise ValueError(f'"{text}" is no day: days are {", ".join(DAYS)}, or a range such as mon-fri')
    return DAYS.index(text)


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is no span such as 09:30-19:00, and not "closed"')
    opens, closes = (int(found[hour]) * 60 + int(found[hour + 1]) for hour in (1, 3))
    if int(found[2]) > 59 or int(found[4]) > 59 or closes > DAY_MINUTES:
        raise ValueError(f'"{text}" holds a time that no clock shows; a day ends at 24:00')
    if opens >= closes:
        raise ValueError(f'"{text}" closes before it opens')
    return Span(opens, closes)
