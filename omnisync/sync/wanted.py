"""What every listing of a channel should show now, read from the ledger in a few set-based queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import Component
from omnisync.stock import availability
from omnisync.stock.tables import Balance
from omnisync.sync import pricing, shown
from omnisync.sync.context import Channel, Context, Group
from omnisync.sync.tables import IS_PROVISIONAL, PRICE_PLACE, ChannelListing, ShownState
from omnisync.values import Money

BATCH = 500
Components = Callable[[Collection[str]], dict[str, dict[str, int]]]
_balance, _component = db.table(Balance), db.table(Component)
_listing, _shown = db.table(ChannelListing), db.table(ShownState)


class Wanted(NamedTuple):
    """What one listing should show at one place, and when the ledger last changed for it."""

    external_id: str
    place: str
    sku: str
    quantity: int | None
    price: Money | None
    changed_at: datetime | None


class Listed(NamedTuple):
    """An article that the channel offers and whose numbers are ours to write."""

    external_id: str
    sku: str


class OnShelf(NamedTuple):
    """What of one SKU is shown at one location, and when that last changed."""

    pieces: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """Pieces that some channel's level lost before we heard of the order."""

    channel: str
    sku: str
    locations: frozenset[str]
    pieces: int


@dataclass(frozen=True)
class Stock:
    """All that the numbers are made of, for one batch of SKUs."""

    contents: Mapping[str, Mapping[str, int]]
    """Bundle -> its components, all the way down."""
    shelves: Mapping[str, Mapping[str, OnShelf]]
    """SKU -> location -> its shelf."""
    unseen: Sequence[Unseen] = field(default=())

    def parts(self, sku: str) -> Mapping[str, int]:
        return self.contents.get(sku) or {sku: 1}


def offered() -> tuple[sa.ColumnElement[bool], ...]:
    """Listings that are mapped, there, and not fulfilled elsewhere."""
    return _listing.c.managed, _listing.c.gone_at.is_(None), _listing.c.sku.is_not(None)


def wanted(
    session: Session, context: Context, channel: Channel, skus: Collection[str], *, now: datetime
) -> list[Wanted]:
    """For the listings of these SKUs; those that are unmapped or fulfilled elsewhere are left out."""
    given = {"channel": channel.name, "skus": sorted(skus)}
    listings = [Listed._make(row) for row in session.execute(_LISTINGS, given).all()]
    found: list[Wanted] = []
    for batch in batches(listings, BATCH):
        found += of_listings(session, context, channel, batch, now=now)
    return found


_LISTINGS = (
    sa.select(_listing.c.external_id, _listing.c.sku)
    .where(_listing.c.channel == sa.bindparam("channel"), db.among(_listing.c.sku, db.many("skus")), *offered())
    .order_by(_listing.c.external_id)
)


def of_listings(
    session: Session, context: Context, channel: Channel, listings: Sequence[Listed], *, now: datetime
) -> Iterator[Wanted]:
    """For these listings, from a few queries for all of them."""
    skus = {listing.sku for listing in listings}
    stocked = skus - articles.unstocked(session, skus)
    prices = pricing.wanted(session, channel, skus, now=now)
    stock = stock_of(session, context, channel, stocked)
    for listing in listings:
        yield from _of_listing(channel, listing, listing.sku in stocked, stock, prices.get(listing.sku))


def _of_listing(
    channel: Channel, listing: Listed, stocked: bool, stock: Stock, price: Money | None
) -> Iterator[Wanted]:
    external_id, sku = listing
    together = channel.can.price_with_stock
    for group in channel.groups if stocked else ():
        pieces, changed_at = shown_of(channel, group, sku, stock)
        number = shown.quantity(pieces, channel.rule)
        yield Wanted(external_id, group.place, sku, number, price if together else None, changed_at)
    if price is not None and not (together and stocked and channel.groups):
        yield Wanted(external_id, PRICE_PLACE, sku, None, price, None)


def shown_of(channel: Channel, group: Group, sku: str, stock: Stock) -> tuple[int, datetime | None]:
    """What a place's number is made of, before the channel's rule, and the last change among all shelves that it is made of. The
    one formula: what is published is explained with it too."""
    pieces, changed_at = there(group.locations, sku, stock)
    return pieces - unseen_of(channel, group, sku, stock) if stock.unseen else pieces, changed_at


def there(locations: Sequence[str], sku: str, stock: Stock) -> tuple[int, datetime | None]:
    """Pieces over these locations; of a bundle as many as its scarcest part allows at each."""
    parts, pieces, moments = stock.contents.get(sku), 0, []
    if parts is None:
        at = stock.shelves.get(sku, _NOWHERE)
        shelves = [at[location] for location in locations if location in at]
        pieces, moments = sum(shelf.pieces for shelf in shelves), [shelf.changed_at for shelf in shelves]
    else:
        of_parts = [(stock.shelves.get(part, _NOWHERE), each) for part, each in parts.items()]
        for location in locations:
            pieces += shown.bundles((at[location].pieces if location in at else 0, each) for at, each in of_parts)
            moments += [at[location].changed_at for at, _ in of_parts if location in at]
    return pieces, max(moments, default=None)


_NOWHERE: Mapping[str, OnShelf] = {}


def unseen_of(channel: Channel, group: Group, sku: str, stock: Stock) -> int:
    """How much of it other levels seem to have lost."""
    # A till shows what lies on the shelf: a sale elsewhere that nobody has told us of has moved nothing there yet.
    parts = stock.parts(sku)
    missing: dict[str, int] = defaultdict(int)
    for unseen in stock.unseen:
        if unseen.locations.isdisjoint(group.locations):
            continue
        if unseen.sku in parts and (channel.shows == "available" or unseen.channel == channel.name):
            missing[unseen.sku] += unseen.pieces
    return max((-(-pieces // parts[part]) for part, pieces in missing.items()), default=0)


# ---------------------------------------------------------------- reading


def stock_of(session: Session, context: Context, channel: Channel, skus: Collection[str]) -> Stock:
    """What the channel's numbers of these SKUs are made of."""
    contents = contents_of(session, skus)
    pieces = {part for parts in contents.values() for part in parts} | (set(skus) - contents.keys())
    return Stock(contents, _shelves(session, channel, pieces), _unseen(session, context, pieces))


def contents_of(session: Session, skus: Collection[str]) -> dict[str, dict[str, int]]:
    """What the bundles among these SKUs hold, all the way down; one query a level."""
    return unpacked(skus, partial(_components, session))


def unpacked(skus: Collection[str], components: Components) -> dict[str, dict[str, int]]:
    """The same, where `components` says what those of some SKUs that are bundles hold directly."""
    contents = level = components(skus)
    while level:
        level = components({part for parts in level.values() for part in parts})
        contents = {sku: _replaced(parts, level) for sku, parts in contents.items()}
    return contents


def _replaced(parts: Mapping[str, int], direct: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    pieces: dict[str, int] = defaultdict(int)
    for sku, quantity in parts.items():
        for part, each in direct.get(sku, {sku: 1}).items():
            pieces[part] += quantity * each
    return dict(pieces)


def _components(session: Session, bundles: Collection[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for bundle, sku, quantity in session.execute(_COMPONENTS, {"bundles": list(bundles)}).all() if bundles else ():
        found[bundle][sku] = quantity
    return dict(found)


_COMPONENTS = sa.select(_component.c.bundle, _component.c.sku, _component.c.quantity).where(
    db.among(_component.c.bundle, sa.bindparam("bundles", type_=db.Many()))
)


def _shelves(session: Session, channel: Channel, skus: Collection[str]) -> dict[str, dict[str, OnShelf]]:
    found: dict[str, dict[str, OnShelf]] = defaultdict(dict)
    for sku, location, pieces, changed_at in session.execute(_SHELVES[channel.shows], {"skus": list(skus)}).all():
        found[sku][location] = OnShelf(pieces, changed_at)
    return found


def _shelves_showing(pieces: sa.ColumnElement[int]) -> sa.Select[Any]:
    statement = sa.select(_balance.c.sku, _balance.c.location, pieces, _balance.c.changed_at)
    return statement.where(db.among(_balance.c.sku, sa.bindparam("skus", type_=db.Many())))


_ON_HAND = sa.case((_balance.c.on_hand < 0, 0), else_=_balance.c.on_hand)
_SHELVES = {"available": _shelves_showing(availability.PIECES), "on_hand": _shelves_showing(_ON_HAND)}


def _unseen(session: Session, context: Context, skus: Collection[str]) -> list[Unseen]:
    # Provisional pieces are few at any time, so all of them are read and only those that matter are kept.
    rows = session.execute(_PROVISIONAL).all()
    if not rows:
        return []
    gaps = [Gap._make(row) for row in rows]
    contents = contents_of(session, {gap.sku for gap in gaps})
    return [one for gap in gaps for one in spread(gap, contents, context.channels.get(gap.channel), skus)]


_PROVISIONAL = sa.select(*(_shown.c[name] for name in ("channel", "place", "sku", "provisional"))).where(IS_PROVISIONAL)


class Gap(NamedTuple):
    """So many pieces that a listing's level lost at a place before an order was seen."""

    channel: str
    place: str
    sku: str
    pieces: int


def spread(
    gap: Gap, contents: Mapping[str, Mapping[str, int]], channel: Channel | None, skus: Collection[str]
) -> Iterator[Unseen]:
    """A gap as pieces of those of these SKUs that it is made of, at the locations whose stock its place sells."""
    groups = channel.groups if channel is not None else ()
    locations = next((group.locations for group in groups if group.place == gap.place), ())
    for part, each in contents.get(gap.sku, {gap.sku: 1}).items():
        if part in skus:
            yield Unseen(gap.channel, part, frozenset(locations), gap.pieces * each)
