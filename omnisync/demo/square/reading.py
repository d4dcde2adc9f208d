"""The simulated Square's endpoints that only read: filters, order and pages as Square documents them."""

from __future__ import annotations

from typing import Any

from omnisync.demo.square.account import Account
from omnisync.demo.square.paging import limit_of, page, time_of, wanted
from omnisync.demo.square.problems import Problem, required
from omnisync.values import EPOCH, parse_time

MOST_LOCATIONS = 10
MOST_ORDERS = 100
CATALOG_PAGE = 100

Body = dict[str, Any]


def locations(account: Account, body: Body, query: dict[str, str]) -> Body:
    merchant = account.seed.merchant_id
    shown = [
        {
            "id": one.id,
            "name": one.name or one.id,
            "status": "ACTIVE",
            "merchant_id": merchant,
            "currency": account.currency,
        }
        for one in account.seed.locations
    ]
    return {"locations": shown}


def catalog_info(account: Account, body: Body, query: dict[str, str]) -> Body:
    return {"limits": {"batch_upsert_max_objects_per_batch": 1000, "batch_upsert_max_total_objects": 10000}}


def list_catalog(account: Account, body: Body, query: dict[str, str]) -> Body:
    """Objects of the types asked for, items with their variations inside."""
    types = query.get("types", "ITEM,ITEM_VARIATION").split(",")
    names = [*(account.catalogue.items if "ITEM" in types else ())]
    names += account.catalogue.variations if "ITEM_VARIATION" in types else ()
    found, cursor = page(
        names,
        lambda name: (EPOCH, name),  # by id alone: objects do not move between pages when they are edited
        cursor=query.get("cursor"),
        limit=CATALOG_PAGE,
        now=account.clock.now(),
    )
    return _paged({"objects": [account.catalogue.find(name) for name in found]}, cursor)


def catalog_objects(account: Account, body: Body, query: dict[str, str]) -> Body:
    found = [account.catalogue.find(name) for name in required(body, "object_ids")]
    return {"objects": [one for one in found if one]}


def inventory_counts(account: Account, body: Body, query: dict[str, str]) -> Body:
    """Newest first; only shelves that somebody has ever counted or moved."""
    since = time_of(body.get("updated_after"), "updated_after")
    rows = [
        (at, count)
        for at, count in account.stock.counts()
        if _fits(body, count) and wanted(body.get("states"), count["state"]) and (since is None or at > since)
    ]
    found, cursor = page(
        rows,
        lambda row: (row[0], f"{row[1]['catalog_object_id']}/{row[1]['location_id']}"),
        cursor=body.get("cursor"),
        limit=limit_of(body, 100),
        now=account.clock.now(),
        newest_first=True,
    )
    return _paged({"counts": [count for _, count in found]}, cursor)


def inventory_changes(account: Account, body: Body, query: dict[str, str]) -> Body:
    """In the order in which they occurred, filtered by when Square learnt of them."""
    since = time_of(body.get("updated_after"), "updated_after")
    before = time_of(body.get("updated_before"), "updated_before")
    rows = [
        entry
        for entry in account.stock.entries()
        if wanted(body.get("types"), entry.change["type"])
        and _fits(body, _inside(entry.change))
        and (since is None or entry.learnt > since)
        and (before is None or entry.learnt < before)
    ]
    found, cursor = page(
        rows,
        lambda entry: (entry.at, str(_inside(entry.change)["id"])),
        cursor=body.get("cursor"),
        limit=limit_of(body, 100),
        now=account.clock.now(),
    )
    return _paged({"changes": [entry.change for entry in found]}, cursor)


def search_orders(account: Account, body: Body, query: dict[str, str]) -> Body:
    """By updated_at or created_at within a range, sorted by the same field."""
    places = required(body, "location_ids")
    if len(places) > MOST_LOCATIONS:
        raise Problem("ARRAY_LENGTH_TOO_LONG", "At most 10 locations.", field="location_ids")
    wish = body.get("query") or {}
    sort = wish.get("sort") or {"sort_field": "CREATED_AT"}
    name = str(sort["sort_field"]).lower()
    ranges = (wish.get("filter") or {}).get("date_time_filter") or {}
    if ranges and list(ranges) != [name]:
        raise Problem("BAD_REQUEST", "Sort by the field that is filtered.", field="query.sort.sort_field")
    between = ranges.get(name) or {}
    start, end = time_of(between.get("start_at"), "start_at"), time_of(between.get("end_at"), "end_at")
    states = ((wish.get("filter") or {}).get("state_filter") or {}).get("states")
    rows = [
        (at, order)
        for order in account.orderbook.orders.values()
        if order["location_id"] in places and order.get(name) and wanted(states, order["state"])
        if (at := parse_time(order[name])) and (start is None or at >= start) and (end is None or at <= end)
    ]
    found, cursor = page(
        rows,
        lambda row: (row[0], row[1]["id"]),
        cursor=body.get("cursor"),
        limit=limit_of(body, 500),
        now=account.clock.now(),
        newest_first=sort.get("sort_order", "DESC") == "DESC",
    )
    return _paged({"orders": [order for _, order in found]}, cursor)


def orders(account: Account, body: Body, query: dict[str, str]) -> Body:
    names = required(body, "order_ids")
    if len(names) > MOST_ORDERS:
        raise Problem("ARRAY_LENGTH_TOO_LONG", "At most 100 orders.", field="order_ids")
    return {"orders": [account.orderbook.orders[name] for name in names if name in account.orderbook.orders]}


def order(account: Account, body: Body, query: dict[str, str]) -> Body:
    return {"order": account.orderbook.find(query["order_id"])}


def webhooks(account: Account, body: Body, query: dict[str, str]) -> Body:
    sleeping = query.get("include_disabled") == "true"
    return {"subscriptions": [one for one in account.events.subscriptions.values() if sleeping or one["enabled"]]}


def _inside(change: Body) -> Body:
    inside: Body = change.get("physical_count") or change["adjustment"]
    return inside


def _fits(body: Body, one: Body) -> bool:
    return wanted(body.get("catalog_object_ids"), one["catalog_object_id"]) and wanted(
        body.get("location_ids"), one["location_id"]
    )


def _paged(answer: Body, cursor: str | None) -> Body:
    return answer if cursor is None else {**answer, "cursor": cursor}
