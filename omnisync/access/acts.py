"""Who changed what: one row for each act of the office, the stores, programs and the command line, kept in the transaction of its effect."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.access import Access
from omnisync.access.tables import Act

LONGEST = 200
NAMED = 5
"""So many of the things that one act changes are named, the others are counted."""
Result = TypeVar("Result")

_act = db.table(Act)


class Door(StrEnum):
    """Which way somebody came in."""

    OFFICE = "office"
    DESK = "desk"
    KEY = "key"
    """An API key: `by` is its name."""
    TERMINAL = "terminal"
    """A command of `omnisync`: who typed it, the machine knows, not we."""


def keep(session: Session, door: Door, by: str, what: tuple[str, str], about: str, *, now: datetime) -> None:
    """Write down that somebody did this, beside what it does. `what` is (thing, step); `about` never a customer."""
    session.flush()  # what it does comes first: if that fails, nobody did it
    row = {"at": now, "door": door.value, "by": by, "thing": what[0], "step": what[1], "about": about[:LONGEST]}
    session.execute(sa.insert(_act), [row])


def typed(session: Session, what: tuple[str, str], about: str, *, now: datetime) -> None:
    """The same for a command."""
    keep(session, Door.TERMINAL, "omnisync", what, about, now=now)


def of_key(
    asker: Access, what: tuple[str, str], about: str, now: datetime, work: Callable[[Session], Result]
) -> Callable[[Session], Result]:
    """That work of an API key, with a row about who did it: both or neither."""

    def both(session: Session) -> Result:
        result = work(session)
        keep(session, Door.KEY, asker.name, what, about, now=now)
        return result

    return both


def named(things: Collection[str]) -> str:
    """The things of one act in a line: the first by name, the others as a number."""
    each = list(dict.fromkeys(things))
    rest = len(each) - NAMED
    return ", ".join(each[:NAMED]) + (f" (+{rest})" if rest > 0 else "")
