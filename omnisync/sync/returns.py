"""Two returns that may be one: a person looks, for nobody can tell from here whether it was one piece or two."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from omnisync import db
from omnisync.announce import announce
from omnisync.stock import came_back, returns
from omnisync.stock.tables import GoodsReturn, Movement
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import Case
from omnisync.values import Kind, Shelf

CASE = "double_return"
NEAR = timedelta(minutes=30)
"""The same article, as many pieces, without and with a receipt, not longer apart than that: perhaps rung up twice."""
DAYS = timedelta(days=3)
"""As many pieces of the same article back from two channels, not longer apart, and sold with one known order: perhaps told twice."""
_movement = db.table(Movement)


def note(session: Session, context: Context, channel: Channel, shelves: Collection[Shelf], *, now: datetime) -> None:
    """Open a case for each pair of returns just booked on these shelves that may be one piece told under two names.

    Both are booked, as the channel itself counts them.
    """
    for shelf in sorted(shelves):
        found = session.execute(_returned(channel, shelf)).all()
        for row in (one for one in found if one.recorded_at == now):
            twin = next((one for one in found if _may_be_one(row, one)), None)
            if twin is not None:
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
        proposal="If it was one piece, apply: it is taken off again. If there were two, dismiss.",
        details={
            **pair, "sku": shelf.sku, "location": shelf.location, "quantity": loose.on_hand, "order": order,
            "take_off": loose.key,
        },
    )  # fmt: skip
    _tell(session, case)


def _tell(session: Session, case: Case) -> None:
    session.add(case)
    body = {"channel": case.channel, "case": case.id, "kind": CASE}
    announce(session, "channel.case_opened", body, now=case.opened_at)
    session.flush()


def note_other_channels(session: Session, context: Context, channel: Channel, *, now: datetime) -> None:
    """Open a case for each return just told of by this channel that another one may have told of as well."""
    for found in came_back.told(session, channel.name, now=now):
        for other in came_back.near(session, found, found.came_at - DAYS, found.came_at + DAYS):
            if _one_order(found, other):
                stays, goes = sorted((found, other), key=_in_hand)
                _open_for_two(session, context, stays, goes, now)


def _one_order(found: GoodsReturn, other: GoodsReturn) -> bool:
    """Sold once, as far as we know: one of the two knows its order, or both name the same one."""
    same = found.reference is not None and found.reference == other.reference
    return same or (found.order_id is None) != (other.order_id is None)


def _in_hand(found: GoodsReturn) -> tuple[bool, int]:
    """Over a counter somebody had it in the hand: that one stays, else the one that was told first."""
    return not found.counter, found.id or 0


def _open_for_two(session: Session, context: Context, stays: GoodsReturn, goes: GoodsReturn, now: datetime) -> None:
    pair = {"with": stays.key, "without": goes.key}
    known = session.exec(select(Case).where(Case.kind == CASE))
    if any({(case.details or {}).get(side) for side in pair} == set(pair.values()) for case in known):
        return
    order = stays.reference or goes.reference
    both = " and ".join(f"{one.channel} ({one.key})" for one in (stays, goes))
    _tell(session, Case(
        id=context.ids.new(), channel=goes.channel, kind=CASE, opened_at=now,
        title=f"{goes.quantity} × {goes.sku} of order {order} came back to {stays.location} and to {goes.location}",
        cause=f"Told by {both} within three days, and sold once as far as we know. Both are booked.",
        proposal=f"If it was one piece, apply: it is taken off again at {goes.location}. If there were two, dismiss.",
        details={
            **pair, "sku": goes.sku, "location": goes.location, "quantity": goes.quantity, "order": order,
            "channels": [stays.channel, goes.channel], "take_off": goes.key,
        },
    ))  # fmt: skip


def take_off(session: Session, case: Case, *, now: datetime) -> None:
    """It was one piece: the one of the two that nobody had in the hand is taken off again."""
    found = came_back.by_key(session, case.details["take_off"])
    if found is not None and found.id is not None:
        came_back.take_off_again(session, found.id, now=now)
