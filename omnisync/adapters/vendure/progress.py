"""Which orders to read next: those placed or changed since, then every open one again.

Vendure leaves an order's `updatedAt` alone when it is placed, packed, sent or delivered, so that a filter by time finds new orders
and cancelled ones only: what was open is remembered here and read again in each pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from omnisync.errors import NeedsAttention
from omnisync.values import format_time, parse_time

TIMES = ("since", "newest", "began")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the orders of a shop were read.

    `since` is the latest time that the last pass saw, `newest` that of this one, which `began` then. `skip` counts what this pass
    read of the orders that are new since then, None when it has them all; `left` are the open ones that it has still to read again.
    """

    since: datetime | None = None
    newest: datetime | None = None
    began: datetime | None = None
    skip: int | None = 0
    open: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()

    @classmethod
    def parse(cls, cursor: str | None) -> Progress:
        if cursor is None:
            return cls()
        try:
            kept = json.loads(cursor)
            times = {name: None if kept[name] is None else parse_time(kept[name]) for name in TIMES}
            skip = None if kept["skip"] is None else int(kept["skip"])
            return cls(**times, skip=skip, open=frozenset(kept["open"]), left=tuple(kept["left"]))
        except (ValueError, KeyError, TypeError) as error:
            raise NeedsAttention(
                "The cursor of this shop's orders is not one of ours.",
                action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
                code="cursor",
            ) from error

    def cursor(self) -> str:
        times = {name: None if (at := getattr(self, name)) is None else format_time(at) for name in TIMES}
        kept = {**times, "skip": self.skip, "open": _sorted(self.open), "left": self.left}
        return json.dumps(kept, separators=(",", ":"))

    @property
    def done(self) -> bool:
        """Nothing of this pass is left."""
        return self.skip is None and not self.left

    def begin(self, now: datetime) -> Progress:
        """At the start of a pass every order that was open is to be read again."""
        return replace(self, began=now, left=tuple(_sorted(self.open))) if self.began is None else self

    def after(self, read: Mapping[str, bool], *, newest: datetime | None, skip: int | None) -> Progress:
        """These were read; true says that the order is still open.

        Neither a shop whose clock runs ahead nor a pass that takes long makes us think that we know what was paid meanwhile.
        """
        return replace(
            self,
            newest=max((min(at, self.began or at) for at in (self.newest, newest) if at is not None), default=None),
            skip=skip,
            open=(self.open - read.keys()) | {order for order, is_open in read.items() if is_open},
            left=tuple(order for order in self.left if order not in read),
        )

    def next_pass(self) -> Progress:
        """Where to begin when all of this pass is read."""
        since = max((at for at in (self.since, self.newest) if at is not None), default=None)
        return Progress(since=since, open=self.open)


def _sorted(orders: Iterable[str]) -> list[str]:
    return sorted(orders, key=lambda order: (len(order), order))
