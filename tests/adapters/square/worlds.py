"""A simulated account beside an adapter, for tests that look at one thing at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx

from omnisync.adapters.base import Adapter, Fact, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.demo.outbox import Webhook
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from tests.adapters.square.rig import LINDEN, a_seed, an_adapter

Wanted = TypeVar("Wanted")


class Postbox:
    """Keeps the webhooks that were sent."""

    def __init__(self) -> None:
        self.webhooks: list[Webhook] = []

    def __len__(self) -> int:
        return 0

    def put(self, webhook: Webhook) -> None:
        self.webhooks.append(webhook)

    def hooks(self, topic: str | None = None) -> list[Hook]:
        """As our server would receive them."""
        return [
            Hook("POST", webhook.url, dict(webhook.headers), {}, webhook.body)
            for webhook in self.webhooks
            if topic is None or json.loads(webhook.body)["type"] == topic
        ]


class Line(httpx.AsyncBaseTransport):
    """Between adapter and account: remembers the calls, and lets a test do something just before one of them."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.calls: list[tuple[str, str, Any]] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.before_method: dict[str, Callable[[], object]] = {}
        self.answer: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        self.calls.append((request.method, request.url.path, json.loads(body) if body else None))
        happening = self.before.pop(request.url.path, None) or self.before_method.pop(request.method, None)
        if happening:
            happening()
        return self.answer(request) or await self.inner.handle_async_request(request)

    def bodies(self, path: str) -> list[Any]:
        """What was sent to a path."""
        return [body for _, called, body in self.calls if called == path]


@dataclass
class Till:
    """An account, the line to it, an adapter, and what the account sent us."""

    account: Account
    line: Line
    adapter: Adapter
    postbox: Postbox = field(default_factory=Postbox)

    def target(self, sku: str, place: str = LINDEN) -> Target:
        return Target(self.account.catalogue.by_sku[sku], sku, place)

    def level(self, sku: str, place: str = LINDEN) -> int:
        return self.account.stock.level((self.account.catalogue.by_sku[sku], place))

    def line_of(self, sku: str, quantity: int | str = 1, **fields: Any) -> dict[str, Any]:
        return {"catalog_object_id": self.account.catalogue.by_sku[sku], "quantity": str(quantity), **fields}

    def sell(self, sku: str, quantity: int = 1, *, place: str = LINDEN, **fields: Any) -> dict[str, Any]:
        return self.account.sell(place, [self.line_of(sku, quantity)], **fields)

    def give_back(
        self, order: dict[str, Any], pieces: int = 1, *, restock: bool = True, **fields: Any
    ) -> dict[str, Any]:
        return self.account.refund(order["id"], {order["line_items"][0]["uid"]: pieces}, restock=restock, **fields)

    async def pull(self) -> list[Fact]:
        """All facts from the beginning."""
        return (await self.pull_from(None))[0]

    async def pull_from(self, cursor: str | None) -> tuple[list[Fact], str | None]:
        """All facts from there on, and the cursor after them."""
        facts: list[Fact] = []
        for _ in range(100):
            page = await self.adapter.pull(cursor, now=self.account.clock.now())
            facts += page.facts
            cursor = page.cursor
            if not page.more:
                return facts, cursor
        raise AssertionError("there is always more")


def a_till(tools: Tools, **settings: Any) -> Till:
    """Fresh, with the articles of the contract rig."""
    postbox = Postbox()
    account = Account(a_seed(), tools.clock, tools.ids, outbox=postbox)
    line = Line(httpx.ASGITransport(build(account)))
    adapter = an_adapter(replace(tools, transport=line), **{"page_size": 500} | settings)
    return Till(account, line, adapter, postbox)


def only(facts: Sequence[Fact], kind: type[Wanted]) -> list[Wanted]:
    """The facts of one kind."""
    return [fact for fact in facts if isinstance(fact, kind)]
