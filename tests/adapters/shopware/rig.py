"""How the contract kit opens a Shopware shop: the simulated one, behind the kit's wire, with the app installed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from omnisync.adapters import registry
from omnisync.adapters.base import Adapter, Answer, Hook, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopware.access import Door
from omnisync.demo.shopware.app import build
from omnisync.demo.shopware.app_webhooks import sign
from omnisync.demo.shopware.seed import Seed
from omnisync.demo.shopware.shop import Shop
from omnisync.demo.shopware.things import Product
from omnisync.values import Money
from tests.adapters.contract import Feature, World

KEY, SECRET = "SWIACONTRACT4711", "secret-contract-0815"
APP_SECRET = "a-long-random-text-of-the-manifest"
PUBLIC = "https://sync.example.org"
URL = f"{PUBLIC}/v1/hooks/contract"
PICKUP, UNMAPPED = "shipping_abholung_linden", "shipping_popup"
PLACES = {PICKUP: "linden"}
BASE_URL = "https://shopware.test"


def a_seed(**changes: Any) -> Seed:
    """A lamp, and a shirt in two sizes."""
    given: dict[str, Any] = {
        "client_id": KEY,
        "client_secret": SECRET,
        "listings": [
            {"sku": "LAMP", "title": "Lampe", "price_minor": 1995, "quantity": 12, "barcode": "4006381333931"},
            {"sku": "SHIRT-S", "title": "S", "of": "Hemd", "price_minor": 2990, "quantity": 10},
            {"sku": "SHIRT-M", "title": "M", "of": "Hemd", "price_minor": 2990, "quantity": 11},
        ],
        "pickup_methods": [PICKUP, UNMAPPED],
    }
    return Seed.model_validate(given | changes)


def an_adapter(tools: Tools, **settings: Any) -> Adapter:
    """Connected to whatever stands behind `tools.transport`."""
    given = {
        "base_url": BASE_URL,
        "client_id": KEY,
        "client_secret": SECRET,
        "app_secret": APP_SECRET,
        "pickup_methods": [PICKUP, UNMAPPED],
        "page_size": 2,
    }
    return registry.factory("shopware")("contract", {**given, **settings}, PLACES, PUBLIC, tools)


def target_of(product: Product) -> Target:
    """As the listings name it."""
    return Target(product.id, product.sku, extra={"product": product.parent_id} if product.parent_id else {})


def as_hook(webhook: Webhook, *, secret: str | None = None, method: str = "POST") -> Hook:
    """A webhook of the shop as our server hands it on; with another `secret` as somebody else would send it."""
    headers = dict(webhook.headers)
    if secret is not None:
        headers["shopware-shop-signature"] = sign(secret, webhook.body)
    return Hook(method, webhook.url, headers, dict(httpx.URL(webhook.url).params), webhook.body)


def install(shop: Shop, adapter: Adapter, *, secret: str = APP_SECRET) -> None:
    """The shopkeeper uploads the app: the handshake between shop and adapter."""
    url, headers = shop.app.install("Omnisync", URL, secret)
    answer = adapter.identify(as_hook(Webhook(url, headers, b""), method="GET"))
    assert isinstance(answer, Answer)
    confirmed = adapter.identify(as_hook(shop.app.accept(answer.body)))
    assert confirmed == Answer(204)


@dataclass
class ShopwareWorld:
    """A simulated shop and the adapter connected to it; `sent` are the webhooks it put out, `door` knows its tokens."""

    shop: Shop
    door: Door
    adapter: Adapter
    channel: httpx.AsyncBaseTransport | None
    sent: list[Webhook]
    targets: Sequence[Target] = ()
    unknown: Target = field(default_factory=lambda: Target("f" * 32, "NOBODY"))

    def product(self, target: Target) -> Product:
        return self.shop.products[target.external_id]

    def level(self, target: Target) -> int:
        return self.product(target).stock

    def price(self, target: Target) -> Money:
        return self.shop.gross(self.product(target))

    def sell(self, target: Target, quantity: int) -> str:
        return self.shop.place([(self.product(target), quantity)]).id

    def hook(self, *, secret: str | None = None) -> Hook:
        self.sell(self.targets[0], 1)
        return as_hook(self.last("order.written"), secret=secret)

    def last(self, topic: str) -> Webhook:
        """The last webhook of that topic."""
        return next(one for one in reversed(self.sent) if f'"event":"{topic}"'.encode() in one.body)

    def wish(self, sku: str, quantity: int | None = None, *, price: Money | None = None) -> Shown:
        """What a listing shall show."""
        product = self.shop.by_sku(sku)
        return Shown(target_of(product), f"tag-{sku}", self.shop.clock.now(), quantity=quantity, price=price)


def open_world(tools: Tools, *, settings: Mapping[str, Any] | None = None, **seed: Any) -> ShopwareWorld:
    """A fresh shop; the adapter calls through the transport of `tools`, or straight into the shop when there is none."""
    sent: list[Webhook] = []
    shop = Shop(a_seed(**seed), tools.clock, put=sent.append)
    door = Door(KEY, SECRET, tools.clock)
    channel = httpx.ASGITransport(build(shop, door))
    adapter = an_adapter(tools if tools.transport else replace(tools, transport=channel), **(settings or {}))
    install(shop, an_adapter(tools))
    targets = [target_of(shop.by_sku(sku)) for sku in ("LAMP", "SHIRT-S", "SHIRT-M")] if not seed else []
    return ShopwareWorld(shop, door, adapter, channel, sent, targets)


class ShopwareRig:
    """Shopware has everything the contract asks for."""

    adapter = "shopware"
    secrets = (SECRET, APP_SECRET)
    signature_header = "shopware-shop-signature"
    does_not_apply: Mapping[Feature, str] = {}

    def open(self, tools: Tools) -> World:
        return open_world(tools)


RIG = ShopwareRig()
