"""What waits for a person: visible, with the action that mends it, replayed or discarded but never lost."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import announce
from omnisync.errors import Conflict, NotFound
from omnisync.sync.context import Context
from omnisync.sync.rows import key_of, write_key
from omnisync.sync.tables import DeadLetter, ShownState

_letter = db.table(DeadLetter)
Payload = Mapping[str, Any]
NOT_BOOKED, NOT_WRITTEN = "It could not be booked", "The adapter failed on this line"
"""How reasons begin that are a fault of ours, and nobody else's."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that cannot be done without a person. `key` names it within its channel: one open letter each."""

    kind: str
    key: str
    title: str
    reason: str
    action: str
    payload: Payload = field(default_factory=dict)
    message_id: int | None = None


def keep(session: Session, context: Context, channel: str, letter: Letter, *, now: datetime) -> DeadLetter:
    """Open the letter, or bring the one of that key up to date; one that was closed opens again."""
    found = session.exec(select(DeadLetter).where(DeadLetter.channel == channel, DeadLetter.key == letter.key)).first()
    if found is None:
        found = DeadLetter(
            id=context.ids.new(), channel=channel, kind=letter.kind, key=letter.key, title="", reason="", action="",
            attempts=0, opened_at=now, last_at=now,
        )  # fmt: skip
        session.add(found)
    if found.attempts == 0 or found.closed_at is not None:
        announce(session, "channel.dead_letter", {"channel": channel, "id": found.id, "kind": letter.kind}, now=now)
    found.title, found.reason, found.action = letter.title, letter.reason, letter.action
    found.payload, found.message_id = dict(letter.payload), letter.message_id
    found.attempts, found.last_at, found.closed_at, found.closed_how = found.attempts + 1, now, None, None
    session.flush()
    return found


def mended(session: Session, channel: str, key: str, *, now: datetime) -> None:
    """What this letter was about has been done meanwhile."""
    mended_all(session, channel, [key], now=now)


def mended_all(session: Session, channel: str, keys: Sequence[str], *, now: datetime) -> None:
    """The same for many letters at once."""
    if not keys:
        return
    # Nearly always there is none, and to ask costs a tenth of an update that finds nothing.
    if ids := session.execute(_OPEN, {"channel": channel, "keys": keys}).scalars().all():
        session.execute(
            sa.update(DeadLetter).where(col(DeadLetter.id).in_(ids)).values(closed_at=now, closed_how="mended")
        )


_OPEN = sa.select(_letter.c.id).where(
    _letter.c.channel == sa.bindparam("channel"),
    db.among(_letter.c.key, db.many("keys")),
    _letter.c.closed_at.is_(None),
)


def discarded(session: Session, channel: str, keys: Sequence[str]) -> set[str]:
    """Those of these letters of which a person said that it is not to be done."""
    here = (_letter.c.channel == channel, db.among(_letter.c.key, keys), _letter.c.closed_how == "discarded")
    return set(session.execute(sa.select(_letter.c.key).where(*here)).scalars()) if keys else set()


def is_discarded(
    session: Session, channel: str, letter: Letter, same: Callable[[Payload, Payload], bool] = operator.eq
) -> bool:
    """Whether a person said that just this is not to be done: told once more, it is nothing new. `same` says whether what was discarded
    is what this letter holds."""
    statement = select(DeadLetter).where(DeadLetter.channel == channel, DeadLetter.key == letter.key)
    found = session.exec(statement).first()
    return found is not None and found.closed_how == "discarded" and same(found.payload, dict(letter.payload))


def shown_after_all(session: Session, channel: str, rows: Iterable[ShownState], *, now: datetime) -> None:
    """Of these rows those that show what they should: no write of theirs is left for a person to see to."""
    right = [row for row in rows if row.blocked_reason is not None and row.behind_since is None]
    for row in right:
        row.blocked_reason, row.failures, row.next_try_at = None, 0, None
    mended_all(session, channel, [write_key(key_of(row)) for row in right], now=now)


def close(session: Session, letter: DeadLetter, how: str, *, now: datetime) -> None:
    """replayed | discarded"""
    letter.closed_at, letter.closed_how = now, how
    session.flush()


def find(session: Session, letter_id: str) -> DeadLetter:
    """The open letter of that id. NotFound, or Conflict when it is closed already."""
    letter = session.get(DeadLetter, letter_id)
    if letter is None:
        raise NotFound(f"There is no dead letter {letter_id!r}.")
    if letter.closed_at is not None:
        raise Conflict(
            f"This dead letter was {letter.closed_how} already.", code="already-closed", how=letter.closed_how
        )
    return letter


def list_open(
    session: Session, *, channel: str | None = None, after: str = "", limit: int = 100
) -> Sequence[DeadLetter]:
    """Open letters by id (which is by age), a page at a time."""
    statement = select(DeadLetter).where(col(DeadLetter.closed_at).is_(None), col(DeadLetter.id) > after)
    if channel is not None:
        statement = statement.where(DeadLetter.channel == channel)
    return session.exec(statement.order_by(col(DeadLetter.id)).limit(limit)).all()


def count_open(session: Session) -> int:
    """How many letters are open, of all channels."""
    return session.exec(
        select(sa.func.count()).select_from(DeadLetter).where(col(DeadLetter.closed_at).is_(None))
    ).one()
