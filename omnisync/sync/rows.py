"""What one row of shown state says about itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import select

from omnisync import db
from omnisync.sync.tables import ShownState
from omnisync.values import Money

_shown = db.table(ShownState)
OF_LISTINGS = (
    select(ShownState)
    .where(_shown.c.channel == sa.bindparam("channel"))
    .where(db.among(_shown.c.external_id, db.many("external_ids")))
    .order_by(_shown.c.external_id, _shown.c.place)
)
"""All rows of some listings of a channel."""
LOCKED = OF_LISTINGS.with_for_update()


class Key(NamedTuple):
    """A listing at a place of its channel."""

    external_id: str
    place: str


def key_of(row: ShownState) -> Key:
    """Its name within the channel."""
    return Key(row.external_id, row.place)


def write_key(key: Key) -> str:
    """The name of a dead letter about this row."""
    return f"write/{key.external_id}/{key.place}"


BACKOFF_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0)


def backoff(failures: int, told_seconds: float | None = None) -> timedelta:
    """How long to wait after so many failures in a row; never shorter than the channel told us."""
    waits = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1]
    return timedelta(seconds=max(waits, told_seconds or 0.0))


def wanted_price(row: ShownState) -> Money | None:
    """The price it should show; None where prices are not ours to write."""
    if row.wanted_price_minor is None or row.wanted_price_currency is None:
        return None
    return Money(row.wanted_price_minor, row.wanted_price_currency)


def waits(row: ShownState) -> bool:
    """Whether a person has yet to decide about exactly these numbers, or has said no to them."""
    return row.guard_decision in ("waiting", "keep")


def mark(row: ShownState, *, now: datetime, since: datetime | None = None) -> None:
    """Set or clear `behind_since` from what is wanted and what is believed."""
    if not (stock_differs(row) or price_differs(row)):
        row.behind_since = None
    elif row.behind_since is None:
        fresh = since is not None and (row.applied_at is None or since > row.applied_at)
        row.behind_since = min(since, now) if fresh and since is not None else now


def stock_differs(row: ShownState) -> bool:
    """Whether the number is to be written."""
    return row.wanted is not None and (row.wanted != row.believed or row.unsettled == "unknown")


def price_differs(row: ShownState) -> bool:
    """Whether the price is to be written."""
    if row.wanted_price_minor is None or row.wanted_price_minor == row.price_left_minor:
        return False
    wants = (row.wanted_price_minor, row.wanted_price_currency)
    return wants != (row.price_minor, row.price_currency)
