"""The key figures of the ops page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.pages import ops_words
from omnisync.pages.ops_charts import spark
from omnisync.pages.words import Words
from omnisync.stock import shortages
from omnisync.sync import cases, history
from omnisync.sync.health import LATE_AFTER_SECONDS, Health
from omnisync.sync.history import TARGET_SECONDS, Delays, Window
from omnisync.sync.tables import DeadLetter, ShownState

SPARK_POINTS = 24
WAYS = ("/ops/number?name=delay", "/ops/number?name=twice", "/ops/number?name=queue", "/ops/letters", "/ops/drift")
"""Where each figure is explained."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One key figure. `mood` is a class of the style sheet."""

    label: str
    value: str
    unit: str
    note: str
    mood: str = ""
    spark: str = ""
    way: str = ""
    """Where it is explained."""


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
    session: Session,
    found: Sequence[Health],
    counts: Counts,
    overall: Delays | None,
    length: timedelta,
    now: datetime,
    say: Words,
) -> tuple[Tile, ...]:
    window = Window.before(now, length, SPARK_POINTS)
    made = (
        _delay_tile(session, window, overall, say),
        _sold_twice_tile(session, window, counts, say),
        _queue_tile(session, window, counts, say),
        _letters_tile(session, window, counts, say),
        _drift_tile(counts, say),
    )
    return tuple(replace(tile, way=way) for tile, way in zip(made, WAYS, strict=True))


def _delay_tile(session: Session, window: Window, overall: Delays | None, say: Words) -> Tile:
    by_slot = history.delays(session, window)
    line = spark([by_slot[slot].p95_seconds if slot in by_slot else 0.0 for slot in range(window.buckets)])
    target, label = say("target %(span)s", span=say.span(TARGET_SECONDS)), say("Delay, p95")
    if overall is None:
        return Tile(label, "–", "", say("%(target)s, nothing sent yet", target=target), spark=line)
    number, _, unit = say.span(overall.p95_seconds).partition(" ")
    mood = "ok" if overall.p95_seconds <= TARGET_SECONDS else "warn"
    return Tile(label, number, unit, target, mood, line)


def _sold_twice_tile(session: Session, window: Window, counts: Counts, say: Words) -> Tile:
    by_slot = history.conflicts(session, window)
    pieces, refused = sum(by_slot.values()), history.refused(session, window)
    note = say.ngettext("%(num)s request refused", "%(num)s requests refused", refused)
    if counts.short_pieces:
        note = say.ngettext(
            "%(num)s piece is still missing, %(refused)s refused", "%(num)s pieces are still missing, %(refused)s refused",
            counts.short_pieces, refused=say.number(refused),
        )  # fmt: skip
    line = spark([by_slot.get(slot, 0) for slot in range(window.buckets)])
    return Tile(
        say("Sold twice"),
        say.number(pieces),
        say.ngettext("piece", "pieces", pieces),
        note,
        "warn" if pieces or counts.short_pieces else "ok",
        line,
    )


def _queue_tile(session: Session, window: Window, counts: Counts, say: Words) -> Tile:
    line = spark(history.queue(session, window, counts.queued))
    late = counts.oldest_seconds > LATE_AFTER_SECONDS
    note = say("oldest job %(span)s", span=say.span(counts.oldest_seconds)) if counts.queued else say("nothing waits")
    return Tile(
        say("Queue"), say.number(counts.queued), say.ngettext("job", "jobs", counts.queued), note,
        "warn" if late else "ok", line,
    )  # fmt: skip


def _letters_tile(session: Session, window: Window, counts: Counts, say: Words) -> Tile:
    kinds = [
        f"{number} × {say(ops_words.LETTERS.get(kind, kind))}"
        for kind, number in sorted(counts.letters_by_kind.items())
    ]
    line = spark(history.letters(session, window, counts.letters))
    mood = "warn" if counts.letters else "ok"
    return Tile(
        say("Dead letters"), say.number(counts.letters), "", ", ".join(kinds) or say("nothing to clear up"), mood, line
    )


def _drift_tile(counts: Counts, say: Words) -> Tile:
    note = say("every number is right") if not counts.drift else say("is mended, or shows as a decision")
    of_all = say.ngettext("of %(num)s listing", "of %(num)s listings", counts.listings)
    return Tile(say("Drift"), say.number(counts.drift), of_all, note, "warn" if counts.drift else "ok")


def delay_words(overall: Delays | None, say: Words) -> str:
    if overall is None:
        return say("Delay: nothing was sent in this span")
    return say.ngettext(
        "Delay of %(num)s change: half below %(p50)s, 95 per cent below %(p95)s",
        "Delay of %(num)s changes: half below %(p50)s, 95 per cent below %(p95)s",
        overall.number, p50=say.span(overall.p50_seconds), p95=say.span(overall.p95_seconds),
    )  # fmt: skip
