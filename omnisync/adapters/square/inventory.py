"""Changes and counts of Square's inventory as facts, and which of them orders tell already."""

from __future__ import annotations

from datetime import datetime

from omnisync.adapters.base import Article, Counted, Delivered, Fact, LevelSeen, Sale
from omnisync.adapters.square.wire import Json
from omnisync.adapters.square.words import unreadable, whole
from omnisync.values import Money, parse_time

OURS = "omnisync:"
"""Begins the reference_id of every inventory change that we made ourselves."""
IN_STOCK = "IN_STOCK"
WHY = {
    ("NONE", IN_STOCK): "received",
    (IN_STOCK, "WASTE"): "waste",
    (IN_STOCK, "SOLD"): "sold without a receipt",
    ("SOLD", IN_STOCK): "returned",
    ("RECEIVED_FROM_VENDOR", IN_STOCK): "received from vendor",
}


def adjustment_of(change: Json) -> Json | None:
    return change.get("adjustment") if change.get("type") == "ADJUSTMENT" else None


def body_of(change: Json) -> Json:
    """What is inside a change, whatever its type."""
    return change.get("physical_count") or change.get("adjustment") or {}


def id_of(change: Json) -> str:
    """Square's id of the count or adjustment."""
    return str(body_of(change).get("id", ""))


def fact_key(adjustment: Json) -> str:
    """What an adjustment is called, whether it is told by itself or with the order it belongs to."""
    return f"adjustment:{adjustment['id']}"


def is_ours(change: Json) -> bool:
    """Whether we made this change ourselves: told by its reference, never by its time."""
    return str(body_of(change).get("reference_id") or "").startswith(OURS)


def returned_order(change: Json) -> str | None:
    """The order whose goods this change put back on a shelf, if it says that."""
    adjustment = adjustment_of(change)
    if adjustment is None or adjustment.get("to_state") != IN_STOCK or adjustment.get("from_state") == IN_STOCK:
        return None
    linked = adjustment.get("refund_id") or adjustment.get("from_state") in ("SOLD", "RETURNED_BY_CUSTOMER")
    return adjustment.get("transaction_id") if linked else None


def sold_order(change: Json) -> str | None:
    """The order whose sale this change is."""
    adjustment = adjustment_of(change)
    if adjustment is None or adjustment.get("to_state") not in ("SOLD", "SOLD_ONLINE"):
        return None
    return adjustment.get("transaction_id")


def learnt_late(change: Json, seconds: float) -> bool:
    """Whether Square heard of it that much after it occurred: a till without network sends its sales up to 72 hours later."""
    body = body_of(change)
    if not (body.get("created_at") and body.get("occurred_at")):
        return False
    return (parse_time(body["created_at"]) - parse_time(body["occurred_at"])).total_seconds() > seconds


def learnt_at(change: Json) -> datetime:
    body = body_of(change)
    return parse_time(body.get("created_at") or body["occurred_at"])


def change_fact(change: Json) -> Fact | None:
    """A count or a movement that no order tells. None for what leaves the shelf as it is."""
    body = body_of(change)
    if not body:
        return None
    try:
        return _counted(body) if change["type"] == "PHYSICAL_COUNT" else moved(body)
    except ValueError as error:
        return unreadable(f"change:{body['id']}", error)


def _counted(body: Json) -> Fact | None:
    if body.get("state") != IN_STOCK:
        return None
    return Counted(
        key=f"count:{body['id']}",
        article=Article(external_id=body["catalog_object_id"]),
        quantity=whole(body["quantity"]),
        at=parse_time(body["occurred_at"]),
        place=body["location_id"],
    )


def moved(body: Json) -> Fact | None:
    """An adjustment without an order: goods that came back without a receipt, else goods that came or went."""
    origin, end = str(body.get("from_state")), str(body.get("to_state"))
    sign = (end == IN_STOCK) - (origin == IN_STOCK)
    if not sign:
        return None
    article, at, pieces = (
        Article(external_id=body["catalog_object_id"]),
        parse_time(body["occurred_at"]),
        whole(body["quantity"]),
    )
    if origin in ("UNLINKED_RETURN", "RETURNED_BY_CUSTOMER") or body.get("refund_id"):
        return Sale(fact_key(body), article, -pieces, at, body["location_id"])
    reason = WHY.get((origin, end), f"{origin} to {end}")
    return Delivered(fact_key(body), article, sign * pieces, at, body["location_id"], reason)


def level(count: Json, price: Money | None = None) -> LevelSeen | None:
    """What Square shows; None for fractions, which are weighed goods."""
    try:
        quantity = whole(count["quantity"])
    except ValueError:
        return None
    at = count.get("calculated_at")
    return LevelSeen(
        article=Article(external_id=count["catalog_object_id"]),
        quantity=quantity,
        place=count["location_id"],
        at=parse_time(at) if at else None,
        version=at,
        price=price,
    )
