"""Webhooks: whether the shop sent them, what they hint at, and which ones it shall send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from omnisync.adapters.base import Answer, Fact, Forged, Hook, Identified, Message, Subscription, Unreadable
from omnisync.adapters.client import Reply
from omnisync.adapters.woocommerce.wire import Json, Wire, message_of
from omnisync.errors import NeedsAttention

SIGNATURE, TOPIC, DELIVERY = "x-wc-webhook-signature", "x-wc-webhook-topic", "x-wc-webhook-delivery-id"
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated")
"""What to subscribe."""
PING = re.compile(rb"webhook_id=\d+")
"""Unsigned, as a form, when a webhook is made or switched on: the shop only wants to hear 200."""


def signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def identify(hook: Hook, secret: str | None) -> Identified:
    """A verified message, the ping, or `Forged`."""
    given = hook.headers.get(SIGNATURE, "")
    if not given and PING.fullmatch(hook.body):
        return Answer()
    if not secret:
        return Forged("No webhook_secret is set for this channel.")
    if not hmac.compare_digest(signature(secret, hook.body).encode(), given.encode()):
        return Forged("The signature is missing or wrong.")
    topic = hook.headers.get(TOPIC, "")
    return Message(_event_id(hook), topic, resource_of(hook))


def _event_id(hook: Hook) -> str:
    """The delivery id is made of the webhook's id and the second, so two messages of one second share it; their bodies differ."""
    return f"{hook.headers.get(DELIVERY, '')}-{hashlib.sha256(hook.body).hexdigest()[:32]}"


def resource_of(hook: Hook) -> str | None:
    """The id of the order or product that a body speaks of; None when it names none."""
    try:
        body = orjson.loads(hook.body)
    except ValueError:
        return None
    id = body.get("id") if isinstance(body, Mapping) else None
    return str(id) if type(id) is int and id > 0 else None


def unreadable(hook: Hook) -> Sequence[Fact]:
    """A signed message of a topic of ours that names nothing waits in plain sight; all others are hints to be followed."""
    if hook.headers.get(TOPIC) not in TOPICS or resource_of(hook) is not None:
        return ()
    reason = f"The shop sent a signed {hook.headers[TOPIC]} message without an id."
    return (Unreadable(f"hook:{_event_id(hook)}", reason, "Discard it; polling finds the order."),)


class Subscriptions:
    """The webhooks of one shop that call us; those of others are left alone."""

    def __init__(self, wire: Wire, channel: str, secret: str | None) -> None:
        self._wire, self._channel, self._secret = wire, channel, secret

    async def make(self, wanted: Sequence[Subscription]) -> list[Subscription]:
        """Make what is missing, switch on again what the shop switched off, remove what nobody wants at our address."""
        if not self._secret:
            raise NeedsAttention(
                "Without webhook_secret nobody can tell who sent a webhook, so none is made; the shop is polled.",
                action="Choose a long random webhook_secret and set it below [channels.settings].",
                code="settings",
            )
        addresses = {one.url for one in wanted}
        wishes = {(one.topic, one.url) for one in wanted}
        standing: dict[tuple[str, str], Json] = {}
        for one in await self._wire.all_pages("webhooks", status="all", orderby="id", order="asc"):
            key = (str(one["topic"]), str(one["delivery_url"]))
            if key in wishes and key not in standing:
                standing[key] = one
            elif key[1] in addresses:
                await self._wire.call("DELETE", f"webhooks/{one['id']}", params={"force": True})
        return [await self._put_right(one, standing.get((one.topic, one.url))) for one in wanted]

    async def _put_right(self, wish: Subscription, found: Json | None) -> Subscription:
        """WooCommerce switches a webhook off after more than five failures in a row, and shows its secret to nobody: its name says which."""
        name = self._name(wish.topic)
        if found is not None and (found["status"], found["name"]) == ("active", name):
            return Subscription(wish.topic, wish.url, str(found["id"]))
        body: dict[str, Any] = {"name": name, "status": "active", "secret": self._secret}
        if found is None:
            made = {**body, "topic": wish.topic, "delivery_url": wish.url}
            return _subscription(wish, await self._wire.call("POST", "webhooks", body=made))
        return _subscription(wish, await self._wire.call("PUT", f"webhooks/{found['id']}", body=body))

    def _name(self, topic: str) -> str:
        mark = hmac.digest((self._secret or "").encode(), b"omnisync webhook", hashlib.sha256).hex()[:8]
        return f"omnisync {self._channel} {topic} {mark}"


def _subscription(wish: Subscription, reply: Reply) -> Subscription:
    if reply.status not in (200, 201):
        raise NeedsAttention(
            f"The shop does not subscribe {wish.topic}: {message_of(reply)}",
            action="Check server.public_url, and that the consumer key belongs to a shop manager with Read/Write.",
        )
    made = reply.json()
    return Subscription(wish.topic, wish.url, str(made["id"]), made["status"] == "active", renewed=True)
