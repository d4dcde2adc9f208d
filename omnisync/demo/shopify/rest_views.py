"""The shop's things in the words of Shopify's REST API, which are also those of its webhooks."""

from __future__ import annotations

from typing import Any

from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Fulfillment, Line, Location, Order, Refund, Variant
from omnisync.values import format_time

Body = dict[str, Any]


def order(shop: Shop, one: Order) -> Body:
    done = all(line.unfulfilled == 0 for line in one.lines)
    return {
        "id": one.id,
        "admin_graphql_api_id": one.gid,
        "name": one.name,
        "order_number": one.number,
        "created_at": format_time(one.created_at),
        "updated_at": format_time(one.updated_at),
        "processed_at": format_time(one.created_at),
        "cancelled_at": format_time(one.cancelled_at) if one.cancelled_at else None,
        "currency": one.currency,
        "total_price": one.total.decimal(),
        "current_total_price": one.current_total.decimal(),
        "financial_status": one.financial_status.lower(),
        "fulfillment_status": "fulfilled" if done and one.fulfillments else None,
        "location_id": one.retail_location.id if one.retail_location else None,
        "line_items": [line(each) for each in one.lines],
        "fulfillments": [fulfillment(one, each) for each in one.fulfillments],
        "refunds": [refund(one, each) for each in one.refunds],
    }


def line(one: Line) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{one.id}",
        "variant_id": one.variant.id if one.variant else None,
        "product_id": one.variant.product_id if one.variant else None,
        "sku": one.variant.sku if one.variant else "",
        "title": one.title,
        "quantity": one.quantity,
        "current_quantity": one.current,
        "fulfillable_quantity": one.unfulfilled,
        "price": one.price.decimal(),
        "requires_shipping": one.requires_shipping,
    }


def fulfillment(of: Order, one: Fulfillment) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{one.id}",
        "order_id": of.id,
        "status": one.status.lower(),
        "created_at": format_time(one.created_at),
        "location_id": one.location.id,
        "line_items": [{**line(each), "quantity": quantity} for each, quantity in one.lines],
    }


def refund(of: Order, one: Refund) -> Body:
    return {
        "id": one.id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{one.id}",
        "order_id": of.id,
        "created_at": format_time(one.created_at),
        "refund_line_items": [
            {
                "id": each.id,
                "line_item_id": each.line.id,
                "quantity": each.quantity,
                "restock_type": each.restock_type.lower(),
                "location_id": each.location.id if each.location else None,
            }
            for each in one.lines
        ],
    }


def level(one: Variant, place: int) -> Body:
    there = one.levels[place]
    return {
        "inventory_item_id": one.item_id,
        "location_id": place,
        "available": there.available,
        "updated_at": format_time(there.updated_at),
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/{place}?inventory_item_id={one.item_id}",
    }


def product(one: Variant) -> Body:
    return {
        "id": one.product_id,
        "admin_graphql_api_id": f"gid://shopify/Product/{one.product_id}",
        "title": one.title,
        "status": "active",
        "created_at": format_time(one.created_at),
        "variants": [variant(one)],
    }


def variant(one: Variant) -> Body:
    return {
        "id": one.id,
        "product_id": one.product_id,
        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{one.id}",
        "title": "Default Title",
        "sku": one.sku,
        "barcode": one.barcode or None,
        "price": one.price.decimal(),
        "inventory_item_id": one.item_id,
        "inventory_quantity": one.sellable,
        "requires_shipping": one.requires_shipping,
    }


def location(one: Location) -> Body:
    return {"id": one.id, "name": one.name, "active": True, "admin_graphql_api_id": one.gid}
