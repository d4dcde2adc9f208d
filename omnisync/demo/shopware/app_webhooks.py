"""The shopkeeper's app in the shop: registered by a handshake, told of events, its webhooks switched off when nobody answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from omnisync.clock import Clock
from omnisync.demo.outbox import Send, Webhook
from omnisync.demo.shopware.things import Hook

TRIES, FAILURES = 3, 10
EVENTS = (
    "order.written", "order.deleted", "product.written", "state_enter.order_delivery.state.shipped",
    "state_enter.order_delivery.state.returned", "state_enter.order_transaction.state.paid",
)  # fmt: skip
"""What the app's manifest names."""


class App:
    """The app and its webhooks. Nothing is told before the handshake is over."""

    def __init__(self, clock: Clock, site: str, put: Callable[[Webhook], None]) -> None:
        self._clock, self._site, self.put = clock, site, put
        self.name, self.url, self.active = "", "", True
        self._manifest_secret, self.shop_secret, self.shop_id = "", "", "AbCdEfGh12345678"
        self.hooks: dict[str, Hook] = {}
        self.refuses_changes = False
        """Newer shops let nobody change an app's webhooks through the API."""
        self._events, self._tries = 0, Counter[str]()

    # ------------------------------------------------------------ the handshake

    def install(self, name: str, url: str, secret: str) -> tuple[str, Mapping[str, str]]:
        """The shopkeeper uploads the app: the request that asks its server who it is."""
        self.name, self.url, self._manifest_secret = name, url, secret
        moment = int(self._clock.now().timestamp())
        query = urlencode({"shop-id": self.shop_id, "shop-url": self._site, "timestamp": moment})
        return f"{url}?{query}", {"shopware-app-signature": sign(secret, query.encode())}

    def accept(self, answer: bytes) -> Webhook:
        """The server's answer: the confirmation to send. ValueError when its proof is wrong."""
        told = json.loads(answer)
        if told["proof"] != sign(self._manifest_secret, f"{self.shop_id}{self._site}{self.name}".encode()):
            raise ValueError("The app provided an invalid response")
        self.shop_secret = told["secret"]
        for event in EVENTS:
            self.add(event, self.url)
        body = {"apiKey": "SWIAOFTHEAPP", "secretKey": "of-the-app", "timestamp": "1", "shopUrl": self._site}
        raw = json.dumps({**body, "shopId": self.shop_id}).encode()
        return Webhook(told["confirmation_url"], self._headers(raw, signed=True), raw)

    def add(self, event: str, url: str, *, app: bool = True) -> Hook:
        """A webhook: of the app, or of nobody, which is never signed."""
        id = f"{len(self.hooks) + 1:032x}"
        self.hooks[id] = Hook(id, event.replace(".", "-"), event, url, app)
        return self.hooks[id]

    def row(self) -> dict[str, Any] | None:
        if not self.shop_secret:
            return None
        return {"id": "a" * 32, "name": self.name, "active": self.active, "apiAlias": "app"}

    # ------------------------------------------------------------ messages

    def tell(self, event: str, payload: Any) -> None:
        """Send it to whoever wants it."""
        for hook in self.hooks.values():
            if hook.active and hook.event == event and (self.active or not hook.app):
                self.put(self.message(hook, payload))

    def wrote(self, entity: str, id: str, fields: Sequence[str], *, operation: str = "update") -> None:
        """An entity was written: its name, its key and its fields, never their values."""
        told = {"entity": entity, "operation": operation, "primaryKey": id, "updatedFields": list(fields)}
        event = "deleted" if operation == "delete" else "written"
        self.tell(f"{entity}.{event}", [{**told, "versionId": "0fa91ce3e96a4bc2be4bd9ce752c3425"}])

    def message(self, hook: Hook, payload: Any) -> Webhook:
        """Signed, if it is the app's."""
        self._events += 1
        source = {
            "url": self._site,
            "appVersion": "1.0.0",
            "shopId": self.shop_id,
            "eventId": f"event-{self._events:08d}",
        }
        body = {"data": {"payload": payload, "event": hook.event}, "source": source}
        raw = json.dumps({**body, "timestamp": int(self._clock.now().timestamp())}, separators=(",", ":")).encode()
        return Webhook(hook.url, {**self._headers(raw, signed=hook.app), "x-hook": hook.id}, raw)

    def _headers(self, raw: bytes, *, signed: bool) -> dict[str, str]:
        told = {"content-type": "application/json", "sw-version": "6.7.0.0"}
        return {**told, "shopware-shop-signature": sign(self.shop_secret, raw)} if signed else told

    def counting(self, send: Send) -> Send:
        """The same sender; an event that failed at each try counts, and too many switch its webhook off."""

        async def counted(webhook: Webhook) -> bool:
            hook, event = self.hooks[webhook.headers["x-hook"]], json.loads(webhook.body)["source"]["eventId"]
            if await send(webhook):
                hook.errors = 0
                return True
            self._tries[event] += 1
            if self._tries[event] < TRIES:
                return False
            hook.errors += 1
            if hook.errors >= FAILURES:
                hook.active, hook.errors = False, 0
            return True  # given up

        return counted


def sign(secret: str, text: bytes) -> str:
    """Hex of HMAC-SHA256."""
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    mac.update(text)
    return mac.hexdigest()
