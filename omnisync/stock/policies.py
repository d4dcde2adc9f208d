"""Settings as they were: each location's and channel's policy is kept with the moment from which it held."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.settings import Settings
from omnisync.stock.tables import Policy

SCOPES = ("location", "channel")


def load(session: Session, settings: Settings, *, now: datetime) -> int:
    """Write down what differs from what held so far; returns how many did. An adapter's own settings stay out: they may
    hold secrets."""
    held = {
        (policy.scope, policy.name): policy.body for scope in SCOPES for policy in all_at(session, scope, now).values()
    }
    bodies = {("location", location.code): location.model_dump(mode="json") for location in settings.locations}
    for channel in settings.channels:
        bodies["channel", channel.name] = channel.model_dump(mode="json", exclude={"settings"})
    changed = [
        Policy(scope=scope, name=name, body=body, valid_from=now)
        for (scope, name), body in bodies.items()
        if body != held.get((scope, name))
    ]
    session.add_all(changed)
    return len(changed)


def at(session: Session, scope: str, name: str, moment: datetime) -> Policy | None:
    """The policy of a location or channel at that moment; None before it was first loaded."""
    return all_at(session, scope, moment, name).get(name)


def all_at(session: Session, scope: str, moment: datetime, name: str | None = None) -> dict[str, Policy]:
    """The policies that held at that moment, by name: all of a scope, or one."""
    statement = select(Policy).where(col(Policy.scope) == scope, col(Policy.valid_from) <= moment)
    if name is not None:
        statement = statement.where(col(Policy.name) == name)
    return {policy.name: policy for policy in session.exec(statement.order_by(col(Policy.valid_from), col(Policy.id)))}
