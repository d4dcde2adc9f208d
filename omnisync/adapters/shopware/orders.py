"""Shopware's words for orders ↔ ours. Plain functions.

An order has three states: its own, those of its deliveries and those of its payments. Each delivery says which pieces of
which line it carries, but of a part that was sent or came back it does not say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from omnisync.adapters.base import Article, Customer, OrderLine, OrderSeen, Restock
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import Json, moment_of
from omnisync.values import Money

ASSOCIATIONS: Json = {
    "stateMachineState": {},
    "currency": {},
    "orderCustomer": {},
    "billingAddress": {},
    "lineItems": {"associations": {"product": {}}},
    "deliveries": {"associations": {"stateMachineState": {}, "shippingMethod": {}, "positions": {}}},
    "transactions": {"associations": {"stateMachineState": {}, "paymentMethod": {}}},
}
INCLUDES: Json = {
    "order": [
        "id", "autoIncrement", "orderNumber", "orderDateTime", "createdAt", "updatedAt", "taxStatus", "amountTotal", "amountNet",
        "positionPrice", "shippingTotal", "stateMachineState", "currency", "orderCustomer", "billingAddress", "lineItems",
        "deliveries", "transactions", "primaryOrderTransactionId",
    ],
    "order_line_item": [
        "id", "parentId", "type", "productId", "referencedId", "quantity", "label", "unitPrice", "payload", "product", "updatedAt",
    ],
    "order_delivery": ["id", "createdAt", "updatedAt", "stateMachineState", "shippingMethod", "positions"],
    "order_delivery_position": ["id", "orderLineItemId", "quantity"],
    "order_transaction": ["id", "createdAt", "updatedAt", "stateMachineState", "paymentMethod"],
    "order_customer": ["firstName", "lastName", "email"],
    "order_address": ["phoneNumber"],
    "product": ["id", "productNumber", "ean"],
    "shipping_method": ["id", "technicalName", "name", "translated"],
    "payment_method": ["technicalName"],
    "state_machine_state": ["technicalName"],
    "currency": ["isoCode"],
}  # fmt: skip
CHANGES = ("createdAt", "updatedAt", "deliveries.updatedAt", "transactions.createdAt", "transactions.updatedAt")
"""Where a change shows: an order's own time stays when only a delivery or payment of it moves on, and is empty at first."""
MONEY_CAME = frozenset({"paid", "paid_partially", "authorized", "refunded", "refunded_partially", "chargeback"})
PAYMENT_OFF = frozenset({"failed", "cancelled"})
SENT = frozenset({"shipped", "returned", "returned_partially"})
TOTALS = ("amountTotal", "amountNet", "positionPrice", "shippingTotal")


def order_seen(order: Json, settings: ShopSettings, places: Mapping[str, str]) -> OrderSeen:
    """The order with cumulative numbers. AttributeError, KeyError, TypeError or ValueError when it is not what we know as one."""
    state, currency = state_of(order), Money(0, str(order["currency"]["isoCode"])).currency
    pickup, place = pickup_of(order, settings, places)
    return OrderSeen(
        id=str(order["id"]),
        reference=str(order.get("orderNumber") or order["id"]),
        version=_changed_at(order),
        placed_at=moment_of(order["orderDateTime"]),
        lines=tuple(_line(node, order, state, place, currency) for node in order["lineItems"]),
        pickup=pickup,
        paid=state != "cancelled" and _is_to_be_sent(order, settings),
        lowered=state != "cancelled",
        closed=state in ("completed", "cancelled"),
        currency=currency,
        totals={name: str(order[name]) for name in TOTALS if order.get(name) is not None},
        customer=_customer(order),
    )


def state_of(thing: Json) -> str:
    """The technical name of the state of an order, a delivery or a payment."""
    return str(thing["stateMachineState"]["technicalName"])


def deliveries_of(order: Json) -> list[Json]:
    """Those that carry pieces: a discount on shipping costs is a delivery of its own, without any."""
    return [one for one in order.get("deliveries") or () if one.get("positions")]


def pickup_of(order: Json, settings: ShopSettings, places: Mapping[str, str]) -> tuple[bool, str | None]:
    """Whether the buyer fetches it, and where: as the location map names the shipping method.

    A pickup method that the map does not know is told all the same where the map names others, so that it is seen.
    """
    for delivery in deliveries_of(order):
        names = method_names(delivery.get("shippingMethod") or {})
        if set(names) & set(settings.pickup_methods):
            known = next((name for name in names if name in places), None)
            return True, known or (names[0] if places else None)
    return False, None


def method_names(method: Json) -> list[str]:
    """What a shipping method may be called in the settings."""
    named = (method.get("technicalName"), method.get("name"), (method.get("translated") or {}).get("name"))
    return list(dict.fromkeys(str(name) for name in named if name))


def _changed_at(order: Json) -> datetime:
    """The last change of anything in it."""
    parts: Iterable[Json] = (order, *(order.get("deliveries") or ()), *(order.get("transactions") or ()))
    return max(moment_of(part[name]) for part in parts for name in ("createdAt", "updatedAt") if part.get(name))


def is_paid(order: Json) -> bool:
    """Whether money came, or none is asked for."""
    last = _last_payment(order)
    return last is None or state_of(last) in MONEY_CAME


def _is_to_be_sent(order: Json, settings: ShopSettings) -> bool:
    """Invoices and cash on delivery are paid after the goods were sent."""
    last = _last_payment(order)
    later = ((last or {}).get("paymentMethod") or {}).get("technicalName") in settings.paid_later_methods
    return is_paid(order) or (last is not None and later and state_of(last) not in PAYMENT_OFF)


def _last_payment(order: Json) -> Json | None:
    """The one that counts: each new try of the buyer is a payment of its own."""
    payments: Sequence[Json] = order.get("transactions") or ()
    primary = order.get("primaryOrderTransactionId")
    return max(payments, key=lambda one: (one["id"] == primary, moment_of(one["createdAt"])), default=None)


def _line(node: Json, order: Json, state: str, place: str | None, currency: str) -> OrderLine:
    id, ordered, stocked = str(node["id"]), _whole(node["quantity"]), node["type"] == "product"
    carried = [(delivery, pieces) for delivery in deliveries_of(order) if (pieces := _pieces(delivery, id, ordered))]
    shipped = min(ordered, sum(pieces for delivery, pieces in carried if state_of(delivery) in SENT))
    shipped = ordered if state == "completed" else shipped
    back = [(str(delivery["id"]), pieces) for delivery, pieces in carried if state_of(delivery) == "returned"]
    return OrderLine(
        id=id,
        article=_article(node) if stocked else Article(title=str(node.get("label") or "")),
        quantity=ordered,
        cancelled=ordered - shipped if state == "cancelled" else 0,
        shipped=shipped,
        restocks=tuple(Restock(delivery, pieces) for delivery, pieces in back) if stocked else (),
        place=place if stocked else None,
        unit_price=_unit_price(node, order, currency),
        stocked=stocked,
    )


def _pieces(delivery: Json, line: str, ordered: int) -> int:
    """How many of a line it carries; a position without a number carries it whole."""
    found = [one.get("quantity") for one in delivery["positions"] if one["orderLineItemId"] == line]
    return sum(ordered if pieces is None else _whole(pieces) for pieces in found)


def _article(node: Json) -> Article:
    """The product, also one that was deleted since: the line remembers its number."""
    product, payload = node.get("product") or {}, node.get("payload") or {}
    return Article(
        external_id=str(node.get("referencedId") or node.get("productId") or "") or None,
        sku=str(payload.get("productNumber") or product.get("productNumber") or "") or None,
        barcode=str(product.get("ean") or "") or None,
        title=str(node.get("label") or ""),
    )


def _unit_price(node: Json, order: Json, currency: str) -> Money | None:
    """What the buyer paid for one piece, with tax; None where the order's prices are without, or no whole cents."""
    if order.get("taxStatus") == "net" or node.get("unitPrice") is None:
        return None
    return money_of(node["unitPrice"], currency)


def money_of(number: Any, currency: str) -> Money | None:
    """A price; None where it is no whole number of cents."""
    try:
        return Money.parse(str(number), currency)
    except ValueError:
        return None


def _customer(order: Json) -> Customer | None:
    buyer, address = order.get("orderCustomer") or {}, order.get("billingAddress") or {}
    name = " ".join(str(buyer[part]) for part in ("firstName", "lastName") if buyer.get(part))
    email, phone = str(buyer.get("email") or ""), str(address.get("phoneNumber") or "")
    return Customer(name=name, email=email, phone=phone) if name or email or phone else None


def _whole(value: Any) -> int:
    """Pieces. ValueError for anything else."""
    if type(value) is int and value >= 0:
        return value
    raise ValueError(f"{value} is no whole number of pieces")
