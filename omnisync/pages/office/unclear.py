"""What is unclear about which article or location a channel means, each answered by one press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from omnisync.errors import NotFound
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.sync import answering, questions
from omnisync.sync.context import Context
from omnisync.sync.questions import Key, Kind, Question


@dataclass(frozen=True, slots=True)
class Unclear:
    """The whole page."""

    questions: Sequence[Question]
    titles: Mapping[str, str]
    kinds: Sequence[tuple[str, str]]
    words: Mapping[str, str]
    answers: Mapping[str, Sequence[str]]
    channels: Sequence[tuple[str, str]]
    places: Sequence[tuple[str, str]]
    more: str
    sheets: tuple[Sheet, ...]
    """Only for the file: the page shows them with their buttons."""


def unclear(session: Session, context: Context, visit: Visit) -> Unclear:
    """Open questions in the order of their keys, as far as the filters say."""
    say, titles, asked = visit.say, stock.titles_of(context), visit.get("kind")
    channels = [context.channel(visit.get("channel"))] if visit.get("channel") else list(context.channels.values())
    kind = Kind(asked) if asked in set(Kind) else None
    after = _after(visit)
    found, counts = questions.page(session, channels, kind=kind, after=after, limit=visit.rows + 1)
    shown = found[: visit.rows]
    words = {one.value: say(word) for one, word in KINDS.items()}
    return Unclear(
        questions=shown, titles=titles, words=words,
        kinds=[(name, f"{word} ({say.number(counts[name])})") for name, word in words.items()],
        answers={one.value: answers for one, answers in answering.ANSWERS.items()},
        channels=list(titles.items()), places=list(stock.places_of(context).items()),
        more=visit.url(after=shown[-1].key.id) if len(found) > len(shown) else "",
        sheets=(_sheet(shown, titles, words, visit),),
    )  # fmt: skip


def _after(visit: Visit) -> Key | None:
    try:
        return questions.key_of(visit.get("after")) if visit.get("after") else None
    except ValueError:
        raise NotFound("There is no such page.") from None


KINDS = {
    Kind.UNKNOWN_ARTICLE: later("Unknown article"),
    Kind.CHANGED_BARCODE: later("Changed barcode"),
    Kind.TWO_LISTINGS: later("Several listings of one article"),
    Kind.UNMAPPED_PLACE: later("Place without a location"),
}


def _sheet(shown: Sequence[Question], titles: Mapping[str, str], words: Mapping[str, str], visit: Visit) -> Sheet:
    columns = (
        Column(later("Channel"), lambda one: titles.get(one.key.channel, one.key.channel)),
        Column(later("Kind"), lambda one: words[one.key.kind.value]),
        Column(later("About"), lambda one: one.key.about),
        Column(later("Title"), lambda one: one.title),
        Column(later("SKU"), lambda one: one.sku),
        Column(later("Barcode"), lambda one: one.barcode),
        Column(later("Waiting"), lambda one: one.waiting, lambda one: ways.letters(one.key.channel), look="num"),
        Column(later("Since"), lambda one: one.since),
    )
    return Sheet("mappings", visit.say("Mapping"), columns, shown, visit.say("Everything is clear."))
