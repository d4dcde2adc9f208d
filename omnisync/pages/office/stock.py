"""The stock of all articles, and one article with everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.tables import Article, Barcode
from omnisync.errors import NotFound
from omnisync.pages.office import course, holds, kinds, ways
from omnisync.pages.office.course import Course
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Mark, Sheet
from omnisync.pages.office.steps import row_number
from omnisync.pages.words import later
from omnisync.stock import availability
from omnisync.stock.tables import Balance, Movement
from omnisync.sync.context import Context
from omnisync.sync.tables import ShownState
from omnisync.values import Kind, Shelf, from_cursor, to_cursor

balance, journal, listing = (db.table(one) for one in (Balance, Movement, ShownState))
article_row, barcode = db.table(Article), db.table(Barcode)


@dataclass(frozen=True, slots=True)
class Shelves:
    """A page of shelves."""

    sheets: tuple[Sheet, ...]
    places: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Card:
    """One article."""

    sku: str
    title: str
    facts: Mapping[str, str]
    available: int
    sheets: tuple[Sheet, ...]
    course: Course | None
    spans: Sequence[tuple[str, str]]
    span: str
    places: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]


# ---------------------------------------------------------------- all articles


def shelves(session: Session, context: Context, visit: Visit) -> Shelves:
    """Every shelf by article, as far as the filters say."""
    names = places_of(context)
    statement = (
        sa.select(balance, article_row.c.title)
        .join(article_row, article_row.c.sku == balance.c.sku)
        .order_by(balance.c.sku, balance.c.location)
        .limit(visit.rows + 1)
    )
    if wanted := visit.get("q"):
        statement = statement.where(sa.or_(matches(balance.c.sku, wanted), matches(article_row.c.title, wanted)))
    if location := visit.get("location"):
        statement = statement.where(balance.c.location == location)
    if (state := _STATES.get(visit.get("state"))) is not None:
        statement = statement.where(state)
    if after := visit.get("after"):
        statement = statement.where(sa.tuple_(balance.c.sku, balance.c.location) > sa.tuple_(*cursor(after, 2)))
    rows = session.execute(statement).all()
    shown = rows[: visit.rows]
    more = visit.url(after=to_cursor(shown[-1].sku, shown[-1].location)) if len(rows) > len(shown) else ""
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.title),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        *_levels_of(lambda row: row.sku),
    )
    sheet = Sheet("stock", visit.say("Shelves"), columns, shown, visit.say("No shelf matches."), more)
    return Shelves((sheet,), list(names.items()))


def _levels_of(sku: Any) -> tuple[Column, ...]:
    """The quantities of a shelf; each leads to what made it so."""

    def journal_of(row: Any) -> str:
        return ways.article(sku(row), "journal", location=row.location)

    return (
        Column(
            later("Available"), availability.available, lambda row: ways.explain(sku(row), location=row.location),
            look="num",
        ),
        Column(later("On hand"), lambda row: row.on_hand, journal_of, look="num"),
        Column(
            later("Reserved"), lambda row: row.reserved,
            lambda row: ways.article(sku(row), "holds", location=row.location), look="num",
        ),
        Column(later("Blocked"), lambda row: row.blocked, journal_of, look="num"),
        Column(later("Safety"), lambda row: row.safety, journal_of, look="num"),
        Column(later("Incoming"), lambda row: row.incoming, journal_of, look="num"),
    )  # fmt: skip


_STATES = {
    "below": balance.c.on_hand < 0,
    "short": balance.c.on_hand - balance.c.blocked < balance.c.reserved,
    "none": availability.PIECES == 0,
    "off_sale": balance.c.off_sale,
}
"""Filter of the page -> which shelves."""


# ---------------------------------------------------------------- one article


def card(session: Session, context: Context, visit: Visit) -> Card:
    """One article: where it lies, what channels show, who waits for it, its course and its journal."""
    sku, say = visit.get("sku"), visit.say
    found = session.get(Article, sku)
    if found is None:
        raise NotFound(f"There is no article {sku!r}.")
    names = places_of(context)
    rows: Sequence[Any] = session.execute(_balances_of(sku)).all()
    here = [Shelf(row.location, sku) for row in rows if visit.get("location") in ("", row.location)]
    return Card(
        sku=sku,
        title=found.title,
        facts=_facts(session, found, visit),
        available=sum(availability.available(row) for row in rows),
        sheets=(
            _balances(rows, names, visit),
            _channels(session, context, sku, visit),
            holds.of(session, here, names, visit),
            _journal(session, context, sku, names, visit),
        ),
        course=_course(session, here, rows, visit),
        spans=[(name, say(words)) for name, (words, _) in course.RANGES.items()],
        span=_span(visit),
        places=list(names.items()),
        kinds=[(kind.value, say(word)) for kind, word in kinds.MOVEMENTS.items()],
    )


def _balances_of(sku: str) -> sa.Select[Any]:
    return sa.select(balance).where(balance.c.sku == sku).order_by(balance.c.location)


def _facts(session: Session, found: Article, visit: Visit) -> dict[str, str]:
    say = visit.say
    codes = session.execute(sa.select(barcode.c.code).where(barcode.c.sku == found.sku).order_by(barcode.c.code))
    parts = articles.states(session, [found.sku])[found.sku].components
    told = {
        say("Barcodes"): ", ".join(codes.scalars()),
        say("Size"): found.size,
        say("Colour"): found.colour,
        say("Group"): found.group,
        say("Shelf"): found.shelf,
        say("Bundle of"): ", ".join(f"{pieces} × {sku}" for sku, pieces in sorted(parts.items())),
        say("Age"): say("age %(years)s and over", years=found.min_age) if found.min_age else "",
        say("Backorder"): found.backorder,
        say("Kept in stock"): "" if found.stocked else say("no"),
    }
    return {name: value for name, value in told.items() if value}


def _balances(rows: Sequence[Any], names: Mapping[str, str], visit: Visit) -> Sheet:
    say = visit.say
    columns = (
        Column(
            later("Location"), lambda row: names.get(row.location, row.location),
            lambda row: visit.url(location=row.location, before=""),
            lambda row: say("off sale until it is counted") if row.off_sale else "",
        ),
        *_levels_of(lambda row: row.sku),
        Column(later("Shelf"), lambda row: row.shelf),
        Column(later("Last counted"), lambda row: row.counted_at),
    )  # fmt: skip
    return Sheet("balances", say("Where it lies"), columns, rows, say("It lies nowhere."))


def _channels(session: Session, context: Context, sku: str, visit: Visit) -> Sheet:
    say, titles = visit.say, titles_of(context)
    statement = sa.select(listing).where(listing.c.sku == sku, listing.c.wanted.is_not(None))
    rows = session.execute(statement.order_by(listing.c.channel, listing.c.external_id)).all()

    def state(row: Any) -> Mark:
        if row.blocked_reason:
            return Mark(say("Needs you"), "bad", "warning")
        if row.drift_since:
            return Mark(say("Drifting"), "warn", "warning")
        return Mark(say("Late"), "warn", "clock") if row.behind_since else Mark(say("On time"), "ok", "check")

    columns = (
        Column(
            later("Channel"), lambda row: titles.get(row.channel, row.channel), lambda row: ways.channel(row.channel),
            lambda row: " ".join((row.external_id, row.place)),
        ),
        Column(
            later("Should show"), lambda row: row.wanted,
            lambda row: ways.explain(row.sku, channel=row.channel), look="num",
        ),
        Column(
            later("Shows"), lambda row: row.believed,
            lambda row: ways.explain(row.sku, "sent", channel=row.channel), look="num",
        ),
        Column(later("State"), state),
        Column(later("Written"), lambda row: row.applied_at),
        Column(later("Read back"), lambda row: row.seen_at),
    )  # fmt: skip
    return Sheet("channels", say("What channels show"), columns, rows, say("No channel lists it."))


def _span(visit: Visit) -> str:
    asked = visit.get("range")
    return asked if asked in course.RANGES else course.DEFAULT_RANGE


def _course(session: Session, here: Sequence[Shelf], rows: Sequence[Any], visit: Visit) -> Course | None:
    if not here:
        return None
    window = course.reach(session, visit.now, course.RANGES[_span(visit)][1])
    shown = [row for row in rows if Shelf(row.location, row.sku) in here]
    free: int = sum(row.on_hand - row.reserved - row.blocked - row.safety for row in shown)
    found = course.levels(session, here, window, (sum(row.on_hand for row in shown), free))
    return course.course(found, window, visit.zone, visit.say)


def _journal(session: Session, context: Context, sku: str, names: Mapping[str, str], visit: Visit) -> Sheet:
    """What happened, the newest first, a page at a time."""
    say, wanted = visit.say, visit.get("location")
    everywhere = [location.code for location in context.settings.locations]
    statement = sa.select(journal).where(
        db.among(journal.c.location, [wanted] if wanted else everywhere), journal.c.sku == sku
    )
    if kind := visit.get("kind"):
        statement = statement.where(journal.c.kind == kind)
    if before := visit.get("before"):
        statement = statement.where(journal.c.id < row_number(cursor(before, 1)[0]))
    rows = session.execute(statement.order_by(journal.c.id.desc()).limit(visit.rows + 1)).all()
    shown = rows[: visit.rows]
    more = visit.url(before=to_cursor(shown[-1].id)) + "#journal" if len(rows) > len(shown) else ""

    def changes(row: Any) -> str:
        told = ((say(word), getattr(row, name)) for name, word in kinds.QUANTITIES.items())
        return ", ".join(f"{word} {pieces:+d}" for word, pieces in told if pieces)

    columns = (
        Column(later("When"), lambda row: row.recorded_at),
        Column(later("What"), lambda row: say(kinds.MOVEMENTS[Kind(row.kind)]), note=lambda row: row.reason or ""),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(later("Change"), changes),
        Column(later("Cause"), lambda row: row.cause, look="code"),
    )
    return Sheet("journal", say("Journal"), columns, shown, say("Nothing was recorded."), more)


# ---------------------------------------------------------------- shared


def places_of(context: Context) -> dict[str, str]:
    """Code -> name of each location."""
    return {location.code: location.name for location in context.settings.locations}


def titles_of(context: Context) -> dict[str, str]:
    """Name -> title of each channel."""
    return {channel.name: channel.settings.title or channel.name for channel in context.channels.values()}


def matches(column: sa.ColumnElement[Any], wanted: str) -> sa.ColumnElement[bool]:
    """Whether a text holds what was typed, whatever the case of its letters."""
    return sa.func.lower(column).contains(wanted.lower(), autoescape=True)


def cursor(text: str, parts: int) -> list[str]:
    """Where the page before ended. NotFound for one that was made up."""
    try:
        return from_cursor(text, parts)
    except ValueError:
        raise NotFound("There is no such page.") from None
