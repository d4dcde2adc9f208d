"""One channel: how it is doing, what it told us, what we wrote there, what it lets us write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import first_id
from omnisync.errors import NotFound
from omnisync.pages import ops_words
from omnisync.pages.office import account, redacted, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.office.steps import row_number
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import later
from omnisync.sync import health, history, subscribing
from omnisync.sync.context import Channel, Context
from omnisync.sync.health import Health
from omnisync.sync.tables import ChannelHealth, InboxMessage, Sent, ShownState
from omnisync.sync.topics import MEMORY
from omnisync.values import Money, to_cursor

message, sent, state, listing = (db.table(one) for one in (InboxMessage, Sent, ChannelHealth, ShownState))
DAY = timedelta(days=1)
MOST_TIGHT = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the figures over the tables; `way` is where it is explained."""

    name: str
    value: str
    way: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    name: str
    title: str
    mark: Mark
    reason: str
    action: str
    facts: Sequence[Fact]
    paused: bool
    troubled: bool
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Came:
    """One message."""

    title: str
    mark: Mark
    facts: Mapping[str, str]
    headers: Mapping[str, str]
    body: str


def channel(session: Session, context: Context, visit: Visit) -> Page:
    """The channel of that name, at this moment."""
    found = context.channel(visit.get("name"))
    one, say = health.of(session, found, now=visit.now), visit.say
    word, mood, icon = ops_words.STATES[one.state]
    row = session.execute(sa.select(state).where(state.c.channel == found.name)).first()
    sheets = [
        _topics(session, context, found, one, visit), _messages(session, found, visit), _writes(session, found, visit),
        *_budget(session, found, visit),
    ]  # fmt: skip
    return Page(
        found.name, found.settings.title or found.name, Mark(say(word), mood, icon), ops_words.reason(one, say),
        ops_words.action(one, say) if one.state == "action_required" else "",
        _facts(found, one, row, visit), one.paused, one.state == "late" or one.action is not None, tuple(sheets),
    )  # fmt: skip


def _facts(found: Channel, one: Health, row: Any, visit: Visit) -> list[Fact]:
    say, rule = visit.say, found.policy
    told = {
        say("Adapter"): say(ops_words.ADAPTERS.get(found.settings.adapter, found.settings.adapter)),
        say("Lag"): say.span(one.lag_seconds),
        say("Waiting"): say.number(one.queued),
        say("Drifting"): say.number(one.drift),
        say("Still offered, already gone"): say.number(one.exposed) if one.exposed else "",
        say("Last success"): say.ago(one.last_success_at, visit.now),
        say("Last heard from"): visit.shown(row.last_heard_at) if row is not None else "",
        say("Orders read to the end"): visit.shown(row.pulled_at) if row is not None else "",
        say("Last fault"): said(row.last_error, say) if row is not None and row.last_error else "",
        say("Not called before"): visit.shown(row.retry_at) if row is not None and row.retry_at else "",
        say("Sells the stock of"): ", ".join(found.settings.locations),
        say("Buffer"): str(rule.buffer) if rule.buffer else "",
        say("At most listed"): "" if rule.max_listed is None else say.number(rule.max_listed),
        say("Shown as none from"): say.number(rule.stop_at) if rule.stop_at else "",
    }
    here = found.name
    explained = {
        say("Lag"): ways.number("delay", here),
        say("Waiting"): ways.number("queue", here),
        say("Drifting"): f"/ops/drift?{ways.query(channel=here)}",
        say("Still offered, already gone"): ways.number("queue", here),
    }
    settings = dict.fromkeys((say("Buffer"), say("At most listed"), say("Shown as none from")), "/ops/settings")
    return [Fact(name, value, (explained | settings).get(name, "")) for name, value in told.items() if value]


def _topics(session: Session, context: Context, found: Channel, one: Health, visit: Visit) -> Sheet:
    """What it is subscribed for, and when each topic last spoke."""
    say, wishes = visit.say, subscribing.wanted(found, context.settings.server.public_url)
    wanted = {wish.topic for wish in wishes}
    heard = session.execute(
        sa.select(message.c.topic, sa.func.count().label("number"), sa.func.max(message.c.id).label("last"))
        .where(
            message.c.channel == found.name,
            message.c.id >= history.first_row_since(session, message.c.id, message.c.received_at, visit.now - MEMORY),
        )
        .group_by(message.c.topic)
    ).all()
    by_topic = {row.topic: row for row in heard}
    at = {row.id: row.received_at for row in session.execute(_moments([row.last for row in heard]))} if heard else {}

    def mark(topic: str) -> Mark:
        if topic in one.silent_topics:
            return Mark(say("Silent"), "warn", "clock")
        if topic in wanted and one.subscribed_at is None:
            return Mark(say("Not subscribed"), "bad", "warning")
        return (
            Mark(say("Subscribed"), "ok", "check") if topic in wanted else Mark(say("Not asked for"), "info", "clock")
        )

    def last(topic: str) -> datetime | None:
        return at.get(by_topic[topic].last) if topic in by_topic else None

    columns = (
        Column(later("Topic"), lambda topic: topic),
        Column(later("State"), mark),
        Column(later("Last message"), last),
        Column(
            later("In two weeks"),
            lambda topic: by_topic[topic].number if topic in by_topic else 0,
            lambda topic: visit.url(topic=topic, messages_before="") + "#messages",
            look="num",
        ),
    )
    hint = say("since %(when)s", when=visit.shown(one.subscribed_at)) if one.subscribed_at else ""
    empty = say("It sends no messages: it is asked on a schedule.")
    return Sheet("topics", say("Subscriptions"), columns, sorted({*wanted, *by_topic}), empty, hint=hint)


def _moments(ids: Sequence[int]) -> sa.Select[Any]:
    return sa.select(message.c.id, message.c.received_at).where(message.c.id.in_(ids))


# ---------------------------------------------------------------- messages


def _messages(session: Session, found: Channel, visit: Visit) -> Sheet:
    statement = sa.select(
        message.c.id, message.c.received_at, message.c.topic, message.c.resource, message.c.state, message.c.attempts,
        message.c.reason, message.c.event_id,
    ).where(message.c.channel == found.name)  # fmt: skip
    if topic := visit.get("topic"):
        statement = statement.where(message.c.topic == topic)
    if before := visit.get("messages_before"):
        statement = statement.where(message.c.id < row_number(stock.cursor(before, 1)[0]))
    rows = session.execute(statement.order_by(message.c.id.desc()).limit(visit.rows + 1)).all()
    shown = rows[: visit.rows]
    more = visit.url(messages_before=to_cursor(shown[-1].id)) + "#messages" if len(rows) > len(shown) else ""
    columns = (
        Column(later("When"), lambda row: row.received_at, lambda row: f"/ops/channel/message?id={row.id}"),
        Column(later("Topic"), lambda row: row.topic),
        Column(later("About"), lambda row: row.resource or row.event_id, look="code"),
        Column(later("State"), lambda row: _mark(row, visit), note=lambda row: said(row.reason or "", visit.say)),
        Column(later("Tries"), lambda row: row.attempts, lambda row: f"/ops/channel/message?id={row.id}", look="num"),
    )
    return Sheet("messages", visit.say("Messages"), columns, shown, visit.say("No message has come."), more)


MESSAGES = {
    "received": (later("Waiting"), "info", "clock"),
    "applied": (later("Booked"), "ok", "check"),
    "failed": (later("Stuck"), "bad", "warning"),
    "refused": (later("Refused"), "warn", "warning"),
    "discarded": (later("Discarded"), "info", "pause"),
}


def _mark(row: Any, visit: Visit) -> Mark:
    word, mood, icon = MESSAGES.get(row.state, (row.state, "info", "clock"))
    return Mark(visit.say(word), mood, icon)


def came(session: Session, context: Context, visit: Visit) -> Came:
    """One message as it came, without people and secrets."""
    row = session.execute(sa.select(message).where(message.c.id == row_number(visit.get("id")))).first()
    if row is None:
        raise NotFound("There is no such message.")
    say = visit.say
    facts = {
        say("Channel"): stock.titles_of(context).get(row.channel, row.channel),
        say("Received"): visit.shown(row.received_at),
        say("Handled"): visit.shown(row.handled_at),
        say("About"): row.resource or row.event_id,
        say("Tries"): say.number(row.attempts),
        say("Why"): said(row.reason or "", say),
        say("Called"): f"{row.method} {redacted.address(row.url)}" if row.url else row.method,
    }
    told = {name: value for name, value in facts.items() if value}
    return Came(row.topic, _mark(row, visit), told, redacted.headers(row.headers), redacted.body(row.body))


# ---------------------------------------------------------------- writes


def _writes(session: Session, found: Channel, visit: Visit) -> Sheet:
    here = (
        listing.c.channel == sent.c.channel,
        listing.c.external_id == sent.c.external_id,
        listing.c.place == sent.c.place,
    )
    currency = sa.func.coalesce(listing.c.wanted_price_currency, listing.c.price_currency).label("currency")
    statement = sa.select(sent, currency).outerjoin(listing, sa.and_(*here)).where(sent.c.channel == found.name)
    if before := visit.get("writes_before"):
        statement = statement.where(sent.c.tag < stock.cursor(before, 1)[0])
    rows = session.execute(statement.order_by(sent.c.tag.desc()).limit(visit.rows + 1)).all()
    shown = rows[: visit.rows]
    more = visit.url(writes_before=to_cursor(shown[-1].tag)) + "#writes" if len(rows) > len(shown) else ""
    say = visit.say
    columns = (
        Column(later("Sent"), lambda row: row.sent_at),
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.external_id),
        Column(
            later("Number"), lambda row: row.quantity,
            lambda row: ways.explain(row.sku, channel=row.channel, at=row.sent_at), look="num",
        ),
        Column(later("Price"), _price, lambda row: ways.price(row.sku, row.channel), look="num"),
        Column(
            later("Outcome"), lambda row: say(account.OUTCOMES.get(row.outcome, row.outcome or "")),
            note=lambda row: said(row.reason or "", say),
        ),
        Column(later("Applied"), lambda row: row.applied_at),
    )  # fmt: skip
    return Sheet("writes", say("Writes"), columns, shown, say("Nothing was written there."), more)


def _price(row: Any) -> Money | None:
    return Money(row.price_minor, row.currency) if row.price_minor is not None and row.currency else None


def _budget(session: Session, found: Channel, visit: Visit) -> tuple[Sheet, ...]:
    """What may still be written today, of the listings that come nearest to their limit; nothing where there is none."""
    most = found.can.revisions_per_day
    if most is None:
        return ()
    number = sa.func.count().label("number")
    rows = session.execute(
        sa.select(sent.c.external_id, sent.c.sku, number)
        .where(sent.c.channel == found.name, sent.c.tag >= first_id(visit.now - DAY), sent.c.sent_at > visit.now - DAY)
        .group_by(sent.c.external_id, sent.c.sku)
        .order_by(number.desc(), sent.c.external_id)
        .limit(visit.rows if visit.get("csv") else MOST_TIGHT)
    ).all()

    def written(row: Any) -> str:
        return ways.explain(row.sku, "sent", channel=found.name)

    columns = (
        Column(later("Listing"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.external_id),
        Column(later("Written in 24 h"), lambda row: row.number, written, look="num"),
        Column(later("Left"), lambda row: max(0, most - row.number), written, look="num"),
    )
    say = visit.say
    hint = say("%(number)s a day for each listing", number=say.number(most))
    return (Sheet("budget", say("Budget left"), columns, rows, say("Nothing was written today."), hint=hint),)
