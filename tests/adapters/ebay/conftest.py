"""A fresh simulated account and the adapter connected to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from omnisync.adapters.client import Tools
from tests.adapters.contract import Wire
from tests.adapters.ebay.rig import EbayWorld


class Line(Wire):
    """The wire, which also remembers what was asked and may answer in eBay's place."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.instead(request) or await super().handle_async_request(request)

    def count(self, path: str) -> int:
        """Calls whose path ends so."""
        return sum(request.url.path.endswith(path) for request in self.asked)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def world(tools: Tools, line: Line) -> EbayWorld:
    world = EbayWorld(replace(tools, transport=line))
    line.inner = world.channel
    return world
