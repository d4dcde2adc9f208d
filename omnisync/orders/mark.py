"""A mark of what stands at a store's desk: as long as it is the same, nothing there has changed."""

from __future__ import annotations

from hashlib import blake2s

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.states import OPEN
from omnisync.orders.tables import Pickup, PickupPause, Task

_pickup, _task, _pause = db.table(Pickup), db.table(Task), db.table(PickupPause)
_COUNT = sa.func.count()
_PICKUPS = sa.select(
    _COUNT, sa.func.sum(_pickup.c.version), sa.func.max(_pickup.c.id), sa.func.count(_pickup.c.alarmed_at)
).where(_pickup.c.location == sa.bindparam("location"), _pickup.c.state.in_(OPEN))
_TASKS = sa.select(_COUNT, sa.func.max(_task.c.id)).where(
    _task.c.location == sa.bindparam("location"), _task.c.done_at.is_(None)
)
_PAUSES = sa.select(_COUNT, sa.func.max(_pause.c.until)).where(
    _pause.c.location == sa.bindparam("location"), _pause.c.ended_at.is_(None)
)


def of(session: Session, location: str) -> str:
    """The mark of this store now: short, without anything of a customer."""
    rows = [tuple(session.execute(one, {"location": location}).one()) for one in (_PICKUPS, _TASKS, _PAUSES)]
    return blake2s(repr(rows).encode(), digest_size=8).hexdigest()
