"""Square's inventory: the history of a shelf, ordered by when things occurred, and the count that follows from it."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from omnisync.clock import Clock, Ids
from omnisync.demo.square.paging import stamp, time_of
from omnisync.demo.square.problems import Problem

IN_STOCK = "IN_STOCK"
MOST_CHANGES = 100
OLDEST = timedelta(hours=24)
BODIES = {"PHYSICAL_COUNT": "physical_count", "ADJUSTMENT": "adjustment"}
SETTABLE = frozenset({("NONE", IN_STOCK), (IN_STOCK, "SOLD"), (IN_STOCK, "WASTE"), ("UNLINKED_RETURN", IN_STOCK)})
"""Moves that the API takes from applications; refunds and Square's own products make others."""
POINT_OF_SALE = {"product": "SQUARE_POS", "name": "Square Point of Sale 6.60"}
APPLICATION = {"product": "EXTERNAL_API", "application_id": "sq0idp-simulated", "name": "Simulated application"}

Shelf = tuple[str, str]
"""Catalogue object and location."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One change of a shelf: a count sets it, an adjustment moves it."""

    at: datetime
    number: int
    counted: bool = field(compare=False)
    pieces: int = field(compare=False)
    learnt: datetime = field(compare=False)
    change: dict[str, Any] = field(compare=False)


class StockBook:
    """All changes of all shelves."""

    def __init__(self, clock: Clock, ids: Ids, objects: Iterable[str], places: Iterable[str]) -> None:
        self._clock, self._ids = clock, ids
        self._objects, self._places = set(objects), set(places)
        self._shelves: dict[Shelf, list[Entry]] = {}
        self._learnt: dict[Shelf, datetime] = {}
        self._number = 0

    def level(self, shelf: Shelf) -> int:
        """The last count and everything that occurred after it; a shelf never counted starts from zero."""
        pieces = 0
        for entry in reversed(self._shelves.get(shelf, [])):
            pieces += entry.pieces
            if entry.counted:
                break
        return pieces

    def counts(self, shelves: Iterable[Shelf] | None = None) -> list[tuple[datetime, dict[str, Any]]]:
        """What is in stock, with the moment Square last learnt something about it."""
        chosen = sorted(self._shelves) if shelves is None else sorted(set(shelves) & self._shelves.keys())
        return [(self._learnt[shelf], self._count(shelf)) for shelf in chosen]

    def entries(self) -> list[Entry]:
        """Every change there ever was."""
        return [entry for entries in self._shelves.values() for entry in entries]

    def record(self, change: dict[str, Any], source: dict[str, Any]) -> Entry | None:
        """Write down one change that is known to be good; None for a count that only repeats the last one."""
        name = BODIES[change["type"]]
        body = dict(change[name])
        now, at = self._clock.now(), time_of(body["occurred_at"], "occurred_at")
        assert at is not None
        shelf = (body["catalog_object_id"], body["location_id"])
        counted, pieces = change["type"] == "PHYSICAL_COUNT", int(Decimal(body["quantity"]))
        if not counted:
            pieces *= (body["to_state"] == IN_STOCK) - (body["from_state"] == IN_STOCK)
        entries = self._shelves.setdefault(shelf, [])
        if counted and source is APPLICATION and _repeats(entries, pieces, at):
            return None
        body |= {
            "id": self._ids.new(),
            "catalog_object_type": "ITEM_VARIATION",
            "created_at": stamp(now),
            "source": source,
        }
        self._number += 1
        entry = Entry(at, self._number, counted, pieces, now, {"type": change["type"], name: body})
        bisect.insort(entries, entry)
        self._learnt[shelf] = now
        return entry

    def check(self, changes: Sequence[dict[str, Any]]) -> None:
        """Refuse the whole request at its first bad change."""
        if len(changes) > MOST_CHANGES:
            raise Problem("ARRAY_LENGTH_TOO_LONG", f"At most {MOST_CHANGES} changes in one request.", field="changes")
        for number, change in enumerate(changes):
            self._check_one(change, f"changes[{number}]")

    def _check_one(self, change: dict[str, Any], where: str) -> None:
        name = BODIES.get(change.get("type", ""))
        if name is None or not isinstance(change.get(name), dict):
            raise Problem("INVALID_ENUM_VALUE", "Only PHYSICAL_COUNT and ADJUSTMENT with their body.", field=where)
        body, where = change[name], f"{where}.{name}"
        if body.get("catalog_object_id") not in self._objects:
            raise Problem(
                "NOT_FOUND", "The catalog object was not found.", field=f"{where}.catalog_object_id", status=404
            )
        if body.get("location_id") not in self._places:
            raise Problem("NOT_FOUND", "The location was not found.", field=f"{where}.location_id", status=404)
        self._check_time(body.get("occurred_at"), f"{where}.occurred_at")
        _check_quantity(body.get("quantity"), f"{where}.quantity")
        if name == "physical_count" and body.get("state") != IN_STOCK:
            raise Problem("INVALID_ENUM_VALUE", "Only what is IN_STOCK can be counted.", field=f"{where}.state")
        if name == "adjustment" and (body.get("from_state"), body.get("to_state")) not in SETTABLE:
            raise Problem("INVALID_VALUE", "No application can make this move.", field=f"{where}.from_state")

    def _check_time(self, text: str | None, field: str) -> None:
        at = time_of(text, field)
        if at is None:
            raise Problem("MISSING_REQUIRED_PARAMETER", "occurred_at is missing.", field=field)
        now = self._clock.now()
        if at > now:
            raise Problem("INVALID_TIME", "occurred_at is in the future.", field=field)
        if at < now - OLDEST:
            raise Problem("INVALID_TIME", "occurred_at is older than 24 hours.", field=field)

    def _count(self, shelf: Shelf) -> dict[str, Any]:
        return {
            "catalog_object_id": shelf[0],
            "catalog_object_type": "ITEM_VARIATION",
            "state": IN_STOCK,
            "location_id": shelf[1],
            "quantity": str(self.level(shelf)),
            "calculated_at": stamp(self._learnt[shelf]),
        }


def _repeats(entries: Sequence[Entry], pieces: int, at: datetime) -> bool:
    """`ignore_unchanged_counts`: nothing has occurred since a count that found the same."""
    return bool(entries) and entries[-1].counted and entries[-1].pieces == pieces and entries[-1].at <= at


def _check_quantity(text: Any, field: str) -> None:
    try:
        pieces = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        pieces = None
    if pieces is None or not pieces.is_finite() or pieces < 0 or pieces != pieces.to_integral_value():
        raise Problem("INVALID_VALUE", "A quantity is a decimal text, here of whole pieces.", field=field)
