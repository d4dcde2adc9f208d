"""Reading what changed among the orders: a search that may be asked every three minutes, and single orders.

The cursor is Amazon's own clock (`lastUpdatedBefore` of its answer, always two minutes ago), so that a wrong clock here
loses nothing. A window that takes several pages keeps its beginning: where the page token is refused, it is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.amazon import orders
from omnisync.adapters.amazon.calls import Calls, rows
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.base import OrderSeen, Page, Unreadable
from omnisync.adapters.pages import Trail
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

OVERLAP = timedelta(minutes=2)
BEHIND = timedelta(minutes=10)
"""A window that ended longer ago than this was read slowly: the next one is read at once."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the orders were read; within a window also its page and its end."""

    since: datetime
    token: str = ""
    until: datetime | None = None

    @classmethod
    def of(cls, cursor: str | None, first: datetime) -> Position:
        if cursor is None:
            return cls(first)
        since, token, until = from_cursor(cursor, 3)
        return cls(parse_time(since), token, parse_time(until) if until else None)

    def cursor(self) -> str:
        return to_cursor(format_time(self.since), self.token, format_time(self.until) if self.until else "")


async def search(calls: Calls, account: Account, position: Position, *, now: datetime) -> Page:
    """The next page of orders that changed."""
    asked: dict[str, Any] = {
        "lastUpdatedAfter": format_time(position.since - OVERLAP),
        "marketplaceIds": account.store_ids,
        # What Amazon sends from its own warehouses moves nothing of ours, and pages are dear.
        "fulfilledBy": "MERCHANT",
        "maxResultsPerPage": str(account.page_size),
        "includedData": orders.INCLUDED,
    }
    if position.token:
        asked["paginationToken"] = position.token
    reply = await calls.call("searchOrders", params=asked)
    if reply.status == 400 and position.token:  # page tokens do not live for ever
        return Page((), Position(position.since).cursor(), more=True)
    answer = reply.expect(200).json()
    found = [await seen(calls, order) for order in rows(answer, "orders", "orderId")]
    after = _after(position, answer, found)
    slow = bool(position.token) and now - after.since > BEHIND and after.since > position.since
    return Page(found, after.cursor(), more=bool(after.token) or slow)


def _after(position: Position, answer: Mapping[str, Any], found: list[OrderSeen | Unreadable]) -> Position:
    told = answer.get("lastUpdatedBefore")
    newest = max((fact.version for fact in found if isinstance(fact, OrderSeen)), default=position.since)
    until = position.until or (parse_time(told) if told else newest)
    token = str((answer.get("pagination") or {}).get("nextToken") or "")
    return Position(position.since, token, until) if token else Position(max(position.since, until))


async def seen(calls: Calls, order: orders.Order) -> OrderSeen | Unreadable:
    """One order as a fact; of one that is fetched from a store, the older API tells which."""
    stores = await _stores(calls, str(order["orderId"])) if orders.is_pickup(order) else {}
    return orders.read(order, stores)


async def by_id(calls: Calls, order_id: str) -> orders.Order | None:
    """The order as it is now; None when Amazon does not know it."""
    reply = await calls.call("getOrder", order_id, params={"includedData": orders.INCLUDED})
    if reply.status in (400, 404):
        return None
    told = reply.expect(200).json()
    [found] = rows({"order": [told.get("order")] if isinstance(told, Mapping) else None}, "order", "orderId")
    return found


async def _stores(calls: Calls, order_id: str) -> dict[str, str]:
    """The store of each line: the one thing that orders 2026-01-01 do not tell."""
    found: dict[str, str] = {}
    trail, token = Trail(calls.client.name, "the lines of an order"), ""
    while True:
        more = {"NextToken": token} if token else {}
        payload = (await calls.get("getOrderItems", order_id, **more)).get("payload") or {}
        for line in payload.get("OrderItems") or ():
            if line.get("StoreChainStoreId"):
                found[str(line["OrderItemId"])] = str(line["StoreChainStoreId"])
        token = trail.on(token, str(payload.get("NextToken") or ""))
        if not token:
            return found
