"""Reading orders: what changed since the last pass, and one by its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from omnisync.adapters.base import Fact, Page, Unreadable
from omnisync.adapters.woocommerce.keyset import Mark
from omnisync.adapters.woocommerce.orders import DRAFTS, order_seen
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import Json, Wire
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

FIRST_READ = timedelta(days=90)
"""How far back the first pass looks for orders that are still to be sent."""

BIN = "trash"


class Pulling:
    """The orders of one shop. `places` names its pickup locations."""

    def __init__(self, wire: Wire, settings: ShopSettings, places: Mapping[str, str]) -> None:
        self._wire, self._settings, self._places = wire, settings, places
        self._overlap = timedelta(seconds=settings.overlap_seconds)

    async def pull(self, cursor: str | None, now: datetime) -> Page:
        """One page of orders by the time of their last change.

        The cursor holds where the page begins and the latest time seen: the next pass begins an overlap before that, since
        WordPress may finish writing an order after one that it began later.
        """
        position = _parse(cursor) if cursor else _Position(Mark(self._beginning(now)), None, Mark(now - self._overlap))
        binned, thrown, more = await self._binned(position.binned)
        mark, latest = position.mark, position.latest
        size = self._settings.page_size
        filters = mark.params("modified_after")
        found = await self._wire.page("orders", orderby="modified", order="asc", per_page=size, **filters)
        began, mark = mark, mark.after(found, "date_modified_gmt")
        facts = [await self._fact(order) for order in found if order.get("status") not in DRAFTS]
        facts += thrown
        latest = mark.at if found else latest
        if len(found) >= size and mark != began:
            return Page(facts, _Position(mark, latest, binned).cursor(), more=True)
        begin = mark if latest is None else Mark(latest - self._overlap)
        return Page(facts, _Position(begin, latest, binned).cursor(), more=more)

    async def _binned(self, mark: Mark) -> tuple[Mark, list[Fact], bool]:
        """What was thrown into the bin since, which no list of orders names unless it is asked for: where to go on, and whether at once."""
        size = self._settings.page_size
        filters = mark.params("modified_after")
        found = await self._wire.page("orders", status=BIN, orderby="modified", order="asc", per_page=size, **filters)
        after = mark.after(found, "date_modified_gmt")
        thrown = [await self._fact(order) for order in found if order.get("status") == BIN]
        return after, thrown, len(found) >= size and after != mark

    async def read(self, id: str) -> Fact | None:
        """An order as it is now, also one in the trash; None when there is none of that id or it is only a basket."""
        order = await self._wire.get(f"orders/{id}")
        return None if order is None or order.get("status") in DRAFTS else await self._fact(order)

    def _beginning(self, now: datetime) -> datetime:
        return min(now - FIRST_READ, self._settings.since or now)

    async def _fact(self, order: Json) -> Fact:
        if not order["id"]:
            raise ValueError("an order without an id")  # then it is not this order that is wrong
        refunds = await self._wire.all_pages(f"orders/{order['id']}/refunds") if order.get("refunds") else []
        try:
            return order_seen(order, refunds, self._settings, self._places)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return Unreadable(
                f"order:{order['id']}",
                f"Order {order.get('number', order['id'])} cannot be understood ({type(error).__name__}: {error}).",
                "Look for a plugin that sells fractions or changes orders; book it by hand, or replay after an update.",
            )


@dataclass(frozen=True, slots=True)
class _Position:
    """Where to go on: in the orders, with the latest time seen among them, and in the bin."""

    mark: Mark
    latest: datetime | None
    binned: Mark

    def cursor(self) -> str:
        return to_cursor(self.mark.cursor(), format_time(self.latest) if self.latest else "", self.binned.cursor())


def _parse(cursor: str) -> _Position:
    try:
        mark, latest, binned = from_cursor(cursor, 3)
        return _Position(Mark.parse(mark), parse_time(latest) if latest else None, Mark.parse(binned))
    except ValueError as error:
        raise NeedsAttention(
            "The cursor of this shop's orders is not one of ours.",
            action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
            code="cursor",
        ) from error
