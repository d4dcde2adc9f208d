"""Shopify's words for orders, places and ids ↔ ours. Plain functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.base import Article, Customer, OrderLine, OrderSeen, Restock
from omnisync.values import Money, parse_time

Node = Mapping[str, Any]

# Prepared goods still wait in the store: Shopify lists them as a fulfilment before anybody has fetched them.
NOT_SENT_STATUS = {"CANCELLED", "ERROR", "FAILURE"}
NOT_SENT_DISPLAY = {"READY_FOR_PICKUP", "CANCELED", "FAILURE"}
DEAD_ASSIGNMENTS = {"CANCELLED"}
SENT_TO_BUYER = {"SHIPPING", "LOCAL", "PICK_UP", "PICKUP_POINT"}
"""Delivery methods of goods that do not leave with the receipt."""
PAID = {"PAID", "PARTIALLY_REFUNDED", "REFUNDED", "AUTHORIZED"}


def gid(kind: str, id: str | int) -> str:
    """Shopify's global id; a bare number becomes one."""
    text = str(id)
    return text if text.startswith("gid://") else f"gid://shopify/{kind}/{text}"


@dataclass(frozen=True, slots=True)
class Places:
    """The location map: Shopify answers with global ids, people may have written bare numbers."""

    keys: Mapping[str, str]
    """Global id -> the key in the map."""

    @classmethod
    def of(cls, places: Mapping[str, str]) -> Places:
        """From the location map of the settings."""
        return cls({gid("Location", key): key for key in places})

    def told(self, location: Node | None) -> str | None:
        """A location as facts name it; one that is not in the map keeps its global id, so that it is seen."""
        if location is None:
            return None
        return self.keys.get(location["id"], location["id"])


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where Shopify wants a line to come from."""

    counts: Counter[str | None] = field(default_factory=Counter)
    foreign: Counter[bool] = field(default_factory=Counter)
    """Pieces at a fulfilment service that is none of our places."""

    @property
    def place(self) -> str | None:
        """The place with most of the pieces; of two with equally many the first by name."""
        return min(self.counts, key=lambda place: (-self.counts[place], place or ""), default=None)

    @property
    def elsewhere(self) -> bool:
        return bool(self.foreign) and not self.foreign[False]


def order_seen(order: Node, places: Places) -> OrderSeen:
    """The order with cumulative numbers, from all its lines, fulfilments, refunds and fulfilment orders."""
    shipped = _shipped(order["fulfillments"])
    refunds = _refunds_by_line(order["refunds"])
    assigned = _assignments(order["fulfillmentOrders"], places)
    methods = {(one.get("deliveryMethod") or {}).get("methodType") for one in order["fulfillmentOrders"]}
    counter = order.get("retailLocation") is not None and not methods & SENT_TO_BUYER
    till = places.told(order.get("retailLocation")) if counter else None
    lines = tuple(
        _line(node, order, shipped[node["id"]], refunds.get(node["id"], ()), assigned.get(node["id"]), till, places)
        for node in order["lineItems"]
    )
    return OrderSeen(
        id=order["id"],
        reference=order["name"],
        version=parse_time(order["updatedAt"]),
        placed_at=parse_time(order["processedAt"] if counter else order["createdAt"]),
        lines=lines,
        counter=counter,
        pickup="PICK_UP" in methods,
        paid=order.get("displayFinancialStatus") in PAID,
        elsewhere=bool(lines) and all(_is_elsewhere(assigned.get(line.id)) for line in lines),
        closed=bool(order["closed"] or order["cancelledAt"]),
        currency=order["currencyCode"],
        totals={
            name: order[name]["shopMoney"] for name in ("totalPriceSet", "currentTotalPriceSet") if order.get(name)
        },
        customer=_customer(order),
    )


def _line(
    node: Node,
    order: Node,
    shipped: int,
    refunds: Sequence[Node],
    assignment: Assignment | None,
    till: str | None,
    places: Places,
) -> OrderLine:
    ordered = int(node["quantity"])
    shipped = min(shipped, ordered)
    return OrderLine(
        id=node["id"],
        article=_article(node),
        quantity=ordered,
        cancelled=_cancelled(node, ordered - shipped, refunds, whole=order["cancelledAt"] is not None),
        shipped=shipped,
        restocks=_restocks(refunds, shipped, places),
        place=till or (assignment.place if assignment else None),
        unit_price=_money(node.get("discountedUnitPriceSet")),
        stocked=_stocked(node) and not _is_elsewhere(assignment),
    )


def _cancelled(node: Node, not_shipped: int, refunds: Sequence[Node], *, whole: bool) -> int:
    """Pieces that will never be sent: of those not shipped, the ones Shopify no longer counts as open.

    Open are at most `unfulfilledQuantity` and at most `currentQuantity`. Fulfilment orders are no witness: they are
    made some time after the order.
    """
    if whole:
        return not_shipped
    still_open = min(int(node["unfulfilledQuantity"]), int(node["currentQuantity"]), not_shipped)
    taken_back = sum(int(refund["quantity"]) for refund in refunds if refund["restockType"] == "CANCEL")
    return min(max(not_shipped - still_open, taken_back), not_shipped)


def _restocks(refunds: Sequence[Node], shipped: int, places: Places) -> tuple[Restock, ...]:
    """Goods that came back: RETURN is said of shipped pieces; CANCEL only frees a promise, NO_RESTOCK moves nothing."""
    left, restocks = shipped, []
    for refund in refunds:
        if refund["restockType"] not in ("RETURN", "LEGACY_RESTOCK") or not refund["restocked"]:
            continue
        back = min(int(refund["quantity"]), left)
        if back > 0:
            restocks.append(Restock(refund["key"], back, places.told(refund.get("location"))))
            left -= back
    return tuple(restocks)


def _stocked(node: Node) -> bool:
    """Shopify keeps no stock of gift cards, of what is never sent (services, tips), of lines typed in at the till."""
    known = node.get("variant") is not None or bool(node.get("sku"))
    return known and node["requiresShipping"] and not node["isGiftCard"]


def _article(node: Node) -> Article:
    variant = node.get("variant") or {}
    return Article(
        external_id=variant.get("id"),
        sku=node.get("sku") or None,
        barcode=variant.get("barcode") or None,
        title=node.get("title") or "",
    )


def _shipped(fulfillments: Iterable[Node]) -> Counter[str]:
    shipped: Counter[str] = Counter()
    for one in fulfillments:
        if one["status"] in NOT_SENT_STATUS or one.get("displayStatus") in NOT_SENT_DISPLAY:
            continue
        for line in one["fulfillmentLineItems"]:
            shipped[line["lineItem"]["id"]] += int(line["quantity"] or 0)
    return shipped


def _refunds_by_line(refunds: Iterable[Node]) -> dict[str, list[Node]]:
    """Refunded pieces by line, each with a key that names it for ever."""
    by_line: dict[str, list[Node]] = {}
    for refund in refunds:
        for number, line in enumerate(refund["refundLineItems"]):
            keyed = {**line, "key": line.get("id") or f"{refund['id']}/{number}"}
            by_line.setdefault(line["lineItem"]["id"], []).append(keyed)
    return by_line


def _assignments(fulfillment_orders: Iterable[Node], places: Places) -> dict[str, Assignment]:
    assigned: dict[str, Assignment] = {}
    for one in fulfillment_orders:
        location = (one["assignedLocation"] or {}).get("location")
        if one["status"] in DEAD_ASSIGNMENTS:
            continue
        foreign = bool(location and location["isFulfillmentService"] and location["id"] not in places.keys)
        for line in one["lineItems"]:
            at = assigned.setdefault(line["lineItem"]["id"], Assignment())
            at.counts[places.told(location)] += int(line["totalQuantity"])
            at.foreign[foreign] += int(line["totalQuantity"])
    return assigned


def _is_elsewhere(assignment: Assignment | None) -> bool:
    return assignment is not None and assignment.elsewhere


def _money(bag: Node | None) -> Money | None:
    if not bag:
        return None
    return Money.parse(str(bag["shopMoney"]["amount"]), bag["shopMoney"]["currencyCode"])


def _customer(order: Node) -> Customer | None:
    customer = Customer(
        name=(order.get("customer") or {}).get("displayName") or "",
        email=order.get("email") or "",
        phone=order.get("phone") or "",
        language=order.get("customerLocale") or "",
    )
    return customer if customer != Customer() else None
