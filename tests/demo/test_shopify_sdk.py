"""Shopify's own Python client drives the simulated shop over real HTTP, as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from omnisync.demo.shopify.webhooks import sign

pytestmark = pytest.mark.rig
PLACE = "gid://shopify/Location/1"
ACCESS, SECRET = "shpat_sdk", "shpss_sdk"


class Receiver(ThreadingHTTPServer):
    """Takes webhooks and remembers them."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop_url(tmp_path: Path, receiver: Receiver) -> Iterator[str]:
    """The simulation as a process; its address."""
    listings = [{"sku": f"S-{n}", "price": "9.90", "quantities": {PLACE: 10}} for n in range(5)]
    hook = {"url": f"http://127.0.0.1:{receiver.server_port}/v1/hooks/webshop", "secret": SECRET}
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"access_token": ACCESS, "listings": listings, "webhook": hook}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "omnisync.demo.shopify", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/_sim/state").status_code == 200)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(happened: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if happened():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def sdk(shop_url: str) -> Iterator[Any]:
    """Shopify's client, pointed at the simulation."""
    shopify = pytest.importorskip("shopify", reason="no SDK: pip install ShopifyAPI")
    shopify.ApiVersion.define_version(shopify.Release("2026-07"))
    session = shopify.Session("lampen.myshopify.com", "2026-07", ACCESS)
    shopify.ShopifyResource.activate_session(session)
    shopify.ShopifyResource.set_site(f"{shop_url}/admin/api/2026-07")
    yield shopify
    shopify.ShopifyResource.clear_session()


def test_shopifys_own_client_reads_pages_writes_and_orders(sdk: Any, shop_url: str, receiver: Receiver):
    first = sdk.Product.find(limit=2)
    pages = [first]
    while pages[-1].has_next_page():
        pages.append(pages[-1].next_page())
    assert [product.variants[0].sku for page in pages for product in page] == [f"S-{n}" for n in range(5)]

    variant = first[0].variants[0]
    level = sdk.InventoryLevel.set(location_id=1, inventory_item_id=variant.inventory_item_id, available=4)
    assert level.available == 4

    order = sdk.Order.create({"line_items": [{"variant_id": variant.id, "quantity": 3}]})
    assert sdk.Order.find(order.id).line_items[0].quantity == 3
    [left] = sdk.InventoryLevel.find(inventory_item_ids=str(variant.inventory_item_id), location_ids="1")
    assert left.available == 1

    order.cancel()
    assert sdk.Order.find(order.id).cancelled_at
    assert json.loads(sdk.GraphQL().execute("{ shop { currencyCode } }"))["data"]["shop"]["currencyCode"] == "EUR"

    topics = {"orders/create", "orders/cancelled", "inventory_levels/update"}
    wait_for(lambda: topics <= {headers["x-shopify-topic"] for headers, _ in receiver.got})
    assert all(headers["x-shopify-hmac-sha256"] == sign(SECRET, body) for headers, body in receiver.got)


def test_an_unknown_product_is_not_found(sdk: Any):
    from pyactiveresource.connection import ResourceNotFound

    with pytest.raises(ResourceNotFound):
        sdk.Product.find(123)
