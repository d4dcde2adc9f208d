"""Webhooks: whose they are, and what to read again because of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from omnisync.adapters.base import Fact, Forged, Hook, Identified, Message, Subscription, Unreadable
from omnisync.adapters.square import inventory
from omnisync.adapters.square.pulling import OVERLAP, Pulling
from omnisync.adapters.square.wire import API_VERSION, Json, Wire
from omnisync.values import format_time, parse_time

SIGNATURE = "x-square-hmacsha256-signature"
UNREADABLE, EVENTS = "unreadable", "events"
COUNTS = "inventory.count.updated"
TOPICS = (
    "order.created",
    "order.updated",
    "order.fulfillment.updated",
    "refund.created",
    "refund.updated",
    COUNTS,
)
"""What to subscribe."""
MEND = "Copy the signature key from Square's Developer Console into webhook_secret."


def signature(secret: str, url: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the notification URL, byte for byte as subscribed, and the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), url.encode() + body, hashlib.sha256)).decode()


def identify(hook: Hook, secrets: Sequence[str], url: str) -> Identified:
    """A verified message under Square's event id, or `Forged`. The URL is ours, not the one a proxy saw."""
    if not any(secrets):
        return Forged("no webhook_secret is set for this channel")
    given = hook.headers.get(SIGNATURE, "")
    signed = [hmac.compare_digest(signature(one, url, hook.body).encode(), given.encode()) for one in secrets if one]
    if not any(signed):
        return Forged("the signature is missing or wrong")
    event = parse(hook.body)
    if event is None:
        return Message(hashlib.sha256(hook.body).hexdigest(), UNREADABLE)
    topic, about = str(event["type"]), str((event.get("data") or {}).get("id") or "")
    return Message(str(event["event_id"]), topic, about or None, later=topic == COUNTS)


def parse(body: bytes) -> dict[str, Any] | None:
    """The event, or None when it is none."""
    try:
        event = orjson.loads(body)
    except ValueError:
        return None
    named = isinstance(event, dict) and event.get("event_id") and event.get("type")
    return event if named and isinstance(event.get("data", {}), dict) else None


def order_of(hook: Hook) -> str | None:
    """The order that an event is about: by itself, or by a refund of it."""
    event = parse(hook.body) or {}
    topic, data = str(event.get("type")), event.get("data") or {}
    refund = (data.get("object") or {}).get("refund") or {}
    named = {"order": data.get("id"), "refund": refund.get("order_id")}.get(topic.partition(".")[0])
    return str(named) if named and topic in TOPICS else None


def _counts_of(hook: Hook) -> Sequence[Json]:
    event = parse(hook.body) or {}
    told = ((event.get("data") or {}).get("object") or {}).get("inventory_counts")
    return told or () if event.get("type") == COUNTS else ()


def unreadable(hook: Hook) -> Sequence[Fact]:
    """A signed message that is no event waits in plain sight; all others are hints to be followed."""
    if parse(hook.body) is not None:
        return ()
    key = f"hook:{hashlib.sha256(hook.body).hexdigest()}"
    return (
        Unreadable(
            key, "Square sent a signed message that is no event.", "Compare its API version with ours, then replay."
        ),
    )


class Following:
    """Reads again what an event is about."""

    def __init__(self, wire: Wire, pulling: Pulling, places: Sequence[str]) -> None:
        self._wire, self._pulling, self._places = wire, pulling, frozenset(places)

    async def follow(self, hooks: Sequence[Hook]) -> Sequence[Fact]:
        """What Square says now of the things these events name; nothing for topics that carry no facts.

        Orders come first, so that a lower count is already explained by the sale that caused it.
        """
        wrong = [fact for hook in hooks for fact in unreadable(hook)]
        orders = await self._orders({order_id for hook in hooks if (order_id := order_of(hook)) is not None})
        return [*wrong, *orders, *await self._counts([count for hook in hooks for count in _counts_of(hook)])]

    async def _orders(self, order_ids: Collection[str]) -> Sequence[Fact]:
        if not order_ids:
            return ()
        found = await self._wire.orders(sorted(order_ids))
        return await self._pulling.facts_of([order for order in found if order["location_id"] in self._places])

    async def _counts(self, told: Sequence[Json]) -> Sequence[Fact]:
        """The levels as they are now, and the counts and movements that made them so."""
        named = [
            count
            for count in told
            if count.get("location_id") in self._places
            and count.get("catalog_object_type", "ITEM_VARIATION") == "ITEM_VARIATION"
        ]
        if not named:
            return ()
        objects = sorted({count["catalog_object_id"] for count in named})
        places = sorted({count["location_id"] for count in named})
        since = min(parse_time(count["calculated_at"]) for count in named) - OVERLAP
        changes = await self._wire.changes(objects, places, format_time(since))
        counts = await self._wire.counts(objects, places)
        levels = [level for count in counts if (level := inventory.level(count))]
        return [*await self._pulling.facts_of_changes(changes), *levels]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What stands now, and the signature keys that Square made for it."""

    standing: list[Subscription]
    keys: list[str]


async def subscribe(wire: Wire, wanted: Sequence[Subscription], name: str, key: str, secret: str) -> Subscribed:
    """One subscription of Square per URL carries all its topics; those of other URLs are left alone."""
    standing = {str(one.get("notification_url")): one for one in await wire.webhooks()}
    result: list[Subscription] = []
    keys: list[str] = []
    for url, topics in _by_url(wanted).items():
        shape = {"name": f"omnisync {name}"[:64], "enabled": True, "event_types": topics, "notification_url": url}
        old = standing.get(url)
        if old is None:
            one = await wire.create_webhook({**shape, "api_version": API_VERSION}, f"{key}"[:45])
        elif old.get("enabled") is not True or sorted(old.get("event_types") or ()) != topics:
            one = await wire.update_webhook(str(old["id"]), shape)
        else:
            one = old
        active, made = bool(one.get("enabled", True)), str(one.get("signature_key") or "")
        keys += [made] if made else []
        result += [
            Subscription(topic, url, str(one["id"]), active, one is not old, MEND if made not in ("", secret) else "")
            for topic in one.get("event_types") or topics
        ]
    return Subscribed(result, keys)


def _by_url(wanted: Sequence[Subscription]) -> Mapping[str, list[str]]:
    urls = sorted({one.url for one in wanted})
    return {url: sorted({one.topic for one in wanted if one.url == url}) for url in urls}
