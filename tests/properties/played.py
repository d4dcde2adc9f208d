"""What examples really came to, counted in the ledger's own tables before they are rolled back: a rule that is drawn and does
nothing counts for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.tables import ChannelOrder, OrderLine, PickupAct
from omnisync.stock.tables import Archive, GoodsReturn, Movement, Reservation, Stocktake, Transfer, TransferLine
from omnisync.values import Kind

_movement, _hold, _line, _order = (db.table(one) for one in (Movement, Reservation, OrderLine, ChannelOrder))
_act, _return, _take, _sent = (db.table(one) for one in (PickupAct, GoodsReturn, Stocktake, TransferLine))
_transfer = db.table(Transfer)
_FOR_A_PICKUP = sa.exists().where(_transfer.c.id == _sent.c.transfer_id, _transfer.c.pickup_id.is_not(None))
_KINDS = (
    Kind.SOLD, Kind.RETURNED, Kind.FOUND, Kind.MISSING, Kind.DAMAGED, Kind.COUNT, Kind.COUNTED_ALREADY, Kind.AWAITED,
    Kind.RECEIVED, Kind.CALLED_OFF, Kind.BLOCKED, Kind.UNBLOCKED, Kind.OFF_SALE, Kind.SAFETY, Kind.BACKORDER,
    Kind.TRANSFER_OUT, Kind.ORDER, Kind.SHIPPED, Kind.HOLD, Kind.COLLECTED, Kind.RELEASED,
)  # fmt: skip
_ACTS = ("placed", "ready", "collected", "cancelled", "rejected", "transferred", "goods_arrived", "cannot_send")
_AND_A_HOLD = sa.exists().where(_hold.c.channel == _order.c.channel, _hold.c.reference == _order.c.reference)

_QUESTIONS: Mapping[str, sa.ColumnElement[bool]] = {
    **{f"movement: {kind.value}": _movement.c.kind == kind.value for kind in _KINDS},
    "order with a hold of its reference": _AND_A_HOLD,
    "order line: a set": sa.and_(_line.c.sku == "SET", ~_line.c.order_id.contains("receipt")),
    "order line: sent": sa.and_(_line.c.shipped > 0, _line.c.cancelled == 0),
    "order line: called off": sa.and_(_line.c.cancelled > 0, _line.c.shipped == 0),
    "order line: refunded after it was sent": _line.c.cancelled + _line.c.shipped > _line.c.quantity,
    "order line: came back": _return.c.order_id.is_not(None),
    "what came back: looked at": _return.c.decided_at.is_not(None),
    **{f"hold: {state}": _hold.c.state == state for state in ("confirmed", "collected", "released", "expired")},
    "hold: taken over": sa.and_(_hold.c.pickup.is_not(None), _hold.c.state == "released"),
    **{f"pickup: {what}": _act.c.what == what for what in _ACTS},
    "goods for a pickup: sent": sa.and_(_sent.c.sent > 0, _FOR_A_PICKUP),
    "goods for a pickup: lost": sa.and_(_sent.c.lost > 0, _FOR_A_PICKUP),
    "goods for a store: called off": sa.and_(_sent.c.called_off > 0, ~_FOR_A_PICKUP),
    "goods for a store: received": sa.and_(_sent.c.received > 0, ~_FOR_A_PICKUP),
    "goods for a store: lost": sa.and_(_sent.c.lost > 0, ~_FOR_A_PICKUP),
    "stocktake: booked": _take.c.ended_how == "booked",
    "stocktake: abandoned": _take.c.ended_how == "abandoned",
    "month archived": db.table(Archive).c.id > 0,
}
"""Which rows are counted under a name. What has left the journal by an archive is not among its movements."""


def played(session: Session) -> Counter[str]:
    """How often each thing happened."""
    return Counter(
        {
            name: session.execute(sa.select(sa.func.count()).where(which)).scalar_one()
            for name, which in _QUESTIONS.items()
        }
    )


def never(tally: Mapping[str, int]) -> list[str]:
    """What was not played at all."""
    return [name for name in _QUESTIONS if not tally.get(name)]


def told(tally: Mapping[str, int]) -> str:
    """How often each was played, as text."""
    return "\n".join(f"{tally.get(name, 0):8,} {name}" for name in _QUESTIONS)
