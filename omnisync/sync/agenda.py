"""What waits at a channel, asked in one query: most rounds find that nothing does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.sync import claims, gone, health, leases, telling
from omnisync.sync.context import Channel
from omnisync.sync.cursors import LISTINGS
from omnisync.sync.tables import ChannelHealth, InboxMessage, Lease, ShownState

_health, _inbox, _shown = db.table(ChannelHealth), db.table(InboxMessage), db.table(ShownState)
_lease = db.table(Lease)


@dataclass(frozen=True, slots=True)
class Agenda:
    """The duties of one round."""

    known: bool
    """Whether the channel has a row of health yet."""
    paused: bool
    shadow: bool
    """Whether the channel has not gone live, or was handed back."""
    breaker: str
    retry_at: datetime | None
    messages: bool
    looks: bool
    writes: bool
    news: bool
    listings: bool
    guest: bool
    """Whether a command asks the channel."""

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be written there."""
        return self.paused or self.shadow

    def may_call(self, now: datetime) -> bool:
        """Whether the channel is not being left alone for a while."""
        return self.retry_at is None or self.retry_at <= now


def of(session: Session, channel: Channel, *, now: datetime) -> Agenda:
    """What waits there now."""
    given = {
        "channel": channel.name, "now": now, "read_since": now - gone.ASK_AGAIN_AFTER,
        "guest": leases.of_guest(channel.name),
    }  # fmt: skip
    name, paused, writes, breaker, retry_at, *found = session.execute(
        _query(channel.can.looks, channel.can.tells_pickups), given
    ).one()
    shadow = channel.in_shadow or health.is_shadow(channel, writes)  # what begins in shadow ends in it
    return Agenda(name is not None, bool(paused), shadow, breaker or "closed", retry_at, *map(bool, found))


@cache
def _query(looks: bool, tells: bool) -> sa.Select[Any]:
    """One row of health, and whether anything waits of each kind."""
    columns = (_health.c.paused, _health.c.writes, _health.c.breaker, _health.c.retry_at)
    waits = [sa.exists(one).label(name) for name, one in _waiting(looks, tells).items()]
    one_row = sa.select(sa.bindparam("channel", type_=_health.c.channel.type).label("channel")).subquery()
    return sa.select(_health.c.channel, *columns, *waits).select_from(
        one_row.outerjoin(_health, _health.c.channel == one_row.c.channel)
    )


def _waiting(looks: bool, tells: bool) -> dict[str, sa.Select[Any]]:
    """Queries that find something if there is something to do."""
    channel: sa.BindParameter[str] = sa.bindparam("channel")
    now: sa.BindParameter[datetime] = sa.bindparam("now")
    messages = sa.select(_inbox.c.id).where(
        _inbox.c.channel == channel, _inbox.c.state == "received",
        _inbox.c.next_try_at <= now,
    )  # fmt: skip
    seeable = sa.select(sa.literal(1)).where(
        _shown.c.channel == channel, _shown.c.look_at <= now, _shown.c.wanted.is_not(None)
    )
    return {
        "messages": messages,
        "looks": seeable if looks else _NOTHING,
        "writes": sa.select(sa.literal(1)).where(*claims.waiting(channel, now)),
        "news": telling.waiting(channel, now) if tells else _NOTHING,
        "listings": gone.waiting(channel, LISTINGS, sa.bindparam("read_since")),
        "guest": sa.select(_lease.c.name).where(_lease.c.name == sa.bindparam("guest"), _lease.c.until > now),
    }


_NOTHING = sa.select(sa.literal(1)).where(sa.false())
