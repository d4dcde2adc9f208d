"""The shop's things as the Admin API shows them (`Accept: application/json`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from omnisync.demo.shopware.things import Delivery, Hook, Line, Order, Payment, Product

LIVE = "0fa91ce3e96a4bc2be4bd9ce752c3425"
Row = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """UTC with its zone and milliseconds; nothing for what was never changed."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def named(alias: str, id: str, name: str, **more: Any) -> Row:
    """A thing with a name and its translation."""
    return {"id": id, "name": name, "translated": {"name": name}, **more, "apiAlias": alias}


def state(name: str) -> Row:
    return named("state_machine_state", f"{len(name):032x}", name.replace("_", " ").title(), technicalName=name)


def product(one: Product, parent: Product | None, children: int, *, inherit: bool) -> Row:
    """`inherit`: where a variant's field is empty, its product's."""

    def own(name: str) -> Any:
        value = getattr(one, name)
        return getattr(parent, name) if value is None and inherit and parent is not None else value

    name, rate = own("name"), own("tax_rate")
    return {
        "id": one.id,
        "versionId": LIVE,
        "parentId": one.parent_id,
        "childCount": children,
        "autoIncrement": one.number,
        "productNumber": one.sku,
        "ean": one.ean,
        "name": name,
        "translated": {"name": name},
        "stock": one.stock,
        "availableStock": one.stock,
        "available": not own("is_closeout") or one.stock >= 1,
        "isCloseout": own("is_closeout"),
        "active": True,
        "price": own("price"),
        "taxId": None if rate is None else f"{round(rate):032x}",
        "tax": None if rate is None else {"id": f"{round(rate):032x}", "taxRate": rate, "apiAlias": "tax"},
        "options": [named("property_group_option", one.id[::-1], one.option)] if one.option else [],
        "createdAt": stamp(one.created),
        "updatedAt": stamp(one.updated),
        "apiAlias": "product",
    }


def order(one: Order, currency: Row, buyer: Row) -> Row:
    """With everything that is linked to it."""
    total = round(sum(line.unit_price * line.quantity for line in one.lines if line.parent_id is None), 2)
    return {
        "id": one.id,
        "versionId": LIVE,
        "autoIncrement": one.number,
        "orderNumber": one.reference,
        "orderDateTime": stamp(one.created),
        "currencyId": currency["id"],
        "currencyFactor": 1,
        "taxStatus": one.tax_status,
        "amountTotal": total,
        "amountNet": round(total / 1.19, 2),
        "positionPrice": total,
        "shippingTotal": 0,
        "primaryOrderTransactionId": one.payments[-1].id if one.payments else None,
        "stateMachineState": state(one.state),
        "currency": currency,
        "orderCustomer": {**buyer, "apiAlias": "order_customer"},
        "billingAddress": {"id": one.id[::-1], "phoneNumber": buyer["phone"], "apiAlias": "order_address"},
        "lineItems": [_line(line) for line in one.lines],
        "deliveries": [_delivery(delivery) for delivery in one.deliveries],
        "transactions": [_payment(payment) for payment in one.payments],
        "createdAt": stamp(one.created),
        "updatedAt": stamp(one.updated),
        "apiAlias": "order",
    }


def _line(one: Line) -> Row:
    found = one.product
    known = (
        None if found is None else {"id": found.id, "productNumber": found.sku, "ean": found.ean, "apiAlias": "product"}
    )
    return {
        "id": one.id,
        "parentId": one.parent_id,
        "identifier": one.id,
        "referencedId": found.id if found else None,
        "productId": found.id if found else None,
        "quantity": one.quantity,
        "label": one.label,
        "type": one.type,
        "good": one.type == "product",
        "unitPrice": one.unit_price,
        "totalPrice": round(one.unit_price * one.quantity, 2),
        "payload": {"productNumber": found.sku} if found else {},
        "states": ["is-physical"],
        "product": known,
        "updatedAt": None,
        "apiAlias": "order_line_item",
    }


def _delivery(one: Delivery) -> Row:
    return {
        "id": one.id,
        "stateMachineState": state(one.state),
        "shippingMethod": shipping_method(one.method),
        "shippingCosts": {"unitPrice": one.costs, "totalPrice": one.costs, "quantity": 1},
        "trackingCodes": [],
        "positions": [
            {"id": f"{line[:16]}{one.id[16:]}", "orderLineItemId": line, "quantity": pieces,
             "apiAlias": "order_delivery_position"}
            for line, pieces in one.pieces.items()
        ],
        "createdAt": stamp(one.created),
        "updatedAt": stamp(one.updated),
        "apiAlias": "order_delivery",
    }  # fmt: skip


def _payment(one: Payment) -> Row:
    return {
        "id": one.id,
        "stateMachineState": state(one.state),
        "paymentMethod": named("payment_method", one.id[::-1], one.method, technicalName=one.method),
        "createdAt": stamp(one.created),
        "updatedAt": stamp(one.updated),
        "apiAlias": "order_transaction",
    }


def shipping_method(technical_name: str) -> Row:
    title = technical_name.removeprefix("shipping_").title()
    return named(
        "shipping_method", technical_name.encode().hex()[:32].rjust(32, "0"), title, technicalName=technical_name
    )


def webhook(one: Hook, app: Row | None) -> Row:
    return {
        "id": one.id,
        "name": one.name,
        "eventName": one.event,
        "url": one.url,
        "onlyLiveVersion": True,
        "errorCount": one.errors,
        "active": one.active,
        "appId": app["id"] if app and one.app else None,
        "app": app if one.app else None,
        "apiAlias": "webhook",
    }
