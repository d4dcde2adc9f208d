"""How the contract kit opens a Square account: the simulated one, behind the kit's wire."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.square import make
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from omnisync.demo.square.events import signed
from omnisync.demo.square.seed import Seed
from omnisync.values import Money
from tests.adapters.contract import Feature

TOKEN = "EAAAl-contract-token"
SECRET = "contract-signature-key"
PUBLIC = "https://sync.example.org"
URL = f"{PUBLIC}/v1/hooks/contract"
LINDEN, MARKT = "LLINDEN00001", "LMARKT000002"
PLACES = {LINDEN: "linden", MARKT: "markt"}
SKUS = ("LAMP", "VASE", "RUG")


def a_seed(**changes: Any) -> Seed:
    """Three articles at two stores, and our subscription."""
    listings = [
        {
            "sku": sku,
            "title": sku.title(),
            "price_minor": 1999 + number,
            "barcode": f"400638133393{number}",
            "quantities": {LINDEN: 10 + number, MARKT: 4},
        }
        for number, sku in enumerate(SKUS)
    ]
    given: dict[str, Any] = {
        "access_token": TOKEN,
        "locations": [{"id": LINDEN, "name": "Filiale Lindenstraße"}, {"id": MARKT, "name": "Filiale Markt"}],
        "listings": listings,
        "webhook": {"url": URL, "secret": SECRET},
    }
    return Seed.model_validate(given | changes)


def an_adapter(tools: Tools, **settings: Any) -> Adapter:
    """Connected to whatever stands behind `tools.transport`."""
    given = {"access_token": TOKEN, "webhook_secret": SECRET, "base_url": "http://square.test", "page_size": 2}
    return make("contract", given | settings, PLACES, PUBLIC, tools)


@dataclass
class SquareWorld:
    """A simulated account and the adapter connected to it."""

    account: Account
    adapter: Adapter
    channel: httpx.AsyncBaseTransport | None
    targets: Sequence[Target] = ()
    unknown: Target = field(default_factory=lambda: Target("VUNKNOWN", "NOBODY", LINDEN))

    def level(self, target: Target) -> int:
        return self.account.stock.level((target.external_id, target.place or ""))

    def price(self, target: Target) -> Money:
        price = self.account.catalogue.variations[target.external_id]["item_variation_data"]["price_money"]
        return Money(price["amount"], price["currency"])

    def sell(self, target: Target, quantity: int) -> str:
        line = {"catalog_object_id": target.external_id, "quantity": str(quantity)}
        return str(self.account.sell(target.place or LINDEN, [line])["id"])

    def hook(self, *, secret: str | None = None) -> Hook:
        order = self.account.sell(LINDEN, [{"catalog_object_id": self.targets[0].external_id, "quantity": "1"}])
        thing = {"order_id": order["id"], "state": order["state"], "location_id": LINDEN}
        event = self.account.events.tell("order.updated", "order_updated", order["id"], thing)
        webhook = signed(json.dumps(event).encode(), URL, secret or SECRET)
        return Hook("POST", URL, dict(webhook.headers), {}, webhook.body)


class SquareRig:
    """Square has everything the kit asks for."""

    adapter = "square"
    secrets: Sequence[str] = (TOKEN, SECRET)
    signature_header = "x-square-hmacsha256-signature"
    does_not_apply: Mapping[Feature, str] = {}

    def open(self, tools: Tools) -> SquareWorld:
        account = Account(a_seed(), tools.clock, tools.ids)
        targets = [Target(account.catalogue.by_sku[sku], sku, LINDEN) for sku in SKUS]
        return SquareWorld(account, an_adapter(tools), httpx.ASGITransport(build(account)), targets)


RIG = SquareRig()
