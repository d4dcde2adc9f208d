"""Settings as they were: each location's and channel's policy is kept with the moment from which it held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from omnisync.settings import Settings
from omnisync.stock.tables import Policy


def load(session: Session, settings: Settings, *, now: datetime) -> int:
    """Write down what differs from what held so far; returns how many did. An adapter's own settings stay out: they may
    hold secrets."""
    bodies = {("location", location.code): location.model_dump(mode="json") for location in settings.locations}
    for channel in settings.channels:
        bodies["channel", channel.name] = channel.model_dump(mode="json", exclude={"settings"})
    changed = [
        Policy(scope=scope, name=name, body=body, valid_from=now)
        for (scope, name), body in bodies.items()
        if body != at(session, scope, name, now)
    ]
    session.add_all(changed)
    return len(changed)


def at(session: Session, scope: str, name: str, moment: datetime) -> Mapping[str, Any] | None:
    """The policy of a location or channel at that moment; None before it was first loaded."""
    statement = (
        select(Policy.body)
        .where(col(Policy.scope) == scope, col(Policy.name) == name, col(Policy.valid_from) <= moment)
        .order_by(col(Policy.valid_from).desc(), col(Policy.id).desc())
    )
    found: Mapping[str, Any] | None = session.exec(statement.limit(1)).first()
    return found
