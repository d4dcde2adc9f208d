"""How each channel is doing: on time, late, waiting for a person, or paused, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import announce
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import levels, silence, truth
from omnisync.sync.context import Channel
from omnisync.sync.rows import BACKOFF_SECONDS, backoff
from omnisync.sync.silence import Silence
from omnisync.sync.tables import (
    IS_PROVISIONAL,
    Case,
    ChannelHealth,
    ChannelListing,
    DeadLetter,
    InboxMessage,
    ShownState,
)
from omnisync.values import format_time

BREAKS_AFTER = 5
"""Failures in a row after which the breaker shows open."""
LATE_AFTER_SECONDS = 60.0
ATTENTION_RETRY = timedelta(minutes=5)
_shown, _health = db.table(ShownState), db.table(ChannelHealth)
State = Literal["on_time", "late", "action_required", "paused", "shadow"]


@dataclass(frozen=True, slots=True)
class Health:
    """One channel at this moment."""

    channel: str
    state: State
    reason: str
    action: str | None
    lag_seconds: float
    last_success_at: datetime | None
    queued: int
    failed: int
    drift: int
    exposed: int
    """Pieces it still offers that we could not lower."""
    breaker: str
    paused: bool
    cases: int
    failures_in_row: int = 0
    subscribed_at: datetime | None = None
    """Since when its webhooks stand; None: they do not, or it has none, and it is polled."""
    gone: int = 0
    """Mapped listings that it does not know any more."""
    writes: Mapping[str, int] = field(default_factory=dict)
    """How far the last write of each listing is (`truth.NAMES`)."""
    silent: Sequence[Silence] = ()
    """Stores of whose till nothing was heard for longer than it may be."""
    silent_topics: Mapping[str, str] = field(default_factory=dict)
    """Topics whose webhooks have been silent for longer than ever of late -> since when."""

    @property
    def contradicted(self) -> int:
        """Numbers that it took and does not show."""
        return self.writes.get("contradicted", 0)


def row_of(session: Session, channel: str) -> ChannelHealth:
    """The channel's row, made when it is first asked for."""
    row: ChannelHealth | None = session.execute(_ROW, {"channel": channel}).scalar_one_or_none()
    if row is None:
        db.insert_new(
            session, db.table(ChannelHealth),
            [{"channel": channel, "paused": False, "calls": 0, "failures": 0, "failures_in_row": 0, "breaker": "closed"}],
            key=("channel",), returning=("channel",),
        )  # fmt: skip
        row = session.execute(_ROW, {"channel": channel}).scalar_one()
    assert row is not None
    return row


_ROW = (
    select(ChannelHealth)
    .where(ChannelHealth.channel == sa.bindparam("channel"))
    .execution_options(populate_existing=True)
)


def may_call(session: Session, channel: str, *, now: datetime) -> bool:
    """Whether the channel may be called now; after a pause one call may try."""
    row = row_of(session, channel)
    if row.retry_at is not None and row.retry_at > now:
        return False
    if row.breaker == "open":
        row.breaker = "half_open"
    return True


def succeeded(session: Session, channel: str, *, now: datetime, pulled: bool = False) -> None:
    """The channel answered as it should."""
    if session.execute(_STILL_WELL[pulled], {"the_channel": channel, "now": now}).first() is not None:
        return
    row = row_of(session, channel)
    if row.failures_in_row or row.attention:
        announce(session, "channel.recovered", {"channel": channel}, now=now)
    if row.failures_in_row:
        _hurry(session, row, now)
    row.calls += 1
    row.failures_in_row, row.breaker, row.retry_at = 0, "closed", None
    row.attention = row.action = None
    row.last_success_at = now
    if pulled:
        row.pulled_at = row.last_heard_at = now


def _still_well(*moments: str) -> Any:
    """Most calls find a channel that was well before: nothing changes but these moments."""
    times = dict.fromkeys(moments, sa.bindparam("now", type_=_health.c.last_success_at.type))
    return (
        sa.update(_health)
        .where(_health.c.channel == sa.bindparam("the_channel"), _health.c.failures_in_row == 0)
        .where(_health.c.breaker == "closed", _health.c.retry_at.is_(None), _health.c.attention.is_(None))
        .values(calls=_health.c.calls + 1, **times)
        .returning(_health.c.channel)
    )


_STILL_WELL = {
    False: _still_well("last_success_at"),
    True: _still_well("last_success_at", "pulled_at", "last_heard_at"),
}


def failed(session: Session, channel: str, failure: TryLater | NeedsAttention, *, now: datetime) -> None:
    """The channel did not; it is left alone for a while, as long as it told us at least."""
    row, needs = row_of(session, channel), "attention" if isinstance(failure, NeedsAttention) else "time"
    if not row.failures_in_row or (needs == "attention" and row.attention is None):
        body = {"channel": channel, "reason": failure.message, "needs": needs}
        announce(session, "channel.failing", body, now=now)
    row.calls, row.failures, row.failures_in_row = row.calls + 1, row.failures + 1, row.failures_in_row + 1
    row.last_error, row.last_error_at = failure.message, now
    if row.failures_in_row >= BREAKS_AFTER:
        row.breaker = "open"
    told = None if isinstance(failure, NeedsAttention) else failure.retry_after_seconds
    row.told_until = None if told is None else now + timedelta(seconds=told)
    if isinstance(failure, NeedsAttention):
        row.attention, row.action, row.retry_at = failure.message, failure.action, now + ATTENTION_RETRY
    else:
        row.retry_at = now + _caution(row, told, now)


def _caution(row: ChannelHealth, told: float | None, now: datetime) -> timedelta:
    """How long it is left alone: no longer than it has been away, however often messages of it made us try meanwhile."""
    longest = backoff(len(BACKOFF_SECONDS)) if row.last_success_at is None else now - row.last_success_at
    return max(backoff(1, told), min(backoff(row.failures_in_row), longest))


def answered(session: Session, channel: str, *, now: datetime) -> None:
    """A smaller call worked: a channel that was thought to be away is not."""
    if row_of(session, channel).failures_in_row:
        succeeded(session, channel, now=now)


def heard(session: Session, channel: str, *, now: datetime) -> None:
    """A message of the channel came in: whoever speaks may be called, unless it asked to be left alone."""
    if session.execute(_STILL_HEARD, {"the_channel": channel, "now": now}).first() is None:
        row = row_of(session, channel)
        row.last_heard_at = now
        try_now(row, now=now)


_STILL_HEARD = (
    sa.update(_health)
    .where(_health.c.channel == sa.bindparam("the_channel"), _health.c.retry_at.is_(None))
    .values(last_heard_at=sa.bindparam("now"))
    .returning(_health.c.channel)
)


def try_now(row: ChannelHealth, *, now: datetime) -> None:
    """End our own caution; what the channel itself asked for stands."""
    if row.retry_at is not None:
        row.retry_at = row.told_until if row.told_until is not None and row.told_until > now else None


def _hurry(session: Session, row: ChannelHealth, now: datetime) -> None:
    """The channel is back: what only waited for it waits no longer."""
    if row.told_until is not None and row.told_until > now:
        return
    session.execute(
        sa.update(ShownState)
        .where(col(ShownState.channel) == row.channel, col(ShownState.unsettled) == "unknown")
        .where(col(ShownState.next_try_at) > now)
        .values(next_try_at=None)
    )
    session.execute(
        sa.update(InboxMessage)
        .where(col(InboxMessage.channel) == row.channel, col(InboxMessage.state) == "received")
        .where(col(InboxMessage.reason).is_not(None), col(InboxMessage.next_try_at) > now)
        .values(next_try_at=now)
    )


def pause(session: Session, channel: str, *, now: datetime) -> None:
    """Write nothing to this channel any more; its orders are still read."""
    row = row_of(session, channel)
    row.paused, row.paused_at = True, row.paused_at or now
    announce(session, "channel.paused", {"channel": channel}, now=now)


def resume(session: Session, channel: str, *, now: datetime) -> None:
    """Write again, and try at once."""
    row = row_of(session, channel)
    row.paused, row.paused_at = False, None
    try_now(row, now=now)
    announce(session, "channel.resumed", {"channel": channel}, now=now)


def connect_again(session: Session, channel: str, *, now: datetime) -> None:
    """A person has mended something there: what was wrong is forgotten until it shows again."""
    row = row_of(session, channel)
    row.attention = row.action = None
    try_now(row, now=now)
    session.flush()


def is_shadow(channel: Channel, writes: str | None) -> bool:
    """Whether only reading is allowed there; `writes` is what its row says."""
    return writes == "off" or (writes is None and channel.settings.shadow)


def is_live(session: Session, channel: Channel) -> bool:
    """Whether its row says now that it is written."""
    found = session.execute(sa.select(_health.c.writes).where(_health.c.channel == channel.name)).first()
    return not is_shadow(channel, None if found is None else found.writes)


def is_quiet(channel: db.Bound[str]) -> sa.Exists:
    """Whether it was paused or handed back, perhaps by another process while a round was under way."""
    return sa.exists().where(_health.c.channel == channel, sa.or_(_health.c.paused, _health.c.writes == "off"))


def go_live(session: Session, channel: str, *, now: datetime) -> None:
    """From now on write there, at once. What was written before says nothing of what somebody else wrote since."""
    row = row_of(session, channel)
    if row.writes != "on":
        _forget_beliefs(session, channel, behind_since=now)
    row.writes = "on"
    try_now(row, now=now)
    announce(session, "channel.live", {"channel": channel}, now=now)


def hand_back(session: Session, channel: str, *, now: datetime) -> None:
    """From now on write nothing there; its orders are still read. A lower level there means no sale any more."""
    row_of(session, channel).writes = "off"
    for state in session.exec(select(ShownState).where(ShownState.channel == channel, IS_PROVISIONAL)):
        levels.set_provisional(session, state, 0, now=now)
    session.flush()
    _forget_beliefs(session, channel, behind_since=None)
    announce(session, "channel.handed_back", {"channel": channel}, now=now)


def _forget_beliefs(session: Session, channel: str, *, behind_since: datetime | None) -> None:
    """Nobody knows what it shows: it is looked at before it is written, and written where nothing can be looked at. Nothing waits
    longer than it has been ours to write."""
    wants = sa.or_(_shown.c.wanted.is_not(None), _shown.c.wanted_price_minor.is_not(None))
    waits = sa.case((wants, sa.literal(behind_since, _shown.c.behind_since.type)))
    unknown = (
        "believed",
        "price_minor",
        "price_currency",
        "drift_since",
        "look_at",
        "submitted",
        "unsettled",
        "next_try_at",
        "emptied_since",
        "before",
        "doubted",
        "price_before_minor",
        "price_drift_since",
        "price_left_minor",
    )
    session.execute(
        sa.update(_shown)
        .where(_shown.c.channel == channel)
        .values(dict.fromkeys(unknown) | {"contradicted": 0, "behind_since": None if behind_since is None else waits})
        .execution_options(synchronize_session=False)
    )


# ---------------------------------------------------------------- as ops see it


def of_all(session: Session, channels: Iterable[Channel], *, now: datetime) -> list[Health]:
    """The health of these channels, in their order."""
    return [of(session, channel, now=now) for channel in channels]


def of(session: Session, channel: Channel, *, now: datetime) -> Health:
    """The health of one channel."""
    row = session.get(ChannelHealth, channel.name) or ChannelHealth(channel=channel.name)
    behind = _behind(session, channel)
    inbox = _inbox(session, channel)
    failing = _count(session, DeadLetter, channel)
    cases = _count(session, Case, channel)
    oldest = min((moment for moment in (behind.oldest, inbox.oldest) if moment is not None), default=None)
    shadow = is_shadow(channel, row.writes)
    lag = 0.0 if shadow or oldest is None else max(0.0, (now - oldest).total_seconds())
    silent = silence.silent(session, [channel.settings], channel.stores, now=now)
    state, reason = _judge(row, lag, failing, cases, silent, shadow=shadow)
    return Health(
        channel.name, state, reason, row.action, lag, row.last_success_at, behind.number + inbox.number, failing,
        _drifting(session, channel), _exposed(session, channel), row.breaker, row.paused, cases,
        row.failures_in_row, row.subscribed_at, _gone(session, channel), truth.count(session, channel.name), silent,
        row.silent_topics or {},
    )  # fmt: skip


def _judge(
    row: ChannelHealth, lag: float, failing: int, cases: int, silent: Sequence[Silence], *, shadow: bool
) -> tuple[State, str]:
    if shadow and not (row.attention or row.failures_in_row):
        return "shadow", "Everything is read and nothing is written, until it goes live."
    if row.paused:
        return "paused", "Paused by hand: nothing is written, orders are still read."
    if row.attention:
        return "action_required", row.attention
    if cases:
        return "action_required", f"{cases} {'case waits' if cases == 1 else 'cases wait'} for a decision."
    if failing:
        return "action_required", f"{failing} {'entry' if failing == 1 else 'entries'} could not be handled."
    if row.breaker != "closed" or row.failures_in_row:
        return "late", row.last_error or "The channel does not answer."
    if lag > LATE_AFTER_SECONDS:
        return "late", f"The oldest change has been waiting for {lag:.0f} s."
    if silent:
        stores = ", ".join(f"{one.location} since {format_time(one.since)}" for one in silent)
        return "late", f"Nothing was heard from {stores}."
    return "on_time", "Shows what it should."


@dataclass(frozen=True, slots=True)
class _Queue:
    number: int
    oldest: datetime | None


def _behind(session: Session, channel: Channel) -> _Queue:
    waits = col(ShownState.guard_decision).in_(["waiting", "keep"])
    statement = sa.select(sa.func.count(), sa.func.min(col(ShownState.behind_since))).where(
        col(ShownState.channel) == channel.name,
        col(ShownState.behind_since).is_not(None),
        sa.or_(col(ShownState.guard_decision).is_(None), ~waits),
    )
    number, oldest = session.execute(statement).one()
    return _Queue(number, oldest)


def _inbox(session: Session, channel: Channel) -> _Queue:
    statement = sa.select(sa.func.count(), sa.func.min(col(InboxMessage.received_at))).where(
        col(InboxMessage.channel) == channel.name, col(InboxMessage.state) == "received"
    )
    number, oldest = session.execute(statement).one()
    return _Queue(number, oldest)


def _count(session: Session, model: type[DeadLetter] | type[Case], channel: Channel) -> int:
    statement = select(sa.func.count()).where(model.channel == channel.name, col(model.closed_at).is_(None))
    return int(session.exec(statement).one() or 0)


def _drifting(session: Session, channel: Channel) -> int:
    statement = select(sa.func.count()).where(
        ShownState.channel == channel.name,
        sa.or_(col(ShownState.drift_since).is_not(None), col(ShownState.price_drift_since).is_not(None)),
    )
    return int(session.exec(statement).one() or 0)


def _gone(session: Session, channel: Channel) -> int:
    statement = select(sa.func.count()).where(
        ChannelListing.channel == channel.name,
        col(ChannelListing.gone_at).is_not(None),
        col(ChannelListing.managed),
        col(ChannelListing.sku).is_not(None),
    )
    return int(session.exec(statement).one() or 0)


def _exposed(session: Session, channel: Channel) -> int:
    too_many = col(ShownState.believed) - col(ShownState.wanted)
    statement = select(sa.func.coalesce(sa.func.sum(too_many), 0)).where(
        ShownState.channel == channel.name, too_many > 0
    )
    return int(session.exec(statement).one() or 0)


@dataclass(frozen=True, slots=True)
class Exposed:
    """Listings of a channel that for a while now have offered more than there is."""

    channel: str
    listings: int
    pieces: int


def exposed(session: Session, *, before: datetime) -> list[Exposed]:
    """Where buyers can still buy what is gone, because we could not lower the number since `before`; most pieces first."""
    too_many = col(ShownState.believed) - col(ShownState.wanted)
    pieces = sa.func.sum(too_many)
    statement = (
        sa.select(col(ShownState.channel), sa.func.count(), pieces)
        .where(too_many > 0, col(ShownState.behind_since) <= before)
        .group_by(col(ShownState.channel))
        .order_by(pieces.desc())
    )
    return [Exposed(channel, listings, int(total)) for channel, listings, total in session.execute(statement)]
