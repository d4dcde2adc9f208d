"""A channel whose pages lead back to one that was read is asked a few times, and then a person is told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Subscription
from omnisync.adapters.client import Tools
from omnisync.adapters.pages import Trail
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention
from omnisync.sync.polling import Reading
from tests.adapters.contract import Opened, open_world, pull_all, rigs

pytestmark = pytest.mark.anyio
RIGS = rigs()
ENOUGH = 20
"""So often nobody asks for the pages of a channel with three articles."""
Json = dict[str, Any]


class Circle(httpx.AsyncBaseTransport):
    """Answers each page of a list with the first one, as whose next one it names itself."""

    def __init__(self, channel: httpx.AsyncBaseTransport, path: str, leads_back: Mapping[str, Any]) -> None:
        self._channel, self._path, self._leads_back = channel, path, leads_back
        self._first: Json | None = None
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(self._path):
            return await self._channel.handle_async_request(request)
        self.asked += 1
        assert self.asked < ENOUGH, f"{self._path} is read without end"
        if self._first is None:
            answer = await self._channel.handle_async_request(request)
            self._first = json.loads(await answer.aread())
        return httpx.Response(200, json=merged(self._first, self._leads_back), request=request)


def merged(answer: Json, more: Mapping[str, Any]) -> Json:
    """The answer with this written into it, however deep."""
    return answer | {
        name: merged(answer.get(name) or {}, value) if isinstance(value, Mapping) else value
        for name, value in more.items()
    }


async def orders(opened: Opened) -> object:
    return await pull_all(opened, None)


async def levels(opened: Opened) -> object:
    return await opened.adapter.look(opened.world.targets)


async def offers(opened: Opened) -> object:
    reading, channel = Reading(), type("Channel", (), {"adapter": opened.adapter, "name": "contract"})
    while reading.more:
        await reading.page(channel)  # type: ignore[arg-type]
    return reading


async def webhooks(opened: Opened) -> object:
    url = "https://sync.example.org/v1/hooks/contract"
    return await opened.adapter.subscriptions([Subscription(topic, url) for topic in opened.adapter.can.topics])


Read = Callable[[Opened], Awaitable[object]]
OSCAR = "http://shop/api/admin/{}/?page=2"
CIRCLES: dict[str, tuple[str, str, Mapping[str, Any], Read]] = {
    "oscar, orders": ("oscar", "/orders/", {"next": OSCAR.format("orders")}, orders),
    "oscar, lines": ("oscar", "/lines/", {"next": OSCAR.format("orders/1/lines")}, orders),
    "oscar, listings": ("oscar", "/products/", {"next": OSCAR.format("products")}, offers),
    "ebay, listings": ("ebay", "/inventory_item", {"next": "/sell/inventory/v1/inventory_item?limit=25&offset=1"}, offers),
    "ebay, listings, at once": ("ebay", "/inventory_item", {"next": "/inventory_item?limit=25&offset=0"}, offers),
    "ebay, webhooks": ("ebay", "/subscription", {"next": "/subscription?continuation_token=b2&limit=100"}, webhooks),
    "square, orders": ("square", "/orders/search", {"cursor": "b2"}, orders),
    "square, changes": ("square", "/changes/batch-retrieve", {"cursor": "b2"}, orders),
    "square, counts": ("square", "/counts/batch-retrieve", {"cursor": "b2"}, orders),
    "square, levels": ("square", "/counts/batch-retrieve", {"cursor": "b2"}, levels),
    "square, listings": ("square", "/catalog/list", {"cursor": "b2"}, offers),
    "square, webhooks": ("square", "/webhooks/subscriptions", {"cursor": "b2"}, webhooks),
}  # fmt: skip


@pytest.mark.parametrize("circle", CIRCLES)
async def test_a_list_without_end_needs_a_person(circle: str, tools: Tools, clock: StoppedClock) -> None:
    name, path, leads_back, read = CIRCLES[circle]
    opened = open_world(RIGS[name], tools, clock)
    opened.world.sell(opened.world.targets[0], 1)
    assert opened.wire.inner is not None
    opened.wire.inner = wire = Circle(opened.wire.inner, path, leads_back)

    with pytest.raises(NeedsAttention, match="sends the same page of"):
        await read(opened)

    assert wire.asked >= 1


async def test_a_page_that_is_asked_for_once_more_is_no_circle(tools: Tools, clock: StoppedClock) -> None:
    """As when what it said could not be booked."""
    opened = open_world(RIGS["square"], tools, clock)
    for target in opened.world.targets:
        opened.world.sell(target, 1)
        clock.advance(seconds=1)
    cursor, seen = None, 0
    while True:
        again = await opened.adapter.pull(cursor, now=clock.now())
        page = await opened.adapter.pull(cursor, now=clock.now())
        assert (again.facts, again.cursor) == (page.facts, page.cursor)
        cursor, seen = page.cursor, seen + 1
        if not page.more:
            break

    assert seen > 3, "three kinds of things, and some of them on several pages"


@pytest.mark.parametrize("end", [None, ""])
def test_a_trail_that_ends_is_no_circle(end: str | None) -> None:
    trail = Trail("web", "its orders")

    assert [trail.on(end, "a"), trail.on("a", "b"), trail.on("b", end), trail.on("b", end)] == ["a", "b", end, end]
