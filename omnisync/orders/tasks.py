"""What pickups leave to do in a store: bags to put back, shelves to count, customers to call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.errors import Conflict, Forbidden, NotFound
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.tables import Pickup, Task
from omnisync.stock.tables import Balance

_task = db.table(Task)


class Job(StrEnum):
    """The kinds of tasks."""

    PUT_BACK = "put_back"
    COUNT = "count"
    OVERDUE = "overdue"
    SEND = "send"
    RECEIVE = "receive"
    ASK = "ask"


def put_back(session: Session, desk: Desk, pickup: Pickup, *, now: datetime) -> None:
    """Pieces lie put aside and nobody fetches them: back to where they are sold, from the shelf this task names."""
    _add(session, desk, Job.PUT_BACK, pickup.location, now, pickup_id=pickup.id, shelf=pickup.shelf)


def close_put_back(session: Session, pickup_id: str, *, by: str, now: datetime) -> None:
    """They stay put aside."""
    session.execute(sa.update(_task).where(*_of(pickup_id, Job.PUT_BACK)).values(done_at=now, done_by=by))


def count(session: Session, desk: Desk, location: str, sku: str, *, pickup_id: str | None, now: datetime) -> None:
    """Somebody must count this shelf."""
    _add(session, desk, Job.COUNT, location, now, pickup_id=pickup_id, sku=sku)


def overdue(session: Session, desk: Desk, pickup: Pickup, *, now: datetime) -> None:
    """A paid pickup waits for a customer who did not come: a person decides."""
    _add(session, desk, Job.OVERDUE, pickup.location, now, pickup_id=pickup.id, shelf=pickup.shelf)


def send(
    session: Session, desk: Desk, location: str, sku: str, quantity: int, *,
    pickup_id: str | None, transfer_id: str, now: datetime,
) -> None:  # fmt: skip
    """Pieces of this location are to be sent where that transfer goes: whoever finishes this task says that they are."""
    _add(
        session, desk, Job.SEND, location, now,
        pickup_id=pickup_id, sku=sku, quantity=quantity, transfer_id=transfer_id,
    )  # fmt: skip


def receive(
    session: Session, desk: Desk, location: str, transfer_id: str, *, pickup_id: str | None, now: datetime
) -> None:
    """Goods are on their way to this location: whoever finishes this task says that all of them have come."""
    _add(session, desk, Job.RECEIVE, location, now, pickup_id=pickup_id, transfer_id=transfer_id)


def close_receive(session: Session, transfer_id: str, *, by: str, now: datetime) -> None:
    """Everything has come, or never will."""
    session.execute(
        sa.update(_task)
        .where(_task.c.transfer_id == transfer_id, _task.c.kind == Job.RECEIVE, _task.c.done_at.is_(None))
        .values(done_at=now, done_by=by)
    )


def close_sends(session: Session, transfer_id: str, skus: Collection[str], *, by: str, now: datetime) -> None:
    """These were sent without a word, or are not to be sent any more."""
    session.execute(
        sa.update(_task)
        .where(_task.c.transfer_id == transfer_id, _task.c.kind == Job.SEND, _task.c.done_at.is_(None))
        .where(_task.c.sku.in_(sorted(skus)))
        .values(done_at=now, done_by=by)
    )


def lower_send(session: Session, transfer_id: str, sku: str, quantity: int) -> None:
    """So many are still to be sent."""
    session.execute(
        sa.update(_task)
        .where(_task.c.transfer_id == transfer_id, _task.c.kind == Job.SEND, _task.c.done_at.is_(None))
        .where(_task.c.sku == sku)
        .values(quantity=quantity)
    )


def ask(session: Session, desk: Desk, pickup: Pickup, *, now: datetime) -> None:
    """Something of this pickup is missing: somebody asks the customer what is to be done. Asked for twice, it is one task."""
    open_ones = sa.select(_task.c.id).where(*_of(pickup.id, Job.ASK))
    if session.execute(open_ones).first() is None:
        _add(session, desk, Job.ASK, pickup.location, now, pickup_id=pickup.id)


def _of(pickup_id: str, *jobs: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return _task.c.pickup_id == pickup_id, _task.c.kind.in_(jobs), _task.c.done_at.is_(None)


def close_overdue(session: Session, pickup_id: str, *, by: str, now: datetime) -> None:
    """The customer came, or somebody decided: nobody need call any more."""
    session.execute(sa.update(_task).where(*_of(pickup_id, Job.OVERDUE, Job.ASK)).values(done_at=now, done_by=by))


def done(session: Session, task_id: str, actor: Actor, *, now: datetime) -> Task:
    """Somebody did it. Conflict when it was done already."""
    found = session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no task {task_id}.")
    if actor.location is not None and actor.location != found.location:
        raise Forbidden("This task belongs to another store.")
    if found.done_at is not None:
        raise Conflict("This task is done already.", code="already-done")
    found.done_at, found.done_by = now, actor.name
    session.add(found)
    session.flush()
    return found


def list_open(
    session: Session, location: str | None, *, after: tuple[datetime, str] | None = None, limit: int = 200
) -> Sequence[Task]:
    """What is still to do, oldest first (behind that moment and id)."""
    statement = select(Task).where(*_to_do(location))
    if after is not None:
        at, name = col(Task.created_at), col(Task.id)
        statement = statement.where(sa.or_(at > after[0], sa.and_(at == after[0], name > after[1])))
    return session.exec(statement.order_by(col(Task.created_at), col(Task.id)).limit(limit)).all()


def count_open(session: Session, location: str) -> int:
    """How much is still to do in this store."""
    return session.exec(select(sa.func.count()).select_from(Task).where(*_to_do(location))).one()


def _to_do(location: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    """A count that somebody has made since is no longer to do."""
    counted = sa.exists().where(
        col(Balance.location) == col(Task.location),
        col(Balance.sku) == col(Task.sku),
        col(Balance.counted_at) > col(Task.created_at),
    )
    here = () if location is None else (col(Task.location) == location,)
    return col(Task.done_at).is_(None), sa.or_(col(Task.kind) != Job.COUNT, ~counted), *here


def _add(
    session: Session,
    desk: Desk,
    job: Job,
    location: str,
    now: datetime,
    *,
    pickup_id: str | None = None,
    sku: str | None = None,
    shelf: str | None = None,
    quantity: int | None = None,
    transfer_id: str | None = None,
) -> None:
    row = {
        "id": desk.ids.new(), "kind": job.value, "location": location, "sku": sku, "pickup_id": pickup_id,
        "shelf": shelf, "quantity": quantity, "transfer_id": transfer_id, "created_at": now,
    }  # fmt: skip
    session.execute(sa.insert(_task), [row])
