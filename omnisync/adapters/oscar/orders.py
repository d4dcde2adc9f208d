"""Which orders to read: oscarapi filters nothing and tells no change, so the cursor remembers what was open.

A pass reads the new orders and every one that was open before, oldest first, a page at a time. Where orders stand in the
list goes by their time, never by their number: oscar numbers an order after its basket, and an old basket may be paid last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from omnisync.errors import NeedsAttention
from omnisync.values import EPOCH, format_time, parse_time


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the orders of a shop were read.

    `newest` is when the newest known one was placed, `recent` are those placed shortly before it, `open` those to be read
    again in each pass, and `left` those still to be read in this one.
    """

    newest: datetime | None = None
    recent: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()

    @classmethod
    def parse(cls, cursor: str | None) -> Progress:
        if cursor is None:
            return cls()
        try:
            kept = json.loads(cursor)
            newest = None if kept["newest"] is None else parse_time(kept["newest"])
            return cls(newest, frozenset(kept["recent"]), frozenset(kept["open"]), tuple(kept["left"]))
        except (ValueError, KeyError, TypeError) as error:
            raise NeedsAttention(
                "The cursor of this shop's orders is not one of ours.",
                action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
                code="cursor",
            ) from error

    def cursor(self) -> str:
        kept = {
            "newest": None if self.newest is None else format_time(self.newest),
            "recent": _sorted(self.recent),
            "open": _sorted(self.open),
            "left": self.left,
        }
        return json.dumps(kept, separators=(",", ":"))

    def since(self, overlap: timedelta) -> datetime | None:
        """Orders placed before that are known for certain."""
        return None if self.newest is None else self.newest - overlap

    def with_listed(self, placed: Mapping[str, datetime], overlap: timedelta, *, now: datetime) -> Progress:
        """The shop lists these orders (id -> when placed): the new ones are to be read, at the start of a pass the open ones too.

        A shop whose clock runs ahead must not make us think that we know its orders of tomorrow.
        """
        since = self.since(overlap)
        fresh = {order for order, at in placed.items() if since is None or at >= since} - self.recent - self.open
        wanted = (fresh - set(self.left)) if self.left else (fresh | self.open)
        oldest_first = sorted(wanted, key=lambda order: (placed.get(order, EPOCH), _number(order)))
        newest = max([min(at, now) for at in (self.newest, *placed.values()) if at is not None], default=None)
        later = replace(self, newest=newest, left=(*self.left, *oldest_first))
        begin = later.since(overlap)
        return replace(later, recent=frozenset(order for order, at in placed.items() if begin is None or at >= begin))

    def after(self, read: Mapping[str, bool]) -> Progress:
        """These were read; true says that the order is still open."""
        still_open = {order for order, is_open in read.items() if is_open}
        return replace(
            self,
            open=(self.open - read.keys()) | still_open,
            left=tuple(order for order in self.left if order not in read),
        )


def _number(order: str) -> tuple[int, str]:
    return (len(order), order)


def _sorted(orders: Iterable[str]) -> list[str]:
    return sorted(orders, key=_number)
