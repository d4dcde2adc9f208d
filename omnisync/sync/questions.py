"""What is unclear about which article or location a channel means: one list, each entry answered by one call.

An entry is not a row: it is read off the listings and off what waits, so it is gone as soon as it is answered, wherever that
happened, and never stands beside the truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import Article, Fact
from omnisync.catalog import articles
from omnisync.catalog.tables import Article as ArticleRow
from omnisync.catalog.tables import Barcode
from omnisync.sync import places, replay, wire
from omnisync.sync.context import Channel
from omnisync.sync.resolve import name_of, resolver
from omnisync.sync.tables import ChannelListing, DeadLetter
from omnisync.sync.wanted import BATCH, offered
from omnisync.values import from_cursor, to_cursor

MOST_PROPOSALS = 3
_listing, _article, _barcode = db.table(ChannelListing), db.table(ArticleRow), db.table(Barcode)


class Kind(StrEnum):
    """What is unclear."""

    CHANGED_BARCODE = "changed_barcode"
    """A listing has a barcode that is not its article's: that of another one, or a new one that nobody knows."""
    TWO_LISTINGS = "two_listings"
    """Several listings of one channel are the same article."""
    UNKNOWN_ARTICLE = "unknown_article"
    UNMAPPED_PLACE = "unmapped_place"


class Key(NamedTuple):
    """What a question is about, and with it the question."""

    channel: str
    kind: Kind
    about: str
    """The channel's name of the article; the SKU of two listings; the place."""

    @property
    def id(self) -> str:
        """An opaque name for it."""
        return to_cursor(*self)


def key_of(text: str) -> Key:
    """The question of that id. ValueError when it was made up."""
    channel, kind, about = from_cursor(text, 3)
    return Key(channel, Kind(kind), about)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An article that it may be, and why."""

    sku: str
    title: str
    why: str
    """sku | barcode | title"""


@dataclass(frozen=True, slots=True)
class Question:
    """One entry of the list."""

    key: Key
    title: str = ""
    named: str | None = None
    """The SKU that the channel says."""
    barcode: str | None = None
    sku: str | None = None
    """The article that it is here now."""
    listings: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    """Of these listings."""
    waiting: int = 0
    """Facts and order lines that are booked when it is answered."""
    since: datetime | None = None
    proposals: tuple[Proposal, ...] = ()

    def called(self) -> list[tuple[str, str]]:
        """Each of its listings and what people call it: its title, where no other one has the same."""
        pairs = zip(self.listings, self.titles, strict=True)
        return [(name, title if title and self.titles.count(title) == 1 else name) for name, title in pairs]


@dataclass
class _Waits:
    """What waits for one answer."""

    number: int = 0
    since: datetime | None = None
    article: Article = field(default_factory=Article)

    def add(self, letter: DeadLetter, article: Article | None = None) -> None:
        self.number += 1
        self.since = min(filter(None, (self.since, letter.opened_at)))
        self.article = article or self.article


Waiting = Mapping[Key, _Waits]


def page(
    session: Session, channels: Sequence[Channel], *, kind: Kind | None, after: Key | None, limit: int
) -> tuple[list[Question], dict[str, int]]:
    """The next questions in the order of their keys, and how many there are of each kind."""
    waits = waiting(session, channels)
    keys = sorted({key for channel in channels for key in _keys(session, channel)} | waits.keys())
    counts = {each.value: sum(key.kind is each for key in keys) for each in Kind}
    shown = [key for key in keys if (kind is None or key.kind is kind) and (after is None or key > after)][:limit]
    return _described(session, shown, waits), counts


def find(session: Session, channel: Channel, key: Key) -> Question | None:
    """The question, if it is open."""
    waits = waiting(session, [channel])
    is_open = key in waits or key in set(_keys(session, channel))
    return _described(session, [key], waits)[0] if is_open else None


# ---------------------------------------------------------------- which there are


def _keys(session: Session, channel: Channel) -> Iterator[Key]:
    name = channel.name
    here = _listing.c.channel == name
    unknown = sa.select(_listing.c.external_id).where(
        here,
        _listing.c.sku.is_(None),
        _listing.c.gone_at.is_(None),
        _listing.c.ignored_at.is_(None),
        _listing.c.managed,
    )
    yield from (Key(name, Kind.UNKNOWN_ARTICLE, one) for one in session.execute(unknown).scalars())
    kept = sa.case((_listing.c.kept_sku == _listing.c.sku, 1), else_=0)
    twice = (
        sa.select(_listing.c.sku).where(here, *offered()).group_by(_listing.c.sku).having(sa.func.count() > sa.func.sum(kept))
    ).having(sa.func.count() > 1)  # fmt: skip
    yield from (Key(name, Kind.TWO_LISTINGS, one) for one in session.execute(twice).scalars())
    yield from (Key(name, Kind.CHANGED_BARCODE, one.external_id) for one in _wrong_barcodes(session, here))


def _wrong_barcodes(session: Session, here: sa.ColumnElement[bool]) -> Iterator[sa.Row[tuple[str, str, str, str]]]:
    """Listings whose barcode is another article's, or was changed to one that is nobody's."""
    columns = (_listing.c.external_id, _listing.c.sku, _listing.c.barcode, _listing.c.was_barcode)
    kept = sa.and_(_listing.c.kept_sku == _listing.c.sku, _listing.c.kept_barcode == _listing.c.barcode)
    rows = session.execute(
        sa.select(*columns)
        .select_from(_listing.outerjoin(_barcode, _barcode.c.code == _listing.c.barcode))
        .where(here, *offered(), _listing.c.barcode.is_not(None), sa.not_(sa.func.coalesce(kept, sa.false())))
        .where(sa.or_(_barcode.c.sku != _listing.c.sku, sa.and_(_barcode.c.sku.is_(None), _listing.c.was_barcode.is_not(None))))
    ).all()  # fmt: skip
    owners = articles.by_barcode(session, {row.barcode for row in rows}) if rows else {}
    return (row for row in rows if owners.get(row.barcode) != row.sku)


def waiting(session: Session, channels: Iterable[Channel]) -> Waiting:
    """What waits for an article or a place that nobody knows, by the question it waits for."""
    found: dict[Key, _Waits] = defaultdict(_Waits)
    for channel in channels:
        letters = session.exec(
            select(DeadLetter).where(
                DeadLetter.channel == channel.name,
                col(DeadLetter.kind).in_(["fact", "line"]),
                col(DeadLetter.closed_at).is_(None),
            )
        ).all()
        told = [(letter, wire.from_json(letter.payload)) for letter in letters]
        resolve = resolver(
            session, channel.name, [one for letter, fact in told for one in replay.named_in(letter, fact)]
        )
        open_places = _unmapped(session, channel, [fact for _, fact in told])
        for letter, fact in told:
            for article in replay.named_in(letter, fact):
                if resolve(article) is None and not resolve.is_foreign(article) and (name := name_of(article)):
                    found[Key(channel.name, Kind.UNKNOWN_ARTICLE, name)].add(letter, article)
            for place in places.of([fact]) & open_places:
                found[Key(channel.name, Kind.UNMAPPED_PLACE, place)].add(letter)
    return found


def _unmapped(session: Session, channel: Channel, facts: Sequence[Fact]) -> set[str]:
    foreign = places.of(facts) - channel.settings.location_map.keys()
    return foreign - places.answers(session, channel.name, sorted(foreign)).keys() if foreign else set()


# ---------------------------------------------------------------- in words


def _described(session: Session, keys: Sequence[Key], waits: Waiting) -> list[Question]:
    rows = _rows(session, keys)
    plain = [_question(key, rows.get(key, []), waits.get(key, _Waits())) for key in keys]
    proposals = _proposals(session, plain)
    return [
        Question(
            one.key, one.title, one.named, one.barcode, one.sku, one.listings, one.titles, one.waiting, one.since,
            proposals[one.key],
        )
        for one in plain
    ]  # fmt: skip


def _rows(session: Session, keys: Sequence[Key]) -> Mapping[Key, list[ChannelListing]]:
    found: dict[Key, list[ChannelListing]] = defaultdict(list)
    by_channel: dict[str, list[Key]] = defaultdict(list)
    for key in keys:
        by_channel[key.channel].append(key)
    for channel, some in by_channel.items():
        names = {key.about for key in some}
        statement = select(ChannelListing).where(
            ChannelListing.channel == channel,
            sa.or_(db.among(_listing.c.external_id, sorted(names)), db.among(_listing.c.sku, sorted(names))),
        )
        rows = session.exec(statement.order_by(col(ChannelListing.external_id))).all()
        for key in some:
            by_sku = key.kind is Kind.TWO_LISTINGS
            found[key] = [
                row
                for row in rows
                if (
                    row.sku == key.about and row.managed and row.gone_at is None
                    if by_sku
                    else row.external_id == key.about
                )
            ]
    return found


def _question(key: Key, rows: Sequence[ChannelListing], waits: _Waits) -> Question:
    row = rows[0] if rows and key.kind is not Kind.UNMAPPED_PLACE else None
    said = waits.article
    return Question(
        key,
        title=(row.title if row else "") or said.title,
        named=(row.named if row else None) or said.sku,
        barcode=(row.barcode if row else None) or said.barcode,
        sku=row.sku if row else None,
        listings=tuple(one.external_id for one in rows) if row else (),
        titles=tuple(one.title for one in rows) if row else (),
        waiting=waits.number,
        since=waits.since or (row.added_at if row else None),
    )


def _proposals(session: Session, asked: Sequence[Question]) -> Mapping[Key, tuple[Proposal, ...]]:
    """For those whose article is open, articles that are written nearly so: the SKU without its signs, the barcode, the title."""
    found: dict[Key, dict[str, Proposal]] = {one.key: {} for one in asked}
    of_article = [one for one in asked if one.key.kind in (Kind.UNKNOWN_ARTICLE, Kind.CHANGED_BARCODE)]
    owners = articles.by_barcode(session, {one.barcode for one in of_article if one.barcode})
    alike = _alike(session, [one for one in of_article if one.key.kind is Kind.UNKNOWN_ARTICLE])
    titles = articles.known(session, owners.values())
    for one in of_article:
        owner = owners.get(one.barcode) if one.barcode else None
        if owner is not None and owner != one.sku:
            found[one.key][owner] = Proposal(owner, titles[owner].title if owner in titles else "", "barcode")
        for proposal in (*alike.get(bare(one.named or one.key.about), ()), *alike.get(one.title.strip().lower(), ())):
            found[one.key].setdefault(proposal.sku, proposal)
    return {key: tuple(some.values())[:MOST_PROPOSALS] for key, some in found.items()}


SIGNS = (" ", "-", "_", ".", "/")


def bare(sku: str) -> str:
    """A SKU without what people leave out or add: signs, leading zeros, capitals."""
    for sign in SIGNS:
        sku = sku.replace(sign, "")
    return sku.lower().lstrip("0")


def _alike(session: Session, asked: Collection[Question]) -> Mapping[str, list[Proposal]]:
    written: sa.ColumnElement[str] = _article.c.sku
    for sign in SIGNS:
        written = sa.func.replace(written, sign, "")
    written = sa.func.ltrim(sa.func.lower(written), "0")
    title = sa.func.lower(sa.func.trim(_article.c.title))
    skus = {bare(one.named or one.key.about) for one in asked} - {""}
    titles = {one.title.strip().lower() for one in asked} - {""}
    found: dict[str, list[Proposal]] = defaultdict(list)
    for expression, wanted, why in ((written, skus, "sku"), (title, titles, "title")):
        some = sorted(wanted)
        for start in range(0, len(some), BATCH):
            statement = sa.select(expression, _article.c.sku, _article.c.title).where(
                expression.in_(some[start : start + BATCH])
            )
            for name, sku, of_article in session.execute(statement.order_by(_article.c.sku)):
                found[name].append(Proposal(sku, of_article, why))
    return found
