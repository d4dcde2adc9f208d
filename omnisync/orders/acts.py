"""What was done with a pickup, when and by whom: its timeline, written in the transaction of each act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.tables import PickupAct

_act = db.table(PickupAct)
_ACT = (_act.c.what, _act.c.by, _act.c.at, _act.c.details, _act.c.device)

HEARD_AGAIN = "heard_again"
"""Somebody told of a hand-over that was booked before: nothing was done with the pickup."""


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of the timeline."""

    what: str
    by: str
    at: datetime
    details: Mapping[str, Any]
    device: str | None = None
    """The enrolled device at which it was done."""


def note(
    session: Session, pickup_id: str, what: str, by: str, device: str | None, now: datetime, details: Mapping[str, Any]
) -> None:
    """Write down that somebody did this, at which enrolled device."""
    row = {"pickup_id": pickup_id, "what": what, "by": by, "device": device, "at": now, "details": dict(details)}
    session.execute(sa.insert(_act), [row])


def of(session: Session, pickup_id: str) -> Sequence[Act]:
    """The timeline of a pickup, from its beginning."""
    statement = sa.select(*_ACT).where(_act.c.pickup_id == pickup_id)
    return [Act(*row) for row in session.execute(statement.order_by(_act.c.id))]


def newest(session: Session, pickup_id: str, *, besides: str = "") -> Act | None:
    """What was done with a pickup last, other than that."""
    statement = sa.select(*_ACT).where(_act.c.pickup_id == pickup_id, _act.c.what != besides)
    row = session.execute(statement.order_by(_act.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Act(*row)
