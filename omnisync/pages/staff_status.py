"""Whether the channels show what is there, in words for who stands in a store: no jargon, what may come of it, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from omnisync.access import Role
from omnisync.http import Services
from omnisync.orders import accepting, pickup_api
from omnisync.pages import languages
from omnisync.pages.staff_gate import Gate
from omnisync.pages.words import Words
from omnisync.routes import pages
from omnisync.sync import health, history, leases
from omnisync.sync.context import Context
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.history import Window

LATELY = timedelta(hours=1)
MOODS = ("bad", "warn", "ok", "info")
"""What matters most stands first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One channel. `mood` is ok, warn, bad or info."""

    name: str
    mood: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole page."""

    at: str
    mood: str
    title: str
    text: str
    lines: tuple[Line, ...]


def routes(services: Services, context: Context) -> APIRouter:
    """The page, for the people of every store and for the office."""
    gate = Gate(services, pickup_api.desk_for(services))
    api = pages()

    async def show(request: Request) -> Response:
        """Asked for by the page's script every few seconds, only its middle is sent."""
        visit = await gate.visit(request)
        store = None
        if isinstance(visit, Response):
            login = await gate.logins.find(request)
            if login is None or not login.access.may(Role.VIEWER):
                return visit
        else:
            store = visit.location.code
        say, now = languages.of(request), services.clock.now()

        def read(session: Session) -> tuple[Status, int]:
            return status(session, context, say, now), accepting.ringing(session, store) if store else 0

        found, ringing = await services.report.run(read)
        template = "status_live.html" if "live" in request.query_params else "status.html"
        back = "/staff" if store else "/ops"
        return gate.render(template, say, page=found, store=store or "", back=back, ringing=ringing)

    api.add_api_route("/staff/status", show, methods=["GET"])
    return api


def status(session: Session, context: Context, say: Words, now: datetime) -> Status:
    """What can be trusted at this moment, and what cannot."""
    locations, channels = context.settings.locations, list(context.channels.values())
    zone = ZoneInfo(locations[0].timezone if locations else "Europe/Berlin")
    titles = {channel.name: channel.settings.title or channel.name for channel in channels}
    stores = {one.code: one.name for one in locations}
    found = health.of_all(session, channels, now=now)
    told = [_Teller(titles[one.channel], one, stores, say, now, zone).line() for one in found]
    lines = tuple(sorted(told, key=lambda line: MOODS.index(line.mood)))
    mood, title, text = _verdict(session, found, lines, say, now)
    return Status(say.time(now, zone, seconds=True), mood, title, text, lines)


def _verdict(
    session: Session, found: Sequence[Health], lines: Sequence[Line], say: Words, now: datetime
) -> tuple[str, str, str]:
    until = leases.ends_at(session, leases.HOUSE)
    if until is None or until <= now:
        text = say(
            "The other channels do not hear of what is sold now. Please call the office. Handing over pickups goes on as always."
        )
        return "bad", say("Stock is not being synced."), text
    wrong = [one for one in lines if one.mood in ("warn", "bad")]
    if wrong:
        title = say.ngettext("%(num)s channel is not up to date.", "%(num)s channels are not up to date.", len(wrong))
        return (
            max((one.mood for one in wrong), key=("warn", "bad").index),
            title,
            say("All others are up to date.") if len(wrong) < len(lines) else "",
        )
    if not lines:
        return "info", say("No channel is connected yet."), ""
    recent = history.delay(session, Window.before(now, LATELY, 1))
    told = say("The other channels hear of each sale here within seconds.")
    if recent is not None:
        told = say(
            "The other channels hear of each sale here quickly: in the last hour mostly within %(span)s.",
            span=say.span(recent.p95_seconds),
        )
    return "ok", say("Everything is up to date."), told


@dataclass(frozen=True, slots=True)
class _Teller:
    """Says how one channel is doing."""

    name: str
    health: Health
    stores: dict[str, str]
    say: Words
    now: datetime
    zone: ZoneInfo

    def line(self) -> Line:
        """What of all that is wrong matters most in a store."""
        return next(self._lines())

    def _lines(self) -> Iterator[Line]:
        say, one, name = self.say, self.health, self.name
        away = (self.now - one.last_success_at).total_seconds() if one.failures_in_row and one.last_success_at else 0.0
        behind = max(one.lag_seconds, away)
        if one.state == "shadow":
            yield Line(name, "info", say("Not managed from here yet."))
        if one.paused:
            yield Line(name, "warn", say("The office has paused it."), self._meanwhile())
        if behind > LATE_AFTER_SECONDS:
            title = say("%(channel)s is %(span)s behind", channel=name, span=self._span(behind))
            yield Line(name, "bad" if one.exposed else "warn", title, self._meanwhile())
        if one.state == "action_required" and one.action is not None:
            text = f"{say('The office sees it on its screen.')} {self._meanwhile()}"
            yield Line(name, "bad" if one.exposed else "warn", say("Something is wrong there."), text)
        if one.silent:
            since = say.when(min(silent.since for silent in one.silent), self.now, self.zone)
            where = say.listed(sorted({self.stores.get(silent.location, silent.location) for silent in one.silent}))
            title = say("We have heard nothing from this till since %(moment)s.", moment=since)
            yield Line(name, "warn", title, say("Nobody knows what has been sold in %(stores)s since.", stores=where))
        text = say("The office clears something up.") if one.cases or one.failed else ""
        yield Line(name, "ok", say("Is up to date."), text)

    def _meanwhile(self) -> str:
        """What may come of it: pieces that are gone and still offered, else that the rest comes later."""
        if not self.health.exposed:
            return self.say("What is sold here shows there later.")
        return self.say.ngettext(
            "Up to %(num)s piece could be sold there in the meantime.",
            "Up to %(num)s pieces could be sold there in the meantime.",
            self.health.exposed,
        )

    def _span(self, seconds: float) -> str:
        """`4 Minuten`: exact enough for people."""
        minutes, hours, days = (max(1, int(seconds // unit)) for unit in (60, 3600, 86400))
        if seconds < 2 * 3600:
            return self.say.ngettext("%(num)s minute", "%(num)s minutes", minutes)
        if seconds < 2 * 86400:
            return self.say.ngettext("%(num)s hour", "%(num)s hours", hours)
        return self.say.ngettext("%(num)s day", "%(num)s days", days)
