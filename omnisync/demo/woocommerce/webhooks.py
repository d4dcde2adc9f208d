"""The shop's webhooks: signed as WooCommerce signs them, never sent again, switched off when nobody answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.outbox import Send, Webhook
from omnisync.demo.woocommerce.things import Hook

FAILURES = 5
TOPICS = frozenset(
    f"{thing}.{event}"
    for thing in ("order", "product", "coupon", "customer")
    for event in ("created", "updated", "deleted", "restored")
)


class Webhooks:
    """Who is told what."""

    def __init__(self, clock: Clock, site: str, put: Callable[[Webhook], None]) -> None:
        self._clock, self._site, self.put = clock, site, put
        self.hooks: dict[int, Hook] = {}

    def add(self, name: str, topic: str, url: str, secret: str) -> Hook:
        """A new one, and its ping."""
        now = self._clock.now().replace(microsecond=0)
        made = Hook(max(self.hooks, default=0) + 1, name, topic, url, secret, now, now)
        self.hooks[made.id] = made
        self.ping(made)
        return made

    def ping(self, hook: Hook) -> None:
        """An unsigned form: WooCommerce only wants to see whether somebody is there."""
        headers = {"content-type": "application/x-www-form-urlencoded", "x-wc-webhook-id": str(hook.id)}
        self.put(Webhook(hook.url, headers, f"webhook_id={hook.id}".encode()))

    def tell(self, topic: str, thing: dict[str, Any]) -> None:
        """Send it to whoever wants this topic."""
        for hook in self._wanting(topic):
            self.put(self.signed(hook, thing))

    def signed(self, hook: Hook, thing: dict[str, Any]) -> Webhook:
        """The delivery id is the same for all that this webhook sends in one second."""
        body = json.dumps(thing, separators=(",", ":")).replace("/", "\\/").encode()
        resource, event = hook.topic.split(".")
        moment = int(self._clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "WooCommerce/9.0.0 Hookshot (WordPress/6.6)",
            "x-wc-webhook-source": f"{self._site}/",
            "x-wc-webhook-topic": hook.topic,
            "x-wc-webhook-resource": resource,
            "x-wc-webhook-event": event,
            "x-wc-webhook-signature": sign(hook.secret, body),
            "x-wc-webhook-id": str(hook.id),
            "x-wc-webhook-delivery-id": hashlib.sha256(f"{hook.id}{moment}".encode()).hexdigest()[:32],
        }
        return Webhook(hook.url, headers, body)

    def counting(self, send: Send) -> Send:
        """The same sender; failures are counted, and too many in a row switch a webhook off."""

        async def counted(webhook: Webhook) -> bool:
            arrived = await send(webhook)
            self._count(self.hooks.get(int(webhook.headers["x-wc-webhook-id"])), arrived)
            return True  # WooCommerce tries once

        return counted

    def _count(self, hook: Hook | None, arrived: bool) -> None:
        if hook is None:
            return
        hook.failures = 0 if arrived else hook.failures + 1
        if hook.failures > FAILURES:
            hook.status = "disabled"

    def _wanting(self, topic: str) -> Iterable[Hook]:
        return [hook for hook in self.hooks.values() if hook.status == "active" and hook.topic == topic]


def sign(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the body."""
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    mac.update(body)
    return base64.b64encode(mac.digest()).decode()
