"""Webhooks: whether Shopify sent them, what they hint at, and which ones it shall send."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from omnisync.adapters.base import Forged, Hook, Identified, Message, Subscription
from omnisync.adapters.pages import Trail
from omnisync.adapters.shopify import documents
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import gid
from omnisync.errors import NeedsAttention

SIGNATURES = ("x-shopify-hmac-sha256", "shopify-hmac-sha256")
EVENTS = ("x-shopify-event-id", "shopify-event-id", "x-shopify-webhook-id", "shopify-webhook-id")
TOPICS = ("x-shopify-topic", "shopify-topic")
LEVELS = "inventory_levels/update"
OF_TESTS = gid("Order", "820982911946154508")
"""The order of every notification that Shopify's admin sends as a test. There is no such order."""

Resource = Mapping[str, Any]


def _order(body: Resource) -> str:
    return gid("Order", body["admin_graphql_api_id"] if "admin_graphql_api_id" in body else body["id"])


def _its_order(body: Resource) -> str:
    return gid("Order", body["order_id"])


def _edited_order(body: Resource) -> str:
    return gid("Order", body["order_edit"]["order_id"])


def _level(body: Resource) -> str:
    return f"{int(body['inventory_item_id'])}@{int(body['location_id'])}"


HINTS: Mapping[str, Callable[[Resource], str]] = {
    "orders/create": _order,
    "orders/updated": _order,
    "orders/cancelled": _order,
    "orders/edited": _edited_order,
    "refunds/create": _its_order,
    "fulfillments/create": _its_order,
    "fulfillments/update": _its_order,
    LEVELS: _level,
}
"""What each topic speaks of. Payloads are hints only: they come late, twice and in any order."""


def identify(hook: Hook, secrets: Sequence[str]) -> Identified:
    """Who sent it: the HMAC of the raw body under one of the app's secrets (two while one is being replaced)."""
    told = _first(hook, SIGNATURES).encode()
    if not told:
        return Forged("The signature header is missing.")
    if not any(hmac.compare_digest(_sign(hook.body, secret), told) for secret in secrets):
        return Forged("The signature does not fit the body.")
    # The names are not signed: who repeats a message under another name is told by the hash of its body.
    event = _first(hook, EVENTS) or hashlib.sha256(hook.body).hexdigest()
    topic = _first(hook, TOPICS)
    return Message(event_id=event, topic=topic, resource=resource_of(hook), later=topic == LEVELS)


def hint(topic: str, body: bytes) -> str:
    """The resource that a body speaks of. ValueError when it cannot be read."""
    try:
        return HINTS[topic](orjson.loads(body))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"a {topic} message without its id ({type(error).__name__})") from error


def topic_of(hook: Hook) -> str:
    """The topic as the hook names it."""
    return _first(hook, TOPICS)


def resource_of(hook: Hook) -> str | None:
    """The order, or the article and location, that a message speaks of; None when it names none."""
    try:
        return hint(topic_of(hook), hook.body)
    except ValueError:
        return None


def _sign(body: bytes, secret: str) -> bytes:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))


def _first(hook: Hook, names: Sequence[str]) -> str:
    return next((hook.headers[name] for name in names if hook.headers.get(name)), "")


class Subscriptions:
    """The webhook subscriptions of our app in one shop; those of other apps are invisible to us."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    async def make(self, wanted: Sequence[Subscription]) -> list[Subscription]:
        """Create what is missing, delete what nobody wants any more at the same address, return what was wanted."""
        standing = await self._standing()
        addresses = {one.url for one in wanted}
        wishes = {(one.topic, one.url) for one in wanted}
        for one in standing:
            if one.url in addresses and (one.topic, one.url) not in wishes and one.id:
                await self._admin.run(documents.UNSUBSCRIBE, {"id": one.id})
        known = {(one.topic, one.url): one for one in standing}
        return [known.get((one.topic, one.url)) or await self._create(one) for one in wanted]

    async def _standing(self) -> list[Subscription]:
        found: list[Subscription] = []
        trail, after, more = Trail(self._admin.name, "its webhooks"), None, True
        while more:
            page = (await self._admin.run(documents.SUBSCRIPTIONS, {"after": after}))["webhookSubscriptions"]
            found += [_subscription(node) for node in page["nodes"]]
            after, more = trail.on(after, page["pageInfo"]["endCursor"]), page["pageInfo"]["hasNextPage"]
        return found

    async def _create(self, wanted: Subscription) -> Subscription:
        variables = {"topic": wanted.topic.upper().replace("/", "_"), "uri": wanted.url}
        answer = (await self._admin.run(documents.SUBSCRIBE, variables, repeatable=False))["webhookSubscriptionCreate"]
        if answer["userErrors"]:
            raise NeedsAttention(
                f"Shopify does not subscribe {wanted.topic}: {answer['userErrors'][0]['message']}",
                action="Check server.public_url: Shopify calls public https addresses only.",
            )
        return replace(_subscription(answer["webhookSubscription"]), renewed=True)


def _subscription(node: Mapping[str, str]) -> Subscription:
    topic = next((name for name in HINTS if name.upper().replace("/", "_") == node["topic"]), node["topic"].lower())
    return Subscription(topic=topic, url=node["uri"], id=node["id"])
