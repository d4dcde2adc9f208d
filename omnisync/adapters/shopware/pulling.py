"""Reading orders: what changed since the last pass, and one by its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from omnisync.adapters.base import Fact, Page, Unreadable
from omnisync.adapters.shopware.orders import ASSOCIATIONS, CHANGES, INCLUDES, order_seen
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import Json, Wire, to_filter
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

FIRST_READ = timedelta(days=90)
"""How far back the first pass looks for orders that are still to be sent."""
WHOLE: Json = {"associations": ASSOCIATIONS, "includes": INCLUDES}


@dataclass(frozen=True, slots=True)
class Mark:
    """A pass over what changed `since`, read up to the order with the counter `after`; it `began` then, by the shop's clock."""

    since: datetime
    after: int = 0
    began: datetime | None = None

    @classmethod
    def parse(cls, cursor: str) -> Mark:
        try:
            since, after, began = from_cursor(cursor, 3)
            return cls(parse_time(since), int(after), parse_time(began) if began else None)
        except ValueError as error:
            raise NeedsAttention(
                "The cursor of this shop's orders is not one of ours.",
                action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
                code="cursor",
            ) from error

    def cursor(self) -> str:
        return to_cursor(format_time(self.since), self.after, format_time(self.began) if self.began else "")

    def criteria(self, size: int) -> Json:
        """In the order of the counter, which never changes: whatever moves meanwhile shifts no page."""
        times = [{"type": "range", "field": name, "parameters": {"gte": to_filter(self.since)}} for name in CHANGES]
        behind = {"type": "range", "field": "autoIncrement", "parameters": {"gt": self.after}}
        return {
            "limit": size,
            "sort": [{"field": "autoIncrement", "order": "ASC"}],
            "filter": [{"type": "multi", "operator": "or", "queries": times}, behind],
            **WHOLE,
        }


class Pulling:
    """The orders of one shop. `places` names the shipping methods that are stores."""

    def __init__(self, wire: Wire, settings: ShopSettings, places: Mapping[str, str]) -> None:
        self._wire, self._settings, self._places = wire, settings, places
        self._overlap = timedelta(seconds=settings.overlap_seconds)

    async def pull(self, cursor: str | None, now: datetime) -> Page:
        """One page of a pass. The next pass reads what changed since this one began, and an overlap."""
        mark, size = Mark.parse(cursor) if cursor else Mark(self._beginning(now)), self._settings.page_size
        found = await self._wire.search("order", mark.criteria(size))
        began = mark.began or found.at or now
        facts = [self._fact(order) for order in found.rows]
        if len(found.rows) >= size:
            return Page(facts, Mark(mark.since, int(found.rows[-1]["autoIncrement"]), began).cursor(), more=True)
        return Page(facts, Mark(max(mark.since, began - self._overlap)).cursor())

    async def read(self, ids: Sequence[str]) -> dict[str, Fact]:
        """Orders as they are now, by their ids; one that is gone is left out."""
        return {str(order["id"]): self._fact(order) for order in await self._wire.by_ids("order", ids, WHOLE)}

    async def find(self, numbers: Sequence[str]) -> list[Fact]:
        """Orders by their numbers, as they are now."""
        asked = {"type": "equalsAny", "field": "orderNumber", "value": "|".join(numbers)}
        found = await self._wire.search("order", {"limit": len(numbers), "filter": [asked], **WHOLE})
        return [self._fact(order) for order in found.rows]

    def _beginning(self, now: datetime) -> datetime:
        return min(now - FIRST_READ, self._settings.since or now)

    def _fact(self, order: Json) -> Fact:
        if not order["id"]:
            raise ValueError("an order without an id")  # then it is not this order that is wrong
        try:
            return order_seen(order, self._settings, self._places)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return Unreadable(
                f"order:{order['id']}",
                f"Order {order.get('orderNumber') or order['id']} cannot be understood ({type(error).__name__}: {error}).",
                "Look for a plugin that changes orders; book it by hand, or replay after an update.",
            )
