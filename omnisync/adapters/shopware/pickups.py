"""Reporting pickups back: transitions of the order's delivery, which the shop takes twice without harm."""

from __future__ import annotations

from collections import Counter

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.shopware.orders import ASSOCIATIONS, INCLUDES, deliveries_of, is_paid, state_of
from omnisync.adapters.shopware.publishing import APPLIED
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import Json, Wire, errors_of, in_words

GONE = frozenset({"shipped", "returned", "returned_partially"})
ENDED = frozenset({"completed", "cancelled"})


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
        """Read the order, and move what is not there yet: told again, nothing is left to do."""
        found = await self._wire.by_ids("order", [news.order_id], {"associations": ASSOCIATIONS, "includes": INCLUDES})
        if not found:
            return _attention("The shop does not know this order.", "Look for the order in the shop.")
        return await self._say[news.kind](news, found[0])

    async def _ready(self, news: News, order: Json) -> Published:
        """A plugin's state of the delivery; without one the order is being processed, which is as much as Shopware can say."""
        waiting = [one for one in _told(order, news) if state_of(one) == "open"]
        if state_of(order) in ENDED or not waiting:
            return APPLIED
        if self._settings.ready_transition is not None:
            return await self._move("order_delivery", waiting, self._settings.ready_transition, news)
        return await self._move("order", [order], "process", news) if state_of(order) == "open" else APPLIED

    async def _collected(self, news: News, order: Json) -> Published:
        """A delivery is shipped when all of it was fetched, and shipped in part until then."""
        moved = APPLIED
        if state_of(order) == "cancelled":
            return _attention("It was fetched, but is cancelled in the shop.", "Set it right in the shop.")
        for delivery in _told(order, news):
            if state_of(delivery) in GONE:
                continue
            if state_of(delivery) == "cancelled":
                return _attention("It was fetched, but its delivery is cancelled.", "Set it right in the shop.")
            whole = _is_whole(delivery, order, news)
            if whole or state_of(delivery) != "shipped_partially":
                moved = await self._move("order_delivery", [delivery], "ship" if whole else "ship_partially", news)
            if moved.outcome is not Outcome.APPLIED:
                return moved
        return moved

    async def _ended(self, news: News, order: Json) -> Published:
        """Nobody has paid: it is cancelled. Money that was paid is not ours to give back: a person does, and this is found done."""
        if state_of(order) in ENDED:
            return APPLIED
        if not is_paid(order):
            return await self._move("order", [order], "cancel", news)
        return _attention(
            f"The pickup of {news.reference} has ended ({news.kind}), its order in the shop is still open.",
            "Refund and cancel the order in the shop.",
        )

    async def _move(self, entity: str, things: list[Json], transition: str, news: News) -> Published:
        """The shop writes to the buyer by itself, unless it is told not to."""
        for thing in things:
            path = f"_action/{entity}/{thing['id']}/state/{transition}"
            reply = await self._wire.call("POST", path, body={"sendMail": news.notify_customer})
            if reply.status not in (200, 204):
                said = in_words(errors_of(reply), reply.status)
                return _attention(f"Shopware refuses this: {said}", "Finish this pickup in the shop's administration.")
        return APPLIED


def _told(order: Json, news: News) -> list[Json]:
    """The deliveries that carry what the news are about."""
    ids = {line for line, _ in news.lines}
    return [one for one in deliveries_of(order) if ids & {str(part["orderLineItemId"]) for part in one["positions"]}]


def _is_whole(delivery: Json, order: Json, news: News) -> bool:
    """Whether each piece that it carries was fetched."""
    fetched = Counter(dict(news.lines))
    ordered = {str(line["id"]): int(line["quantity"]) for line in order["lineItems"] if line["type"] == "product"}
    carried = {str(part["orderLineItemId"]) for part in delivery["positions"]}
    return all(fetched[id] >= pieces for id, pieces in ordered.items() if id in carried)


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
