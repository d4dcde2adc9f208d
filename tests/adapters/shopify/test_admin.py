"""The Admin API's own ways to say no: throttled inside a 200, denied scopes, pages that are no API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from omnisync.adapters.client import RateLimited, Tools, Unanswered
from omnisync.adapters.shopify.admin import Admin
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention
from tests.adapters.shopify.rig import ShopifyWorld, open_world

pytestmark = pytest.mark.anyio
SHOP = "query { shop { name } }"


def answering(tools: Tools, answer: Callable[[int], httpx.Response]) -> tuple[Admin, list[httpx.Request]]:
    """An Admin whose n-th call is answered so."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(len(asked))

    tools = replace(tools, transport=httpx.MockTransport(handle))
    return Admin("shop", "http://shop.test", "secret", tools), asked


def cost(available: float, requested: float = 500) -> dict[str, Any]:
    throttle = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": 50.0}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": throttle}}


def throttled(available: float) -> httpx.Response:
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    return httpx.Response(200, json={"errors": [error], "extensions": cost(available)})


async def test_a_short_throttle_is_waited_out(tools: Tools, clock: StoppedClock):
    good = httpx.Response(200, json={"data": {"shop": {"name": "x"}}, "extensions": cost(500)})
    admin, asked = answering(tools, lambda n: throttled(425) if n == 1 else good)
    before = clock.monotonic()

    assert await admin.run(SHOP) == {"shop": {"name": "x"}}

    assert (len(asked), clock.monotonic() - before) == (2, pytest.approx(1.5))


async def test_a_throttle_that_does_not_end_is_left_to_the_worker_with_its_wait(tools: Tools, clock: StoppedClock):
    admin, asked = answering(tools, lambda n: throttled(0))

    with pytest.raises(RateLimited) as limited:
        await admin.run(SHOP)

    assert (len(asked), limited.value.retry_after_seconds) == (3, 10)


async def test_a_throttle_of_two_minutes_is_left_to_the_worker_at_once(tools: Tools, clock: StoppedClock):
    admin, asked = answering(tools, lambda n: throttled(-5500))

    with pytest.raises(RateLimited) as limited:
        await admin.run(SHOP)

    assert (len(asked), limited.value.retry_after_seconds) == (1, 120)


async def test_the_next_call_knows_the_cost_and_waits_before_it_asks(tools: Tools, clock: StoppedClock):
    answer = {"data": {"shop": None}, "extensions": cost(440, requested=500)}
    admin, asked = answering(tools, lambda n: httpx.Response(200, json=answer))
    await admin.run(SHOP)
    before = clock.monotonic()

    await admin.run(SHOP)

    assert (len(asked), clock.monotonic() - before) == (2, pytest.approx(1.2))


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}, NeedsAttention, "scopes"),
        ({"errors": [{"message": "no", "extensions": {"code": "SHOP_INACTIVE"}}]}, NeedsAttention, "plan"),
        ({"errors": [{"message": "Field 'x' doesn't exist"}]}, NeedsAttention, "update omnisync"),
        ({"errors": "Not Found"}, NeedsAttention, "base_url"),
        ({"hello": "world"}, NeedsAttention, "base_url"),
        (["hello"], NeedsAttention, "base_url"),
    ],
)
async def test_what_waiting_does_not_mend_goes_to_a_person(tools: Tools, body: Any, kind: type, said: str):
    admin, asked = answering(tools, lambda n: httpx.Response(200, json=body))

    with pytest.raises(NeedsAttention) as raised:
        await admin.run(SHOP)

    assert said in raised.value.action
    assert len(asked) == 1


async def test_an_internal_error_of_shopify_passes(tools: Tools):
    error = {"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    admin, _ = answering(tools, lambda n: httpx.Response(200, json={"errors": [error]}))

    with pytest.raises(Unanswered):
        await admin.run(SHOP)


async def test_a_web_page_instead_of_an_api_is_recognised(tools: Tools):
    admin, _ = answering(tools, lambda n: httpx.Response(200, text="<html>Opening soon</html>"))

    with pytest.raises(NeedsAttention, match="no JSON"):
        await admin.run(SHOP)


async def test_a_shop_that_limits_its_clients_is_tried_later(tools: Tools, clock: StoppedClock):
    world: ShopifyWorld = open_world(tools)
    world.shop.faults.rate_limited, world.shop.faults.retry_after_seconds = True, 30

    with pytest.raises(RateLimited) as limited:
        await world.adapter.look(world.targets)

    assert limited.value.retry_after_seconds == pytest.approx(30, abs=1)
    world.shop.faults.rate_limited = False
    clock.advance(seconds=30)
    assert len(await world.adapter.look(world.targets)) == 3
