"""Of which articles somebody has ever said how many there are: that the ledger knows nothing of one does not mean that there is none."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.stock.tables import Balance, Movement
from omnisync.sync.context import Channel
from omnisync.sync.wanted import contents_of
from omnisync.values import Kind, Shelf

_balance, _movement = db.table(Balance), db.table(Movement)
_SAY_NOTHING = (Kind.RETURNED.value, Kind.COUNTED_ALREADY.value)
"""Of how much there was before."""


def places(session: Session, channel: Channel, skus: Collection[str]) -> dict[str, set[str]]:
    """SKU -> the places of the channel that it, or each part of it, was counted or brought to. An order of it says nothing."""
    contents = contents_of(session, skus)
    parts = {sku: set(contents.get(sku, (sku,))) for sku in skus}
    every = {part for of_one in parts.values() for part in of_one}
    known, without = shelves(session, every), articles.unstocked(session, every)
    return {
        sku: {
            group.place
            for group in channel.groups
            if all(any(Shelf(at, part) in known for at in group.locations) for part in parts[sku] - without)
        }
        for sku in skus
    }


def shelves(session: Session, skus: Collection[str]) -> set[Shelf]:
    """Those of these articles that were counted, or that something was brought to."""
    here = sa.and_(_movement.c.location == _balance.c.location, _movement.c.sku == _balance.c.sku)
    brought = sa.exists().where(here, _movement.c.on_hand > 0, _movement.c.kind.not_in(_SAY_NOTHING))
    statement = sa.select(_balance.c.location, _balance.c.sku).where(
        db.among(_balance.c.sku, sorted(skus)), sa.or_(_balance.c.counted_at.is_not(None), brought)
    )
    return {Shelf(*row) for row in session.execute(statement)} if skus else set()
