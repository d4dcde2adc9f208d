"""Reading what changed among the orders, so that none falls between two pages.

eBay sorts a filtered list as it likes and pages by offset, so an order that changes between two pages shifts all others.
Therefore a window of time is halved until it fits into one page. The cursor is the newest change eBay itself has told
(its clock, not ours), and each pull begins `OVERLAP` before it, because orders reach the list late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.base import OrderSeen, Page, Unreadable
from omnisync.adapters.ebay import orders
from omnisync.adapters.ebay.calls import FULFILLMENT, Calls
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

OVERLAP = timedelta(minutes=2)
NARROW = 4 * OVERLAP
"""Windows as narrow as this are paged by offset: halved, they would no longer get past their own overlap."""


async def pull(calls: Calls, cursor: str | None, *, now: datetime, page_size: int, first: timedelta) -> Page:
    """The next window of changed orders."""
    reached = parse_time(from_cursor(cursor, 1)[0]) if cursor else now - first
    start, end = reached - OVERLAP, None
    answer = await _page(calls, start, end, 0, page_size)
    # The window is only ever closed in the past: eBay refuses dates in its future, and our clock may be ahead.
    until = now
    while answer["total"] > page_size and until - start > NARROW:
        until = end = start + (until - start) / 2
        answer = await _page(calls, start, end, 0, page_size)
    found = list(answer["orders"])
    while found and len(found) < answer["total"]:
        following = (await _page(calls, start, end, len(found), page_size))["orders"]
        if not following:
            break
        found += following
    facts = await read_all(calls, found)
    newest = max(
        (parse_time(order["lastModifiedDate"]) for order in found if order.get("lastModifiedDate")), default=reached
    )
    return Page(facts, to_cursor(format_time(end or max(newest, reached))), more=end is not None)


async def read_all(calls: Calls, found: Sequence[orders.Order]) -> list[OrderSeen | Unreadable]:
    """The orders as facts, oldest change first; partly shipped ones with what their packages hold."""
    unique = {str(order.get("orderId", number)): order for number, order in enumerate(found)}
    ordered = sorted(unique.values(), key=lambda order: (order.get("lastModifiedDate", ""), order.get("orderId", "")))
    return list(await asyncio.gather(*(read_one(calls, order) for order in ordered)))


async def read_one(calls: Calls, order: orders.Order) -> OrderSeen | Unreadable:
    """One order as a fact."""
    shipped = await shipped_pieces(calls, str(order["orderId"])) if orders.is_partly_shipped(order) else {}
    return orders.read(order, shipped)


async def shipped_pieces(calls: Calls, order_id: str) -> dict[str, int]:
    """Pieces that an order's packages hold, by line."""
    answer = await calls.get(FULFILLMENT, f"/order/{order_id}/shipping_fulfillment")
    return orders.shipped_pieces(answer.get("fulfillments", ()))


async def order_by_id(calls: Calls, order_id: str) -> orders.Order | None:
    """The order as it is now; None when eBay does not know it."""
    reply = await calls.call("GET", FULFILLMENT, f"/order/{order_id}")
    if reply.status == 404:
        return None
    found: orders.Order = reply.expect().json()
    return found


async def _page(calls: Calls, start: datetime, end: datetime | None, offset: int, limit: int) -> Any:
    window = f"lastmodifieddate:[{_millis(start)}..{_millis(end) if end else ''}]"
    answer = await calls.get(FULFILLMENT, "/order", filter=window, limit=str(limit), offset=str(offset))
    return {"total": int(answer.get("total", 0)), "orders": answer.get("orders") or []}


def _millis(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
