"""An order that a channel tells us of: into the ledger, and to everybody whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import OrderLine as Line
from omnisync.adapters.base import OrderSeen
from omnisync.announce import announce
from omnisync.orders import intake
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.stock import returns as told_returns
from omnisync.sync import arrivals, conflicts, deadletters, looks, moments, money, returns, wire
from omnisync.sync.booking import Booking
from omnisync.sync.deadletters import Letter, Payload

_line, _channel_order = db.table(OrderLine), db.table(ChannelOrder)


def book(booking: Booking, order: OrderSeen) -> int:
    """What the channel says of this order reaches the ledger, its own numbers and the desk; how many of its lines wait."""
    order_id, history = f"{booking.channel.name}:{order.id}", booking.is_history(order.placed_at)
    order = _ours_of(booking, order)
    oldest = booking.now - moments.TOO_OLD
    if order.placed_at < oldest and booking.session.execute(_KNOWN, {"order_id": order_id}).first() is not None:
        # It was believed when it was placed: what becomes of it is booked, however long it took.
        order = replace(order, placed_at=oldest)
    elif order.closed and order.placed_at < oldest:
        return 0  # long over; its goods are in no stock that was counted since
    else:
        order = replace(order, placed_at=booking.moment(order.placed_at))
    before = _bought(booking.session, order_id)
    taken = intake.take(
        booking.session,
        booking.channel.settings,
        order,
        booking.resolve,
        now=booking.now,
        ring_up=booking.context.ring_up,
        history=history,
    )
    booking.session.flush()
    if taken.stale:
        return 0
    after = _bought(booking.session, order_id)
    if taken.falls_later or not history:  # else its numbers have been lower for a long time
        _lower_own_numbers(booking, order, before, after)
    conflicts.note(booking.session, booking.context, booking.channel.name, order_id, taken.shortages, now=booking.now)
    _look_for_twins(booking, order)
    announce(booking.session, "channel.order", {"channel": booking.channel.name, "order": order_id}, now=booking.now)
    waiting = _lines_wait(booking, order, taken)
    if not history:
        money.note(
            booking.session, booking.context, booking.channel.name, order, {line.sku for line in after.values()},
            now=booking.now, message_id=booking.message_id,
        )  # fmt: skip
    arrivals.follow(booking.session, booking.context, booking.channel, order, now=booking.now)
    return waiting


def _ours_of(booking: Booking, order: OrderSeen) -> OrderSeen:
    """The same order; of lines of which a person said that they are none of our articles nothing is to be known."""
    if not any(booking.resolve.is_foreign(line.article) for line in order.lines):
        return order
    lines = [replace(one, stocked=one.stocked and not booking.resolve.is_foreign(one.article)) for one in order.lines]
    return replace(order, lines=tuple(lines))


_KNOWN = sa.select(_channel_order.c.id).where(_channel_order.c.id == sa.bindparam("order_id"))


@dataclass(frozen=True, slots=True)
class _Bought:
    """Pieces of one order line that is in the ledger."""

    sku: str
    quantity: int
    cancelled: int
    shipped: int

    @property
    def kept(self) -> int:
        """Those that the channel does not have any more: what was sent is gone, also when its price was given back."""
        return max(self.quantity - self.cancelled, min(self.shipped, self.quantity))


def _bought(session: Session, order_id: str) -> dict[str, _Bought]:
    """By line id; nothing while the channel has not taken it off its own numbers."""
    rows = session.execute(_BOUGHT, {"order_id": order_id})
    return {line_id: _Bought(*rest) for line_id, *rest in rows}


_BOUGHT = (
    sa.select(_line.c.line_id, _line.c.sku, _line.c.quantity, _line.c.cancelled, _line.c.shipped)
    .join(_channel_order, _channel_order.c.id == _line.c.order_id)
    .where(_line.c.order_id == sa.bindparam("order_id"), _line.c.waiting.is_(None), _line.c.sku.is_not(None))
    .where(_line.c.stocked, _channel_order.c.lowered)
)


def _lower_own_numbers(
    booking: Booking, order: OrderSeen, before: Mapping[str, _Bought], after: Mapping[str, _Bought]
) -> None:
    sold_at = {line.id: line.place for line in order.lines}
    came_back = {line.id for line in order.lines if line.restocks}
    for line_id, now in after.items() if not order.elsewhere else ():
        known = before.get(line_id, _Bought(now.sku, 0, 0, 0))
        bought, gone = now.quantity - known.quantity, now.kept - known.kept
        looks.ordered(
            booking.session, booking.channel, now.sku, max(0, gone), order.placed_at,
            sold_at.get(line_id), cancelled=max(0, min(bought, bought - gone)), now=booking.now,
        )  # fmt: skip
        if now.cancelled > known.cancelled or line_id in came_back:
            looks.taken_back(booking.session, booking.channel, now.sku, now=booking.now)


def _look_for_twins(booking: Booking, order: OrderSeen) -> None:
    if not any(line.restocks for line in order.lines):
        return
    loose = {restock.told_as for line in order.lines for restock in line.restocks} - {None}
    shelves = {
        shelf
        for name in sorted(one for one in loose if one)
        for shelf in told_returns.shelves_with_receipt(booking.session, f"{booking.channel.name}:{name}")
    }
    returns.note(booking.session, booking.context, booking.channel, shelves, now=booking.now)
    returns.note_other_channels(booking.session, booking.context, booking.channel, now=booking.now)


def _lines_wait(booking: Booking, order: OrderSeen, taken: intake.Taken) -> int:
    """How many of its lines wait for a person: not those of which one said that they are not to be done."""
    waiting = {f"line/{order.id}/{line.line_id}": line for line in taken.waiting}
    settled = [key for line in order.lines if (key := f"line/{order.id}/{line.id}") not in waiting]
    settled += [f"fact/order:{order.id}", *(f"fact/order:{order.id}/{line.id}" for line in order.lines)]
    deadletters.mended_all(booking.session, booking.channel.name, settled, now=booking.now)
    opened = 0
    for key, line in waiting.items():
        title = f"{line.title} in order {order.reference}"
        letter = Letter("line", key, title, line.reason, line.action, wire.to_json(order), booking.message_id)
        if not deadletters.is_discarded(
            booking.session, booking.channel.name, letter, partial(_asks_no_more, line.line_id)
        ):
            deadletters.keep(booking.session, booking.context, booking.channel.name, letter, now=booking.now)
            opened += 1
    return opened


def _asks_no_more(line_id: str, discarded: Payload, now: Payload) -> bool:
    """Whether the order, whatever else became of it, wants of this line's article no more than it did when the line was discarded."""
    before, after = _line_of(discarded, line_id), _line_of(now, line_id)
    return (
        before is not None
        and after is not None
        and (before.article == after.article and after.quantity - after.cancelled <= before.quantity - before.cancelled)
    )


def _line_of(payload: Payload, line_id: str) -> Line | None:
    order = wire.from_json(payload)
    lines = order.lines if isinstance(order, OrderSeen) else ()
    return next((line for line in lines if line.id == line_id), None)
