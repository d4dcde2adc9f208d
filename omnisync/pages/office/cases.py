"""What a person decides: blast guard, drift, conflicts, and where channels show something else than they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.pages import ops_words
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Act, Column, Mark, Sheet
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import later
from omnisync.sync import late
from omnisync.sync.context import Context
from omnisync.sync.tables import Case, ShownState
from omnisync.values import Money, to_cursor

case, listing = db.table(Case), db.table(ShownState)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A table with the channels it can be filtered by."""

    sheets: tuple[Sheet, ...]
    channels: Sequence[tuple[str, str]]


def cases(session: Session, context: Context, visit: Visit) -> Filtered:
    """Open decisions, the oldest first; closed ones, the newest first, by a filter."""
    closed = visit.get("state") == "closed"
    statement = sa.select(case).where(case.c.closed_at.is_not(None) if closed else case.c.closed_at.is_(None))
    if channel := visit.get("channel"):
        statement = statement.where(case.c.channel == channel)
    if after := visit.get("after"):
        last = stock.cursor(after, 1)[0]
        statement = statement.where(case.c.id < last if closed else case.c.id > last)
    rows = session.execute(
        statement.order_by(case.c.id.desc() if closed else case.c.id).limit(visit.rows + 1)
    ).all()  # fmt: skip
    shown = rows[: visit.rows]
    more = visit.url(after=to_cursor(shown[-1].id)) if len(rows) > len(shown) else ""
    return Filtered((_sheet(shown, context, visit, more),), list(stock.titles_of(context).items()))


def _sheet(found: Sequence[Any], context: Context, visit: Visit, more: str) -> Sheet:
    say, titles, places = visit.say, stock.titles_of(context), stock.places_of(context)

    def about(row: Any) -> str:
        told = row.details or {}
        if row.kind == late.CASE:
            return ways.pickup(str(told["pickup"]))
        return ways.article(str(told["sku"])) if told.get("sku") else ""

    def where(row: Any) -> str:
        if row.channel == late.DESK:
            return places.get((row.details or {}).get("location", ""), say("Pickup desk"))
        return str(titles.get(row.channel, row.channel))

    def outcome(row: Any) -> Mark:
        if row.closed_at is None:
            return Mark(say("Waits for you"), "bad", "warning")
        return Mark(f"{say(HOW.get(row.closed_how, 'Closed'))} {row.closed_by or ''}".strip(), "ok", "check")

    columns = (
        Column(
            later("What"), lambda row: ops_words.case_words(row, say, places, titles)[0], about,
            lambda row: ops_words.case_words(row, say, places, titles)[1],
        ),
        Column(later("Channel"), where, lambda row: "" if row.channel == late.DESK else ways.channel(row.channel)),
        Column(later("Cause"), lambda row: said(row.cause, say)),
        Column(later("Since"), lambda row: row.opened_at),
        Column(later("State"), outcome),
    )  # fmt: skip

    def acts(row: Any) -> Sequence[Act]:
        return list(_acts(row, visit, places, titles)) if row.closed_at is None else []

    return Sheet("cases", say("Decisions"), columns, found, say("Nothing to decide."), more, acts=acts)


HOW = {"applied": later("Applied"), "dismissed": later("Dismissed"), "mended": later("Mended")}


def _acts(row: Any, visit: Visit, places: Mapping[str, str], titles: Mapping[str, str]) -> Iterator[Act]:
    say, title = visit.say, ops_words.case_words(row, visit.say, places, titles)[0]
    if ops_words.can_apply(row):
        yield Act(f"cases/{row.id}/apply", say("Apply"), say("Apply: %(what)s", what=title), "sm pri")
        yield Act(f"cases/{row.id}/dismiss", say("Dismiss"), say("Dismiss: %(what)s", what=title))
    else:
        yield Act(f"cases/{row.id}/dismiss", say("Settled"), say("Settled: %(what)s", what=title))


# ---------------------------------------------------------------- drift


def drift(session: Session, context: Context, visit: Visit) -> Filtered:
    """Listings that show something else than they should and nobody explains, the longest first."""
    odd = sa.or_(
        listing.c.drift_since.is_not(None), listing.c.price_drift_since.is_not(None), listing.c.contradicted > 0
    )
    since = sa.func.coalesce(listing.c.drift_since, listing.c.price_drift_since, listing.c.contradicted_at)
    statement = sa.select(listing, sa.type_coerce(since, listing.c.drift_since.type).label("since")).where(odd)
    if channel := visit.get("channel"):
        statement = statement.where(listing.c.channel == channel)
    rows = session.execute(statement.order_by(since, listing.c.channel, listing.c.external_id).limit(visit.rows)).all()
    return Filtered((_drift(rows, context, visit),), list(stock.titles_of(context).items()))


def _drift(rows: Sequence[Any], context: Context, visit: Visit) -> Sheet:
    say, titles = visit.say, stock.titles_of(context)

    def why(row: Any) -> str:
        if row.contradicted:
            return say.ngettext(
                "%(num)s number in a row taken and not shown",
                "%(num)s numbers in a row taken and not shown",
                row.contradicted,
            )
        return say("Nobody explains the number") if row.drift_since else say("Another price was set there")

    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku), lambda row: row.external_id),
        Column(
            later("Channel"), lambda row: titles.get(row.channel, row.channel), lambda row: ways.channel(row.channel)
        ),
        Column(later("Why"), why),
        Column(
            later("Should show"),
            lambda row: row.wanted,
            lambda row: ways.explain(row.sku, channel=row.channel),
            look="num",
        ),
        Column(
            later("Shows"),
            lambda row: row.seen if row.seen is not None else row.believed,
            lambda row: ways.explain(row.sku, "sent", channel=row.channel),
            look="num",
        ),
        Column(
            later("Should cost"),
            lambda row: _money(row.wanted_price_minor, row.wanted_price_currency),
            lambda row: ways.price(row.sku, row.channel),
            look="num",
        ),
        Column(
            later("Costs"),
            lambda row: _money(row.price_minor, row.price_currency),
            lambda row: ways.price(row.sku, row.channel),
            look="num",
        ),
        Column(later("Since"), lambda row: row.since),
    )
    return Sheet("drift", say("Drift"), columns, rows, say("Every channel shows what it should."))


def _money(minor: int | None, currency: str | None) -> Money | None:
    return Money(minor, currency) if minor is not None and currency else None
