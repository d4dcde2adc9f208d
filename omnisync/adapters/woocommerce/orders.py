"""WooCommerce's words for orders ↔ ours. Plain functions.

WooCommerce keeps no shipments: an order that was ever completed was sent then, but for what had been refunded before. Of
returns it keeps one number for each line, how many pieces its refunds put back on the shelf.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from omnisync.adapters.base import Article, Customer, OrderLine, OrderSeen, Restock
from omnisync.adapters.woocommerce.keyset import gmt
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import Json
from omnisync.values import Money

DRAFTS = frozenset({"auto-draft", "checkout-draft", "draft", "new"})
"""Baskets on their way through the checkout: nothing was bought."""
REDUCED, RESTOCKED = "_reduced_stock", "_restock_refunded_items"
TOTALS = ("total", "total_tax", "cart_tax", "shipping_total", "shipping_tax", "discount_total", "discount_tax")


@dataclass(frozen=True, slots=True)
class State:
    """What a status says of all pieces of an order."""

    paid: bool = True
    lowered: bool = True
    """WooCommerce has taken it off its own numbers."""
    sent: bool = False
    ended: bool = False
    """What was not sent never will be."""
    put_back: bool = False
    """WooCommerce raises its own number again, also by what was sent."""


STATES: Mapping[str, State] = {
    "pending": State(paid=False, lowered=False),
    "on-hold": State(paid=False),
    "processing": State(),
    "completed": State(sent=True),
    "cancelled": State(paid=False, lowered=False, ended=True, put_back=True),
    "refunded": State(ended=True),
    "failed": State(paid=False, lowered=False, ended=True),
    "trash": State(paid=False, lowered=False, ended=True),
}


def state_of(status: str, settings: ShopSettings) -> State:
    """Statuses of plugins mean what the settings say, else that the order is to be sent."""
    own = (
        (settings.shipped_statuses, State(sent=True)),
        (settings.cancelled_statuses, State(paid=False, ended=True)),
        (settings.unpaid_statuses, State(paid=False)),
    )
    return next((state for names, state in own if status in names), STATES.get(status, State()))


def order_seen(order: Json, refunds: Sequence[Json], settings: ShopSettings, places: Mapping[str, str]) -> OrderSeen:
    """The order with cumulative numbers. KeyError, TypeError or ValueError when it is not what we know as one."""
    state, currency = state_of(str(order["status"]), settings), Money(0, str(order["currency"])).currency
    completed = gmt(order["date_completed_gmt"]) if order.get("date_completed_gmt") else None
    taken_back = _taken_back(refunds, completed)
    pickup, place = pickup_of(order, settings, places)
    return OrderSeen(
        id=str(order["id"]),
        reference=str(order.get("number") or order["id"]),
        version=gmt(order["date_modified_gmt"]),
        placed_at=gmt(order["date_created_gmt"]),
        lines=tuple(
            _line(node, state, completed is not None, taken_back, place, currency) for node in order["line_items"]
        ),
        pickup=pickup,
        paid=state.paid or bool(order.get("date_paid_gmt") and not state.ended),
        lowered=state.lowered or any(_meta(node, REDUCED) for node in order["line_items"]),
        closed=state.sent or state.ended,
        currency=currency,
        totals={name: str(order[name]) for name in TOTALS if order.get(name) is not None},
        customer=_customer(order),
    )


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Refunded pieces by line id: before the order was sent, and after."""

    before: Counter[str]
    after: Counter[str]


def _taken_back(refunds: Sequence[Json], completed: datetime | None) -> TakenBack:
    """A refund names the line it is of in its meta data. Without pieces it moves money only."""
    found = TakenBack(Counter(), Counter())
    for refund in refunds:
        late = completed is not None and gmt(refund["date_created_gmt"]) >= completed
        for node in refund.get("line_items") or ():
            line = next((one["value"] for one in _meta_data(node) if one["key"] == "_refunded_item_id"), None)
            if line is not None:
                (found.after if late else found.before)[str(line)] += abs(_whole(node["quantity"]))
    return found


def _line(
    node: Json, state: State, completed: bool, taken_back: TakenBack, place: str | None, currency: str
) -> OrderLine:
    id, ordered = str(node["id"]), _whole(node["quantity"])
    cancelled = min(taken_back.before[id], ordered)
    shipped = ordered - cancelled if completed or state.sent else 0
    return OrderLine(
        id=id,
        article=_article(node),
        quantity=ordered,
        cancelled=ordered - shipped if state.ended else cancelled,
        shipped=shipped,
        restocks=_restocks(node, state, shipped, cancelled, taken_back.after[id]),
        place=place,
        unit_price=_unit_price(node, ordered, currency),
    )


def _restocks(node: Json, state: State, shipped: int, cancelled: int, refunded: int) -> tuple[Restock, ...]:
    """Pieces that came back after they had been sent. WooCommerce tells only how many, so each is a restock of its own.

    What was refunded before it was sent is taken to be the first that went back: it never left.
    """
    back = min(refunded, shipped, max(0, _meta(node, RESTOCKED) - cancelled))
    if state.put_back and not _meta(node, REDUCED):
        back = shipped
    return tuple(Restock(f"piece-{number}", 1) for number in range(1, back + 1))


def _article(node: Json) -> Article:
    product, variation = int(node.get("product_id") or 0), int(node.get("variation_id") or 0)
    return Article(
        external_id=external_id(product, variation) if product else None,
        sku=node.get("sku") or None,
        barcode=node.get("global_unique_id") or None,
        title=str(node.get("name") or ""),
    )


def external_id(product: int, variation: int = 0) -> str:
    """`product`, or `product:variation`."""
    return f"{product}:{variation}" if variation else str(product)


def _unit_price(node: Json, quantity: int, currency: str) -> Money | None:
    """What the buyer paid for one piece, with tax; None where the line's sum is no multiple of whole cents."""
    try:
        total = sum(Money.parse(str(node[name]), currency).minor for name in ("total", "total_tax"))
    except (KeyError, ValueError):
        return None
    return Money(total // quantity, currency) if quantity and total % quantity == 0 else None


def pickup_of(order: Json, settings: ShopSettings, places: Mapping[str, str]) -> tuple[bool, str | None]:
    """Whether the buyer fetches it, and where: as the location map names the pickup location, the method's instance or the method.

    A location that the shop names and the map does not is told all the same, so that it is seen.
    """
    method = next(
        (one for one in order.get("shipping_lines") or () if one["method_id"] in settings.pickup_methods), None
    )
    if method is None:
        return False, None
    named = [str(one["value"]) for one in _meta_data(method) if one["key"] == "pickup_location" and one["value"]]
    candidates = [*named, f"{method['method_id']}:{method.get('instance_id')}", str(method["method_id"])]
    known = next((name for name in candidates if name in places), None)
    return True, known or (named[0] if named and places else None)


def _customer(order: Json) -> Customer | None:
    billing = order.get("billing") or {}
    name = " ".join(str(billing[part]) for part in ("first_name", "last_name") if billing.get(part))
    email, phone = str(billing.get("email") or ""), str(billing.get("phone") or "")
    return Customer(name=name, email=email, phone=phone) if name or email or phone else None


def _meta(node: Json, key: str) -> int:
    """A number that WooCommerce keeps beside a line; 0 when it keeps none."""
    return next((_whole(one["value"]) for one in _meta_data(node) if one["key"] == key and one["value"] != ""), 0)


def _meta_data(node: Json) -> Sequence[Mapping[str, Any]]:
    return node.get("meta_data") or ()


def _whole(value: Any) -> int:
    """Pieces. ValueError for a fraction: plugins sell by weight and length."""
    try:
        number = Decimal(str(value))
        if number == number.to_integral_value():
            return int(number)
    except ArithmeticError:
        pass
    raise ValueError(f"{value} is no whole number of pieces")
