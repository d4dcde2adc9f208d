"""The day's list as a mail at half past seven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time

from sqlmodel import Session

from omnisync import db
from omnisync.orders import mail
from omnisync.orders.mail import Draft
from omnisync.pages import words
from omnisync.pages.office import says, today
from omnisync.sync.context import Context
from omnisync.sync.tables import Cursor

AT = time(7, 30)
"""By the clock on the wall of the first location."""
SENT = ("#server", "today")
"""The cursor that says when it was last written."""


def chore(context: Context) -> Callable[[Session, datetime], object]:
    """For the worker: write the mail once a day, if there is an address for it."""

    def write(session: Session, now: datetime) -> object:
        return _write(session, context, now)

    return write


def _write(session: Session, context: Context, now: datetime) -> bool:
    settings, zone, desk = context.settings, says.zone_of(context), context.desk
    here = now.astimezone(zone)
    if not settings.mail.office or not settings.mail.host or desk is None or here.time() < AT:
        return False
    last = session.get(Cursor, SENT)
    if last is not None and last.at.astimezone(zone).date() >= here.date():
        return False
    row = {"channel": SENT[0], "name": SENT[1], "value": None, "at": now}
    db.upsert(session, db.table(Cursor), [row], key=("channel", "name"), update=("at",))
    subject, body = text(session, context, now)
    mail.write(session, desk, Draft(settings.mail.office, subject, body), now=now)
    return True


def text(session: Session, context: Context, now: datetime) -> tuple[str, str]:
    """(subject, body) in the language of the house."""
    say, zone = words.speaking(words.DEFAULT), says.zone_of(context)
    found = list(today.lines(session, context, say, now, zone))
    site = context.settings.server.public_url.rstrip("/")
    listed = [f"- {one.about + ': ' if one.about else ''}{one.words}\n  {site}{one.way}" for one in found]
    number = say.ngettext("%(num)s thing to do", "%(num)s things to do", len(found))
    subject = f"{say('Today')}, {say.day(now, zone)}: {number if found else say('nothing to do')}"
    return subject, "\n".join(listed or [say("Nothing to do.")]) + f"\n\n{site}/ops/today\n"
