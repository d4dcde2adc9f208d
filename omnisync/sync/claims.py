"""Taking listings that are behind into one write: one in flight each, the most urgent first, numbers read at that moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from omnisync import db
from omnisync.adapters.base import Shown, Target
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.sync import guard, health
from omnisync.sync.behind import wish_for
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import OF_LISTINGS, Key, key_of, price_differs, stock_differs, waits, wanted_price
from omnisync.sync.tables import PRICE_PLACE, ChannelListing, Sent, ShownState
from omnisync.sync.wanted import offered, wanted
from omnisync.values import Money

_listing, _shown, _sent = db.table(ChannelListing), db.table(ShownState), db.table(Sent)
_order, _line = db.table(ChannelOrder), db.table(OrderLine)
IN_FLIGHT = timedelta(seconds=120)
"""Longer than any call may take; after that its worker is thought to be gone."""
BUDGET_DAY = timedelta(hours=24)
WAIT_FOR_BUDGET = timedelta(minutes=15)
SPARE_FROM_PERCENT = 80
"""From this share of a listing's daily revisions on, only numbers that must go down are written."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in flight and what is written for it."""

    key: Key
    shown: Shown


def due(session: Session, channel: Channel, *, now: datetime, prices: bool, limit: int) -> list[Key]:
    """Rows that may be written now: what crosses zero first, then what is behind longest."""
    given = {"channel": channel.name, "now": now, "limit": limit}
    return [Key(*row) for row in session.execute(_due(prices), given)]


@cache
def _due(prices: bool) -> sa.Select[str, str]:
    urgency = sa.case(
        (sa.and_(_shown.c.wanted == 0, sa.func.coalesce(_shown.c.believed, 1) != 0), 0),
        (_shown.c.believed == 0, 1),
        else_=2,
    )
    return (
        sa.select(_shown.c.external_id, _shown.c.place)
        .where(*waiting(sa.bindparam("channel"), sa.bindparam("now")))
        .where((_shown.c.place == PRICE_PLACE) if prices else (_shown.c.place != PRICE_PLACE))
        .order_by(urgency, _shown.c.behind_since, _shown.c.external_id, _shown.c.place)
        .limit(sa.bindparam("limit"))
    )


def waiting(channel: db.Bound[str], now: db.Bound[datetime]) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of a channel's rows that may be written now."""
    # Of two numbers that a channel applies later the older may land last. Fewer pieces cannot wait until the first is seen there;
    # more can, and a number that lands late then hides nothing.
    overtaken = sa.and_(
        _shown.c.unsettled == "accepted",
        _shown.c.wanted < sa.func.coalesce(_shown.c.submitted, _shown.c.believed),
    )
    return (
        _shown.c.channel == channel,
        _shown.c.behind_since.is_not(None),
        sa.or_(_shown.c.in_flight_until.is_(None), _shown.c.in_flight_until <= now),
        sa.or_(_shown.c.next_try_at.is_(None), _shown.c.next_try_at <= now, overtaken),
        sa.or_(_shown.c.guard_decision.is_(None), _shown.c.guard_decision == "apply"),
    )


def blind(session: Session, channel: Channel, keys: Sequence[Key]) -> list[Key]:
    """Those whose level has to be read before they are written: the channel does not compare, or we do not know what is there."""
    if not channel.can.looks:
        return []
    rows = session.execute(OF_LISTINGS, _named(channel, keys)).scalars()
    unknown = {
        key_of(row)
        for row in rows
        if not channel.compares
        or row.believed is None
        or (row.unsettled == "unknown" and row.wanted != row.submitted)
        or row.in_flight_until is not None  # its worker is gone
        or row.look_at is not None
    }
    return [key for key in keys if key in unknown and key.place != PRICE_PLACE]


def targets(session: Session, channel: Channel, keys: Sequence[Key]) -> list[Target]:
    """What the adapter needs to know about these rows to read them; a price is the same at every place."""
    listings = _listings(session, channel, {key.external_id for key in keys})
    somewhere = next(iter(channel.settings.location_map), PRICE_PLACE) if channel.can.many_locations else PRICE_PLACE
    return [
        _target(listings[key.external_id], somewhere if key.place == PRICE_PLACE else key.place)
        for key in keys
        if key.external_id in listings
    ]


def claim(
    session: Session,
    context: Context,
    channel: Channel,
    keys: Sequence[Key],
    *,
    now: datetime,
    fresh: Collection[str] = (),
) -> list[Claimed]:
    """Mark these rows as in flight and return what is to be written; what shows the right number meanwhile is left out.

    The numbers of `fresh` SKUs were computed in this very transaction.
    """
    rows = _locked(session, channel, keys, now)
    changed = _refresh(session, context, channel, [row for row in rows if row.sku not in fresh], now)
    if changed or any(map(_empties_unseen, rows)):
        guard.hold_back(session, context, channel, now=now)
    listings = _listings(session, channel, {row.external_id for row in rows})
    written = _revisions(session, channel, rows, now)
    carried = _recorded_orders(session, channel, rows)
    claimed, sent = list[Claimed](), list[dict[str, Any]]()
    for row in rows:
        if row.behind_since is None or waits(row) or row.external_id not in listings:
            continue
        if not _affordable(channel, row, written.get(row.external_id, 0)):
            row.next_try_at = now + WAIT_FOR_BUDGET
            continue
        allocated = min(row.allocated, carried.get(row.sku, 0) + row.provisional)
        target = _target(listings[row.external_id], row.place)
        shown, again = _submit(context, row, target, allocated, now)
        claimed.append(Claimed(key_of(row), shown))
        sent += [] if again else [_sending(row, now)]
    db.insert_all(session, _sent, sent)
    return claimed


def _submit(context: Context, row: ShownState, target: Target, allocated: int, now: datetime) -> tuple[Shown, bool]:
    """What is written, and whether it was written before and nobody knows what became of it."""
    quantity = row.wanted if stock_differs(row) else None
    price = wanted_price(row) if price_differs(row) else None
    again = row.unsettled == "unknown" and row.tag is not None and _same(row, quantity, price)
    if row.unsettled == "accepted":
        row.before = None  # it may land yet, before this one or after
    if not again:
        row.tag, row.compare, row.unsettled = context.ids.new(), row.believed, None
    assert row.tag is not None
    row.submitted, row.submitted_price_minor = quantity, None if price is None else price.minor
    row.submitted_at, row.in_flight_until = now, now + IN_FLIGHT
    return Shown(target, row.tag, now, quantity=quantity, compare=row.compare, price=price, allocated=allocated), again


def _sending(row: ShownState, now: datetime) -> dict[str, Any]:
    return {
        "tag": row.tag, "channel": row.channel, "external_id": row.external_id, "place": row.place, "sku": row.sku,
        "quantity": row.submitted, "price_minor": row.submitted_price_minor, "changed_at": row.behind_since, "sent_at": now,
    }  # fmt: skip


def _same(row: ShownState, quantity: int | None, price: Money | None) -> bool:
    # The very same write again carries the same tag: a channel that knows it has its effect once, and tells us.
    return (quantity, None if price is None else price.minor) == (row.submitted, row.submitted_price_minor)


def _target(listing: sa.Row[Any], place: str) -> Target:
    named = place if place not in ("", PRICE_PLACE) else None
    return Target(listing.external_id, listing.sku, named, dict(listing.extra or {}))


# ---------------------------------------------------------------- reading


def _locked(session: Session, channel: Channel, keys: Sequence[Key], now: datetime) -> list[ShownState]:
    """The rows that nobody else writes at this moment, in the order of `keys`."""
    rows = {key_of(row): row for row in session.execute(_FREE, _named(channel, keys) | {"now": now}).scalars()}
    return [rows[key] for key in keys if key in rows]


_FREE = OF_LISTINGS.where(
    sa.or_(col(ShownState.in_flight_until).is_(None), col(ShownState.in_flight_until) <= sa.bindparam("now")),
    ~health.is_quiet(sa.bindparam("channel")),
).with_for_update(of=ShownState)


def _named(channel: Channel, keys: Sequence[Key]) -> dict[str, Any]:
    return {"channel": channel.name, "external_ids": sorted({key.external_id for key in keys})}


def _refresh(session: Session, context: Context, channel: Channel, rows: Sequence[ShownState], now: datetime) -> bool:
    """Read the numbers once more, as they are at this moment; whether any of them changed in a way that the guard looks at."""
    if not rows:
        return False
    wishes = {
        Key(wish.external_id, wish.place): wish
        for wish in wanted(session, context, channel, {row.sku for row in rows}, now=now)
    }
    suspicious = False
    for row in rows:
        if wish := wishes.get(key_of(row)):
            before = (row.wanted, row.wanted_price_minor)
            wish_for(session, row, wish, now=now)
            changed = before != (row.wanted, row.wanted_price_minor)
            suspicious = suspicious or (changed and (row.wanted == 0 or before[1] != row.wanted_price_minor))
    return suspicious


def _empties_unseen(row: ShownState) -> bool:
    """Whether our first number there would be zero: what it shows was read only now, and the guard has not seen that."""
    return row.wanted == 0 and row.applied is None and bool(row.believed) and row.guard_decision is None


def _listings(session: Session, channel: Channel, external_ids: Collection[str]) -> dict[str, sa.Row[Any]]:
    given = {"channel": channel.name, "external_ids": sorted(external_ids)}
    return {row.external_id: row for row in session.execute(_LISTINGS, given)}


_LISTINGS = sa.select(_listing.c.external_id, _listing.c.sku, _listing.c.extra).where(
    _listing.c.channel == sa.bindparam("channel"),
    db.among(_listing.c.external_id, db.many("external_ids")),
    *offered(),
)


def _recorded_orders(session: Session, channel: Channel, rows: Sequence[ShownState]) -> Mapping[str, int]:
    """SKU -> pieces in orders of this channel that the ledger knows and the channel has not yet sent."""
    if not channel.can.allocates or not rows:
        return {}
    given = {"channel": channel.name, "skus": sorted({row.sku for row in rows})}
    return {sku: int(pieces) for sku, pieces in session.execute(_STILL_OPEN, given)}


_LEFT = _line.c.quantity - _line.c.cancelled - _line.c.shipped
"""Below zero where the price of what was sent was given back."""
_STILL_OPEN = (
    sa.select(_line.c.sku, sa.func.sum(sa.case((_LEFT > 0, _LEFT), else_=0)))
    .join(_order, _order.c.id == _line.c.order_id)
    .where(
        _order.c.channel == sa.bindparam("channel"),
        db.among(_line.c.sku, db.many("skus")),
        _line.c.waiting.is_(None),
    )
    .group_by(_line.c.sku)
)


def _revisions(session: Session, channel: Channel, rows: Sequence[ShownState], now: datetime) -> Mapping[str, int]:
    """Writes of the last 24 hours by listing, where the channel allows only so many."""
    if channel.can.revisions_per_day is None:
        return {}
    given = {"channel": channel.name, "skus": sorted({row.sku for row in rows}), "since": now - BUDGET_DAY}
    return {external_id: int(number) for external_id, number in session.execute(_WRITTEN, given)}


_WRITTEN = (
    sa.select(_sent.c.external_id, sa.func.count())
    .where(
        _sent.c.channel == sa.bindparam("channel"),
        db.among(_sent.c.sku, db.many("skus")),
        _sent.c.sent_at > sa.bindparam("since"),
    )
    .group_by(_sent.c.external_id)
)


def _affordable(channel: Channel, row: ShownState, written: int) -> bool:
    budget = channel.can.revisions_per_day
    if budget is None or written * 100 < budget * SPARE_FROM_PERCENT:
        return True
    lowers = row.wanted is not None and (row.believed is None or row.wanted < row.believed)
    return written < budget and lowers
