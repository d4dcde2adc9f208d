"""The example of docs/adapters.md is held to the contract like every adapter of ours."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from omnisync.adapters import registry
from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.torture import known
from omnisync.torture.counterpart import Goods, Ground
from omnisync.values import Money
from tests.adapters.contract import Feature
from tests.adapters.corner.install import install

URL = "https://sync.example.org/v1/hooks/contract"
GOODS = [
    Goods(sku, sku.title(), f"400638133393{n}", Money(1995, "EUR"), 12) for n, sku in enumerate(("LAMP", "MUG", "VASE"))
]


class CornerWorld:
    """A shop with three articles."""

    def __init__(self, tools: Tools) -> None:
        self.shop: Any = known.counterpart("corner")(Ground(tools, GOODS, URL, Path()))
        self.channel: httpx.AsyncBaseTransport | None = self.shop.transport
        make = registry.factory("corner")
        self.adapter: Adapter = make("contract", self.shop.settings, {}, "https://sync.example.org", tools)
        self.targets: Sequence[Target] = [Target(str(id), one.sku) for id, one in self.shop.articles.items()]
        self.unknown = Target("999", "GHOST")

    def level(self, target: Target) -> int:
        return int(self.shop.shown(target.sku))

    def price(self, target: Target) -> Money:
        raise NotImplementedError("the example writes no prices")

    def sell(self, target: Target, quantity: int) -> str:
        return str(self.shop.buy([(target.sku, quantity)]).id)

    def hook(self, *, secret: str | None = None) -> Hook:
        self.sell(self.targets[0], 1)
        hook: Hook = self.shop.hooks()[-1]
        return (
            hook
            if secret is None
            else replace(hook, headers={**hook.headers, RIG.signature_header: _signed(hook, secret)})
        )


def _signed(hook: Hook, secret: str) -> str:
    return hmac.new(secret.encode(), hook.body, hashlib.sha256).hexdigest()


class CornerRig:
    adapter = "corner"
    secrets = ("corner-key-4711", "corner-secret-0815")
    signature_header = "x-corner-signature"
    does_not_apply: Mapping[Feature, str] = {Feature.PRICES: "the example writes stock only, to stay short"}

    def open(self, tools: Tools) -> CornerWorld:
        return CornerWorld(tools)


install()
RIG = CornerRig()
