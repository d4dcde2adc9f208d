"""Somebody else's eBay client, generated from eBay's own contracts, at the account that our adapter is connected to: what the one
writes the other reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from bidkit import AsyncEbayClient, EbayAPIError, EbayAuthError, EbayConfig, paginate_async
from bidkit.notifications import AsyncNotificationVerifier, challenge_response

from omnisync.adapters.base import Answer, Hook, News, OrderSeen, Outcome, Shown
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.faults import Purchase
from omnisync.values import Money
from tests.adapters.contract import Opened, Wire, pull_all
from tests.adapters.ebay.rig import URL, VERIFICATION, EbayWorld

pytestmark = pytest.mark.anyio
SCOPES = (
    "https://api.ebay.com/oauth/api_scope/sell.inventory",
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
)
LAMP = "LAMP-RED"


@pytest.fixture
def world(tools: Tools) -> EbayWorld:
    wire = Wire()
    world = EbayWorld(replace(tools, transport=wire))
    wire.inner = world.channel
    return world


@pytest.fixture
async def library(world: EbayWorld) -> AsyncIterator[AsyncEbayClient]:
    async with library_at(world) as client:
        yield client


def library_at(world: EbayWorld, **changes: Any) -> AsyncEbayClient:
    """The client as anybody would set it up, but for where eBay is."""
    given: dict[str, Any] = {
        "app_id": "rig-client", "cert_id": "rig-client-secret", "refresh_token": "rig-refresh-token", "scopes": SCOPES,
        "marketplace_id": "EBAY_DE", "base_url_override": "http://ebay.test", "max_retries": 0,
    }  # fmt: skip
    wire = httpx2.AsyncClient(transport=httpx2.ASGITransport(world.simulation.app))
    return AsyncEbayClient(EbayConfig(**given | changes), http_client=wire)


async def test_it_reads_just_what_the_adapter_wrote(world: EbayWorld, library: AsyncEbayClient, clock: StoppedClock):
    lamp, *_ = world.targets
    await world.adapter.publish([Shown(lamp, "t", clock.now(), quantity=7, price=Money(3999, "EUR"))])

    items = [one async for one in paginate_async(library.sell.inventory.get_inventory_items, limit="2")]
    [offer] = (await library.sell.inventory.get_offers(sku=LAMP)).offers
    asked = {"requests": [{"sku": LAMP}, {"sku": "NOBODY"}]}
    found = (await library.sell.inventory.bulk_get_inventory_item(body=asked)).responses

    pieces = {one.sku: one.availability.ship_to_location_availability.quantity for one in items}
    assert pieces == {LAMP: 7, "LAMP BLÄU/2": 15, "SHADE": 30}
    assert (offer.available_quantity, offer.pricing_summary.price.value, offer.listing.listing_status) == (
        7,
        "39.99",
        "ACTIVE",
    )
    assert [(one.sku, one.status_code) for one in found] == [(LAMP, 200), ("NOBODY", 404)]
    assert found[0].inventory_item.product.ean == ["4006381333931"]


async def test_the_adapter_reads_just_what_it_wrote(world: EbayWorld, library: AsyncEbayClient):
    lamp, _, shade = world.targets
    revised = {
        "requests": [
            {"sku": LAMP, "shipToLocationAvailability": {"quantity": 3}},
            {"offers": [{"offerId": shade.extra["offer"], "availableQuantity": 2, "price": {"value": "8.50", "currency": "EUR"}}]},
            {"sku": "NOBODY", "shipToLocationAvailability": {"quantity": 1}},
        ]
    }  # fmt: skip

    answers = (await library.sell.inventory.bulk_update_price_quantity(body=revised)).responses
    seen = await world.adapter.look([lamp, shade])

    assert [(one.status_code, [error.error_id for error in one.errors or ()]) for one in answers] == [
        (200, []), (200, []), (404, [25702]),
    ]  # fmt: skip
    assert [(one.quantity, one.price) for one in seen] == [(3, Money(4245, "EUR")), (2, Money(850, "EUR"))]


async def test_it_finds_orders_by_their_change_and_ships_them_and_the_adapter_hears_of_it(
    world: EbayWorld, library: AsyncEbayClient, clock: StoppedClock
):
    lamp, *_ = world.targets
    numbers = []
    for quantity in (1, 2, 3):
        numbers.append(world.sell(lamp, quantity))
        clock.advance(minutes=10)
    since = f"lastmodifieddate:[{changed(world, numbers[1])}..]"

    orders = [one async for one in paginate_async(library.sell.fulfillment.get_orders, limit="1", filter=since)]
    [line] = orders[0].line_items
    package = {
        "lineItems": [{"lineItemId": line.line_item_id, "quantity": 1}],
        "shippedDate": "2026-11-21T10:40:00.000Z",
    }
    await library.sell.fulfillment.create_shipping_fulfillment(numbers[1], body=package)
    part = await library.sell.fulfillment.get_order(numbers[1])
    packages = await library.sell.fulfillment.get_shipping_fulfillments(numbers[1])
    pages = await pull_all(Opened(world, Wire(), clock), None)

    assert [one.order_id for one in orders] == numbers[1:]
    assert (line.sku, line.quantity, line.line_item_cost.value) == (LAMP, 2, "84.90")
    assert part.order_fulfillment_status == "IN_PROGRESS"
    assert [[(one.line_item_id, one.quantity) for one in box.line_items] for box in packages.fulfillments] == [
        [(line.line_item_id, 1)]
    ]
    told = {fact.id: fact for page in pages for fact in page.facts if isinstance(fact, OrderSeen)}
    assert [one.shipped for one in told[numbers[1]].lines] == [1]


def changed(world: EbayWorld, order: str) -> str:
    return world.simulation.shop.orders[order].modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def test_a_pickup_that_the_adapter_reports_as_collected_is_fulfilled_for_it(
    world: EbayWorld, library: AsyncEbayClient
):
    wish = Purchase(sku="SHADE", quantity=2, pickup=True, place="linden")
    order = world.simulation.shop.buy(wish)["order"]
    before = await library.sell.fulfillment.get_order(order)
    [line] = before.line_items

    [told] = await world.adapter.tell([News("collected", order, order, "linden", [(line.line_item_id, 2)], "t")])
    after = await library.sell.fulfillment.get_order(order)

    [instruction] = before.fulfillment_start_instructions
    assert told.outcome is Outcome.APPLIED
    assert instruction.pickup_step.merchant_location_key == "linden"
    assert (before.order_fulfillment_status, after.order_fulfillment_status) == ("NOT_STARTED", "FULFILLED")


async def test_it_subscribes_and_believes_what_it_is_sent_and_nothing_else(world: EbayWorld, library: AsyncEbayClient):
    service, application = library.commerce.notification, library.with_options(refresh_token=None)
    destination = {
        "name": "mine",
        "status": "ENABLED",
        "deliveryConfig": {"endpoint": URL, "verificationToken": VERIFICATION},
    }
    await service.create_destination(body=destination)
    [home] = (await service.get_destinations()).destinations
    payload = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}
    wish = {
        "topicId": "ORDER_CONFIRMATION",
        "destinationId": home.destination_id,
        "status": "ENABLED",
        "payload": payload,
    }
    await service.create_subscription(body=wish)

    order = world.sell(world.targets[0], 1)
    await world.simulation.outbox.flush()

    [sent] = world.post.sent
    verifier = AsyncNotificationVerifier(application)
    signature = sent.headers["x-ebay-signature"]
    assert json.loads(sent.body)["notification"]["data"]["orderId"] == order
    assert sent.url == URL
    assert await verifier.verify(sent.body, signature)
    assert not await verifier.verify(sent.body.replace(order.encode(), b"12-00000-00000"), signature)


async def test_a_challenge_is_answered_as_it_would_answer_it(world: EbayWorld):
    hook = Hook("GET", f"{URL}?challenge_code=abc123", {}, {"challenge_code": "abc123"}, b"")

    answer = world.adapter.identify(hook)

    assert isinstance(answer, Answer)
    assert json.loads(answer.body) == challenge_response("abc123", VERIFICATION, URL)


async def test_it_is_told_how_many_calls_are_left(world: EbayWorld, library: AsyncEbayClient):
    await library.sell.inventory.get_inventory_items()

    [limit] = (await library.developer.analytics.get_rate_limits(api_name="inventory", api_context="sell")).rate_limits

    [rate] = limit.resources[0].rates
    assert (rate.remaining, rate.time_window) == (rate.limit - 1, 86400)


Call = Callable[[AsyncEbayClient], Awaitable[object]]


@pytest.mark.parametrize(
    ("call", "status", "number"),
    [
        (lambda client: client.sell.inventory.get_inventory_item("NOBODY"), 404, 25702),
        (lambda client: client.sell.fulfillment.get_order("12-00000-00000"), 404, 32100),
        (lambda client: client.sell.fulfillment.get_orders(limit=201), 400, 31100),
        (lambda client: client.with_options(refresh_token=None).sell.fulfillment.get_orders(), 403, 1100),
        (lambda client: client.with_options(access_token="made up").sell.fulfillment.get_orders(), 401, 1001),
    ],
    ids=["unknown article", "unknown order", "too long a page", "an application", "a made-up token"],
)
async def test_refusals_reach_it_as_ebays(library: AsyncEbayClient, call: Call, status: int, number: int):
    with pytest.raises(EbayAPIError) as raised:
        await call(library)

    assert (raised.value.status_code, raised.value.payload["errors"][0]["errorId"]) == (status, number)


@pytest.mark.parametrize("wrong", [{"cert_id": "guessed"}, {"refresh_token": "guessed"}], ids=["secret", "token"])
async def test_whoever_has_other_credentials_gets_no_token(world: EbayWorld, wrong: dict[str, str]):
    async with library_at(world, **wrong) as stranger:
        with pytest.raises(EbayAuthError):
            await stranger.sell.inventory.get_inventory_items()


async def test_limits_and_outages_reach_it_as_ebays(world: EbayWorld, library: AsyncEbayClient):
    await library.sell.inventory.get_inventory_items()  # it has a token
    faults, seen = world.simulation.shop.faults, []
    for fault in ("rate_limited", "down"):
        setattr(faults, fault, True)
        with pytest.raises(EbayAPIError) as raised:
            await library.sell.inventory.get_inventory_items()
        setattr(faults, fault, False)
        seen.append((raised.value.status_code, raised.value.response.headers.get("retry-after")))

    assert seen == [(429, "1"), (503, None)]
