"""The figures that stand beside a floor: which requests, and which answers count."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from bench import retailer
from bench.load import request

Requests = Iterator[bytes]
_numbers = count(1)
FLASH_REQUESTS = 3_000


@dataclass(frozen=True)
class Figure:
    """One measurement over HTTP."""

    name: str
    requests: Callable[[str, str], Requests]
    """(API key, article of this round) -> what is sent."""
    successes: tuple[int, ...]
    flash: bool = False
    """Whether it is about the last 500 pieces of an article: a round is then so many requests, however long they take."""


def _reserve_one(key: str, sku: str) -> Requests:
    while True:
        yield _reservation(key, sku)


def _reserve_any(key: str, _: str) -> Requests:
    order, chance = list(retailer.asked_for()), random.Random(1)
    while True:
        chance.shuffle(order)
        for number in order:
            yield _reservation(key, retailer.sku(number))


def _rush(key: str, sku: str) -> Requests:
    return islice(_reserve_one(key, sku), FLASH_REQUESTS)


def _reservation(key: str, sku: str) -> bytes:
    number = next(_numbers)
    line = {"sku": sku, "location": "linden", "quantity": 1}
    body = {"reference": f"cart-{number}", "channel": "webshop", "expires_in_seconds": 900, "lines": [line]}
    headers = {"authorization": f"Bearer {key}", "idempotency-key": f"bench-{number}"}
    return request("POST", "/v1/reservations", json.dumps(body).encode(), headers)


def _ask(skus: int) -> Callable[[str, str], Requests]:
    def requests(key: str, _: str) -> Requests:
        chance = random.Random(2)
        while True:
            wanted = chance.sample(retailer.asked_for(), skus)
            query = "&".join(f"sku={retailer.sku(number)}" for number in wanted)
            yield request("GET", f"/v1/availability?{query}", headers={"authorization": f"Bearer {key}"})

    return requests


def _hooks(_key: str, _sku: str) -> Requests:
    """Orders as Shopify announces them, each with its own event id and a signature over its bytes."""
    while True:
        number = next(_numbers)
        body = json.dumps(_ORDER | {"id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}"}).encode()
        digest = hmac.new(retailer.WEBHOOK_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "x-shopify-topic": "orders/create",
            "x-shopify-event-id": f"event-{number}",
            "x-shopify-shop-domain": "bench.myshopify.com",
            "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
        }
        yield request("POST", "/v1/hooks/webshop", body, headers)


_ORDER = {
    "name": "#1001",
    "currency": "EUR",
    "financial_status": "paid",
    "created_at": "2026-11-21T10:00:00+01:00",
    "line_items": [
        {"id": n, "sku": retailer.sku(n), "quantity": 1, "price": "42.45", "title": f"Artikel {n}"} for n in range(1, 4)
    ],
}

FIGURES = (
    Figure("reserve.hot", _reserve_one, (201,)),
    Figure("reserve.spread", _reserve_any, (201,)),
    Figure("reserve.flash", _rush, (201, 409), flash=True),
    Figure("availability.1", _ask(1), (200,)),
    Figure("availability.50", _ask(50), (200,)),
    Figure("webhook.ack", _hooks, (200,)),
)
