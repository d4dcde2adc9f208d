"""The shop's things as the GraphQL executor reads them: dictionaries in Shopify's words, connections that page by keyset."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import (
    Fulfillment,
    FulfillmentOrder,
    Level,
    Line,
    Location,
    Order,
    Refund,
    Subscription,
    Variant,
)
from omnisync.values import Money, format_time

View = dict[str, Any]
Key = tuple[str, int]
MOST = 250


def gid(kind: str, id: int) -> str:
    return f"gid://shopify/{kind}/{id}"


def connection(rows: Iterable[tuple[Key, Callable[[], View]]]) -> Callable[..., View]:
    """A resolver over rows with their sort keys: `after` is the key of the last row seen, so nothing shifts."""
    ordered = sorted(rows, key=lambda row: row[0])

    def resolve(_info: Any, first: int | None = None, after: str | None = None, **_: Any) -> View:
        if first is None or not 0 < first <= MOST:
            raise GraphQLError(f"you must provide first, between 1 and {MOST}")
        start = _key_of(after) if after else None
        rest = [row for row in ordered if start is None or row[0] > start]
        page = rest[:first]
        cursors = [_cursor(key) for key, _ in page]
        info = {
            "hasNextPage": len(rest) > first,
            "hasPreviousPage": len(rest) < len(ordered),
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }
        return {"nodes": [make() for _, make in page], "pageInfo": info}

    return resolve


def by_id(views: Iterable[View]) -> Callable[..., View]:
    """A connection in the order of the numbers in their ids."""
    return connection((("", int(view["id"].rsplit("/", 1)[-1])), _just(view)) for view in views)


def at_most(views: Sequence[View]) -> Callable[..., list[View]]:
    """A list that is only cut, as Shopify's fulfillments and refunds are."""
    return lambda _info, first=None: list(views[:first])


def money(amount: Money) -> View:
    both = {"amount": amount.decimal(), "currencyCode": amount.currency}
    return {"shopMoney": both, "presentmentMoney": both}


def location(one: Location | None) -> View | None:
    if one is None:
        return None
    return {
        "__typename": "Location",
        "id": one.gid,
        "legacyResourceId": one.id,
        "name": one.name,
        "isActive": True,
        "isFulfillmentService": one.fulfillment_service,
    }


def variant(shop: Shop, one: Variant) -> View:
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", one.id),
        "legacyResourceId": one.id,
        "sku": one.sku,
        "barcode": one.barcode or None,
        "title": "Default Title",
        "displayName": one.title,
        "price": one.price.decimal(),
        "requiresComponents": one.bundle,
        "inventoryQuantity": one.sellable,
        "product": {"__typename": "Product", "id": gid("Product", one.product_id), "title": one.title},
        "inventoryItem": lambda _info: item(shop, one),
        "updatedAt": format_time(one.created_at),
    }


def item(shop: Shop, one: Variant) -> View:
    def level(_info: Any, **args: str) -> View | None:
        place = int(args["locationId"].rsplit("/", 1)[-1])
        return _level(shop, one, place, one.levels[place]) if place in one.levels else None

    return {
        "__typename": "InventoryItem",
        "id": gid("InventoryItem", one.item_id),
        "legacyResourceId": one.item_id,
        "sku": one.sku,
        "tracked": one.tracked,
        "requiresShipping": one.requires_shipping,
        "inventoryLevel": level,
        "variants": by_id([variant(shop, one)]),
    }


def _level(shop: Shop, one: Variant, place: int, level: Level) -> View:
    numbers = {
        "available": level.available,
        "committed": level.committed,
        "on_hand": level.available + level.committed,
    }

    def quantities(_info: Any, names: Sequence[str]) -> list[View]:
        unknown = [name for name in names if name not in numbers]
        if unknown:
            raise GraphQLError(f"unknown quantity names: {', '.join(unknown)}")
        return [
            {"id": f"gid://shopify/InventoryQuantity/{place}?name={name}", "name": name, "quantity": numbers[name]}
            for name in names
        ]

    return {
        "__typename": "InventoryLevel",
        "id": f"gid://shopify/InventoryLevel/{place}?inventory_item_id={one.item_id}",
        "updatedAt": format_time(level.updated_at),
        "location": location(shop.locations[place]),
        "item": lambda _info: item(shop, one),
        "quantities": quantities,
    }


def order(shop: Shop, one: Order) -> View:
    return {
        "__typename": "Order",
        "id": one.gid,
        "legacyResourceId": one.id,
        "name": one.name,
        "createdAt": format_time(one.created_at),
        "updatedAt": format_time(one.updated_at),
        "processedAt": format_time(one.created_at),
        "cancelledAt": format_time(one.cancelled_at) if one.cancelled_at else None,
        "closed": one.closed,
        "currencyCode": one.currency,
        "displayFinancialStatus": one.financial_status,
        "displayFulfillmentStatus": _fulfillment_status(one),
        "customerLocale": "de",
        "customer": {"__typename": "Customer", "id": gid("Customer", one.id), "displayName": one.buyer},
        "retailLocation": location(one.retail_location),
        "totalPriceSet": money(one.total),
        "currentTotalPriceSet": money(one.current_total),
        "lineItems": by_id([line(shop, each) for each in one.lines]),
        "fulfillments": at_most([fulfillment(shop, each) for each in one.fulfillments]),
        "refunds": at_most([refund(shop, each) for each in one.refunds]),
        "fulfillmentOrders": by_id([fulfillment_order(shop, each) for each in one.fulfillment_orders]),
    }


def line(shop: Shop, one: Line) -> View:
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", one.id),
        "title": one.title,
        "sku": one.variant.sku if one.variant else None,
        "quantity": one.quantity,
        "currentQuantity": one.current,
        "unfulfilledQuantity": one.unfulfilled,
        "requiresShipping": one.requires_shipping,
        "isGiftCard": bool(one.variant and one.variant.gift_card),
        "variant": variant(shop, one.variant) if one.variant else None,
        "discountedUnitPriceSet": money(one.price),
        "originalUnitPriceSet": money(one.price),
    }


def fulfillment(shop: Shop, one: Fulfillment) -> View:
    lines = [
        {"id": gid("FulfillmentLineItem", each.id), "quantity": quantity, "lineItem": line(shop, each)}
        for each, quantity in one.lines
    ]
    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", one.id),
        "status": one.status,
        "displayStatus": one.display,
        "createdAt": format_time(one.created_at),
        "location": location(one.location),
        "fulfillmentLineItems": by_id(lines),
    }


def refund(shop: Shop, one: Refund) -> View:
    lines = [
        {
            "id": gid("RefundLineItem", each.id),
            "quantity": each.quantity,
            "restockType": each.restock_type,
            "restocked": each.restock_type != "NO_RESTOCK",
            "location": location(each.location),
            "lineItem": line(shop, each.line),
        }
        for each in one.lines
    ]
    return {
        "__typename": "Refund",
        "id": gid("Refund", one.id),
        "createdAt": format_time(one.created_at),
        "refundLineItems": by_id(lines),
    }


def fulfillment_order(shop: Shop, one: FulfillmentOrder) -> View:
    parts = [
        {
            "id": gid("FulfillmentOrderLineItem", part.id),
            "totalQuantity": part.total,
            "remainingQuantity": part.remaining,
            "lineItem": line(shop, part.line),
        }
        for part in one.parts
    ]
    return {
        "__typename": "FulfillmentOrder",
        "id": gid("FulfillmentOrder", one.id),
        "status": one.status,
        "deliveryMethod": {"id": gid("DeliveryMethod", one.id), "methodType": one.method},
        "assignedLocation": {"name": one.location.name, "location": location(one.location)},
        "lineItems": by_id(parts),
    }


def subscription(one: Subscription) -> View:
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", one.id),
        "topic": one.topic.upper().replace("/", "_"),
        "uri": one.url,
        "format": "JSON",
        "createdAt": format_time(one.created_at),
    }


def _fulfillment_status(one: Order) -> str:
    done = sum(each.fulfilled for each in one.lines)
    if not done:
        return "UNFULFILLED"
    return "FULFILLED" if all(each.unfulfilled == 0 for each in one.lines) else "PARTIALLY_FULFILLED"


def _just(view: View) -> Callable[[], View]:
    return lambda: view


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}|{key[1]}".encode()).decode()


def _key_of(cursor: str) -> Key:
    try:
        text, _, number = base64.urlsafe_b64decode(cursor).decode().rpartition("|")
        return text, int(number)
    except ValueError as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error


NODES: Mapping[str, Callable[[Shop, int], View | None]] = {
    "ProductVariant": lambda shop, id: variant(shop, shop.variants[id]) if id in shop.variants else None,
    "InventoryItem": lambda shop, id: item(shop, one) if (one := shop.item(id)) else None,
    "Location": lambda shop, id: location(shop.locations.get(id)),
    "Order": lambda shop, id: order(shop, shop.orders[id]) if id in shop.orders else None,
    "Fulfillment": lambda shop, id: _part(shop, id, "fulfillments", fulfillment),
    "Refund": lambda shop, id: _part(shop, id, "refunds", refund),
    "FulfillmentOrder": lambda shop, id: _part(shop, id, "fulfillment_orders", fulfillment_order),
}


def node(shop: Shop, id: str) -> View | None:
    """Whatever a global id names; an error when it names no kind we know."""
    kind, _, number = id.removeprefix("gid://shopify/").partition("/")
    if kind not in NODES or not number.isdecimal():
        raise GraphQLError(f"Invalid global id '{id}'")
    return NODES[kind](shop, int(number))


def _part(shop: Shop, id: int, parts: str, view: Callable[[Shop, Any], View]) -> View | None:
    found = (each for one in shop.orders.values() for each in getattr(one, parts) if each.id == id)
    part = next(found, None)
    return view(shop, part) if part else None
