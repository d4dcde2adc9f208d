"""Which orders to read: oscarapi filters nothing and tells no change, so the cursor remembers what was open.

A pass reads the new orders and every one that was open before, oldest first, a page at a time. Where orders stand in the
list goes by their time, never by their number: oscar numbers an order after its basket, and an old basket may be paid last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from omnisync.errors import NeedsAttention
from omnisync.values import format_time, parse_time


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the orders of a shop were read: the newest known, those open, and what is left of this pass."""

    newest: datetime | None = None
    open: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()

    @classmethod
    def parse(cls, cursor: str | None) -> Progress:
        if cursor is None:
            return cls()
        try:
            kept = json.loads(cursor)
            newest = None if kept["newest"] is None else parse_time(kept["newest"])
            return cls(newest, frozenset(kept["open"]), tuple(kept["left"]))
        except (ValueError, KeyError, TypeError) as error:
            raise NeedsAttention(
                "The cursor of this shop's orders is not one of ours.",
                action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
                code="cursor",
            ) from error

    def cursor(self) -> str:
        newest = None if self.newest is None else format_time(self.newest)
        return json.dumps({"newest": newest, "open": _sorted(self.open), "left": self.left}, separators=(",", ":"))

    def begins(self, placed: Mapping[str, datetime], overlap: timedelta) -> Progress:
        """A new pass over orders (id -> when placed): the new ones, those just before them, and all that were open."""
        since = None if self.newest is None else self.newest - overlap
        fresh = {order for order, at in placed.items() if since is None or at >= since}
        moments = [at for at in (self.newest, *placed.values()) if at is not None]
        oldest_first = sorted(fresh | self.open, key=lambda order: (placed.get(order, _LONG_AGO), _number(order)))
        return replace(self, newest=max(moments, default=None), left=tuple(oldest_first))

    def after(self, read: Mapping[str, bool]) -> Progress:
        """These were read; true says that the order is still open."""
        still_open = {order for order, is_open in read.items() if is_open}
        return replace(
            self,
            open=(self.open - read.keys()) | still_open,
            left=tuple(order for order in self.left if order not in read),
        )


def is_old(orders: Iterable[Mapping[str, Any]], placed: Mapping[str, datetime], since: datetime | None) -> bool:
    """Nothing among these is new: what follows in the list, newest first, is not either."""
    return since is not None and all(at < since for at in placed.values())


_LONG_AGO = parse_time("1970-01-01T00:00:00Z")


def _number(order: str) -> tuple[int, str]:
    return (len(order), order)


def _sorted(orders: Iterable[str]) -> list[str]:
    return sorted(orders, key=_number)
