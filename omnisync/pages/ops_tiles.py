"""The key figures of the ops page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.pages import ops_words
from omnisync.pages.ops_charts import spark
from omnisync.pages.ops_words import plural, span, whole
from omnisync.stock import shortages
from omnisync.sync import cases, history
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.history import TARGET_SECONDS, Delays, Window
from omnisync.sync.tables import DeadLetter, ShownState

SPARK_POINTS = 24


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
class Counts:
    """What is open now, of all channels."""

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
    def read(cls, session: Session, found: Sequence[Health]) -> Counts:
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


def tiles(
    session: Session, found: Sequence[Health], counts: Counts, overall: Delays | None, length: timedelta, now: datetime
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


def _sold_twice_tile(session: Session, window: Window, counts: Counts) -> Tile:
    by_slot = history.conflicts(session, window)
    pieces, refused = sum(by_slot.values()), history.refused(session, window)
    note = plural(refused, "Anfrage abgelehnt", "Anfragen abgelehnt")
    if counts.short_pieces:
        note = f"{plural(counts.short_pieces, 'Stück fehlt', 'Stück fehlen')} noch, {whole(refused)} abgelehnt"
    line = spark([by_slot.get(slot, 0) for slot in range(window.buckets)])
    return Tile(
        "Doppelt verkauft", whole(pieces), "Stück", note, "warn" if pieces or counts.short_pieces else "ok", line
    )


def _queue_tile(session: Session, window: Window, counts: Counts) -> Tile:
    line = spark(history.queue(session, window, counts.queued))
    late = counts.oldest_seconds > LATE_AFTER_SECONDS
    note = f"ältester Auftrag {span(counts.oldest_seconds)}" if counts.queued else "nichts wartet"
    return Tile(
        "Warteschlange", whole(counts.queued), "Auftrag" if counts.queued == 1 else "Aufträge", note,
        "warn" if late else "ok", line,
    )  # fmt: skip


def _letters_tile(session: Session, window: Window, counts: Counts) -> Tile:
    kinds = [
        f"{number} × {ops_words.LETTERS.get(kind, kind)}" for kind, number in sorted(counts.letters_by_kind.items())
    ]
    line = spark(history.letters(session, window, counts.letters))
    mood = "warn" if counts.letters else "ok"
    return Tile("Liegen geblieben", whole(counts.letters), "", ", ".join(kinds) or "nichts zu klären", mood, line)


def _drift_tile(counts: Counts) -> Tile:
    note = "jede Zahl stimmt" if not counts.drift else "wird berichtigt oder zeigt sich als Entscheidung"
    of_all = f"von {plural(counts.listings, 'Angebot', 'Angeboten')}"
    return Tile("Abweichungen", whole(counts.drift), of_all, note, "warn" if counts.drift else "ok")


def delay_words(overall: Delays | None) -> str:
    if overall is None:
        return "Verzögerung: in diesem Zeitraum wurde nichts gesendet"
    return (
        f"Verzögerung von {plural(overall.number, 'Änderung', 'Änderungen')}: "
        f"die Hälfte unter {span(overall.p50_seconds)}, 95 Prozent unter {span(overall.p95_seconds)}"
    )
