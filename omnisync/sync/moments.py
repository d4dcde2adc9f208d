"""Whether the time a source tells can be true, and how far its clock is ahead of ours or behind it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.adapters.base import Adapter
from omnisync.adapters.besides import Clocked, ToldTime
from omnisync.errors import NeedsAttention
from omnisync.sync import cursors
from omnisync.values import format_time

TOO_OLD = timedelta(days=90)
MAX_SKEW = timedelta(minutes=15)
"""A clock that is further off is not slightly wrong, it is wrong: a person looks at it."""
FORGET_SKEW = timedelta(hours=24)
_MICROSECOND = timedelta(microseconds=1)


def believable(
    session: Session,
    channel: str,
    at: datetime,
    *,
    now: datetime,
    trusted: bool = False,
    measured: timedelta = timedelta(),
) -> datetime:
    """The moment with the source's clock error taken off: that which its facts showed, else what its machine itself `measured`.

    NeedsAttention for the future and for what is older than 90 days, unless a person has said that it is right.
    """
    if trusted:
        return min(at, now)
    skew = _skew(session, channel, now) or measured
    ahead = at - now
    if max(skew, timedelta()) < ahead <= MAX_SKEW:
        _remember(session, channel, ahead, now)
        skew = ahead
    # A clock that is behind was not behind by more than what it tells can be late.
    moment = at - skew if skew > timedelta() else max(at, min(at - skew, now))
    if moment > now:
        raise NeedsAttention(
            f"It is said to have happened at {format_time(at)}, which lies in the future.",
            action="Set the clock of this source right; replay books it as of now.",
            code="time-in-future",
        )
    if moment < now - TOO_OLD:
        raise NeedsAttention(
            f"It is said to have happened at {format_time(at)}, more than {TOO_OLD.days} days ago.",
            action="Replay if it is to be booked all the same, else discard.",
            code="time-too-old",
        )
    return moment


def told_ahead(adapter: Adapter | Clocked) -> timedelta | None:
    """How far the clock of the channel's machine is ahead of ours, as it says itself; None where it does not."""
    clock: ToldTime | None = getattr(adapter, "their_clock", None)
    return None if clock is None else clock.ahead


def ahead_of(adapter: Adapter | Clocked) -> timedelta:
    """The same where it is so little that it is taken off; none where it is more, or unknown."""
    ahead = told_ahead(adapter)
    return timedelta() if ahead is None or abs(ahead) > MAX_SKEW else ahead


def _skew(session: Session, channel: str, now: datetime) -> timedelta:
    row = cursors.find(session, channel, "skew")
    if row is None or row.value is None or now - row.at > FORGET_SKEW:
        return timedelta()
    return int(row.value) * _MICROSECOND


def _remember(session: Session, channel: str, skew: timedelta, now: datetime) -> None:
    cursors.put(session, channel, "skew", str(skew // _MICROSECOND), at=now)
