"""Webhooks in, subscriptions kept, requests signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import httpx
import pytest

from omnisync.adapters.base import Answer, Forged, Hook, Message, OrderSeen, Subscription, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.woocommerce.signing import OAuth, signature
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.woocommerce.app import build
from omnisync.demo.woocommerce.webhooks import sign
from omnisync.errors import NeedsAttention, TryLater
from tests.adapters.contract import Wire
from tests.adapters.woocommerce.rig import SECRET, SECRET_OF_HOOKS, URL, WooWorld, an_adapter, as_hook, open_world

pytestmark = pytest.mark.anyio
ORDERS = [Subscription(topic, URL) for topic in ("order.created", "order.updated")]


@pytest.fixture
def world(tools: Tools) -> WooWorld:
    return open_world(tools)


def signed(body: bytes, topic: str = "order.updated") -> Hook:
    """A message that the shop signed, whatever it says."""
    headers = {"x-wc-webhook-signature": sign(SECRET_OF_HOOKS, body), "x-wc-webhook-topic": topic}
    return Hook("POST", URL, headers, {}, body)


# ---------------------------------------------------------------- messages


async def test_the_ping_of_a_new_webhook_is_answered_and_nothing_else_unsigned(world: WooWorld):
    ping = Hook("POST", URL, {"content-type": "application/x-www-form-urlencoded"}, {}, b"webhook_id=7")

    assert world.adapter.identify(ping) == Answer(200)
    assert isinstance(world.adapter.identify(replace(ping, body=b"webhook_id=7&id=8")), Forged)
    assert isinstance(world.adapter.identify(replace(ping, body=b'{"id":8}')), Forged)


async def test_without_a_secret_no_message_is_believed_and_no_webhook_made(tools: Tools):
    world = open_world(tools, settings={"webhook_secret": None})

    assert isinstance(world.adapter.identify(world.hook()), Forged)
    with pytest.raises(NeedsAttention, match="webhook_secret"):
        await world.adapter.subscriptions(ORDERS)


async def test_messages_of_one_second_have_names_of_their_own(world: WooWorld):
    hooks = [world.hook(), world.hook()]

    named = [world.adapter.identify(hook) for hook in hooks]

    assert len({hook.headers["x-wc-webhook-delivery-id"] for hook in hooks}) == 1
    assert len({one.event_id for one in named if isinstance(one, Message)}) == 2


async def test_an_old_message_brings_the_order_as_it_is_now(world: WooWorld):
    hook = world.hook()
    [order] = world.shop.orders.values()
    world.shop.set_status(order, "completed")

    [fact] = await world.adapter.follow(hook)

    assert isinstance(fact, OrderSeen)
    assert fact.lines[0].shipped == 1
    assert world.adapter.read(hook) == ()


async def test_an_order_in_the_bin_is_over_and_one_that_is_gone_for_good_asks_for_a_person(world: WooWorld):
    unpaid = world.shop.place([(world.shop.by_sku("LAMP"), 1)], status="pending")
    world.shop.trash(unpaid)
    [never_lowered] = await world.adapter.follow(as_hook(world.last("order.deleted")))
    order = world.shop.place([(world.shop.by_sku("LAMP"), 2)])
    world.shop.trash(order)
    told = as_hook(world.last("order.deleted"))

    [binned] = await world.adapter.follow(told)
    del world.shop.orders[order.id]
    [gone] = await world.adapter.follow(told)

    assert isinstance(binned, OrderSeen)
    assert (binned.closed, binned.lowered, binned.lines[0].cancelled) == (True, True, 2)
    assert isinstance(never_lowered, OrderSeen)
    assert not never_lowered.lowered
    assert isinstance(gone, Unreadable)


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'{"id":"7"}', b'{"id":true}', b'{"id":0}', b"<xml/>", b"\xff"])
async def test_a_signed_message_that_names_nothing_waits_in_plain_sight(world: WooWorld, body: bytes):
    hook = signed(body)

    facts = [*world.adapter.read(hook), *await world.adapter.follow(hook)]

    assert isinstance(world.adapter.identify(hook), Message)
    assert [type(fact) for fact in facts] == [Unreadable, Unreadable]


async def test_topics_that_nobody_asked_for_say_nothing(world: WooWorld):
    hook = signed(b'{"id":5}', "coupon.created")

    assert [*world.adapter.read(hook), *await world.adapter.follow(hook)] == []


# ---------------------------------------------------------------- subscriptions


async def test_subscriptions_are_made_repaired_and_cleared_and_those_of_others_left_alone(world: WooWorld):
    hooks = world.shop.webhooks.hooks
    hooks.clear()
    world.shop.webhooks.add("a person's", "order.created", "https://elsewhere.example/hook", "x")
    world.shop.webhooks.add("of before", "customer.created", URL, "x")

    made = await world.adapter.subscriptions(ORDERS)
    again = await world.adapter.subscriptions(ORDERS)
    ours = {hook.topic: hook for hook in hooks.values() if hook.url == URL}
    ours["order.updated"].status, ours["order.updated"].failures = "disabled", 6
    mended = await world.adapter.subscriptions(ORDERS)

    assert [(one.renewed, one.active) for one in (*made, *again, *mended)] == [
        (True, True), (True, True), (False, True), (False, True), (False, True), (True, True),
    ]  # fmt: skip
    assert sorted(hook.topic for hook in hooks.values()) == ["order.created", "order.created", "order.updated"]
    assert (ours["order.updated"].status, ours["order.updated"].failures) == ("active", 0)
    assert {hook.secret for hook in ours.values()} == {SECRET_OF_HOOKS}


async def test_a_changed_secret_is_told_to_the_shop_although_it_shows_none(world: WooWorld, tools: Tools):
    await world.adapter.subscriptions(ORDERS)
    changed = an_adapter(replace(tools, transport=world.channel), webhook_secret="another")

    [first, second] = await changed.subscriptions(ORDERS)

    assert (first.renewed, second.renewed) == (True, True)
    assert {hook.secret for hook in world.shop.webhooks.hooks.values() if hook.topic == "order.created"} == {"another"}
    assert "another" not in str([hook.name for hook in world.shop.webhooks.hooks.values()])


async def test_two_webhooks_for_one_topic_become_one(world: WooWorld):
    hooks = world.shop.webhooks.hooks
    hooks.clear()
    for _ in range(2):
        world.shop.webhooks.add("twice", "order.created", URL, SECRET_OF_HOOKS)

    await world.adapter.subscriptions(ORDERS[:1])

    assert [hook.id for hook in hooks.values()] == [1]


async def test_what_the_shop_does_not_subscribe_asks_for_a_person(world: WooWorld):
    with pytest.raises(NeedsAttention, match="topic"):
        await world.adapter.subscriptions([Subscription("order.eaten", URL)])


# ---------------------------------------------------------------- plain http


def test_a_signature_is_that_of_the_standards_own_example():
    """RFC 5849, 3.4.1, with WooCommerce's algorithm: the text to be signed is put together by hand."""
    params = {"b5": "=%3D", "a3": "2 q", "c2": "", "oauth_nonce": "7d8f3e4a"}
    base = "POST&http%3A%2F%2Fexample.com%2Frequest&a3%3D2%2520q%26b5%3D%253D%25253D%26c2%3D%26oauth_nonce%3D7d8f3e4a"
    expected = base64.b64encode(hmac.digest(b"secret&", base.encode(), hashlib.sha256)).decode()

    assert signature("secret", "post", "http://example.com/request", params) == expected


async def test_over_plain_http_each_try_is_signed_anew_and_the_secret_never_travels(tools: Tools, clock: StoppedClock):
    world = open_world(tools)
    sent: list[httpx.Request] = []
    inner = httpx.ASGITransport(build(world.shop))

    class Flaky(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            answer = await inner.handle_async_request(request)
            if len(sent) == 1:
                raise httpx.ReadTimeout("the answer got lost", request=request)
            return answer

    adapter = an_adapter(replace(tools, transport=Flaky()), base_url="http://woo.test")
    world.sell(world.targets[0], 1)

    page = await adapter.pull(None, now=clock.now())

    assert len(page.facts) == 1
    assert [request.headers["authorization"].startswith("OAuth ") for request in sent] == [True] * 3
    assert len({request.headers["authorization"] for request in sent}) == 3
    assert all(SECRET not in f"{request.url} {request.headers}" for request in sent)


@pytest.mark.parametrize("fault", ["another secret", "too old"])
async def test_a_signature_that_does_not_fit_is_a_matter_of_credentials(tools: Tools, ids: Ids, fault: str):
    world = open_world(tools)
    slow = StoppedClock(tools.clock.now())
    slow.advance(minutes=16)
    settings = {"base_url": "http://woo.test"} | ({"consumer_secret": "cs_x"} if fault == "another secret" else {})
    clock = slow if fault == "too old" else tools.clock
    adapter = an_adapter(replace(tools, transport=world.channel, clock=clock), **settings)

    with pytest.raises(NeedsAttention) as raised:
        await adapter.look(world.targets)

    assert raised.value.code == "credentials"


async def test_a_proxy_that_ends_https_makes_signing_a_setting(tools: Tools, clock: StoppedClock, ids: Ids):
    world = open_world(tools)
    wire = Wire()
    wire.inner = world.channel
    adapter = an_adapter(replace(tools, transport=wire), auth="oauth")
    seen: list[str] = []
    handle = wire.handle_async_request

    async def listen(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return await handle(request)

    wire.handle_async_request = listen  # type: ignore[method-assign]
    with pytest.raises(NeedsAttention):  # this shop sees https and wants the keys themselves
        await adapter.look(world.targets)

    assert seen[0].startswith("OAuth ")
    assert SECRET not in repr(OAuth("ck", SECRET, clock, ids))


async def test_settings_that_are_wrong_are_named_together_and_without_their_values(tools: Tools):
    with pytest.raises(NeedsAttention) as raised:
        an_adapter(tools, base_url="woo.test", colour="red", page_size=0, start_at="yesterday", consumer_secret="")

    told = raised.value.message
    assert all(key in told for key in ("base_url", "colour", "page_size", "start_at", "consumer_secret"))
    assert SECRET_OF_HOOKS not in told


async def test_a_thing_is_never_made_twice_because_an_answer_was_lost(world: WooWorld, tools: Tools):
    wire = Wire()
    wire.inner = world.channel
    adapter = an_adapter(replace(tools, transport=wire))
    world.shop.webhooks.hooks.clear()
    await adapter.look(world.targets)

    class Lost(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert world.channel is not None
            answer = await world.channel.handle_async_request(request)
            if request.method == "POST":
                raise httpx.ReadTimeout("lost", request=request)
            return answer

    wire.inner = Lost()
    with pytest.raises(TryLater):
        await adapter.subscriptions(ORDERS[:1])

    assert len(world.shop.webhooks.hooks) == 1
