"""A pass over everything that a channel lists, a page at a time: reading tells which articles show something else than they
should, so that only these are written. Nobody waits for such a pass, however many listings there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.sync import wanted
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import Key
from omnisync.sync.tables import PRICE_PLACE, ChannelListing, ShownState
from omnisync.sync.wanted import Listed, Wanted

LISTINGS = 1000
"""On one page: some 20 ms of reading."""
_listing, _shown = db.table(ChannelListing), db.table(ShownState)
_STATE = ("external_id", "place", "sku", "wanted", "wanted_price_minor", "wanted_price_currency")


class Page(NamedTuple):
    """What is to be done about one page of listings."""

    skus: Collection[str]
    """To be computed again."""
    forgotten: Sequence[Key]
    """Rows that want something although their listing is gone, unmapped or no longer ours to write."""
    last: str | None
    """The listing after which the next page begins; None at the end."""


def page(session: Session, context: Context, channel: Channel, after: str | None, *, now: datetime) -> Page:
    """Compare what the listings behind `after` should show with what their rows say. Reads only."""
    listings = _listings(session, channel, after)
    last = listings[-1].external_id if len(listings) == LISTINGS else None
    rows = _rows(session, channel, after, last)
    stands = {row[:-1] for row in rows if row[-1]}
    wishes = wanted.of_listings(session, context, channel, listings, now=now)
    skus = {wish.sku for wish in wishes if state_of(wish) not in stands}
    return Page(skus, _forgotten(channel, listings, rows), last)


def state_of(wish: Wanted) -> tuple[Any, ...]:
    """A wish as the row that has it says it."""
    price = (None, None) if wish.price is None else (wish.price.minor, wish.price.currency)
    return (wish.external_id, wish.place, wish.sku, wish.quantity, *price)


def forget(session: Session, channel: Channel, keys: Sequence[Key]) -> None:
    """These rows want nothing any more."""
    if keys:
        session.execute(
            sa.update(_shown)
            .where(_shown.c.channel == channel.name, db.in_pairs(_shown.c.external_id, _shown.c.place, keys))
            .values(wanted=None, wanted_price_minor=None, wanted_price_currency=None, behind_since=None)
        )


def stands() -> sa.Select[Any]:
    """What rows want, and whether each shows just that: nearly all do, and nothing is to be done about these."""
    # Judged row by row and not in the WHERE: rows that are not behind are nearly all, so that index is no help.
    price = sa.and_(_shown.c.price_minor == _shown.c.wanted_price_minor, _shown.c.price_currency == _shown.c.wanted_price_currency)  # fmt: skip
    settled = sa.and_(
        _shown.c.behind_since.is_(None),
        _shown.c.unsettled.is_(None),
        sa.or_(_shown.c.wanted.is_(None), _shown.c.wanted == _shown.c.believed),
        sa.or_(_shown.c.wanted_price_minor.is_(None), price, _shown.c.price_left_minor == _shown.c.wanted_price_minor),
    )
    return sa.select(*(_shown.c[name] for name in _STATE), sa.func.coalesce(settled, sa.false()))


def _listings(session: Session, channel: Channel, after: str | None) -> list[Listed]:
    statement = sa.select(_listing.c.external_id, _listing.c.sku).where(
        _listing.c.channel == channel.name, *wanted.offered()
    )
    if after is not None:
        statement = statement.where(_listing.c.external_id > after)
    return [Listed(*row) for row in session.execute(statement.order_by(_listing.c.external_id).limit(LISTINGS)).all()]


def _rows(session: Session, channel: Channel, after: str | None, last: str | None) -> list[tuple[Any, ...]]:
    statement = stands().where(_shown.c.channel == channel.name)
    if after is not None:
        statement = statement.where(_shown.c.external_id > after)
    if last is not None:
        statement = statement.where(_shown.c.external_id <= last)
    return [tuple(row) for row in session.execute(statement).all()]


def _forgotten(channel: Channel, listings: Sequence[Listed], rows: Sequence[tuple[Any, ...]]) -> list[Key]:
    listed = {listing.external_id for listing in listings}
    places = {PRICE_PLACE, *(group.place for group in channel.groups)}
    return [
        Key(external_id, place)
        for external_id, place, _, number, price, *_ in rows
        if (number is not None or price is not None) and not (external_id in listed and place in places)
    ]
