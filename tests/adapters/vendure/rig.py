"""The vendure adapter for the contract, connected to a shop in memory whose pages hold two orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx

from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure import make
from omnisync.demo.vendure.shop import PASSWORD, SETTINGS, Shop
from omnisync.values import Money
from tests.adapters.contract import Feature


class VendureWorld:
    """A shop with three articles at its one stock location."""

    def __init__(self, tools: Tools) -> None:
        self.shop = Shop(tools.clock)
        self.targets: Sequence[Target] = [Target(self.shop.add(sku), sku, place="1") for sku in ("LAMP", "MUG", "VASE")]
        self.unknown = replace(self.targets[0], external_id="999", sku="GHOST")
        self.channel: httpx.AsyncBaseTransport | None = self.shop.transport
        self.adapter: Adapter = make("contract", {**SETTINGS, "page_size": 2}, {"1": "lager"}, "", tools)

    def level(self, target: Target) -> int:
        return self.shop.offered(target.external_id)

    def price(self, target: Target) -> Money:
        return Money(self.shop.variants[target.external_id]["prices"][0]["price"], "EUR")

    def sell(self, target: Target, quantity: int) -> str:
        return self.shop.buy(target.external_id, quantity)

    def hook(self, *, secret: str | None = None) -> Hook:
        raise NotImplementedError("Vendure's core sends no webhooks")


class VendureRig:
    adapter = "vendure"
    secrets = (PASSWORD, "session-")
    signature_header = ""
    does_not_apply = {  # noqa: RUF012  the kit reads it, nobody writes
        Feature.HOOKS: "Vendure's core sends no webhooks, it is polled",
        Feature.SIGNATURES: "Vendure's core sends no webhooks, it is polled",
        Feature.SUBSCRIPTIONS: "Vendure's core sends no webhooks, it is polled",
    }

    def open(self, tools: Tools) -> VendureWorld:
        return VendureWorld(tools)


RIG = VendureRig()
