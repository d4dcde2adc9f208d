"""Reporting pickups back. Only the older Orders API (v0) takes such reports."""

from __future__ import annotations

from collections.abc import Sequence

from omnisync.adapters.amazon import orders, pulling
from omnisync.adapters.amazon.calls import Calls, in_words
from omnisync.adapters.base import News, Outcome, Published

STATES = {"ready": "ReadyForPickup", "collected": "PickedUp", "cancelled": "RefusedPickup", "expired": "RefusedPickup"}
_APPLIED = Published(Outcome.APPLIED)


async def tell(calls: Calls, news: Sequence[News]) -> list[Published]:
    """Report each, one after the other: two about one order must not overtake each other."""
    return [await _tell_one(calls, one) for one in news]


async def _tell_one(calls: Calls, news: News) -> Published:
    order = await pulling.by_id(calls, news.order_id)
    if order is None:
        return _attention(f"Amazon does not know the order {news.order_id}.", "Look for it in Seller Central.")
    status = str((order.get("fulfillment") or {}).get("fulfillmentStatus"))
    if status in ("CANCELLED", "SHIPPED"):
        return _APPLIED  # it has ended there; what was told before a lost answer shows here
    if not orders.is_pickup(order):
        return _attention(
            f"Amazon order {news.reference} is {news.kind} here, and is none that is picked up at Amazon.",
            f"Cancel or confirm order {news.reference} in Seller Central.",
        )
    return await _report(calls, news, order)


async def _report(calls: Calls, news: News, order: orders.Order) -> Published:
    body = {
        "marketplaceId": (order.get("salesChannel") or {}).get("marketplaceId"),
        "shipmentStatus": STATES[news.kind],
        "orderItems": [{"orderItemId": line, "quantity": quantity} for line, quantity in news.lines],
    }
    reply = await calls.call("updateShipmentStatus", news.order_id, body=body)
    if reply.status == 204:
        return _APPLIED
    said = in_words(reply.json() if reply.body else None) or f"Amazon answered {reply.status}"
    return _attention(said, f"Mark order {news.reference} as {news.kind} in Seller Central.")


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
