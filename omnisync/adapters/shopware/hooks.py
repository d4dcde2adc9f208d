"""Webhooks of the shopkeeper's app: how the shop registers it, whether the shop sent a message, what it hints at.

Shopware signs what it sends for an app, and nothing for anybody else. The handshake needs no memory: the secret that the
shop signs with afterwards is made from the one in the app's manifest.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from omnisync.adapters.base import Answer, Fact, Forged, Hook, Identified, Message, Unreadable
from omnisync.adapters.shopware.wire import ID

REGISTERED, SIGNED = "shopware-app-signature", "shopware-shop-signature"
TOPICS = (
    "order.written",
    "order.deleted",
    "product.written",
    "state_enter.order_delivery.state.shipped",
    "state_enter.order_delivery.state.returned",
    "state_enter.order_transaction.state.paid",
)
"""What the app's manifest subscribes."""
LIVE = "0fa91ce3e96a4bc2be4bd9ce752c3425"
"""The version of an order that counts; others are drafts of somebody who edits it."""
SHOWN = frozenset({"stock", "price", "isCloseout"})
"""The fields of a product that are ours to follow."""
EVENT_ID = re.compile(r"[0-9A-Za-z-]{8,64}")


@dataclass(frozen=True, slots=True)
class Hint:
    """What a message speaks of: things of one kind."""

    topic: str
    ids: tuple[str, ...]


def signature(secret: str, text: bytes) -> str:
    """Hex of HMAC-SHA256."""
    return hmac.digest(secret.encode(), text, hashlib.sha256).hex()


def shop_secret(app_secret: str) -> str:
    """What the shop signs its messages with, after it registered the app."""
    return signature(app_secret, b"omnisync: what the shop signs with")


def identify(hook: Hook, app_secret: str | None, app_name: str) -> Identified:
    """A verified message, an answer of the handshake, or `Forged`."""
    if not app_secret:
        return Forged("No app_secret is set for this channel.")
    if hook.method == "GET":
        return _register(hook, app_secret, app_name)
    if not _is_signed(hook, SIGNED, shop_secret(app_secret), hook.body):
        return Forged("The signature is missing or wrong.")
    body = _body_of(hook)
    if "apiKey" in body:  # the end of the handshake; our own integration is used, so nothing of it is kept
        return Answer(204)
    hint = hint_of(hook)
    if hint is None:
        return Message(_event_id(hook, body), "unreadable")
    return Message(_event_id(hook, body), hint.topic, hint.ids[0] if len(hint.ids) == 1 else None)


def _register(hook: Hook, app_secret: str, app_name: str) -> Identified:
    """The shop asks whether we are the app's server: the proof says so, and the secret is ours to choose."""
    address, _, query = hook.url.partition("?")
    if not _is_signed(hook, REGISTERED, app_secret, query.encode()):
        return Forged("The registration's signature is missing or wrong.")
    shop = f"{hook.query.get('shop-id', '')}{hook.query.get('shop-url', '')}"
    answer = {
        "proof": signature(app_secret, f"{shop}{app_name}".encode()),
        "secret": shop_secret(app_secret),
        "confirmation_url": address,
    }
    return Answer(body=orjson.dumps(answer), media_type="application/json")


def _is_signed(hook: Hook, header: str, secret: str, text: bytes) -> bool:
    return hmac.compare_digest(signature(secret, text).encode(), hook.headers.get(header, "").encode())


def _event_id(hook: Hook, body: Mapping[str, Any]) -> str:
    """The shop's own, which stays when it tries again; else a hash."""
    source = body.get("source")
    given = source.get("eventId") if isinstance(source, Mapping) else None
    if isinstance(given, str) and EVENT_ID.fullmatch(given):
        return given
    return hashlib.sha256(hook.body).hexdigest()[:32]


def hint_of(hook: Hook) -> Hint | None:
    """What it speaks of; None when it makes no sense."""
    data = _body_of(hook).get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("event"), str):
        return None
    topic = data["event"]
    if topic not in TOPICS:
        return Hint(topic, ())
    ids = _ids(topic, data.get("payload"))
    if ids is None or not all(isinstance(id, str) and ID.fullmatch(id) for id in ids):
        return None
    return Hint(topic, tuple(dict.fromkeys(ids)))


def _ids(topic: str, payload: Any) -> list[Any] | None:
    """A state's message carries its order; what was written is a list of things, of which some are not ours."""
    if topic.startswith("state_enter."):
        order = payload.get("order") if isinstance(payload, Mapping) else None
        return [order.get("id")] if isinstance(order, Mapping) else None
    if not isinstance(payload, list) or not all(isinstance(row, Mapping) for row in payload):
        return None
    return [row.get("primaryKey") for row in payload if _is_ours(row, topic.partition(".")[0])]


def kind_of(topic: str) -> str:
    """What messages of a topic speak of: product or order."""
    return "product" if topic.startswith("product.") else "order"


def _is_ours(row: Mapping[str, Any], entity: str) -> bool:
    """Whether it is of the things that the topic names, and of a field that we show."""
    if row.get("entity") != entity or row.get("versionId", LIVE) != LIVE:
        return False
    fields = row.get("updatedFields")
    return entity != "product" or not isinstance(fields, list) or bool(SHOWN & set(map(str, fields)))


def unreadable(hook: Hook) -> Sequence[Fact]:
    """A signed message that makes no sense waits in plain sight; all others are hints to be followed."""
    if hint_of(hook) is not None:
        return ()
    name, reason = f"hook:{_event_id(hook, _body_of(hook))}", "The shop sent a signed message that names nothing."
    return (Unreadable(name, reason, "Discard it; polling finds the order."),)


def _body_of(hook: Hook) -> Mapping[str, Any]:
    try:
        body = orjson.loads(hook.body)
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}
