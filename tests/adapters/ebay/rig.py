"""eBay for the contract tests: a simulated account and the adapter connected to it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from omnisync.adapters.base import Hook, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay import hooks, make
from omnisync.adapters.ebay.adapter import Ebay
from omnisync.demo.ebay.app import Simulation, open_account
from omnisync.demo.ebay.notifying import Signer
from omnisync.demo.ebay.seed import Listed, Seed
from omnisync.demo.faults import Purchase
from omnisync.demo.outbox import Webhook
from omnisync.values import Money
from tests.adapters.contract import Feature

PUBLIC_URL = "https://sync.example.org"
URL = f"{PUBLIC_URL}/v1/hooks/contract"
VERIFICATION = "verification-token-of-the-contract-tests"
SEED = Seed(
    client_id="rig-client",
    client_secret="rig-client-secret",
    refresh_token="rig-refresh-token",
    listings=[
        Listed(sku="LAMP-RED", title="Leselampe rot", price="42.45", quantity=12, barcode="4006381333931"),
        Listed(sku="LAMP BLÄU/2", title="Leselampe blau", price="42.45", quantity=15),
        Listed(sku="SHADE", title="Schirm", price="9.99", quantity=30),
    ],
)


@dataclass
class Post:
    """Where the simulation's webhooks end."""

    sent: list[Webhook] = field(default_factory=list)

    async def __call__(self, webhook: Webhook) -> bool:
        self.sent.append(webhook)
        return True


def target(simulation: Simulation, sku: str) -> Target:
    """A listing as `listings` tells it."""
    offer = simulation.shop.offers[sku]
    return Target(external_id=sku, sku=sku, extra={"offer": offer.offer_id, "listing": offer.listing_id})


class EbayWorld:
    """One fresh account."""

    def __init__(self, tools: Tools, seed: Seed = SEED, **settings: Any) -> None:
        self.post = Post()
        self.simulation = open_account(seed, tools.clock, random.Random(3), self.post)
        self.channel: httpx.AsyncBaseTransport = httpx.ASGITransport(app=self.simulation.app)
        wanted: Mapping[str, Any] = {"page_size": 2, "verification_token": VERIFICATION, **settings}
        adapter = make("contract", self.simulation.settings("http://ebay.test", **wanted), {}, PUBLIC_URL, tools)
        assert isinstance(adapter, Ebay)
        self.adapter = adapter
        self.targets: Sequence[Target] = [target(self.simulation, sku) for sku in self.simulation.shop.offers]
        self.unknown = Target(external_id="NOBODY", sku="NOBODY", extra={"offer": "1"})

    def level(self, target: Target) -> int:
        return self.simulation.shop.offers[target.external_id].shown

    def price(self, target: Target) -> Money:
        return self.simulation.shop.offers[target.external_id].price

    def sell(self, target: Target, quantity: int) -> str:
        order: str = self.simulation.shop.buy(Purchase(sku=target.external_id, quantity=quantity))["order"]
        return order

    def hook(self, *, secret: str | None = None) -> Hook:
        """A confirmed order; another secret is another key under the name of eBay's own."""
        signer = self.simulation.notifications.signer
        self.adapter.keys.remember(signer.kid, hooks.as_pem(signer.public()))
        data = {"orderId": self.sell(self.targets[0], 1)}
        told = self.simulation.notifications.message(URL, "ORDER_CONFIRMATION", data, data["orderId"])
        headers = dict(told.headers)
        if secret is not None:
            forger = Signer(random.Random(secret))
            forger.kid = signer.kid
            headers["x-ebay-signature"] = forger.header(told.body)
        return Hook("POST", URL, headers, {}, told.body)


class EbayRig:
    """eBay has everything that the kit asks for."""

    adapter = "ebay"
    secrets = ("rig-client-secret", "rig-refresh-token", VERIFICATION)
    signature_header = hooks.SIGNATURE
    does_not_apply: Mapping[Feature, str] = {}

    def open(self, tools: Tools) -> EbayWorld:
        return EbayWorld(tools)


RIG = EbayRig()
