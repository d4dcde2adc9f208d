"""Who changed what and by which door, what was imported, and what happened to channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.access.acts import Door
from omnisync.access.tables import Act
from omnisync.catalog.tables import ImportRun
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.office.steps import row_number
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.sync.tables import Event
from omnisync.values import to_cursor

act, run, event = db.table(Act), db.table(ImportRun), db.table(Event)
STEPS = {
    ("channels", "pause"): later("Channel paused"),
    ("channels", "resume"): later("Channel resumed"),
    ("channels", "sync"): later("Channel synced"),
    ("channels", "reconnect"): later("Channel connected again"),
    ("all", "sync"): later("All channels synced"),
    ("all", "replay"): later("Dead letters replayed"),
    ("letters", "replay"): later("Dead letter replayed"),
    ("letters", "discard"): later("Dead letter discarded"),
    ("letters", "map"): later("Article mapped"),
    ("cases", "apply"): later("Decision: applied"),
    ("cases", "dismiss"): later("Decision: dismissed"),
    ("shortages", "accept"): later("Takes care of a shortage"),
    ("shortages", "carry_out"): later("Proposal for a shortage carried out"),
    ("mappings", "answer"): later("Mapping answered"),
    ("users", "create"): later("User created"),
    ("users", "password"): later("Password set"),
    ("users", "disable"): later("User ended"),
    ("users", "initials"): later("Initials set"),
    ("users", "pin"): later("PIN set"),
    ("keys", "create"): later("Key created"),
    ("keys", "revoke"): later("Key ended"),
    ("devices", "invite"): later("Device invited"),
    ("devices", "end"): later("Device ended"),
    ("devices", "unlock"): later("Device opened again"),
    ("devices", "add-person"): later("Person of a store added"),
    ("devices", "pin"): later("PIN set"),
    ("devices", "end-person"): later("Person of a store ended"),
    ("devices", "end-session"): later("Signed out"),
    ("stores", "pause"): later("Pickups paused"),
    ("stores", "resume"): later("Pickups taken again"),
    ("prices", "set"): later("Prices set"),
    ("stock", "safety"): later("Safety stock set"),
    ("stock", "backorder"): later("Backorder set"),
    ("mappings", "put"): later("Article mapped"),
    ("stocktakes", "open"): later("Stocktake opened"),
    ("stocktakes", "book"): later("Stocktake booked"),
    ("stocktakes", "abandon"): later("Stocktake abandoned"),
    ("subscriptions", "create"): later("Webhook subscribed"),
    ("subscriptions", "resume"): later("Webhook tried again"),
    ("subscriptions", "delete"): later("Webhook ended"),
}
DOORS = {
    Door.OFFICE: later("in the office"),
    Door.DESK: later("in a store"),
    Door.KEY: later("API key"),
    Door.TERMINAL: later("command line"),
}


@dataclass(frozen=True, slots=True)
class Log:
    """The whole page."""

    sheets: tuple[Sheet, ...]
    doors: Sequence[tuple[str, str]]


def log(session: Session, context: Context, visit: Visit) -> Log:
    """The newest first."""
    doors = [(door.value, visit.say(words)) for door, words in DOORS.items()]
    return Log((_acts(session, visit), _imports(session, context, visit), _events(session, context, visit)), doors)


def _acts(session: Session, visit: Visit) -> Sheet:
    say, statement = visit.say, sa.select(act)
    if before := visit.get("before"):
        statement = statement.where(act.c.id < row_number(stock.cursor(before, 1)[0]))
    for name in ("by", "door", "thing", "about"):
        if told := visit.get(name):
            statement = statement.where(act.c[name] == told)
    rows = session.execute(statement.order_by(act.c.id.desc()).limit(visit.rows + 1)).all()
    shown = rows[: visit.rows]
    more = visit.url(before=to_cursor(shown[-1].id)) if len(rows) > len(shown) else ""
    columns = (
        Column(later("When"), lambda row: row.at),
        Column(later("Who"), lambda row: row.by, lambda row: visit.url(by=row.by, door=row.door, before="")),
        Column(later("From where"), lambda row: say(DOORS[Door(row.door)])),
        Column(later("What"), lambda row: say(STEPS.get((row.thing, row.step), f"{row.thing} {row.step}"))),
        Column(later("About"), lambda row: row.about, _way, look="code"),
    )
    return Sheet("acts", say("Changed by hand or by program"), columns, shown, say("Nothing was changed yet."), more)


def _way(row: Any) -> str:
    ways_of = {
        "channels": ways.channel(row.about),
        "letters": f"/ops/letters/one?{ways.query(id=row.about)}",
        "cases": "/ops/cases?state=closed",
        "shortages": "/ops/shortages",
        "mappings": "/ops/mappings",
        "devices": "/ops/devices",
        "stores": f"/ops/pickups?{ways.query(location=row.about)}",
        "prices": "/ops/prices",
        "stock": "/ops/stock",
    }
    return ways_of.get(row.thing, "")


def _imports(session: Session, context: Context, visit: Visit) -> Sheet:
    say, titles = visit.say, stock.titles_of(context)
    rows = session.execute(sa.select(run).order_by(run.c.at.desc(), run.c.id.desc()).limit(visit.rows)).all()

    def state(row: Any) -> Mark:
        if row.undone_at is not None:
            return Mark(say("Undone"), "info", "pause")
        return (
            Mark(say("Cut off"), "warn", "warning") if row.booked_line is not None else Mark(say("Done"), "ok", "check")
        )

    columns = (
        Column(later("When"), lambda row: row.at),
        Column(later("File"), lambda row: row.file_name, note=lambda row: titles.get(row.channel, row.channel or "")),
        Column(later("Kind"), lambda row: say(IMPORTS.get(row.kind, row.kind))),
        Column(later("Lines"), lambda row: row.rows, look="num"),
        Column(later("Changed"), lambda row: row.changed, look="num"),
        Column(later("State"), state),
        Column(later("Named"), lambda row: row.id, look="code"),
    )
    return Sheet("imports", say("Imports"), columns, rows, say("Nothing was imported."))


IMPORTS = {"catalog": later("articles"), "stock": later("stock"), "listings": later("listings")}


def _events(session: Session, context: Context, visit: Visit) -> Sheet:
    """What happened to channels; kept for a week."""
    say, titles = visit.say, stock.titles_of(context)
    statement = sa.select(event).where(event.c.kind.in_(list(EVENTS)))
    rows = session.execute(statement.order_by(event.c.position.desc()).limit(visit.rows)).all()

    def name_of(row: Any) -> str:
        return str(row.body.get("channel") or row.body.get("about") or "")

    def way(row: Any) -> str:
        return ways.channel(name_of(row)) if name_of(row) in titles else ""

    def channel(row: Any) -> str:
        return titles.get(name_of(row), name_of(row))

    columns: Sequence[Column] = (
        Column(later("When"), lambda row: row.at),
        Column(later("Channel"), channel, way),
        Column(later("What"), lambda row: say(EVENTS[row.kind]), note=lambda row: str(row.body.get("title", ""))),
    )
    return Sheet("events", say("Channels in the last week"), columns, rows, say("Nothing has happened."))


EVENTS = {
    "channel.failing": later("Began to fail"),
    "channel.recovered": later("Is back"),
    "channel.paused": later("Paused"),
    "channel.resumed": later("Resumed"),
    "channel.live": later("Went live"),
    "channel.handed_back": later("Was handed back"),
    "channel.subscribed": later("Webhooks subscribed"),
    "channel.silent": later("A topic fell silent"),
    "channel.case_opened": later("Decision opened"),
    "channel.case_closed": later("Decision closed"),
    "channel.dead_letter": later("Something got stuck"),
    "channel.conflict": later("Sold twice"),
    "channel.gap_filled": later("A missed order was found"),
    "channel.mapped": later("Mapping answered"),
    "alert.raised": later("An alert was told"),
    "alert.over": later("An alert was over"),
}
