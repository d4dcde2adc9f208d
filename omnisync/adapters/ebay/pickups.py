"""Reporting pickups back, as far as eBay's REST APIs can hear it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.ebay import orders, pulling
from omnisync.adapters.ebay.calls import FULFILLMENT, Calls, complaints, in_words

_APPLIED = Published(Outcome.APPLIED)
_READY = Published(
    Outcome.APPLIED, reason="eBay's REST APIs take no such report: nothing was sent, the buyer hears it from the store."
)


async def tell(calls: Calls, news: Sequence[News]) -> list[Published]:
    """Report each, one after the other: two about one order must not overtake each other."""
    return [await _tell_one(calls, one) for one in news]


async def _tell_one(calls: Calls, news: News) -> Published:
    if news.kind == "ready":
        return _READY
    order = await pulling.order_by_id(calls, news.order_id)
    if order is None:
        return _attention(f"eBay does not know the order {news.order_id}.", "Look for it in Seller Hub.")
    cancelled = order.get("cancelStatus", {}).get("cancelState") == "CANCELED"
    if news.kind == "collected":
        return await _collected(calls, news, order)
    return _APPLIED if cancelled else _must_cancel(news)


def _must_cancel(news: News) -> Published:
    return _attention(
        f"The pickup of eBay order {news.reference} is {news.kind}, but only the seller may cancel the order.",
        f"Cancel order {news.reference} in Seller Hub; the refund follows there.",
    )


async def _collected(calls: Calls, news: News, order: orders.Order) -> Published:
    """Handed over is fulfilled. The numbers say how many of each line are collected in all, so repeating adds nothing."""
    shipped = await pulling.shipped_pieces(calls, news.order_id) if orders.is_partly_shipped(order) else {}
    missing = _missing(news, order, shipped)
    if not missing:
        return _APPLIED
    body = {"lineItems": [{"lineItemId": line, "quantity": quantity} for line, quantity in missing.items()]}
    # Not repeated inside the call: whether a lost answer had its effect is read from the order next time.
    reply = await calls.call(
        "POST", FULFILLMENT, f"/order/{news.order_id}/shipping_fulfillment", body=body, repeatable=False
    )
    if reply.status == 201:
        return _APPLIED
    said = in_words(complaints(reply.json()) if reply.body else []) or f"eBay answered {reply.status}"
    return _attention(said, f"Mark order {news.reference} as collected in Seller Hub.")


def _missing(news: News, order: orders.Order, shipped: Mapping[str, int]) -> dict[str, int]:
    """What eBay does not count as handed over yet, never more than the order holds."""
    ordered = {str(line["lineItemId"]): line for line in order.get("lineItems", ())}
    missing: dict[str, int] = {}
    for line_id, quantity in news.lines:
        line = ordered.get(line_id)
        if line is None or line.get("lineItemFulfillmentStatus") == "FULFILLED":
            continue
        lacking = min(quantity, int(line["quantity"])) - shipped.get(line_id, 0)
        if lacking > 0:
            missing[line_id] = lacking
    return missing


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
