"""Reads orders, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.base import Fact, OrderSeen, Page, Unreadable
from omnisync.adapters.vendure import documents, mapping
from omnisync.adapters.vendure.admin import Admin, Declined, Failed
from omnisync.adapters.vendure.mapping import Json
from omnisync.adapters.vendure.progress import Progress
from omnisync.adapters.vendure.settings import ShopSettings
from omnisync.values import format_time

OLDEST_FIRST = {"id": "ASC"}
"""New orders come at the end, so that pages that shift while being read tell an order twice and lose none."""

FAILS = "the shop fails on it"


class Orders:
    """The orders of one shop."""

    def __init__(self, admin: Admin, settings: ShopSettings) -> None:
        self._admin, self._settings = admin, settings

    async def pull(self, cursor: str | None, precision: int, *, now: datetime) -> Page:
        progress = Progress.parse(cursor).begin(now)
        if progress.skip is not None:
            progress, facts = await self._new(progress, progress.skip, precision)
        else:
            progress, facts = await self._open(progress, precision)
        more = not progress.done
        return Page(facts, (progress if more else progress.next_pass()).cursor(), more=more)

    async def by_id(self, *ids: str) -> list[Json]:
        """These orders, as far as the shop has them."""
        return (await self._list({"id": {"in": list(ids)}}))["items"] if ids else []

    async def _page(self, wanted: Mapping[str, Any], skip: int = 0) -> dict[str, Any]:
        """A page of orders. One that the shop itself stumbles over says so and nothing else; the others are read all the same."""
        try:
            return await self._list(wanted, skip)
        except (Declined, Failed):
            page = await self._list(wanted, skip, documents.ORDER_IDS)  # if this fails too, it is not an order
            return {**page, "items": await self._each([str(order["id"]) for order in page["items"]])}

    async def _each(self, ids: list[str]) -> list[Json]:
        """These orders, asked for in halves until the one that spoils its page stands alone."""
        try:
            return await self.by_id(*ids)
        except (Declined, Failed) as error:
            if len(ids) == 1:
                return [{"id": ids[0], FAILS: error.message}]
        half = len(ids) // 2
        return [*await self._each(ids[:half]), *await self._each(ids[half:])]

    async def _new(self, progress: Progress, skip: int, precision: int) -> tuple[Progress, list[Fact]]:
        found = await self._page(self._since(progress), skip)
        facts, read = self._facts(found["items"], precision)
        newest = max((fact.version for fact in facts if isinstance(fact, OrderSeen)), default=None)
        read_so_far = skip + len(found["items"])
        more = bool(found["items"]) and read_so_far < found["totalItems"]
        return progress.after(read, newest=newest, skip=read_so_far if more else None), facts

    async def _open(self, progress: Progress, precision: int) -> tuple[Progress, list[Fact]]:
        wanted = progress.left[: self._settings.page_size]
        facts, read = self._facts((await self._page({"id": {"in": list(wanted)}}))["items"], precision)
        deleted = [order for order in wanted if order not in read]
        facts += [_deleted(order) for order in deleted]
        return progress.after(read | dict.fromkeys(deleted, False), newest=None, skip=None), facts

    def _since(self, progress: Progress) -> dict[str, Any]:
        first = self._settings.orders_since
        placed = {"orderPlacedAt": {"after": format_time(first)} if first else {"isNull": False}}
        if progress.since is None:
            return placed
        after = {"after": format_time(progress.since - timedelta(seconds=self._settings.overlap_seconds))}
        return {"_and": [placed, {"_or": [{"orderPlacedAt": after}, {"updatedAt": after}]}]}

    async def _list(self, wanted: Mapping[str, Any], skip: int = 0, document: str = documents.ORDERS) -> dict[str, Any]:
        options = {"filter": wanted, "sort": OLDEST_FIRST, "skip": skip, "take": self._settings.page_size}
        return dict((await self._admin.run(document, {"options": options}))["orders"])

    def _facts(self, orders: list[Json], precision: int) -> tuple[list[Fact], dict[str, bool]]:
        """The orders as facts, and whether each is still open."""
        facts: list[Fact] = []
        read: dict[str, bool] = {}
        for order in orders:
            try:
                if FAILS in order:
                    raise ValueError(order[FAILS])
                if not mapping.is_placed(order):
                    continue
                seen = mapping.order_seen(order, self._settings, precision)
            except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
                facts.append(_unreadable(order, error))
                read[str(order["id"])] = True
            else:
                facts.append(seen)
                read[seen.id] = not seen.closed
        return facts, read


def _deleted(order: str) -> Unreadable:
    return Unreadable(
        f"order:{order}:deleted",
        f"The open order with id {order} is no longer there.",
        "Look for it in omnisync's orders: cancel it there if it was never sent.",
    )


def _unreadable(order: Json, error: Exception) -> Unreadable:
    return Unreadable(
        f"order:{order['id']}",
        f"The order with id {order['id']} cannot be understood ({type(error).__name__}: {error}).",
        "Compare the shop's Vendure version with the adapter's README.",
    )
