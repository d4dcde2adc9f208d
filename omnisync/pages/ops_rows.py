"""The channels on the ops page, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.pages import ops_words
from omnisync.pages.ops_words import span, whole
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


def rows(session: Session, channels: Sequence[Channel], found: Sequence[Health], now: datetime) -> tuple[Row, ...]:
    names = [channel.name for channel in channels]
    traffic = history.traffic(session, names, now=now)
    bars = trouble.bars(session, names, Window.before(now, timedelta(days=1), HALF_HOURS))
    return tuple(
        _row(index, channel, one, traffic[channel.name], bars[channel.name], now)
        for index, (channel, one) in enumerate(zip(channels, found, strict=True))
    )


def _row(index: int, channel: Channel, one: Health, traffic: Traffic, bars: Sequence[Trouble], now: datetime) -> Row:
    word, mood, icon = ops_words.STATES[one.state]
    title = channel.settings.title or channel.name
    return Row(
        name=channel.name, title=title, about=_about(channel), initials=_initials(title), tint=index % 5,
        word=word, mood=mood, icon=icon, why=ops_words.reason(one), lag=span(one.lag_seconds),
        track=round(TRACK_WIDTH * min(1.0, one.lag_seconds / LATE_AFTER_SECONDS)), last=ops_words.ago(one.last_success_at, now),
        booked=whole(traffic.booked), sent=whole(traffic.sent), faults=_faults(one, traffic),
        queued=whole(one.queued), drift=whole(one.drift), exposed=whole(one.exposed) if one.exposed else "",
        bars=tuple(ops_words.BARS[level] for level in bars), bars_words=_bars_words(title, bars), paused=one.paused,
    )  # fmt: skip


def _faults(one: Health, traffic: Traffic) -> str:
    """Calls that fail now say more than the share of writes that failed in the last hour."""
    return f"{whole(one.failures_in_row)} in Folge" if one.failures_in_row else ops_words.percent(traffic.fault_share)


def _about(channel: Channel) -> str:
    adapter = ops_words.ADAPTERS.get(channel.settings.adapter, channel.settings.adapter)
    return f"{adapter} · {'Meldungen + Abfrage' if channel.can.webhooks or channel.can.queue else 'Abfrage'}"


def _initials(title: str) -> str:
    words = [word for word in title.replace("-", " ").split() if word[0].isalnum()]
    return (words[0][0] + words[1][0] if len(words) > 1 else title[:2]).upper()


def _bars_words(title: str, bars: Sequence[Trouble]) -> str:
    bad = sum(level >= Trouble.LATE for level in bars)
    return f"{title}: in {bad} von {len(bars)} halben Stunden gab es Ärger"
