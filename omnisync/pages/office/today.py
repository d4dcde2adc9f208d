"""What the day asks of the office: each line leads to where it is done; on a quiet day there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders import accepting, pauses
from omnisync.orders.states import State
from omnisync.orders.tables import HandOver, Task
from omnisync.pages import ops_words
from omnisync.pages.office import orders, pickups, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import Words, later
from omnisync.stock import shortages
from omnisync.sync import health, leases, questions
from omnisync.sync.alerts import BACKUP, BACKUP_EVERY
from omnisync.sync.context import Context
from omnisync.sync.tables import Case, Cursor, DeadLetter
from omnisync.values import to_cursor

RING_UP_WITHIN = timedelta(hours=1)
"""So long a hand-over may wait for its receipt before anybody asks."""
pickup, task, hand_over, case, letter, noted = (
    pickups.pickup, db.table(Task), db.table(HandOver), db.table(Case), db.table(DeadLetter), db.table(Cursor)
)  # fmt: skip
OPEN_TASKS = {
    "put_back": later("to put back"),
    "count": later("to count again"),
    "overdue": later("customers to call"),
    "send": later("to send to another store"),
    "receive": later("to receive"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do."""

    words: str
    way: str
    mood: str = "warn"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The whole page."""

    date: str
    lines: tuple[Line, ...]
    sheets: tuple[Sheet, ...]


def today(session: Session, context: Context, visit: Visit) -> Day:
    """The day of the office."""
    found = tuple(lines(session, context, visit.say, visit.now, visit.zone))
    columns = (
        Column(later("What"), lambda line: line.words, lambda line: line.way),
        Column(later("Location"), lambda line: line.about),
    )
    sheet = Sheet("today", visit.say("Today"), columns, found, visit.say("Nothing to do."))
    return Day(visit.say.day(visit.now, visit.zone), found, (sheet,))


def lines(session: Session, context: Context, say: Words, now: datetime, zone: ZoneInfo) -> Iterator[Line]:
    """Everything that asks for somebody today, what presses most first."""
    yield from _stopped(session, say, now)
    yield from _not_accepted(session, context, say)
    yield from _pickups(session, context, say, now, zone)
    yield from _paused(session, context, say, now, zone)
    yield from _shortages(session, say)
    yield from _cases(session, say)
    yield from _letters(session, say)
    yield from _orders(session, say)
    yield from _tills(session, context, say, now)
    yield from _unclear(session, context, say)
    yield from _tasks(session, context, say)
    yield from _not_rung_up(session, context, say, now)
    yield from _backup(session, say, now)


def _stopped(session: Session, say: Words, now: datetime) -> Iterator[Line]:
    """Without a worker all the other lines grow old."""
    if leases.idle(session, leases.HOUSE, now=now):
        yield Line(say("The sync has stopped."), "/ops", "bad")


def _paused(session: Session, context: Context, say: Words, now: datetime, zone: ZoneInfo) -> Iterator[Line]:
    """Stores where nothing can be ordered for pickup just now, because somebody there said so."""
    names = stock.places_of(context)
    for location, pause in sorted(pauses.standing(session, now=now).items()):
        words = say(
            "Takes no pickups until %(when)s, said %(name)s", when=say.when(pause.until, now, zone), name=pause.by
        )
        yield Line(words, f"/staff/work/pause?{ways.query(store=location)}", "warn", names.get(location, location))


def _not_accepted(session: Session, context: Context, say: Words) -> Iterator[Line]:
    """Orders of customers that everybody in their store overlooks."""
    names = stock.places_of(context)
    for location, number in sorted(Counter(one.location for one in accepting.not_accepted(session)).items()):
        words = say.ngettext("%(num)s pickup that nobody accepts", "%(num)s pickups that nobody accepts", number)
        yield Line(words, f"/ops/pickups?{ways.query(location=location)}", "bad", names.get(location, location))


def _pickups(session: Session, context: Context, say: Words, now: datetime, zone: ZoneInfo) -> Iterator[Line]:
    """Of each store: what is late, what lies there for too long, what is to be ready today."""
    night = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
    waiting = pickup.c.state.in_((State.PLACED, State.PICKING))

    def number(*where: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), 1), else_=0)), 0)

    rows = session.execute(
        sa.select(
            pickup.c.location, number(waiting, pickup.c.ready_by < now), number(pickup.c.overdue, pickup.c.state == State.READY),
            number(waiting, pickup.c.ready_by >= now, pickup.c.ready_by < night),
        )
        .where(pickup.c.state.in_(pickups.OPEN))
        .group_by(pickup.c.location)
        .order_by(pickup.c.location)
    )  # fmt: skip
    names = stock.places_of(context)
    for location, late, overdue, due in rows:
        name, way = names.get(location, location), ways.query(location=location, state="late")
        if late:
            yield Line(
                say.ngettext("%(num)s pickup is late", "%(num)s pickups are late", late),
                f"/ops/pickups?{way}",
                "bad",
                name,
            )
        if overdue:
            words = say.ngettext(
                "%(num)s pickup was not collected in time", "%(num)s pickups were not collected in time", overdue
            )
            yield Line(words, f"/ops/pickups?{way}", "bad", name)
        if due:
            words = say.ngettext("%(num)s pickup is to be ready today", "%(num)s pickups are to be ready today", due)
            yield Line(words, f"/ops/pickups?{ways.query(location=location)}", "info", name)


def _shortages(session: Session, say: Words) -> Iterator[Line]:
    number, pieces = shortages.totals(session)
    if number:
        words = say.ngettext(
            "%(num)s piece is promised and not there", "%(num)s pieces are promised and not there", pieces
        )
        yield Line(words, "/ops/shortages", "bad")


def _cases(session: Session, say: Words) -> Iterator[Line]:
    held = sa.func.coalesce(sa.func.sum(sa.case((case.c.kind.in_(ops_words.RELEASES), 1), else_=0)), 0)
    found = session.execute(sa.select(held, sa.func.count()).where(case.c.closed_at.is_(None))).one()
    guarded, everything = int(found[0]), int(found[1])
    if guarded:
        words = say.ngettext(
            "%(num)s change was held back by the blast guard",
            "%(num)s changes were held back by the blast guard",
            guarded,
        )
        yield Line(words, "/ops/cases", "bad")
    if everything > guarded:
        words = say.ngettext("%(num)s decision waits", "%(num)s decisions wait", everything - guarded)
        yield Line(words, "/ops/cases")


def _letters(session: Session, say: Words) -> Iterator[Line]:
    number = session.execute(sa.select(sa.func.count()).where(letter.c.closed_at.is_(None))).scalar_one()
    if number:
        yield Line(
            say.ngettext("%(num)s message or write is stuck", "%(num)s messages or writes are stuck", number),
            "/ops/letters",
        )


def _orders(session: Session, say: Words) -> Iterator[Line]:
    number = session.execute(sa.select(sa.func.count()).select_from(orders.order).where(orders.OPEN)).scalar_one()
    if number:
        words = say.ngettext(
            "%(num)s order is not sent or collected yet", "%(num)s orders are not sent or collected yet", number
        )
        yield Line(words, "/ops/orders?state=open", "info")


def _tills(session: Session, context: Context, say: Words, now: datetime) -> Iterator[Line]:
    names, titles = stock.places_of(context), stock.titles_of(context)
    for one in health.of_all(session, context.channels.values(), now=now):
        for silence in one.silent:
            words = say(
                "%(till)s was last heard from %(ago)s",
                till=titles.get(one.channel, one.channel),
                ago=say.ago(silence.since, now),
            )
            yield Line(words, ways.channel(one.channel), "bad", names.get(silence.location, silence.location))


def _unclear(session: Session, context: Context, say: Words) -> Iterator[Line]:
    _, counts = questions.page(session, list(context.channels.values()), kind=None, after=None, limit=0)
    number = sum(counts.values())
    if number:
        yield Line(say.ngettext("%(num)s mapping is unclear", "%(num)s mappings are unclear", number), "/ops/mappings")


def _tasks(session: Session, context: Context, say: Words) -> Iterator[Line]:
    names = stock.places_of(context)
    statement = sa.select(task.c.location, task.c.kind, sa.func.count()).where(task.c.done_at.is_(None))
    rows = session.execute(statement.group_by(task.c.location, task.c.kind).order_by(task.c.location, task.c.kind))
    for location, kind, number in rows:
        words = f"{say.number(number)} {say(OPEN_TASKS.get(kind, kind))}"
        yield Line(words, f"/staff/work?{ways.query(store=location)}", "info", names.get(location, location))


def _not_rung_up(session: Session, context: Context, say: Words, now: datetime) -> Iterator[Line]:
    names = stock.places_of(context)
    statement = sa.select(hand_over.c.location, sa.func.count()).where(*waiting_for_receipt(now))
    for location, number in session.execute(statement.group_by(hand_over.c.location).order_by(hand_over.c.location)):
        words = say.ngettext(
            "%(num)s piece handed over and not rung up", "%(num)s pieces handed over and not rung up", number
        )
        yield Line(words, f"/ops/pickups/unrung?{ways.query(location=location)}", "warn", names.get(location, location))


def waiting_for_receipt(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Pieces that the desk handed over and no till has booked since."""
    return (
        hand_over.c.matched_at.is_(None), hand_over.c.sale_key.is_(None), hand_over.c.pickup_id.is_not(None),
        hand_over.c.at < now - RING_UP_WITHIN,
    )  # fmt: skip


def _backup(session: Session, say: Words, now: datetime) -> Iterator[Line]:
    """Of a PostgreSQL database others take care, and tell us nothing."""
    if db.is_postgresql(session):
        return
    last = session.execute(
        sa.select(noted.c.at).where(noted.c.channel == BACKUP[0], noted.c.name == BACKUP[1])
    ).scalar()
    if last is None:
        yield Line(say("No backup was taken yet: omnisync backup FILE"), "/ops/settings")
    elif now - last > BACKUP_EVERY:
        yield Line(say("The last backup was taken %(ago)s", ago=say.ago(last, now)), "/ops/settings")


# ---------------------------------------------------------------- handed over and not rung up


@dataclass(frozen=True, slots=True)
class Unrung:
    """A page of them."""

    sheets: tuple[Sheet, ...]


def unrung(session: Session, context: Context, visit: Visit) -> Unrung:
    """Pieces that were handed over and that no till has rung up, the oldest first."""
    names: Mapping[str, str] = stock.places_of(context)
    statement = (
        sa.select(hand_over, pickup.c.number)
        .outerjoin(pickup, pickup.c.id == hand_over.c.pickup_id)
        .where(*waiting_for_receipt(visit.now))
    )
    if location := visit.get("location"):
        statement = statement.where(hand_over.c.location == location)
    if after := visit.get("after"):
        statement = statement.where(hand_over.c.id > stock.cursor(after, 1)[0])
    rows = session.execute(statement.order_by(hand_over.c.id).limit(visit.rows + 1)).all()
    shown = rows[: visit.rows]
    more = visit.url(after=to_cursor(shown[-1].id)) if len(rows) > len(shown) else ""
    columns = (
        Column(later("Pickup"), lambda row: row.number, lambda row: ways.pickup(row.pickup_id)),
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku)),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(later("Handed over"), lambda row: row.at),
    )
    return Unrung(
        (
            Sheet(
                "unrung",
                visit.say("Handed over and not rung up"),
                columns,
                shown,
                visit.say("Everything was rung up."),
                more,
            ),
        )
    )
