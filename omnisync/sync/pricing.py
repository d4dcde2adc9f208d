"""Which price each listing of a channel should show, and which articles got another one meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import prices
from omnisync.catalog.tables import Price
from omnisync.orders import hours
from omnisync.sync.context import Channel
from omnisync.values import Money

_price = db.table(Price)


def published(channel: Channel) -> bool:
    """Whether we write prices there at all."""
    return channel.can.prices and channel.policy.prices != "off"


def wanted(session: Session, channel: Channel, skus: Collection[str], *, now: datetime) -> dict[str, Money]:
    """SKU -> price; articles without a price are left out, and the channel keeps what it has."""
    moment = _of(channel, now) if published(channel) else None
    if moment is None:
        return {}
    quotes = prices.price_at(session, [(sku, channel.name) for sku in sorted(skus)], moment)
    return {sku: quote.price for (sku, _), quote in quotes.items()}


def _of(channel: Channel, now: datetime) -> datetime | None:
    """The moment whose prices are written now. Those that change at the opening are written while all stores are closed, so that no
    customer meets two of them, and are those of the next opening; None while a store is open."""
    if channel.policy.prices == "now":
        return now
    stores = [store for store in channel.stores if store.hours]  # one that never closes has no opening to wait for
    if any(hours.is_open(store, now) for store in stores):
        return None
    openings = (hours.opens_next(store, now) for store in stores)
    return min((opens for opens in openings if opens is not None), default=now)


def changed(session: Session, channel: Channel, *, since: datetime, now: datetime) -> dict[str, datetime] | None:
    """SKUs whose price may be another one than at `since`, with the last moment that made it so; None when a rule for
    everything came or went."""
    if not published(channel):
        return {}
    found: dict[str, datetime] = {}
    for sku, *moments in session.execute(_CHANGED, {"channel": channel.name, "since": since, "now": now}):
        if sku is None:
            return None
        last = max(moment for moment in moments if moment is not None and since <= moment <= now)
        found[sku] = max(last, found.get(sku, last))
    return found


_MOMENTS = (_price.c.created_at, _price.c.valid_from, _price.c.valid_to, _price.c.ended_at)
_CHANGED = sa.select(_price.c.sku, *_MOMENTS).where(
    sa.or_(*(moment.between(sa.bindparam("since"), sa.bindparam("now")) for moment in _MOMENTS)),
    sa.or_(_price.c.channel.is_(None), _price.c.channel == sa.bindparam("channel")),
)
