"""The shop's things as WooCommerce's REST API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.demo.woocommerce.things import Hook, Line, Order, Product, Refund
from omnisync.values import Money

SITE_ZONE = ZoneInfo("Europe/Berlin")
WEBHOOK_EVENTS = {"order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"]}


def stamp(moment: datetime) -> str:
    """GMT without a zone, in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def dates(name: str, moment: datetime | None) -> dict[str, str | None]:
    """The same moment twice: by the site's clock, and in GMT."""
    local = None if moment is None else stamp(moment.astimezone(SITE_ZONE))
    return {name: local, f"{name}_gmt": None if moment is None else stamp(moment)}


def product(one: Product, variations: list[int]) -> dict[str, Any]:
    """A product, or a variation asked for as one."""
    shown: dict[str, Any] = {
        "id": one.id,
        "name": one.name,
        **dates("date_created", one.created),
        **dates("date_modified", one.modified),
        "type": one.type,
        "status": "publish",
        "description": "",
        "sku": one.sku,
        "price": one.regular_price,
        "regular_price": one.regular_price,
        "sale_price": "",
        "on_sale": False,
        "purchasable": bool(one.regular_price),
        "virtual": False,
        "tax_status": "taxable",
        "manage_stock": one.manage_stock,
        "stock_quantity": one.stock if one.manage_stock is True else None,
        "stock_status": stock_status(one),
        "backorders": one.backorders,
        "backorders_allowed": one.backorders != "no",
        "backordered": one.backorders != "no" and one.manage_stock is True and one.stock < 0,
        "low_stock_amount": None,
        "parent_id": one.parent_id,
        "meta_data": [],
        "global_unique_id": one.barcode,
    }
    return shown if one.type == "variation" else {**shown, "variations": variations, "attributes": []}


def variation(one: Product) -> dict[str, Any]:
    """A variation as a resource of its product's: it says neither a name of its own nor whose it is."""
    hidden = {"name", "parent_id", "type"}
    return {name: value for name, value in product(one, []).items() if name not in hidden}


def stock_status(one: Product) -> str:
    """WooCommerce derives it where it manages the stock."""
    if one.manage_stock is not True:
        return one.stock_status
    if one.stock > 0:
        return "instock"
    return "outofstock" if one.backorders == "no" else "onbackorder"


def order(one: Order, currency: str) -> dict[str, Any]:
    """An order whole, but for the lines of its refunds."""
    total = sum(line.total.minor + line.tax.minor for line in one.lines) + sum(fee.minor for *_, fee in one.fees)
    tax = sum(line.tax.minor for line in one.lines)
    return {
        "id": one.id,
        "parent_id": 0,
        "status": one.status,
        "currency": currency,
        "version": "9.0.0",
        "prices_include_tax": True,
        **dates("date_created", one.created),
        **dates("date_modified", one.modified),
        **dates("date_completed", one.completed_at),
        **dates("date_paid", one.paid_at),
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "cart_tax": Money(tax, currency).decimal(),
        "total": Money(total, currency).decimal(),
        "total_tax": Money(tax, currency).decimal(),
        "customer_id": 0,
        "order_key": f"wc_order_{one.id}",
        "billing": one.billing,
        "shipping": {},
        "payment_method": "bacs" if one.status == "on-hold" else "card",
        "created_via": "checkout",
        "customer_note": "",
        "number": one.number,
        "meta_data": [],
        "line_items": [_line(line) for line in one.lines],
        "tax_lines": [],
        "shipping_lines": one.shipping,
        "fee_lines": [
            {
                "id": id,
                "name": name,
                "tax_class": "0",
                "tax_status": "none",
                "amount": fee.decimal(),
                "total": fee.decimal(),
                "total_tax": "0.00",
                "taxes": [],
                "meta_data": [],
            }
            for id, name, fee in one.fees
        ],
        "coupon_lines": [],
        "refunds": [
            {"id": refund.id, "reason": refund.reason, "total": f"-{refund.amount.decimal()}"} for refund in one.refunds
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    kept = (("_reduced_stock", line.reduced), ("_restock_refunded_items", line.restocked))
    parent = line.product.parent_id
    return {
        "id": line.id,
        "name": line.product.name,
        "product_id": parent or line.product.id,
        "variation_id": line.product.id if parent else 0,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": line.total.decimal(),
        "subtotal_tax": line.tax.decimal(),
        "total": line.total.decimal(),
        "total_tax": line.tax.decimal(),
        "taxes": [],
        "meta_data": [
            {
                "id": line.id * 10 + number,
                "key": key,
                "value": str(value),
                "display_key": key,
                "display_value": str(value),
            }
            for number, (key, value) in enumerate(kept)
            if value
        ],
        "sku": line.product.sku,
        "price": float(line.total.decimal()) / line.quantity,
        "parent_name": None,
    }


def refund(one: Refund, of: Order) -> dict[str, Any]:
    """With its pieces below zero, each naming its line in the meta data."""
    lines = [line for line in of.lines if line.id in one.pieces]
    return {
        "id": one.id,
        **dates("date_created", one.created),
        "amount": one.amount.decimal(),
        "reason": one.reason,
        "refunded_by": 1,
        "refunded_payment": False,
        "meta_data": [],
        "line_items": [
            {
                **_line(line),
                "id": one.id * 100 + number,
                "quantity": -one.pieces[line.id],
                "meta_data": [
                    {"id": 1, "key": "_refunded_item_id", "value": str(line.id)},
                ],
            }
            for number, line in enumerate(lines)
        ],
    }


def webhook(one: Hook) -> dict[str, Any]:
    """Without its secret, which WooCommerce shows to nobody."""
    resource, event = one.topic.split(".")
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "topic": one.topic,
        "resource": resource,
        "event": event,
        "hooks": WEBHOOK_EVENTS.get(one.topic, [f"woocommerce_{event}_{resource}"]),
        "delivery_url": one.url,
        **dates("date_created", one.created),
        **dates("date_modified", one.modified),
    }
