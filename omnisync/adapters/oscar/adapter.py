"""A django-oscar shop over oscarapi's admin addresses: polled, since it calls nobody."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Forged,
    Hook,
    Identified,
    LevelSeen,
    ListingPage,
    News,
    Outcome,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
    Unreadable,
    Write,
)
from omnisync.adapters.client import ChannelClient, Reply, Tools
from omnisync.adapters.oscar import mapping
from omnisync.adapters.oscar.mapping import Json
from omnisync.adapters.oscar.orders import Progress
from omnisync.adapters.oscar.settings import ShopSettings
from omnisync.adapters.pages import Trail
from omnisync.errors import NeedsAttention, TryLater

OPEN_THE_API = (
    "Set OSCARAPI_BLOCK_ADMIN_API_ACCESS = False in the shop's settings, restart it, "
    "and check base_url and api_path below [channels.settings]."
)


class OscarShop:
    """Its numbers are absolute; it has no compare-and-set, but takes its own allocations off by itself."""

    def __init__(self, name: str, settings: ShopSettings, pickups: Collection[str], tools: Tools) -> None:
        self.name, self._settings, self._pickups = name, settings, pickups
        secret = f"{settings.username}:{settings.password.get_secret_value()}".encode()
        self._client = ChannelClient(
            name,
            settings.base_url.rstrip("/"),
            tools,
            headers={"authorization": f"Basic {base64.b64encode(secret).decode()}", "accept": "application/json"},
            timeout_seconds=settings.timeout_seconds,
            auth_action="Check username and password, and that the account is staff and may view orders and products "
            "and change stock records.",
        )
        self.their_clock = self._client.their_clock
        self.can = Can(
            write=Write.ABSOLUTE,
            batch_size=20,
            prices=True,
            price_with_stock=True,
            allocates=True,
            poll_seconds=settings.poll_seconds,
            overlap_seconds=settings.overlap_seconds,
            order_by_number=True,
        )

    def __repr__(self) -> str:
        return f"OscarShop({self.name!r}, {self._settings.base_url!r})"

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """The next orders of this pass: the new ones, and every open one again."""
        progress = Progress.parse(cursor)
        known = await self._recent(progress)
        placed = {order: self._placed(each) for order, each in known.items()}
        progress = progress.with_listed(placed, self._overlap, now=now)
        facts: list[Fact] = []
        read: dict[str, bool] = {}
        for order in progress.left[: self._settings.page_size]:
            fact, read[order] = await self._order(order, known.get(order), now)
            facts.append(fact)
        progress = progress.after(read)
        return Page(facts, progress.cursor(), more=bool(progress.left))

    async def listings(self, cursor: str | None) -> ListingPage:
        """Every stock record of every product."""
        products, following = await self._list("products", cursor)
        found = [listing for product in products for listing in mapping.listings_of(product, self._settings)]
        return ListingPage(found, following, more=following is not None)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """What the shop offers, one stock record after the other."""
        seen = []
        for target in targets:
            reply = await self._call("GET", _record(target))
            if reply.status != 404:
                seen.append(mapping.level_seen(reply.expect(200).json(), target))
        return seen

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """One write for each. When the shop stops answering, the rest is left for later."""
        published: list[Published] = []
        for one in shown:
            try:
                published.append(await self._show(one))
            except TryLater as error:
                if not published:
                    raise
                late = Published(Outcome.TRY_LATER, reason=error.message, retry_after_seconds=error.retry_after_seconds)
                return [*published, *[late] * (len(shown) - len(published))]
        return published

    async def check(self) -> Sequence[Check]:
        """Reads the partners and one order's worth of addresses; changes nothing."""
        try:
            partners, _ = await self._list("partners", None)
            await self._list("orders", None)
        except NeedsAttention as error:
            return [Check("account", False, error.message, error.action)]
        named = ", ".join(f"{mapping.id_in(one['url'])} {one['name']}" for one in partners)
        return [Check("account", True, f"May read orders and stock of: {named}."), *self._partner(partners)]

    def identify(self, hook: Hook) -> Identified:
        """oscar sends no webhooks; whoever calls is somebody else."""
        return Forged("A django-oscar shop sends no webhooks.")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return ()

    def subject(self, hook: Hook) -> str | None:
        return None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return ()

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """oscarapi cannot change orders: the shop is not told, and nothing is left to do."""
        return [Published(Outcome.APPLIED) for _ in news]

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return ()

    async def fetch_key(self, kid: str) -> bytes:
        raise NeedsAttention(f"{self.name} has no keys.", action="Remove the hook address from the shop's settings.")

    async def done(self, receipts: Sequence[str]) -> None:
        """The cursor says it all."""

    async def close(self) -> None:
        await self._client.close()

    # ------------------------------------------------------------ orders

    @property
    def _overlap(self) -> timedelta:
        return timedelta(seconds=self._settings.overlap_seconds)

    async def _recent(self, progress: Progress) -> dict[str, Json]:
        """The orders that may be new, by id. The list comes newest first, so old pages end it."""
        since = progress.since(self._overlap)
        found: dict[str, Json] = {}
        trail, query = Trail(self.name, "its orders"), None
        while True:
            orders, following = await self._list("orders", query)
            query = trail.on(query, following)
            found |= {mapping.id_in(order["url"]): order for order in orders}
            all_old = since is not None and all(self._placed(one) < since for one in orders)
            if query is None or all_old:
                return found

    def _placed(self, order: Json) -> datetime:
        try:
            return mapping.placed_at(order, self._settings)
        except (KeyError, ValueError) as error:
            raise NeedsAttention(
                f"{self.name} does not tell when its orders were placed.",
                action="Put url, number, status and date_placed back into OSCARAPI_ORDER_FIELDS of the shop.",
                code="fields",
            ) from error

    async def _order(self, order_id: str, known: Json | None, now: datetime) -> tuple[Fact, bool]:
        """The order as a fact, and whether it is still open."""
        if known is None:
            reply = await self._call("GET", f"orders/{order_id}/")
            if reply.status == 404:
                return _deleted(order_id), False
            known = reply.expect(200).json()
        lines = await self._lines(order_id)
        try:
            seen = mapping.order_seen(known, lines, self._settings, self._pickups, read_at=now)
        except (KeyError, TypeError, ValueError) as error:
            return _unreadable(order_id, error), True
        return seen, not seen.closed

    async def _lines(self, order_id: str) -> list[Json]:
        trail, page = Trail(self.name, "the lines of an order"), None
        found: list[Json] = []
        while True:
            lines, following = await self._list(f"orders/{order_id}/lines", page)
            found += lines
            page = trail.on(page, following)
            if page is None:
                return found

    # ------------------------------------------------------------ stock

    async def _show(self, shown: Shown) -> Published:
        expected = shown.target.extra.get("currency")
        if shown.price is not None and expected not in (None, shown.price.currency):
            return _attention(
                f"The shop sells this in {expected}, the price is in {shown.price.currency}.",
                f"Give this channel a price in {expected}.",
            )
        reply = await self._call("PATCH", _record(shown.target), body=mapping.record_change(shown))
        if reply.status == 404:
            return Published(
                Outcome.ATTENTION,
                reason=f"The shop has no stock record {shown.target.external_id} for {shown.target.sku}.",
                action="Sync the channel's listings, or correct the mapping of this article.",
                unknown=True,
            )
        if reply.status != 200:
            return _attention(
                f"The shop answered {reply.status}: {reply.body[:300].decode(errors='replace')}",
                "Correct the stock record in the shop's dashboard.",
            )
        return Published(Outcome.APPLIED, actual=mapping.offered(reply.json()))

    def _partner(self, partners: Sequence[Json]) -> list[Check]:
        wanted = self._settings.partner
        if wanted is None or str(wanted) in {mapping.id_in(one["url"]) for one in partners}:
            return []
        return [Check("partner", False, f"There is no partner {wanted}.", "Correct `partner` in the settings.")]

    # ------------------------------------------------------------ the wire

    async def _list(self, path: str, query: str | None) -> tuple[list[Json], str | None]:
        """A list, whole or as the page that `query` names, and the query of the next page if the shop pages."""
        reply = await self._call("GET", f"{path}/", params=dict(parse_qsl(query or "")))
        if reply.status == 404:
            raise NeedsAttention(f"{self.name} has no admin API at this address.", action=OPEN_THE_API, code="address")
        body = reply.expect(200).json()
        if isinstance(body, list):
            return body, None
        following = urlsplit(str(body.get("next") or "")).query
        return body["results"], urlencode(parse_qsl(following)) or None

    async def _call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Reply:
        return await self._client.call(
            method, f"{self._settings.api_path.rstrip('/')}/admin/{path}", params=params, body=body
        )


def _record(target: Target) -> str:
    return f"stockrecords/{target.external_id}/"


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)


def _deleted(order_id: str) -> Unreadable:
    return Unreadable(
        f"order:{order_id}:deleted",
        f"The open order with id {order_id} was deleted in the shop.",
        "Look for it in omnisync's orders: cancel it there if it was never sent.",
    )


def _unreadable(order_id: str, error: Exception) -> Unreadable:
    return Unreadable(
        f"order:{order_id}",
        f"The order with id {order_id} cannot be understood ({type(error).__name__}: {error}).",
        "Compare OSCARAPI_ORDER_FIELDS and OSCARAPI_ORDERLINE_FIELDS of the shop with the adapter's README.",
    )
