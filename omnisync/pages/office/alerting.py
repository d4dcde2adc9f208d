"""Telling the office what stands, by mail and webhook: each once, and once more when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.announce import announce_all
from omnisync.orders import mail
from omnisync.orders.mail import Draft
from omnisync.pages import words
from omnisync.pages.office import alert_words, says
from omnisync.pages.office.alert_words import Alert, Reader
from omnisync.pages.words import Words
from omnisync.settings.hours import is_within
from omnisync.sync import alerts, listeners
from omnisync.sync.alerts import Decision, Standing
from omnisync.sync.context import Context, Store
from omnisync.sync.tables import AlertTold
from omnisync.values import format_time

EVERY = timedelta(seconds=30)
WANTED = ("alert.*",)
"""The events that the settings' webhook is called with."""


@dataclass
class Watch:
    """Looks now and then; `look` is an errand of the worker, so that one of them does."""

    store: Store
    context: Context
    _looked_at: datetime | None = field(default=None)

    async def look(self) -> None:
        """Read what stands, decide, and write down what is to be told; nothing is written while nothing changes."""
        now, first = self.context.clock.now(), self._looked_at is None
        if self._looked_at is not None and now - self._looked_at < EVERY:
            return
        self._looked_at = now
        standing, told = await self.store.read(
            lambda session: (alerts.standing(session, self.context, now=now), alerts.told(session))
        )
        decision = alerts.decide(standing, told, quiet=is_quiet(self.context, now), now=now)
        if first or decision:
            await self.store.write(lambda session: tell(session, self.context, decision, now=now, again=first))


def is_quiet(context: Context, now: datetime) -> bool:
    """Whether nobody is to be told anything now, by the clock on the house's wall."""
    here = now.astimezone(says.zone_of(context))
    return is_within(context.settings.alerts.quiet, here.hour * 60 + here.minute)


def tell(session: Session, context: Context, decision: Decision, *, now: datetime, again: bool = False) -> None:
    """Mails, events for who listens, and what was told, in one transaction. `again`: a webhook that was given up is tried again."""
    say = words.speaking(context.settings.alerts.language)
    reader = Reader.of(context, say, now)
    listeners.keep_own(session, context.settings.alerts.url, WANTED, now=now, again=again)
    news = [(one, alert_words.words(one, reader)) for one in decision.news]
    raised = [("alert.raised", _body(one.key, one.kind, one.about, one.since, alert)) for one, alert in news]
    ended = [
        ("alert.over", _body(row.key, row.kind, row.about, row.since, Alert(row.title, "", "", "")))
        for row in decision.over
    ]
    announce_all(session, [*raised, *ended], now=now)
    if (news or decision.over) and context.desk is not None and context.settings.mail.host:
        subject, body = letter(news, decision.over, say)
        for address in context.settings.alerts.to:
            mail.write(session, context.desk, Draft(address, subject, body), now=now)
    alerts.remember(session, decision, {one.key: alert.title for one, alert in news}, now=now)


def _body(key: str, kind: str, about: str, since: datetime, alert: Alert) -> dict[str, str]:
    told = {"title": alert.title, "reason": alert.reason, "action": alert.action, "link": alert.link}
    return {"id": key, "kind": kind, "about": about, "since": format_time(since)} | {
        name: text for name, text in told.items() if text
    }


def letter(news: Sequence[tuple[Standing, Alert]], over: Sequence[AlertTold], say: Words) -> tuple[str, str]:
    """(subject, body) of one mail about all of it, what presses most first."""
    titles = [*(alert.title for _, alert in news), *(say("Over: %(what)s", what=row.title) for row in over)]
    more = len(titles) - 1
    subject = (
        titles[0]
        if not more
        else say.ngettext("%(first)s, and %(num)s more", "%(first)s, and %(num)s more", more, first=titles[0])
    )
    told = ["\n".join(line for line in _lines(alert) if line) for _, alert in news]
    gone = [say("Over: %(what)s", what=row.title) for row in over]
    return f"omnisync: {subject}", "\n\n".join([*told, *gone]) + "\n"


def _lines(alert: Alert) -> tuple[str, ...]:
    return alert.title, f"  {alert.reason}" if alert.reason else "", f"  {alert.action}", f"  {alert.link}"
