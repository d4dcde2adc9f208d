"""Topics that have fallen silent: a webhook that stands and says nothing is found by how long it has never been silent before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.announce import announce
from omnisync.sync import health
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import InboxMessage
from omnisync.values import format_time

EVERY = timedelta(minutes=15)
MEMORY = timedelta(days=14)
KNOWN_FOR = timedelta(days=3)
"""Nights and a Sunday belong to what is usual: of a younger topic nobody knows that yet."""
LEAST = timedelta(minutes=30)
TIMES = 1.5
"""So much longer than its longest silence so far is too long."""
_inbox = db.table(InboxMessage)


async def watch(context: Context, channel: Channel) -> bool:
    """Whether a topic is silent that was not before, or still is: its subscription is to be looked after, and its orders to be read."""
    if not (channel.can.webhooks and channel.can.topics):
        return False
    now = context.clock.now()
    found = await context.store.read(lambda session: silent(session, channel, now=now))
    before = await context.store.read(lambda session: health.row_of(session, channel.name).silent_topics or {})
    if found.keys() != before.keys():
        await context.store.write(lambda session: _note(session, channel, found, now=now))
    return bool(found)


def silent(session: Session, channel: Channel, *, now: datetime) -> Mapping[str, datetime]:
    """Topic -> its last message, of those that have been silent for longer than they have ever been of late."""
    given = {"channel": channel.name, "topics": list(channel.can.topics), "since": now - MEMORY}
    found = {}
    for topic, first, last, longest in session.execute(_SILENCES, given):
        usual = timedelta(microseconds=longest or 0)
        if last - first >= KNOWN_FOR and now - last > max(LEAST, usual * TIMES):
            found[topic] = last
    return found


_AT = sa.type_coerce(_inbox.c.received_at, sa.BigInteger)
_GAPS = (
    sa.select(
        _inbox.c.topic,
        _inbox.c.received_at,
        (_AT - sa.func.lag(_AT).over(partition_by=_inbox.c.topic, order_by=_AT)).label("gap"),
    )
    .where(_inbox.c.channel == sa.bindparam("channel"), db.among(_inbox.c.topic, db.many("topics")))
    .where(_inbox.c.received_at >= sa.bindparam("since"))
    .subquery()
)
_SILENCES = sa.select(
    _GAPS.c.topic, sa.func.min(_GAPS.c.received_at), sa.func.max(_GAPS.c.received_at), sa.func.max(_GAPS.c.gap)
).group_by(_GAPS.c.topic)


def _note(session: Session, channel: Channel, found: Mapping[str, datetime], *, now: datetime) -> None:
    row = health.row_of(session, channel.name)
    fresh = sorted(found.keys() - (row.silent_topics or {}).keys())
    row.silent_topics = {topic: format_time(since) for topic, since in sorted(found.items())}
    if fresh:
        announce(session, "channel.silent", {"channel": channel.name, "topics": fresh}, now=now)
