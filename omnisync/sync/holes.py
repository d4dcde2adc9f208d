"""Holes in the numbers of a channel's orders: where the numbers follow one another, a missing one is an order that nobody told us."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import OrderSeen
from omnisync.adapters.besides import FindsOrders
from omnisync.announce import announce
from omnisync.orders.tables import ChannelOrder
from omnisync.sync import cursors, facts
from omnisync.sync.context import Channel, Context

EVERY = timedelta(minutes=15)
LOOK_BACK = timedelta(days=7)
PATIENCE = timedelta(minutes=5)
"""So long after the next number an order may still be on its way to us."""
WIDEST = 20
"""Where more numbers in a row are missing, the channel began to count anew."""
MOST_AT_ONCE = 50
NAME = "holes"
_NUMBERED = re.compile(r"(.*?)(\d{1,15})")
_order = db.table(ChannelOrder)


async def fill(context: Context, channel: Channel) -> int:
    """Fetch the orders whose numbers are missing, each asked for once; how many there were."""
    if not channel.can.finds_orders:
        return 0
    now = context.clock.now()
    missing = (await context.store.read(lambda session: find(session, channel, now=now)))[:MOST_AT_ONCE]
    if not missing:
        return 0
    found = await cast(FindsOrders, channel.adapter).find(missing)
    now = context.clock.now()
    await context.store.write(lambda session: _book(session, context, channel, missing, found, now))
    return len(found)


def find(session: Session, channel: Channel, *, now: datetime) -> list[str]:
    """Numbers between those of known orders that no order has, oldest first, but for those that were asked for before."""
    given = {"channel": channel.name, "since": now - LOOK_BACK, "until": now - PATIENCE}
    known: dict[str, dict[int, int]] = defaultdict(dict)
    for reference in session.execute(_KNOWN, given).scalars():
        if numbered := _NUMBERED.fullmatch(reference):
            known[numbered[1]][int(numbered[2])] = len(numbered[2])
    asked = set(_asked(session, channel))
    return [one for prefix, numbers in sorted(known.items()) for one in _between(prefix, numbers) if one not in asked]


def _between(prefix: str, numbers: dict[int, int]) -> Iterator[str]:
    for one, following in pairwise(sorted(numbers)):
        if following - one <= WIDEST + 1:
            yield from (f"{prefix}{number:0{numbers[one]}}" for number in range(one + 1, following))


# An order that was seen just now bounds nothing yet; one that was seen by its number alone is known all the same.
_KNOWN = sa.select(_order.c.reference).where(
    _order.c.channel == sa.bindparam("channel"),
    _order.c.placed_at >= sa.bindparam("since"),
    _order.c.placed_at <= sa.bindparam("until"),
)


def _asked(session: Session, channel: Channel) -> Sequence[str]:
    place = cursors.find(session, channel.name, NAME)
    return (place.value or "").split("\n") if place is not None else []


def _book(
    session: Session, context: Context, channel: Channel, missing: Sequence[str], found: Sequence[object], now: datetime
) -> None:
    orders = [one for one in found if isinstance(one, OrderSeen)]
    facts.apply(session, context, channel, orders, now=now)
    # What is asked for once and is not there was deleted, or never was an order: the newest are remembered, the rest is out of sight.
    remembered = [*filter(None, _asked(session, channel)), *missing][-20 * MOST_AT_ONCE :]
    cursors.put(session, channel.name, NAME, "\n".join(remembered), at=now)
    if orders:
        body = {"channel": channel.name, "orders": sorted(order.reference for order in orders)}
        announce(session, "channel.gap_filled", body, now=now)
