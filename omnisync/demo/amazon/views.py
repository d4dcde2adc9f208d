"""The account's things as Amazon writes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from omnisync.demo.amazon.things import Feed, Line, Offer, Order
from omnisync.values import Money, format_time

V0_STATUS = {
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
}


def money(amount: Money) -> dict[str, str]:
    return {"amount": amount.decimal(), "currencyCode": amount.currency}


def item(offer: Offer, included: Collection[str], marketplace: str) -> dict[str, Any]:
    """A listing, with the data sets that were asked for."""
    code = "AMAZON_EU" if offer.by_amazon else "DEFAULT"
    sets = {
        "summaries": [
            {
                "marketplaceId": marketplace,
                "asin": offer.asin,
                "productType": offer.product_type,
                "conditionType": "new_new",
                "status": ["BUYABLE", "DISCOVERABLE"] if offer.quantity else ["DISCOVERABLE"],
                "itemName": offer.title,
                "createdDate": format_time(offer.created),
                "lastUpdatedDate": format_time(offer.created),
            }
        ],
        "attributes": offer.attributes,
        "issues": [],
        "offers": [
            {
                "marketplaceId": marketplace,
                "offerType": "B2C",
                "price": money(offer.price),
                "audience": {"value": "ALL"},
            }
        ],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": code, "quantity": offer.quantity}],
        "productTypes": [{"marketplaceId": marketplace, "productType": offer.product_type}],
    }
    return {"sku": offer.sku, **{name: value for name, value in sets.items() if name in included}}


def order(order: Order, included: Collection[str], marketplace: str) -> dict[str, Any]:
    """An order (2026-01-01); a pending one tells no amounts."""
    told: dict[str, Any] = {
        "orderId": order.id,
        "createdTime": format_time(order.created),
        "lastUpdatedTime": format_time(order.updated),
        "programs": ["IN_STORE_PICK_UP"] if order.store else [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": marketplace, "marketplaceName": "Amazon.de"},
        "orderItems": [_line(one, order, included) for one in order.lines],
    }
    if "BUYER" in included:
        told["buyer"] = {"buyerName": "Erika Mustermann", "buyerEmail": "x@marketplace.amazon.de"}
    if "PROCEEDS" in included and order.paid:
        total = sum(one.price.minor * one.quantity for one in order.lines if not one.cancelled)
        told["proceeds"] = {"grandTotal": money(Money(total, order.lines[0].price.currency))}
    if "FULFILLMENT" in included:
        told["fulfillment"] = {
            "fulfillmentStatus": order.status,
            "fulfilledBy": "AMAZON" if order.by_amazon else "MERCHANT",
            "fulfillmentServiceLevel": "STANDARD",
        }
    return told


def _line(one: Line, order: Order, included: Collection[str]) -> dict[str, Any]:
    gone = one.cancelled or order.cancelled
    product: dict[str, Any] = {"asin": one.offer.asin, "title": one.offer.title, "sellerSku": one.offer.sku}
    if order.paid:
        product["price"] = {"unitPrice": money(one.price)}
    told: dict[str, Any] = {"orderItemId": one.id, "quantityOrdered": one.quantity, "product": product}
    if "FULFILLMENT" in included:
        open_ = 0 if gone else one.quantity - one.shipped
        told["fulfillment"] = {"quantityFulfilled": one.shipped, "quantityUnfulfilled": open_}
    if "CANCELLATION" in included and gone:
        told["cancellation"] = {"cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": "NoInventory"}}
    return told


def v0_item(one: Line, order: Order) -> dict[str, Any]:
    """An item of an order in the older API, which knows its store."""
    told = {
        "ASIN": one.offer.asin,
        "SellerSKU": one.offer.sku,
        "OrderItemId": one.id,
        "Title": one.offer.title,
        "QuantityOrdered": 0 if one.cancelled else one.quantity,
        "QuantityShipped": one.shipped,
    }
    return {**told, "StoreChainStoreId": order.store} if order.store else told


def v0_order(order: Order, marketplace: str) -> dict[str, Any]:
    """An order in the older API."""
    return {
        "AmazonOrderId": order.id,
        "PurchaseDate": format_time(order.created),
        "LastUpdateDate": format_time(order.updated),
        "OrderStatus": V0_STATUS[order.status],
        "FulfillmentChannel": "AFN" if order.by_amazon else "MFN",
        "MarketplaceId": marketplace,
        "NumberOfItemsShipped": sum(one.shipped for one in order.lines),
        "NumberOfItemsUnshipped": sum(one.quantity - one.shipped for one in order.lines),
        "IsISPU": order.store is not None,
    }


def feed(one: Feed, status: str, marketplace: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "feedId": one.id,
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [marketplace],
        "createdTime": format_time(one.created),
        "processingStatus": status,
    }
    if one.ended:
        told["processingEndTime"] = format_time(one.ended)
    return {**told, "resultFeedDocumentId": one.result} if one.result else told


def summary(offer: Offer) -> dict[str, Any]:
    """What lies of a listing in Amazon's own warehouses."""
    return {
        "asin": offer.asin,
        "fnSku": f"X{offer.asin[1:]}",
        "sellerSku": offer.sku,
        "condition": "NewItem",
        "productName": offer.title,
        "totalQuantity": offer.at_amazon,
        "inventoryDetails": {
            "fulfillableQuantity": offer.at_amazon,
            "inboundWorkingQuantity": 0,
            "inboundShippedQuantity": 0,
            "inboundReceivingQuantity": 0,
        },
    }
