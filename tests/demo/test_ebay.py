"""The simulated eBay account: its buyers, its rules, its manners on the wire."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from omnisync.clock import StoppedClock
from omnisync.demo.ebay.app import Simulation, open_account
from omnisync.demo.ebay.seed import Listed, Seed, Webhooks
from omnisync.demo.faults import SoldOut
from omnisync.demo.outbox import Webhook
from omnisync.values import Money

pytestmark = pytest.mark.anyio

SEED = Seed(
    listings=[
        Listed(sku="LAMP", price="42.45", quantity=5, barcode="4006381333931"),
        Listed(sku="SHADE", price="9.99", quantities={"linden": 2, "markt": 1}),
        Listed(sku="BULB", price="3.50", quantity=40),
    ],
    webhook=Webhooks(url="https://sync.example.org/hook", verification_token="v" * 32),
)


class Account:
    """A simulation, its wire, and what it sent."""

    def __init__(self, clock: StoppedClock, seed: Seed = SEED) -> None:
        self.sent: list[Webhook] = []
        self.simulation: Simulation = open_account(seed, clock, random.Random(5), self._send)
        transport = httpx.ASGITransport(app=self.simulation.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ebay.test")
        self.headers: dict[str, str] = {}

    async def _send(self, webhook: Webhook) -> bool:
        self.sent.append(webhook)
        return True

    async def token(self, grant: str = "refresh_token", secret: str = "demo-client-secret") -> httpx.Response:
        """Ask for an access token, and use it from now on when there is one."""
        basic = base64.b64encode(f"demo-client:{secret}".encode()).decode()
        form = {
            "grant_type": grant,
            "refresh_token": "demo-refresh-token",
            "scope": "https://api.ebay.com/oauth/api_scope",
        }
        reply = await self.http.post(
            "/identity/v1/oauth2/token", data=form, headers={"authorization": f"Basic {basic}"}
        )
        if reply.status_code == 200:
            self.headers = {"authorization": f"Bearer {reply.json()['access_token']}"}
        return reply

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.headers)

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers)

    async def revise(self, *requests: Any) -> httpx.Response:
        return await self.post("/sell/inventory/v1/bulk_update_price_quantity", {"requests": list(requests)})


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def account(clock: StoppedClock) -> AsyncIterator[Account]:
    account = Account(clock)
    await account.token()
    yield account
    await account.http.aclose()


def error_of(reply: httpx.Response) -> int:
    number: int = reply.json()["errors"][0]["errorId"]
    return number


# ---------------------------------------------------------------- buyers


async def test_a_buyer_takes_pieces_off_the_offer_and_makes_an_order(account: Account):
    reply = await account.post("/_sim/buy", {"sku": "LAMP", "quantity": 2})
    state = (await account.get("/_sim/state")).json()

    order = (await account.get(f"/sell/fulfillment/v1/order/{reply.json()['order']}")).json()
    assert {level["sku"]: level["quantity"] for level in state["levels"]} == {"LAMP": 3, "SHADE": 3, "BULB": 40}
    assert state["orders"] == 1
    assert order["lineItems"][0]["lineItemCost"] == {"value": "84.90", "currency": "EUR"}
    assert int(order["lineItems"][0]["lineItemId"]) > 2**53


@pytest.mark.parametrize(
    ("wanted", "status"),
    [({"sku": "LAMP", "quantity": 6}, 409), ({"sku": "LAMP", "counter": True}, 409), ({"sku": "NOBODY"}, 404)],
)
async def test_a_buyer_who_cannot_buy_leaves_no_trace(account: Account, wanted: dict[str, Any], status: int):
    reply = await account.post("/_sim/buy", wanted)

    assert reply.status_code == status
    assert account.simulation.shop.orders == {}
    assert account.simulation.shop.offers["LAMP"].shown == 5


async def test_an_order_of_many_lines_is_taken_whole_or_not_at_all(account: Account):
    with pytest.raises(SoldOut):
        account.simulation.shop.order([("LAMP", 1), ("SHADE", 4)])

    assert account.simulation.shop.offers["LAMP"].shown == 5


async def test_an_unpaid_purchase_takes_pieces_and_is_no_order_yet(account: Account):
    order = account.simulation.shop.order([("LAMP", 1)], paid=False)
    before = await account.get(f"/sell/fulfillment/v1/order/{order.id}")
    paid = await account.post(f"/_sim/orders/{order.id}", {"action": "pay"})
    after = await account.get(f"/sell/fulfillment/v1/order/{order.id}")

    assert account.simulation.shop.offers["LAMP"].shown == 4
    assert [before.status_code, paid.status_code, after.status_code] == [404, 200, 200]


async def test_what_happens_to_an_order_shows_in_it(account: Account, clock: StoppedClock):
    order = account.simulation.shop.order([("LAMP", 2)])
    line = order.lines[0].id
    states = []
    for act in ({"action": "ship", "lines": {line: 1}}, {"action": "refund"}, {"action": "cancel"}):
        clock.advance(minutes=1)
        await account.post(f"/_sim/orders/{order.id}", act)
        said = (await account.get(f"/sell/fulfillment/v1/order/{order.id}")).json()
        states.append((said["orderFulfillmentStatus"], said["orderPaymentStatus"], said["cancelStatus"]["cancelState"]))

    assert states == [
        ("IN_PROGRESS", "PAID", "NONE_REQUESTED"),
        ("IN_PROGRESS", "FULLY_REFUNDED", "NONE_REQUESTED"),
        ("IN_PROGRESS", "FULLY_REFUNDED", "CANCELED"),
    ]
    assert said["lastModifiedDate"] == "2026-11-21T10:03:00.000Z"
    assert account.simulation.shop.offers["LAMP"].shown == 3


# ---------------------------------------------------------------- who may call


async def test_nobody_gets_in_without_a_token_that_is_still_good(account: Account, clock: StoppedClock):
    good = await account.get("/sell/inventory/v1/inventory_item")
    clock.advance(seconds=7200)
    late = await account.get("/sell/inventory/v1/inventory_item")
    account.headers = {}
    none = await account.get("/sell/inventory/v1/inventory_item")

    assert [good.status_code, late.status_code, none.status_code] == [200, 401, 401]
    assert error_of(late) == 1001


async def test_an_application_may_not_read_what_belongs_to_the_seller(account: Account):
    await account.token("client_credentials")

    assert (await account.get("/sell/fulfillment/v1/order")).status_code == 403
    assert (await account.get("/developer/analytics/v1_beta/rate_limit/")).status_code == 200


async def test_wrong_credentials_get_no_token(account: Account):
    reply = await account.token(secret="guessed")

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


async def test_the_days_calls_run_out_and_come_back(clock: StoppedClock):
    account = Account(clock, Seed(daily_calls={"inventory": 2}))
    await account.token()
    answers = [(await account.get("/sell/inventory/v1/inventory_item")).status_code for _ in range(3)]
    await account.token("client_credentials")
    told = (await account.get("/developer/analytics/v1_beta/rate_limit/", api_name="inventory")).json()
    clock.advance(hours=24)
    await account.token()
    again = await account.get("/sell/inventory/v1/inventory_item")

    [limit] = told["rateLimits"]
    assert answers == [200, 200, 429]
    assert limit["resources"][0]["rates"][0]["remaining"] == 0
    assert limit["resources"][0]["rates"][0]["reset"] == "2026-11-22T08:00:00.000Z"
    assert again.status_code == 200


@pytest.mark.parametrize(("fault", "status"), [({"down": True}, 503), ({"rate_limited": True}, 429)])
async def test_the_switches_work_and_the_sim_door_stays_open(account: Account, fault: dict[str, bool], status: int):
    await account.post("/_sim/faults", fault)

    assert (await account.get("/sell/inventory/v1/inventory_item")).status_code == status
    assert (await account.get("/_sim/state")).status_code == 200


# ---------------------------------------------------------------- revisions


async def test_no_more_than_25_lines_are_taken_at_once(account: Account):
    line = {"sku": "LAMP", "shipToLocationAvailability": {"quantity": 1}}

    reply = await account.revise(*[line] * 26)

    assert reply.status_code == 400
    assert error_of(reply) == 25709
    assert account.simulation.shop.offers["LAMP"].shown == 5


async def test_each_line_is_answered_for_itself(account: Account):
    offer = account.simulation.shop.offers["SHADE"].offer_id
    reply = await account.revise(
        {"sku": "LAMP", "shipToLocationAvailability": {"quantity": 4}},
        {"sku": "NOBODY", "shipToLocationAvailability": {"quantity": 4}},
        {"sku": "BULB", "offers": [{"offerId": "1", "availableQuantity": 1}]},
        {"offers": [{"offerId": offer, "availableQuantity": 1, "price": {"value": "8.00", "currency": "EUR"}}]},
    )

    said = [
        (one["statusCode"], [error["errorId"] for error in one.get("errors", [])]) for one in reply.json()["responses"]
    ]
    assert reply.status_code == 207
    assert said == [(200, []), (404, [25702]), (404, [25713]), (200, [])]
    shown = {sku: offer.shown for sku, offer in account.simulation.shop.offers.items()}
    assert shown == {"LAMP": 4, "SHADE": 1, "BULB": 40}
    assert account.simulation.shop.offers["SHADE"].price == Money(800, "EUR")


@pytest.mark.parametrize(
    "offer",
    [
        {"availableQuantity": -1},
        {"availableQuantity": True},
        {"availableQuantity": "7"},
        {"availableQuantity": 1, "price": {"value": "0", "currency": "EUR"}},
        {"availableQuantity": 1, "price": {"value": "1.00", "currency": "USD"}},
        {"availableQuantity": 1, "price": {"value": "NaN", "currency": "EUR"}},
        {"availableQuantity": 1, "price": {}},
    ],
)
async def test_a_line_with_a_wrong_value_changes_nothing(account: Account, offer: dict[str, Any]):
    lamp = account.simulation.shop.offers["LAMP"]

    reply = await account.revise({"sku": "LAMP", "offers": [{"offerId": lamp.offer_id, **offer}]})

    assert reply.status_code == 207
    assert reply.json()["responses"][0]["statusCode"] == 400
    assert (lamp.shown, lamp.price, lamp.revisions) == (5, Money(4245, "EUR"), 0)


async def test_a_listing_can_be_revised_250_times_a_day(account: Account, clock: StoppedClock):
    line = {"sku": "LAMP", "shipToLocationAvailability": {"quantity": 1}}
    answers = {(await account.revise(line)).status_code for _ in range(250)}
    over = await account.revise(line)
    other = await account.revise({**line, "sku": "BULB"})
    clock.advance(hours=24)
    await account.token()
    next_day = await account.revise(line)

    assert answers == {200}
    assert over.json()["responses"][0]["errors"][0]["errorId"] == 25002
    assert [other.status_code, next_day.status_code] == [200, 200]


# ---------------------------------------------------------------- pages and filters


async def test_inventory_items_are_paged_by_page_number(account: Account):
    first = (await account.get("/sell/inventory/v1/inventory_item", limit="2", offset="0")).json()
    second = (await account.get("/sell/inventory/v1/inventory_item", limit="2", offset="1")).json()

    assert [item["sku"] for item in first["inventoryItems"]] == ["LAMP", "SHADE"]
    assert first["next"].endswith("limit=2&offset=1")
    assert [item["sku"] for item in second["inventoryItems"]] == ["BULB"]
    assert "next" not in second
    assert (first["total"], first["size"]) == (3, 2)


async def test_orders_are_paged_by_rows_and_filtered_by_the_moment_they_changed(account: Account, clock: StoppedClock):
    for _ in range(5):
        account.simulation.shop.order([("BULB", 1)])
        clock.advance(minutes=10)
    window = "lastmodifieddate:[2026-11-21T10:10:00.000Z..2026-11-21T10:40:00.000Z]"

    page = (await account.get("/sell/fulfillment/v1/order", filter=window, limit="3", offset="0")).json()
    rest = (await account.get("/sell/fulfillment/v1/order", filter=window, limit="3", offset="3")).json()

    assert (page["total"], len(page["orders"]), len(rest["orders"])) == (4, 3, 1)
    assert "offset=3" in page["next"]
    assert "next" not in rest


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"limit": "201"}, 31100),
        ({"offset": "-1"}, 31000),
        ({"filter": "modified:[2026-11-21T10:10:00.000Z..]"}, 30800),
        ({"filter": "lastmodifieddate:[2026-11-22T10:10:00.000Z..]"}, 30850),
        ({"filter": "lastmodifieddate:[2026-11-21T09:00:00.000Z..2026-11-21T08:00:00.000Z]"}, 30840),
    ],
)
async def test_a_question_ebay_does_not_understand_is_refused_with_its_number(
    account: Account, params: dict[str, str], error: int
):
    reply = await account.get("/sell/fulfillment/v1/order", **params)

    assert reply.status_code == 400
    assert error_of(reply) == error


@pytest.mark.parametrize("lines", [None, [], [{}], [{"lineItemId": "1", "quantity": "x"}], [{"lineItemId": "1"}], "x"])
async def test_a_package_with_wrong_lines_is_refused_and_ships_nothing(account: Account, lines: Any):
    order = account.simulation.shop.order([("LAMP", 2)])

    reply = await account.post(f"/sell/fulfillment/v1/order/{order.id}/shipping_fulfillment", {"lineItems": lines})

    assert reply.status_code == 400
    assert order.packages == []


# ---------------------------------------------------------------- notifications


async def test_a_confirmed_order_is_announced_with_a_signature(account: Account):
    order = account.simulation.shop.order([("LAMP", 1), ("BULB", 1)])
    await account.simulation.outbox.flush()

    bodies = [json.loads(webhook.body) for webhook in account.sent]
    assert {webhook.url for webhook in account.sent} == {"https://sync.example.org/hook"}
    assert [body["notification"]["data"]["orderId"] for body in bodies] == [order.id, order.id]
    assert len({body["notification"]["notificationId"] for body in bodies}) == 2
    assert all(webhook.headers["x-ebay-signature"] for webhook in account.sent)


async def test_an_address_must_prove_itself_before_it_hears_anything(clock: StoppedClock):
    asked: list[str] = []

    async def ask(url: str) -> bytes:
        asked.append(url)
        return b"<html>"

    account = Account(clock)
    account.simulation.notifications._ask = ask
    await account.token("client_credentials")
    wish = {"deliveryConfig": {"endpoint": "https://sync.example.org/new", "verificationToken": "v" * 32}}

    reply = await account.post("/commerce/notification/v1/destination", wish)

    assert reply.status_code == 409
    assert asked[0].startswith("https://sync.example.org/new?challenge_code=")
    assert len(account.simulation.notifications.destinations) == 1
