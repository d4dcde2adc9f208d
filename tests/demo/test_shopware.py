"""The simulated Shopware shop: its door for people and faults, its webhooks, and an independent client over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Answer, Hook
from omnisync.adapters.shopware.hooks import identify
from omnisync.clock import StoppedClock
from omnisync.demo.faults import Faults
from omnisync.demo.outbox import Outbox, Webhook
from omnisync.demo.shopware.app import build
from omnisync.demo.shopware.seed import Seed
from omnisync.demo.shopware.shop import Shop

KEY, SECRET = "SWIASIM", "sim-secret"
HOOK = "http://127.0.0.1:9/v1/hooks/shop"
"""Nobody answers there."""


def a_seed(**changes: Any) -> Seed:
    listings = [
        {"sku": "LAMP", "title": "Lampe", "price_minor": 1999, "quantity": 3},
        *({"sku": f"SHIRT-{size}", "of": "Hemd", "price_minor": 2990, "quantity": 5} for size in "SM"),
    ]
    given = {"client_id": KEY, "client_secret": SECRET, "listings": listings, "pickup_methods": ["shipping_abholung"]}
    return Seed.model_validate({**given, **changes})


def test_people_buy_pay_send_and_cancel_and_the_stock_follows(clock: StoppedClock):
    shop = Shop(a_seed(), clock)

    async def scenario() -> list[int]:
        transport = httpx.ASGITransport(build(shop))
        async with httpx.AsyncClient(transport=transport, base_url="https://shopware.test") as client:
            bought = await client.post("/_sim/buy", json={"sku": "LAMP", "quantity": 2, "pickup": True})
            order = bought.json()["order"]
            calls = [
                ("buy", {"sku": "LAMP", "quantity": 2}),
                ("state", {"order": order, "of": "order_delivery", "action": "ship"}),
                ("state", {"order": order, "action": "complete"}),
                ("state", {"order": order, "action": "cancel"}),
                ("state", {"order": "1" * 32, "action": "cancel"}),
            ]
            answers = [await client.post(f"/_sim/{door}", json=body) for door, body in calls]
            return [bought.status_code, *(answer.status_code for answer in answers)]

    statuses = asyncio.run(scenario())

    assert statuses == [200, 409, 200, 400, 200, 404]
    assert shop.shown("LAMP") == {None: 3}
    assert shop.state()["levels"][0] == {"sku": "LAMP", "place": None, "quantity": 3, "price_minor": 1999}


def test_faults_and_wrong_keys_are_answered_as_a_shop_answers(clock: StoppedClock):
    shop = Shop(a_seed(), clock)

    async def scenario() -> list[tuple[int, str | None]]:
        transport, seen = httpx.ASGITransport(build(shop)), []
        async with httpx.AsyncClient(transport=transport, base_url="https://shopware.test") as client:
            asked = {"grant_type": "client_credentials", "client_id": KEY, "client_secret": SECRET}
            wrong = [{**asked, "client_secret": "x"}, {**asked, "client_id": "x"}, {**asked, "grant_type": "password"}]
            for body in (asked, *wrong):
                answer = await client.post("/api/oauth/token", json=body)
                seen.append((answer.status_code, None))
            token = (await client.post("/api/oauth/token", data=asked)).json()["access_token"]
            headers = {"authorization": f"Bearer {token}"}
            for fault in ({"rate_limited": True}, {"rate_limited": False, "down": True}, {"down": False}):
                await client.post("/_sim/faults", json=fault)
                answer = await client.post("/api/search/product", json={}, headers=headers)
                seen.append((answer.status_code, answer.headers.get("retry-after")))
            for path, body in (("gift", {}), ("product", {"limit": 501})):
                seen.append(((await client.post(f"/api/search/{path}", json=body, headers=headers)).status_code, None))
            clock.advance(minutes=10)
            seen.append(((await client.get("/api/_info/version", headers=headers)).status_code, None))
        return seen

    assert asyncio.run(scenario()) == [
        (200, None), (401, None), (401, None), (400, None), (429, "1"), (503, None), (200, None), (404, None), (400, None),
        (401, None),
    ]  # fmt: skip


def test_an_event_is_tried_three_times_and_ten_failed_events_switch_its_webhook_off(clock: StoppedClock):
    faults, tried = Faults(), []

    async def nobody(webhook: Webhook) -> bool:
        tried.append(webhook)
        return False

    shop = Shop(a_seed(listings=[{"sku": "LAMP", "quantity": 99}]), clock, faults=faults)
    outbox = Outbox(shop.app.counting(nobody), faults, clock, random.Random(1))
    shop.app.put = outbox.put
    url, headers = shop.app.install("Omnisync", HOOK, "secret")
    answer = identify(Hook("GET", url, headers, dict(httpx.URL(url).params), b""), "secret", "Omnisync")
    assert isinstance(answer, Answer)
    shop.app.accept(answer.body)
    hook = next(one for one in shop.app.hooks.values() if one.event == "order.written")
    states = []
    for _ in range(11):
        shop.place([(shop.by_sku("LAMP"), 1)])
        for _ in range(4):
            asyncio.run(outbox.flush())
            clock.advance(minutes=2)
        states.append(hook.active)

    assert states == [True] * 9 + [False] * 2
    assert len(tried) == 30
    assert len(outbox) == 0


# ---------------------------------------------------------------- an independent client, and a whole process


class AppServer(BaseHTTPRequestHandler):
    """An app's server that believes only what is signed; `told` are the events that it heard of."""

    told: list[str]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = f"http://{self.headers['host']}{self.path}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        found = identify(Hook(self.command, url, headers, dict(httpx.URL(url).params), body), "secret", "Omnisync")
        status = found.status if isinstance(found, Answer) else 202
        self.send_response(401 if type(found).__name__ == "Forged" else status)
        self.end_headers()
        self.wfile.write(found.body if isinstance(found, Answer) else b"")
        self.told.append(getattr(found, "topic", type(found).__name__))

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def heard() -> Iterator[tuple[str, list[str]]]:
    """The address of an app's server, and what it hears."""
    told: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (AppServer,), {"told": told}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop_url(tmp_path: Path, heard: tuple[str, list[str]]) -> Iterator[str]:
    """The simulation as a process; its address."""
    seed = tmp_path / "seed.json"
    seed.write_text(a_seed(app={"url": heard[0], "secret": "secret"}).model_dump_json(), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "omnisync.demo.shopware", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/_sim/state", trust_env=False).is_success)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(happened: Any) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if happened():
                return
        time.sleep(0.1)
    raise AssertionError("it never happened")


@pytest.mark.specs
def test_an_independent_client_reads_writes_and_moves_and_the_app_hears_of_it(
    shop_url: str, heard: tuple[str, list[str]]
):
    from lib_shopware6_api_base import (
        ConfShopware6ApiBase,
        Criteria,
        EqualsFilter,
        GrantType,
        RangeFilter,
        Shopware6AdminAPIClientBase,
    )

    config = ConfShopware6ApiBase(
        shopware_admin_api_url=f"{shop_url}/api",
        client_id=KEY,
        client_secret=SECRET,
        grant_type=GrantType.RESOURCE_OWNER,
    )
    with Shopware6AdminAPIClientBase(config=config) as shop:
        criteria = Criteria(limit=1, page=1, filter=[EqualsFilter(field="productNumber", value="LAMP")])
        [lamp] = shop.request_post("search/product", criteria).data
        line = {"id": lamp["id"], "stock": 7}
        sync = {"write": {"entity": "product", "action": "upsert", "payload": [line]}}
        written = shop.request_post("_action/sync", sync)
        every = shop.request_post_paginated("search/product", Criteria(), junk_size=2).data
        assert (lamp["stock"], written.data) == (3, {"product": [lamp["id"]]})
        assert [(one["productNumber"], one["childCount"]) for one in every] == [
            ("LAMP", 0), ("Hemd-P", 2), ("SHIRT-S", 0), ("SHIRT-M", 0),
        ]  # fmt: skip
        for wrong in ({**line, "stock": "7"}, {"id": "f" * 32, "stock": 7}):
            sync["write"]["payload"] = [line, wrong]
            with pytest.raises(Exception, match="/write/1/"):
                shop.request_post("_action/sync", sync)

        wait_for(lambda: "Answer" in heard[1])
        bought = httpx.post(f"{shop_url}/_sim/buy", json={"sku": "LAMP", "quantity": 2}, trust_env=False).json()
        changed = [RangeFilter(field="createdAt", parameters={"gte": "2020-01-01 00:00:00.000"})]
        asked = Criteria(limit=10, filter=changed, associations={"deliveries": Criteria(), "lineItems": Criteria()})
        [order] = shop.request_post("search/order", asked).data
        shop.request_post(f"_action/order_delivery/{order['deliveries'][0]['id']}/state/ship", {"sendMail": False})
        [after] = shop.request_post("search/product", criteria).data
        assert (order["id"], order["lineItems"][0]["quantity"], after["stock"]) == (bought["order"], 2, 5)
        wait_for(lambda: "state_enter.order_delivery.state.shipped" in heard[1])

    assert heard[1][:2] == ["Answer", "Answer"]
    assert {"product.written", "order.written"} <= set(heard[1])
    assert "Forged" not in heard[1]
