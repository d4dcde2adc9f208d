"""Orders of Square as facts: cumulative numbers of each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from omnisync.adapters.base import Article, Customer, Fact, OrderLine, OrderSeen, Restock
from omnisync.adapters.square.inventory import fact_key
from omnisync.adapters.square.wire import Json
from omnisync.adapters.square.words import money, unreadable, whole
from omnisync.values import parse_time

NOT_GOODS = frozenset({"CUSTOM_AMOUNT", "GIFT_CARD"})
OVER = frozenset({"CANCELED", "FAILED"})
TOTALS = ("total_money", "total_tax_money", "total_discount_money", "total_tip_money", "total_service_charge_money")


def order_facts(order: Json, returns: Sequence[Json] = (), told_at: datetime | None = None) -> list[Fact]:
    """What an order says now; `returns` are the adjustments that put goods of it back on a shelf.

    Nothing for what is no promise and no sale: drafts, open tabs at the till, and orders that only hold returns.
    """
    if not order.get("line_items") or order.get("state") == "DRAFT":
        return []
    counter = not order.get("fulfillments")
    if counter and order.get("state") != "COMPLETED":
        return []
    facts: list[Fact] = []
    lines: list[OrderLine] = []
    back = _restocks(order["line_items"], returns)
    for item in order["line_items"]:
        try:
            lines.append(_line(order, item, counter, tuple(back.get(item.get("uid"), ()))))
        except ValueError as error:
            facts.append(unreadable(f"order:{order['id']}/{item.get('uid')}", error))
    return [_seen(order, lines, counter, told_at), *facts]


def _seen(order: Json, lines: Sequence[OrderLine], counter: bool, told_at: datetime | None) -> OrderSeen:
    version = parse_time(order.get("updated_at") or order["created_at"])
    due = money(order.get("net_amount_due_money"))
    total = money(order.get("total_money"))
    return OrderSeen(
        id=order["id"],
        reference=order.get("reference_id")
        or order["id"],  # a ticket is named after who comes: there are many of that name
        version=max(version, told_at) if told_at else version,
        placed_at=_left_at(order) if counter else parse_time(order["created_at"]),
        lines=tuple(lines),
        counter=counter,
        pickup=any(part.get("type") == "PICKUP" for part in order.get("fulfillments") or ()),
        paid=due.minor <= 0 if due else bool(order.get("tenders")),
        closed=order.get("state") in ("COMPLETED", "CANCELED"),
        currency=total.currency if total else None,
        totals={name: dict(order[name]) for name in TOTALS if order.get(name)},
        customer=_customer(order),
    )


def _left_at(order: Json) -> datetime:
    """When goods left with the receipt: when it was paid. A tab may be opened hours before that."""
    paid = [parse_time(tender["created_at"]) for tender in order.get("tenders") or () if tender.get("created_at")]
    return max(paid) if paid else parse_time(order.get("closed_at") or order["created_at"])


def _line(order: Json, item: Json, counter: bool, restocks: tuple[Restock, ...]) -> OrderLine:
    quantity = whole(item["quantity"])
    shipped, cancelled = (quantity, 0) if counter else _progress(order, item, quantity)
    title = " ".join(part for part in (item.get("name"), item.get("variation_name")) if part)
    return OrderLine(
        id=item.get("uid") or "",
        article=Article(external_id=item.get("catalog_object_id"), title=title),
        quantity=quantity,
        cancelled=cancelled,
        shipped=shipped,
        restocks=restocks,
        place=order["location_id"],
        unit_price=money(item.get("base_price_money")),
        stocked=item.get("item_type", "ITEM") not in NOT_GOODS,
    )


def _progress(order: Json, item: Json, quantity: int) -> tuple[int, int]:
    """Pieces shipped and pieces cancelled. What is left open when an order closes follows its end."""
    parts = order.get("fulfillments") or ()
    shipped = min(quantity, sum(_share(part, item) for part in parts if part.get("state") == "COMPLETED"))
    cancelled = min(quantity - shipped, sum(_share(part, item) for part in parts if part.get("state") in OVER))
    if order.get("state") == "COMPLETED":
        shipped = quantity - cancelled
    if order.get("state") == "CANCELED":
        cancelled = quantity - shipped
    return shipped, cancelled


def _share(part: Json, item: Json) -> int:
    if part.get("line_item_application", "ALL") == "ALL":
        return whole(item["quantity"])
    entries = part.get("entries") or ()
    return sum(whole(entry["quantity"]) for entry in entries if entry.get("line_item_uid") == item.get("uid"))


def _customer(order: Json) -> Customer | None:
    for part in order.get("fulfillments") or ():
        for details in ("pickup_details", "delivery_details", "shipment_details"):
            recipient = (part.get(details) or {}).get("recipient")
            if recipient:
                return Customer(
                    name=recipient.get("display_name") or "",
                    email=recipient.get("email_address") or "",
                    phone=recipient.get("phone_number") or "",
                )
    return None


def _restocks(items: Iterable[Json], returns: Sequence[Json]) -> dict[Any, list[Restock]]:
    """Adjustments know the article, not the line: lines of an article are filled in their order, the last takes the rest."""
    found: dict[Any, list[Restock]] = {}
    room = {item.get("uid"): item for item in items}
    left: dict[Any, int] = {}
    for uid, item in room.items():
        try:
            left[uid] = whole(item["quantity"])
        except ValueError:
            continue
    for adjustment in sorted(returns, key=lambda one: (parse_time(one["created_at"]), one["id"])):
        uids = [uid for uid in left if room[uid].get("catalog_object_id") == adjustment["catalog_object_id"]]
        pieces = whole(adjustment["quantity"])
        for uid in uids:
            take = pieces if uid == uids[-1] else min(pieces, left[uid])
            if take > 0:
                found.setdefault(uid, []).append(
                    Restock(adjustment["id"], take, adjustment.get("location_id"), fact_key(adjustment))
                )
                left[uid] -= take
                pieces -= take
    return found
