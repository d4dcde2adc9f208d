"""What the ops page shows, read in one go: every number is one that the database knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import __version__, db
from omnisync.catalog.tables import Article
from omnisync.pages import ops_charts, ops_words
from omnisync.pages.ops_charts import Chart, spark
from omnisync.pages.ops_words import clock_time, german, plural, span, when, whole, zone_of
from omnisync.settings import Settings
from omnisync.stock import shortages
from omnisync.stock.tables import Shortage
from omnisync.sync import cases, deadletters, health, history, leases, replay, trouble
from omnisync.sync.context import Channel, Context
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.history import TARGET_SECONDS, Delays, Traffic, Window
from omnisync.sync.tables import Case, ChannelListing, DeadLetter, ShownState
from omnisync.sync.trouble import Trouble

RANGES = {
    "1h": ("1 h", timedelta(hours=1), 60),
    "6h": ("6 h", timedelta(hours=6), 72),
    "24h": ("24 h", timedelta(hours=24), 72),
    "7d": ("7 Tage", timedelta(days=7), 84),
}
"""name -> (words, span, points of the chart)"""
DEFAULT_RANGE = "6h"
SPARK_POINTS = 24
HALF_HOURS = 48
LISTED_AT_MOST = 50
EXPOSED_AFTER = timedelta(seconds=10)
"""A number is being lowered all the time; only what stays too high longer than this is worth a word."""
TRACK_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure. `mood` is a class of the style sheet."""

    label: str
    value: str
    unit: str
    note: str
    mood: str = ""
    spark: str = ""


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


@dataclass(frozen=True, slots=True)
class LetterShown:
    """Something that waits for a person. `external_id` stands where mapping an article would mend it."""

    id: str
    channel: str
    title: str
    note: str
    action: str
    external_id: str | None
    article: str


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A decision."""

    id: str
    channel: str
    title: str
    note: str
    advice: str
    can_apply: bool


@dataclass(frozen=True, slots=True)
class ShortageShown:
    """Promises that cannot be kept any more."""

    id: int
    title: str
    note: str
    accepted: str


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict. `channel` is the one to be synced by its button."""

    mood: str
    icon: str
    title: str
    text: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page."""

    at: str
    range: str
    banner: Banner
    tiles: tuple[Tile, ...]
    rows: tuple[Row, ...]
    chart: Chart
    letters: tuple[LetterShown, ...]
    letters_open: int
    cases: tuple[CaseShown, ...]
    cases_open: int
    shortages: tuple[ShortageShown, ...]
    shortages_open: int
    foot: tuple[str, ...]


def board(session: Session, context: Context, range_name: str, now: datetime) -> Board:
    """Everything, at this moment."""
    zone, channels = zone_of(context.settings), list(context.channels.values())
    titles = {channel.name: channel.settings.title or channel.name for channel in channels}
    found = health.of_all(session, channels, now=now)
    counts = _Counts.read(session, found)
    _, length, points = RANGES[range_name]
    window = Window.before(now, length, points)
    overall = history.delay(session, window)
    return Board(
        at=clock_time(now, zone, seconds=True),
        range=range_name,
        banner=_banner(session, found, titles, overall, now),
        tiles=_tiles(session, found, counts, overall, length, now),
        rows=_rows(session, channels, found, now),
        chart=ops_charts.chart(window, history.delays(session, window), zone, _delay_words(overall)),
        letters=_letters(session, titles, now, zone),
        letters_open=counts.letters,
        cases=_cases(session, titles, now, zone),
        cases_open=counts.cases,
        shortages=_shortages(session, context.settings, now, zone),
        shortages_open=counts.shortages,
        foot=_foot(session),
    )


# ---------------------------------------------------------------- tiles


@dataclass(frozen=True, slots=True)
class _Counts:
    letters: int
    letters_by_kind: Mapping[str, int]
    cases: int
    shortages: int
    short_pieces: int
    listings: int
    queued: int
    oldest_seconds: float
    drift: int

    @classmethod
    def read(cls, session: Session, found: Sequence[Health]) -> _Counts:
        kinds = _open_kinds(session)
        number, pieces = shortages.totals(session)
        ours = select(sa.func.count()).select_from(ShownState).where(col(ShownState.wanted).is_not(None))
        return cls(
            letters=sum(kinds.values()), letters_by_kind=kinds, cases=cases.count_open(session), shortages=number,
            short_pieces=pieces, listings=session.exec(ours).one(), queued=sum(one.queued for one in found),
            oldest_seconds=max((one.lag_seconds for one in found), default=0.0), drift=sum(one.drift for one in found),
        )  # fmt: skip


def _open_kinds(session: Session) -> dict[str, int]:
    statement = sa.select(col(DeadLetter.kind), sa.func.count()).where(col(DeadLetter.closed_at).is_(None))
    return {row[0]: row[1] for row in session.execute(statement.group_by(col(DeadLetter.kind)))}


def _tiles(
    session: Session, found: Sequence[Health], counts: _Counts, overall: Delays | None, length: timedelta, now: datetime
) -> tuple[Tile, ...]:
    window = Window.before(now, length, SPARK_POINTS)
    return (
        _delay_tile(session, window, overall),
        _sold_twice_tile(session, window, counts),
        _queue_tile(session, window, counts),
        _letters_tile(session, window, counts),
        _drift_tile(counts),
    )


def _delay_tile(session: Session, window: Window, overall: Delays | None) -> Tile:
    by_slot = history.delays(session, window)
    line = spark([by_slot[slot].p95_seconds if slot in by_slot else 0.0 for slot in range(window.buckets)])
    target = f"Ziel {span(TARGET_SECONDS)}"
    if overall is None:
        return Tile("Verzögerung, p95", "–", "", f"{target}, noch nichts gesendet", spark=line)
    number, _, unit = span(overall.p95_seconds).partition(" ")
    mood = "ok" if overall.p95_seconds <= TARGET_SECONDS else "warn"
    return Tile("Verzögerung, p95", number, unit, target, mood, line)


def _sold_twice_tile(session: Session, window: Window, counts: _Counts) -> Tile:
    by_slot = history.conflicts(session, window)
    pieces, refused = sum(by_slot.values()), history.refused(session, window)
    note = plural(refused, "Anfrage abgelehnt", "Anfragen abgelehnt")
    if counts.short_pieces:
        note = f"{plural(counts.short_pieces, 'Stück fehlt', 'Stück fehlen')} noch, {whole(refused)} abgelehnt"
    line = spark([by_slot.get(slot, 0) for slot in range(window.buckets)])
    return Tile(
        "Doppelt verkauft", whole(pieces), "Stück", note, "warn" if pieces or counts.short_pieces else "ok", line
    )


def _queue_tile(session: Session, window: Window, counts: _Counts) -> Tile:
    line = spark(history.queue(session, window, counts.queued))
    late = counts.oldest_seconds > LATE_AFTER_SECONDS
    note = f"ältester Auftrag {span(counts.oldest_seconds)}" if counts.queued else "nichts wartet"
    return Tile(
        "Warteschlange", whole(counts.queued), "Auftrag" if counts.queued == 1 else "Aufträge", note,
        "warn" if late else "ok", line,
    )  # fmt: skip


def _letters_tile(session: Session, window: Window, counts: _Counts) -> Tile:
    kinds = [
        f"{number} × {ops_words.LETTERS.get(kind, kind)}" for kind, number in sorted(counts.letters_by_kind.items())
    ]
    line = spark(history.letters(session, window, counts.letters))
    mood = "warn" if counts.letters else "ok"
    return Tile("Liegen geblieben", whole(counts.letters), "", ", ".join(kinds) or "nichts zu klären", mood, line)


def _drift_tile(counts: _Counts) -> Tile:
    note = "jede Zahl stimmt" if not counts.drift else "wird berichtigt oder zeigt sich als Entscheidung"
    of_all = f"von {plural(counts.listings, 'Angebot', 'Angeboten')}"
    return Tile("Abweichungen", whole(counts.drift), of_all, note, "warn" if counts.drift else "ok")


# ---------------------------------------------------------------- banner


def _banner(
    session: Session, found: Sequence[Health], titles: Mapping[str, str], overall: Delays | None, now: datetime
) -> Banner:
    """Says what is wrong, what could come of it, and never that nothing can."""
    stopped = _stopped(session, now)
    if stopped and found:
        return stopped
    states = Counter[str](one.state for one in found)
    exposed = health.exposed(session, before=now - EXPOSED_AFTER)
    needy = [one for one in found if one.state == "action_required"]
    if exposed and exposed[0].channel in titles:
        worst = exposed[0]
        could = (
            f"{titles[worst.channel]} zeigt noch {plural(worst.listings, 'Artikel', 'Artikel')}, die wir nicht senken können, "
            f"höchstens {whole(worst.pieces)} Stück."
        )
        more = sum(one.pieces for one in exposed[1:])
        rest = f" Auf anderen Kanälen noch {whole(more)} Stück." if more else ""
        return Banner("bad", "warning", could, _on_time(states, len(found)) + rest, worst.channel)
    if needy:
        one = needy[0]
        reason = ops_words.reason(one)
        title = (
            f"{titles[one.channel]} braucht Sie: {reason[:1].lower() + reason[1:] if one.action is None else reason}"
        )
        return Banner("warn", "warning", title, f"{ops_words.action(one)} {_on_time(states, len(found))}", one.channel)
    if states["late"] or states["paused"]:
        late = next(one for one in found if one.state in ("late", "paused"))
        return Banner(
            "warn",
            "clock",
            f"{titles[late.channel]}: {ops_words.reason(late)}",
            _on_time(states, len(found)),
            late.channel,
        )
    if not found:
        return Banner("info", "clock", "Noch ist kein Kanal verbunden.", "Kanäle stehen in config/omnisync.toml.")
    window = f"{span(overall.p95_seconds)}" if overall else "weniger Sekunden"
    return Banner(
        "ok", "check", "Alle Kanäle sind pünktlich." if len(found) > 1 else "Der Kanal ist pünktlich.",
        f"Dasselbe letzte Stück könnten zwei Kanäle nur innerhalb von {window} verkaufen; das würde hier gezählt.",
    )  # fmt: skip


def _stopped(session: Session, now: datetime) -> Banner | None:
    """Without a worker every number on this page grows old while it looks fine."""
    held_until = leases.ends_at(session, leases.HOUSE)
    if held_until is not None and held_until > now:
        return None
    since = f"Seit {span((now - held_until).total_seconds())} arbeitet" if held_until else "Noch hat"
    rest = " kein Worker: kein Kanal wird gelesen oder beschrieben." if held_until else " kein Worker gearbeitet."
    return Banner(
        "bad", "warning", "Der Abgleich steht.", f"{since}{rest} „omnisync serve“ oder „omnisync worker“ starten."
    )


def _on_time(states: Mapping[str, int], number: int) -> str:
    return f"{states.get('on_time', 0)} von {plural(number, 'Kanal', 'Kanälen')} pünktlich."


def _delay_words(overall: Delays | None) -> str:
    if overall is None:
        return "Verzögerung: in diesem Zeitraum wurde nichts gesendet"
    return (
        f"Verzögerung von {plural(overall.number, 'Änderung', 'Änderungen')}: "
        f"die Hälfte unter {span(overall.p50_seconds)}, 95 Prozent unter {span(overall.p95_seconds)}"
    )


# ---------------------------------------------------------------- channels


def _rows(session: Session, channels: Sequence[Channel], found: Sequence[Health], now: datetime) -> tuple[Row, ...]:
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
    return f"{adapter} · {'Meldungen + Abfrage' if channel.can.webhooks else 'Abfrage'}"


def _initials(title: str) -> str:
    words = [word for word in title.replace("-", " ").split() if word[0].isalnum()]
    return (words[0][0] + words[1][0] if len(words) > 1 else title[:2]).upper()


def _bars_words(title: str, bars: Sequence[Trouble]) -> str:
    bad = sum(level >= Trouble.LATE for level in bars)
    return f"{title}: in {bad} von {len(bars)} halben Stunden gab es Ärger"


# ---------------------------------------------------------------- lists


def _letters(session: Session, titles: Mapping[str, str], now: datetime, zone: ZoneInfo) -> tuple[LetterShown, ...]:
    found = deadletters.list_open(session, limit=LISTED_AT_MOST)
    known = _listed_names(session, found)
    return tuple(_letter(letter, titles, known, now, zone) for letter in found)


def _letter(
    letter: DeadLetter, titles: Mapping[str, str], known: Mapping[tuple[str, str], str], now: datetime, zone: ZoneInfo
) -> LetterShown:
    waiting = [article for article in replay.articles_waiting(letter) if article.external_id]
    external = waiting[0].external_id if len(waiting) == 1 and "article" in letter.reason.lower() else None
    note = [german(letter.reason), plural(letter.attempts, "Versuch", "Versuche"), when(letter.last_at, now, zone)]
    return LetterShown(
        letter.id, letter.channel, f"{titles.get(letter.channel, letter.channel)}: {ops_words.letter_title(letter)}",
        ", ".join(part.rstrip(".") for part in note), german(letter.action), external,
        known.get((letter.channel, external or ""), waiting[0].title if waiting else ""),
    )  # fmt: skip


def _listed_names(session: Session, letters: Sequence[DeadLetter]) -> dict[tuple[str, str], str]:
    wanted = {article.external_id for letter in letters for article in replay.articles_waiting(letter)} - {None}
    statement = select(ChannelListing).where(col(ChannelListing.external_id).in_(sorted(one for one in wanted if one)))
    return {(row.channel, row.external_id): row.title for row in session.exec(statement)} if wanted else {}


def _cases(session: Session, titles: Mapping[str, str], now: datetime, zone: ZoneInfo) -> tuple[CaseShown, ...]:
    return tuple(_case(case, titles, now, zone) for case in cases.list_open(session, limit=LISTED_AT_MOST))


def _case(case: Case, titles: Mapping[str, str], now: datetime, zone: ZoneInfo) -> CaseShown:
    title, advice = ops_words.case_words(case)
    cause = case.cause if case.kind == "blast_zero" else ""
    note = ", ".join(part for part in (cause, f"seit {when(case.opened_at, now, zone)}") if part)
    shown = f"{titles.get(case.channel, case.channel)}: {title}"
    return CaseShown(case.id, case.channel, shown, note, advice, ops_words.can_apply(case))


def _shortages(session: Session, settings: Settings, now: datetime, zone: ZoneInfo) -> tuple[ShortageShown, ...]:
    found = shortages.list_open(session, limit=LISTED_AT_MOST)
    places = {location.code: location.name for location in settings.locations}
    statement = select(Article).where(col(Article.sku).in_(sorted({row.sku for row in found})))
    names = {article.sku: article.title for article in session.exec(statement)} if found else {}
    return tuple(_shortage(row, places, names, now, zone) for row in found)


def _shortage(
    row: Shortage, places: Mapping[str, str], names: Mapping[str, Any], now: datetime, zone: ZoneInfo
) -> ShortageShown:
    title = f"{row.quantity} × {names.get(row.sku, row.sku)}, {places.get(row.location, row.location)}"
    note = f"{row.sku}, zugesagt und nicht da, seit {when(row.opened_at, now, zone)}, Ursache {row.cause}"
    accepted = f"{row.accepted_by} kümmert sich" if row.accepted_by else ""
    return ShortageShown(row.id or 0, title, note, accepted)


def _foot(session: Session) -> tuple[str, ...]:
    megabytes = ops_words.whole(max(1, round(db.size_bytes(session) / 1e6)))
    name = "PostgreSQL" if db.is_postgresql(session) else "SQLite"
    return (f"{name}, {megabytes} MB", f"Version {__version__}")
