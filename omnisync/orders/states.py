"""The states of a pickup and the steps between them: one table, and one guarded statement, so that exactly one end wins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Conflict, NotFound
from omnisync.orders.tables import Pickup

pickup = db.table(Pickup)


class State(StrEnum):
    """Where a pickup stands."""

    PLACED = "placed"
    PICKING = "picking"
    READY = "ready"
    COLLECTED = "collected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What can be done with a pickup."""

    PICK = "pick"
    READY = "ready"
    COLLECT = "collect"
    COLLECT_PART = "collect_part"
    HEAR_COLLECTED = "hear_collected"
    """Its channel says so: it has happened, however far the desk was."""
    HEAR_OFFLINE = "hear_offline"
    """A device without a network did it: it has happened, whatever was done here meanwhile."""
    REJECT = "reject"
    EXTEND = "extend"
    TRANSFER = "transfer"
    TAKE_BACK = "take_back"
    """A hand-over did not happen after all."""
    MARK_OVERDUE = "mark_overdue"
    CANCEL = "cancel"
    EXPIRE = "expire"


OPEN = (State.PLACED, State.PICKING, State.READY)


@dataclass(frozen=True, slots=True)
class Way:
    """From which states a step may be taken, and where it leads; None leaves the state as it is."""

    sources: tuple[State, ...]
    target: State | None = None


WAYS = {
    Step.PICK: Way((State.PLACED, State.PICKING), State.PICKING),
    Step.READY: Way((State.PLACED, State.PICKING), State.READY),
    Step.COLLECT: Way((State.READY,), State.COLLECTED),
    Step.COLLECT_PART: Way((State.READY,)),
    Step.HEAR_COLLECTED: Way(OPEN, State.COLLECTED),
    Step.HEAR_OFFLINE: Way((*OPEN, State.EXPIRED, State.CANCELLED), State.COLLECTED),
    Step.REJECT: Way(OPEN),
    Step.EXTEND: Way(OPEN),
    Step.TRANSFER: Way(OPEN, State.PLACED),
    Step.TAKE_BACK: Way((State.READY, State.COLLECTED), State.READY),
    Step.MARK_OVERDUE: Way(OPEN),
    Step.CANCEL: Way(OPEN, State.CANCELLED),
    Step.EXPIRE: Way(OPEN, State.EXPIRED),
}


def advance(session: Session, pickup_id: str, step: Step, *guards: sa.ColumnElement[bool], **changes: Any) -> Pickup:
    """Take the step and return the pickup as it is now. Conflict `wrong-state` where the table knows no such way, or where
    one of the extra guards no longer holds."""
    way = WAYS[step]
    moved = {"state": way.target.value} if way.target else {}
    taken = session.execute(
        sa.update(pickup)
        .where(pickup.c.id == pickup_id, pickup.c.state.in_(way.sources), *guards)
        .values(version=pickup.c.version + 1, **moved, **changes)
        .returning(pickup.c.id)
    ).one_or_none()
    found = session.get(Pickup, pickup_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no pickup {pickup_id}.")
    if taken is None:
        raise wrong_state(found, step)
    return found


def wrong_state(found: Pickup, step: Step) -> Conflict:
    """What somebody hears who asks for a step that this state does not allow."""
    return Conflict(f"This pickup is {found.state}: {step.value.replace('_', ' ')} is not possible.", state=found.state)
