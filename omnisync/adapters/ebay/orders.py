"""eBay's orders in our words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Article, Customer, OrderLine, OrderSeen, Unreadable
from omnisync.values import Money, parse_time

PAID = {"PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED"}
PICKUP = "PREPARE_FOR_PICKUP"
BY_EBAY = "FULFILLED_BY_EBAY"
DIGITAL = "DIGITAL"

Order = Mapping[str, Any]


def is_partly_shipped(order: Order) -> bool:
    """True when only the order's shipping fulfillments tell how many pieces are gone."""
    return any(line.get("lineItemFulfillmentStatus") == "IN_PROGRESS" for line in order.get("lineItems", ()))


def shipped_pieces(fulfillments: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Pieces sent so far, by line item, summed over all packages."""
    pieces: dict[str, int] = {}
    for fulfillment in fulfillments:
        for line in fulfillment.get("lineItems", ()):
            line_id = str(line["lineItemId"])
            pieces[line_id] = pieces.get(line_id, 0) + int(line.get("quantity", 1))
    return pieces


def read(order: Order, shipped: Mapping[str, int]) -> OrderSeen | Unreadable:
    """The order, or why it cannot be understood. `shipped` is needed where `is_partly_shipped`."""
    try:
        return seen(order, shipped)
    except (KeyError, ValueError, TypeError) as error:
        name = str(order.get("orderId", "without id"))
        return Unreadable(
            key=f"order:{name}",
            reason=f"eBay order {name} cannot be read: {error!r}",
            action="Look at this order in Seller Hub; when eBay changed its format, update omnisync and replay.",
        )


def seen(order: Order, shipped: Mapping[str, int]) -> OrderSeen:
    """The order as eBay shows it now. A refund moves no stock, so it stands in the totals alone."""
    steps: Sequence[Order] = order.get("fulfillmentStartInstructions") or ()
    kinds = {step.get("fulfillmentInstructionsType") for step in steps}
    pickup_place = next((step["pickupStep"]["merchantLocationKey"] for step in steps if step.get("pickupStep")), None)
    cancelled = order.get("cancelStatus", {}).get("cancelState") == "CANCELED"
    total = order.get("pricingSummary", {}).get("total", {})
    return OrderSeen(
        id=str(order["orderId"]),
        reference=str(order["orderId"]),
        version=parse_time(order["lastModifiedDate"]),
        placed_at=parse_time(order["creationDate"]),
        lines=tuple(
            _line(line, shipped, cancelled=cancelled, place=pickup_place, stocked=DIGITAL not in kinds)
            for line in order["lineItems"]
        ),
        pickup=PICKUP in kinds or pickup_place is not None,
        paid=order.get("orderPaymentStatus") in PAID,
        elsewhere=BY_EBAY in kinds or _sent_by_ebay(order),
        closed=cancelled or order.get("orderFulfillmentStatus") == "FULFILLED",
        currency=total.get("currency"),
        totals={
            "pricing": order.get("pricingSummary", {}),
            "refunds": order.get("paymentSummary", {}).get("refunds", []),
        },
        customer=_customer(order),
    )


def _sent_by_ebay(order: Order) -> bool:
    program = order.get("program") or {}
    return (program.get("fulfillmentProgram") or {}).get("fulfilledBy") == "EBAY"


def _line(
    line: Mapping[str, Any], shipped: Mapping[str, int], *, cancelled: bool, place: str | None, stocked: bool
) -> OrderLine:
    quantity = int(line["quantity"])
    if quantity < 1:
        raise ValueError(f"line {line['lineItemId']} has the quantity {quantity}")
    done = line.get("lineItemFulfillmentStatus") == "FULFILLED"
    gone = quantity if done else min(quantity, shipped.get(str(line["lineItemId"]), 0))
    return OrderLine(
        id=str(line["lineItemId"]),
        article=article(line),
        quantity=quantity,
        cancelled=quantity - gone if cancelled else 0,
        shipped=gone,
        place=place,
        unit_price=_unit_price(line.get("lineItemCost"), quantity),
        stocked=stocked,
    )


def article(line: Mapping[str, Any]) -> Article:
    """A listing without a SKU is known by its item and variation, so that a person can map it."""
    sku = line.get("sku") or None
    item = "/".join(str(line[key]) for key in ("legacyItemId", "legacyVariationId") if line.get(key))
    return Article(external_id=sku or item or None, sku=sku, title=str(line.get("title", "")))


def _unit_price(cost: Mapping[str, Any] | None, quantity: int) -> Money | None:
    """eBay tells unit price times quantity; None when that does not divide (a price it converted)."""
    if not cost:
        return None
    total = Money.parse(str(cost["value"]), str(cost["currency"]))
    minor, rest = divmod(total.minor, quantity)
    return Money(minor, total.currency) if not rest else None


def _customer(order: Order) -> Customer:
    """The name only: eBay's mail addresses are masked and expire, nobody may write to them."""
    buyer = order.get("buyer") or {}
    contacts = [
        *((step.get("shippingStep") or {}).get("shipTo") for step in order.get("fulfillmentStartInstructions") or ()),
        buyer.get("buyerRegistrationAddress"),
    ]
    named = next((contact["fullName"] for contact in contacts if contact and contact.get("fullName")), None)
    return Customer(name=str(named or buyer.get("username") or ""))
