"""What Amazon's notifications hint at: orders that are read again, levels that are looked at.

They come by a queue, twice and in any order, and so does whatever was not deleted. A message is deleted when the engine says
that the facts it led to are committed; until then its order is told again with each pull.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.amazon import pulling
from omnisync.adapters.amazon.calls import Calls
from omnisync.adapters.amazon.queue import AT_ONCE, HIDDEN_SECONDS, Message, Queue
from omnisync.adapters.base import Article, Fact, LevelSeen, OrderSeen, Unreadable
from omnisync.clock import Clock
from omnisync.errors import TryLater
from omnisync.values import parse_time

ORDERS, LEVELS = "ORDER_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"
TOPICS = (ORDERS, LEVELS)
ROUNDS = 5
"""Calls to the queue in one pull."""


@dataclass(slots=True)
class _Open:
    """Messages about one thing that are not deleted yet, and what they led to."""

    until: float
    handles: list[str] = field(default_factory=list)
    fact: Fact | None = None


class Notices:
    """The notifications of one account."""

    def __init__(self, queue: Queue, calls: Calls, store_ids: Sequence[str], clock: Clock) -> None:
        self._queue, self._calls, self._stores, self._clock = queue, calls, store_ids, clock
        self._open: dict[str, _Open] = {}
        self._spent: list[str] = []

    async def read(self) -> list[Fact]:
        """Everything that waits: orders as they are now, levels as they were told."""
        self._forget()
        for _ in range(ROUNDS):
            messages = await self._queue.receive()
            for message in messages:
                self._take(message)
            if len(messages) < AT_ONCE:
                break
        await self._read_orders()
        return [one.fact for one in self._open.values() if one.fact is not None]

    async def done(self, receipts: Sequence[str]) -> None:
        """These are booked: their messages need not come again."""
        booked = set(receipts)
        for name, one in list(self._open.items()):
            if isinstance(one.fact, LevelSeen) or (one.fact is not None and _receipt(one.fact) in booked):
                self._spent += self._open.pop(name).handles
        handles, self._spent = self._spent, []
        try:
            await self._queue.delete(handles)
        except TryLater:
            return  # they come again, and say nothing new

    def _forget(self) -> None:
        """What is visible in the queue again by now comes from there."""
        now = self._clock.monotonic()
        self._open = {name: one for name, one in self._open.items() if now < one.until}

    def _take(self, message: Message) -> None:
        try:
            hint = _hint(json.loads(message.body), self._stores)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            hint = Unreadable(
                key=f"notice:{message.id}",
                reason=f"A notification of Amazon cannot be read: {error!r}",
                action="Orders are found by polling all the same. Update omnisync when this goes on, then discard.",
            )
        if hint is None:
            self._spent.append(message.handle)
        elif isinstance(hint, str):
            self._keep(hint, message).fact = None  # what was read before this message came may be old
        else:
            self._keep(f"notice:{message.id}", message).fact = hint

    def _keep(self, name: str, message: Message) -> _Open:
        one = self._open.setdefault(name, _Open(self._clock.monotonic() + HIDDEN_SECONDS))
        one.handles.append(message.handle)
        return one

    async def _read_orders(self) -> None:
        """As many as the usage plan lets through at once; the others wait for the next pull, or for the search."""
        for order_id, one in list(self._open.items()):
            if one.fact is not None or not self._calls.budgets["getOrder"].ready():
                continue
            order = await pulling.by_id(self._calls, order_id)
            if order is None:
                self._spent += self._open.pop(order_id).handles
            else:
                one.fact = await pulling.seen(self._calls, order)


def _receipt(fact: Fact) -> str:
    """As the engine names what it has booked; a level has no name and counts as booked with its page."""
    return fact.id if isinstance(fact, OrderSeen) else getattr(fact, "key", "")


def _hint(note: Mapping[str, Any], stores: Sequence[str]) -> str | LevelSeen | Unreadable | None:
    """The order to read again, the level to look at, or nothing of interest."""
    kind = note.get("NotificationType") or note.get("notificationType")
    if kind == ORDERS:
        told = note["Payload"]["OrderChangeNotification"]
        summary = told.get("Summary") or {}
        ours = summary.get("MarketplaceId", stores[0]) in stores and summary.get("FulfillmentType") != "AFN"
        return str(told["AmazonOrderId"]) if ours else None
    if kind == LEVELS:
        told = note["Payload"]
        ours = told.get("FulfillmentChannelCode", "DEFAULT") == "DEFAULT" and told.get("Quantity") is not None
        article = Article(external_id=str(told["Sku"]), sku=str(told["Sku"]))
        return LevelSeen(article, int(told["Quantity"]), at=parse_time(note["EventTime"])) if ours else None
    return None
