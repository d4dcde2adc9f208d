"""Square's events: bodies in its shape, signed for each subscription that wants them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from omnisync.clock import Clock, Ids
from omnisync.demo.outbox import Outbox, Webhook
from omnisync.demo.square.paging import stamp
from omnisync.demo.square.problems import Problem, required

TOPICS = (
    "catalog.version.updated",
    "inventory.count.updated",
    "order.created",
    "order.fulfillment.updated",
    "order.updated",
    "refund.created",
)


class Events:
    """The account's webhook subscriptions, and what is sent to them."""

    def __init__(self, clock: Clock, ids: Ids, merchant_id: str, outbox: Outbox | None) -> None:
        self._clock, self._ids, self._merchant_id, self._outbox = clock, ids, merchant_id, outbox
        self.subscriptions: dict[str, dict[str, Any]] = {}

    def subscribe(self, wish: dict[str, Any], *, secret: str | None = None) -> dict[str, Any]:
        """A new subscription; Square makes its signature key itself."""
        now = stamp(self._clock.now())
        made = {
            "id": f"wbhk_{self._ids.new().lower()}",
            "name": wish.get("name") or "unnamed",
            "enabled": wish.get("enabled", True),
            "event_types": list(required(wish, "event_types")),
            "notification_url": required(wish, "notification_url"),
            "api_version": wish.get("api_version") or "2025-08-20",
            "signature_key": secret or base64.urlsafe_b64encode(self._ids.new().encode()).decode(),
            "created_at": now,
            "updated_at": now,
        }
        self.subscriptions[made["id"]] = made
        return made

    def change(self, subscription_id: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Replace what is named."""
        old = self.subscriptions.get(subscription_id)
        if old is None:
            raise Problem("NOT_FOUND", "There is no such subscription.", status=404)
        fields = ("name", "enabled", "event_types", "notification_url")
        old |= {name: wish[name] for name in fields if name in wish} | {"updated_at": stamp(self._clock.now())}
        return old

    def tell(self, topic: str, kind: str, name: str, thing: dict[str, Any] | list[dict[str, Any]]) -> dict[str, Any]:
        """Send an event about a thing to whoever wants this topic."""
        event = {
            "merchant_id": self._merchant_id,
            "type": topic,
            "event_id": self._ids.new(),
            "created_at": stamp(self._clock.now()),
            "data": {"type": kind, "id": name, "object": {kind: thing}},
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        for subscription in self.subscriptions.values():
            if self._outbox is not None and subscription["enabled"] and topic in subscription["event_types"]:
                self._outbox.put(signed(body, subscription["notification_url"], subscription["signature_key"]))
        return event


def signed(body: bytes, url: str, secret: str) -> Webhook:
    """As Square signs it: over the notification URL and the body."""
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    mac.update(url.encode())
    mac.update(body)
    signature = base64.b64encode(mac.digest()).decode()
    headers = {
        "content-type": "application/json",
        "x-square-hmacsha256-signature": signature,
        "square-initial-delivery-timestamp": json.loads(body)["created_at"],
    }
    return Webhook(url, headers, body)
