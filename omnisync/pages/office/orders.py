"""The orders of all channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.values import to_cursor

order, line = db.table(ChannelOrder), db.table(OrderLine)


@dataclass(frozen=True, slots=True)
class Orders:
    """A page of them."""

    sheets: tuple[Sheet, ...]
    channels: Sequence[tuple[str, str]]


def orders(session: Session, context: Context, visit: Visit) -> Orders:
    """The newest first, as far as the filters say."""
    statement = rows().order_by(order.c.id.desc()).limit(visit.rows + 1)
    if (state := _STATES.get(visit.get("state"))) is not None:
        statement = statement.where(state)
    if channel := visit.get("channel"):
        statement = statement.where(order.c.channel == channel)
    if before := visit.get("before"):
        statement = statement.where(order.c.id < stock.cursor(before, 1)[0])
    found = session.execute(statement).all()
    shown = found[: visit.rows]
    more = visit.url(before=to_cursor(shown[-1].id)) if len(found) > len(shown) else ""
    return Orders((sheet(shown, context, visit, more),), list(stock.titles_of(context).items()))


_GONE = sa.case((line.c.sent > line.c.shipped, line.c.sent), else_=line.c.shipped)
"""Sent, as far as the channel or one of our stores says."""


def rows() -> sa.Select[Any]:
    """Orders with how many pieces were ordered, are done, and wait for an answer."""
    mine = line.c.order_id == order.c.id
    done = sa.func.coalesce(sa.func.sum(_GONE + line.c.cancelled), 0)

    def of(what: Any, *where: Any) -> Any:
        return sa.select(what).where(mine, *where).scalar_subquery()

    return sa.select(
        order,
        of(sa.func.coalesce(sa.func.sum(line.c.quantity), 0)).label("pieces"),
        of(done).label("done"),
        of(sa.func.count(), line.c.waiting.is_not(None)).label("waiting"),
    )


_waits = sa.exists().where(line.c.order_id == order.c.id, line.c.waiting.is_not(None))
_undone = sa.exists().where(line.c.order_id == order.c.id, line.c.stocked, line.c.quantity > _GONE + line.c.cancelled)
OPEN = sa.and_(~order.c.closed, ~order.c.counter, ~order.c.history, _undone)
"""To be sent or collected."""
_STATES = {
    "open": OPEN,
    "unpaid": sa.and_(~order.c.paid, ~order.c.closed, ~order.c.counter),
    "waiting": _waits,
}
"""Filter of the page -> which orders."""


def sheet(found: Sequence[Any], context: Context, visit: Visit, more: str = "") -> Sheet:
    """These orders as a table."""
    say, titles, names = visit.say, stock.titles_of(context), stock.places_of(context)
    columns = (
        Column(later("Order"), lambda row: row.reference, lambda row: ways.order(row.id)),
        Column(
            later("Channel"), lambda row: titles.get(row.channel, row.channel),
            note=lambda row: say("At the till") if row.counter else names.get(row.collect_at, ""),
        ),
        Column(later("State"), lambda row: mark(row, visit)),
        Column(later("Pieces"), lambda row: int(row.pieces), lambda row: ways.order(row.id), look="num"),
        Column(later("Done"), lambda row: int(row.done), lambda row: ways.order(row.id), look="num"),
        Column(later("Placed"), lambda row: row.placed_at),
        Column(later("Seen"), lambda row: row.seen_at),
    )  # fmt: skip
    return Sheet("orders", say("Orders"), columns, found, say("No order matches."), more)


def mark(row: Any, visit: Visit) -> Mark:
    """The state as a word; what needs a person is said first."""
    say = visit.say
    if row.waiting:
        return Mark(say("Waits to be mapped"), "bad", "warning")
    if row.released_at is not None:
        return Mark(say("Not paid in time"), "warn", "clock")
    if not row.paid and not row.closed:
        return Mark(say("Unpaid"), "info", "clock")
    if row.closed or row.counter or int(row.done) >= int(row.pieces):
        return Mark(say("Done"), "ok", "check")
    return Mark(say("Open"), "info", "clock")
