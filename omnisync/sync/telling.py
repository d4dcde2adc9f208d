"""Reporting pickups, and orders nobody paid for, back to their channel: what it has not heard is told again until it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import News, Outcome, Published
from omnisync.errors import NeedsAttention, TryLater
from omnisync.orders import undoing
from omnisync.orders.tables import ChannelOrder, OrderLine, Pickup, PickupLine
from omnisync.sync import deadletters, health
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter
from omnisync.sync.rows import backoff
from omnisync.sync.settle import ATTENTION_RETRY
from omnisync.sync.tables import Told

Heard = Literal["ready", "collected", "cancelled", "expired"]
BATCH = 50
_pickup, _order, _told = db.table(Pickup), db.table(ChannelOrder), db.table(Told)


@dataclass(frozen=True, slots=True)
class _Report:
    name: str
    """The pickup's id, or `order/` and the order's."""
    about: Mapping[str, str]
    news: News


async def tell(context: Context, channel: Channel) -> int:
    """Tell the channel what it has not heard yet; how much. Only of pickups whose order the channel itself took."""
    if not channel.can.tells_pickups:
        return 0
    now = context.clock.now()
    reports = await context.store.read(
        lambda session: [*_unheard(session, channel, now), *_unheard_orders(session, channel, now)]
    )
    if not reports:
        return 0
    answers, trouble = await _tell(channel, reports)
    now, told = context.clock.now(), reports[: len(answers)]
    await context.store.write(lambda session: _note(session, context, channel, told, answers, now))
    if trouble is not None:
        raise trouble
    return len(told)


async def _tell(
    channel: Channel, reports: Sequence[_Report]
) -> tuple[list[Published], TryLater | NeedsAttention | None]:
    """The answers, one by one, so that one order that the channel stumbles over leaves the others told; and why it ended early."""
    answers = list[Published]()
    for report in reports:
        try:
            [answer] = await channel.adapter.tell([report.news])
            answers.append(answer)
        except TryLater as away:
            # Put off like any other: if it is this one alone that is not answered, the next time begins behind it.
            wait = away.retry_after_seconds
            answers.append(Published(Outcome.TRY_LATER, reason=away.message, retry_after_seconds=wait))
            return answers, away
        except NeedsAttention as trouble:
            if trouble.code == "credentials":
                return answers, trouble
            answers.append(Published(Outcome.ATTENTION, reason=trouble.message, action=trouble.action))
    return answers, None


def _unheard(session: Session, channel: Channel, now: datetime) -> list[_Report]:
    statement = (
        select(Pickup, ChannelOrder).select_from(_PAIRS).where(*_due(channel.name, now), ~health.is_quiet(channel.name))
    )
    found = session.exec(statement.order_by(_FAILURES, col(Pickup.id)).limit(BATCH)).all()
    return [_report(session, channel, pickup, order) for pickup, order in found]


def waiting(channel: db.Bound[str], now: db.Bound[datetime]) -> sa.Select[int]:
    """Finds something if this channel has not heard everything."""
    pickups = sa.select(sa.literal(1)).select_from(_PAIRS).where(*_due(channel, now))
    orders = sa.select(sa.literal(1)).select_from(_ORDERS).where(*_order_due(channel, now))
    return sa.select(sa.literal(1)).where(sa.or_(sa.exists(pickups), sa.exists(orders)))


_PAIRS = _pickup.join(
    _order,
    sa.and_(_order.c.channel == _pickup.c.channel, _order.c.reference == _pickup.c.reference),
).outerjoin(_told, _told.c.pickup_id == _pickup.c.id)


_FAILURES = sa.func.coalesce(_told.c.failures, 0)
"""What was told in vain comes last: it may be this one alone that the channel does not answer."""
_UNDO = sa.literal(undoing.AT_ONCE // timedelta(microseconds=1), sa.BigInteger)
_settled_at = sa.type_coerce(_pickup.c.ended_at + _UNDO, db.Instant)
"""Until then one tap takes the hand-over back, so it is not told: no channel can unlearn it."""


def _due(channel: db.Bound[str], now: db.Bound[datetime]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _pickup.c.channel == channel,
        sa.or_(*(_pickup.c.state == state for state in get_args(Heard))),
        sa.or_(_told.c.state.is_(None), _told.c.state != _pickup.c.state),
        sa.or_(_pickup.c.state != "collected", _settled_at <= now),
        sa.or_(_told.c.next_try_at.is_(None), _told.c.next_try_at <= now),
    )


def _report(session: Session, channel: Channel, pickup: Pickup, order: ChannelOrder) -> _Report:
    lines = session.exec(select(OrderLine).where(OrderLine.order_id == order.id).order_by(col(OrderLine.line_id))).all()
    place = next((place for place, code in channel.settings.location_map.items() if code == pickup.location), None)
    news = News(
        kind=pickup.state,  # type: ignore[arg-type]  # only the states of `Heard` are read
        order_id=order.external_id,
        reference=order.reference,
        place=place,
        lines=_pieces(session, pickup, lines),
        tag=f"{pickup.id}-{pickup.state}",
        notify_customer=channel.policy.notify == "channel",
    )
    return _Report(pickup.id, {"pickup": pickup.id}, news)


def _unheard_orders(session: Session, channel: Channel, now: datetime) -> list[_Report]:
    """Orders whose pieces were given back because nobody paid: the channel should cancel them."""
    due = (*_order_due(channel.name, now), ~health.is_quiet(channel.name))
    statement = select(ChannelOrder).select_from(_ORDERS).where(*due)
    found = session.exec(statement.order_by(_FAILURES, col(ChannelOrder.id)).limit(BATCH)).all()
    return [_order_report(session, order) for order in found]


@dataclass(frozen=True, slots=True)
class ToCancel:
    """How many orders a channel would be told to cancel, by what happened to them here."""

    unpaid: int = 0
    pickups: int = 0
    """Called off, or never collected."""


def to_cancel(session: Session, channel: Channel, *, now: datetime) -> ToCancel:
    """What this channel has not heard yet of orders that are open there and over here."""
    if not channel.can.tells_pickups:
        return ToCancel()
    over = (*_due(channel.name, now), _pickup.c.state.in_(("cancelled", "expired")), _order.c.closed.is_(False))
    found = (
        sa.select(sa.func.count()).select_from(_ORDERS).where(*_order_due(channel.name, now)),
        sa.select(sa.func.count()).select_from(_PAIRS).where(*over),
    )
    return ToCancel(*(int(session.execute(one).scalar_one()) for one in found))


_ORDERS = _order.outerjoin(_told, _told.c.pickup_id == sa.literal("order/", db.Name) + _order.c.id)


def _order_due(channel: db.Bound[str], now: db.Bound[datetime]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _order.c.channel == channel,
        _order.c.paid.is_(False),
        _order.c.closed.is_(False),
        _order.c.released_at.is_not(None),
        _told.c.state.is_distinct_from("expired"),
        sa.or_(_told.c.next_try_at.is_(None), _told.c.next_try_at <= now),
    )


def _order_report(session: Session, order: ChannelOrder) -> _Report:
    lines = session.exec(select(OrderLine).where(OrderLine.order_id == order.id).order_by(col(OrderLine.line_id))).all()
    pieces = [(line.line_id, line.quantity - line.cancelled) for line in lines if line.stocked]
    news = News("expired", order.external_id, order.reference, None, pieces, tag=f"{order.id}-unpaid")
    return _Report(f"order/{order.id}", {"order": order.id}, news)


def _pieces(session: Session, pickup: Pickup, lines: Sequence[OrderLine]) -> list[tuple[str, int]]:
    """The channel's lines with what this news says of them: of a collected pickup what was really handed over, so far."""
    ordered = [(line, line.quantity - line.cancelled) for line in lines if line.stocked]
    if pickup.state != "collected":
        return [(line.line_id, quantity) for line, quantity in ordered]
    rows = session.exec(select(PickupLine).where(PickupLine.pickup_id == pickup.id)).all()
    handed_over = Counter({row.sku: row.collected for row in rows})
    pieces = []
    for line, quantity in ordered:
        taken = min(quantity, handed_over[line.sku or ""])
        handed_over[line.sku or ""] -= taken
        pieces.append((line.line_id, taken))
    return [(line_id, quantity) for line_id, quantity in pieces if quantity]


def _note(
    session: Session,
    context: Context,
    channel: Channel,
    reports: Sequence[_Report],
    answers: Sequence[Published],
    now: datetime,
) -> None:
    for report, answer in zip(reports, answers, strict=True):
        row = session.get(Told, report.name)
        if row is None:
            row = Told(pickup_id=report.name, channel=channel.name, state="", at=now)
            session.add(row)
        key = f"news/{report.name}"
        if answer.outcome in (Outcome.APPLIED, Outcome.ACCEPTED):
            row.state, row.at, row.failures, row.next_try_at = report.news.kind, now, 0, None
            deadletters.mended(session, channel.name, key, now=now)
            continue
        row.failures += 1
        row.next_try_at = now + backoff(row.failures, answer.retry_after_seconds)
        if answer.outcome is Outcome.ATTENTION:
            row.next_try_at = now + ATTENTION_RETRY
            about = {**report.about, "told": report.name, "state": report.news.kind}
            title = f"{channel.name} does not take “{report.news.kind}” for {report.news.reference}"
            letter = Letter("news", key, title, answer.reason, answer.action, about)
            deadletters.keep(session, context, channel.name, letter, now=now)
