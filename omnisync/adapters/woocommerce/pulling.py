"""Reading orders: what changed since the last pass, and one by its id."""

from __future__ import annotations

from collections.abc import Mapping
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
        mark, latest = _parse(cursor) if cursor else (Mark(self._beginning(now)), None)
        size = self._settings.page_size
        filters = mark.params("modified_after")
        found = await self._wire.page("orders", orderby="modified", order="asc", per_page=size, **filters)
        began, mark = mark, mark.after(found, "date_modified_gmt")
        facts = [await self._fact(order) for order in found if order.get("status") not in DRAFTS]
        latest = mark.at if found else latest
        if len(found) >= size and mark != began:
            return Page(facts, _cursor(mark, latest), more=True)
        begin = mark if latest is None else Mark(latest - self._overlap)
        return Page(facts, _cursor(begin, latest))

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


def _parse(cursor: str) -> tuple[Mark, datetime | None]:
    try:
        mark, latest = from_cursor(cursor, 2)
        return Mark.parse(mark), parse_time(latest) if latest else None
    except ValueError as error:
        raise NeedsAttention(
            "The cursor of this shop's orders is not one of ours.",
            action="Reset the channel's cursor: all orders are read again, and nothing is booked twice.",
            code="cursor",
        ) from error


def _cursor(mark: Mark, latest: datetime | None) -> str:
    return to_cursor(mark.cursor(), format_time(latest) if latest else "")
