"""What `omnisync doctor` says of each channel: what it answers now, and how the two have got on so far."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import Adapter, Write
from omnisync.commands.finding import Finding, Level, counted
from omnisync.commands.world import World, check_schema, open_engine
from omnisync.errors import NeedsAttention, TryLater
from omnisync.settings import ChannelSettings, Settings
from omnisync.sync import health, moments, questions, subscribing
from omnisync.sync.context import Channel, Context, Inline
from omnisync.sync.questions import Kind
from omnisync.sync.tables import ChannelListing, DeadLetter, ShownState
from omnisync.values import format_time

STALE_AFTER = timedelta(hours=1)
"""Longer than any channel is left alone by a worker that runs."""
CLOCK_WARNS = timedelta(minutes=1)
_GAPS = {
    Kind.UNKNOWN_ARTICLE: "unknown articles",
    Kind.TWO_LISTINGS: "articles with several listings",
    Kind.CHANGED_BARCODE: "changed barcodes",
    Kind.UNMAPPED_PLACE: "places without a location",
}
_LEVELS = {"on_time": Level.OK, "shadow": Level.OK}


async def examine(world: World, settings: Settings) -> list[Finding]:
    """Every channel: its own checks by calls that only read, then what the database knows of it."""
    made: dict[str, Adapter] = {}
    asked = [_ask(world, settings, channel, made) for channel in settings.channels]
    answers = dict(zip([channel.name for channel in settings.channels], await asyncio.gather(*asked), strict=True))
    try:
        known = _known(world, settings, made)
    finally:
        await asyncio.gather(*(adapter.close() for adapter in made.values()))
    return [finding for name, answer in answers.items() for finding in (*answer, *known.get(name, ()))]


async def _ask(world: World, settings: Settings, channel: ChannelSettings, made: dict[str, Adapter]) -> list[Finding]:
    name = channel.name
    try:
        made[name] = world.factory(channel.adapter)(
            name, channel.settings, channel.location_map, settings.server.public_url, world.tools
        )
        checks = await made[name].check()
    except NeedsAttention as error:
        return [Finding(Level.FAIL, name, error.message, error.action)]
    except TryLater as error:
        mend = (
            "Nothing, if this passes: it is tried again by itself. If it stays: is the address in its settings right, and does "
            "this machine reach it?"
        )
        return [Finding(Level.WARN, name, error.message, mend)]
    found = [Finding(Level.OK if one.ok else Level.FAIL, f"{name} {one.name}", one.detail, one.mend) for one in checks]
    return [*found, *_clock(name, moments.told_ahead(made[name]))]


def _clock(name: str, ahead: timedelta | None) -> Iterator[Finding]:
    """Whether the times that the shop's machine tells can be set right; nothing where they are right, or where it does not say."""
    if ahead is None or abs(ahead) <= CLOCK_WARNS:
        return
    far = abs(ahead) > moments.MAX_SKEW
    off = f"{abs(ahead)} {'ahead of' if ahead > timedelta() else 'behind'} ours"
    yield Finding(
        Level.FAIL if far else Level.WARN, f"{name} clock",
        f"{off}: too much to be taken off, sales may fall on the wrong side of a count" if far else f"{off}, which is taken off",
        "Let the machine of the shop keep its time (timedatectl set-ntp true there).",
    )  # fmt: skip


def _known(world: World, settings: Settings, made: dict[str, Adapter]) -> dict[str, list[Finding]]:
    """What stands in the database; nothing where it cannot be used, which is a finding of its own."""
    try:
        with open_engine(settings) as engine:
            check_schema(engine)
            context = Context(Inline(engine), settings, world.clock, world.ids, made)
            with db.reading(engine) as session:
                now = db.now(session, world.clock)
                return {
                    name: list(_channel(session, channel, settings, now)) for name, channel in context.channels.items()
                }
    except (NeedsAttention, sa.exc.DBAPIError):
        return {}


def _channel(session: Session, channel: Channel, settings: Settings, now: datetime) -> Iterator[Finding]:
    found = health.of(session, channel, now=now)
    yield _reading(found, now)
    if subscribing.wanted(channel, settings.server.public_url):
        yield _webhooks(session, found)
    if found.last_success_at is not None or found.state not in _LEVELS:
        yield _mapping(session, channel)
    yield from _first_writing(session, channel, found)
    if found.last_success_at is not None or found.state not in _LEVELS:
        yield _state(found)


def _reading(found: health.Health, now: datetime) -> Finding:
    subject, last = f"{found.channel} reading", found.last_success_at
    mend = "Start `omnisync serve` or `omnisync worker`, and see its log if it runs."
    if last is None:
        return Finding(Level.WARN, subject, "no call to it has worked yet", mend)
    return Finding(
        Level.WARN if now - last > STALE_AFTER else Level.OK, subject, f"last worked {format_time(last)}", mend
    )


def _webhooks(session: Session, found: health.Health) -> Finding:
    subject = f"{found.channel} webhooks"
    open_ones = select(DeadLetter).where(
        DeadLetter.channel == found.channel, DeadLetter.key == subscribing.LETTER, col(DeadLetter.closed_at).is_(None)
    )
    letter = session.exec(open_ones).first()
    if letter is not None:
        return Finding(Level.FAIL if found.subscribed_at is None else Level.WARN, subject, letter.reason, letter.action)
    if found.subscribed_at is None and found.state == "shadow":
        return Finding(Level.OK, subject, "none as long as it is in shadow: it is polled")
    if found.subscribed_at is None:
        mend = "They are subscribed within the hour by `omnisync serve` or `worker`; until then it is polled."
        return Finding(Level.WARN, subject, "are not subscribed yet", mend)
    stands = f"stand since {format_time(found.subscribed_at)}"
    if found.silent_topics:
        silent = ", ".join(f"{topic} {since}" for topic, since in found.silent_topics.items())
        mend = (
            "See at the channel whether its deliveries fail, and whether a proxy refuses them; meanwhile it is polled."
        )
        return Finding(Level.WARN, subject, f"{stands}, silent since: {silent}", mend)
    return Finding(Level.OK, subject, stands)


def _mapping(session: Session, channel: Channel) -> Finding:
    subject, listed = f"{channel.name} mapping", _listings(session, channel)
    open_ones, counts = questions.page(session, [channel], kind=None, after=None, limit=1000)
    gaps = [f"{words}: {counts[kind.value]}" for kind, words in _GAPS.items() if counts[kind.value]]
    if not gaps:
        return Finding(Level.OK, subject, f"{counted(listed, 'listing')}, nothing unclear")
    waiting = sum(one.waiting for one in open_ones)
    held_up = f"; facts and order lines that wait: {waiting}" if waiting else ""
    mend = (
        "GET /v1/mappings lists them with proposals; POST /v1/mappings/{id}/answer clears each up and books what waits."
    )
    return Finding(Level.WARN, subject, f"{counted(listed, 'listing')}; {', '.join(gaps)}{held_up}", mend)


def _listings(session: Session, channel: Channel) -> int:
    statement = select(sa.func.count()).select_from(ChannelListing).where(ChannelListing.channel == channel.name)
    return session.exec(statement.where(col(ChannelListing.gone_at).is_(None))).one()


def _first_writing(session: Session, channel: Channel, found: health.Health) -> Iterator[Finding]:
    """Whether the numbers of another tool are about to be replaced: said until the first of ours stands there."""
    if channel.can.write is Write.NONE or found.state in ("shadow", "paused"):
        return
    written = select(ShownState.channel).where(
        ShownState.channel == channel.name, col(ShownState.applied_at).is_not(None)
    )
    if session.exec(written.limit(1)).first() is None:
        yield Finding(
            Level.WARN, f"{channel.name} numbers", "none of ours was ever written there; the next round of the worker begins with it",
            f"Nothing, if they are meant. To look first: shadow = true in its settings, then `omnisync plan {channel.name}`.",
        )  # fmt: skip


def _state(found: health.Health) -> Finding:
    level = _LEVELS.get(found.state, Level.WARN)
    exposed = f"; pieces offered that are gone: {found.exposed}" if found.exposed else ""
    lies = f"; numbers taken and not shown: {found.contradicted}" if found.contradicted else ""
    detail = f"{found.state}: {found.reason.rstrip('.')}{exposed}{lies}"
    mend = found.action or "GET /v1/channels, /v1/cases and /v1/dead-letters say more, with what mends it."
    return Finding(Level.WARN if exposed or lies else level, f"{found.channel} state", detail, mend)
