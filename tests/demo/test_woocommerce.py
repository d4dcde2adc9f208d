"""The simulated WooCommerce shop: its door for people and faults, and WooCommerce's own client over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnisync.clock import StoppedClock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.outbox import Outbox, Webhook
from omnisync.demo.woocommerce.app import build
from omnisync.demo.woocommerce.seed import Seed
from omnisync.demo.woocommerce.shop import Shop

KEY, SECRET = "ck_sim", "cs_sim"
HOOK = "http://127.0.0.1:9/v1/hooks/shop"


def a_seed(**changes: Any) -> Seed:
    listings = [
        {"sku": "LAMP", "title": "Lampe", "price_minor": 1999, "quantity": 3},
        *({"sku": f"SHIRT-{size}", "of": "Hemd", "price_minor": 2990, "quantity": 5} for size in "SM"),
    ]
    given = {"consumer_key": KEY, "consumer_secret": SECRET, "listings": listings}
    return Seed.model_validate({**given, **changes})


def test_people_buy_pay_get_money_back_and_the_stock_follows(clock: StoppedClock):
    shop = Shop(a_seed(), clock)

    async def scenario() -> list[int]:
        transport = httpx.ASGITransport(build(shop))
        async with httpx.AsyncClient(transport=transport, base_url="https://woo.test") as client:
            bought = await client.post("/_sim/buy", json={"sku": "LAMP", "quantity": 2, "pickup": True})
            order = bought.json()["order"]
            calls = [
                ("buy", {"sku": "LAMP", "quantity": 2}),
                ("refund", {"order": order, "sku": "LAMP", "quantity": 1}),
                ("status", {"order": order, "status": "cancelled"}),
                ("refund", {"order": "1", "sku": "LAMP"}),
            ]
            answers = [await client.post(f"/_sim/{door}", json=body) for door, body in calls]
            return [bought.status_code, *(answer.status_code for answer in answers)]

    statuses = asyncio.run(scenario())

    assert statuses == [200, 409, 200, 200, 404]
    assert shop.shown("LAMP") == {None: 3}
    assert shop.state()["levels"][0] == {"sku": "LAMP", "place": None, "quantity": 3, "price_minor": 1999}


def test_faults_and_wrong_keys_are_answered_as_a_shop_answers(clock: StoppedClock):
    shop = Shop(a_seed(), clock)

    async def scenario() -> list[tuple[int, str | None]]:
        transport, seen = httpx.ASGITransport(build(shop)), []
        async with httpx.AsyncClient(transport=transport, base_url="https://woo.test", auth=(KEY, SECRET)) as client:
            for fault in ({"rate_limited": True}, {"rate_limited": False, "down": True}, {"down": False}):
                await client.post("/_sim/faults", json=fault)
                answer = await client.get("/wp-json/wc/v3/products")
                seen.append((answer.status_code, answer.headers.get("retry-after")))
            for path, auth in (("products", (KEY, "x")), ("products", ("x", SECRET)), ("nothing", (KEY, SECRET))):
                seen.append(((await client.get(f"/wp-json/wc/v3/{path}", auth=auth)).status_code, None))
        return seen

    assert asyncio.run(scenario()) == [(429, "1"), (503, None), (200, None), (401, None), (401, None), (404, None)]


def test_a_webhook_is_tried_once_and_switched_off_after_more_than_five_failures_in_a_row(clock: StoppedClock):
    answers = iter([True, False, True, *[False] * 6])
    faults, sent = Faults(), []

    async def send(webhook: Webhook) -> bool:
        sent.append(webhook)
        return next(answers)

    shop = Shop(a_seed(), clock, faults=faults)
    outbox = Outbox(shop.webhooks.counting(send), faults, clock, random.Random(1))
    shop.webhooks.put = outbox.put
    hook = shop.webhooks.add("orders", "order.created", HOOK, "secret")
    statuses = []
    for _ in range(9):
        asyncio.run(outbox.flush())
        statuses.append(hook.status)
        with contextlib.suppress(SoldOut):
            shop.buy(Purchase(sku="SHIRT-S" if shop.shown("SHIRT-S")[None] else "SHIRT-M"))

    assert statuses == ["active"] * 8 + ["disabled"]
    assert sent[0].body == f"webhook_id={hook.id}".encode()
    assert "x-wc-webhook-signature" not in sent[0].headers
    assert len(outbox) == 0


# ---------------------------------------------------------------- WooCommerce's own client


@pytest.fixture
def shop_url(tmp_path: Path) -> Iterator[str]:
    """The simulation as a process; its address."""
    seed = tmp_path / "seed.json"
    seed.write_text(a_seed().model_dump_json(), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "omnisync.demo.woocommerce", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/_sim/state", trust_env=False)
            return
        time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


@pytest.mark.specs
def test_woocommerces_own_client_reads_writes_orders_and_refunds_over_plain_http(shop_url: str):
    from woocommerce import API

    shop = API(url=shop_url, consumer_key=KEY, consumer_secret=SECRET, version="wc/v3", timeout=20)
    stranger = API(url=shop_url, consumer_key=KEY, consumer_secret="cs_other", version="wc/v3", timeout=20)

    listed = shop.get("products", params={"orderby": "id", "order": "asc", "per_page": 1, "page": 1})
    lamp = listed.json()[0]
    parent = shop.get("products", params={"per_page": 100, "orderby": "id", "order": "asc"}).json()[1]
    sizes = shop.get(f"products/{parent['id']}/variations", params={"orderby": "id", "order": "asc"}).json()
    assert (listed.headers["x-wp-total"], lamp["sku"], parent["type"]) == ("2", "LAMP", "variable")
    assert parent["variations"] == [one["id"] for one in sizes]

    batch = {
        "update": [{"id": lamp["id"], "stock_quantity": 7, "regular_price": "24.90"}, {"id": 1, "stock_quantity": 1}]
    }
    first, second = shop.post("products/batch", batch).json()["update"]
    [size] = shop.post(
        f"products/{parent['id']}/variations/batch", {"update": [{"id": sizes[0]["id"], "stock_quantity": 0}]}
    ).json()["update"]
    assert (first["stock_quantity"], first["price"], size["stock_status"]) == (7, "24.90", "outofstock")
    assert second["error"]["code"] == "woocommerce_rest_product_invalid_id"
    assert shop.put(f"products/{lamp['id']}", {"stock_quantity": "many"}).status_code == 400
    assert shop.post("products/batch", {"update": [{"id": 1}] * 101}).status_code == 413

    order = shop.post("orders", {"line_items": [{"product_id": lamp["id"], "quantity": 3}]}).json()
    pending = shop.get(f"products/{lamp['id']}").json()["stock_quantity"]
    shop.put(f"orders/{order['id']}", {"status": "processing"})
    paid = shop.get(f"products/{lamp['id']}").json()["stock_quantity"]
    lines = [{"id": order["line_items"][0]["id"], "quantity": 1}]
    refund = shop.post(f"orders/{order['id']}/refunds", {"amount": "24.90", "api_refund": False, "line_items": lines})
    changed = shop.get("orders", params={"modified_after": "2020-01-01T00:00:00", "dates_are_gmt": "true"}).json()
    assert (order["status"], pending, paid) == ("pending", 7, 4)
    assert (refund.status_code, shop.get(f"products/{lamp['id']}").json()["stock_quantity"]) == (201, 5)
    assert [one["refunds"][0]["total"] for one in changed] == ["-24.90"]

    hook = shop.post(
        "webhooks", {"name": "orders", "topic": "order.created", "delivery_url": HOOK, "secret": "s"}
    ).json()
    assert shop.put(f"webhooks/{hook['id']}", {"status": "paused"}).json()["status"] == "paused"
    assert shop.delete(f"webhooks/{hook['id']}", params={"force": True}).status_code == 200
    assert stranger.get("products").status_code == 401
    assert json.loads(stranger.get("orders").text)["code"] == "woocommerce_rest_authentication_error"
