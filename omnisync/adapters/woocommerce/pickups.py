"""Reporting pickups back. WooCommerce knows no pickup desk: an order's status and a note to its buyer have to do."""

from __future__ import annotations

from collections import Counter
from typing import Any

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.woocommerce.publishing import APPLIED
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import Json, Wire, message_of

ENDED = frozenset({"completed", "cancelled", "refunded", "failed", "trash"})
UNPAID = frozenset({"pending", "on-hold"})


class Pickups:
    """The pickup orders of one shop."""

    def __init__(self, wire: Wire, settings: ShopSettings) -> None:
        self._wire, self._settings = wire, settings
        self._say = {
            "ready": self._ready,
            "collected": self._collected,
            "cancelled": self._ended,
            "expired": self._ended,
        }

    async def tell(self, news: News) -> Published:
        """Read the order, and change what is not so yet: told again, nothing is left to do."""
        order = await self._wire.get(f"orders/{news.order_id}")
        if order is None:
            return _attention("The shop does not know this order.", "Look for the order in the shop.")
        return await self._say[news.kind](news, order)

    async def _ready(self, news: News, order: Json) -> Published:
        """A plugin's status writes to the buyer by itself; else a note does, and only when the shop is the one who shall."""
        status, note = self._settings.ready_status, self._settings.ready_note
        if order["status"] in ENDED or order["status"] == status:
            return APPLIED
        if status:
            return await self._become(order, status)
        if not (news.notify_customer and note):
            return APPLIED
        told = await self._wire.page(f"orders/{order['id']}/notes", type="customer")
        if any(one["note"] == note for one in told):
            return APPLIED
        body = {"note": note, "customer_note": True}
        return _judge(await self._wire.call("POST", f"orders/{order['id']}/notes", body=body))

    async def _collected(self, news: News, order: Json) -> Published:
        """The order as a whole is completed, or not at all: WooCommerce knows no part of one."""
        if order["status"] == "completed":
            return APPLIED
        if order["status"] in ENDED:
            return _attention(f"It was fetched, but is {order['status']} in the shop.", "Set it right in the shop.")
        missing = await self._still_waiting(news, order)
        if missing > 0:
            return _attention(
                f"A part of {news.reference} was fetched, {missing} pieces were not.",
                "Refund in the shop what nobody will fetch; when the rest is fetched, the order is completed there.",
            )
        return await self._become(order, "completed")

    async def _still_waiting(self, news: News, order: Json) -> int:
        fetched = Counter(dict(news.lines))
        ordered = Counter({str(line["id"]): int(line["quantity"]) for line in order["line_items"]})
        if not (ordered - fetched):
            return 0
        refunds = await self._wire.all_pages(f"orders/{order['id']}/refunds") if order.get("refunds") else []
        for node in (node for refund in refunds for node in refund["line_items"]):
            ids = [str(meta["value"]) for meta in node["meta_data"] if meta["key"] == "_refunded_item_id"]
            ordered.subtract({id: abs(int(node["quantity"])) for id in ids})
        return (ordered - fetched).total()

    async def _ended(self, news: News, order: Json) -> Published:
        """Nobody has paid: it is cancelled. Money that was paid is not ours to give back: a person does, and this is found done."""
        if order["status"] in ENDED:
            return APPLIED
        if order["status"] in {*UNPAID, *self._settings.unpaid_statuses} and not order.get("date_paid_gmt"):
            return await self._become(order, "cancelled")
        return _attention(
            f"The pickup of {news.reference} has ended ({news.kind}), its order in the shop is still open.",
            "Refund or cancel the order in the shop.",
        )

    async def _become(self, order: Json, status: str) -> Published:
        body: dict[str, Any] = {"status": status}
        return _judge(await self._wire.call("PUT", f"orders/{order['id']}", body=body))


def _judge(reply: Any) -> Published:
    if reply.status in (200, 201):
        return APPLIED
    return _attention(f"WooCommerce refuses this: {message_of(reply)}", "Finish this pickup in the shop's admin.")


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
