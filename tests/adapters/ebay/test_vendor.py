"""Both ends of the wire against eBay's own files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from omnisync.adapters.base import Answer, Forged, Hook, KeyNeeded, Message, News, Outcome, Shown, Subscription
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay import hooks
from omnisync.clock import StoppedClock
from omnisync.demo.faults import Purchase
from omnisync.values import Money
from tests.adapters.contract import Opened, Wire, pull_all
from tests.adapters.contract import told as told_of
from tests.adapters.ebay.rig import URL, EbayWorld
from tests.adapters.ebay.vendor import Judged, judge, specs

pytestmark = [pytest.mark.anyio, pytest.mark.specs]


@pytest.fixture
def folder() -> Path:
    return specs()


@pytest.fixture
def judged(tools: Tools, folder: Path) -> tuple[EbayWorld, Judged]:
    """A world whose every call and answer is held to eBay's files."""
    wire = Wire()
    world = EbayWorld(replace(tools, transport=wire))
    wire.inner = judge_of_all = Judged(world.channel, folder)
    return world, judge_of_all


async def test_every_call_and_answer_of_a_whole_day_fits_ebays_files(
    judged: tuple[EbayWorld, Judged], clock: StoppedClock
):
    world, seen = judged
    adapter, shop = world.adapter, world.simulation.shop
    first, second, _ = world.targets
    wish = Shown(first, "t", clock.now(), quantity=5, price=Money(4999, "EUR"))

    await adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])
    await adapter.subscriptions([Subscription("ITEM_MARKED_SHIPPED", URL)])
    await adapter.fetch_key(world.simulation.notifications.signer.kid)
    await adapter.fetch_key("nobody")
    published = await adapter.publish([wish, replace(wish, target=world.unknown), replace(wish, target=second)])
    await adapter.look([*world.targets, world.unknown])
    await adapter.listings(None)
    shipped = world.sell(second, 3)
    pickup = shop.buy(Purchase(sku="SHADE", quantity=2, pickup=True, place="linden"))["order"]
    shop.ship(shipped, {shop.orders[shipped].lines[0].id: 1})
    shop.refund(shipped, Money(100, "EUR"))
    shop.cancel(world.sell(second, 1))
    shop.order([("SHADE", 1)], by_ebay=True)
    line = shop.orders[pickup].lines[0].id
    told = await adapter.tell([News("collected", pickup, pickup, "linden", [(line, 2)], "t")])
    pages = await pull_all(Opened(world, Wire(), clock), None)
    checks = await adapter.check()

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert [one.outcome for one in told] == [Outcome.APPLIED]
    assert len(told_of(fact for page in pages for fact in page.facts)) == 4
    assert [check.ok for check in checks] == [True, True, True]
    assert len({one.split()[1].split("/")[1] for one in seen.judged}) == 3
    assert "POST /sell/inventory/v1/bulk_update_price_quantity 207" in seen.judged
    assert f"POST /sell/fulfillment/v1/order/{pickup}/shipping_fulfillment 201" in seen.judged
    assert len(seen.judged) > 25


@pytest.mark.parametrize(
    "body",
    [
        {"requests": [{"sku": "SHADE", "shipToHome": {"quantity": 1}}]},
        {"requests": [{"sku": "SHADE", "shipToLocationAvailability": {"quantity": "1"}}]},
    ],
    ids=["a field that eBay does not have", "a text for a number"],
)
async def test_the_judge_finds_a_call_that_ebay_would_not_understand(folder: Path, body: Any):
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"responses": []})

    strict = Judged(httpx.MockTransport(answer), folder)
    url = "https://api.ebay.com/sell/inventory/v1/bulk_update_price_quantity"

    with pytest.raises(OpenAPIError):
        await strict.handle_async_request(httpx.Request("POST", url, json=body))

    assert judge(folder, "/sell/inventory/v1") is judge(folder, "/sell/inventory/v1")


# ---------------------------------------------------------------- signed samples that the vendor's own library accepted


@pytest.fixture
def sample() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specs().parent / "webhook_vectors.json").read_bytes())["ebay"]
    return found


def hook_of(sample: dict[str, Any]) -> Hook:
    return Hook("POST", URL, sample["headers"], {}, sample["body"].encode())


async def test_a_sample_of_ebays_own_is_accepted_once_its_key_is_known(sample: dict[str, Any], tools: Tools):
    keys, kid = hooks.Keys(tools), sample["decoded_header"]["kid"]

    assert hooks.identify(hook_of(sample), keys, "") == KeyNeeded(kid)
    keys.remember(kid, hooks.as_pem(sample["public_key_response"]["key"]))
    named = hooks.identify(hook_of(sample), keys, "")

    assert named == Message(
        event_id=json.loads(sample["body"])["notification"]["notificationId"],
        topic="MARKETPLACE_ACCOUNT_DELETION",
        resource="user:ma8vp1jySJC",
    )


async def test_a_sample_that_ebays_library_refuses_is_refused(sample: dict[str, Any], tools: Tools):
    keys, wrong = hooks.Keys(tools), sample["invalid_example"]
    keys.remember(sample["decoded_header"]["kid"], hooks.as_pem(wrong["public_key_response"]["key"]))

    assert isinstance(hooks.identify(hook_of(wrong), keys, ""), Forged)


async def test_the_challenge_is_answered_as_ebays_library_answers_it(sample: dict[str, Any], tools: Tools):
    told = sample["challenge"]
    code = {"challenge_code": told["challenge_code"]}
    hook = Hook("GET", f"{told['endpoint']}?challenge_code={told['challenge_code']}", {}, code, b"")

    answer = hooks.identify(hook, hooks.Keys(tools), told["verification_token"])

    assert isinstance(answer, Answer)
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert json.loads(answer.body) == {"challengeResponse": told["challengeResponse"]}
    assert len(told["challengeResponse"]) == hashlib.sha256().digest_size * 2
