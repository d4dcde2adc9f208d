"""Reports pickups back: ready for pickup, and fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.shopify import documents
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import Places, gid

APPLIED = Published(Outcome.APPLIED)
OPEN = {"OPEN", "IN_PROGRESS", "SCHEDULED"}
ALREADY = {"NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"}
MEND = "Finish this pickup in Shopify's admin."

Node = Mapping[str, Any]


class Pickups:
    """The pickup orders of one shop."""

    def __init__(self, admin: Admin, places: Places) -> None:
        self._admin, self._places = admin, places
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
        return await self._say[news.kind](news, order)

    async def _ready(self, news: News, order: Node) -> Published:
        """Shopify writes to the customer when it hears this: told only when Shopify is the one who shall."""
        if not news.notify_customer:
            return APPLIED
        waiting = [one for one in self._of_pickup(news, order) if _remaining(one)]
        if not waiting:
            return APPLIED if not self._is_open(order) else _nothing_to_do(order)
        prepared = [{"fulfillmentOrderId": one["id"]} for one in waiting]
        answer = await self._admin.run(documents.PREPARED, {"input": {"lineItemsByFulfillmentOrder": prepared}})
        errors = answer["fulfillmentOrderLineItemsPreparedForPickup"]["userErrors"]
        return _judge([error for error in errors if error["code"] not in ALREADY])

    async def _collected(self, news: News, order: Node) -> Published:
        """So many of each line have been fetched so far: what Shopify does not know yet is fulfilled."""
        to_fulfil = [part for part in self._parts(news, order) if part["fulfillmentOrderLineItems"]]
        for part in to_fulfil:
            fulfillment = {"lineItemsByFulfillmentOrder": [part], "notifyCustomer": False}
            answer = await self._admin.run(documents.FULFIL, {"fulfillment": fulfillment})
            judged = _judge(answer["fulfillmentCreate"]["userErrors"])
            if judged is not APPLIED:
                return judged
        return APPLIED

    async def _ended(self, news: News, order: Node) -> Published:
        """Money is not ours to give back: a person cancels or refunds, then this is told again and found done."""
        if order["cancelledAt"] or not self._is_open(order):
            return APPLIED
        return Published(
            Outcome.ATTENTION,
            reason=f"The pickup of {news.reference} has ended ({news.kind}), its order in Shopify is still open.",
            action="Cancel or refund the order in Shopify's admin.",
        )

    def _parts(self, news: News, order: Node) -> Iterator[dict[str, Any]]:
        """What is to be fulfilled, by fulfilment order: the wish minus what each line has had fulfilled already."""
        wanted = dict(news.lines)
        for one in self._of_pickup(news, order):
            lines = []
            for line in one["lineItems"]["nodes"]:
                wish = min(wanted.get(line["lineItem"]["id"], 0), int(line["totalQuantity"]))
                done = int(line["totalQuantity"]) - int(line["remainingQuantity"])
                wanted[line["lineItem"]["id"]] = wanted.get(line["lineItem"]["id"], 0) - wish
                if wish > done:
                    lines.append({"id": line["id"], "quantity": wish - done})
            yield {"fulfillmentOrderId": one["id"], "fulfillmentOrderLineItems": lines}

    def _of_pickup(self, news: News, order: Node) -> list[Node]:
        """Its fulfilment orders at the place where it is fetched; all of them when no place is given."""
        return [
            one
            for one in order["fulfillmentOrders"]["nodes"]
            if one["status"] != "CANCELLED"
            and news.place in (None, self._places.told((one["assignedLocation"] or {}).get("location")))
        ]

    def _is_open(self, order: Node) -> bool:
        return any(one["status"] in OPEN and _remaining(one) for one in order["fulfillmentOrders"]["nodes"])


def _remaining(fulfillment_order: Node) -> int:
    return sum(int(line["remainingQuantity"]) for line in fulfillment_order["lineItems"]["nodes"])


def _nothing_to_do(order: Node) -> Published:
    return Published(Outcome.ATTENTION, reason="Shopify wants this order fetched at another location.", action=MEND)


def _judge(errors: Sequence[Node]) -> Published:
    if not errors:
        return APPLIED
    return Published(Outcome.ATTENTION, reason=f"Shopify: {errors[0]['message']}", action=MEND)
