"""A simulated channel that is killed goes on from its books, as a real one would: whatever it answered stands."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from omnisync.clock import Ids, StoppedClock
from omnisync.demo.ebay import words
from omnisync.demo.ebay.app import Simulation, open_account
from omnisync.demo.ebay.notifying import NOTIFICATION
from omnisync.demo.ebay.seed import Listed, Seed, Webhooks
from omnisync.demo.ebay.selling import FULFILLMENT, INVENTORY
from omnisync.demo.outbox import Webhook
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from tests.demo.test_square import LINDEN, TOKEN, a_count, a_seed, level

pytestmark = pytest.mark.anyio
EBAY = Seed(
    listings=[Listed(sku="LAMP", price="42.45", quantity=9)],
    webhook=Webhooks(url="https://sync.example.org/hook", verification_token="v" * 32),
)
SQUARE = {"authorization": f"Bearer {TOKEN}"}
COUNTS = "/v2/inventory/changes/batch-create"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "channel.books"


def an_ebay(clock: StoppedClock, books: Path | None, chance: int) -> Simulation:
    """One life of its process."""

    async def send(webhook: Webhook) -> bool:
        return True

    return open_account(EBAY, clock, random.Random(chance), send, books=books)


async def call(app: FastAPI, headers: Mapping[str, str], verb: str, path: str, body: Any = None) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://channel.test", headers=headers) as client:
        return await client.request(verb, path, json=body)


def begun(books: Path) -> bool:
    return books.exists()


async def token_of(ebay: Simulation) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": "demo-refresh-token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ebay.app), base_url="http://channel.test") as client:
        answer = await client.post("/identity/v1/oauth2/token", data=form, auth=("demo-client", "demo-client-secret"))
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_ebay_knows_offers_orders_tokens_keys_and_subscribers_again(clock: StoppedClock, books: Path):
    first = an_ebay(clock, books, chance=1)
    bearer = await token_of(first)
    revised = {"requests": [{"sku": "LAMP", "shipToLocationAvailability": {"quantity": 7}}]}
    await call(first.app, bearer, "POST", f"{INVENTORY}/bulk_update_price_quantity", revised)
    [home] = first.notifications.destinations
    await call(
        first.app, bearer, "POST", f"{NOTIFICATION}/subscription",
        {"topicId": "ITEM_MARKED_SHIPPED", "destinationId": home},
    )  # fmt: skip
    order = (await call(first.app, bearer, "POST", "/_sim/buy", {"sku": "LAMP", "quantity": 2})).json()["order"]
    await call(first.app, bearer, "POST", "/_sim/faults", {"down": True})

    again = an_ebay(clock, books, chance=2)
    state = (await call(again.app, {}, "GET", "/_sim/state")).json()
    known = await call(again.app, bearer, "GET", f"{FULFILLMENT}/order/{order}")
    shipped = await call(again.app, bearer, "POST", f"/_sim/orders/{order}", {"action": "ship"})

    assert (state["levels"], state["revisions"]) == ([{"sku": "LAMP", "place": None, "quantity": 5}], {"LAMP": 1})
    assert (known.json(), shipped.status_code) == (words.order(first.shop.orders[order]), 200)
    assert again.notifications.signer.public() == first.notifications.signer.public()
    assert (len(first.outbox), len(again.outbox)) == (1, 1), "what is told is told by the process that lives"
    assert again.shop.order([("LAMP", 1)]).id not in first.shop.orders


async def test_square_knows_shelves_sales_prices_and_what_it_answered_again(clock: StoppedClock, ids: Ids, books: Path):
    first = Account(a_seed(), clock, ids)
    app = build(first, books=books)
    counted = {"idempotency_key": "k1", "changes": [a_count(first, "LAMP", 9, clock.now())]}
    clock.advance(minutes=1)
    await call(app, SQUARE, "POST", COUNTS, counted)
    sold = (await call(app, SQUARE, "POST", "/_sim/buy", {"sku": "LAMP", "quantity": 2, "place": LINDEN})).json()

    again = Account(a_seed(), clock, ids)
    app = build(again, books=books)
    twice = await call(app, SQUARE, "POST", COUNTS, counted)
    order = await call(app, SQUARE, "GET", f"/v2/orders/{sold['order']}")
    back = {"order": sold["order"], "sku": "LAMP", "quantity": 1, "place": LINDEN}
    await call(app, SQUARE, "POST", "/_sim/refund", back)

    assert (twice.status_code, order.json()["order"]["state"]) == (200, "COMPLETED")
    assert (level(first, "LAMP"), level(again, "LAMP")) == (7, 8)
    assert again.events.subscriptions == first.events.subscriptions


async def test_without_books_each_start_begins_with_the_seed(clock: StoppedClock):
    first = an_ebay(clock, None, chance=1)
    await call(first.app, {}, "POST", "/_sim/buy", {"sku": "LAMP"})

    assert an_ebay(clock, None, chance=1).shop.shown("LAMP") == {None: 9}


async def test_what_was_only_asked_for_is_not_written_again(clock: StoppedClock, books: Path):
    ebay = an_ebay(clock, books, chance=1)
    await call(ebay.app, {}, "GET", "/_sim/state")

    assert not begun(books)
