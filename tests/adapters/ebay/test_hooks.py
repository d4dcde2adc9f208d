"""Challenges, signatures, and what a notification hints at."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from dataclasses import replace

import httpx
import pytest

from omnisync.adapters.base import Answer, Forged, Hook, KeyNeeded, Message, OrderSeen
from omnisync.adapters.client import RateLimited, Tools
from omnisync.adapters.ebay import hooks
from omnisync.clock import StoppedClock
from omnisync.demo.ebay.notifying import Signer
from omnisync.errors import NeedsAttention
from tests.adapters.ebay.conftest import Line
from tests.adapters.ebay.rig import URL, VERIFICATION, EbayWorld

pytestmark = pytest.mark.anyio


def signed(signer: Signer, payload: object) -> Hook:
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Hook("POST", URL, {hooks.SIGNATURE: signer.header(body)}, {}, body)


def confirmation(order_id: str) -> dict[str, object]:
    return {
        "metadata": {"topic": "ORDER_CONFIRMATION"},
        "notification": {"notificationId": "n-1", "data": {"order": {"orderId": order_id}}},
    }


async def test_a_key_is_asked_for_once_and_then_known_for_an_hour(world: EbayWorld, line: Line, clock: StoppedClock):
    hook = signed(world.simulation.notifications.signer, confirmation("12-1"))
    kid = world.simulation.notifications.signer.kid

    assert world.adapter.identify(hook) == KeyNeeded(kid)
    pem = await world.adapter.fetch_key(kid)
    assert world.adapter.identify(hook) == Message("n-1", "ORDER_CONFIRMATION", "12-1")
    clock.advance(minutes=61)
    assert world.adapter.identify(hook) == KeyNeeded(kid)

    assert pem.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert line.count(f"/public_key/{kid}") == 1


async def test_a_key_that_ebay_does_not_know_makes_the_hook_forged(world: EbayWorld):
    stranger = Signer(random.Random(99))
    hook = signed(stranger, confirmation("12-1"))
    assert world.adapter.identify(hook) == KeyNeeded(stranger.kid)

    pem = await world.adapter.fetch_key(stranger.kid)

    assert pem == b""
    assert isinstance(world.adapter.identify(hook), Forged)


async def test_ebay_is_not_asked_for_keys_while_it_wants_quiet_whoever_calls_us(
    world: EbayWorld, line: Line, clock: StoppedClock
):
    asked: list[str] = []

    def limited(request: httpx.Request) -> httpx.Response | None:
        if "/public_key/" not in request.url.path:
            return None
        asked.append(request.url.path)
        return httpx.Response(429, headers={"retry-after": "120"})

    line.instead = limited
    for number in range(3):
        with pytest.raises(RateLimited) as told:
            await world.adapter.fetch_key(f"k-{number}")

    assert told.value.retry_after_seconds == 120
    assert len(asked) == 1
    clock.advance(seconds=121)
    line.instead = lambda request: None
    assert await world.adapter.fetch_key(world.simulation.notifications.signer.kid)


async def test_a_key_of_another_kind_needs_a_person(world: EbayWorld, line: Line):
    line.instead = lambda request: (
        httpx.Response(200, json={"key": "ssh-rsa"}) if "/public_key/" in request.url.path else None
    )

    with pytest.raises(NeedsAttention, match="kind we do not know"):
        await world.adapter.fetch_key("k-1")


@pytest.mark.parametrize(
    "said",
    [
        "{}",
        "[]",
        "7",
        '{"kid": "a/../b", "signature": "AAAA", "digest": "SHA1"}',
        '{"kid": 7, "signature": "AAAA", "digest": "SHA1"}',
        '{"kid": "a", "signature": "not base64!", "digest": "SHA1"}',
        '{"kid": "a", "signature": "AAAA", "digest": "MD5"}',
        '{"kid": "a", "signature": "AAAA", "digest": ["SHA1"]}',
        '{"kid": "a", "signature": null}',
    ],
)
async def test_a_signature_header_of_another_form_is_forged_and_asks_for_no_key(world: EbayWorld, said: str):
    headers = {hooks.SIGNATURE: base64.b64encode(said.encode()).decode()}

    assert isinstance(world.adapter.identify(Hook("POST", URL, headers, {}, b"{}")), Forged)


async def test_strangers_cannot_fill_our_memory_with_keys(tools: Tools):
    keys = hooks.Keys(tools)
    for number in range(hooks.KEYS + 1):
        keys.remember(f"k-{number}", None)

    assert keys.find(f"k-{hooks.KEYS}") is None
    with pytest.raises(KeyError):
        keys.find("k-0")


@pytest.mark.parametrize(
    ("payload", "topic"),
    [([], "UNKNOWN"), ({"metadata": 7, "notification": []}, "UNKNOWN"), ({"metadata": {"topic": "NEW"}}, "NEW")],
)
async def test_a_signed_message_of_another_form_is_kept_under_its_hash(world: EbayWorld, payload: object, topic: str):
    signer = world.simulation.notifications.signer
    await world.adapter.fetch_key(signer.kid)
    hook = signed(signer, payload)

    named = world.adapter.identify(hook)

    assert isinstance(named, Message)
    assert (named.topic, named.resource) == (topic, None)
    assert named.event_id.startswith("sha256:")
    assert list(await world.adapter.follow(hook)) == []


async def test_an_account_deletion_names_the_user_and_tells_no_fact(world: EbayWorld):
    signer = world.simulation.notifications.signer
    await world.adapter.fetch_key(signer.kid)
    data = {"username": "carla_77", "userId": "ma8", "eiasToken": "x"}
    hook = signed(
        signer, {"metadata": {"topic": hooks.DELETION}, "notification": {"notificationId": "d-1", "data": data}}
    )

    assert world.adapter.identify(hook) == Message("d-1", hooks.DELETION, "user:ma8")
    assert list(world.adapter.read(hook)) == []
    assert list(await world.adapter.follow(hook)) == []


async def test_following_reads_the_order_as_it_is_now_not_as_it_was_told(world: EbayWorld):
    shop = world.simulation.shop
    hook = world.hook()
    [order_id] = shop.orders
    shop.cancel(order_id)

    [fact] = await world.adapter.follow(hook)

    assert isinstance(fact, OrderSeen)
    assert fact.lines[0].cancelled == 1


async def test_an_order_that_is_gone_tells_nothing(world: EbayWorld):
    assert list(await world.adapter.follow(signed(world.simulation.notifications.signer, confirmation("12-9")))) == []


async def test_a_challenge_is_answered_for_the_address_it_was_sent_to(world: EbayWorld):
    hook = Hook("GET", f"{URL}?challenge_code=abc", {}, {"challenge_code": "abc"}, b"")

    answer = world.adapter.identify(hook)

    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["challengeResponse"] == _proof("abc" + VERIFICATION + URL)
    assert isinstance(world.adapter.identify(replace(hook, query={})), Forged)


def _proof(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
