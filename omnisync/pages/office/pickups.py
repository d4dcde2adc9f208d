"""The pickups of all stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.states import State
from omnisync.orders.tables import Customer, Pickup
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.values import from_micros, row_id, to_cursor, to_micros

pickup, customer = db.table(Pickup), db.table(Customer)
OPEN = (State.PLACED, State.PICKING, State.READY)
STATES = {
    State.PLACED: (later("Not picked yet"), "info", "clock"),
    State.PICKING: (later("Being picked"), "info", "clock"),
    State.READY: (later("Ready"), "ok", "check"),
    State.COLLECTED: (later("Collected"), "ok", "check"),
    State.EXPIRED: (later("Not collected"), "info", "pause"),
    State.CANCELLED: (later("Cancelled"), "info", "pause"),
}


@dataclass(frozen=True, slots=True)
class Pickups:
    """A page of them."""

    sheets: tuple[Sheet, ...]
    places: Sequence[tuple[str, str]]
    states: Sequence[tuple[str, str]]


def pickups(session: Session, context: Context, visit: Visit) -> Pickups:
    """By when they have to be ready, as far as the filters say; without one, those that are still open."""
    statement = rows().order_by(pickup.c.ready_by, pickup.c.id).limit(visit.rows + 1)
    state = visit.get("state", "open")
    if state == "late":
        statement = statement.where(_late(visit.now))
    elif state == "open":
        statement = statement.where(pickup.c.state.in_(OPEN))
    elif state in set(State):
        statement = statement.where(pickup.c.state == state)
    if location := visit.get("location"):
        statement = statement.where(pickup.c.location == location)
    if after := visit.get("after"):
        moment, last = _after(after)
        statement = statement.where(
            sa.tuple_(pickup.c.ready_by, pickup.c.id) > sa.tuple_(sa.literal(moment, pickup.c.ready_by.type), last)
        )
    found = session.execute(statement).all()
    shown = found[: visit.rows]
    more = visit.url(after=to_cursor(to_micros(shown[-1].ready_by), shown[-1].id)) if len(found) > len(shown) else ""
    states = [(one.value, visit.say(word)) for one, (word, _, _) in STATES.items()]
    return Pickups((sheet(shown, context, visit, more),), list(stock.places_of(context).items()), states)


def rows() -> sa.Select[Any]:
    """Pickups with the name of who comes."""
    return sa.select(pickup, customer.c.name).join(customer, customer.c.id == pickup.c.customer_id)


def sheet(found: Sequence[Any], context: Context, visit: Visit, more: str = "") -> Sheet:
    """These pickups as a table."""
    say, names, titles = visit.say, stock.places_of(context), stock.titles_of(context)
    columns = (
        Column(later("Pickup"), lambda row: row.number, lambda row: ways.pickup(row.id)),
        Column(later("Who comes"), lambda row: row.name),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(later("State"), lambda row: mark(row, visit)),
        Column(later("Ready by"), lambda row: row.ready_by),
        Column(later("Collect by"), lambda row: row.collect_by),
        Column(later("Paid"), lambda row: row.paid),
        Column(
            later("Channel"), lambda row: titles.get(row.channel, row.channel), note=lambda row: row.reference or ""
        ),
    )
    return Sheet("pickups", say("Pickups"), columns, found, say("No pickup matches."), more)


def mark(row: Any, visit: Visit) -> Mark:
    """The state as a word; late and overdue are said first."""
    if row.overdue and row.state == State.READY:
        return Mark(visit.say("Not collected in time"), "bad", "warning")
    if row.state in (State.PLACED, State.PICKING) and row.ready_by < visit.now:
        return Mark(visit.say("Late"), "warn", "clock")
    word, mood, icon = STATES[State(row.state)]
    return Mark(visit.say(word), mood, icon)


def _late(now: datetime) -> sa.ColumnElement[bool]:
    waiting = sa.and_(pickup.c.state.in_((State.PLACED, State.PICKING)), pickup.c.ready_by < now)
    return sa.or_(waiting, sa.and_(pickup.c.state == State.READY, pickup.c.overdue))


def _after(text: str) -> tuple[datetime, str]:
    micros, last = stock.cursor(text, 2)
    return from_micros(row_id(micros)), last
