"""What an alert says: what it is, why, what to press, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from omnisync.pages import ops_words
from omnisync.pages.office import says, stock, ways
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import Words
from omnisync.sync import late
from omnisync.sync.alerts import Kind, Standing
from omnisync.sync.context import Context


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as people read it; `link` is a whole address where `public_url` is set."""

    title: str
    reason: str
    action: str
    link: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who it is written for: the house, in its language and by the clock on its wall."""

    say: Words
    titles: Mapping[str, str]
    """Of channels and locations, by their names."""
    site: str
    zone: ZoneInfo
    now: datetime

    @classmethod
    def of(cls, context: Context, say: Words, now: datetime) -> Reader:
        titles = {late.DESK: say("Pickup desk")} | dict(stock.places_of(context)) | dict(stock.titles_of(context))
        return cls(say, titles, context.settings.server.public_url.rstrip("/"), says.zone_of(context), now)

    def name(self, about: str) -> str:
        return self.titles.get(about, about)

    def since(self, moment: datetime) -> str:
        return self.say.when(moment, self.now, self.zone)


Said = tuple[str, str, str, str]
"""(title, reason, action, path)"""


def words(one: Standing, reader: Reader) -> Alert:
    """The alert in the reader's language."""
    title, reason, action, path = _WORDS[one.kind](one, reader)
    return Alert(title, reason, action, f"{reader.site}{path}")


def _late(one: Standing, reader: Reader) -> Said:
    say, channel = reader.say, reader.name(one.about)
    span = say.span((reader.now - one.since).total_seconds())
    return (
        say("%(channel)s is %(span)s behind", channel=channel, span=span),
        " ".join(part for part in (said(one.reason, say), _could(one, say)) if part),
        say("Look there for the reason; “Sync” tries at once."),
        ways.channel(one.about),
    )


def _could(one: Standing, say: Words) -> str:
    """What could come of it meanwhile."""
    if not one.pieces:
        return ""
    return say.ngettext(
        "Up to %(num)s piece could be sold there in the meantime.",
        "Up to %(num)s pieces could be sold there in the meantime.",
        one.pieces,
    )


def _attention(one: Standing, reader: Reader) -> Said:
    say = reader.say
    reason = " ".join(part for part in (said(one.reason, say), _could(one, say)) if part)
    title = say("%(channel)s needs you", channel=reader.name(one.about))
    return title, reason, said(one.action, say), ways.channel(one.about)


def _letters(one: Standing, reader: Reader) -> Said:
    say, channel = reader.say, reader.name(one.about)
    title = say.ngettext(
        "%(channel)s: %(num)s message or write is stuck", "%(channel)s: %(num)s messages or writes are stuck",
        one.number, channel=channel,
    )  # fmt: skip
    reason = f"{ops_words.letter_title(one.first, say)}: {said(one.first.reason, say)}"
    return title, reason, said(one.first.action, say), ways.letters(one.about)


def _drift(one: Standing, reader: Reader) -> Said:
    title = reader.say.ngettext(
        "%(channel)s: %(num)s listing shows something else than it should",
        "%(channel)s: %(num)s listings show something else than they should",
        one.number, channel=reader.name(one.about),
    )  # fmt: skip
    reason = reader.say("Since %(moment)s.", moment=reader.since(one.since))
    action = reader.say("See which, and whether another program writes there.")
    return title, reason, action, f"/ops/drift?{ways.query(channel=one.about)}"


def _conflict(one: Standing, reader: Reader) -> Said:
    say, channel = reader.say, reader.name(one.about)
    title = say.ngettext(
        "%(channel)s: the same pieces were sold twice, %(num)s case",
        "%(channel)s: the same pieces were sold twice, %(num)s cases", one.number, channel=channel,
    )  # fmt: skip
    return (
        title,
        *ops_words.case_words(one.first, say, reader.titles, reader.titles),
        f"/ops/cases?{ways.query(channel=one.about)}",
    )


def _cases(one: Standing, reader: Reader) -> Said:
    say, channel = reader.say, reader.name(one.about)
    title = say.ngettext(
        "%(channel)s: %(num)s decision waits", "%(channel)s: %(num)s decisions wait", one.number, channel=channel
    )
    return (
        title,
        *ops_words.case_words(one.first, say, reader.titles, reader.titles),
        f"/ops/cases?{ways.query(channel=one.about)}",
    )


def _subscription(one: Standing, reader: Reader) -> Said:
    say, channel = reader.say, reader.name(one.about)
    title = say("%(channel)s: the webhooks are lost", channel=channel)
    polled = say("Orders are read all the same, only later.")
    if one.first is None:
        reason = say(
            "Nothing has come for %(topics)s since %(moment)s.", topics=one.reason, moment=reader.since(one.since)
        )
        return title, f"{reason} {polled}", say("See there whether they are switched off."), ways.channel(one.about)
    return title, f"{said(one.first.reason, say)} {polled}", said(one.first.action, say), ways.channel(one.about)


def _silent(one: Standing, reader: Reader) -> Said:
    say = reader.say
    stores = say.listed([reader.name(store) for store in one.reason.split(", ")])
    return (
        say("%(till)s was last heard from %(ago)s", till=reader.name(one.about), ago=say.ago(one.since, reader.now)),
        say("Nobody knows what has been sold in %(stores)s since.", stores=stores),
        say("Ask in the store whether the till has a network."),
        ways.channel(one.about),
    )


def _not_accepted(one: Standing, reader: Reader) -> Said:
    title = reader.say.ngettext(
        "%(store)s: %(num)s pickup that nobody has accepted", "%(store)s: %(num)s pickups that nobody has accepted",
        one.number, store=reader.name(one.about),
    )  # fmt: skip
    reason = reader.say("Half of the promised time was over at %(moment)s.", moment=reader.since(one.since))
    return title, reason, reader.say("Call the store."), f"/ops/pickups?{ways.query(location=one.about)}"


def _backup(one: Standing, reader: Reader) -> Said:
    say = reader.say
    if not one.reason:
        return say("No backup was taken yet"), "", say("Run “omnisync backup FILE”, each night."), "/ops/today"
    title = say("The last backup was taken %(ago)s", ago=say.ago(one.since, reader.now))
    return title, "", say("See why the nightly “omnisync backup” does not run."), "/ops/today"


def _worker(one: Standing, reader: Reader) -> Said:
    say = reader.say
    reason = (
        say("No worker has run yet.")
        if one.reason
        else say("No worker has run since %(moment)s.", moment=reader.since(one.since))
    )
    more = say("No channel is read or written, and every number grows old.")
    return say("The sync has stopped"), f"{reason} {more}", say("Start “omnisync serve” or “omnisync worker”."), "/ops"


_WORDS: Mapping[Kind, Callable[[Standing, Reader], Said]] = {
    Kind.LATE: _late,
    Kind.ATTENTION: _attention,
    Kind.LETTERS: _letters,
    Kind.DRIFT: _drift,
    Kind.CONFLICT: _conflict,
    Kind.CASES: _cases,
    Kind.SUBSCRIPTION: _subscription,
    Kind.SILENT: _silent,
    Kind.NOT_ACCEPTED: _not_accepted,
    Kind.BACKUP: _backup,
    Kind.WORKER: _worker,
}
