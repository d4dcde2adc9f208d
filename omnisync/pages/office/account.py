"""Why is it that number, for this channel, at that moment: the account of `sync.explain` on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.errors import InvalidRequest
from omnisync.pages.office import kinds, stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.sync.context import Context
from omnisync.sync.explain import Question, explain
from omnisync.values import Kind, parse_time


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a sum."""

    pieces: int
    words: str
    causes: Sequence[Mapping[str, Any]] = ()
    way: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """A number with what it is made of."""

    title: str
    pieces: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """The whole page."""

    sku: str
    at: datetime
    at_field: str
    sentence: str
    shown: tuple[Sum, ...]
    locations: tuple[Sum, ...]
    sheets: tuple[Sheet, ...]
    places: Sequence[tuple[str, str]]
    channels: Sequence[tuple[str, str]]


def account(session: Session, context: Context, visit: Visit) -> Account:
    """The account of one number; of now when no moment is named."""
    at = visit.moment("at") or visit.now
    if at > visit.now:
        raise InvalidRequest.of("at", "is not in the future")
    sku, location, channel = visit.get("sku"), visit.get("location") or None, visit.get("channel") or None
    told = explain(session, context, Question(sku, location, channel, at))
    names, titles = stock.places_of(context), stock.titles_of(context)
    shown = tuple(_shown(told["channel"], names, titles, visit)) if told["channel"] else ()
    return Account(
        sku=sku,
        at=at,
        at_field=f"{at.astimezone(visit.zone):%Y-%m-%dT%H:%M}",
        sentence=_sentence(told, shown, visit),
        shown=shown,
        locations=tuple(_sums(told["locations"], names, visit)),
        sheets=(_written(told["channel"], visit),) if told["channel"] else (),
        places=list(names.items()),
        channels=list(titles.items()),
    )


def _sentence(told: Mapping[str, Any], shown: Sequence[Sum], visit: Visit) -> str:
    if shown:
        return visit.say("The channel should show %(pieces)s.", pieces=sum(one.pieces for one in shown))
    pieces = told["available"]
    return visit.say.ngettext("%(num)s piece can be promised.", "%(num)s pieces can be promised.", pieces)


def _shown(told: Mapping[str, Any], names: Mapping[str, str], titles: Mapping[str, str], visit: Visit) -> Iterator[Sum]:
    title = titles.get(told["channel"], told["channel"])
    for place in told["places"]:
        lines = tuple(
            Line(term["pieces"], names.get(term.get("location", ""), "") or visit.say(kinds.TERMS[term["term"]]))
            for term in place["terms"]
        )
        yield Sum(f"{title}, {place['place']}" if place["place"] else title, place["pieces"], lines)


def _sums(locations: Sequence[Mapping[str, Any]], names: Mapping[str, str], visit: Visit) -> Iterator[Sum]:
    for one in locations:
        name = names.get(one["location"], one["location"])
        if not one["parts"]:
            yield Sum(name, one["pieces"], tuple(_lines(one["terms"], visit)))
        for part in one["parts"]:
            title = visit.say(
                "%(location)s: %(sku)s, %(each)s in each bundle, enough for %(makes)s",
                location=name, sku=part["sku"], each=part["each"], makes=part["makes"],
            )  # fmt: skip
            yield Sum(title, part["pieces"], tuple(_lines(part["terms"], visit)))


def _lines(terms: Sequence[Mapping[str, Any]], visit: Visit) -> Iterator[Line]:
    for term in terms:
        causes = [
            {
                "pieces": cause["pieces"], "words": visit.say(kinds.MOVEMENTS[Kind(cause["kind"])]), "cause": cause["cause"],
                "reason": cause["reason"] or "", "when": visit.shown(parse_time(cause["recorded_at"])),
            }
            for cause in term["causes"]
        ]  # fmt: skip
        yield Line(term["pieces"], visit.say(kinds.TERMS[term["term"]]), causes)


def _written(told: Mapping[str, Any], visit: Visit) -> Sheet:
    say = visit.say
    rows = [one | {"place": place["place"] or ""} for place in told["places"] for one in place["sent"]]
    columns = (
        Column(later("Sent"), lambda row: parse_time(row["sent_at"])),
        Column(
            later("Number"), lambda row: row["quantity"],
            lambda row: ways.explain(visit.get("sku"), channel=visit.get("channel"), at=parse_time(row["sent_at"])), look="num",
        ),
        Column(later("Listing"), lambda row: row["external_id"], note=lambda row: row["place"], look="code"),
        Column(later("Outcome"), lambda row: say(OUTCOMES[row["outcome"]]), note=lambda row: row["reason"] or ""),
        Column(later("Applied"), lambda row: row["applied_at"] and parse_time(row["applied_at"])),
    )  # fmt: skip
    return Sheet("sent", say("What was sent there by then"), columns, rows, say("Nothing was sent there by then."))


OUTCOMES = {
    None: later("not yet answered"),
    "applied": later("applied"),
    "accepted": later("accepted, not yet applied"),
    "contradicted": later("taken, but the old number still shows"),
    "changed": later("changed there meanwhile"),
    "unknown": later("nobody answered"),
    "attention": later("refused, needs you"),
    "superseded": later("overtaken by a newer number"),
}
"""What became of a write."""
