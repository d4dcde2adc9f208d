"""A hand-over that did not happen after all: taken back at once by anybody of the store, later with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Conflict, OutOfStock
from omnisync.orders import acts, handover, holding, pickup, states, tasks
from omnisync.orders.acts import Act
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import State, Step
from omnisync.orders.tables import Pickup, PickupLine

AT_ONCE = timedelta(seconds=10)
"""So long one tap takes it back; the shop hears of the hand-over only then."""
AT_LAST = timedelta(days=1)
"""So long it can be corrected with a reason; after that the goods come back as a return."""
COLLECTED, HANDED_BACK = "collected", "handed_back"
_line = db.table(PickupLine)


class Wrong(StrEnum):
    """Why a hand-over is corrected later."""

    MISTAKE = "mistake"
    WRONG_BAG = "wrong_bag"
    LEFT_HERE = "left_here"


class UndoOver(Conflict):
    """It was too long ago to be taken back like this."""

    code = "undo-over"


def last(session: Session, found: Pickup) -> Act | None:
    """The hand-over of this pickup that can still be taken back: by the desk while it had a network, and nothing was done
    with the pickup since."""
    act = acts.newest(session, found.id, besides=acts.HEARD_AGAIN)
    if act is None or act.what != COLLECTED or act.by == found.channel or "deed" in act.details:
        return None
    return act


def take_back(
    session: Session, desk: Desk, pickup_id: str, *, actor: Actor, now: datetime, why: Wrong | None = None
) -> Pickup:
    """The pieces of the last hand-over are on their shelf and held again, and the pickup is ready as before. A rest that was given
    back is held again too, or stands as rejected where somebody else got it meanwhile.

    Conflict `wrong-state` where there is no such hand-over, UndoOver after ten seconds without a reason, or after a day.
    """
    found = pickup.load(session, pickup_id, actor, lock=True)
    act = last(session, found)
    if act is None:
        raise states.wrong_state(found, Step.TAKE_BACK)
    if now - act.at > (AT_LAST if why else AT_ONCE):
        raise UndoOver("This hand-over was too long ago to be taken back so.", at=act.at.isoformat())
    taken = {line["sku"]: line["quantity"] for line in act.details["lines"]}
    rest = pickup.open_lines(session, pickup_id) if found.state == State.COLLECTED else {}
    _return(session, desk, found, taken, at=act.at, now=now)
    moved = states.advance(session, pickup_id, Step.TAKE_BACK, ended_at=None, collected_how=None, handed_over_by=None)
    if rest:
        _keep(session, moved, rest, by=actor.name, now=now)
    said = {"why": why.value} if why else {}
    lines = [{"sku": sku, "quantity": n} for sku, n in sorted(taken.items())]
    desk.tell(session, HANDED_BACK, moved, by=actor, now=now, lines=lines, **said)
    return moved


def _return(
    session: Session, desk: Desk, found: Pickup, taken: Mapping[str, int], *, at: datetime, now: datetime
) -> None:
    pieces = holding.collected(session, found, taken)
    booked = handover.till_books(desk.location(found.location), paid=found.paid)
    rung_up = handover.hand_back(session, found, pieces, at=at) if booked else {}
    holding.hand_back(session, found, pieces, at=at, rung_up=rung_up, now=now)
    for sku, n in taken.items():
        _change(session, found.id, sku, collected=_line.c.collected - n)


def _keep(session: Session, found: Pickup, rest: Mapping[str, int], *, by: str, now: datetime) -> None:
    try:
        holding.add(session, found, holding.stocked(session, found.location, rest), now=now)
    except OutOfStock:
        for sku, n in rest.items():
            _change(session, found.id, sku, rejected=_line.c.rejected + n)
    else:
        tasks.close_put_back(session, found.id, by=by, now=now)


def _change(session: Session, pickup_id: str, sku: str, **values: sa.ColumnElement[int]) -> None:
    session.execute(sa.update(_line).where(_line.c.pickup_id == pickup_id, _line.c.sku == sku).values(**values))
