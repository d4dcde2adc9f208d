"""The simulated Shopify: its own trade, its limits, its webhooks on their way."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Hook, Message
from omnisync.adapters.client import Tools
from omnisync.adapters.shopify import TOPICS, make
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.faults import Purchase, SoldOut
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopify import seed as seeds
from omnisync.demo.shopify.app import Simulation, open_shop
from omnisync.demo.shopify.shop import Shop

URL = "http://omnisync.test/v1/hooks/webshop"
LINDEN, LAGER = "gid://shopify/Location/1", "gid://shopify/Location/2"
SEED = {
    "shop": "lampen.myshopify.com",
    "currency": "EUR",
    "access_token": "shpat_seed",
    "locations": [{"id": LINDEN, "name": "Filiale Lindenstraße"}],
    "listings": [
        {
            "sku": "LAMP",
            "title": "Lampe",
            "price": "19.95",
            "barcode": "4006381333931",
            "quantities": {LINDEN: 3, LAGER: 4},
        }
    ],
    "webhook": {"url": URL, "secret": "shpss_seed"},
}


@pytest.fixture
def received() -> list[Webhook]:
    return []


@pytest.fixture
def simulation(clock: StoppedClock, ids: Ids, received: list[Webhook]) -> Simulation:
    tools = Tools(clock=clock, ids=ids, chance=random.Random(5))

    async def send(webhook: Webhook) -> bool:
        received.append(webhook)
        return True

    return open_shop(seeds.of(SEED).open(clock), token="shpat_seed", secret="shpss_seed", send=send, tools=tools)


def ask(simulation: Simulation, method: str, path: str, *, token: str = "shpat_seed", **rest: Any) -> httpx.Response:
    async def call() -> httpx.Response:
        headers = {"x-shopify-access-token": token}
        transport = httpx.ASGITransport(simulation.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
            return await client.request(method, path, **rest)

    return asyncio.run(call())


def graphql(simulation: Simulation, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    return ask(simulation, "POST", "/admin/api/2026-07/graphql.json", json=body).json()


def levels(shop: Shop) -> dict[str, tuple[int, int]]:
    """Available and committed by place."""
    return {one["place"]: (one["quantity"], one["committed"]) for one in shop.state()["levels"]}


def test_an_order_moves_pieces_from_available_to_committed_and_shipping_takes_them_away(simulation: Simulation):
    shop = simulation.shop

    shop.buy(Purchase(sku="LAMP", quantity=4))
    assert levels(shop) == {LINDEN: (3, 0), LAGER: (0, 4)}

    [order] = shop.orders.values()
    shop.fulfil(order)
    assert levels(shop) == {LINDEN: (3, 0), LAGER: (0, 0)}


def test_a_cancelled_order_gives_back_what_it_committed(simulation: Simulation):
    shop = simulation.shop
    shop.buy(Purchase(sku="LAMP", quantity=5))
    [order] = shop.orders.values()

    shop.cancel(order)

    assert levels(shop) == {LINDEN: (3, 0), LAGER: (4, 0)}


def test_buyers_get_what_is_shown_and_not_a_piece_more(simulation: Simulation):
    shop = simulation.shop
    for wish in (Purchase(sku="LAMP", quantity=8), Purchase(sku="LAMP", quantity=4, place=LINDEN)):
        with pytest.raises(SoldOut):
            shop.buy(wish)

    shop.buy(Purchase(sku="LAMP", quantity=3, place=LINDEN, counter=True))

    assert levels(shop) == {LINDEN: (0, 0), LAGER: (4, 0)}
    assert len(shop.orders) == 1


def test_every_announcement_is_signed_so_that_the_adapter_believes_it(
    simulation: Simulation, received: list[Webhook], clock: StoppedClock, ids: Ids
):
    settings = {"shop": "x", "access_token": "x", "webhook_secret": "shpss_seed"}
    adapter = make("webshop", settings, {}, "", Tools(clock, ids, random.Random(1)))
    shop = simulation.shop
    shop.buy(Purchase(sku="LAMP"))
    [order] = shop.orders.values()
    shop.fulfil(order)
    shop.refund(order, [(order.lines[0], 1)], "RETURN")
    shop.buy(Purchase(sku="LAMP"))
    shop.cancel(list(shop.orders.values())[-1])

    asyncio.run(simulation.outbox.flush())

    named = [adapter.identify(Hook("POST", one.url, one.headers, {}, one.body)) for one in received]
    assert all(isinstance(one, Message) for one in named)
    assert {one.topic for one in named if isinstance(one, Message)} == set(TOPICS) - {
        "orders/edited",
        "fulfillments/update",
    }
    assert len({one.event_id for one in named if isinstance(one, Message)}) == len(received)


def test_operations_cost_points_and_are_throttled_inside_a_200(simulation: Simulation, clock: StoppedClock):
    query = "query($n: Int!) { orders(first: $n) { nodes { id lineItems(first: 2) { nodes { id } } } } }"
    simulation.bucket.pay(1500)

    too_dear = graphql(simulation, query, n=250)
    throttled = graphql(simulation, query, n=120)
    clock.advance(seconds=15)
    answered = graphql(simulation, query, n=120)

    assert too_dear["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 500
    assert answered["data"] == {"orders": {"nodes": []}}
    assert answered["extensions"]["cost"]["requestedQueryCost"] > answered["extensions"]["cost"]["actualQueryCost"]


def test_stock_is_not_written_without_an_idempotency_key(simulation: Simulation):
    write = """mutation($input: InventorySetQuantitiesInput!) {
      inventorySetQuantities(input: $input) { userErrors { code } }
    }"""
    item = next(iter(simulation.shop.variants.values())).item_id
    line = {"inventoryItemId": f"gid://shopify/InventoryItem/{item}", "locationId": LINDEN, "quantity": 9}
    whole = {"name": "available", "reason": "correction", "quantities": [{**line, "changeFromQuantity": 3}]}

    without_key = graphql(simulation, write, input=whole)
    without_compare = graphql(
        simulation,
        write.replace("{ userErrors", '@idempotent(key: "k") { userErrors'),
        input={**whole, "quantities": [line]},
    )

    assert "@idempotent" in without_key["errors"][0]["message"]
    assert "changeFromQuantity" in without_compare["errors"][0]["message"]
    assert levels(simulation.shop)[LINDEN] == (3, 0)


def test_a_key_belongs_to_one_write(simulation: Simulation):
    write = """mutation($input: InventorySetQuantitiesInput!) {
      inventorySetQuantities(input: $input) @idempotent(key: "k") { userErrors { code } }
    }"""
    item = f"gid://shopify/InventoryItem/{next(iter(simulation.shop.variants.values())).item_id}"

    def set_to(quantity: int) -> list[dict[str, str]]:
        line = {"inventoryItemId": item, "locationId": LINDEN, "quantity": quantity, "changeFromQuantity": None}
        answer = graphql(simulation, write, input={"name": "available", "reason": "correction", "quantities": [line]})
        return list(answer["data"]["inventorySetQuantities"]["userErrors"])

    assert set_to(9) == []
    simulation.shop.buy(Purchase(sku="LAMP", place=LINDEN))
    assert set_to(9) == []
    assert set_to(5) == [{"code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}]
    assert levels(simulation.shop)[LINDEN] == (8, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"query": "{"}', b'{"query": "{ nothing }"}', b"\xff"])
def test_nonsense_is_answered_as_shopify_does(simulation: Simulation, body: bytes):
    answer = ask(simulation, "POST", "/admin/api/2026-07/graphql.json", content=body)

    assert answer.status_code in (200, 400)
    assert answer.json()["errors"]


def test_strangers_are_refused_and_the_door_stays_open(simulation: Simulation):
    assert ask(simulation, "GET", "/admin/api/2026-07/shop.json", token="guess").status_code == 401
    assert ask(simulation, "POST", "/_sim/buy", token="", json={"sku": "LAMP"}).json()["reference"] == "#1001"
    ask(simulation, "POST", "/_sim/faults", json={"down": True})
    assert ask(simulation, "GET", "/admin/api/2026-07/shop.json").status_code == 503
    assert ask(simulation, "GET", "/_sim/state").json()["orders"] == 1


@pytest.mark.parametrize(
    "spoiled",
    [
        {"listings": [{"sku": "A"}]},
        {"listings": [{"sku": "A", "price": "1.999"}]},
        {"listings": [{"sku": "A", "price": "1", "quantities": {"linden": 1}}]},
        {"listings": [{"sku": "A", "price": "1", "quantities": {LINDEN: -1}}]},
        {"webhooks": {}},
    ],
)
def test_a_spoiled_seed_is_refused(spoiled: dict[str, Any]):
    with pytest.raises(ValueError, match="validation error"):
        seeds.of({"access_token": "x", **spoiled})
