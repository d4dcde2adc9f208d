"""Saying that something happened: an event is written with its effect and numbered later, by the one publisher in `sync.events`.

What a transaction touched is told in this process alone, after its commit, so that nobody need look at all shelves to find
the one that changed. It is a hint: whoever misses it finds the change on the next schedule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from omnisync.db import Instant, Serial, table


class EventPending(SQLModel, table=True):
    """An event written with its effect, not yet numbered."""

    __tablename__ = "event_pending"

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    kind: str
    body: Any = Field(sa_type=sa.JSON)
    at: datetime = Field(sa_type=Instant)


_INSERT = sa.insert(table(EventPending))


def announce(session: Session, kind: str, body: Mapping[str, Any], *, now: datetime) -> None:
    """Let everybody who listens know, if and when this transaction commits. The body holds ids and numbers, no personal data."""
    announce_all(session, [(kind, body)], now=now)


def announce_all(session: Session, what: Iterable[tuple[str, Mapping[str, Any]]], *, now: datetime) -> None:
    """Many events, one statement."""
    rows = [{"kind": kind, "body": dict(body), "at": now} for kind, body in what]
    if rows:
        session.connection().execute(_INSERT, rows)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a transaction changed for others to look at."""

    skus: set[str] = field(default_factory=set)
    """Something of them is sold differently than before."""
    channels: set[str] = field(default_factory=set)
    """They have sent messages that wait to be read."""

    def add(self, more: Touched) -> None:
        self.skus.update(more.skus)
        self.channels.update(more.channels)


def touch(session: Session, *, skus: Iterable[str] = (), channels: Iterable[str] = ()) -> None:
    """Remember, until this transaction commits, who has to be looked at then."""
    touched(session).add(Touched(set(skus), set(channels)))


def touched(session: Session) -> Touched:
    """What was remembered in this session so far."""
    found: Touched = session.info.setdefault(_TOUCHED, Touched())
    return found


_TOUCHED = "omnisync touched"
