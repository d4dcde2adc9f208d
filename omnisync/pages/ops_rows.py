"""The channels on the ops page, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.pages import ops_words
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import Words, later
from omnisync.sync import history, trouble
from omnisync.sync.context import Channel
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.history import Traffic, Window
from omnisync.sync.trouble import Trouble

HALF_HOURS = 48
TRACK_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One channel."""

    name: str
    title: str
    about: str
    initials: str
    tint: int
    word: str
    mood: str
    icon: str
    why: str
    lag: str
    track: int
    last: str
    booked: str
    sent: str
    faults: str
    queued: str
    drift: str
    exposed: str
    bars: tuple[str, ...]
    bars_words: str
    paused: bool


def sheet(found: Sequence[Row], say: Words) -> Sheet:
    """The rows as a table for a file."""
    columns = (
        Column(later("Channel"), lambda row: row.title), Column(later("State"), lambda row: row.word),
        Column(later("Why"), lambda row: row.why), Column(later("Lag"), lambda row: row.lag),
        Column(later("Last success"), lambda row: row.last), Column(later("In per h"), lambda row: row.booked),
        Column(later("Out per h"), lambda row: row.sent), Column(later("Faults"), lambda row: row.faults),
        Column(later("Waiting"), lambda row: row.queued), Column(later("Drifting"), lambda row: row.drift),
        Column(later("Too many pieces shown"), lambda row: row.exposed),
    )  # fmt: skip
    return Sheet("channels", say("Channels"), columns, found, say("No channel is connected yet."))


def rows(
    session: Session, channels: Sequence[Channel], found: Sequence[Health], now: datetime, say: Words
) -> tuple[Row, ...]:
    names = [channel.name for channel in channels]
    traffic = history.traffic(session, names, now=now)
    bars = trouble.bars(session, names, Window.before(now, timedelta(days=1), HALF_HOURS))
    return tuple(
        _row(index, channel, one, traffic[channel.name], bars[channel.name], now, say)
        for index, (channel, one) in enumerate(zip(channels, found, strict=True))
    )


def _row(
    index: int, channel: Channel, one: Health, traffic: Traffic, bars: Sequence[Trouble], now: datetime, say: Words
) -> Row:
    word, mood, icon = ops_words.STATES[one.state]
    title = channel.settings.title or channel.name
    return Row(
        name=channel.name, title=title, about=_about(channel, say), initials=_initials(title), tint=index % 5,
        word=say(word), mood=mood, icon=icon, why=ops_words.reason(one, say), lag=say.span(one.lag_seconds),
        track=round(TRACK_WIDTH * min(1.0, one.lag_seconds / LATE_AFTER_SECONDS)), last=say.ago(one.last_success_at, now),
        booked=say.number(traffic.booked), sent=say.number(traffic.sent), faults=_faults(one, traffic, say),
        queued=say.number(one.queued), drift=say.number(one.drift), exposed=say.number(one.exposed) if one.exposed else "",
        bars=tuple(ops_words.BARS[level] for level in bars), bars_words=_bars_words(title, bars, say), paused=one.paused,
    )  # fmt: skip


def _faults(one: Health, traffic: Traffic, say: Words) -> str:
    """Calls that fail now say more than the share of writes that failed in the last hour."""
    in_a_row = one.failures_in_row
    return say("%(number)s in a row", number=say.number(in_a_row)) if in_a_row else say.percent(traffic.fault_share)


def _about(channel: Channel, say: Words) -> str:
    adapter = ops_words.ADAPTERS.get(channel.settings.adapter, channel.settings.adapter)
    told = channel.can.webhooks or channel.can.queue
    return f"{say(adapter)} · {say('messages + polling') if told else say('polling')}"


def _initials(title: str) -> str:
    words = [word for word in title.replace("-", " ").split() if word[0].isalnum()]
    return (words[0][0] + words[1][0] if len(words) > 1 else title[:2]).upper()


def _bars_words(title: str, bars: Sequence[Trouble], say: Words) -> str:
    bad = sum(level >= Trouble.LATE for level in bars)
    return say("%(channel)s: trouble in %(bad)s of %(all)s half hours", channel=title, bad=bad, all=len(bars))
