"""Amazon's orders (2026-01-01) in our words. Pure.

No buyer, address or gift message is asked for, so no restricted data token is needed and nothing personal is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Article, OrderLine, OrderSeen, Unreadable
from omnisync.values import Money, parse_time

INCLUDED = ("PROCEEDS", "FULFILLMENT", "CANCELLATION")
"""BUYER and RECIPIENT are left out on purpose."""
UNPAID = {"PENDING", "PENDING_AVAILABILITY"}
"""Placed and not yet paid: Amazon keeps the pieces back, but nobody may send them."""
CLOSED = {"SHIPPED", "CANCELLED", "UNFULFILLABLE"}
PICKUP = "IN_STORE_PICK_UP"
BY_AMAZON = "AMAZON"

Order = Mapping[str, Any]


def is_pickup(order: Order) -> bool:
    """Whether the buyer fetches it from a store; which one, only the older API tells."""
    return PICKUP in (order.get("programs") or ())


def read(order: Order, stores: Mapping[str, str]) -> OrderSeen | Unreadable:
    """The order, or why it cannot be understood. `stores` names the store of each line of a pickup."""
    try:
        return seen(order, stores)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        name = str(order["orderId"])
        return Unreadable(
            key=f"order:{name}",
            reason=f"Amazon order {name} cannot be read: {error!r}",
            action="Look at this order in Seller Central; when Amazon changed its format, update omnisync and replay.",
        )


def seen(order: Order, stores: Mapping[str, str]) -> OrderSeen:
    """The order as Amazon shows it now. Amazon tells no refunds here, and they move no stock."""
    fulfillment = order.get("fulfillment") or {}
    status = str(fulfillment["fulfillmentStatus"])
    total = (order.get("proceeds") or {}).get("grandTotal") or {}
    return OrderSeen(
        id=str(order["orderId"]),
        reference=str(order["orderId"]),
        version=parse_time(order["lastUpdatedTime"]),
        placed_at=parse_time(order["createdTime"]),
        lines=tuple(_line(line, status, stores) for line in order["orderItems"]),
        pickup=is_pickup(order),
        paid=status not in UNPAID,
        elsewhere=fulfillment.get("fulfilledBy") == BY_AMAZON,
        closed=status in CLOSED,
        currency=total.get("currencyCode"),
        totals={"proceeds": order.get("proceeds") or {}},
    )


def _line(line: Mapping[str, Any], status: str, stores: Mapping[str, str]) -> OrderLine:
    line_id, ordered = str(line["orderItemId"]), _pieces(line["quantityOrdered"])
    done = line.get("fulfillment") or {}
    shipped = _pieces(done.get("quantityFulfilled") or 0)
    waiting = done.get("quantityUnfulfilled")
    if not done:
        shipped, waiting = (ordered, 0) if status == "SHIPPED" else (0, ordered)
    # A cancelled line is told with no pieces at all, or with those it had: what is neither sent nor to be sent is cancelled.
    quantity = max(ordered, shipped)
    left = quantity - shipped
    over = status == "CANCELLED" or bool((line.get("cancellation") or {}).get("cancellationExecution"))
    open_ = 0 if over else left if status in UNPAID or waiting is None else min(left, _pieces(waiting))
    return OrderLine(
        id=line_id,
        article=article(line.get("product") or {}),
        quantity=quantity,
        cancelled=left - open_,
        shipped=shipped,
        place=stores.get(line_id),
        unit_price=_unit_price(line.get("product") or {}),
    )


def _pieces(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of pieces")
    return value


def article(product: Mapping[str, Any]) -> Article:
    """A line without the seller's SKU is known by its ASIN, so that a person can map it."""
    sku = product.get("sellerSku") or None
    name = sku or product.get("asin") or None
    return Article(external_id=name, sku=sku, title=str(product.get("title") or ""))


def _unit_price(product: Mapping[str, Any]) -> Money | None:
    """None while the order is pending, and for what is no exact amount."""
    price = (product.get("price") or {}).get("unitPrice") or {}
    try:
        return Money.parse(str(price["amount"]), str(price["currencyCode"]))
    except (KeyError, ValueError):
        return None
