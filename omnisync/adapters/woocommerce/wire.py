"""Calls to WooCommerce's REST API and what they answer, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.client import Budget, ChannelClient, Reply, Tools
from omnisync.adapters.pages import Trail
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.signing import OAuth, basic
from omnisync.errors import NeedsAttention

Json = Mapping[str, Any]
PAGE = 100
"""The most that WooCommerce puts on a page or takes in a batch."""
BURST = 20.0
NO_ROUTE = "rest_no_route"


class Wire:
    """One shop's API."""

    def __init__(self, name: str, settings: ShopSettings, tools: Tools) -> None:
        key, secret = settings.consumer_key, settings.consumer_secret.get_secret_value()
        self.name, self._path = name, settings.api_path.rstrip("/")
        self.budget = Budget(tools.clock, settings.calls_per_second, max(BURST, 2 * settings.calls_per_second))
        self._client = ChannelClient(
            name,
            settings.base_url.rstrip("/"),
            tools,
            headers={"accept": "application/json", **({} if settings.signs else {"authorization": basic(key, secret)})},
            timeout_seconds=settings.timeout_seconds,
            budget=self.budget,
            auth_action="Check consumer_key and consumer_secret (Read/Write, of a shop manager), and that the web server "
            "passes the Authorization header on to WordPress.",
            sign=OAuth(key, secret, tools.clock, tools.ids) if settings.signs else None,
        )
        self.their_clock = self._client.their_clock

    async def get(self, path: str, **params: Any) -> Json | None:
        """One thing; None when the shop does not have it."""
        reply = await self.call("GET", path, params=params)
        return None if reply.status == 404 else dict(reply.expect(200).json())

    async def page(self, path: str, **params: Any) -> list[Json]:
        """One page; empty below a thing that is not there."""
        reply = await self.call("GET", path, params=params)
        return [] if reply.status == 404 and "/" in path else list(reply.expect(200).json())

    async def all_pages(self, path: str, **params: Any) -> list[Json]:
        """All pages of a short list that nobody changes while it is read."""
        found: list[Json] = []
        page = await self.page(path, per_page=PAGE, page=1, **params)
        number, trail = 1, Trail(self.name, f"its {path}")
        while page:
            found += page
            number += 1
            following = await self.page(path, per_page=PAGE, page=number, **params) if len(page) == PAGE else []
            trail.on(_ids(page), _ids(following))  # a shop that does not know its pages sends the first one for all
            page = following
        return found

    async def call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Reply:
        """Any status below 500 but those that the client translates, and an address that is not the API's."""
        told = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        # A thing made twice is worse than one made later: only POSTs of batches name what they change.
        repeatable = method != "POST" or path.endswith("/batch")
        reply = await self._client.call(method, f"{self._path}/{path}", params=told, body=body, repeatable=repeatable)
        if 300 <= reply.status < 400 or (reply.status == 404 and code_of(reply) in (NO_ROUTE, "")):
            raise NeedsAttention(
                f"{self.name} has no WooCommerce API at this address (it answered {reply.status}).",
                action="Set base_url to the shop's address as its own pages show it, with https and without a "
                "redirect, and choose any permalinks but Plain in WordPress.",
                code="address",
            )
        return reply

    async def close(self) -> None:
        await self._client.close()


def _ids(page: Sequence[Json]) -> tuple[str, ...]:
    return tuple(str(one.get("id", one)) for one in page)


def code_of(reply: Reply) -> str:
    """WooCommerce's code of a refusal; empty when somebody else answered."""
    try:
        body = reply.json()
    except NeedsAttention:
        return ""
    return str(body.get("code") or "") if isinstance(body, Mapping) else ""


def message_of(reply: Reply) -> str:
    """What a refusal says."""
    body = reply.json()
    return str(body.get("message") or body.get("code") or reply.status) if isinstance(body, Mapping) else str(body)


def _text(value: Any) -> str:
    # PHP would read a list in brackets as well, but not its signature.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
