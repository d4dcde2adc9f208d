"""Reporting pickups back: the fulfilment's state, one step at a time, each for the version it was read with."""

from __future__ import annotations

from typing import Any

from omnisync.adapters.base import News, Outcome, Published
from omnisync.adapters.square.wire import Json, Rejected, Wire

LADDER = ("PROPOSED", "RESERVED", "PREPARED", "COMPLETED")
TARGETS = {"ready": "PREPARED", "collected": "COMPLETED", "cancelled": "CANCELED", "expired": "CANCELED"}
ENDED = frozenset({"COMPLETED", "CANCELED", "FAILED"})
STALE = ("VERSION_MISMATCH", "CONFLICT")
TRIES = 6
"""Three steps and as many edits of somebody else in between."""
REASONS = {"cancelled": "Cancelled in the store", "expired": "Not collected in time"}


async def tell(wire: Wire, news: News) -> Published:
    """Bring the pickup of an order to where it is with us. Told again, it is there already."""
    for _ in range(TRIES):
        order = await wire.order(news.order_id)
        fate = _settled(order, news)
        if fate or order is None:
            return fate or Published(Outcome.ATTENTION)
        try:
            await wire.update_order(news.order_id, _step(order, news), f"{news.tag}/{order['version']}"[-192:])
        except Rejected as rejected:
            if not rejected.because(*STALE):
                return _attention(rejected.message, "Finish the pickup in Square Point of Sale.")
    return Published(Outcome.TRY_LATER, reason="Somebody edits this order in Square right now.")


def _settled(order: Json | None, news: News) -> Published | None:
    """The fate when nothing is left to do or nothing can be done; None while a step is missing."""
    if order is None:
        return _attention("Square does not know this order.", "Look up the order in Square.")
    pickup = pickup_of(order)
    if pickup is None:
        return _attention("This order has no pickup in Square.", "Finish it in Square Point of Sale.")
    state, target = str(pickup["state"]), TARGETS[news.kind]
    if state == target or (news.kind == "ready" and state == "COMPLETED"):
        return Published(Outcome.APPLIED)
    if state in ENDED:
        return _attention(f"The pickup already ended as {state} in Square.", "Compare the order in Square with ours.")
    if order.get("version") is None:
        return _attention("Square lets only orders made by its API be updated.", "Finish it in Square Point of Sale.")
    return None


def _step(order: Json, news: News) -> Json:
    pickup = pickup_of(order) or {}
    step: dict[str, Any] = {"uid": pickup["uid"], "state": next_state(str(pickup["state"]), TARGETS[news.kind])}
    if news.kind in REASONS:
        step["pickup_details"] = {"cancel_reason": REASONS[news.kind]}
    return {"location_id": order["location_id"], "version": order["version"], "fulfillments": [step]}


def next_state(state: str, target: str) -> str:
    """One rung up the ladder; cancelling leaves it at once."""
    return target if target not in LADDER else LADDER[LADDER.index(state) + 1]


def pickup_of(order: Json) -> Json | None:
    """Its pickup that is still open, else any."""
    pickups = [part for part in order.get("fulfillments") or () if part.get("type") == "PICKUP"]
    still_open = [part for part in pickups if part.get("state") not in ENDED]
    return next(iter(still_open or pickups), None)


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
