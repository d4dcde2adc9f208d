"""Notification subscriptions: one destination (our address), one subscription a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Subscription
from omnisync.adapters.client import Reply
from omnisync.adapters.ebay.calls import NOTIFICATION, Calls, Grant, in_words
from omnisync.adapters.ebay.calls import complaints as errors_in
from omnisync.adapters.ebay.hooks import DELETION
from omnisync.adapters.pages import Trail
from omnisync.errors import NeedsAttention

TOPICS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")
"""What to subscribe. Account deletions are set up once for the whole application, in the developer portal."""
PAGE = "100"
_MEND = "Check that public_url can be reached from the internet with https and that verification_token is the same here and at eBay."

Raw = Mapping[str, Any]


def grant_of(topic: str) -> Grant:
    """Account deletions concern the application, everything else the seller."""
    return "application" if topic == DELETION else "user"


async def settle(calls: Calls, wanted: Sequence[Subscription], token: str, own_url: str) -> list[Subscription]:
    """Create, enable and remove until exactly the wanted ones point at our addresses; those of others stay."""
    known = {_endpoint(raw): raw async for raw in _pages(calls, "/destination", "destinations", "application")}
    homes = {url: await _home(calls, url, known.get(url), token) for url in dict.fromkeys(one.url for one in wanted)}
    standing = await _standing(calls, {grant_of(one.topic) for one in wanted} | {"user"})
    settled = [await _settle_one(calls, one, homes[one.url], standing) for one in wanted]
    ours = {*homes.values(), *(str(raw["destinationId"]) for url, raw in known.items() if url == own_url)}
    kept = {one.id for one in settled}
    for raw in standing:
        if str(raw.get("destinationId")) in ours and str(raw["subscriptionId"]) not in kept:
            await _done(await _call(calls, "DELETE", f"/subscription/{raw['subscriptionId']}", raw["topicId"]), 204)
    return settled


async def _settle_one(calls: Calls, one: Subscription, home: str, standing: Sequence[Raw]) -> Subscription:
    same = (raw for raw in standing if raw["topicId"] == one.topic and str(raw.get("destinationId")) == home)
    raw = next(same, None)
    stands = raw is not None and raw.get("status") == "ENABLED"
    if raw is None:
        found = await _create(calls, one.topic, home)
    else:
        found = str(raw["subscriptionId"])
        if not stands:
            await _done(await _call(calls, "POST", f"/subscription/{found}/enable", one.topic), 204)
    return Subscription(topic=one.topic, url=one.url, id=found, active=True, renewed=not stands)


async def _create(calls: Calls, topic: str, home: str) -> str:
    described = await calls.get(NOTIFICATION, f"/topic/{topic}", grant="application")
    payload: Raw = next((one for one in described.get("supportedPayloads") or () if not one.get("deprecated")), {})
    body = {
        "topicId": topic,
        "status": "ENABLED",
        "destinationId": home,
        "payload": {
            "format": "JSON",
            "schemaVersion": payload.get("schemaVersion", "1.0"),
            "deliveryProtocol": payload.get("deliveryProtocol", "HTTPS"),
        },
    }
    return _made(await _done(await _call(calls, "POST", "/subscription", topic, body), 201))


async def _home(calls: Calls, url: str, known: Raw | None, token: str) -> str:
    """The id of our address; eBay sends it a challenge before it takes it."""
    if known is None:
        return _made(await _done(await _put_destination(calls, "/destination", "POST", url, token), 201))
    found = str(known["destinationId"])
    if known.get("status") != "ENABLED":
        await _done(await _put_destination(calls, f"/destination/{found}", "PUT", url, token), 204)
    return found


async def _put_destination(calls: Calls, path: str, method: str, url: str, token: str) -> Reply:
    body = {
        "name": "omnisync",
        "status": "ENABLED",
        "deliveryConfig": {"endpoint": url, "verificationToken": token},
    }
    return await calls.call(method, NOTIFICATION, path, grant="application", body=body)


def _endpoint(raw: Raw) -> str | None:
    config = raw.get("deliveryConfig")
    return config.get("endpoint") if isinstance(config, Mapping) else None


async def _standing(calls: Calls, grants: set[Grant]) -> list[Raw]:
    return [raw for grant in sorted(grants) async for raw in _pages(calls, "/subscription", "subscriptions", grant)]


async def _pages(calls: Calls, path: str, rows: str, grant: Grant) -> Any:
    """All rows of a resource that pages by continuation token."""
    trail, token = Trail("eBay", "its webhooks"), ""
    while True:
        more = {"continuation_token": token} if token else {}
        answer = await calls.get(NOTIFICATION, path, grant=grant, limit=PAGE, **more)
        for row in answer.get(rows) or ():
            yield row
        _, _, rest = str(answer.get("next") or "").partition("continuation_token=")
        token = trail.on(token, rest.split("&")[0])
        if not token:
            return


async def _call(calls: Calls, method: str, path: str, topic: str, body: Any = None) -> Reply:
    return await calls.call(method, NOTIFICATION, path, grant=grant_of(topic), body=body)


async def _done(reply: Reply, *statuses: int) -> Reply:
    if reply.status in statuses:
        return reply
    said = in_words(errors_in(reply.json()) if reply.body else []) or f"eBay answered {reply.status}"
    raise NeedsAttention(f"eBay does not take our subscription: {said}", action=_MEND, code="subscription")


def _made(reply: Reply) -> str:
    """eBay names what it created in the Location header alone."""
    return reply.headers.get("location", "").rstrip("/").rpartition("/")[2]
