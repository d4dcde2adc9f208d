"""How the contract kit opens a WooCommerce shop: the simulated one, behind the kit's wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from omnisync.adapters import registry
from omnisync.adapters.base import Adapter, Hook, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.demo.outbox import Webhook
from omnisync.demo.woocommerce.app import build
from omnisync.demo.woocommerce.seed import Seed
from omnisync.demo.woocommerce.shop import Shop
from omnisync.demo.woocommerce.things import Product
from omnisync.demo.woocommerce.webhooks import sign
from omnisync.values import Money
from tests.adapters.contract import Feature, World

KEY, SECRET = "ck_contract_4711", "cs_contract_0815"
SECRET_OF_HOOKS = "a-long-random-text-of-the-contract"
PUBLIC = "https://sync.example.org"
URL = f"{PUBLIC}/v1/hooks/contract"
PLACES = {"Filiale Lindenstraße": "linden", "local_pickup:7": "markt"}
BASE_URL = "https://woo.test"


def a_seed(**changes: Any) -> Seed:
    """A lamp, and a shirt in two sizes."""
    given: dict[str, Any] = {
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "listings": [
            {"sku": "LAMP", "title": "Lampe", "price_minor": 1995, "quantity": 12, "barcode": "4006381333931"},
            {"sku": "SHIRT-S", "title": "S", "of": "Hemd", "price_minor": 2990, "quantity": 10},
            {"sku": "SHIRT-M", "title": "M", "of": "Hemd", "price_minor": 2990, "quantity": 11},
        ],
        "pickup_locations": ["Filiale Lindenstraße"],
        "webhook": {"url": URL, "secret": SECRET_OF_HOOKS},
    }
    return Seed.model_validate(given | changes)


def an_adapter(tools: Tools, **settings: Any) -> Adapter:
    """Connected to whatever stands behind `tools.transport`."""
    given = {
        "base_url": BASE_URL,
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "webhook_secret": SECRET_OF_HOOKS,
        "page_size": 2,
    }
    return registry.factory("woocommerce")("contract", {**given, **settings}, PLACES, PUBLIC, tools)


def target_of(product: Product) -> Target:
    """As the listings name it."""
    parent = product.parent_id
    id = f"{parent}:{product.id}" if parent else str(product.id)
    return Target(id, product.sku, extra={"product": str(parent or product.id)})


def as_hook(webhook: Webhook, *, secret: str | None = None) -> Hook:
    """A webhook of the shop as our server hands it on; with another `secret` as somebody else would send it."""
    headers = dict(webhook.headers)
    if secret is not None:
        headers["x-wc-webhook-signature"] = sign(secret, webhook.body)
    return Hook("POST", webhook.url, headers, {}, webhook.body)


@dataclass
class WooWorld:
    """A simulated shop and the adapter connected to it; `sent` are the webhooks it put out."""

    shop: Shop
    adapter: Adapter
    channel: httpx.AsyncBaseTransport | None
    sent: list[Webhook]
    targets: Sequence[Target] = ()
    unknown: Target = field(default_factory=lambda: Target("999", "NOBODY"))

    def product(self, target: Target) -> Product:
        return self.shop.products[int(target.external_id.rpartition(":")[2])]

    def level(self, target: Target) -> int:
        return self.product(target).stock

    def price(self, target: Target) -> Money:
        return Money.parse(self.product(target).regular_price, "EUR")

    def sell(self, target: Target, quantity: int) -> str:
        return str(self.shop.place([(self.product(target), quantity)]).id)

    def hook(self, *, secret: str | None = None) -> Hook:
        self.sell(self.targets[0], 1)
        return as_hook(self.last("order.created"), secret=secret)

    def last(self, topic: str) -> Webhook:
        """The last webhook of that topic."""
        return next(one for one in reversed(self.sent) if one.headers.get("x-wc-webhook-topic") == topic)

    def wish(self, sku: str, quantity: int | None = None, *, price: Money | None = None) -> Shown:
        """What a listing shall show."""
        product = self.shop.by_sku(sku)
        return Shown(target_of(product), f"tag-{sku}", self.shop.clock.now(), quantity=quantity, price=price)


def open_world(tools: Tools, *, settings: Mapping[str, Any] | None = None, **seed: Any) -> WooWorld:
    """A fresh shop; the adapter calls through the transport of `tools`, or straight into the shop when there is none."""
    sent: list[Webhook] = []
    shop = Shop(a_seed(**seed), tools.clock, put=sent.append)
    channel = httpx.ASGITransport(build(shop))
    adapter = an_adapter(tools if tools.transport else replace(tools, transport=channel), **(settings or {}))
    targets = [target_of(shop.by_sku(sku)) for sku in ("LAMP", "SHIRT-S", "SHIRT-M")] if not seed else []
    return WooWorld(shop, adapter, channel, sent, targets)


class WooRig:
    """WooCommerce has everything the contract asks for."""

    adapter = "woocommerce"
    secrets = (KEY, SECRET, SECRET_OF_HOOKS)
    signature_header = "x-wc-webhook-signature"
    does_not_apply: Mapping[Feature, str] = {}

    def open(self, tools: Tools) -> World:
        return open_world(tools)


RIG = WooRig()
