"""What customers of pickups read, in German or English, where a channel leaves writing to omnisync."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.orders import mail, pickup
from omnisync.orders.pickup import Desk
from omnisync.orders.states import State
from omnisync.orders.tables import Customer, Pickup

REMIND_BEFORE = timedelta(hours=24)
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_MASKED = re.compile(r"@(members\.ebay|marketplace\.amazon)\.", re.IGNORECASE)
"""Addresses that marketplaces hand out in place of the buyer's: only they may write there."""

_pickup = db.table(Pickup)


class Occasion(StrEnum):
    """Why a customer is written to."""

    PLACED = "placed"
    READY = "ready"
    REMINDER = "reminder"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class _Words:
    """One language: (subject, first sentence) of each occasion, and the lines that some of them add."""

    says: Mapping[Occasion, tuple[str, str]]
    hello: str
    code: str
    unpaid: str
    time: str


_GERMAN = _Words(
    {
        Occasion.PLACED: (
            "Ihre Abholung {number} bei {store}",
            "wir haben Ihre Bestellung erhalten. Voraussichtlich ab {ready} liegt sie für Sie bereit;\n"
            "wir schreiben Ihnen, sobald es so weit ist.",
        ),
        Occasion.READY: (
            "Ihre Abholung {number} liegt bereit",
            "Ihre Bestellung liegt bei {store} für Sie bereit. Bitte holen Sie sie bis {until} ab.",
        ),
        Occasion.REMINDER: (
            "Erinnerung: Abholung {number} liegt bereit",
            "Ihre Bestellung wartet noch bei {store} auf Sie. Bitte holen Sie sie bis {until} ab.",
        ),
        Occasion.EXPIRED: (
            "Ihre Abholung {number} ist abgelaufen",
            "Ihre Bestellung wurde bis {until} nicht abgeholt. Wir haben sie aufgelöst, Sie müssen nichts bezahlen.",
        ),
        Occasion.CANCELLED: (
            "Ihre Abholung {number} wurde storniert",
            "Ihre Bestellung bei {store} wurde storniert.",
        ),
        Occasion.LATE: (
            "Ihre Abholung {number} dauert länger",
            "Ihre Bestellung bei {store} liegt leider noch nicht bereit, anders als bis {ready} zugesagt.\n"
            "Bitte kommen Sie erst, wenn wir Ihnen geschrieben haben, dass sie bereitliegt.",
        ),
    },
    hello="Guten Tag {name},",
    code="Ihr Abholcode: {code}",
    unpaid="Bezahlt wird bei der Abholung.",
    time="%d.%m.%Y um %H:%M Uhr",
)
_ENGLISH = _Words(
    {
        Occasion.PLACED: (
            "Your pickup {number} at {store}",
            "we have received your order. It should be ready from {ready};\nwe will write to you as soon as it is.",
        ),
        Occasion.READY: (
            "Your pickup {number} is ready",
            "your order is ready for you at {store}. Please collect it by {until}.",
        ),
        Occasion.REMINDER: (
            "Reminder: pickup {number} is waiting for you",
            "your order is still waiting for you at {store}. Please collect it by {until}.",
        ),
        Occasion.EXPIRED: (
            "Your pickup {number} has expired",
            "your order was not collected by {until}. We have released it, and you owe nothing.",
        ),
        Occasion.CANCELLED: ("Your pickup {number} was cancelled", "your order at {store} was cancelled."),
        Occasion.LATE: (
            "Your pickup {number} takes longer",
            "your order at {store} will not be ready by {ready} as we had promised; we are sorry.\n"
            "Please come only after we have written to you that it is ready.",
        ),
    },
    hello="Hello {name},",
    code="Your pickup code: {code}",
    unpaid="You pay when you collect it.",
    time="%d %B %Y at %H:%M",
)
_WITH_CODE = frozenset({Occasion.PLACED, Occasion.READY, Occasion.REMINDER})


def write(session: Session, desk: Desk, occasion: Occasion, found: Pickup, *, now: datetime) -> None:
    """Write to the customer, if that is our business and there is an address that we may write to."""
    if not desk.settings.mail.host or found.channel not in channels(desk):
        return
    customer = session.get_one(Customer, found.customer_id, populate_existing=True)
    if not customer.email or not _ADDRESS.fullmatch(customer.email) or _MASKED.search(customer.email):
        return
    words = _GERMAN if customer.language[:2].lower() == "de" else _ENGLISH
    store = desk.store_of(found)
    zone = ZoneInfo(store.timezone)
    subject, sentence = words.says[occasion]
    values = {
        "number": found.number, "store": store.name, "code": desk.codes.of(found.id), "name": customer.name,
        "ready": found.ready_by.astimezone(zone).strftime(words.time),
        "until": found.collect_by.astimezone(zone).strftime(words.time),
    }  # fmt: skip
    lines = [words.hello, "", sentence, "", *_pieces(session, found)]
    if occasion in _WITH_CODE:
        lines += ["", words.code, *([] if found.paid else [words.unpaid])]
    body = "\n".join(line.format_map(values) for line in lines) + f"\n\n{store.name}\n"
    code = values["code"] if occasion in _WITH_CODE else None
    draft = mail.Draft(customer.email, subject.format_map(values), body, customer.id, code)
    mail.write(session, desk, draft, now=now)


def remind(session: Session, desk: Desk, *, now: datetime, limit: int = 200) -> int:
    """Remind customers whose pickup is ready and has less than a day left, once; how many."""
    writing = sorted(channels(desk))
    if not writing or not desk.settings.mail.host:
        return 0
    statement = (
        select(Pickup)
        .where(
            col(Pickup.state) == State.READY,
            col(Pickup.collect_by) <= now + REMIND_BEFORE,
            col(Pickup.collect_by) > now,
            col(Pickup.reminded_at).is_(None),
            col(Pickup.channel).in_(writing),
        )
        .order_by(col(Pickup.collect_by), col(Pickup.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = session.exec(statement.execution_options(populate_existing=True)).all()
    for found in due:
        write(session, desk, Occasion.REMINDER, found, now=now)
        session.execute(sa.update(_pickup).where(_pickup.c.id == found.id).values(reminded_at=now))
    return len(due)


def channels(desk: Desk) -> set[str]:
    """The channels whose customers omnisync writes to."""
    return {channel.name for channel in desk.settings.channels if channel.policy.notify == "omnisync"}


def _pieces(session: Session, found: Pickup) -> Sequence[str]:
    lines = pickup.lines_of(session, [found.id])[found.id]
    titles = articles.known(session, [line.sku for line in lines])
    named = [
        (line.quantity - line.rejected, titles[line.sku].title if line.sku in titles else line.sku) for line in lines
    ]
    return [f"  {n} x {_plain(title)}" for n, title in named if n]


def _plain(text: str) -> str:
    """A title as it stands, whatever braces it holds."""
    return text.replace("{", "{{").replace("}", "}}")
