"""eBay's notifications: topics, destinations that prove themselves, subscriptions, and messages signed with a key of our own."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync import routes
from omnisync.clock import Clock
from omnisync.demo.ebay import words
from omnisync.demo.ebay.shop import Refusal
from omnisync.demo.outbox import Webhook
from omnisync.routes import Late

NOTIFICATION = "/commerce/notification/v1"
TOPICS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED", "MARKETPLACE_ACCOUNT_DELETION")

Json = dict[str, Any]
T = TypeVar("T")
Ask = Callable[[str], Awaitable[bytes]]
"""Gets what a URL answers; empty when it does not answer 200."""


class Signer:
    """Signs as eBay does: ECDSA on P-256 over the SHA-1 of the body's bytes."""

    def __init__(self, chance: random.Random) -> None:
        self._secret = chance.getrandbits(255) + 1
        self.kid = str(uuid.UUID(int=chance.getrandbits(128), version=4))

    def header(self, body: bytes) -> str:
        """The value of X-EBAY-SIGNATURE."""
        # The digest is eBay's choice; the key signs nothing but these bodies.
        signature = self._key().sign(body, ec.ECDSA(hashes.SHA1(), deterministic_signing=True))  # noqa: S303
        said = {"alg": "ecdsa", "kid": self.kid, "signature": base64.b64encode(signature).decode(), "digest": "SHA1"}
        return base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()

    def public(self) -> str:
        """The public key as eBay writes it: a PEM without line breaks."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key().public_key().public_bytes(serialization.Encoding.PEM, form).decode().replace("\n", "")

    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._secret, ec.SECP256R1())


@dataclass(slots=True)
class Destination:
    id: str
    endpoint: str
    token: str
    name: str = "omnisync"
    status: str = "ENABLED"


@dataclass(slots=True)
class Subscription:
    id: str
    topic: str
    destination: str
    created: str
    status: str = "ENABLED"


class Notifications:
    """Who wants to hear what, and the messages for them."""

    def __init__(
        self, clock: Clock, chance: random.Random, put: Callable[[Webhook], None], ask: Ask | None = None
    ) -> None:
        self._clock, self._chance, self.put, self._ask = clock, chance, put, ask
        self.signer = Signer(chance)
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}

    def tell(self, topic: str, data: Mapping[str, Any], event: str) -> None:
        """Send an event to everybody who subscribed to its topic."""
        for one in self.subscriptions.values():
            home = self.destinations[one.destination]
            if one.topic == topic and one.status == home.status == "ENABLED":
                self.put(self.message(home.endpoint, topic, data, event))

    def message(self, url: str, topic: str, data: Mapping[str, Any], event: str) -> Webhook:
        """One signed notification; the same event always has the same id."""
        now = words.instant(self._clock.now())
        payload = {
            "metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False},
            "notification": {
                "notificationId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{topic}:{event}")),
                "eventDate": now,
                "publishDate": now,
                "publishAttemptCount": 1,
                "data": dict(data),
            },
        }
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        return Webhook(url, {"content-type": "application/json", "x-ebay-signature": self.signer.header(body)}, body)

    async def admit(self, endpoint: str, token: str) -> None:
        """Ask the address to prove that it knows the token. Refusal when it does not."""
        if not 32 <= len(token) <= 80:
            raise _refusal(195019, "Invalid verification token: it has 32 to 80 characters.")
        if self._ask is None:
            return
        code = f"{self._chance.getrandbits(128):032x}"
        answer = await self._ask(f"{endpoint}?challenge_code={code}")
        wanted = hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()
        if not _proves(answer, wanted):
            raise _refusal(195020, "Challenge verification failed for the requested endpoint.", status=409)

    def connect(self, endpoint: str, token: str, *topics: str) -> None:
        """Have an address subscribed from the start, without a challenge."""
        home = self.add_destination(endpoint, token)
        for topic in topics:
            self.add_subscription(topic, home.id)

    def add_destination(self, endpoint: str, token: str) -> Destination:
        one = Destination(self._new_id(), endpoint, token)
        self.destinations[one.id] = one
        return one

    def add_subscription(self, topic: str, destination: str) -> Subscription:
        one = Subscription(self._new_id(), topic, destination, words.instant(self._clock.now()))
        self.subscriptions[one.id] = one
        return one

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _proves(answer: bytes, wanted: str) -> bool:
    try:
        said = json.loads(answer)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("challengeResponse") == wanted


def _refusal(error_id: int, message: str, *, status: int = 400) -> Refusal:
    return Refusal(error_id, message, status=status, domain="API_NOTIFICATION")


def add_notifications(app: FastAPI, told: Notifications) -> None:
    """Give the app the Notification API."""
    routes.add(app, _keys_and_topics(told), _destinations(told), _subscriptions(told))


def _keys_and_topics(told: Notifications) -> APIRouter:
    router = APIRouter(prefix=NOTIFICATION, route_class=Late)

    @router.get("/public_key/{kid}")
    async def public_key(kid: str) -> Json:
        if kid != told.signer.kid:
            raise _refusal(195001, "Invalid public key id.", status=404)
        return {"algorithm": "ECDSA", "digest": "SHA1", "key": told.signer.public()}

    @router.get("/topic/{topic}")
    async def topic(topic: str) -> Json:
        if topic not in TOPICS:
            raise _refusal(195004, "Invalid or missing topic id.", status=404)
        payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
        return {"topicId": topic, "status": "ENABLED", "supportedPayloads": [payload]}

    return router


def _destinations(told: Notifications) -> APIRouter:
    router = APIRouter(prefix=NOTIFICATION, route_class=Late)

    @router.get("/destination")
    async def destinations() -> Json:
        rows = [_destination(one) for one in told.destinations.values()]
        return {"total": len(rows), "limit": 100, "destinations": rows}

    @router.post("/destination")
    async def add_destination(request: Request) -> Response:
        endpoint, token = _delivery(await request.json())
        if any(one.endpoint == endpoint for one in told.destinations.values()):
            raise _refusal(195021, "This destination already exists.", status=409)
        await told.admit(endpoint, token)
        return _created("destination", told.add_destination(endpoint, token).id)

    @router.put("/destination/{destination_id}")
    async def change_destination(destination_id: str, request: Request) -> Response:
        endpoint, token = _delivery(await request.json())
        one = _find(told.destinations, destination_id)
        await told.admit(endpoint, token)
        one.endpoint, one.token, one.status = endpoint, token, "ENABLED"
        return Response(status_code=204)

    return router


def _subscriptions(told: Notifications) -> APIRouter:
    router = APIRouter(prefix=NOTIFICATION, route_class=Late)

    @router.get("/subscription")
    async def subscriptions() -> Json:
        rows = [_subscription(one) for one in told.subscriptions.values()]
        return {"total": len(rows), "limit": 100, "subscriptions": rows}

    @router.post("/subscription")
    async def add_subscription(request: Request) -> Response:
        body = await request.json()
        topic, home = str(body.get("topicId")), str(body.get("destinationId"))
        if topic not in TOPICS:
            raise _refusal(195004, "Invalid or missing topic id.")
        _find(told.destinations, home)
        if any((one.topic, one.destination) == (topic, home) for one in told.subscriptions.values()):
            raise _refusal(195022, "This subscription already exists.", status=409)
        return _created("subscription", told.add_subscription(topic, home).id)

    @router.post("/subscription/{subscription_id}/enable")
    async def enable(subscription_id: str) -> Response:
        _find(told.subscriptions, subscription_id).status = "ENABLED"
        return Response(status_code=204)

    @router.delete("/subscription/{subscription_id}")
    async def remove(subscription_id: str) -> Response:
        _find(told.subscriptions, subscription_id)
        del told.subscriptions[subscription_id]
        return Response(status_code=204)

    return router


def _find(rows: Mapping[str, T], wanted: str) -> T:
    if wanted not in rows:
        raise _refusal(195005, "Invalid or missing id.", status=404)
    return rows[wanted]


def _delivery(body: Json) -> tuple[str, str]:
    config = body.get("deliveryConfig") or {}
    endpoint = str(config.get("endpoint") or "")
    if not endpoint.startswith(("https://", "http://127.0.0.1")):
        raise _refusal(195018, "Invalid or missing endpoint.")
    return endpoint, str(config.get("verificationToken") or "")


def _created(resource: str, made: str) -> Response:
    return JSONResponse({}, 201, {"Location": f"{words.API}{NOTIFICATION}/{resource}/{made}"})


def _destination(one: Destination) -> Json:
    config = {"endpoint": one.endpoint, "verificationToken": one.token}
    return {"destinationId": one.id, "name": one.name, "status": one.status, "deliveryConfig": config}


def _subscription(one: Subscription) -> Json:
    return {
        "subscriptionId": one.id,
        "topicId": one.topic,
        "status": one.status,
        "creationDate": one.created,
        "destinationId": one.destination,
        "payload": {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"},
    }
