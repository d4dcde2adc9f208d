"""Orders in another currency than their articles have here: the pieces are gone all the same, the money needs a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.adapters.base import OrderSeen
from omnisync.catalog import prices
from omnisync.sync import deadletters, wire
from omnisync.sync.context import Context
from omnisync.sync.deadletters import Letter
from omnisync.sync.tables import DeadLetter


def note(
    session: Session,
    context: Context,
    channel: str,
    order: OrderSeen,
    skus: Collection[str],
    *,
    now: datetime,
    message_id: int | None = None,
) -> None:
    """Open a letter, once for ever, when an article of this order is priced in another currency on that channel."""
    key = f"money/{order.id}"
    if order.currency is None or order.elsewhere or _is_known(session, channel, key):
        return
    quotes = prices.price_at(session, [(sku, channel) for sku in sorted(skus)], now)
    ours = sorted({quote.price.currency for quote in quotes.values()} - {order.currency})
    if ours:
        letter = Letter(
            "money", key, f"Money of order {order.reference}",
            f"It is in {order.currency}, its articles are priced in {', '.join(ours)} here. Its pieces are booked.",
            f"See at the channel what was paid, book the money by hand, then discard. To sell in {order.currency} "
            f"there, give {channel} prices in {order.currency}.",
            wire.to_json(order), message_id,
        )  # fmt: skip
        deadletters.keep(session, context, channel, letter, now=now)


def _is_known(session: Session, channel: str, key: str) -> bool:
    found = select(col(DeadLetter.id)).where(DeadLetter.channel == channel, DeadLetter.key == key)
    return session.exec(found).first() is not None
