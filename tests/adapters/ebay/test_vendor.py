"""Both ends of the wire against eBay's own files."""

from __future__ import annotations

import hashlib
import json
import random
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
from omnisync.demo.ebay.shop import Shop
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


def buy(shop: Shop, chance: random.Random) -> None:
    """Somebody buys of one or two offers, pays now or later, here or through eBay's own warehouse."""
    offered = [sku for sku, offer in shop.offers.items() if offer.shown]
    wanted = [(sku, chance.randint(1, shop.offers[sku].shown)) for sku in offered if chance.random() < 0.6]
    if wanted:
        shop.order(wanted, paid=chance.random() < 0.8, by_ebay=chance.random() < 0.2)


def look_after(shop: Shop, chance: random.Random) -> None:
    """Something becomes of an order."""
    if not shop.orders:
        return
    order = chance.choice(list(shop.orders.values()))
    left = {line.id: line.quantity - order.gone(line) for line in order.lines}
    if not order.paid:
        shop.pay(order.id)
    elif chance.random() < 0.3:
        shop.refund(order.id, Money(chance.randint(1, 500), "EUR"))
    elif order.cancelled is None and not order.packages and chance.random() < 0.3:
        shop.cancel(order.id)
    elif order.cancelled is None and (part := {line: chance.randint(1, n) for line, n in left.items() if n}):
        shop.ship(order.id, part)


async def sync(world: EbayWorld, chance: random.Random, clock: StoppedClock) -> None:
    """The adapter writes what came to its mind, reads all of it back, and pulls what happened."""
    wishes = [
        Shown(
            one, f"t{chance.random()}", clock.now(),
            quantity=chance.choice([None, 0, 1, 7, 99999]),
            price=chance.choice([None, Money(chance.randint(1, 10**6), "EUR")]),
        )
        for one in [*world.targets, world.unknown]
        if chance.random() < 0.7
    ]  # fmt: skip
    told = [one for one in wishes if one.quantity is not None or one.price is not None]
    assert len(await world.adapter.publish(told)) == len(told)
    await world.adapter.look([*world.targets, world.unknown])
    await world.adapter.listings(None)
    await pull_all(Opened(world, Wire(), clock), None)


@pytest.mark.parametrize("seed", range(3))
async def test_days_that_nobody_wrote_down_fit_ebays_files_too(
    judged: tuple[EbayWorld, Judged], clock: StoppedClock, seed: int
):
    (world, seen), chance = judged, random.Random(seed)

    for _ in range(5):
        for _ in range(chance.randint(1, 4)):
            chance.choice([buy, look_after])(world.simulation.shop, chance)
            clock.advance(minutes=chance.randint(1, 200))
        await sync(world, chance, clock)

    assert world.simulation.shop.orders
    assert len(seen.judged) > 30


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
