"""Lines and bars as SVG geometry: plain numbers in, path data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from omnisync.pages.words import Words
from omnisync.sync.history import TARGET_SECONDS, Delays, Window

WIDTH, HEIGHT = 600, 140
SPARK_WIDTH, SPARK_HEIGHT = 64, 18
TICKS = 6
NICE_STEPS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 57600)
GRID_LINES = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the delay chart draws."""

    p95: str
    p50: str
    area: str
    target_y: float
    grid: tuple[tuple[float, str], ...]
    """(y, label), the largest first."""
    times: tuple[str, ...]
    words: str
    """What the chart shows, for those who cannot see it."""
    empty: bool


def spark(values: Sequence[float]) -> str:
    """A small line without axes; a flat one lies at the bottom."""
    if not values:
        return ""
    top = max(max(values), 1e-9)
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = [(index * step, SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * value / top) for index, value in enumerate(values)]
    return _path(points)


def chart(window: Window, delays: Mapping[int, Delays], zone: ZoneInfo, told: str, say: Words) -> Chart:
    """The delay over a window, on a scale that holds the target and the worst value."""
    top = _nice_top(max([TARGET_SECONDS * 1.2, *(one.p95_seconds for one in delays.values())]))
    p95 = [(_x(slot, window), _y(one.p95_seconds, top)) for slot, one in sorted(delays.items())]
    p50 = [(_x(slot, window), _y(one.p50_seconds, top)) for slot, one in sorted(delays.items())]
    grid = tuple(
        (_y(top * part / GRID_LINES, top), _seconds(top * part / GRID_LINES, say)) for part in range(GRID_LINES, -1, -1)
    )
    area = f"{_path(p95)} L{p95[-1][0]:.1f},{HEIGHT} L{p95[0][0]:.1f},{HEIGHT} Z" if p95 else ""
    return Chart(
        _path(p95), _path(p50), area, _y(TARGET_SECONDS, top), grid, times(window, zone, say), told, not delays
    )


def _nice_top(value: float) -> float:
    """The next number above that divides well into the grid's lines."""
    enough = (step for step in NICE_STEPS_SECONDS if step * GRID_LINES >= value)
    return float(GRID_LINES * next(enough, value / GRID_LINES))


def _seconds(value: float, say: Words) -> str:
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if value >= size:
            return f"{say.number(float(f'{value / size:.3g}'))} {unit}"
    return "0 s"


def _x(slot: int, window: Window) -> float:
    return WIDTH * (slot + 0.5) / window.buckets


def _y(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value, top) / top)


def _path(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        (x, y) = points[0]
        points = [(x - 2, y), (x + 2, y)]
    return " ".join(f"{'L' if index else 'M'}{x:.1f},{y:.1f}" for index, (x, y) in enumerate(points))


def times(window: Window, zone: ZoneInfo, say: Words) -> tuple[str, ...]:
    """What stands below a chart: times of one day, days of a longer span."""
    span = window.end - window.start
    told = say.time if span <= timedelta(days=1) else say.short_date
    return tuple(told(window.start + span * part / TICKS, zone) for part in range(TICKS + 1))
