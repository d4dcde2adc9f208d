"""The account's things in eBay's own words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from omnisync.demo.ebay.shop import Line, Offer, Order, Package, Refusal
from omnisync.values import Money

MARKETPLACE = "EBAY_DE"
API = "https://api.ebay.com"
DELIVERY = timedelta(days=3)

Json = dict[str, Any]


def instant(moment: datetime) -> str:
    """eBay's timestamps: UTC, milliseconds, Z."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def amount(money: Money) -> Json:
    return {"value": money.decimal(), "currency": money.currency}


def errors(*refusals: Refusal) -> Json:
    """eBay's error envelope."""
    return {
        "errors": [
            {
                "errorId": one.error_id,
                "domain": one.domain,
                "category": "REQUEST",
                "message": one.message,
                "longMessage": one.message,
            }
            for one in refusals
        ]
    }


def inventory_item(offer: Offer) -> Json:
    return {
        "sku": offer.sku,
        "locale": "de_DE",
        "condition": "NEW",
        "product": {"title": offer.title, "ean": [offer.barcode or "Does not apply"]},
        "availability": {"shipToLocationAvailability": {"quantity": offer.home_quantity}},
    }


def offer_details(offer: Offer) -> Json:
    said: Json = {
        "offerId": offer.offer_id,
        "sku": offer.sku,
        "marketplaceId": MARKETPLACE,
        "format": "FIXED_PRICE",
        "availableQuantity": offer.own_quantity,
        "pricingSummary": {"price": amount(offer.price)},
        "merchantLocationKey": offer.place,
        "status": "PUBLISHED" if offer.published else "UNPUBLISHED",
    }
    if offer.published:
        standing = "ACTIVE" if offer.shown else "OUT_OF_STOCK"
        said["listing"] = {"listingId": offer.listing_id, "listingStatus": standing, "soldQuantity": offer.sold}
    return said


def order(one: Order) -> Json:
    """The whole order, as getOrder tells it."""
    total = Money(sum(line.cost.minor for line in one.lines), one.lines[0].cost.currency)
    gone = [one.gone(line) for line in one.lines]
    return {
        "orderId": one.id,
        "creationDate": instant(one.created),
        "lastModifiedDate": instant(one.modified),
        "orderFulfillmentStatus": _fulfillment(sum(gone), sum(line.quantity for line in one.lines)),
        "orderPaymentStatus": _payment(one, total),
        "sellerId": "simulated_seller",
        "buyer": {"username": one.buyer},
        "pricingSummary": {
            "priceSubtotal": amount(total),
            "deliveryCost": amount(Money(0, total.currency)),
            "total": amount(total),
        },
        "cancelStatus": _cancel(one),
        "paymentSummary": {
            "totalDueSeller": amount(total),
            "refunds": [_refund(*refund) for refund in one.refunds],
            "payments": [{"paymentMethod": "EBAY", "amount": amount(total), "paymentStatus": "PAID"}],
        },
        "fulfillmentStartInstructions": [_instruction(one)],
        "fulfillmentHrefs": [
            f"{API}/sell/fulfillment/v1/order/{one.id}/shipping_fulfillment/{p.id}" for p in one.packages
        ],
        "lineItems": [_line(one, line) for line in one.lines],
        **({"program": {"fulfillmentProgram": {"fulfilledBy": "EBAY"}}} if one.by_ebay else {}),
    }


def _fulfillment(gone: int, ordered: int) -> str:
    return "FULFILLED" if gone >= ordered else "IN_PROGRESS" if gone else "NOT_STARTED"


def _payment(one: Order, total: Money) -> str:
    back = sum(money.minor for _, money, _ in one.refunds)
    return "PAID" if not back else "FULLY_REFUNDED" if back >= total.minor else "PARTIALLY_REFUNDED"


def _cancel(one: Order) -> Json:
    if one.cancelled is None:
        return {"cancelState": "NONE_REQUESTED", "cancelRequests": []}
    return {"cancelState": "CANCELED", "cancelledDate": instant(one.cancelled), "cancelRequests": []}


def _refund(refund_id: str, money: Money, at: datetime) -> Json:
    return {"refundId": refund_id, "amount": amount(money), "refundDate": instant(at), "refundStatus": "REFUNDED"}


def _instruction(one: Order) -> Json:
    if one.pickup_place is not None:
        return {
            "fulfillmentInstructionsType": "PREPARE_FOR_PICKUP",
            "pickupStep": {"merchantLocationKey": one.pickup_place},
        }
    kind = "FULFILLED_BY_EBAY" if one.by_ebay else "SHIP_TO"
    address = {"addressLine1": "Musterweg 1", "city": "Berlin", "postalCode": "10115", "countryCode": "DE"}
    return {
        "fulfillmentInstructionsType": kind,
        "maxEstimatedDeliveryDate": instant(one.created + DELIVERY),
        "shippingStep": {"shipTo": {"fullName": one.name, "contactAddress": address}, "shippingCarrierCode": "DHL"},
    }


def _line(one: Order, line: Line) -> Json:
    return {
        "lineItemId": line.id,
        "legacyItemId": line.offer.listing_id,
        "sku": line.offer.sku,
        "title": line.offer.title,
        "lineItemCost": amount(line.cost),
        "quantity": line.quantity,
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": MARKETPLACE,
        "purchaseMarketplaceId": MARKETPLACE,
        "lineItemFulfillmentStatus": _fulfillment(one.gone(line), line.quantity),
        "total": amount(line.cost),
        "refunds": [],
    }


def package(one: Package) -> Json:
    label = {"shippingCarrierCode": one.carrier, "shipmentTrackingNumber": one.tracking} if one.tracking else {}
    lines = [{"lineItemId": line_id, "quantity": quantity} for line_id, quantity in one.pieces.items()]
    return {"fulfillmentId": one.id, "lineItems": lines, "shippedDate": instant(one.at), **label}


def page(
    path: str, rows: Sequence[Json], *, name: str, total: int, limit: int, offset: int, step: int, **query: str
) -> Json:
    """A page in eBay's envelope; `step` is what the next page adds to the offset, 0 when there is none."""

    def href(at: int) -> str:
        return f"{API}{path}?{urlencode({**query, 'limit': limit, 'offset': at})}"

    said: Json = {"href": href(offset), "total": total, "limit": limit, name: list(rows)}
    return said | ({"next": href(offset + step)} if step else {})


def rate_limits(used: Mapping[str, int], limits: Mapping[str, int], reset: datetime) -> Json:
    """The day's call limits, one resource an API."""
    return {
        "rateLimits": [
            {
                "apiContext": "sell",
                "apiName": name,
                "apiVersion": "v1",
                "resources": [{"name": f"sell.{name}", "rates": [_rate(limit, used.get(name, 0), reset)]}],
            }
            for name, limit in limits.items()
        ]
    }


def _rate(limit: int, used: int, reset: datetime) -> Json:
    return {"limit": limit, "remaining": max(0, limit - used), "reset": instant(reset), "timeWindow": 86_400}
