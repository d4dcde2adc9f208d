"""Orders of a channel that are collected in a store: at its pickup desk at once, or in plain sight with the reason why not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.adapters.base import Customer, OrderSeen
from omnisync.errors import NeedsAttention, Refused
from omnisync.orders import arriving
from omnisync.orders.customers import Person
from omnisync.orders.tables import ChannelOrder
from omnisync.sync import deadletters
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter

EVERY = timedelta(minutes=1)
KIND = "pickup"


def follow(session: Session, context: Context, channel: Channel, seen: OrderSeen, *, now: datetime) -> None:
    """What the channel says of this order reaches the desk. While a channel is only watched, its own people hand out."""
    if seen.pickup:
        _follow(session, context, channel, f"{channel.name}:{seen.id}", _person(seen), now)


async def look_after(context: Context, channel: Channel) -> int:
    """Orders that could not be put on a desk, once more; how many. Not those of which a person said that it shall not be."""
    now = context.clock.now()

    def work(session: Session) -> int:
        found = arriving.waiting(session, context.desk, channel.name) if context.desk else []
        given_up = deadletters.discarded(session, channel.name, [_key(order_id) for order_id in found])
        left = [order_id for order_id in found if _key(order_id) not in given_up]
        for order_id in left:
            again(session, context, channel, order_id, now=now)
        return len(left)

    return await context.store.write(work)


def again(session: Session, context: Context, channel: Channel, order_id: str, *, now: datetime) -> bool:
    """Try to follow this order now; whether it worked."""
    return _follow(session, context, channel, order_id, None, now)


def _follow(
    session: Session, context: Context, channel: Channel, order_id: str, buyer: Person | None, now: datetime
) -> bool:
    if context.desk is None or channel.in_shadow:
        return True
    try:
        with session.begin_nested():
            arriving.follow(session, context.desk, order_id, buyer=buyer, now=now)
    except (Refused, NeedsAttention) as refused:
        order = session.get_one(ChannelOrder, order_id)
        action = getattr(refused, "action", "Find or send the goods; it is tried again by itself.")
        title = f"Order {order.reference} waits for the pickup desk"
        letter = Letter(KIND, _key(order_id), title, refused.message, action, {"order": order_id})
        deadletters.keep(session, context, channel.name, letter, now=now)
        return False
    deadletters.mended(session, channel.name, _key(order_id), now=now)
    return True


def _key(order_id: str) -> str:
    return f"pickup/{order_id}"


def _person(seen: OrderSeen) -> Person:
    """Who comes; where the channel does not say, whoever names the order."""
    who = seen.customer or Customer()
    language = "en" if who.language.lower().startswith("en") else "de"
    return Person(who.name or seen.reference, who.email or None, who.phone or None, language)
