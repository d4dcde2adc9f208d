"""What became of a write: booked on its row, in the log of what was sent, and in the price history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.catalog import prices
from omnisync.sync import deadletters, gone, levels, truth
from omnisync.sync.claims import Claimed
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import LOCKED, Key, backoff, key_of, mark, write_key
from omnisync.sync.tables import Sent, ShownState

_sent = db.table(Sent)
VERIFY_AFTER = timedelta(seconds=15)
"""A number that was accepted, not applied, is read back from then on."""
ACCEPTED_PATIENCE = timedelta(minutes=10)
"""Accepted and still not shown: it was dropped, and is written again."""
ATTENTION_RETRY = timedelta(hours=1)


@dataclass
class _Fate:
    """One write on its way into the books."""

    session: Session
    context: Context
    channel: Channel
    row: ShownState
    shown: Shown
    published: Published
    now: datetime


def settle(
    session: Session,
    context: Context,
    channel: Channel,
    claimed: Sequence[Claimed],
    published: Sequence[Published],
    *,
    now: datetime,
) -> None:
    """Book each outcome. The answer to a write that a newer one has replaced stands in the log, and what it may have replaced is set right."""
    rows = _rows(session, channel, claimed)
    fates: list[tuple[Claimed, Published, bool]] = []
    for one, outcome in zip(claimed, published, strict=True):
        row = rows.get(one.key)
        current = row is not None and row.tag == one.shown.tag and row.in_flight_until is not None
        if row is not None and current:
            row.in_flight_until = None
            _OUTCOMES[outcome.outcome](_Fate(session, context, channel, row, one.shown, outcome, now))
            mark(row, now=now)
        elif row is not None and outcome.outcome not in _WITHOUT_EFFECT:
            _doubt(channel, row, one.shown, now)
        fates.append((one, outcome, current))
    deadletters.shown_after_all(session, channel.name, rows.values(), now=now)
    session.flush()
    _log(session, fates, now)
    done = [
        write_key(one.key)
        for one, outcome, current in fates
        if current and outcome.outcome is Outcome.APPLIED and not rows[one.key].contradicted
    ]
    deadletters.mended_all(session, channel.name, done, now=now)
    _remember_prices(session, channel, claimed, published, now)


def _doubt(channel: Channel, row: ShownState, older: Shown, now: datetime) -> None:
    """The older write may stand there now: a number is looked at where that can be; all else is simply written again."""
    if older.quantity is not None and channel.can.looks:
        row.look_at = now
    elif older.quantity is not None:
        row.believed = None
    if older.price is not None:
        row.price_minor = row.price_currency = None
    mark(row, now=now)


def applied(row: ShownState, *, quantity: int | None, price_minor: int | None, now: datetime) -> None:
    """The channel shows what we wrote."""
    if quantity is not None:
        row.before = None if row.believed == quantity else row.believed
        row.believed = row.applied = quantity
        row.applied_at = now
        row.drift_since, row.perhaps = None, 0
    if price_minor is not None:
        row.price_before_minor = None if row.price_minor == price_minor else row.price_minor
        row.price_drift_since = row.price_left_minor = None
        row.price_minor, row.price_currency, row.price_at = price_minor, row.wanted_price_currency, now
        row.applied_price_minor = price_minor
    row.submitted = row.submitted_price_minor = row.unsettled = row.next_try_at = row.blocked_reason = None
    row.failures = 0


def _applied(fate: _Fate) -> None:
    price = fate.shown.price
    applied(fate.row, quantity=fate.shown.quantity, price_minor=None if price is None else price.minor, now=fate.now)
    if price is not None:
        fate.row.price_currency = price.currency


def _accepted(fate: _Fate) -> None:
    fate.row.unsettled = "accepted"
    fate.row.look_at = fate.now + VERIFY_AFTER
    fate.row.next_try_at = fate.now + ACCEPTED_PATIENCE


def _changed(fate: _Fate) -> None:
    """Somebody was faster. What is shown instead is judged like any level, and the write is decided again at once."""
    row = fate.row
    if fate.published.actual is None:
        row.look_at = fate.now
    else:
        view = levels.view_of(row)
        levels.put(fate.session, row, levels.see(view, fate.published.actual).view, now=fate.now)
        truth.read(fate.session, fate.context, fate.channel, row, view, fate.published.actual, now=fate.now)
        row.seen, row.seen_at = fate.published.actual, fate.now
    row.submitted = row.unsettled = None
    row.failures += 1
    row.next_try_at = None if row.failures <= 3 else fate.now + backoff(row.failures)


def _try_later(fate: _Fate) -> None:
    # It may have had its effect all the same: the same tag is sent again, or the level is looked at first.
    fate.row.unsettled = "unknown"
    fate.row.failures += 1
    fate.row.next_try_at = fate.now + backoff(fate.row.failures, fate.published.retry_after_seconds)


def _attention(fate: _Fate) -> None:
    row = fate.row
    row.submitted = row.submitted_price_minor = row.unsettled = None
    row.failures += 1
    row.blocked_reason = fate.published.reason
    row.next_try_at = fate.now + ATTENTION_RETRY
    if fate.published.unknown:
        gone.missed(fate.session, fate.channel, [row.external_id], now=fate.now)
        if row.failures == 1:
            return  # the channel's listings are read before a person is asked
    letter = deadletters.Letter(
        kind="write", key=write_key(key_of(row)), title=f"{row.sku} cannot be shown as {fate.shown.quantity}",
        reason=fate.published.reason, action=fate.published.action or "Look at this listing at the channel, then replay.",
        payload={"external_id": row.external_id, "place": row.place, "sku": row.sku},
    )  # fmt: skip
    deadletters.keep(fate.session, fate.context, fate.channel.name, letter, now=fate.now)


_OUTCOMES: dict[Outcome, Callable[[_Fate], None]] = {
    Outcome.APPLIED: _applied,
    Outcome.ACCEPTED: _accepted,
    Outcome.CHANGED: _changed,
    Outcome.TRY_LATER: _try_later,
    Outcome.ATTENTION: _attention,
}
_WITHOUT_EFFECT = (Outcome.CHANGED, Outcome.ATTENTION)
_LOGGED = {Outcome.TRY_LATER: "unknown"}


def _rows(session: Session, channel: Channel, claimed: Sequence[Claimed]) -> dict[Key, ShownState]:
    names = sorted({one.key.external_id for one in claimed})
    found = session.execute(LOCKED, {"channel": channel.name, "external_ids": names}).scalars()
    return {key_of(row): row for row in found}


def _log(session: Session, fates: Sequence[tuple[Claimed, Published, bool]], now: datetime) -> None:
    rows = [
        {
            "of": one.shown.tag,
            "how": _LOGGED.get(published.outcome, published.outcome.value) if current else "superseded",
            "why": published.reason or None,
            "when": now if published.outcome is Outcome.APPLIED else None,
        }
        for one, published, current in fates
    ]
    if rows:
        session.connection().execute(_LOG, rows)


_LOG = (
    sa.update(_sent)
    .where(_sent.c.tag == sa.bindparam("of"))
    .values(
        outcome=sa.bindparam("how"),
        reason=sa.bindparam("why"),
        applied_at=sa.func.coalesce(sa.bindparam("when", type_=_sent.c.applied_at.type), _sent.c.applied_at),
    )
)


def _remember_prices(
    session: Session, channel: Channel, claimed: Sequence[Claimed], published: Sequence[Published], now: datetime
) -> None:
    seen = [
        (one.shown.target.sku, channel.name, one.shown.price)
        for one, outcome in zip(claimed, published, strict=True)
        if one.shown.price is not None and outcome.outcome is Outcome.APPLIED
    ]
    prices.applied(session, seen, now=now)
