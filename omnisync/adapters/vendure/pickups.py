"""Tells the shop what became of its pickup orders: packed, handed over, ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.vendure import documents
from omnisync.adapters.vendure.admin import Admin, Declined
from omnisync.adapters.vendure.mapping import Json, pieces_in
from omnisync.adapters.vendure.pulling import Orders

HANDLER = "manual-fulfillment"
HERE = ("Created", "Pending", "Shipped", "Delivered")
APPLIED = Published(Outcome.APPLIED)


class Pickups:
    """Reports pickups of one shop; every report looks first at what the shop knows already."""

    def __init__(self, admin: Admin, orders: Orders) -> None:
        self._admin, self._orders = admin, orders

    async def tell(self, news: Sequence[News]) -> list[Published]:
        return [await self._tell(one) for one in news]

    async def _tell(self, news: News) -> Published:
        orders = await self._orders.by_id(news.order_id)
        if not orders:
            return _attention(f"The shop has no order {news.reference}.", "Look for it in the shop.")
        try:
            match news.kind:
                case "ready":
                    await self._pack(news, orders[0])
                case "collected":
                    return await self._hand_over(news, orders[0])
                case "cancelled" | "expired":
                    return await self._end(news, orders[0])
        except Declined as error:
            return _attention(error.message, "Finish this order in the shop's dashboard.")
        return APPLIED

    async def _pack(self, news: News, order: Json) -> list[Json]:
        """A fulfilment for what stands in none yet; those that were just made."""
        packed = pieces_in(order, HERE)
        left = {line["id"]: int(line["quantity"]) for line in order["lines"]}
        lacking = {id: min(pieces, left.get(id, 0)) - packed[id] for id, pieces in news.lines}
        lines = [{"orderLineId": id, "quantity": pieces} for id, pieces in lacking.items() if pieces > 0]
        if not lines:
            return []
        handler = {"code": HANDLER, "arguments": [{"name": "method", "value": "Pickup"}]}
        return [await self._do(documents.PACK, {"input": {"lines": lines, "handler": handler}})]

    async def _hand_over(self, news: News, order: Json) -> Published:
        if pieces_in(order, HERE) - Counter(dict(news.lines)):
            return _attention(
                f"Of {news.reference} fewer pieces were fetched than the shop has packed.",
                "Cancel the fulfilment in the shop's dashboard, pack what was fetched, and cancel and refund the rest.",
            )
        for parcel in [*(order["fulfillments"] or ()), *await self._pack(news, order)]:
            while steps := [step for step in ("Delivered", "Shipped") if step in parcel["nextStates"]]:
                parcel = await self._do(documents.ADVANCE, {"id": parcel["id"], "state": steps[0]})
        return APPLIED

    async def _end(self, news: News, order: Json) -> Published:
        """An order that was paid is a person's to cancel: the money must go back with it."""
        if order["state"] == "Cancelled" or not any(line["quantity"] for line in order["lines"]):
            return APPLIED
        if _kept_money(order) > 0:
            return _attention(
                f"The pickup of {news.reference} has ended ({news.kind}), its order in the shop is still open and paid.",
                "Cancel and refund the order in the shop's dashboard.",
            )
        wish = {"orderId": order["id"], "cancelShipping": True, "reason": f"pickup {news.kind}"}
        await self._do(documents.CANCEL, {"input": wish})
        return APPLIED

    async def _do(self, document: str, variables: dict[str, Any]) -> Json:
        """What one mutation made. Declined when the shop answers with one of its error results."""
        [answer] = (await self._admin.run(document, variables, repeatable=False)).values()
        if "errorCode" in answer:
            raise Declined(str(answer["message"]), action="Look at the shop's message.", code=str(answer["errorCode"]))
        return dict(answer)


def _kept_money(order: Json) -> int:
    payments = [one for one in order["payments"] or () if one["state"] == "Settled"]
    refunds = [one for payment in payments for one in payment["refunds"] if one["state"] != "Failed"]
    return sum(int(one["amount"]) for one in payments) - sum(int(one["total"]) for one in refunds)


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
