"""The simulated Square account: its door for people and faults, and Square's own library as an ordinary client over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from square import Square
from square.core.api_error import ApiError
from square.utils.webhooks_helper import verify_signature

from omnisync.clock import Ids, StoppedClock, SystemClock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.outbox import Outbox, Webhook
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from omnisync.demo.square.seed import Seed

TOKEN = "EAAAl-simulated"
SECRET = "signature-key"
URL = "http://127.0.0.1:9/v1/hooks/till"
LINDEN, MARKT = "L1", "L2"
ARTICLES = {"LAMP": 1999, "VASE": 4900}


def a_seed(**changes: Any) -> Seed:
    listings = [
        {"sku": sku, "title": sku.title(), "price_minor": price, "quantities": {LINDEN: 3, MARKT: 5}}
        for sku, price in ARTICLES.items()
    ]
    given = {
        "access_token": TOKEN,
        "locations": [{"id": LINDEN}, {"id": MARKT}],
        "listings": listings,
        "webhook": {"url": URL, "secret": SECRET},
    }
    return Seed.model_validate(given | changes)


def an_account(clock: StoppedClock, ids: Ids, **parts: Any) -> Account:
    return Account(a_seed(), clock, ids, **parts)


def level(account: Account, sku: str, place: str = LINDEN) -> int:
    return account.stock.level((account.catalogue.by_sku[sku], place))


# ---------------------------------------------------------------- buyers, counts and returns


def test_a_buyer_takes_from_the_first_store_that_has_enough_and_goes_away_when_none_has(clock: StoppedClock, ids: Ids):
    account = an_account(clock, ids)

    first = account.buy(Purchase(sku="LAMP", quantity=4))

    assert first["place"] == MARKT
    assert (level(account, "LAMP"), level(account, "LAMP", MARKT)) == (3, 1)
    with pytest.raises(SoldOut):
        account.buy(Purchase(sku="LAMP", quantity=4))
    with pytest.raises(KeyError):
        account.buy(Purchase(sku="NOBODY"))


def test_a_pickup_leaves_the_shelf_when_it_is_fetched_but_nobody_else_is_offered_it(clock: StoppedClock, ids: Ids):
    account = an_account(clock, ids)
    order = account.orderbook.find(account.buy(Purchase(sku="LAMP", quantity=3, place=LINDEN, pickup=True))["order"])

    with pytest.raises(SoldOut):
        account.buy(Purchase(sku="LAMP", place=LINDEN))
    offered = {(one["sku"], one["place"]): (one["quantity"], one["on_hand"]) for one in account.state()["levels"]}
    for state in ("RESERVED", "PREPARED", "COMPLETED"):
        part = {"uid": order["fulfillments"][0]["uid"], "state": state}
        account.update_order(order, {"version": order["version"], "fulfillments": [part]})

    assert offered["LAMP", LINDEN] == (0, 3)
    assert (level(account, "LAMP"), order["state"]) == (0, "COMPLETED")


def test_a_shelf_is_its_last_count_and_all_that_occurred_after_it_in_whatever_order_it_was_learnt(
    clock: StoppedClock, ids: Ids
):
    account = an_account(clock, ids)
    before = clock.advance(minutes=1)
    counted = clock.advance(minutes=1)
    after = clock.advance(minutes=1)
    clock.advance(minutes=1)
    line = {"catalog_object_id": account.catalogue.by_sku["LAMP"], "quantity": "1"}

    account.sell(LINDEN, [line], at=after)
    account.change_inventory([a_count(account, "LAMP", 20, counted)])
    account.sell(LINDEN, [line], at=before)

    assert level(account, "LAMP") == 19


def a_count(account: Account, sku: str, quantity: int, at: Any) -> dict[str, Any]:
    body = {"catalog_object_id": account.catalogue.by_sku[sku], "location_id": LINDEN, "state": "IN_STOCK"}
    return {
        "type": "PHYSICAL_COUNT",
        "physical_count": {**body, "quantity": str(quantity), "occurred_at": at.isoformat()},
    }


# ---------------------------------------------------------------- events


def test_events_are_signed_so_that_square_s_own_library_accepts_them(clock: StoppedClock, ids: Ids):
    sent: list[Webhook] = []

    async def keep(webhook: Webhook) -> bool:
        sent.append(webhook)
        return True

    faults = Faults()
    outbox = Outbox(keep, faults, clock, random.Random(1))
    account = an_account(clock, ids, faults=faults, outbox=outbox)
    account.buy(Purchase(sku="LAMP"))
    faults.lose = True
    account.buy(Purchase(sku="LAMP"))
    asyncio.run(outbox.flush())

    assert [json.loads(webhook.body)["type"] for webhook in sent] == [
        "order.created",
        "inventory.count.updated",
        "order.updated",
    ]
    for webhook in sent:
        given = {
            "request_body": webhook.body.decode(),
            "signature_header": webhook.headers["x-square-hmacsha256-signature"],
            "notification_url": URL,
        }
        assert verify_signature(**given, signature_key=SECRET)
        assert not verify_signature(**given, signature_key="another")


# ---------------------------------------------------------------- over loopback


@pytest.fixture
def served() -> Iterator[tuple[Account, str]]:
    """An account served on a port of its own."""
    clock = SystemClock()
    account = Account(a_seed(webhook=None), clock, Ids(clock, random.Random(5)))
    with serving(build(account)) as url:
        yield account, url


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, date_header=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def the_library(url: str, token: str = TOKEN) -> Iterator[Square]:
    """Square's own client, with connections that are closed again."""
    with httpx.Client(trust_env=False) as connections:
        yield Square(token=token, base_url=url, httpx_client=connections)


def test_square_s_own_library_lists_counts_sells_and_searches_here(served: tuple[Account, str]):
    account, url = served
    lamp = account.catalogue.by_sku["LAMP"]

    with the_library(url) as client:
        items = {
            variation.item_variation_data.sku: variation.id
            for item in client.catalog.list(types="ITEM")
            for variation in item.item_data.variations
        }
        moment = account.clock.now().isoformat()
        counted = {
            "catalog_object_id": lamp,
            "location_id": LINDEN,
            "state": "IN_STOCK",
            "quantity": "7",
            "occurred_at": moment,
            "reference_id": "sdk",
        }
        counts = client.inventory.batch_create_changes(
            idempotency_key="k1", changes=[{"type": "PHYSICAL_COUNT", "physical_count": counted}]
        ).counts
        made = client.orders.create(
            idempotency_key="k2",
            order={"location_id": LINDEN, "line_items": [{"catalog_object_id": lamp, "quantity": "2"}]},
        ).order
        client.payments.create(
            source_id="CASH",
            idempotency_key="k3",
            order_id=made.id,
            amount_money={"amount": made.total_money.amount, "currency": "EUR"},
            cash_details={"buyer_supplied_money": {"amount": 5000, "currency": "EUR"}},
        )
        found = client.orders.search(location_ids=[LINDEN], query={"sort": {"sort_field": "UPDATED_AT"}}).orders
        after = list(client.inventory.batch_get_counts(catalog_object_ids=[lamp], location_ids=[LINDEN]))
        history = list(client.inventory.batch_get_changes(catalog_object_ids=[lamp], location_ids=[LINDEN]))

    assert items == account.catalogue.by_sku
    assert [count.quantity for count in counts] == ["7"]
    assert [(order.id, order.state, order.total_money.amount) for order in found] == [(made.id, "COMPLETED", 3998)]
    assert [count.quantity for count in after] == ["5"]
    assert [change.type for change in history] == ["PHYSICAL_COUNT", "PHYSICAL_COUNT", "ADJUSTMENT"]
    assert history[1].physical_count.reference_id == "sdk"


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda client: client.orders.get("NOBODY"), 404, "NOT_FOUND"),
        (lambda client: client.orders.search(location_ids=[LINDEN], cursor="made up"), 400, "INVALID_CURSOR"),
        (
            lambda client: client.inventory.batch_create_changes(idempotency_key="k", changes=[]),
            400,
            "MISSING_REQUIRED_PARAMETER",
        ),
        (lambda client: client.orders.create(order={"location_id": "L9"}), 404, "NOT_FOUND"),
    ],
    ids=["unknown order", "made-up cursor", "no changes", "unknown location"],
)
def test_refusals_reach_square_s_own_library_as_square_s_errors(
    served: tuple[Account, str], call: Any, status: int, code: str
):
    _, url = served

    with the_library(url) as client, pytest.raises(ApiError) as raised:
        call(client)

    assert (raised.value.status_code, raised.value.errors[0].code) == (status, code)


def test_a_wrong_token_opens_nothing_but_the_door_for_people(served: tuple[Account, str]):
    account, url = served

    with the_library(url, "another") as client, pytest.raises(ApiError) as raised:
        client.locations.list()
    bought = httpx.post(f"{url}/_sim/buy", json={"sku": "LAMP", "place": LINDEN}, trust_env=False)
    refunded = httpx.post(f"{url}/_sim/refund", json={"order": bought.json()["order"], "sku": "LAMP"}, trust_env=False)
    counted = httpx.post(f"{url}/_sim/count", json={"sku": "VASE", "place": MARKT, "quantity": 2}, trust_env=False)

    assert raised.value.errors[0].code == "UNAUTHORIZED"
    assert [answer.status_code for answer in (bought, refunded, counted)] == [200, 200, 200]
    assert (level(account, "LAMP"), level(account, "VASE", MARKT)) == (3, 2)


def test_faults_are_switched_at_the_door_and_answered_as_square_answers(served: tuple[Account, str]):
    account, url = served
    bearer = {"authorization": f"Bearer {TOKEN}"}
    seen = []
    for fault in ({"rate_limited": True}, {"rate_limited": False, "down": True}, {"down": False}):
        httpx.post(f"{url}/_sim/faults", json=fault, trust_env=False)
        answer = httpx.get(f"{url}/v2/locations", headers=bearer, trust_env=False)
        seen.append((answer.status_code, answer.headers.get("retry-after"), b"RATE_LIMITED" in answer.content))

    assert seen == [(429, "1", True), (503, None, False), (200, None, False)]
    assert httpx.get(f"{url}/_sim/state", trust_env=False).json()["orders"] == len(account.orderbook.orders)


# ---------------------------------------------------------------- what applications may not do


def test_a_request_is_written_whole_or_not_at_all_and_once_for_its_key(clock: StoppedClock, ids: Ids):
    account = an_account(clock, ids)
    good, bad = a_count(account, "LAMP", 9, clock.now()), a_count(account, "VASE", 9, clock.now())
    bad["physical_count"]["catalog_object_id"] = "NOBODY"

    async def scenario() -> list[int]:
        transport = httpx.ASGITransport(build(account))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://square.test", headers={"authorization": f"Bearer {TOKEN}"}
        ) as client:
            path = "/v2/inventory/changes/batch-create"
            bodies = [
                {"idempotency_key": "a", "changes": [good, bad]},
                {"idempotency_key": "b", "changes": [good]},
                {"idempotency_key": "b", "changes": [good]},
                {"idempotency_key": "b", "changes": [a_count(account, "LAMP", 1, clock.now())]},
            ]
            return [(await client.post(path, json=body)).status_code for body in bodies]

    statuses = asyncio.run(scenario())

    assert statuses == [404, 200, 200, 400]
    assert level(account, "LAMP") == 9
    assert len([entry for entry in account.stock.entries() if entry.change["type"] == "PHYSICAL_COUNT"]) == 5


@pytest.mark.rig
def test_the_process_serves_its_seed_and_ends_when_it_is_told(tmp_path: Path):
    seed = tmp_path / "seed.json"
    seed.write_text(a_seed(webhook=None).model_dump_json(), encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "omnisync.demo.square", "--port", str(port), "--seed", str(seed)]

    with subprocess.Popen(command) as process, httpx.Client(trust_env=False) as client:
        try:
            levels = first_answer(client, f"http://127.0.0.1:{port}/_sim/state")["levels"]
        finally:
            process.terminate()
        ended = process.wait(timeout=20)

    assert len(levels) == 4
    assert ended in (0, -signal.SIGTERM)


def first_answer(client: httpx.Client, url: str) -> dict[str, Any]:
    """As soon as it is there."""
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            answer: dict[str, Any] = client.get(url).json()
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
