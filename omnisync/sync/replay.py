"""Doing again what waited: one dead letter by hand, or all those whose article has become known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.adapters.base import Article, Fact, OrderSeen
from omnisync.errors import NeedsAttention, Refused
from omnisync.sync import arrivals, deadletters, facts, inbox, wire
from omnisync.sync.context import Channel, Context
from omnisync.sync.resolve import articles_of, resolver
from omnisync.sync.tables import DeadLetter, ShownState, Told


def replay(session: Session, context: Context, letter_id: str, *, now: datetime) -> DeadLetter:
    """Try again what this letter is about, now that a person says so. It stays open if it fails again."""
    letter = deadletters.find(session, letter_id)
    channel = context.channel(letter.channel)
    if letter.kind == "message" and letter.message_id is not None:
        inbox.reopen(session, letter.message_id, now=now)
        deadletters.close(session, letter, "replayed", now=now)
    elif letter.kind == "write":
        _write_again(session, letter, now)
        deadletters.close(session, letter, "replayed", now=now)
    elif letter.kind == "webhooks":  # looked after on a schedule, and at once by `sync`
        deadletters.close(session, letter, "replayed", now=now)
    elif letter.kind == "news":
        session.get_one(Told, letter.payload["told"]).next_try_at = None
        deadletters.close(session, letter, "replayed", now=now)
    elif letter.kind == arrivals.KIND:
        if arrivals.again(session, context, channel, letter.payload["order"], now=now):
            deadletters.close(session, letter, "replayed", now=now)
    else:
        _book_again(session, context, channel, letter, now=now, trusted=True)
    return letter


def discard(session: Session, letter_id: str, *, now: datetime) -> DeadLetter:
    """A person decided that it is not to be done."""
    letter = deadletters.find(session, letter_id)
    if letter.kind == "message" and letter.message_id is not None:
        inbox.discard(session, letter.message_id, now=now)
    if letter.kind == "write":
        _write_no_more(session, letter)
    if letter.kind == "news":
        session.get_one(Told, letter.payload["told"]).state = letter.payload["state"]
    deadletters.close(session, letter, "discarded", now=now)
    return letter


def retry_resolved(session: Session, context: Context, channel: Channel, *, now: datetime) -> int:
    """Book what waited for an article or listing that is known by now; how many letters that closed."""
    letters = session.exec(
        select(DeadLetter).where(
            DeadLetter.channel == channel.name,
            col(DeadLetter.kind).in_(["fact", "line"]),
            col(DeadLetter.closed_at).is_(None),
        )
    ).all()
    waiting = [(letter, wire.from_json(letter.payload)) for letter in letters]
    resolve = resolver(session, channel.name, articles_of(fact for _, fact in waiting))
    closed = 0
    for letter, fact in waiting:
        named = named_in(letter, fact)
        if named and all(resolve(article) is not None or resolve.is_foreign(article) for article in named):
            closed += _book_again(session, context, channel, letter, now=now, trusted=False)
    return closed


def articles_waiting(letter: DeadLetter) -> Sequence[Article]:
    """The articles this letter waits for, as their channel names them; none where it waits for something else."""
    if letter.kind not in ("line", "fact"):
        return []
    return named_in(letter, wire.from_json(letter.payload))


def named_in(letter: DeadLetter, fact: Fact) -> Sequence[Article]:
    """The articles of the fact in this letter that it waits for, if it waits for an article."""
    if letter.kind == "line" and isinstance(fact, OrderSeen):
        return [line.article for line in fact.lines if letter.key == f"line/{fact.id}/{line.id}"]
    return articles_of([fact])


def _book_again(
    session: Session, context: Context, channel: Channel, letter: DeadLetter, *, now: datetime, trusted: bool
) -> bool:
    if letter.closed_at is not None:
        return False  # another letter of the same order has mended it
    facts.apply(session, context, channel, [wire.from_json(letter.payload)], now=now, trusted=trusted)
    session.refresh(letter)
    if letter.closed_at is None and letter.last_at == now and letter.attempts > 1:
        return False
    deadletters.close(session, letter, "replayed" if trusted else "mended", now=now)
    return True


def _write_again(session: Session, letter: DeadLetter, now: datetime) -> None:
    row = _row(session, letter)
    if row is not None:
        row.next_try_at = row.blocked_reason = None
        row.failures, row.behind_since = 0, row.behind_since or now


def _write_no_more(session: Session, letter: DeadLetter) -> None:
    """Not these numbers; others are written again."""
    row = _row(session, letter)
    if row is not None:
        row.guard_decision = "keep"
        row.guard_quantity, row.guard_price_minor = row.wanted, row.wanted_price_minor


def _row(session: Session, letter: DeadLetter) -> ShownState | None:
    return session.get(ShownState, (letter.channel, letter.payload["external_id"], letter.payload["place"]))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What replaying a letter would come to."""

    letter: str
    booked: bool
    """It would be done at once. Otherwise see `tried` and `reason`."""
    tried: bool
    """It would be sent or read again a moment later, and whether that goes well shows then."""
    reason: str = ""


def rehearse(session: Session, context: Context, letter_ids: Sequence[str], *, now: datetime) -> list[Rehearsal]:
    """What replaying each of these letters would come to: done for real, each for itself, and taken back."""
    return [_rehearsed(session, context, letter_id, now) for letter_id in letter_ids]


def replay_each(session: Session, context: Context, letter_ids: Sequence[str], *, now: datetime) -> int:
    """Replay these letters, each whole or not at all; how many that closed. One that fails keeps no other one waiting."""
    return sum(_tried(session, context, letter_id, now) for letter_id in letter_ids)


def _rehearsed(session: Session, context: Context, letter_id: str, now: datetime) -> Rehearsal:
    attempt = session.begin_nested()
    try:
        letter = replay(session, context, letter_id, now=now)
        later = letter.kind in _DONE_LATER
        done = letter.closed_at is not None
        return Rehearsal(letter_id, done and not later, done and later, "" if done else letter.reason)
    except (Refused, NeedsAttention) as failure:
        return Rehearsal(letter_id, booked=False, tried=False, reason=str(failure))
    finally:
        attempt.rollback()


def _tried(session: Session, context: Context, letter_id: str, now: datetime) -> bool:
    try:
        with session.begin_nested():
            return replay(session, context, letter_id, now=now).closed_at is not None
    except (Refused, NeedsAttention):
        return False


_DONE_LATER = {"message", "write", "webhooks", "news"}
"""Kinds that a replay only puts back into their queue."""
