"""What the ops page shows, read in one go: every number is one that the database knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync import __version__, db
from omnisync.pages import ops_banner, ops_charts, ops_lists, ops_rows, ops_tiles
from omnisync.pages.office import says
from omnisync.pages.ops_banner import Banner
from omnisync.pages.ops_charts import Chart
from omnisync.pages.ops_lists import CaseShown, LetterShown, ShortageShown
from omnisync.pages.ops_rows import Row
from omnisync.pages.ops_tiles import Tile
from omnisync.pages.words import Words, later
from omnisync.sync import health, history
from omnisync.sync.context import Context
from omnisync.sync.history import Window

RANGES = {
    "1h": ("1 h", timedelta(hours=1), 60),
    "6h": ("6 h", timedelta(hours=6), 72),
    "24h": ("24 h", timedelta(hours=24), 72),
    "7d": (later("7 days"), timedelta(days=7), 84),
}
"""name -> (words, span, points of the chart)"""
DEFAULT_RANGE = "6h"


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


def board(session: Session, context: Context, range_name: str, now: datetime, say: Words) -> Board:
    """Everything, at this moment."""
    zone, channels = says.zone_of(context), list(context.channels.values())
    titles = {channel.name: channel.settings.title or channel.name for channel in channels}
    places = {location.code: location.name for location in context.settings.locations}
    found = health.of_all(session, channels, now=now)
    counts = ops_tiles.Counts.read(session, found)
    _, length, points = RANGES[range_name]
    window = Window.before(now, length, points)
    overall = history.delay(session, window)
    return Board(
        at=say.time(now, zone, seconds=True),
        range=range_name,
        banner=ops_banner.banner(session, found, titles, overall, now, say),
        tiles=ops_tiles.tiles(session, found, counts, overall, length, now, say),
        rows=ops_rows.rows(session, channels, found, now, say),
        chart=ops_charts.chart(window, history.delays(session, window), zone, ops_tiles.delay_words(overall, say), say),
        letters=ops_lists.open_letters(session, titles, now, zone, say),
        letters_open=counts.letters,
        cases=ops_lists.open_cases(session, titles, places, now, zone, say),
        cases_open=counts.cases,
        shortages=ops_lists.open_shortages(session, context.settings, now, zone, say),
        shortages_open=counts.shortages,
        foot=_foot(session, say),
    )


def _foot(session: Session, say: Words) -> tuple[str, ...]:
    megabytes = say.number(max(1, round(db.size_bytes(session) / 1e6)))
    name = "PostgreSQL" if db.is_postgresql(session) else "SQLite"
    return (f"{name}, {megabytes} MB", say("Version %(version)s", version=__version__))
