"""Searches as Shopware makes them: filters on fields of fields, sorting, pages, and only what was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.demo.shopware.problems import problem

Row = dict[str, Any]
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]\d\d:?\d\d)?")
MOST = 500
LINKED: Mapping[str, frozenset[str]] = {
    "product": frozenset({"tax", "options", "children"}),
    "order": frozenset(
        {"stateMachineState", "currency", "orderCustomer", "billingAddress", "lineItems", "deliveries", "transactions"}
    ),
    "order_line_item": frozenset({"product"}),
    "order_delivery": frozenset({"stateMachineState", "shippingMethod", "positions"}),
    "order_transaction": frozenset({"stateMachineState", "paymentMethod"}),
    "webhook": frozenset({"app"}),
}
"""What is only told where the associations name it. (Shopware tells a few of them always: who asks for all misses none.)"""
COMPARE = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


def select(rows: Sequence[Row], criteria: Mapping[str, Any]) -> tuple[list[Row], int]:
    """One page, and the total: of the page unless it shall be counted."""
    limit, page = criteria.get("limit"), int(criteria.get("page", 1))
    if limit is not None and not 1 <= int(limit) <= MOST:
        detail = f"The limit must be a positive integer greater than 0 and not above {MOST}. Given: {limit}"
        raise problem(400, "FRAMEWORK__INVALID_LIMIT_QUERY", "Bad Request", detail)
    found = [row for row in rows if row["id"] in criteria["ids"]] if criteria.get("ids") else list(rows)
    found = [row for row in found if all(_fits(row, one) for one in criteria.get("filter") or ())]
    for one in reversed(criteria.get("sort") or ()):
        found.sort(key=lambda row: _key(row, one["field"]), reverse=one.get("order", "ASC") == "DESC")
    count = len(found)
    if limit is not None:
        found = found[(page - 1) * int(limit) : page * int(limit)]
    return found, count if criteria.get("total-count-mode") in (1, "1", "exact") else len(found)


def shown(value: Any, associations: Mapping[str, Any], includes: Mapping[str, Sequence[str]]) -> Any:
    """A thing without the links that nobody asked for, and with no other fields than those asked for."""
    if isinstance(value, list):
        return [shown(one, associations, includes) for one in value]
    if not isinstance(value, dict) or "apiAlias" not in value:
        return value
    alias = value["apiAlias"]
    linked, wanted = LINKED.get(alias, frozenset()), includes.get(alias)
    kept = {name for name in value if name not in linked or name in associations}
    kept = kept if wanted is None else {name for name in kept if name in wanted or name == "apiAlias"}
    return {
        name: shown(part, (associations.get(name) or {}).get("associations") or {}, includes)
        for name, part in value.items()
        if name in kept
    }


def _fits(row: Row, one: Mapping[str, Any]) -> bool:
    match one["type"]:
        case "multi":
            every = all if one.get("operator", "and").lower() == "and" else any
            return every(_fits(row, part) for part in one["queries"])
        case "not":
            return not any(_fits(row, part) for part in one["queries"])
        case "equals":
            return any(value == one["value"] for value in _values(row, one["field"]))
        case "equalsAny":
            wanted = one["value"].split("|") if isinstance(one["value"], str) else one["value"]
            return any(value in wanted for value in _values(row, one["field"]))
        case "contains":
            return any(str(one["value"]) in str(value) for value in _values(row, one["field"]))
        case "range":
            return any(_within(value, one["parameters"]) for value in _values(row, one["field"]))
        case other:
            raise problem(400, "FRAMEWORK__INVALID_FILTER_QUERY", "Bad Request", f"Unsupported filter type: {other}")


def _within(value: Any, bounds: Mapping[str, Any]) -> bool:
    """Nothing is within any bounds. Times are compared as texts, their zones are not looked at: so the database does it."""
    return value is not None and all(COMPARE[name](_plain(value), _plain(bound)) for name, bound in bounds.items())


def _plain(value: Any) -> Any:
    time = TIME.fullmatch(value) if isinstance(value, str) else None
    return value if time is None else f"{time[1]} {time[2]}"


def _values(row: Any, path: str) -> list[Any]:
    """What stands at `a.b.c`, in each part of a list."""
    name, _, rest = path.partition(".")
    if not isinstance(row, dict) or name not in row:
        return [None]
    found = row[name] if isinstance(row[name], list) else [row[name]]
    return [value for one in found for value in _values(one, rest)] if rest else found


def _key(row: Row, field: str) -> tuple[bool, Any]:
    value = _plain(_values(row, field)[0])
    return value is not None, value if value is not None else 0
