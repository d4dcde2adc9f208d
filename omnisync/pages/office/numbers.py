"""What stands behind a key figure of the overview: how it is counted, and the rows that make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import first_id
from omnisync.errors import NotFound
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.sync.history import SLACK
from omnisync.sync.tables import Conflict, InboxMessage, Sent, ShownState

LATELY = timedelta(hours=24)
sent, conflict = db.table(Sent), db.table(Conflict)
shown, message = db.table(ShownState), db.table(InboxMessage)


@dataclass(frozen=True, slots=True)
class Number:
    """The whole page."""

    title: str
    how: str
    sheets: tuple[Sheet, ...]
    channels: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a figure is explained: its words, its rows and their columns beside channel and article."""

    title: str
    how: str
    empty: str
    rows: Callable[[Session, Visit], Sequence[Any]]
    columns: tuple[Column, ...]


def number(session: Session, context: Context, visit: Visit) -> Number:
    """One figure. NotFound when there is none of that name."""
    way, titles, say = _WAYS.get(visit.get("name")), stock.titles_of(context), visit.say
    if way is None:
        raise NotFound("There is no such figure.")
    columns = (
        Column(
            later("Channel"), lambda row: titles.get(row.channel, row.channel), lambda row: ways.channel(row.channel)
        ),
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku)),
        *way.columns,
    )
    sheet = Sheet("rows", say(way.title), columns, way.rows(session, visit), say(way.empty))
    return Number(say(way.title), say(way.how), (sheet,), list(titles.items()))


def _slowest(session: Session, visit: Visit) -> Sequence[Any]:
    """The slowest changes of the last day."""
    took = sa.type_coerce(sent.c.applied_at, sa.BigInteger) - sa.type_coerce(sent.c.changed_at, sa.BigInteger)
    since = visit.now - LATELY
    statement = (
        sa.select(sent.c.channel, sent.c.sku, sent.c.quantity, sent.c.changed_at, sent.c.applied_at, took.label("took"))
        .where(sent.c.tag >= first_id(since - SLACK), sent.c.applied_at >= since, sent.c.changed_at.is_not(None))
        .order_by(took.desc(), sent.c.tag)
    )
    return session.execute(_of(visit, sent.c.channel, statement).limit(visit.rows)).all()


def _of(visit: Visit, column: Any, statement: sa.Select[Any]) -> sa.Select[Any]:
    """Of one channel where the address names one."""
    channel = visit.get("channel")
    return statement.where(column == channel) if channel else statement


def _twice(session: Session, visit: Visit) -> Sequence[Any]:
    statement = sa.select(conflict.c.channel, conflict.c.sku, conflict.c.quantity, conflict.c.order_id, conflict.c.at)
    newest = _of(visit, conflict.c.channel, statement).order_by(conflict.c.id.desc())
    return session.execute(newest.limit(visit.rows)).all()


def _waiting(session: Session, visit: Visit) -> Sequence[Any]:
    """Numbers that are not shown yet, and messages that are not read yet, the oldest first."""
    texts = sa.String()
    numbers = sa.select(
        shown.c.channel, sa.cast(shown.c.sku, texts).label("sku"), shown.c.wanted, shown.c.believed,
        sa.null().label("topic"), shown.c.behind_since.label("since"),
    ).where(
        shown.c.behind_since.is_not(None),
        sa.or_(shown.c.guard_decision.is_(None), shown.c.guard_decision.not_in(["waiting", "keep"])),
    )  # fmt: skip
    messages = sa.select(
        message.c.channel, sa.null(), sa.null(), sa.null(), message.c.topic, message.c.received_at
    ).where(message.c.state == "received")
    both = sa.union_all(numbers, messages).subquery()
    oldest = _of(visit, both.c.channel, sa.select(both)).order_by(both.c.since)
    return session.execute(oldest.limit(visit.rows)).all()


_WAYS: Mapping[str, _Way] = {
    "delay": _Way(
        later("Delay"),
        later(
            "From a change of stock to the channel that shows it, for every number that was sent; 95 per cent stayed below the figure. "
            "What still waits counts as old as it is. Here are the slowest of the last 24 hours."
        ),
        later("Nothing was sent in this span."),
        _slowest,
        (
            Column(
                later("Number"),
                lambda row: row.quantity,
                lambda row: ways.explain(row.sku, channel=row.channel, at=row.applied_at),
                look="num",
            ),
            Column(later("Changed"), lambda row: row.changed_at),
            Column(later("Shown there"), lambda row: row.applied_at),
            Column(
                later("Seconds"),
                lambda row: round(row.took / 1e6),
                lambda row: ways.explain(row.sku, "sent", channel=row.channel, at=row.applied_at),
                look="num",
            ),
        ),
    ),
    "twice": _Way(
        later("Sold twice"),
        later(
            "Two channels sold the same last pieces before either could know of the other. Each is counted once, with the order "
            "that came second; what is still missing stands under Shortages."
        ),
        later("Nothing was sold twice."),
        _twice,
        (
            Column(later("Pieces"), lambda row: row.quantity, lambda row: ways.order(row.order_id), look="num"),
            Column(later("Cause"), lambda row: row.order_id, lambda row: ways.order(row.order_id), look="code"),
            Column(later("When"), lambda row: row.at),
        ),
    ),
    "queue": _Way(
        later("Queue"),
        later(
            "Numbers that a channel does not show yet, and messages of channels that are not read yet, the oldest first. "
            "What the blast guard holds back stands under Decisions."
        ),
        later("Nothing waits."),
        _waiting,
        (
            Column(
                later("Should show"),
                lambda row: row.wanted,
                lambda row: ways.explain(row.sku, channel=row.channel),
                look="num",
            ),
            Column(
                later("Shows"),
                lambda row: row.believed,
                lambda row: ways.explain(row.sku, "sent", channel=row.channel),
                look="num",
            ),
            Column(later("Message"), lambda row: row.topic),
            Column(later("Waits since"), lambda row: row.since),
        ),
    ),
}
