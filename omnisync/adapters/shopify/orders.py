"""Reads orders: which ones changed, and each of them whole, however many lines it has."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.base import Fact, OrderSeen, Page, Unreadable
from omnisync.adapters.shopify import documents
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import Places, order_seen
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

REMEMBERED = 2000
SETTLED = timedelta(seconds=10)
"""Shopify's times are whole seconds: an order that changed this long ago cannot change again under the same time."""
AT_ONCE = 2
"""Orders read side by side."""


class Orders:
    """The orders of one shop."""

    def __init__(self, admin: Admin, places: Places, *, page_size: int, overlap: timedelta, since: str | None) -> None:
        self._admin, self._places, self._page_size, self._overlap = admin, places, page_size, overlap
        self._since = since or ""
        self._remembered: OrderedDict[tuple[str, str], OrderSeen] = OrderedDict()
        self._side_by_side = asyncio.Semaphore(AT_ONCE)

    async def pull(self, cursor: str | None, now: datetime) -> Page:
        """One page of orders by the time of their last change.

        The cursor holds three things: from when on this pass reads, Shopify's own keyset cursor (time, id) inside the pass,
        and the latest time seen. A finished pass begins the next one an overlap before that, so that an order
        which Shopify's index shows late is still found.
        """
        since, after, latest = from_cursor(cursor, 3) if cursor else (self._since, "", "")
        keys = await self._keys(since, after)
        facts = await self._all_seen(keys["nodes"], now)
        latest = max([latest, *(format_time(parse_time(key["updatedAt"])) for key in keys["nodes"])])
        if keys["pageInfo"]["hasNextPage"]:
            return Page(facts, to_cursor(since, keys["pageInfo"]["endCursor"], latest), more=True)
        return Page(facts, to_cursor(self._next_pass(latest) or since, "", ""), more=False)

    async def find(self, references: Sequence[str], now: datetime) -> list[Fact]:
        """Orders by their names, as they are now. A search is no promise: what it brings besides is left out."""
        names = " OR ".join(f"name:'{reference}'" for reference in references if "'" not in reference)
        found = await self._admin.run(documents.ORDER_KEYS, {"first": len(references), "after": None, "query": names})
        facts = await self._all_seen(found["orders"]["nodes"], now)
        return [fact for fact in facts if isinstance(fact, OrderSeen) and fact.reference in references]

    async def read(self, id: str, now: datetime) -> Fact | None:
        """The order as it is now; None when there is none of that id."""
        order = await self._whole(id)
        if order is None:
            return None
        try:
            seen = order_seen(order, self._places)
        except (KeyError, TypeError, ValueError) as error:
            return Unreadable(
                key=f"order:{id}",
                reason=f"Order {order.get('name', id)} cannot be understood: {type(error).__name__} {error}",
                action="Update omnisync; then replay this letter.",
            )
        if now - seen.version > SETTLED:
            self._remember(id, order["updatedAt"], seen)
        return seen

    def _next_pass(self, latest: str) -> str:
        return format_time(parse_time(latest) - self._overlap) if latest else ""

    async def _keys(self, since: str, after: str) -> dict[str, Any]:
        variables = {
            "first": self._page_size,
            "after": after or None,
            "query": f"updated_at:>='{since}'" if since else None,
        }
        return dict((await self._admin.run(documents.ORDER_KEYS, variables))["orders"])

    async def _all_seen(self, keys: Sequence[Mapping[str, str]], now: datetime) -> list[Fact]:
        """In the order of the keys. The first error is raised when nobody is under way any more."""
        seen = await asyncio.gather(*(self._seen(key, now) for key in keys), return_exceptions=True)
        facts = [fact for fact in seen if not isinstance(fact, BaseException)]
        for error in seen:
            if isinstance(error, BaseException):
                raise error
        return facts

    async def _seen(self, key: Mapping[str, str], now: datetime) -> Fact:
        known = self._remembered.get((key["id"], key["updatedAt"]))
        if known is not None:
            return known
        async with self._side_by_side:
            fact = await self.read(key["id"], now)
        return fact or Unreadable(
            key=f"order:{key['id']}",
            reason="Shopify lists this order and then says that it does not exist.",
            action="Look for the order in Shopify; discard this letter when it was deleted there.",
        )

    def _remember(self, id: str, updated_at: str, seen: OrderSeen) -> None:
        self._remembered[id, updated_at] = seen
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def _whole(self, id: str) -> dict[str, Any] | None:
        order = (await self._admin.run(documents.ORDER, {"id": id}))["order"]
        if order is None:
            return None
        order = {**order, "fulfillmentOrders": order["fulfillmentOrders"]["nodes"]}
        if any(len(order[part]) >= documents.PARTS for part in ("fulfillments", "refunds", "fulfillmentOrders")):
            order |= await self._all_parts(id)
        order["lineItems"] = await self._admin.all_nodes(order, "lineItems", documents.REST_OF["lineItems"])
        for part, connection in (("fulfillments", "fulfillmentLineItems"), ("refunds", "refundLineItems")):
            order[part] = [
                {**one, connection: await self._admin.all_nodes(one, connection, documents.REST_OF[connection])}
                for one in order[part]
            ]
        order["fulfillmentOrders"] = [
            {**one, "lineItems": await self._admin.all_nodes(one, "lineItems", documents.REST_OF_FULFILLMENT_ORDER)}
            for one in order["fulfillmentOrders"]
        ]
        return order

    async def _all_parts(self, id: str) -> dict[str, Any]:
        order = (await self._admin.run(documents.ORDER_PARTS, {"id": id}))["order"]
        parts = {**order, "fulfillmentOrders": order["fulfillmentOrders"]["nodes"]}
        if any(len(part) >= documents.MOST_PARTS for part in parts.values()):
            raise NeedsAttention(
                f"Order {id} has {documents.MOST_PARTS} fulfilments or refunds or more; Shopify does not page these.",
                action="Book this order by hand and tell the authors of omnisync.",
            )
        return parts
