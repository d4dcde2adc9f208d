"""When a store is open, and what follows from it: by when a pickup is ready, and how long it waits for its customer.

A location without any hours counts as open around the clock. Wall times that a change of the clocks skips or repeats
mean what RFC 5545 says: skipped ones are read with the offset before the gap, repeated ones are the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays as public_holidays

from omnisync.errors import NeedsAttention
from omnisync.settings import LocationSettings
from omnisync.settings.hours import DAY_MINUTES, Span, date_of, days_of, spans_of
from omnisync.values import as_utc

HORIZON_DAYS = 800
"""Nobody waits longer for a store to open: the settings are wrong."""

WHOLE_DAY = (Span(0, DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening hours of one location, read and checked."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    special: Mapping[date, tuple[Span, ...]]
    region: str | None

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans of that local day. A special date wins over a holiday, a holiday over the week."""
        if day in self.special:
            return self.special[day]
        if self.region is not None and day in _holidays(self.region):
            return ()
        return self.week[day.weekday()]


def opening(location: LocationSettings) -> Opening:
    """The location's hours, as the settings have checked them."""
    return _read(
        location.timezone, tuple(location.hours.items()), tuple(location.special.items()), location.holidays or None
    )


def is_open(location: LocationSettings, moment: datetime) -> bool:
    """Whether the doors are open at that moment; the closing minute itself is no longer open."""
    hours = opening(location)
    day = moment.astimezone(hours.zone).date()
    return any(opens <= moment < closes for opens, closes in _spans(hours, day - timedelta(days=1), days=3))


def can_be_fetched(location: LocationSettings, until: datetime) -> bool:
    """Whether a customer may come at that moment: while the doors are open, or as they close."""
    return is_open(location, until) or is_open(location, until - timedelta(microseconds=1))


def opens_next(location: LocationSettings, moment: datetime) -> datetime | None:
    """When the doors open next; None if they never do."""
    return next((opens for opens, _ in _open_from(opening(location), as_utc(moment)) if opens > moment), None)


def open_between(location: LocationSettings, since: datetime, until: datetime, *, at_most: timedelta) -> timedelta:
    """For how long the store was open between two moments; counting ends when it was more than `at_most`."""
    was_open = timedelta()
    for opens, closes in _open_from(opening(location), as_utc(since)):
        if opens >= until or was_open > at_most:
            break
        was_open += min(closes, until) - max(opens, since)
    return was_open


def ready_by(placed_at: datetime, location: LocationSettings, *, lead_minutes: int | None = None) -> datetime:
    """The moment at which the store has been open for the location's lead time since the order was placed."""
    left = timedelta(minutes=location.lead_minutes if lead_minutes is None else lead_minutes)
    for opens, closes in _open_from(opening(location), as_utc(placed_at)):
        start = max(opens, as_utc(placed_at))
        if start + left <= closes:
            return start + left
        left -= closes - start
    raise _never_open(location)


def collect_by(ready_at: datetime, location: LocationSettings, *, collect_days: int | None = None) -> datetime:
    """The last close of the last of `collect_days` open days after the day on which the pickup is ready."""
    hours = opening(location)
    wanted = location.collect_days if collect_days is None else collect_days
    ready_day = ready_at.astimezone(hours.zone).date()
    for day in (ready_day + timedelta(days=ahead) for ahead in range(1, HORIZON_DAYS)):
        spans = list(_spans(hours, day, days=1))
        wanted -= bool(spans)
        if spans and wanted <= 0:
            return spans[-1][1]
    raise _never_open(location)


def after_transfer(placed_at: datetime, location: LocationSettings, *, lead_minutes: int | None = None) -> datetime:
    """By when goods that come from another location are ready: the lead time after `transfer_days` open days."""
    if location.transfer_days == 0:
        return ready_by(placed_at, location, lead_minutes=lead_minutes)
    arrived = collect_by(placed_at, location, collect_days=location.transfer_days)
    return ready_by(arrived, location, lead_minutes=lead_minutes)


class Promise(Protocol):
    """`ready_by` or `after_transfer`."""

    def __call__(
        self, placed_at: datetime, location: LocationSettings, *, lead_minutes: int | None = None
    ) -> datetime: ...


def accept_by(promise: Promise, placed_at: datetime, location: LocationSettings) -> datetime | None:
    """By when somebody should have accepted what is promised so: half of its lead time. None where there is none."""
    return promise(placed_at, location, lead_minutes=location.lead_minutes // 2) if location.lead_minutes else None


def _never_open(location: LocationSettings) -> NeedsAttention:
    return NeedsAttention(
        f"{location.name} does not open within {HORIZON_DAYS} days.",
        action=f"Correct hours, holidays and special of location {location.code!r} in the settings.",
        code="never-open",
    )


def _open_from(hours: Opening, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The open spans in UTC that end after the moment, in order."""
    day = moment.astimezone(hours.zone).date() - timedelta(days=1)
    return (span for span in _spans(hours, day, days=HORIZON_DAYS) if span[1] > moment)


def _spans(hours: Opening, first: date, *, days: int) -> Iterator[tuple[datetime, datetime]]:
    for day in (first + timedelta(days=ahead) for ahead in range(days)):
        yield from _merged(
            (_moment(day, span.opens, hours.zone), _moment(day, span.closes, hours.zone)) for span in hours.on(day)
        )


def _merged(spans: Iterator[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """In order and apart, also on a night where the clocks push two spans into one another or one into nothing."""
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(span for span in spans if span[0] < span[1]):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    if minute == DAY_MINUTES:
        day, minute = day + timedelta(days=1), 0
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=512)
def _read(
    timezone: str, week: tuple[tuple[str, str], ...], special: tuple[tuple[str, str], ...], region: str | None
) -> Opening:
    if region is not None:
        _holidays(region)
    return Opening(
        zone=_zone(timezone),
        week=_week(week) if week else (WHOLE_DAY,) * 7,
        special={date_of(key): spans_of(text) for key, text in special},
        region=region,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"timezone: {name!r} is no time zone such as Europe/Berlin") from None


def _week(hours: tuple[tuple[str, str], ...]) -> tuple[tuple[Span, ...], ...]:
    week = {day: spans_of(text) for key, text in hours for day in days_of(key)}
    return tuple(week.get(day, ()) for day in range(7))


@lru_cache(maxsize=64)
def _holidays(region: str) -> public_holidays.HolidayBase:
    country, _, part = region.partition("-")
    try:
        return public_holidays.country_holidays(country, subdiv=part or None)
    except (NotImplementedError, KeyError):
        raise ValueError(f"holidays: {region!r} is no region we know, such as DE or DE-BE") from None
