"""What every listing of a channel should show now, read from the ledger in a few set-based queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.tables import Component
from omnisync.stock.effects import Level
from omnisync.stock.tables import Balance
from omnisync.sync import pricing, shown
from omnisync.sync.context import Channel, Context, Group
from omnisync.sync.tables import PRICE_PLACE, ChannelListing, ShownState
from omnisync.values import Money, Shelf

BATCH = 500
Components = Callable[[Collection[str]], Mapping[str, Mapping[str, int]]]
_balance, _component, _listing = db.table(Balance), db.table(Component), db.table(ChannelListing)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one listing should show at one place, and when the ledger last changed for it."""

    external_id: str
    place: str
    sku: str
    quantity: int | None
    price: Money | None
    changed_at: datetime | None


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
    levels: Mapping[Shelf, Level]
    changed_at: Mapping[Shelf, datetime]
    unseen: Sequence[Unseen] = field(default=())


def wanted(
    session: Session, context: Context, channel: Channel, skus: Collection[str] | None, *, now: datetime
) -> list[Wanted]:
    """For the listings of these SKUs (None: all of them). Listings that are unmapped or fulfilled elsewhere are left out."""
    listings = _listings(session, channel.name, skus)
    found: list[Wanted] = []
    for start in range(0, len(listings), BATCH):
        found += _of_batch(session, context, channel, listings[start : start + BATCH], now)
    return found


@dataclass(frozen=True, slots=True)
class _Listed:
    external_id: str
    sku: str


def _listings(session: Session, channel: str, skus: Collection[str] | None) -> list[_Listed]:
    offered = _listing.c.managed, _listing.c.gone_at.is_(None), _listing.c.sku.is_not(None)
    listed = _listing.c.channel == channel, *offered
    statement = sa.select(_listing.c.external_id, _listing.c.sku).where(*listed).order_by(_listing.c.external_id)
    if skus is not None:
        statement = statement.where(db.among(_listing.c.sku, sorted(skus)))
    return [_Listed(*row) for row in session.execute(statement)]


def _of_batch(
    session: Session, context: Context, channel: Channel, listings: Sequence[_Listed], now: datetime
) -> list[Wanted]:
    skus = {listing.sku for listing in listings}
    known = articles.known(session, skus)
    stocked = {sku for sku in skus if sku not in known or known[sku].stocked}
    prices = pricing.wanted(session, channel, skus, now=now)
    stock = _stock(session, context, stocked)
    found: list[Wanted] = []
    for listing in listings:
        found += _of_listing(channel, listing, listing.sku in stocked, stock, prices.get(listing.sku))
    return found


def _of_listing(
    channel: Channel, listing: _Listed, stocked: bool, stock: Stock, price: Money | None
) -> Iterable[Wanted]:
    sku, together = listing.sku, channel.can.price_with_stock
    for group in channel.groups if stocked else ():
        yield Wanted(
            listing.external_id, group.place, sku,
            number(channel, group, sku, stock),
            price if together else None,
            _changed_at(group, sku, stock),
        )  # fmt: skip
    if price is not None and not (together and stocked and channel.groups):
        yield Wanted(listing.external_id, PRICE_PLACE, sku, None, price, None)


def number(channel: Channel, group: Group, sku: str, stock: Stock) -> int:
    """What a place shows of a SKU. The one formula: what is published is explained with it too."""
    return shown.quantity(_pieces(channel, group, sku, stock), channel.rule)


def _pieces(channel: Channel, group: Group, sku: str, stock: Stock) -> int:
    there = sum(pieces_at(location, sku, stock, channel.shows) for location in group.locations)
    return there - unseen_of(channel, group, sku, stock)


def pieces_at(location: str, sku: str, stock: Stock, shows: str) -> int:
    """What one location gives to the number; of a bundle as many as its scarcest part allows."""
    parts = stock.contents.get(sku)
    if parts is None:
        return of_level(stock.levels.get(Shelf(location, sku)), shows)
    return shown.bundles((of_level(stock.levels.get(Shelf(location, part)), shows), n) for part, n in parts.items())


def of_level(level: Level | None, shows: str) -> int:
    """What one shelf gives to the number."""
    if level is None:
        return 0
    return level.available if shows == "available" else max(0, level.on_hand)


def unseen_of(channel: Channel, group: Group, sku: str, stock: Stock) -> int:
    """How many of it other levels seem to have lost."""
    # A till shows what lies on the shelf: a sale elsewhere that nobody has told us of has moved nothing there yet.
    parts = stock.contents.get(sku, {sku: 1})
    missing: dict[str, int] = defaultdict(int)
    for unseen in stock.unseen:
        if unseen.locations.isdisjoint(group.locations):
            continue
        if unseen.sku in parts and (channel.shows == "available" or unseen.channel == channel.name):
            missing[unseen.sku] += unseen.pieces
    return max((-(-pieces // parts[part]) for part, pieces in missing.items()), default=0)


def _changed_at(group: Group, sku: str, stock: Stock) -> datetime | None:
    parts = stock.contents.get(sku, {sku: 1})
    moments = (stock.changed_at.get(Shelf(location, part)) for location in group.locations for part in parts)
    return max((moment for moment in moments if moment is not None), default=None)


# ---------------------------------------------------------------- reading


def _stock(session: Session, context: Context, skus: Collection[str]) -> Stock:
    contents = contents_of(session, skus)
    pieces = {part for parts in contents.values() for part in parts} | (set(skus) - contents.keys())
    levels, changed_at = _levels(session, pieces)
    return Stock(contents, levels, changed_at, _unseen(session, context, pieces))


def contents_of(session: Session, skus: Collection[str]) -> dict[str, dict[str, int]]:
    """What the bundles among these SKUs hold, all the way down; one query a level."""
    return unpacked(skus, partial(_components, session))


def unpacked(skus: Collection[str], components: Components) -> dict[str, dict[str, int]]:
    """The same, where `components` says what those of some SKUs that are bundles hold directly."""
    contents = {sku: {sku: 1} for sku in skus}
    level = set(skus)
    while level:
        direct = components(level)
        contents = {sku: _replaced(parts, direct) for sku, parts in contents.items()}
        level = {part for parts in direct.values() for part in parts}
    return {sku: parts for sku, parts in contents.items() if parts != {sku: 1}}


def _replaced(parts: Mapping[str, int], direct: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    pieces: dict[str, int] = defaultdict(int)
    for sku, quantity in parts.items():
        for part, each in direct.get(sku, {sku: 1}).items():
            pieces[part] += quantity * each
    return dict(pieces)


def _components(session: Session, bundles: Collection[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    ordered = sorted(bundles)
    for start in range(0, len(ordered), BATCH):
        chunk = ordered[start : start + BATCH]
        for row in session.execute(sa.select(_component).where(_component.c.bundle.in_(chunk))):
            found[row.bundle][row.sku] = row.quantity
    return dict(found)


def _levels(session: Session, skus: Collection[str]) -> tuple[dict[Shelf, Level], dict[Shelf, datetime]]:
    levels, changed_at = {}, {}
    ordered = sorted(skus)
    for start in range(0, len(ordered), BATCH):
        for row in session.execute(sa.select(_balance).where(_balance.c.sku.in_(ordered[start : start + BATCH]))):
            shelf = Shelf(row.location, row.sku)
            levels[shelf] = Level(row.on_hand, row.reserved, row.blocked, row.incoming, row.safety, row.off_sale)
            changed_at[shelf] = row.changed_at
    return levels, changed_at


def _unseen(session: Session, context: Context, skus: Collection[str]) -> list[Unseen]:
    # Provisional pieces are few at any time, so all of them are read and only those that matter are kept.
    rows = session.exec(select(ShownState).where(ShownState.provisional > 0)).all()
    contents = contents_of(session, {row.sku for row in rows})
    found = [Gap(row.channel, row.place, row.sku, row.provisional) for row in rows]
    return [unseen for gap in found for unseen in spread(gap, contents, context.channels.get(gap.channel), skus)]


class Gap(NamedTuple):
    """So many pieces that a listing's level lost at a place before an order was seen."""

    channel: str
    place: str
    sku: str
    pieces: int


def spread(
    gap: Gap, contents: Mapping[str, Mapping[str, int]], channel: Channel | None, skus: Collection[str]
) -> Iterable[Unseen]:
    """A gap as pieces of those of these SKUs that it is made of, at the locations whose stock its place sells."""
    groups = channel.groups if channel is not None else ()
    locations = next((group.locations for group in groups if group.place == gap.place), ())
    for part, each in contents.get(gap.sku, {gap.sku: 1}).items():
        if part in skus:
            yield Unseen(gap.channel, part, frozenset(locations), gap.pieces * each)
