"""Mails to stores and customers: written with their cause, sent after the commit, tried again until they are out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.clock import Clock
from omnisync.errors import TryLater
from omnisync.orders import mail_html
from omnisync.orders.pickup import Desk
from omnisync.orders.tables import Mail, Pickup

log = logging.getLogger(__name__)
Send = Callable[[EmailMessage], Awaitable[None]]
"""Hands one mail to a mail server; TryLater when it did not take it."""

MAX_ATTEMPTS = 12
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=2)

FORGOTTEN: dict[str, Any] = {"recipient": "", "body": "", "code": None}
_mail = db.table(Mail)


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail before it is written down; `customer` is the person it is about, `code` what stands in it as a picture too."""

    recipient: str
    subject: str
    body: str
    customer: str | None = None
    code: str | None = None


def write(session: Session, desk: Desk, draft: Draft, *, now: datetime) -> None:
    """Put a mail beside its cause, in the same transaction."""
    row = {
        "id": desk.ids.new(), "recipient": draft.recipient, "subject": draft.subject, "body": draft.body,
        "code": draft.code, "customer_id": draft.customer, "created_at": now, "attempts": 0, "next_try_at": now,
    }  # fmt: skip
    session.execute(sa.insert(_mail), [row])


def write_to_store(
    session: Session, desk: Desk, pickup: Pickup, lines: Sequence[tuple[str, int]], *, now: datetime
) -> None:
    """Tell the store of a new pickup, if it has an address. Number and pieces only: no code, no person."""
    location = desk.store_of(pickup)
    if not location.email or not desk.settings.mail.host:
        return
    body = _body(session, pickup, lines, ZoneInfo(location.timezone))
    write(session, desk, Draft(location.email, f"Neue Abholung {pickup.number}", body), now=now)


def write_not_accepted(session: Session, desk: Desk, pickup: Pickup, *, now: datetime) -> None:
    """Tell whoever answers for the store that nobody accepts a pickup. Its number only: no code, no person."""
    location = desk.store_of(pickup)
    if not location.manager_email or not desk.settings.mail.host:
        return
    due = f"{pickup.ready_by.astimezone(ZoneInfo(location.timezone)):%d.%m.%Y um %H:%M} Uhr"
    body = f"Abholung {pickup.number} ({location.name}) hat noch niemand angenommen.\nZugesagt ist sie bis {due}.\n"
    write(session, desk, Draft(location.manager_email, f"Nicht angenommen: Abholung {pickup.number}", body), now=now)


def _body(session: Session, pickup: Pickup, lines: Sequence[tuple[str, int]], zone: ZoneInfo) -> str:
    titles = articles.known(session, [sku for sku, _ in lines])
    listed = [f"  {n} x {titles[sku].title if sku in titles else sku} ({sku})" for sku, n in lines]
    due = f"{pickup.ready_by.astimezone(zone):%d.%m.%Y um %H:%M} Uhr"
    paid = "Die Bestellung ist bezahlt." if pickup.paid else "Die Bestellung wird bei der Abholung bezahlt."
    wishes = [f"Hinweis: {pickup.note}"] * bool(pickup.note) + ["Bitte als Geschenk verpacken."] * pickup.gift
    head = [f"Abholung {pickup.number} ist eingegangen.", f"Bitte bis {due} bereitlegen.", ""]
    return "\n".join([*head, *listed, "", paid, *wishes]) + "\n"


async def send_due(engine: Engine, send: Send, clock: Clock, *, sender: str, limit: int = 20) -> int:
    """A step: claim what is due, send it outside of any transaction, note how it went. Returns how many went out.

    A crash between sending and noting sends a mail again, with the same Message-ID.
    """
    with db.transaction(engine) as session:
        claimed = _claim(session, clock.now(), limit)
    return sum([await _send(engine, send, clock, one, sender) for one in claimed])


def _claim(session: Session, now: datetime, limit: int) -> Sequence[Mail]:
    """Due mails, each put off to its next try already: whoever else looks will not see them."""
    due = select(Mail).where(col(Mail.sent_at).is_(None), col(Mail.next_try_at) <= now)
    found = session.exec(due.order_by(col(Mail.next_try_at)).limit(limit).with_for_update(skip_locked=True)).all()
    for one in found:
        one.attempts += 1
        wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** (one.attempts - 1))
        one.next_try_at = now + wait if one.attempts < MAX_ATTEMPTS else None
    return found


async def _send(engine: Engine, send: Send, clock: Clock, one: Mail, sender: str) -> bool:
    try:
        await send(_message(one, sender))
    except TryLater as error:
        outcome: dict[str, Any] = {"last_error": error.message}
    except Exception as error:  # one that cannot be written or sent must not hold up those behind it
        log.error("Mail %s cannot be sent: %s", one.id, type(error).__name__)  # no more of it: it may quote a person
        outcome = {"last_error": f"It could not be sent ({type(error).__name__})."}
    else:
        outcome = {"sent_at": clock.now(), "next_try_at": None, "last_error": None}
    if one.customer_id is not None and ("sent_at" in outcome or one.next_try_at is None):
        outcome |= FORGOTTEN  # what a person was told, and the code in it, is kept no longer than it is needed
    with db.transaction(engine) as session:
        session.execute(sa.update(_mail).where(_mail.c.id == one.id).values(**outcome))
    return "sent_at" in outcome


def _message(one: Mail, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, one.recipient, one.subject
    message["Message-ID"] = f"<{one.id}@omnisync>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(one.body)
    if one.code is not None:
        mail_html.add(message, one.body, one.code, name=f"{one.id}@omnisync")
    return message
