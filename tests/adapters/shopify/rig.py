"""A small Shopify shop for the contract, and for the tests beside this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from omnisync.adapters import registry
from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopify.app import Simulation, open_shop
from omnisync.demo.shopify.seed import subscribe
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Variant
from omnisync.demo.shopify.webhooks import sign
from omnisync.values import Money
from tests.adapters.contract import Feature, World

SECRET_OF_HOOKS = "shpss_contract_0815"
ACCESS = "shpat_contract_4711"
HOOK_URL = "https://sync.example.org/v1/hooks/contract"
LINDEN, MARKT = 11, 12
PLACES = {f"gid://shopify/Location/{LINDEN}": "linden", f"gid://shopify/Location/{MARKT}": "markt"}
LINDEN_PLACE, MARKT_PLACE = PLACES


@dataclass
class ShopifyWorld:
    """A shop with three lamps in two stores, and the adapter connected to it."""

    adapter: Adapter
    channel: httpx.AsyncBaseTransport
    simulation: Simulation
    sent: list[Webhook]
    targets: Sequence[Target]
    unknown: Target

    @property
    def shop(self) -> Shop:
        return self.simulation.shop

    def variant(self, target: Target) -> Variant:
        return self.shop.variants[int(target.external_id.rsplit("/", 1)[-1])]

    def level(self, target: Target) -> int:
        return self.variant(target).levels[int((target.place or "").rsplit("/", 1)[-1])].available

    def price(self, target: Target) -> Money:
        return self.variant(target).price

    def sell(self, target: Target, quantity: int) -> str:
        place = int((target.place or "").rsplit("/", 1)[-1])
        return self.shop.sell([(self.variant(target), quantity)], place=place).gid

    def hook(self, *, secret: str | None = None) -> Hook:
        """The announcement of a new order."""
        self.sell(self.targets[0], 1)
        return self.as_hook(self.last("orders/create"), secret=secret)

    def last(self, topic: str) -> Webhook:
        """The last webhook of that topic that the shop sent."""
        return next(one for one in reversed(self.parcels()) if one.headers["x-shopify-topic"] == topic)

    def parcels(self) -> list[Webhook]:
        """All webhooks the shop has put out so far."""
        return self.sent

    @staticmethod
    def as_hook(webhook: Webhook, *, secret: str | None = None) -> Hook:
        headers = dict(webhook.headers)
        if secret is not None:
            headers["x-shopify-hmac-sha256"] = sign(secret, webhook.body)
        return Hook("POST", webhook.url, headers, {}, webhook.body)


def lamps(shop: Shop) -> list[Variant]:
    return [
        shop.add_variant(f"LAMP-{n}", Money(1995 + n, "EUR"), {LINDEN: 10 + n, MARKT: 5}, barcode=f"400638133393{n}")
        for n in (1, 2, 3)
    ]


def target_of(variant: Variant, place: str = LINDEN_PLACE) -> Target:
    return Target(
        external_id=f"gid://shopify/ProductVariant/{variant.id}",
        sku=variant.sku,
        place=place,
        extra={
            "inventory_item": f"gid://shopify/InventoryItem/{variant.item_id}",
            "product": f"gid://shopify/Product/{variant.product_id}",
        },
    )


def open_world(tools: Tools, *, settings: Mapping[str, Any] | None = None) -> ShopifyWorld:
    """A fresh shop; the adapter calls through the transport of `tools`, or straight into the shop when there is none."""
    shop = Shop(tools.clock)
    shop.add_location(LINDEN, "Filiale Lindenstraße")
    shop.add_location(MARKT, "Filiale am Markt")
    targets = [target_of(variant) for variant in lamps(shop)]
    subscribe(shop, HOOK_URL)
    sent: list[Webhook] = []

    async def send(webhook: Webhook) -> bool:
        return True

    simulation = open_shop(shop, token=ACCESS, secret=SECRET_OF_HOOKS, send=send, tools=tools)
    put = simulation.outbox.put
    simulation.announcer.put = lambda webhook: (sent.append(webhook), put(webhook))[1]
    channel = httpx.ASGITransport(simulation.app)
    own = {
        "shop": shop.name,
        "access_token": ACCESS,
        "webhook_secret": SECRET_OF_HOOKS,
        "base_url": "http://shopify.test",
        "page_size": 2,
    }
    if tools.transport is None:
        tools = replace(tools, transport=channel)
    adapter = registry.factory("shopify")(
        "contract", {**own, **(settings or {})}, PLACES, "https://sync.example.org", tools
    )
    unknown = Target("gid://shopify/ProductVariant/99", "GONE", LINDEN_PLACE, {})
    return ShopifyWorld(adapter, channel, simulation, sent, targets, unknown)


class ShopifyRig:
    """Shopify has everything the contract asks for."""

    adapter = "shopify"
    secrets = (ACCESS, SECRET_OF_HOOKS)
    signature_header = "x-shopify-hmac-sha256"
    does_not_apply: Mapping[Feature, str] = {}

    def open(self, tools: Tools) -> World:
        return open_world(tools)


RIG = ShopifyRig()
