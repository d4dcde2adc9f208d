"""Pausing pickups in a store: for how long, and what everybody at its desk sees of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.orders import hours, pauses
from omnisync.pages.staff_view import Eyes
from omnisync.pages.words import later
from omnisync.settings import LocationSettings

Until = Callable[[LocationSettings, datetime], datetime | None]


def _in(minutes: int) -> Until:
    return lambda _, now: now + timedelta(minutes=minutes)


UNTIL: Mapping[str, tuple[str, Until]] = {
    "30": (later("For half an hour"), _in(30)),
    "60": (later("For an hour"), _in(60)),
    "120": (later("For two hours"), _in(120)),
    "opening": (later("Until the store opens next"), hours.opens_next),
}
"""What the page offers -> its words, and when that is (None: there is no such moment)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A length that is offered."""

    name: str
    words: str
    until: str


@dataclass(frozen=True, slots=True)
class PauseShown:
    """A pause as it stands."""

    until: str
    by: str


def shown(session: Session, eyes: Eyes) -> PauseShown | None:
    """The pause of this store, if there is one now."""
    found = pauses.of(session, eyes.location.code, now=eyes.now)
    return None if found is None else PauseShown(eyes.when(found.until), found.by)


def choices(eyes: Eyes) -> list[Choice]:
    """How long it may be."""
    moments = {name: until(eyes.location, eyes.now) for name, (_, until) in UNTIL.items()}
    return [
        Choice(name, eyes.say(UNTIL[name][0]), eyes.when(moment))
        for name, moment in moments.items()
        if moment is not None
    ]
