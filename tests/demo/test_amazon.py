"""The simulated Amazon: its door for people and faults, its throttling, and an independent client over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from omnisync.clock import StoppedClock
from omnisync.demo.amazon.app import Simulation, open_account
from omnisync.demo.amazon.seed import Seed
from omnisync.values import format_time

LISTINGS = [{"sku": "LAMP", "price": "42.45", "quantity": 5, "handling_days": 3}, {"sku": "CUP", "quantity": 9, "by_amazon": True}]  # fmt: skip
SEED = Seed.model_validate({"listings": LISTINGS, "apply_seconds": 10, "feed_seconds": 1})


def client(account: Simulation) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(account.app), base_url="https://amazon.test")


def test_people_buy_pay_send_and_cancel_and_the_level_follows(clock: StoppedClock):
    account = open_account(SEED, clock, random.Random(1))

    async def scenario() -> list[int]:
        async with client(account) as person:
            bought = await person.post("/_sim/buy", json={"sku": "LAMP", "quantity": 2})
            order = bought.json()["order"]
            visits: list[tuple[str, Any]] = [
                ("buy", {"sku": "LAMP", "quantity": 9}),
                ("buy", {"sku": "GIFT"}),
                (f"orders/{order}", {"action": "ship"}),
                ("orders/302-0", {"action": "ship"}),
            ]
            answers = [await person.post(f"/_sim/{door}", json=body) for door, body in visits]
            shown = await person.get("/_sim/shown", params={"sku": "LAMP", "most": 3})
            return [bought.status_code, *(answer.status_code for answer in answers), shown.json()["quantity"]]

    assert asyncio.run(scenario()) == [200, 409, 404, 200, 404, 3]
    assert [order.status for order in account.seller.orders.values()] == ["SHIPPED"]
    assert account.seller.state()["levels"][1] == {"sku": "CUP", "place": None, "quantity": 9}


def test_whoever_has_no_token_calls_too_often_or_meets_a_fault_is_answered_as_amazon_does(clock: StoppedClock):
    account = open_account(SEED, clock, random.Random(1))
    seed = account.seller.seed

    async def scenario() -> list[Any]:
        seen: list[Any] = []
        async with client(account) as caller:
            right = {"client_id": seed.client_id, "client_secret": seed.client_secret, "grant_type": "refresh_token", "refresh_token": seed.refresh_token}  # fmt: skip
            wrong = [
                {**right, "client_secret": "x"},
                {**right, "refresh_token": "x"},
                {**right, "grant_type": "password"},
            ]
            seen += [(await caller.post("/auth/o2/token", data=form)).status_code for form in (*wrong, right)]
            token = (await caller.post("/auth/o2/token", data=right)).json()["access_token"]
            ours = {"x-amz-access-token": token}
            asked = {"lastUpdatedAfter": format_time(clock.now())}
            search = "/orders/2026-01-01/orders"
            seen.append((await caller.get(search, params=asked)).status_code)
            answers = [await caller.get(search, params=asked, headers=ours) for _ in range(21)]
            seen += [answers[0].headers["x-amzn-RateLimit-Limit"], answers[19].status_code, answers[20].status_code]
            seen.append("retry-after" in answers[20].headers)
            clock.advance(seconds=180)
            seen.append((await caller.get(search, params=asked, headers=ours)).status_code)
            seen.append((await caller.get("/notifications/v1/destinations", headers=ours)).status_code)  # grantless
            for fault in ({"rate_limited": True}, {"rate_limited": False, "down": True}, {"down": False}):
                await caller.post("/_sim/faults", json=fault)
                item = f"/listings/2021-08-01/items/{seed.seller_id}/LAMP"
                seen.append(
                    (await caller.get(item, params={"marketplaceIds": seed.marketplace_id}, headers=ours)).status_code
                )
            clock.advance(hours=1)
            seen.append((await caller.get(search, params=asked, headers=ours)).json()["errors"][0]["message"])
        return seen

    assert asyncio.run(scenario()) == [
        400, 400, 400, 200, 403, "0.0056", 200, 429, False, 200, 403, 429, 503, 200, "The access token you provided has expired.",
    ]  # fmt: skip


def test_a_replaced_entry_keeps_nothing_that_was_not_repeated_and_a_merged_one_does(clock: StoppedClock):
    account = open_account(SEED, clock, random.Random(1))
    offer = account.seller.offers["LAMP"]
    stock = [{"fulfillment_channel_code": "DEFAULT", "quantity": 1}]

    offer.patch("merge", "fulfillment_availability", stock)
    merged = [dict(one) for one in offer.attributes["fulfillment_availability"]]
    offer.patch("replace", "fulfillment_availability", stock)

    assert merged == [{"fulfillment_channel_code": "DEFAULT", "quantity": 1, "lead_time_to_ship_max_days": 3}]
    assert offer.attributes["fulfillment_availability"] == stock


# ---------------------------------------------------------------- an independent client, and a whole process


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The simulation as a process; its host and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    seed = tmp_path / "seed.json"
    # The independent client keeps access tokens by refresh token, for all accounts of its process.
    own = SEED.model_copy(update={"refresh_token": f"Atzr|127.0.0.1:{port}"})
    seed.write_text(own.model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "omnisync.demo.amazon", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/_sim/state", trust_env=False).is_success)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(happened: Any) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if happened():
                return
        time.sleep(0.05)
    raise AssertionError("it never happened")


Made = Callable[[str], Any]


@pytest.fixture
def made(address: str) -> Iterator[Made]:
    """The parts of python-amazon-sp-api by name, connected to the process."""
    import sp_api.api
    from sp_api.auth import AccessTokenClient

    class Login(AccessTokenClient):  # type: ignore[misc]
        scheme, host = "http://", address

    place = SimpleNamespace(endpoint=f"http://{address}", marketplace_id=SEED.marketplace_id, region="eu-west-1")
    credentials = {
        "refresh_token": f"Atzr|{address}",
        "lwa_app_id": SEED.client_id,
        "lwa_client_secret": SEED.client_secret,
    }
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Any:
            part = getattr(sp_api.api, name)(place, credentials=credentials, auth_token_client_class=Login)
            stack.callback(part._auth._transport.close)
            return stack.enter_context(part)

        yield make


@pytest.mark.specs
def test_an_independent_client_reads_and_writes_listings(address: str, made: Made):
    listings = made("ListingsItems")
    shape = {"includedData": "attributes,fulfillmentAvailability", "marketplaceIds": [SEED.marketplace_id]}
    lamp = listings.get_listings_item(SEED.seller_id, "LAMP", **shape).payload
    assert lamp["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "DEFAULT", "quantity": 5}]

    entry = {**lamp["attributes"]["fulfillment_availability"][0], "quantity": 4}
    patches = [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": [entry]}]
    taken = listings.patch_listings_item(
        SEED.seller_id, "LAMP", body={"productType": "HOME", "patches": patches}, **shape
    )
    assert taken.payload["status"] == "ACCEPTED"
    assert (
        listings.get_listings_item(SEED.seller_id, "LAMP", **shape).payload["fulfillmentAvailability"][0]["quantity"]
        == 5
    )


@pytest.mark.specs
def test_an_independent_client_reads_orders_and_is_throttled_as_amazon_does(address: str, made: Made):
    from sp_api.base import SellingApiRequestThrottledException

    order = httpx.post(f"http://{address}/_sim/buy", json={"sku": "LAMP", "quantity": 2}, trust_env=False).json()[
        "order"
    ]
    told = made("OrdersV20260101").get_order(order, includedData=["FULFILLMENT"]).payload["order"]
    older = made("OrdersV0").get_order(order).payload
    assert (told["fulfillment"]["fulfillmentStatus"], older["OrderStatus"]) == ("UNSHIPPED", "Unshipped")
    assert made("OrdersV0").get_order_items(order).payload["OrderItems"][0]["QuantityOrdered"] == 2
    search = partial(made("OrdersV20260101").search_orders, lastUpdatedAfter="2026-01-01T00:00:00Z")
    assert all(search().payload["lastUpdatedBefore"] for _ in range(20))
    with pytest.raises(SellingApiRequestThrottledException):
        search()


@pytest.mark.specs
def test_an_independent_client_sees_the_queue_and_the_stock_at_amazon(made: Made):
    [destination] = made("Notifications").get_destinations().payload
    assert destination["resource"]["sqs"]["arn"].endswith(":omnisync")
    fba = (
        made("Inventories")
        .get_inventory_summary_marketplace(details=True, marketplaceIds=[SEED.marketplace_id])
        .payload
    )
    assert [(one["sellerSku"], one["totalQuantity"]) for one in fba["inventorySummaries"]] == [("CUP", 9)]
