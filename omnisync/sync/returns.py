"""Two returns that may be one: a person looks, for nobody can tell from here whether it was one piece or two."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from omnisync import db
from omnisync.announce import announce
from omnisync.stock import returns
from omnisync.stock.tables import Movement
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import Case
from omnisync.values import Kind, Shelf

CASE = "double_return"
NEAR = timedelta(minutes=30)
"""The same article, as many pieces, without and with a receipt, not longer apart than that: perhaps rung up twice."""
_movement = db.table(Movement)


def note(session: Session, context: Context, channel: Channel, shelves: Collection[Shelf], *, now: datetime) -> None:
    """Open a case for each pair of returns just booked on these shelves that may be one piece told under two names.

    Both are booked, as the channel itself counts them.
    """
    for shelf in sorted(shelves):
        found = session.execute(_returned(channel, shelf)).all()
        for row in found:
            twin = next((one for one in found if _may_be_one(row, one)), None)
            if row.recorded_at == now and twin is not None:
                loose, receipt = (twin, row) if returns.is_with_receipt(row) else (row, twin)
                _open(session, context, channel, shelf, loose, receipt, now)


def _returned(channel: Channel, shelf: Shelf) -> sa.Select[Any]:
    name = channel.name
    ours = sa.or_(
        _movement.c.cause.startswith(f"order:{name}:", autoescape=True),
        _movement.c.cause.startswith(f"{name}:", autoescape=True),
    )
    return (
        sa.select(_movement)
        .where(_movement.c.location == shelf.location, _movement.c.sku == shelf.sku, ours)
        .where(_movement.c.kind == Kind.RETURNED.value, _movement.c.on_hand > 0, _movement.c.key.is_not(None))
        .order_by(_movement.c.id)
    )


def _may_be_one(row: Any, other: Any) -> bool:
    told_differently = returns.is_with_receipt(row) != returns.is_with_receipt(other)
    names = returns.name_without_receipt(row), returns.name_without_receipt(other)
    near = abs(row.occurred_at - other.occurred_at) <= NEAR
    return told_differently and names[0] != names[1] and row.on_hand == other.on_hand and near


def _open(
    session: Session, context: Context, channel: Channel, shelf: Shelf, loose: Any, receipt: Any, now: datetime
) -> None:
    pair = {"without": returns.name_without_receipt(loose), "with": returns.name_without_receipt(receipt)}
    known = session.exec(select(Case).where(Case.channel == channel.name, Case.kind == CASE))
    if any(pair.items() <= (case.details or {}).items() for case in known):
        return
    order = str(receipt.cause).removeprefix(f"order:{channel.name}:")
    case = Case(
        id=context.ids.new(), channel=channel.name, kind=CASE, opened_at=now,
        title=f"{loose.on_hand} × {shelf.sku} came back to {shelf.location} twice: without a receipt, and with order {order}",
        cause="Both were told within half an hour, under different names. Both are booked.",
        proposal="If it was one piece, count the shelf; if there were two, dismiss.",
        details={**pair, "sku": shelf.sku, "location": shelf.location, "quantity": loose.on_hand, "order": order},
    )  # fmt: skip
    session.add(case)
    announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": CASE}, now=now)
    session.flush()
