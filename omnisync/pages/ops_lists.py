"""What waits for a person on the ops page: letters, decisions, shortages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from omnisync.catalog.tables import Article
from omnisync.pages import ops_words
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import Words
from omnisync.settings import Settings
from omnisync.stock import shortages
from omnisync.stock.tables import Shortage
from omnisync.sync import cases, deadletters, late, replay
from omnisync.sync.tables import Case, ChannelListing, DeadLetter

LISTED_AT_MOST = 50


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


def open_letters(
    session: Session, titles: Mapping[str, str], now: datetime, zone: ZoneInfo, say: Words
) -> tuple[LetterShown, ...]:
    found = deadletters.list_open(session, limit=LISTED_AT_MOST)
    known = _listed_names(session, found)
    return tuple(_letter(letter, titles, known, now, zone, say) for letter in found)


def _letter(
    letter: DeadLetter,
    titles: Mapping[str, str],
    known: Mapping[tuple[str, str], str],
    now: datetime,
    zone: ZoneInfo,
    say: Words,
) -> LetterShown:
    waiting = [article for article in replay.articles_waiting(letter) if article.external_id]
    external = waiting[0].external_id if len(waiting) == 1 and "article" in letter.reason.lower() else None
    tries = say.ngettext("%(num)s try", "%(num)s tries", letter.attempts)
    note = [said(letter.reason, say), tries, say.when(letter.last_at, now, zone)]
    return LetterShown(
        letter.id, letter.channel, f"{titles.get(letter.channel, letter.channel)}: {ops_words.letter_title(letter, say)}",
        ", ".join(part.rstrip(".") for part in note), said(letter.action, say), external,
        known.get((letter.channel, external or ""), waiting[0].title if waiting else ""),
    )  # fmt: skip


def _listed_names(session: Session, letters: Sequence[DeadLetter]) -> dict[tuple[str, str], str]:
    wanted = {article.external_id for letter in letters for article in replay.articles_waiting(letter)} - {None}
    statement = select(ChannelListing).where(col(ChannelListing.external_id).in_(sorted(one for one in wanted if one)))
    return {(row.channel, row.external_id): row.title for row in session.exec(statement)} if wanted else {}


def open_cases(
    session: Session,
    titles: Mapping[str, str],
    places: Mapping[str, str],
    now: datetime,
    zone: ZoneInfo,
    say: Words,
) -> tuple[CaseShown, ...]:
    open_ones = cases.list_open(session, limit=LISTED_AT_MOST)
    return tuple(_case(case, titles, places, now, zone, say) for case in open_ones)


def _case(
    case: Case, titles: Mapping[str, str], places: Mapping[str, str], now: datetime, zone: ZoneInfo, say: Words
) -> CaseShown:
    title, advice = ops_words.case_words(case, say, places, titles)
    cause = case.cause if case.kind == "blast_zero" else ""
    note = ", ".join(part for part in (cause, say("since %(when)s", when=say.when(case.opened_at, now, zone))) if part)
    shown = title if case.channel == late.DESK else f"{titles.get(case.channel, case.channel)}: {title}"
    return CaseShown(case.id, case.channel, shown, note, advice, ops_words.can_apply(case))


def open_shortages(
    session: Session, settings: Settings, now: datetime, zone: ZoneInfo, say: Words
) -> tuple[ShortageShown, ...]:
    found = shortages.list_open(session, limit=LISTED_AT_MOST)
    places = {location.code: location.name for location in settings.locations}
    statement = select(Article).where(col(Article.sku).in_(sorted({row.sku for row in found})))
    names = {article.sku: article.title for article in session.exec(statement)} if found else {}
    return tuple(_shortage(row, places, names, now, zone, say) for row in found)


def _shortage(
    row: Shortage, places: Mapping[str, str], names: Mapping[str, Any], now: datetime, zone: ZoneInfo, say: Words
) -> ShortageShown:
    title = f"{row.quantity} × {names.get(row.sku, row.sku)}, {places.get(row.location, row.location)}"
    note = say(
        "%(sku)s, promised and not there, since %(when)s, cause %(cause)s",
        sku=row.sku, when=say.when(row.opened_at, now, zone), cause=row.cause,
    )  # fmt: skip
    accepted = say("%(name)s takes care", name=row.accepted_by) if row.accepted_by else ""
    return ShortageShown(row.id or 0, title, note, accepted)
