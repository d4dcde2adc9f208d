"""Reading back what channels show, whether or not we believe we know: what was not looked at for longest, so that everything is
read within the hour, and besides the worst: what drifts, what the channel has contradicted before, what was sold out, other numbers
that nobody has read since they were written. Both shares are fixed, so a pass costs a known number of calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.sync import looks, pricing, reconcile
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import Key
from omnisync.sync.tables import PRICE_PLACE, ChannelHealth, ShownState
from omnisync.sync.why import Overtaken, nothing_urgent

READ_ALL_WITHIN = timedelta(hours=1)
EVERY = timedelta(seconds=30)
WORST_PART = 2
"""For so many that are read by their age one of the worst is read besides."""


async def read_back(context: Context, channel: Channel, *, everything: bool = False) -> int:
    """Look at the listings whose turn it is; how many."""
    keys = await whose_turn(context, channel, everything=everything)
    return len(keys) - len(await read_on(context, channel, keys))


async def whose_turn(context: Context, channel: Channel, *, everything: bool = False) -> list[Key]:
    """What is to be looked at now; nothing where nothing can be."""
    if not channel.can.looks or not (channel.groups or pricing.published(channel)):
        return []
    now = context.clock.now()
    return await context.store.read(lambda session: turn(session, channel, now=now, everything=everything))


async def read_on(
    context: Context, channel: Channel, keys: Sequence[Key], *, overtaken: Overtaken = nothing_urgent
) -> Sequence[Key]:
    """Look at these until it is `overtaken`; those that are left."""
    while keys:
        size = channel.can.batch_size
        await reconcile.look(context, channel, keys[:size])
        keys = keys[size:]
        if keys and await overtaken():
            break
    return keys


async def read_due(context: Context, channel: Channel, *, overtaken: Overtaken = nothing_urgent) -> int:
    """Look only at what waits to be looked at: after a message, an accepted write, an order that came late; how many. When it is
    `overtaken` the rest waits for the next time."""
    if not channel.can.looks:
        return 0
    now = context.clock.now()
    keys = await context.store.read(lambda session: _due(session, channel, now))
    return len(keys) - len(await read_on(context, channel, keys, overtaken=overtaken))


def turn(session: Session, channel: Channel, *, now: datetime, everything: bool) -> list[Key]:
    """Whose turn it is: the worst, then what was seen longest ago."""
    free = _rows(channel).where(
        sa.or_(col(ShownState.in_flight_until).is_(None), col(ShownState.in_flight_until) <= now)
    )
    by_age = free.order_by(*_LONGEST_AGO)
    if everything:
        return _keys(session, by_age)
    total = session.exec(select(sa.func.count()).select_from(_rows(channel).subquery())).one()
    share = max(1, -(-int(total) * EVERY // READ_ALL_WITHIN))
    worst = _keys(session, free.where(*_SUSPICIOUS).order_by(_HOW_BAD, *_LONGEST_AGO).limit(-(-share // WORST_PART)))
    return list(dict.fromkeys([*worst, *_keys(session, by_age.limit(share))]))


_LONGEST_AGO = (
    sa.func.coalesce(sa.type_coerce(col(ShownState.seen_at), sa.BigInteger), 0),
    col(ShownState.external_id),
    col(ShownState.place),
)
_HOW_BAD = sa.case(
    (col(ShownState.drift_since).is_not(None), 0),
    (col(ShownState.contradicted_at).is_not(None), 1),
    (col(ShownState.wanted) == 0, 2),
    else_=3,
)
_SUSPICIOUS = (
    sa.or_(col(ShownState.drift_since).is_not(None), col(ShownState.before).is_not(None)),
    # What a person has yet to decide, or has decided to leave as it is, will not have changed by itself.
    sa.or_(col(ShownState.guard_decision).is_(None), col(ShownState.guard_decision) == "apply"),
)
"""Rows whose number may well be wrong: it was, or nobody has read it since it was written."""


def _keys(session: Session, statement: sa.Select[str, str]) -> list[Key]:
    return [Key(row.external_id, row.place) for row in session.execute(statement)]


def undo_unexplained(session: Session, context: Context, channel: Channel, *, now: datetime) -> int:
    """Offer pieces again that looked sold and for which no order came."""
    row = session.get(ChannelHealth, channel.name)
    return looks.undo_unexplained(session, context, channel, None if row is None else row.pulled_at, now=now)


def _rows(channel: Channel) -> sa.Select[str, str]:
    """What is ours to write there: its numbers, with which prices are read; its prices alone where no stock is ours."""
    ours = (
        (col(ShownState.place) != PRICE_PLACE, col(ShownState.wanted).is_not(None))
        if channel.groups
        else (col(ShownState.place) == PRICE_PLACE, col(ShownState.wanted_price_minor).is_not(None))
    )
    return sa.select(col(ShownState.external_id), col(ShownState.place)).where(
        col(ShownState.channel) == channel.name, *ours
    )


def _due(session: Session, channel: Channel, now: datetime) -> list[Key]:
    statement = _rows(channel).where(col(ShownState.look_at) <= now).order_by(col(ShownState.look_at)).limit(500)
    return [Key(row.external_id, row.place) for row in session.execute(statement)]
