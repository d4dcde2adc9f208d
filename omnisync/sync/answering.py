"""A person says which article or location a channel means: written down once, and what waited for it is booked in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.announce import announce
from omnisync.errors import InvalidRequest, NotFound
from omnisync.sync import mappings, places, questions, replay
from omnisync.sync.context import Channel, Context
from omnisync.sync.questions import Kind, Question
from omnisync.sync.tables import ChannelListing


@dataclass(frozen=True, slots=True)
class Said:
    """The answer: just one of these."""

    sku: str | None = None
    """It is this article."""
    location: str | None = None
    """It is this location."""
    only: str | None = None
    """Of these listings only that one is the article."""
    keep: bool = False
    """It is right as it stands; what is unknown is none of our articles."""

    def given(self) -> list[str]:
        """Which of them were said."""
        return [name for name in ("sku", "location", "only", "keep") if getattr(self, name)]


ANSWERS: Mapping[Kind, Sequence[str]] = {
    Kind.UNKNOWN_ARTICLE: ("sku", "keep"),
    Kind.CHANGED_BARCODE: ("sku", "keep"),
    Kind.TWO_LISTINGS: ("only", "keep"),
    Kind.UNMAPPED_PLACE: ("location",),
}


def answer(session: Session, context: Context, question_id: str, said: Said, *, by: str, now: datetime) -> int:
    """Carry it out; how much was released. NotFound when nobody asks that any more, InvalidRequest for another kind of answer."""
    try:
        key = questions.key_of(question_id)
    except ValueError:
        raise NotFound(f"There is no question {question_id!r}.") from None
    channel = context.channel(key.channel)
    question = questions.find(session, channel, key)
    if question is None:
        raise NotFound("This question is not open: it was answered, or has answered itself.")
    allowed = ANSWERS[key.kind]
    if len(said.given()) != 1 or said.given()[0] not in allowed:
        raise InvalidRequest.of("answer", f"say just one of {', '.join(allowed)}")
    released = _DO[said.given()[0]](_Asked(session, context, channel, question, said, by, now))
    body = {"channel": channel.name, "kind": key.kind.value, "about": key.about, "released": released}
    announce(session, "channel.mapped", body, now=now)
    return released


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with its answer."""

    session: Session
    context: Context
    channel: Channel
    question: Question
    said: Said
    by: str
    now: datetime

    def rows(self) -> Sequence[ChannelListing]:
        """The listings it is about."""
        statement = select(ChannelListing).where(
            ChannelListing.channel == self.channel.name, col(ChannelListing.external_id).in_(self.question.listings)
        )
        return self.session.exec(statement).all()


def _sku(asked: _Asked) -> int:
    name = asked.question.key.about
    if not asked.question.listings:
        _by_name(asked)
    released = mappings.put(asked.session, asked.context, asked.channel, {name: asked.said.sku}, now=asked.now)
    for row in asked.rows():
        row.kept_sku, row.kept_barcode, row.was_barcode = None, None, None
    return released


def _keep(asked: _Asked) -> int:
    for row in asked.rows() or [_by_name(asked)]:
        row.ignored_at = asked.now if row.sku is None else None
        row.kept_sku, row.kept_barcode = row.sku or row.kept_sku, row.barcode
    asked.session.flush()
    return replay.retry_resolved(asked.session, asked.context, asked.channel, now=asked.now)


def _by_name(asked: _Asked) -> ChannelListing:
    """Said by a message: there is no listing of that name whose numbers could be written."""
    name = asked.question.key.about
    row = ChannelListing(channel=asked.channel.name, external_id=name, managed=False, added_at=asked.now)
    asked.session.add(row)
    asked.session.flush()
    return row


def _only(asked: _Asked) -> int:
    if asked.said.only not in asked.question.listings:
        raise InvalidRequest.of("only", f"is one of {', '.join(asked.question.listings)}")
    others = {name: None for name in asked.question.listings if name != asked.said.only}
    return mappings.put(asked.session, asked.context, asked.channel, others, now=asked.now)


def _location(asked: _Asked) -> int:
    codes = [location.code for location in asked.context.settings.locations]
    if asked.said.location not in codes:
        raise InvalidRequest.of("location", f"There is no location {asked.said.location!r}: {', '.join(codes)}")
    place = asked.question.key.about
    places.put(asked.session, asked.channel.name, place, asked.said.location, by=asked.by, now=asked.now)
    return replay.retry_resolved(asked.session, asked.context, asked.channel, now=asked.now)


_DO: Mapping[str, Callable[[_Asked], int]] = {"sku": _sku, "keep": _keep, "only": _only, "location": _location}
