"""Unpaid orders of a channel: given back after `unpaid_days`, and shown to a person until the channel agrees."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from omnisync.announce import announce
from omnisync.orders import unpaid
from omnisync.orders.tables import ChannelOrder
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import Case, ChannelHealth, DeadLetter

EVERY = timedelta(minutes=10)
READ_WITHIN = timedelta(hours=1)
"""Only what was read as lately as this is known to be unpaid."""
KIND = "unpaid"


async def look_after(context: Context, channel: Channel) -> int:
    """Give back what unpaid orders of this channel keep for too long; how many orders."""
    now = context.clock.now()
    return await context.store.write(lambda session: release(session, context, channel, now=now))


def release(session: Session, context: Context, channel: Channel, *, now: datetime) -> int:
    """The same, in a transaction of the caller's."""
    _close_settled(session, channel, now)
    if not _read_lately(session, channel, now):
        return 0
    due = unpaid.overdue(session, channel.name, before=now - timedelta(days=channel.policy.unpaid_days))
    for order_id in due:
        pieces = unpaid.release(session, order_id, now=now)
        if not channel.can.tells_pickups:
            _open_case(session, context, channel, session.get_one(ChannelOrder, order_id), pieces, now)
    return len(due)


def _read_lately(session: Session, channel: Channel, now: datetime) -> bool:
    """Whether a payment would have been seen: a channel that is away may have been paid long ago."""
    row = session.get(ChannelHealth, channel.name)
    pulled_at = row.pulled_at if row is not None else None
    return not channel.can.polls or (pulled_at is not None and pulled_at >= now - READ_WITHIN)


def _open_case(
    session: Session, context: Context, channel: Channel, order: ChannelOrder, pieces: int, now: datetime
) -> None:
    case = Case(
        id=context.ids.new(), channel=channel.name, kind=KIND, opened_at=now,
        title=f"Order {order.reference} was not paid within {channel.policy.unpaid_days} days",
        cause=f"Its {pieces} pieces can be sold again; {channel.name} cannot be told by omnisync.",
        proposal="Cancel the order at the channel. Should it be paid after all, its pieces are reserved again.",
        details={"order": order.id, "reference": order.reference, "pieces": pieces},
    )  # fmt: skip
    session.add(case)
    announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": KIND}, now=now)


def _close_settled(session: Session, channel: Channel, now: datetime) -> None:
    opened = select(Case).where(Case.channel == channel.name, Case.kind == KIND, col(Case.closed_at).is_(None))
    for case in session.exec(opened):
        order = session.get(ChannelOrder, case.details["order"])
        if order is None or order.paid or order.closed:
            case.closed_at, case.closed_how = now, "mended"
    letters = select(DeadLetter).where(
        DeadLetter.channel == channel.name, DeadLetter.kind == "news", col(DeadLetter.closed_at).is_(None)
    )
    for letter in session.exec(letters):
        order = session.get(ChannelOrder, (letter.payload or {}).get("order", ""))
        if order is not None and (order.paid or order.closed):
            letter.closed_at, letter.closed_how = now, "mended"
