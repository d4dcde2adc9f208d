"""Where else a customer could get it, and by when: what a refusal and the web shop's question are answered with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from omnisync.errors import NeedsAttention, OutOfStock
from omnisync.orders import hours, pauses
from omnisync.settings import LocationSettings, Settings
from omnisync.stock import availability
from omnisync.stock.effects import Level
from omnisync.values import Shelf, format_time


@dataclass
class ReadyTimes:
    """By when a pickup placed now would be ready at each location; worked out once a minute."""

    settings: Settings
    _minute: datetime | None = None
    _known: dict[str, str | None] = field(default_factory=dict)

    def at(self, code: str, now: datetime) -> str | None:
        """RFC 3339, or None where nothing can be picked up."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._known = minute, {}
        if code not in self._known:
            self._known[code] = _ready(self.settings.location(code), minute + timedelta(minutes=1))
        return self._known[code]


def _ready(location: LocationSettings, now: datetime) -> str | None:
    if location.pickup == "off":
        return None
    try:
        return format_time(hours.ready_by(now, location))
    except NeedsAttention:  # never open: nothing can be collected there
        return None


def shortages(
    session: Session, refused: Iterable[OutOfStock], settings: Settings, ready: ReadyTimes, *, now: datetime
) -> list[list[dict[str, Any]]]:
    """For each refusal its lines as API.md shows them, with what other locations still have. One query for all."""
    refusals = list(refused)
    levels = availability.levels_of(session, sorted({lack.sku for one in refusals for lack in one.lacks}))
    closed = pauses.closed(session, now=now) if refusals else frozenset[str]()
    times = {one.code: None if one.code in closed else ready.at(one.code, now) for one in settings.locations}
    return [
        [
            {
                "sku": lack.sku, "location": lack.location, "requested": lack.requested, "available": lack.available,
                "elsewhere": _elsewhere(lack.sku, lack.location, levels, times),
            }
            for lack in one.lacks
        ]
        for one in refusals
    ]  # fmt: skip


def _elsewhere(
    sku: str,
    here: str,
    levels: Mapping[Shelf, Level],
    times: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    found = []
    for code, ready_at in times.items():
        level = levels.get(Shelf(code, sku))
        if code != here and level is not None and level.available:
            found.append({"location": code, "available": level.available, "ready_at": ready_at})
    return found
