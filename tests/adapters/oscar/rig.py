"""The oscar adapter for the contract, connected to a shop in memory that pages its lists by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import httpx

from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.oscar import make
from omnisync.demo.oscar.shop import PASSWORD, SETTINGS, Shop
from omnisync.values import Money
from tests.adapters.contract import Feature


class OscarWorld:
    """A shop with three articles."""

    def __init__(self, tools: Tools) -> None:
        self.shop = Shop(tools.clock, page=2)
        self.targets: Sequence[Target] = [
            Target(self.shop.add(sku), sku, extra={"currency": "EUR"}) for sku in ("LAMP", "MUG", "VASE")
        ]
        self.unknown = replace(self.targets[0], external_id="999", sku="GHOST")
        self.channel: httpx.AsyncBaseTransport | None = self.shop.transport
        self.adapter: Adapter = make("contract", {**SETTINGS, "page_size": 2}, {}, "", tools)

    def level(self, target: Target) -> int:
        return self.shop.offered(target.external_id)

    def price(self, target: Target) -> Money:
        return Money.parse(self.shop.records[target.external_id]["price"], "EUR")

    def sell(self, target: Target, quantity: int) -> str:
        return self.shop.buy(target.external_id, quantity)

    def hook(self, *, secret: str | None = None) -> Hook:
        raise NotImplementedError("oscar sends no webhooks")


class OscarRig:
    adapter = "oscar"
    secrets = (PASSWORD,)
    signature_header = ""
    does_not_apply = {  # noqa: RUF012  the kit reads it, nobody writes
        Feature.HOOKS: "oscar sends no webhooks, it is polled",
        Feature.SIGNATURES: "oscar sends no webhooks, it is polled",
        Feature.SUBSCRIPTIONS: "oscar sends no webhooks, it is polled",
    }

    def open(self, tools: Tools) -> OscarWorld:
        return OscarWorld(tools)


RIG = OscarRig()
