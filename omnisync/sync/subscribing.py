"""Keeping the webhook subscriptions of a channel as they should be: made at the start, looked after, made again when gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlmodel import Session

from omnisync.adapters.base import Subscription
from omnisync.announce import announce
from omnisync.errors import NeedsAttention
from omnisync.sync import deadletters, health
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter

EVERY = timedelta(hours=1)
LETTER = "subscriptions"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def wanted(channel: Channel, public_url: str) -> list[Subscription]:
    """What this channel shall send us; nothing where it cannot reach us or sends nothing. A queue needs no address of ours."""
    if channel.can.queue:
        return [Subscription(topic, url="") for topic in channel.can.topics]
    address = urlsplit(public_url)
    reachable = address.scheme == "https" or address.hostname in LOOPBACK
    if not (channel.can.webhooks and reachable):
        return []
    url = f"{public_url.rstrip('/')}/v1/hooks/{channel.name}"
    return [Subscription(topic, url) for topic in channel.can.topics]


async def look_after(context: Context, channel: Channel) -> bool:
    """Make the subscriptions those wanted. True when one had to be made or switched on: what it would have sent is to be read.

    Where the channel refuses, a person is asked, and its orders are polled meanwhile.
    """
    wishes = wanted(channel, context.settings.server.public_url)
    if not wishes:
        return False
    try:
        standing = await channel.adapter.subscriptions(wishes)
    except NeedsAttention as trouble:
        if trouble.code == "credentials":
            raise
        refused, now = trouble, context.clock.now()
        await context.store.write(lambda session: _refused(session, context, channel, refused, now))
        return False
    now = context.clock.now()
    await context.store.write(lambda session: _note(session, context, channel, standing, now))
    return any(one.renewed for one in standing)


def _note(
    session: Session, context: Context, channel: Channel, standing: Sequence[Subscription], now: datetime
) -> None:
    row = health.row_of(session, channel.name)
    renewed = sorted({one.topic for one in standing if one.renewed})
    if renewed:
        body = {"channel": channel.name, "topics": renewed, "again": row.subscribed_at is not None}
        announce(session, "channel.subscribed", body, now=now)
    if renewed or row.subscribed_at is None:
        row.subscribed_at = now
    mend = next((one.mend for one in standing if one.mend), "")
    if mend:
        reason = "Its webhooks stand, but not every server can check who signed them."
        _ask(session, context, channel, reason, mend, now)
    else:
        deadletters.mended(session, channel.name, LETTER, now=now)


def _refused(session: Session, context: Context, channel: Channel, trouble: NeedsAttention, now: datetime) -> None:
    health.row_of(session, channel.name).subscribed_at = None
    _ask(session, context, channel, trouble.message, trouble.action, now)


def _ask(session: Session, context: Context, channel: Channel, reason: str, action: str, now: datetime) -> None:
    letter = Letter("webhooks", LETTER, f"Webhooks of {channel.name}", reason, action)
    deadletters.keep(session, context, channel.name, letter, now=now)
