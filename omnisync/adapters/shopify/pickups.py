"""Reports pickups back: ready for pickup, and fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.shopify import documents
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import gid

APPLIED = Published(Outcome.APPLIED)
ENDED = {"CLOSED", "CANCELLED"}
ALREADY = {"NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"}
MEND = "Finish this pickup in Shopify's admin."
ELSEWHERE = Published(
    Outcome.ATTENTION, reason="Shopify wants this order, or a part of it, fetched at another location.", action=MEND
)

Node = Mapping[str, Any]


class Pickups:
    """The pickup orders of one shop."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._say = {
            "ready": self._ready,
            "collected": self._collected,
            "cancelled": self._ended,
            "expired": self._ended,
        }

    async def tell(self, news: Sequence[News]) -> list[Published]:
        """One after the other; each is safe to repeat."""
        return [await self._tell(one) for one in news]

    async def _tell(self, news: News) -> Published:
        order = (await self._admin.run(documents.PICKUP, {"id": gid("Order", news.order_id)}))["order"]
        if order is None:
            return Published(Outcome.ATTENTION, reason="Shopify does not know this order.", action=MEND)
        rest = documents.REST_OF_FULFILLMENT_ORDER
        parts = [
            {**one, "lineItems": await self._admin.all_nodes(one, "lineItems", rest)}
            for one in order["fulfillmentOrders"]["nodes"]
        ]
        return await self._say[news.kind](news, {**order, "fulfillmentOrders": parts})

    async def _ready(self, news: News, order: Node) -> Published:
        """Shopify writes to the customer when it hears this: told only when Shopify is the one who shall."""
        if not news.notify_customer:
            return APPLIED
        pickups = [one for one in order["fulfillmentOrders"] if _method(one) == "PICK_UP"]
        waiting = [one for one in _at(news.place, pickups) if _remaining(one)]
        if not waiting:
            return ELSEWHERE if any(_remaining(one) for one in pickups) else APPLIED
        prepared = [{"fulfillmentOrderId": one["id"]} for one in waiting]
        answer = await self._admin.run(documents.PREPARED, {"input": {"lineItemsByFulfillmentOrder": prepared}})
        errors = answer["fulfillmentOrderLineItemsPreparedForPickup"]["userErrors"]
        return _judge([error for error in errors if error["code"] not in ALREADY])

    async def _collected(self, news: News, order: Node) -> Published:
        """So many of each line have been fetched so far: what Shopify does not know yet is fulfilled."""
        parts, unmet = _parts(news, _at(news.place, order["fulfillmentOrders"]))
        for part in parts:
            fulfillment = {"lineItemsByFulfillmentOrder": [part], "notifyCustomer": False}
            # Never repeated blindly: the next telling sees what became of it.
            answer = await self._admin.run(documents.FULFIL, {"fulfillment": fulfillment}, repeatable=False)
            judged = _judge(answer["fulfillmentCreate"]["userErrors"])
            if judged is not APPLIED:
                return judged
        return ELSEWHERE if unmet else APPLIED

    async def _ended(self, news: News, order: Node) -> Published:
        """Money is not ours to give back: a person cancels or refunds, then this is told again and found done."""
        if order["cancelledAt"] or not any(_remaining(one) for one in order["fulfillmentOrders"]):
            return APPLIED
        return Published(
            Outcome.ATTENTION,
            reason=f"The pickup of {news.reference} has ended ({news.kind}), its order in Shopify is still open.",
            action="Cancel or refund the order in Shopify's admin.",
        )


def _parts(news: News, fulfillment_orders: Sequence[Node]) -> tuple[list[dict[str, Any]], int]:
    """What is to be fulfilled, by fulfilment order, and how many pieces no fulfilment order has.

    Of each line the wish minus what was fulfilled already, so that telling it twice fulfils once.
    """
    wanted, parts = Counter(dict(news.lines)), []
    for one in fulfillment_orders:
        lines = []
        for line in one["lineItems"]:
            id, total, remaining = line["lineItem"]["id"], int(line["totalQuantity"]), int(line["remainingQuantity"])
            wish = min(wanted[id], total)
            wanted[id] -= wish
            missing = min(wish - (total - remaining), remaining)
            if missing > 0:
                lines.append({"id": line["id"], "quantity": missing})
        if lines:
            parts.append({"fulfillmentOrderId": one["id"], "fulfillmentOrderLineItems": lines})
    return parts, wanted.total()


def _at(place: str | None, fulfillment_orders: Sequence[Node]) -> list[Node]:
    """Those that are not cancelled, at the place where the pickup is fetched; at all places when none is given."""
    return [
        one
        for one in fulfillment_orders
        if one["status"] != "CANCELLED" and (place is None or _location(one) == gid("Location", place))
    ]


def _location(fulfillment_order: Node) -> str | None:
    location = (fulfillment_order["assignedLocation"] or {}).get("location")
    return location["id"] if location else None


def _method(fulfillment_order: Node) -> str | None:
    return (fulfillment_order["deliveryMethod"] or {}).get("methodType")


def _remaining(fulfillment_order: Node) -> int:
    if fulfillment_order["status"] in ENDED:
        return 0
    return sum(int(line["remainingQuantity"]) for line in fulfillment_order["lineItems"])


def _judge(errors: Sequence[Node]) -> Published:
    if not errors:
        return APPLIED
    return Published(Outcome.ATTENTION, reason=f"Shopify: {errors[0]['message']}", action=MEND)
