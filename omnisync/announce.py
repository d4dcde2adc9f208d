"""Saying that something happened: an event is written with its effect and numbered later, by the one publisher in `sync.events`."""

from __future__ import annotations

from collections.abc import Mapping
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


def announce(session: Session, kind: str, body: Mapping[str, Any], *, now: datetime) -> None:
    """Let everybody who listens know, if and when this transaction commits. The body holds ids and numbers, no personal data."""
    session.execute(sa.insert(table(EventPending)).values(kind=kind, body=dict(body), at=now))
