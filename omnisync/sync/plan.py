"""What a channel shows and what it should: read there, compared here, written nowhere. What going live would change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import LevelSeen
from omnisync.sync import claims, counted, polling
from omnisync.sync.context import Channel, Context
from omnisync.sync.patience import patient
from omnisync.sync.rows import Key
from omnisync.sync.tables import PRICE_PLACE, ChannelListing
from omnisync.sync.wanted import BATCH, Listed, Wanted, of_listings, offered
from omnisync.values import Money

_listing = db.table(ChannelListing)


class Kind(StrEnum):
    """What is wrong with a listing, worst first."""

    SOLD_OUT_OFFERED = "sold_out_offered"
    TOO_MANY = "too_many"
    NOT_OFFERED = "not_offered"
    TOO_FEW = "too_few"
    PRICE = "price"
    UNCOUNTED = "uncounted"
    UNMAPPED = "unmapped"
    NOT_THERE = "not_there"


WORDS: Mapping[Kind, str] = {
    Kind.SOLD_OUT_OFFERED: "sold out, and still offered: each sale is one too many",
    Kind.TOO_MANY: "offers more than there is",
    Kind.NOT_OFFERED: "is there, and not offered: sales that nobody can make",
    Kind.TOO_FEW: "offers fewer than there are",
    Kind.PRICE: "shows another price",
    Kind.UNCOUNTED: "nothing is known of its stock: it stays as it is until somebody counts it",
    Kind.UNMAPPED: "is no article that we know: map it, else it is left alone",
    Kind.NOT_THERE: "is not found at the channel",
}


class Difference(NamedTuple):
    """One listing that does not show what it should; `shows` and `shown_price` are None when the channel did not say."""

    kind: Kind
    external_id: str
    place: str
    sku: str | None
    title: str
    shows: int | None = None
    should: int | None = None
    shown_price: Money | None = None
    should_price: Money | None = None

    @property
    def pieces(self) -> int:
        """How far apart they are."""
        return abs((self.shows or 0) - (self.should or 0)) if self.should is not None else 0

    @property
    def price_jump_percent(self) -> float:
        """By how much its price would change."""
        if (
            self.shown_price is None
            or self.should_price is None
            or self.shown_price.currency != self.should_price.currency
        ):
            return 0.0 if None in (self.shown_price, self.should_price) else math.inf
        return abs(self.should_price.minor - self.shown_price.minor) * 100 / max(self.shown_price.minor, 1)


@dataclass
class Plan:
    """A channel beside the ledger, at one moment."""

    channel: str
    at: datetime
    listings: int = 0
    mapped: int = 0
    compared: int = 0
    """Places of listings that the channel was asked about."""
    differences: list[Difference] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[Difference]:
        """Those of these kinds."""
        return [one for one in self.differences if one.kind in kinds]


async def draw(context: Context, channel: Channel) -> Plan:
    """Read all listings and what each shows, as slowly as the channel wants. TryLater and NeedsAttention come from the channel."""
    reading = patient(channel.shadow(), context.clock)
    await polling.pull_listings(context, reading)
    made, after = Plan(channel.name, context.clock.now()), ""
    while page := await _next(context, reading, after, made.at):
        seen = await _look(context, reading, page)
        for one in page:
            _compare(made, reading, one, seen.get(one.external_id, {}))
        after = page[-1].external_id
    made.differences.sort(key=lambda one: (list(Kind).index(one.kind), -one.pieces, one.external_id, one.place))
    return made


@dataclass(frozen=True, slots=True)
class _Offer:
    """A listing, and what it should show at each place."""

    external_id: str
    sku: str | None
    title: str
    ours: bool
    """Whether it is mapped and for us to write."""
    foreign: bool
    """Whether a person has said that it is none of our articles."""
    wishes: tuple[Wanted, ...]
    uncounted: frozenset[str]
    """Places for which nobody has ever said how much of it, or of a part of it, there is: an order of it says nothing of that."""


async def _next(context: Context, channel: Channel, after: str, now: datetime) -> list[_Offer]:
    return await context.store.read(lambda session: _page(session, context, channel, after, now))


def _page(session: Session, context: Context, channel: Channel, after: str, now: datetime) -> list[_Offer]:
    """The next listings; none at the end."""
    statement = (
        sa.select(
            _listing.c.external_id,
            _listing.c.sku,
            _listing.c.title,
            sa.and_(*offered()).label("ours"),
            _listing.c.ignored_at.is_not(None).label("foreign"),
        )
        .where(_listing.c.channel == channel.name, _listing.c.external_id > after, _listing.c.gone_at.is_(None))
        .where(_listing.c.managed)
        .order_by(_listing.c.external_id)
        .limit(BATCH)
    )
    rows = session.execute(statement).all()
    wishes: dict[str, list[Wanted]] = {row.external_id: [] for row in rows}
    ours = [Listed(row.external_id, row.sku) for row in rows if row.ours]
    for wish in of_listings(session, context, channel, ours, now=now) if ours else ():
        wishes[wish.external_id].append(wish)
    known = counted.places(session, channel, {one.sku for one in ours})
    return [
        _Offer(
            row.external_id, row.sku, row.title, bool(row.ours), bool(row.foreign), tuple(found := wishes[row.external_id]),
            frozenset(one.place for one in found) - known.get(row.sku, set()),
        )
        for row in rows
    ]  # fmt: skip


Levels = dict[str, dict[str, LevelSeen]]
"""Listing -> place -> what is shown there."""


async def _look(context: Context, channel: Channel, page: Sequence[_Offer]) -> Levels:
    seen: Levels = {}
    if not channel.can.looks:
        return seen
    keys = [Key(one.external_id, wish.place) for one in page for wish in one.wishes if wish.place != PRICE_PLACE]
    for start in range(0, len(keys), channel.can.batch_size):
        some = keys[start : start + channel.can.batch_size]
        targets = await context.store.read(lambda session, some=some: claims.targets(session, channel, some))  # type: ignore[misc]
        for level in await channel.adapter.look(targets):
            seen.setdefault(level.article.external_id or "", {})[level.place or ""] = level
    return seen


def _compare(plan: Plan, channel: Channel, offer: _Offer, levels: Mapping[str, LevelSeen]) -> None:
    plan.listings += 1
    plan.mapped += offer.ours
    if not offer.ours and not offer.foreign:
        plan.differences.append(Difference(Kind.UNMAPPED, offer.external_id, "", offer.sku, offer.title))
        return
    for wish in offer.wishes:
        plan.compared += wish.place != PRICE_PLACE
        plan.differences += _differences(channel, offer, wish, levels)


def _differences(
    channel: Channel, offer: _Offer, wish: Wanted, levels: Mapping[str, LevelSeen]
) -> Iterator[Difference]:
    level = levels.get(wish.place) or (next(iter(levels.values()), None) if wish.place == PRICE_PLACE else None)
    told = Difference(
        Kind.PRICE, offer.external_id, wish.place if wish.place != PRICE_PLACE else "", offer.sku, offer.title,
        None if level is None else level.quantity, wish.quantity, None if level is None else level.price, wish.price,
    )  # fmt: skip
    if wish.quantity is not None and (kind := _wrong_number(channel, offer, wish, level)):
        yield told._replace(kind=kind)
    if None not in (told.shown_price, told.should_price) and told.shown_price != told.should_price:
        yield told


def _wrong_number(channel: Channel, offer: _Offer, wish: Wanted, level: LevelSeen | None) -> Kind | None:
    assert wish.quantity is not None
    if wish.place in offer.uncounted:
        return Kind.UNCOUNTED
    if level is None:
        return Kind.NOT_THERE if channel.can.looks else None
    if level.quantity > wish.quantity:
        return Kind.TOO_MANY if wish.quantity else Kind.SOLD_OUT_OFFERED
    if level.quantity < wish.quantity:
        return Kind.TOO_FEW if level.quantity > 0 else Kind.NOT_OFFERED
    return None
