"""What was left lying: all of it, one with everything that is known of it, and a rehearsal of doing it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Counted, Delivered, LevelSeen, OrderSeen, Sale
from omnisync.errors import NotFound
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.pages import ops_words
from omnisync.pages.office import redacted, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.office.steps import AT_ONCE
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import later
from omnisync.sync import replay, wire
from omnisync.sync.context import Context
from omnisync.sync.replay import Rehearsal
from omnisync.sync.resolve import articles_of, name_of, resolver
from omnisync.sync.tables import DeadLetter, InboxMessage, ShownState
from omnisync.values import to_cursor

letter, message, listing = db.table(DeadLetter), db.table(InboxMessage), db.table(ShownState)
order, order_line = db.table(ChannelOrder), db.table(OrderLine)


@dataclass(frozen=True, slots=True)
class Letters:
    """A page of them."""

    sheets: tuple[Sheet, ...]
    channels: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    can_rehearse: bool


@dataclass(frozen=True, slots=True)
class One:
    """One letter."""

    id: str
    title: str
    mark: Mark
    facts: Mapping[str, str]
    action: str
    is_open: bool
    external_id: str
    article: str
    payload: str
    message: str
    headers: Mapping[str, str]
    received_at: datetime | None
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A rehearsal."""

    sheets: tuple[Sheet, ...]
    ids: str
    """Of those that can succeed."""
    number: int


# ---------------------------------------------------------------- all of them


def letters(session: Session, context: Context, visit: Visit) -> Letters:
    """Open letters, the oldest first; closed ones by a filter."""
    found, more = _page(session, visit)
    sheet = _sheet(found, context, visit, more)
    names = [(kind, visit.say(word)) for kind, word in ops_words.LETTERS.items()]
    is_open = visit.get("state") != "closed"
    return Letters((sheet,), list(stock.titles_of(context).items()), names, bool(found) and is_open)


def _page(session: Session, visit: Visit) -> tuple[Sequence[Any], str]:
    closed = letter.c.closed_at.is_not(None) if visit.get("state") == "closed" else letter.c.closed_at.is_(None)
    statement = sa.select(letter).where(closed).order_by(letter.c.id).limit(visit.rows + 1)
    for column in (letter.c.channel, letter.c.kind):
        if wanted := visit.get(column.name):
            statement = statement.where(column == wanted)
    if after := visit.get("after"):
        statement = statement.where(letter.c.id > stock.cursor(after, 1)[0])
    rows = session.execute(statement).all()
    shown = rows[: visit.rows]
    return shown, visit.url(after=to_cursor(shown[-1].id)) if len(rows) > len(shown) else ""


def _sheet(found: Sequence[Any], context: Context, visit: Visit, more: str) -> Sheet:
    say, titles = visit.say, stock.titles_of(context)
    columns = (
        Column(
            later("What"), lambda row: ops_words.letter_title(row, say), lambda row: f"/ops/letters/one?id={row.id}",
            lambda row: said(row.action, say),
        ),
        Column(later("Channel"), lambda row: titles.get(row.channel, row.channel), lambda row: ways.channel(row.channel)),
        Column(later("Why"), lambda row: said(row.reason, say)),
        Column(later("Tries"), lambda row: row.attempts, lambda row: f"/ops/letters/one?id={row.id}", look="num"),
        Column(later("Since"), lambda row: row.opened_at),
        Column(later("Last tried"), lambda row: row.last_at),
    )  # fmt: skip
    return Sheet("letters", say("Dead letters"), columns, found, say("Nothing is stuck."), more)


# ---------------------------------------------------------------- one


def one(session: Session, context: Context, visit: Visit) -> One:
    """A letter with what came, what differs by now, and what can be done."""
    row: Any = session.execute(sa.select(letter).where(letter.c.id == visit.get("id"))).first()
    if row is None:
        raise NotFound("There is no such dead letter.")
    say = visit.say
    came = session.execute(sa.select(message).where(message.c.id == row.message_id)).first() if row.message_id else None
    external_id, article = _unknown(row)
    facts = {
        say("Channel"): stock.titles_of(context).get(row.channel, row.channel),
        say("Kind"): say(ops_words.LETTERS.get(row.kind, row.kind)),
        say("Why"): said(row.reason, say),
        say("Tries"): say.number(row.attempts),
        say("Since"): visit.shown(row.opened_at),
        say("Last tried"): visit.shown(row.last_at),
        say("Closed"): visit.shown(row.closed_at),
    }
    return One(
        id=row.id, title=ops_words.letter_title(row, say), mark=_mark(row, visit),
        facts={name: value for name, value in facts.items() if value},
        action=said(row.action, say), is_open=row.closed_at is None, external_id=external_id, article=article,
        payload=redacted.text(row.payload) if row.payload else "",
        message=redacted.body(came.body) if came is not None else "",
        headers=redacted.headers(came.headers) if came is not None else {},
        received_at=came.received_at if came is not None else None,
        sheets=(_difference(session, row, visit),),
    )  # fmt: skip


def _mark(row: Any, visit: Visit) -> Mark:
    if row.closed_at is None:
        return Mark(visit.say("Waits for you"), "bad", "warning")
    return Mark(visit.say(CLOSED.get(row.closed_how, "Closed")), "ok", "check")


CLOSED = {"replayed": later("Done again"), "mended": later("Mended"), "discarded": later("Discarded")}


def _unknown(row: Any) -> tuple[str, str]:
    """(the channel's name, the title) of the one article whose mapping would mend it."""
    waiting = [one for one in replay.articles_waiting(row) if one.external_id]
    if len(waiting) != 1 or "article" not in row.reason.lower():
        return "", ""
    return waiting[0].external_id or "", waiting[0].title


def _difference(session: Session, row: Any, visit: Visit) -> Sheet:
    """What the letter says beside what is so now."""
    found = list(_differences(session, row, visit))
    columns = (
        Column(later("What"), lambda one: one[0]),
        Column(later("In the letter"), lambda one: one[1]),
        Column(later("Now"), lambda one: one[2]),
    )
    return Sheet("difference", visit.say("What differs by now"), columns, found, visit.say("Nothing to compare."))


def _differences(session: Session, row: Any, visit: Visit) -> Iterator[tuple[str, Any, Any]]:
    say, payload = visit.say, row.payload or {}
    if "external_id" in payload:
        shown = session.execute(
            sa.select(listing).where(
                listing.c.channel == row.channel, listing.c.external_id == payload["external_id"],
                listing.c.place == payload.get("place", ""),
            )
        ).first()  # fmt: skip
        yield say("Listing"), payload["external_id"], payload["external_id"] if shown is not None else say("gone")
        if shown is not None:
            yield say("Should show"), "", shown.wanted
            yield say("Shows"), "", shown.believed
    if "type" in payload:
        yield from _of_fact(session, row, visit)


def _of_fact(session: Session, row: Any, visit: Visit) -> Iterator[tuple[str, Any, Any]]:
    fact, say = wire.from_json(row.payload), visit.say
    resolve = resolver(session, row.channel, articles_of([fact]))
    if isinstance(fact, OrderSeen):
        booked = _booked(session, row.channel, fact.id)
        yield say("As of"), fact.version, max((one.version for one in booked.values()), default=None)
        for line in fact.lines:
            told = f"{line.quantity} × {line.article.title or name_of(line.article) or '?'}"
            here, now = resolve(line.article), booked.get(line.id)
            pieces = "" if now is None else f"{now.quantity} × "
            yield say("Line %(id)s", id=line.id), told, f"{pieces}{here}" if here else say("unknown article")
    elif isinstance(fact, Sale | Counted | Delivered | LevelSeen):
        told = f"{fact.quantity} × {fact.article.title or name_of(fact.article) or '?'}"
        yield say("Article"), told, resolve(fact.article) or say("unknown article")
        if fact.at is not None:
            yield say("Happened"), fact.at, None


def _booked(session: Session, channel: str, external_id: str) -> dict[str, Any]:
    statement = (
        sa.select(order_line, order.c.version)
        .join(order, order.c.id == order_line.c.order_id)
        .where(order.c.channel == channel, order.c.external_id == external_id)
    )
    return {one.line_id: one for one in session.execute(statement)}


# ---------------------------------------------------------------- a rehearsal


def rehearsal(session: Session, context: Context, visit: Visit) -> Tried:
    """What doing the oldest of them again would come to; nothing of it stays."""
    found, _ = _page(session, visit)
    rows = {row.id: row for row in found[:AT_ONCE]}
    tried = replay.rehearse(session, context, list(rows), now=visit.now)
    can = [one.letter for one in tried if one.booked or one.tried]
    say = visit.say

    def mark(one: Rehearsal) -> Mark:
        if one.booked:
            return Mark(say("Would be booked"), "ok", "check")
        return (
            Mark(say("Would be tried again"), "info", "clock")
            if one.tried
            else Mark(say("Still waits"), "warn", "warning")
        )

    columns = (
        Column(
            later("What"), lambda one: ops_words.letter_title(rows[one.letter], say),
            lambda one: f"/ops/letters/one?id={one.letter}",
        ),
        Column(later("Outcome"), mark),
        Column(later("Why"), lambda one: said(one.reason, say)),
    )  # fmt: skip
    sheet = Sheet("rehearsal", say("What would happen"), columns, tried, say("Nothing is stuck."))
    return Tried((sheet,), ",".join(can), len(can))
