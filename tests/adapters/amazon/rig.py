"""Amazon for the contract tests: a simulated account and the adapter connected to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from omnisync.adapters.amazon import make
from omnisync.adapters.amazon.adapter import Amazon
from omnisync.adapters.base import Hook, Target
from omnisync.adapters.client import Tools
from omnisync.demo.amazon.app import open_account
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.demo.faults import Purchase
from omnisync.values import Money
from tests.adapters.contract import Feature, Wire

BASE = "https://amazon.test"
NO_HOOKS = "Amazon calls nobody: its notifications wait in a queue that pull reads."
SEED = Seed(
    client_secret="rig-client-secret",
    refresh_token="Atzr|rig-refresh-token",
    aws_secret="rig-aws-secret",
    listings=[
        Listed(sku="LAMP-RED", title="Leselampe rot", price="42.45", quantity=12, barcode="4006381333931"),
        Listed(sku="LAMP BLÄU/2", title="Leselampe blau", price="42.45", quantity=15),
        Listed(sku="SHADE,WHITE", title="Schirm", price="9.99", quantity=30, handling_days=5),
    ],
)


class Line(Wire):
    """The wire, which also remembers what was asked and may answer in Amazon's place."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.instead(request) or await super().handle_async_request(request)

    def count(self, method: str, part: str) -> int:
        """Calls of that method whose path holds this part."""
        return sum(one.method == method and part in one.url.path for one in self.asked)


class AmazonWorld:
    """One fresh account."""

    def __init__(self, tools: Tools, seed: Seed = SEED, *, base: str = BASE, **settings: Any) -> None:
        self.simulation = open_account(seed, tools.clock, random.Random(3))
        self.seller, self.office = self.simulation.seller, self.simulation.office
        self.channel: httpx.AsyncBaseTransport = httpx.ASGITransport(app=self.simulation.app)
        wanted: Mapping[str, Any] = {"page_size": 2, **settings}
        adapter = make("contract", self.simulation.settings(base, **wanted), {}, "https://sync.example.org", tools)
        assert isinstance(adapter, Amazon)
        self.adapter = adapter
        self.targets: Sequence[Target] = [self.target(one.sku) for one in seed.listings if not one.by_amazon][:3]
        self.unknown = Target(external_id="NOBODY", sku="NOBODY")

    def target(self, sku: str) -> Target:
        """A listing as `listings` tells it."""
        return Target(external_id=sku, sku=sku, extra={"asin": self.seller.offers[sku].asin})

    def level(self, target: Target) -> int:
        return self.seller.offers[target.external_id].quantity

    def price(self, target: Target) -> Money:
        return self.seller.price(target.external_id)

    def sell(self, target: Target, quantity: int) -> str:
        order: str = self.seller.buy(Purchase(sku=target.external_id, quantity=quantity))["order"]
        return order

    def hook(self, *, secret: str | None = None) -> Hook:
        raise AssertionError(NO_HOOKS)


class AmazonRig:
    """Amazon has everything that the kit asks for but hooks."""

    adapter = "amazon"
    secrets = ("rig-client-secret", "rig-refresh-token", "rig-aws-secret")
    signature_header = ""
    does_not_apply: Mapping[Feature, str] = dict.fromkeys(
        (Feature.HOOKS, Feature.SIGNATURES, Feature.SUBSCRIPTIONS), NO_HOOKS
    )

    def open(self, tools: Tools) -> AmazonWorld:
        return AmazonWorld(tools)


RIG = AmazonRig()
