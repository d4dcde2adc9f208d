"""Turns what happens in the shop into signed webhooks."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from omnisync.clock import Ids
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopify import rest_views
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Subscription
from omnisync.values import format_time

BODIES: Mapping[str, Callable[[Shop, Any], Any]] = {
    "orders/create": rest_views.order,
    "orders/updated": rest_views.order,
    "orders/cancelled": rest_views.order,
    "refunds/create": lambda shop, about: rest_views.refund(*about),
    "fulfillments/create": lambda shop, about: rest_views.fulfillment(*about),
    "inventory_levels/update": lambda shop, about: rest_views.level(*about),
}


class Announcer:
    """Signs what the shop announces, for everybody who subscribed to its topic."""

    def __init__(self, shop: Shop, secret: str, put: Callable[[Webhook], None], ids: Ids) -> None:
        self._shop, self._secret, self.put, self._ids = shop, secret, put, ids
        shop.announce = self

    def __call__(self, topic: str, about: Any) -> None:
        listeners = [one for one in self._shop.subscriptions.values() if one.topic == topic]
        if not listeners:
            return
        body = json.dumps(BODIES[topic](self._shop, about), ensure_ascii=False).encode()
        event = self._ids.new()
        for one in listeners:
            self.put(Webhook(one.url, self.headers(one, event, body), body))

    def headers(self, to: Subscription, event: str, body: bytes) -> dict[str, str]:
        """As Shopify sends them: the event's name is the same for all who hear of it, the delivery's is not."""
        return {
            "content-type": "application/json",
            "x-shopify-topic": to.topic,
            "x-shopify-shop-domain": self._shop.name,
            "x-shopify-api-version": "2026-07",
            "x-shopify-webhook-id": self._ids.new(),
            "x-shopify-event-id": event,
            "x-shopify-triggered-at": format_time(self._shop.clock.now()),
            "x-shopify-hmac-sha256": sign(self._secret, body),
        }


def sign(secret: str, body: bytes) -> str:
    """Base64 of the HMAC over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
