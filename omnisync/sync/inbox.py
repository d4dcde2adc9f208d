"""Save first, understand later: a message is stored before the channel hears 2xx, read by the worker, and never gone."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import announce, db
from omnisync.adapters.base import Answer, Fact, Forged, Hook, KeyNeeded, Message
from omnisync.errors import NeedsAttention, NotYet, TryLater, Unauthorized
from omnisync.sync import deadletters, facts, health
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter
from omnisync.sync.facts import Told
from omnisync.sync.rows import backoff
from omnisync.sync.tables import InboxMessage

log = logging.getLogger(__name__)
CLAIMED_FOR = timedelta(minutes=2)
MAX_ATTEMPTS = 6
"""Of a message that we fail on, or whose order the channel does not show (some six minutes); one whose channel does not answer, or
refuses our key, is tried for `PATIENCE`."""
PATIENCE = timedelta(hours=24)
LONGEST_NAME = 255
BATCH = 50
AT_ONCE = 8
"""Resources that are read again at the same time."""
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_inbox = db.table(InboxMessage)


async def receive(context: Context, channel: Channel, hook: Hook) -> Answer:
    """What a channel hears that calls us: 2xx only after its message is stored. Unauthorized for a wrong signature."""
    found = channel.adapter.identify(hook)
    if isinstance(found, KeyNeeded):
        await channel.adapter.fetch_key(found.kid)
        found = channel.adapter.identify(hook)
    if isinstance(found, KeyNeeded):
        raise TryLater(f"The key {found.kid} of {channel.name} could not be fetched.")
    if isinstance(found, Forged):
        raise Unauthorized(found.reason, code="wrong-signature")
    if isinstance(found, Answer):
        return found
    return await context.store.submit(keep, Received(channel.name, found, hook, context.clock.now()))


@dataclass(frozen=True, slots=True)
class Received:
    """A verified message on its way into the inbox."""

    channel: str
    message: Message
    hook: Hook
    at: datetime


def keep(session: Session, received: Sequence[Received]) -> list[Answer]:
    """Store these messages together, the very same one only once, and answer what their channels hear then."""
    for channel, at in {one.channel: one.at for one in received}.items():
        health.heard(session, channel, now=at)
    db.insert_new(
        session, _inbox, list(map(_row, received)), key=("channel", "event_id", "body_hash"), returning=("id",)
    )
    announce.touch(session, channels=(one.channel for one in received))
    return [Answer(200)] * len(received)


def _row(one: Received) -> dict[str, Any]:
    return {
        "channel": one.channel, "event_id": storable(one.message.event_id),
        "body_hash": hashlib.sha256(one.hook.body).hexdigest(), "topic": storable(one.message.topic),
        "resource": one.message.resource and storable(one.message.resource), "method": one.hook.method, "url": one.hook.url,
        "headers": {name: value for name, value in one.hook.headers.items() if name not in _SECRET_HEADERS},
        "body": one.hook.body, "state": "received", "attempts": 0, "received_at": one.at,
        "next_try_at": _after_its_order(one.at) if one.message.later else one.at,
    }  # fmt: skip


def _after_its_order(at: datetime) -> datetime:
    """One to two seconds later, the same moment for all that came within a second: they are read together, when the order that
    explains them is booked."""
    return at.replace(microsecond=0) + timedelta(seconds=2)


def storable(name: str) -> str:
    """A name that a sender made up, as every database keeps it: no NUL, no lone surrogates, and short enough for an index."""
    plain = name.replace("\0", "\ufffd").encode(errors="replace").decode()
    return plain if len(plain) <= LONGEST_NAME else hashlib.sha256(plain.encode()).hexdigest()


async def handle_due(context: Context, channel: Channel, *, limit: int = BATCH) -> int:
    """Read and book the messages that are due, oldest first; how many were handled. TryLater or NeedsAttention when the channel
    as a whole is away.

    What has just come is booked before that is read which could wait: an order is not held up by hints at numbers.
    """
    now = context.clock.now()
    fresh, waited = await context.store.write(lambda session: claim(session, channel.name, now=now, limit=limit))
    failed: list[Failed] = []
    for messages in (fresh, waited):
        read, unread = await _follow_all(channel, messages)
        failed += unread + await _book(context, channel, read)
    for message, failure in failed:
        await _put_off(context, channel, message, failure)
    away = next((failure for _, failure in failed if _is_of_the_channel(failure)), None)
    if away is not None:
        raise away
    return len(fresh) + len(waited)


def _is_of_the_channel(failure: Exception) -> bool:
    """Whether no message of the channel could be read now, so that it is no fault of this one."""
    if isinstance(failure, NeedsAttention):
        return failure.code == "credentials"
    return isinstance(failure, TryLater) and not isinstance(failure, NotYet)


def claim(
    session: Session, channel: str, *, now: datetime, limit: int = BATCH
) -> tuple[list[InboxMessage], list[InboxMessage]]:
    """Take due messages for a while: those that were due when they came, and those that waited. Should this worker die, they are due
    again."""
    due = (
        select(InboxMessage)
        .where(InboxMessage.channel == channel, InboxMessage.state == "received", col(InboxMessage.next_try_at) <= now)
        .order_by(col(InboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    fresh, waited = list[InboxMessage](), list[InboxMessage]()
    for message in session.exec(due):
        (fresh if message.next_try_at == message.received_at else waited).append(message)
        message.next_try_at = now + CLAIMED_FOR
        message.attempts += 1
    return fresh, waited


def hook_of(message: InboxMessage) -> Hook:
    """The request as it came, as far as its adapter reads it again."""
    query = dict(parse_qsl(urlsplit(message.url).query, keep_blank_values=True))
    return Hook(message.method, message.url, dict(message.headers or {}), query, message.body)


Read = tuple[Sequence[InboxMessage], Sequence[Fact]]
"""What one reading told, and the messages that hinted at it."""
Followed = tuple[Sequence[InboxMessage], Sequence[Fact] | Exception]
Failed = tuple[InboxMessage, Exception]


async def _follow_all(channel: Channel, messages: Sequence[InboxMessage]) -> tuple[list[Read], list[Failed]]:
    """What the messages hint at. Those of one subject were all there before it is read, so that one reading does for them."""
    together: dict[str, list[InboxMessage]] = {}
    for message in messages:
        together.setdefault(_subject(channel, message), []).append(message)
    groups, followed = list(together.values()), list[Followed]()
    for start in range(0, len(groups), AT_ONCE):
        answers = await asyncio.gather(*(_follow(channel, group) for group in groups[start : start + AT_ONCE]))
        followed += [one for answer in answers for one in answer]
    read = [(group, found) for group, found in followed if not isinstance(found, Exception)]
    failed = [(one, found) for group, found in followed if isinstance(found, Exception) for one in group]
    return read, failed


def _subject(channel: Channel, message: InboxMessage) -> str:
    """What is tried again is followed alone: so is a message that spoils a booking, and one that a person replays."""
    alone = f"message {message.id}"
    if _again(message):
        return alone
    try:
        subject = channel.adapter.subject(hook_of(message))
    except Exception:  # whatever is wrong with it, following it says so
        return alone
    return alone if subject is None else f"subject {subject}"


async def _follow(channel: Channel, group: Sequence[InboxMessage]) -> list[Followed]:
    """What these messages hint at, as the channel tells it now, or why that cannot be said; each alone if one spoils it for all."""
    try:
        return [(group, await channel.adapter.follow(*map(hook_of, group)))]
    except Exception as failure:
        if len(group) == 1 or isinstance(failure, NotYet) or _is_of_the_channel(failure):
            return [(group, failure)]
    return [one for message in group for one in await _follow(channel, [message])]


async def _book(context: Context, channel: Channel, read: Sequence[Read]) -> list[Failed]:
    """Book these readings in one transaction; if that fails, in halves, until the one that spoils it stands alone."""
    if not read:
        return []
    try:
        await _apply(context, channel, read)
    except Exception as failure:
        if db.is_transient(failure) or db.is_unavailable(failure):
            raise
        if len(read) == 1:
            return [(message, failure) for message in read[0][0]]
        middle = len(read) // 2
        return await _book(context, channel, read[:middle]) + await _book(context, channel, read[middle:])
    return []


async def _apply(context: Context, channel: Channel, read: Sequence[Read]) -> None:
    now, messages = context.clock.now(), [message for group, _ in read for message in group]

    def work(session: Session) -> list[Fact]:
        booked: list[Fact] = []
        before: dict[str, bytes] = {}
        told = [
            Told(found if _again(first) else channel.known.without(found, before), first.id)
            for (first, *_), found in read
        ]
        facts.apply_all(session, context, channel, told, now=now, booked=booked)
        deadletters.mended_all(session, channel.name, [f"message/{one.id}" for one in messages], now=now)
        session.connection().execute(_APPLIED, [{"the_id": one.id, "now": now} for one in messages])
        return booked

    channel.known.keep(await context.store.write(work))


_APPLIED = (
    sa.update(_inbox)
    .where(_inbox.c.id == sa.bindparam("the_id"))
    .values(state="applied", handled_at=sa.bindparam("now"), next_try_at=None, reason=None, action=None)
)


def _again(message: InboxMessage) -> bool:
    """Whether it was read before, or tried in vain: what a person has replayed is never skipped."""
    return message.handled_at is not None or message.reason is not None


async def _put_off(context: Context, channel: Channel, message: InboxMessage, failure: Exception) -> None:
    if isinstance(failure, NeedsAttention) and not _is_of_the_channel(failure):
        await _give_up(context, channel, message, failure.message, failure.action)
        return
    if not isinstance(failure, TryLater | NeedsAttention):
        if db.is_transient(failure) or db.is_unavailable(failure):
            raise failure
        log.error("A message of %s cannot be read", channel.name, exc_info=failure)
    await _retry(context, channel, message, failure)


async def _retry(context: Context, channel: Channel, message: InboxMessage, failure: Exception) -> None:
    now = context.clock.now()
    told = failure.retry_after_seconds if isinstance(failure, TryLater) else None
    known = isinstance(failure, TryLater | NeedsAttention)
    reason = str(failure) if known else f"It could not be read ({type(failure).__name__})."
    gone = isinstance(failure, NotYet)
    patient = known and not gone and now - message.received_at < PATIENCE
    if not patient and message.attempts >= MAX_ATTEMPTS:
        action = (
            "Discard it if it was a test or was deleted there; replay it if it exists."
            if gone
            else "Replay when the channel answers or after an update."
        )
        await _give_up(context, channel, message, reason, action)
        return
    due = now + backoff(message.attempts, told)
    await context.store.write(lambda session: _set(session, message, next_try_at=due, reason=reason))


async def _give_up(context: Context, channel: Channel, message: InboxMessage, reason: str, action: str) -> None:
    now = context.clock.now()
    letter = Letter(
        "message", f"message/{message.id}", f"{message.topic} {message.resource or message.event_id}", reason, action,
        {"event_id": message.event_id, "topic": message.topic}, message.id,
    )  # fmt: skip

    def work(session: Session) -> None:
        _set(session, message, state="failed", next_try_at=None, reason=reason, action=action)
        deadletters.keep(session, context, channel.name, letter, now=now)

    await context.store.write(work)


def reopen(session: Session, message_id: int, *, now: datetime) -> None:
    """Let a message that failed be read again at once."""
    session.execute(
        sa.update(_inbox)
        .where(_inbox.c.id == message_id, _inbox.c.state.in_(["failed", "applied"]))
        .values(state="received", attempts=0, next_try_at=now)
    )


def discard(session: Session, message_id: int, *, now: datetime) -> None:
    """A person decided that a message is not to be read."""
    session.execute(
        sa.update(_inbox).where(_inbox.c.id == message_id).values(state="discarded", next_try_at=None, handled_at=now)
    )


def _set(session: Session, message: InboxMessage, **values: object) -> None:
    session.execute(sa.update(_inbox).where(_inbox.c.id == message.id).values(**values))
