"""Saying that something happened: an event is written with its effect and numbered later, by the one publisher in `sync.events`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
