"""The timeline of a pickup or an order: who did what when, and which mail went out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.errors import NotFound
from omnisync.orders import acts
from omnisync.orders.pickup import OMNISYNC
from omnisync.orders.tables import ChannelOrder, Mail, OrderLine, PickupLine, Task
from omnisync.pages.office import kinds, orders, pickups, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import later
from omnisync.stock.tables import Movement, Promise, Transfer
from omnisync.sync.context import Context
from omnisync.sync.tables import DeadLetter, Told
from omnisync.values import Kind, Money

mail, task, transfer, told = (db.table(one) for one in (Mail, Task, Transfer, Told))
movement, promise, letter = (db.table(one) for one in (Movement, Promise, DeadLetter))
order, order_line, pickup_line, article = (db.table(one) for one in (ChannelOrder, OrderLine, PickupLine, Article))


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened."""

    at: datetime
    words: str
    who: str = ""
    detail: str = ""
    way: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The whole page."""

    title: str
    mark: Mark
    facts: Mapping[str, str]
    moments: Sequence[Moment]
    sheets: tuple[Sheet, ...]
    ways: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- a pickup


def of_pickup(session: Session, context: Context, visit: Visit) -> Story:
    """What became of a pickup, from being placed to its end."""
    row = session.execute(pickups.rows().where(pickups.pickup.c.id == visit.get("id"))).first()
    if row is None:
        raise NotFound("There is no such pickup.")
    say, names = visit.say, stock.places_of(context)
    moments = [
        *_steps(session, row, stock.titles_of(context), visit), *_mails(session, row.customer_id, visit),
        *_tasks(session, row.id, visit), *_transfers(session, row.id, names, visit),
        *_news(session, row.id, visit),
    ]  # fmt: skip
    facts = {
        say("Who comes"): row.name or say("forgotten"),
        say("Location"): names.get(row.location, row.location),
        say("Shelf"): row.shelf or "",
        say("Ready by"): visit.shown(row.ready_by),
        say("Collect by"): visit.shown(row.collect_by),
        say("Paid"): visit.shown(row.paid),
        say("Reference"): row.reference or "",
        say("Note"): row.note,
    }
    of_order = session.execute(
        sa.select(order.c.id).where(order.c.channel == row.channel, order.c.reference == row.reference)
    ).scalar()
    return Story(
        say("Pickup %(number)s", number=row.number), pickups.mark(row, visit), _said(facts), sorted(moments, key=_when),
        (_pickup_lines(session, row.id, visit),), {say("To the order"): ways.order(of_order)} if of_order else {},
    )  # fmt: skip


def _of_row(row: Any, titles: Mapping[str, str], visit: Visit) -> Iterator[tuple[str, Moment]]:
    """What the pickup itself remembers, by the name of the act: all that is known of one from before acts were kept."""
    say = visit.say
    yield "placed", Moment(row.placed_at, say("Placed"), row.owner or titles.get(row.channel, row.channel or ""))
    if row.ready_at:
        yield "ready", Moment(row.ready_at, say("Put aside, ready"), detail=row.shelf or "")
    if row.reminded_at:
        yield "reminded", Moment(row.reminded_at, say("Customer reminded"))
    if row.agreed_at:
        words = say("Customer agreed to the move")
        yield "agreed", Moment(row.agreed_at, words, row.agreed_by or "", row.agreed_how or "")
    if row.ended_at:
        word, _, _ = pickups.STATES[row.state]
        yield row.state, Moment(row.ended_at, say(word), row.handed_over_by or "", _how(row, visit))


def _steps(session: Session, row: Any, titles: Mapping[str, str], visit: Visit) -> Iterator[Moment]:
    """Every act with who did it; what was not kept as one is told by the pickup itself."""
    found = acts.of(session, row.id)
    for one in found:
        lines = [line for line in one.details.get("lines", ()) if isinstance(line, dict)]
        pieces = ", ".join(f"{line.get('quantity')} × {line.get('sku')}" for line in lines if line.get("sku"))
        more = {"ready": row.shelf or "", "collected": _collected(row, one, visit)}.get(one.what, pieces)
        by = "" if one.by == OMNISYNC.name else titles.get(one.by, one.by)
        yield Moment(one.at, visit.say(ACTS.get(one.what, one.what)), by, more)
    kept = {one.what for one in found}
    yield from (moment for what, moment in _of_row(row, titles, visit) if what not in kept)


def _collected(row: Any, one: acts.Act, visit: Visit) -> str:
    """With a code or without; and the age that was checked."""
    years = one.details.get("age_checked")
    age = visit.say("age checked: %(years)s or older", years=years) if years else ""
    return " · ".join(part for part in (_how(row, visit), age) if part)


def _how(row: Any, visit: Visit) -> str:
    how, _, note = (row.collected_how or "").partition(": ")
    known = visit.say(HOW[how]) if how in HOW else ""
    return f"{known}, {note}" if known and note == "offline" else known


def _mails(session: Session, customer_id: str | None, visit: Visit) -> Iterator[Moment]:
    if customer_id is None:
        return
    statement = sa.select(mail.c.subject, mail.c.created_at, mail.c.sent_at, mail.c.next_try_at, mail.c.attempts)
    for one in session.execute(statement.where(mail.c.customer_id == customer_id)):
        if one.sent_at:
            yield Moment(one.sent_at, visit.say("Mail sent"), detail=one.subject)
        elif one.next_try_at:
            yield Moment(one.created_at, visit.say("Mail waits to be sent"), detail=one.subject)
        else:
            yield Moment(one.created_at, visit.say("Mail could not be sent"), detail=one.subject)


def _tasks(session: Session, pickup_id: str, visit: Visit) -> Iterator[Moment]:
    for one in session.execute(sa.select(task).where(task.c.pickup_id == pickup_id)):
        word = visit.say(TASKS.get(one.kind, one.kind))
        yield Moment(one.created_at, visit.say("Task: %(task)s", task=word), detail=one.sku or "")
        if one.done_at:
            yield Moment(one.done_at, visit.say("Task done: %(task)s", task=word), one.done_by or "", one.sku or "")


def _transfers(session: Session, pickup_id: str, names: Mapping[str, str], visit: Visit) -> Iterator[Moment]:
    say = visit.say
    for one in session.execute(sa.select(transfer).where(transfer.c.pickup_id == pickup_id)):
        way = f"{names.get(one.from_location, one.from_location)} → {names.get(one.to_location, one.to_location)}"
        yield Moment(one.asked_at, say("Goods asked for from another store"), detail=way)
        if one.sent_at:
            yield Moment(one.sent_at, say("Goods on their way"), detail=way)
        if one.received_at:
            yield Moment(one.received_at, say("Goods received"), one.received_by or "", way)


def _news(session: Session, subject: str, visit: Visit) -> Iterator[Moment]:
    for one in session.execute(sa.select(told).where(told.c.pickup_id == subject)):
        waits = one.next_try_at is not None
        words = visit.say("Channel not told yet") if waits else visit.say("Channel told")
        yield Moment(one.at, words, detail=f"{one.channel}: {one.state}")


def _told(_: Any) -> str:
    """What was ordered, picked and sent, the timeline over the table tells."""
    return "#story"


def _pickup_lines(session: Session, pickup_id: str, visit: Visit) -> Sheet:
    statement = sa.select(pickup_line, article.c.title).outerjoin(article, article.c.sku == pickup_line.c.sku)
    rows = session.execute(statement.where(pickup_line.c.pickup_id == pickup_id).order_by(pickup_line.c.sku)).all()
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.title or ""),
        Column(later("Pieces"), lambda row: row.quantity, _told, look="num"),
        Column(later("Picked"), lambda row: row.picked, _told, look="num"),
        Column(later("Not found"), lambda row: row.rejected, _told, look="num"),
        Column(later("Handed over"), lambda row: row.collected, _told, look="num"),
        Column(later("Price"), _price, lambda one: ways.price(one.sku) if one.sku else "", look="num"),
    )
    return Sheet("lines", visit.say("What is in it"), columns, rows, visit.say("Nothing is in it."))


# ---------------------------------------------------------------- an order


def of_order(session: Session, context: Context, visit: Visit) -> Story:
    """What became of an order: seen, reserved, sent, given back, and what waits."""
    row = session.execute(orders.rows().where(orders.order.c.id == visit.get("id"))).first()
    if row is None:
        raise NotFound("There is no such order.")
    say, names, titles = visit.say, stock.places_of(context), stock.titles_of(context)
    moments = [
        Moment(row.placed_at, say("Placed"), titles.get(row.channel, row.channel)),
        Moment(row.seen_at, say("First seen here")),
        *_booked(session, row, names, visit), *_letters(session, row, visit), *_news(session, f"order/{row.id}", visit),
    ]  # fmt: skip
    if row.released_at:
        moments.append(Moment(row.released_at, say("Not paid in time, pieces given back")))
    here = sa.and_(pickups.pickup.c.channel == row.channel, pickups.pickup.c.reference == row.reference)
    picked_up = session.execute(sa.select(pickups.pickup.c.id).where(here)).scalar()
    facts = {
        say("Channel"): titles.get(row.channel, row.channel),
        say("Number there"): row.external_id,
        say("Paid"): visit.shown(row.paid),
        say("Collected at"): names.get(row.collect_at, ""),
        say("Sent by the marketplace"): say("yes") if row.elsewhere else "",
        say("From before the start"): say("yes") if row.history else "",
    }
    return Story(
        say("Order %(reference)s", reference=row.reference), orders.mark(row, visit), _said(facts),
        sorted(moments, key=_when), (_order_lines(session, row, visit),),
        {say("To the pickup"): ways.pickup(picked_up)} if picked_up else {},
    )  # fmt: skip


def _booked(session: Session, row: Any, names: Mapping[str, str], visit: Visit) -> Iterator[Moment]:
    """What the journal says of its promises."""
    statement = (
        sa.select(movement).join(promise, promise.c.id == movement.c.promise).where(promise.c.order_id == row.id)
    )
    for one in session.execute(statement.order_by(movement.c.id)):
        words = visit.say(kinds.MOVEMENTS[Kind(one.kind)])
        detail = f"{one.quantity} × {one.sku}, {names.get(one.location, one.location)}"
        yield Moment(one.recorded_at, words, detail=detail, way=ways.article(one.sku, "journal"))


def _letters(session: Session, row: Any, visit: Visit) -> Iterator[Moment]:
    here = letter.c.key.startswith(f"line/{row.external_id}/", autoescape=True)
    for one in session.execute(sa.select(letter).where(letter.c.channel == row.channel, here)):
        yield Moment(
            one.opened_at, visit.say("Stuck"), detail=said(one.reason, visit.say), way=ways.letters(row.channel)
        )
        if one.closed_at:
            yield Moment(one.closed_at, visit.say("Cleared up"), detail=one.closed_how or "")


def _order_lines(session: Session, row: Any, visit: Visit) -> Sheet:
    rows = session.execute(
        sa.select(order_line, sa.literal(row.currency, sa.String).label("currency"))
        .where(order_line.c.order_id == row.id)
        .order_by(order_line.c.line_id)
    ).all()
    say = visit.say
    columns = (
        Column(
            later("Article"), lambda one: one.sku or one.external_article or say("unknown"),
            lambda one: ways.article(one.sku) if one.sku else "", lambda one: one.title,
        ),
        Column(later("Pieces"), lambda one: one.quantity, _told, look="num"),
        Column(
            later("Shipped"), lambda one: one.shipped, _told, look="num",
            note=lambda one: say("Sent by our stores: %(n)s", n=one.sent) if one.sent > one.shipped else "",
        ),
        Column(later("Cancelled"), lambda one: one.cancelled, _told, look="num"),
        Column(later("Restocked"), lambda one: one.restocked, _told, look="num"),
        Column(later("Price"), _price, lambda one: ways.price(one.sku) if one.sku else "", look="num"),
        Column(later("Waits for"), lambda one: said(one.waiting or "", say)),
    )  # fmt: skip
    return Sheet("lines", say("What was ordered"), columns, rows, say("It has no lines."))


def _price(row: Any) -> Money | None:
    return Money(row.price_minor, row.currency) if row.price_minor is not None and row.currency else None


def _said(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


def _when(one: Moment) -> datetime:
    return one.at


HOW = {
    "code": later("with the pickup code"),
    "order_number_and_name": later("with number and name"),
    "id_seen": later("ID seen"),
    "known": later("known in person"),
    "proxy": later("by another person"),
}
ACTS = {
    "placed": later("Placed"),
    "accepted": later("Accepted"),
    "not_accepted": later("Nobody has accepted it"),
    "picking": later("Picking began"),
    "ready": later("Put aside, ready"),
    "rejected": later("Not found or damaged"),
    "collected": later("Collected"),
    "handed_back": later("Hand-over taken back"),
    "heard_again": later("Told of a hand-over that was known"),
    "cancelled": later("Cancelled"),
    "expired": later("Not collected"),
    "extended": later("Kept for longer"),
    "overdue": later("Not collected in time"),
    "late": later("Customer told that it comes later"),
    "transferred": later("Moved to another store"),
    "goods_arrived": later("Goods have arrived"),
    "cannot_send": later("Another store cannot send"),
    "paid": later("Paid"),
}
"""What `orders.acts` keeps."""
TASKS = {
    "put_back": later("put back"),
    "count": later("count again"),
    "overdue": later("call the customer"),
    "send": later("send to another store"),
    "receive": later("receive goods"),
}
