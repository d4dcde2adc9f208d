"""Square's REST API as this adapter calls it: one method per endpoint, refusals as `Rejected`, its clock beside ours."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.client import ChannelClient, Reply, listed
from omnisync.errors import NeedsAttention
from omnisync.values import as_utc

API_VERSION = "2025-08-20"
PAGE = 500
"""Orders, counts and changes of one answer."""
LOOKUP = 100
"""Ids asked for in one call; 100 orders are Square's limit."""
NOTICEABLE = timedelta(seconds=1.5)
"""A Date header has whole seconds and has travelled: a smaller difference of the clocks is none."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of Square's `errors`."""

    code: str
    detail: str
    field: str = ""


class Rejected(NeedsAttention):
    """Square answered with 4xx and said why. Where nobody handles it, a person must."""

    def __init__(self, status: int, faults: Sequence[Fault]) -> None:
        self.status = status
        self.faults = tuple(faults)
        said = "; ".join(f"{fault.code}: {fault.detail}" if fault.detail else fault.code for fault in faults)
        super().__init__(
            f"Square refuses ({status}): {said or 'without a reason'}",
            action="Correct what Square names in its Dashboard or in the mapping, then sync again.",
            code="rejected",
        )

    def because(self, *codes: str) -> bool:
        """Whether one of its faults has one of these codes."""
        return any(fault.code in codes for fault in self.faults)


BESIDE_LISTS = ("cursor", "errors", "latest_time", "related_objects", "updated_at")


def rows(answer: Json, name: str) -> list[Json]:
    """A list in one of Square's answers, which leave out what is empty."""
    return listed(answer, name, *BESIDE_LISTS)


class Wire:
    """The endpoints. `skew` is what must be added to our time to get Square's, once it is known."""

    def __init__(self, client: ChannelClient, page_size: int = PAGE) -> None:
        self._client, self._page_size = client, page_size
        self.skew, self.clock_known = timedelta(), False

    async def locations(self) -> list[Json]:
        return rows(await self._call("GET", "/v2/locations"), "locations")

    async def order(self, order_id: str) -> Json | None:
        """None when Square does not know it."""
        try:
            found: Json = (await self._call("GET", f"/v2/orders/{order_id}"))["order"]
        except Rejected as rejected:
            if rejected.status == 404:
                return None
            raise
        return found

    async def orders(self, order_ids: Sequence[str]) -> list[Json]:
        """Those of them that Square knows."""
        found: list[Json] = []
        for ids in _slices(sorted(set(order_ids)), LOOKUP):
            found += rows(await self._call("POST", "/v2/orders/batch-retrieve", {"order_ids": ids}), "orders")
        return found

    async def search_orders(self, places: Sequence[str], since: str | None, page: str | None) -> Json:
        """One page of the orders of at most ten locations, by `updated_at`, oldest first."""
        query: dict[str, Any] = {"sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"}}
        if since:
            query["filter"] = {"date_time_filter": {"updated_at": {"start_at": since}}}
        return await self._call(
            "POST",
            "/v2/orders/search",
            _given(location_ids=list(places), query=query, limit=self._page_size, cursor=page),
        )

    async def update_order(self, order_id: str, order: Json, key: str) -> Json:
        """The order after a sparse update that names the version it is meant for."""
        body = {"order": order, "idempotency_key": key}
        updated: Json = (await self._call("PUT", f"/v2/orders/{order_id}", body))["order"]
        return updated

    async def counts_page(
        self,
        places: Sequence[str],
        *,
        since: str | None = None,
        page: str | None = None,
        objects: Sequence[str] | None = None,
    ) -> Json:
        """One page of what is IN_STOCK, most recently changed first."""
        return await self._call(
            "POST",
            "/v2/inventory/counts/batch-retrieve",
            _given(
                catalog_object_ids=None if objects is None else list(objects),
                location_ids=list(places),
                states=["IN_STOCK"],
                updated_after=since,
                cursor=page,
                limit=self._page_size,
            ),
        )

    async def counts(self, objects: Sequence[str], places: Sequence[str]) -> list[Json]:
        """What is IN_STOCK of these objects at these places."""
        found: list[Json] = []
        for ids in _slices(sorted(set(objects)), LOOKUP):
            page = None
            while True:
                answer = await self.counts_page(sorted(set(places)), objects=ids, page=page)
                found += rows(answer, "counts")
                page = answer.get("cursor")
                if not page:
                    break
        return found

    async def changes_page(
        self,
        places: Sequence[str],
        *,
        since: str | None = None,
        page: str | None = None,
        objects: Sequence[str] | None = None,
    ) -> Json:
        """One page of counts and adjustments that Square learnt of after `since`, in the order in which they occurred."""
        return await self._call(
            "POST",
            "/v2/inventory/changes/batch-retrieve",
            _given(
                catalog_object_ids=None if objects is None else list(objects),
                location_ids=list(places),
                types=["PHYSICAL_COUNT", "ADJUSTMENT"],
                updated_after=since,
                cursor=page,
                limit=self._page_size,
            ),
        )

    async def changes(self, objects: Sequence[str], places: Sequence[str], since: str) -> list[Json]:
        """All counts and adjustments of these objects since then."""
        found: list[Json] = []
        for ids in _slices(sorted(set(objects)), LOOKUP):
            page = None
            while True:
                answer = await self.changes_page(places, objects=ids, since=since, page=page)
                found += rows(answer, "changes")
                page = answer.get("cursor")
                if not page:
                    break
        return found

    async def change_inventory(self, changes: Sequence[Json], key: str) -> list[Json]:
        """Counts after these changes; all of them or none."""
        body = {"idempotency_key": key, "changes": list(changes), "ignore_unchanged_counts": True}
        return list((await self._call("POST", "/v2/inventory/changes/batch-create", body)).get("counts", []))

    async def items_page(self, page: str | None) -> Json:
        """One page of items with their variations inside."""
        return await self._call("GET", "/v2/catalog/list", params=_given(types="ITEM", cursor=page))

    async def catalog_info(self) -> Json:
        return await self._call("GET", "/v2/catalog/info")

    async def variations(self, object_ids: Sequence[str]) -> dict[str, Json]:
        """Catalog objects by id, those that exist."""
        found: dict[str, Json] = {}
        for ids in _slices(sorted(set(object_ids)), LOOKUP):
            answer = await self._call("POST", "/v2/catalog/batch-retrieve", {"object_ids": ids})
            found |= {item["id"]: item for item in rows(answer, "objects") if not item.get("is_deleted")}
        return found

    async def upsert(self, objects: Sequence[Json], key: str) -> Json:
        """Each object in a batch of its own: Square keeps the good batches of a request when it refuses another."""
        body = {"idempotency_key": key, "batches": [{"objects": [item]} for item in objects]}
        return await self._call("POST", "/v2/catalog/batch-upsert", body)

    async def webhooks(self) -> list[Json]:
        """All webhook subscriptions of the application, sleeping ones too."""
        found: list[Json] = []
        page = None
        while True:
            params = _given(include_disabled="true", cursor=page)
            answer = await self._call("GET", "/v2/webhooks/subscriptions", params=params)
            found += rows(answer, "subscriptions")
            if not all(one["id"] and one["notification_url"] for one in found):
                raise ValueError("a subscription without id or address")  # else we would make another one
            page = answer.get("cursor")
            if not page:
                return found

    async def create_webhook(self, subscription: Json, key: str) -> Json:
        body = {"idempotency_key": key, "subscription": subscription}
        made: Json = (await self._call("POST", "/v2/webhooks/subscriptions", body))["subscription"]
        return made

    async def update_webhook(self, subscription_id: str, subscription: Json) -> Json:
        body = {"subscription": subscription}
        made: Json = (await self._call("PUT", f"/v2/webhooks/subscriptions/{subscription_id}", body))["subscription"]
        return made

    async def _call(
        self, method: str, path: str, body: Json | None = None, *, params: Mapping[str, Any] | None = None
    ) -> Json:
        # Every write names an idempotency key (or a whole state), so all calls may be repeated.
        reply = await self._client.call(method, path, body=body, params=params)
        self._compare_clocks(reply)
        answer = reply.json()
        if not isinstance(answer, dict):
            raise NeedsAttention(
                "Square answered with something that is no JSON object.",
                action="Check that base_url names Square's API and not a web page or proxy.",
            )
        if reply.status >= 400:
            raise Rejected(reply.status, faults(answer))
        return answer

    def _compare_clocks(self, reply: Reply) -> None:
        theirs = _date(reply.headers.get("date"))
        if theirs is None:
            return
        # Their whole second has begun before: what we take for their now is never in their future.
        difference = theirs - self._client.tools.clock.now()
        self.clock_known = True
        self.skew = difference if abs(difference) > NOTICEABLE else timedelta()


def faults(answer: Json) -> list[Fault]:
    """The `errors` of an answer, which may stand beside its results."""
    return [
        Fault(str(error.get("code", "")), str(error.get("detail", "")), str(error.get("field", "")))
        for error in answer.get("errors") or []
    ]


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _slices(items: Sequence[str], size: int) -> list[list[str]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _date(header: str | None) -> datetime | None:
    try:
        return as_utc(email.utils.parsedate_to_datetime(header)) if header else None
    except ValueError:
        return None
