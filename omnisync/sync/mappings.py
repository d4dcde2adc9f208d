"""Which listing of a channel is which of our articles; mapping one releases what waited for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.catalog import articles
from omnisync.errors import InvalidRequest
from omnisync.sync import behind, replay
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import ChannelListing


def list_of(
    session: Session, channel: str, *, after: str = "", limit: int = 100, unmapped: bool = False
) -> Sequence[ChannelListing]:
    """The channel's listings by external id, a page at a time."""
    statement = select(ChannelListing).where(ChannelListing.channel == channel, col(ChannelListing.external_id) > after)
    if unmapped:
        statement = statement.where(col(ChannelListing.sku).is_(None))
    return session.exec(statement.order_by(col(ChannelListing.external_id)).limit(limit)).all()


def put(
    session: Session, context: Context, channel: Channel, wanted: Mapping[str, str | None], *, now: datetime
) -> int:
    """Map external ids to SKUs (None: unmap). InvalidRequest names each SKU that nobody knows. How much was released.

    What a listing is no longer, it does not become again by the SKU or barcode that its channel gives it.
    """
    known = articles.known(session, {sku for sku in wanted.values() if sku is not None})
    unknown = [
        {"field": f"mappings.{external_id}", "message": f"There is no article {sku}."}
        for external_id, sku in wanted.items()
        if sku is not None and sku not in known
    ]
    if unknown:
        raise InvalidRequest(unknown)
    for external_id, sku in wanted.items():
        row = session.get(ChannelListing, (channel.name, external_id))
        if row is None:
            row = ChannelListing(channel=channel.name, external_id=external_id, added_at=now)
            session.add(row)
        if row.sku != sku:
            row.kept_sku, row.ignored_at = row.sku if sku is None else None, None
            row.sku = sku
    session.flush()
    behind.ask_for_all(session, channel)
    return replay.retry_resolved(session, context, channel, now=now)
