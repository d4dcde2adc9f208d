"""An article's stock over time, as a chart: steps back from what is there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.pages.ops_charts import HEIGHT, WIDTH, times
from omnisync.pages.words import Words, later
from omnisync.stock import archives
from omnisync.stock.tables import Movement
from omnisync.sync.history import Window
from omnisync.values import Shelf

RANGES = {
    "1d": (later("1 day"), timedelta(days=1)),
    "7d": (later("7 days"), timedelta(days=7)),
    "30d": (later("30 days"), timedelta(days=30)),
    "90d": (later("90 days"), timedelta(days=90)),
}
DEFAULT_RANGE = "7d"
POINTS = 120
STEPS = (1, 2, 5, 10, 20, 25, 50)
journal = db.table(Movement)


@dataclass(frozen=True, slots=True)
class Course:
    """What the chart draws: both levels as steps, and what stands around them."""

    on_hand: str
    available: str
    area: str
    grid: tuple[tuple[float, str], ...]
    times: tuple[str, ...]
    words: str


def levels(session: Session, shelves: Sequence[Shelf], window: Window, now: tuple[int, int]) -> list[tuple[int, int]]:
    """(on hand, free of promises) at the end of each bucket, from what is there now: one statement."""
    promised = journal.c.reserved + journal.c.blocked + journal.c.safety
    slot = window.slot(journal.c.recorded_at).label("slot")
    rows = session.execute(
        sa.select(slot, sa.func.sum(journal.c.on_hand), sa.func.sum(journal.c.on_hand - promised))
        .where(db.in_pairs(journal.c.location, journal.c.sku, sorted(shelves)))
        .where(journal.c.recorded_at >= window.start)
        .group_by(slot)
    )
    changes = {number: (int(here), int(free)) for number, here, free in rows}
    found = [now]
    for number in range(window.buckets - 1, 0, -1):
        here, free = changes.get(number, (0, 0))
        found.append((found[-1][0] - here, found[-1][1] - free))
    return found[::-1]


def reach(session: Session, now: datetime, span: timedelta) -> Window:
    """The span before now, as far as the journal still reaches."""
    last = archives.newest(session)
    start = now - span if last is None else max(now - span, last.until)
    return Window(start, now, POINTS)


def course(found: Sequence[tuple[int, int]], window: Window, zone: ZoneInfo, say: Words) -> Course:
    """The chart of these levels."""
    on_hand, available = [one[0] for one in found], [max(0, one[1]) for one in found]
    step = _step(max(1, *on_hand, *available))
    low = step * min(0, min(on_hand) // step)
    top = low + step * max(1, -(-(max(1, *on_hand, *available) - low) // step))
    grid = tuple((_y(value, low, top), say.number(value)) for value in range(top, low - 1, -step))
    free = _steps(available, low, top)
    words = say(
        "On hand from %(first)s to %(last)s, lowest %(least)s; available now %(free)s",
        first=say.number(on_hand[0]), last=say.number(on_hand[-1]), least=say.number(min(on_hand)), free=say.number(available[-1]),
    )  # fmt: skip
    area = f"{free} V{_y(0, low, top):.1f} H0 Z"
    return Course(_steps(on_hand, low, top), free, area, grid, times(window, zone, say), words)


def _step(top: int) -> int:
    """Round pieces between two lines, so that about four lines stand in the chart."""
    size = 1
    while True:
        for step in STEPS[:-1]:
            if step * size * 4 >= top:
                return step * size
        size *= STEPS[-1]


def _steps(levels: Sequence[int], low: int, top: int) -> str:
    width = WIDTH / len(levels)
    moves = [f"V{_y(level, low, top):.1f} H{(number + 1) * width:.1f}" for number, level in enumerate(levels)]
    return f"M0,{_y(levels[0], low, top):.1f} " + " ".join(moves)


def _y(value: float, low: int, top: int) -> float:
    return HEIGHT * (1 - (value - low) / (top - low))
