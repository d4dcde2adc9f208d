"""The app: its handshake, what it is sent, and its webhooks looked after."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from omnisync.adapters import shopware
from omnisync.adapters.base import Answer, Forged, Hook, LevelSeen, Message, OrderSeen, Subscription, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.shopware.hooks import TOPICS, shop_secret
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopware.app_webhooks import EVENTS, sign
from omnisync.errors import NeedsAttention
from tests.adapters.contract import Wire
from tests.adapters.shopware.rig import APP_SECRET, URL, ShopwareWorld, an_adapter, as_hook, open_world, target_of

pytestmark = pytest.mark.anyio
WANTED = [Subscription(topic, URL) for topic in TOPICS]
LIVE = "0fa91ce3e96a4bc2be4bd9ce752c3425"


@pytest.fixture
def world(tools: Tools) -> ShopwareWorld:
    return open_world(tools)


def signed(body: Any) -> Hook:
    """A message that the shop signed, whatever it says."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Hook("POST", URL, {"shopware-shop-signature": sign(shop_secret(APP_SECRET), raw)}, {}, raw)


def written(topic: str, *rows: dict[str, Any]) -> Hook:
    return signed({"data": {"event": topic, "payload": rows}, "source": {"eventId": "0123456789abcdef"}})


# ---------------------------------------------------------------- the handshake


async def test_only_the_shop_with_the_manifests_secret_is_given_the_one_that_it_signs_with(world: ShopwareWorld):
    url, headers = world.shop.app.install("Omnisync", URL, APP_SECRET)
    asked = as_hook(Webhook(url, headers, b""), method="GET")
    answer = world.adapter.identify(asked)
    forged = [
        replace(asked, url=asked.url + "&x=1"),
        replace(asked, headers={}),
        replace(asked, headers={"shopware-app-signature": sign("guessed", url.partition("?")[2].encode())}),
        replace(asked, url=URL, query={}),
    ]

    assert isinstance(answer, Answer)
    told = json.loads(answer.body)
    assert (told["confirmation_url"], told["secret"]) == (URL, shop_secret(APP_SECRET))
    assert APP_SECRET not in answer.body.decode()
    assert [type(world.adapter.identify(hook)) for hook in forged] == [Forged] * 4


async def test_a_shop_refuses_an_app_that_answers_under_another_name(world: ShopwareWorld, tools: Tools):
    other = an_adapter(tools, app_name="SomebodyElse")
    url, headers = world.shop.app.install("Omnisync", URL, APP_SECRET)

    answer = other.identify(as_hook(Webhook(url, headers, b""), method="GET"))

    assert isinstance(answer, Answer)
    with pytest.raises(ValueError, match="invalid response"):
        world.shop.app.accept(answer.body)


async def test_the_keys_that_the_shop_hands_over_are_not_kept_and_nobody_else_may_hand_any(world: ShopwareWorld):
    body = {"apiKey": "a", "secretKey": "b", "timestamp": "1", "shopUrl": "https://x", "shopId": "y"}
    right = signed(body)

    assert world.adapter.identify(right) == Answer(204)
    assert isinstance(world.adapter.identify(replace(right, headers={})), Forged)


def test_the_manifest_in_the_readme_subscribes_what_is_wanted_and_names_the_app_as_the_settings_do():
    readme = Path(shopware.__file__).with_name("README.md").read_text(encoding="utf-8")
    [text] = re.findall(r"<manifest.*</manifest>", readme, re.DOTALL)
    manifest = ElementTree.fromstring(text)
    hooks = manifest.findall("webhooks/webhook")
    addresses = {manifest.findtext("setup/registrationUrl"), *(hook.get("url") for hook in hooks)}

    assert tuple(hook.get("event") for hook in hooks) == TOPICS
    assert len({hook.get("name") for hook in hooks}) == len(hooks)
    assert len(addresses) == 1
    assert manifest.findtext("meta/name") == ShopSettings.model_fields["app_name"].default


async def test_without_a_secret_no_message_is_believed_and_nobody_registers(tools: Tools):
    world = open_world(tools, settings={"app_secret": None})
    url, headers = world.shop.app.install("Omnisync", URL, APP_SECRET)

    assert isinstance(world.adapter.identify(world.hook()), Forged)
    assert isinstance(world.adapter.identify(as_hook(Webhook(url, headers, b""), method="GET")), Forged)
    with pytest.raises(NeedsAttention, match="app_secret"):
        await world.adapter.subscriptions(WANTED)


# ---------------------------------------------------------------- messages


async def test_an_event_keeps_its_name_when_it_is_sent_again(world: ShopwareWorld):
    hook = world.hook()
    again = json.loads(hook.body) | {"timestamp": 1}
    other = world.hook()

    named = [world.adapter.identify(one) for one in (hook, signed(again), other)]

    first, second, third = [one.event_id for one in named if isinstance(one, Message)]
    assert (first == second, first == third) == (True, False)


async def test_an_old_message_brings_the_order_as_it_is_now(world: ShopwareWorld):
    hook = world.hook()
    [order] = world.shop.orders.values()
    world.shop.transition("order_delivery", order.deliveries[0].id, "ship")

    [fact] = await world.adapter.follow(hook)

    assert isinstance(fact, OrderSeen)
    assert fact.lines[0].shipped == 1
    assert world.adapter.read(hook) == ()


@pytest.mark.parametrize(
    ("entity", "part", "action", "topic"),
    [
        ("order_delivery", "deliveries", "ship", "state_enter.order_delivery.state.shipped"),
        ("order_transaction", "payments", "paid", "state_enter.order_transaction.state.paid"),
    ],
)
async def test_a_state_that_is_entered_tells_of_its_order(
    world: ShopwareWorld, entity: str, part: str, action: str, topic: str
):
    order = world.shop.place([(world.shop.by_sku("LAMP"), 1)], paid=False)
    world.shop.transition(entity, getattr(order, part)[0].id, action)
    hook = as_hook(world.last(topic))

    [fact] = await world.adapter.follow(hook)

    assert isinstance(fact, OrderSeen)
    assert world.adapter.identify(hook) == Message(json.loads(hook.body)["source"]["eventId"], topic, order.id)
    assert (fact.id, fact.paid, fact.lines[0].shipped) == (order.id, action == "paid", int(action == "ship"))


async def test_orders_that_wait_together_are_read_by_one_call(world: ShopwareWorld, tools: Tools):
    placed = [world.shop.place([(world.shop.by_sku("LAMP"), 1)]) for _ in range(3)]
    told = [as_hook(one) for one in world.sent if b"order.written" in one.body] * 2
    wire = Wire()
    wire.inner = world.channel
    adapter = an_adapter(replace(tools, transport=wire))
    await adapter.look(world.targets)
    before = wire.calls

    facts = await adapter.follow(*told)

    assert {adapter.subject(hook) for hook in told} == {"order"}
    assert [fact.id for fact in facts if isinstance(fact, OrderSeen)] == [order.id for order in placed]
    assert wire.calls - before == 1


async def test_a_deleted_order_asks_for_a_person_and_one_that_was_never_there_does_not(world: ShopwareWorld):
    order = world.shop.place([(world.shop.by_sku("LAMP"), 2)])
    written_before = as_hook(world.last("order.written"))
    world.shop.delete(order)

    [gone] = await world.adapter.follow(as_hook(world.last("order.deleted")))

    assert isinstance(gone, Unreadable)
    assert order.id in gone.key
    assert await world.adapter.follow(written_before) == []


async def test_a_product_message_reads_the_levels_of_all_that_it_names_and_of_nothing_else(
    world: ShopwareWorld, tools: Tools
):
    small, middle = world.shop.by_sku("SHIRT-S"), world.shop.by_sku("SHIRT-M")
    row = {"entity": "product", "operation": "update", "versionId": LIVE}
    hook = written(
        "product.written",
        {**row, "primaryKey": small.id, "updatedFields": ["stock", "updatedAt"]},
        {**row, "primaryKey": middle.id, "updatedFields": ["price"]},
        {**row, "primaryKey": world.shop.by_sku("LAMP").id, "updatedFields": ["description"]},
        {**row, "primaryKey": small.parent_id, "updatedFields": ["stock"]},
        {"entity": "product_price", "primaryKey": "a" * 32, "updatedFields": ["price"]},
    )

    facts = await world.adapter.follow(hook)

    assert [fact.article.sku for fact in facts if isinstance(fact, LevelSeen)] == ["SHIRT-S", "SHIRT-M"]
    assert len(facts) == 2


async def test_a_draft_of_an_order_that_somebody_edits_is_not_the_order(world: ShopwareWorld):
    order = world.shop.place([(world.shop.by_sku("LAMP"), 1)])
    draft = written("order.written", {"entity": "order", "primaryKey": order.id, "versionId": "d" * 32})

    assert [*world.adapter.read(draft), *await world.adapter.follow(draft)] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[1]", b"<xml/>", b"\xff", b'{"data":[]}', b'{"data":{"event":7}}',
        b'{"data":{"event":"order.written"}}', b'{"data":{"event":"order.written","payload":[7]}}',
        b'{"data":{"event":"order.written","payload":[{"entity":"order","primaryKey":7}]}}',
        b'{"data":{"event":"order.written","payload":[{"entity":"order","primaryKey":"../currency"}]}}',
        b'{"data":{"event":"state_enter.order_transaction.state.paid","payload":{}}}',
    ],
)  # fmt: skip
async def test_a_signed_message_that_makes_no_sense_waits_in_plain_sight(world: ShopwareWorld, body: bytes):
    hook = signed(body)

    facts = [*world.adapter.read(hook), *await world.adapter.follow(hook)]

    assert isinstance(world.adapter.identify(hook), Message)
    assert [type(fact) for fact in facts] == [Unreadable, Unreadable]


async def test_topics_that_nobody_asked_for_say_nothing(world: ShopwareWorld):
    hook = written("customer.written", {"entity": "customer", "primaryKey": "a" * 32})

    assert [*world.adapter.read(hook), *await world.adapter.follow(hook)] == []


# ---------------------------------------------------------------- looked after


async def test_a_webhook_that_the_shop_switched_off_is_switched_on_and_those_of_others_are_left_alone(
    world: ShopwareWorld,
):
    elsewhere = world.shop.app.add("order.written", "https://elsewhere.example/hook")
    elsewhere.active = False
    standing = await world.adapter.subscriptions(WANTED)
    for hook in list(world.shop.app.hooks.values())[:2]:
        hook.active = False

    mended = await world.adapter.subscriptions(WANTED)
    again = await world.adapter.subscriptions(WANTED)

    assert set(TOPICS) == set(EVENTS)
    assert [one.renewed for one in (*standing, *again)] == [False] * 12
    assert [one.renewed for one in mended] == [True, True, False, False, False, False]
    assert all(one.active for one in (*standing, *mended, *again))
    assert not elsewhere.active


async def test_a_webhook_of_no_app_is_unsigned_and_counts_for_nothing(world: ShopwareWorld):
    world.shop.app.hooks.clear()
    for topic in TOPICS:
        world.shop.app.add(topic, URL, app=False)
    target = target_of(world.shop.by_sku("LAMP"))
    world.sell(target, 1)

    assert isinstance(world.adapter.identify(as_hook(world.sent[-1])), Forged)
    with pytest.raises(NeedsAttention, match=r"no webhook of the app for order\.written") as raised:
        await world.adapter.subscriptions(WANTED)
    assert "Install" in raised.value.action


async def test_what_only_a_person_can_mend_is_said_so(world: ShopwareWorld, tools: Tools):
    assert world.channel is not None
    app, inner = world.shop.app, world.channel

    class NoRights(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("webhook"):
                return httpx.Response(403, json={"errors": []})
            return await inner.handle_async_request(request)

    said = []
    for breakage in ("off and locked", "app off", "no rights"):
        next(iter(app.hooks.values())).active = breakage == "app off"
        app.refuses_changes, app.active = True, breakage != "app off"
        adapter = an_adapter(replace(tools, transport=NoRights() if breakage == "no rights" else inner))
        with pytest.raises(NeedsAttention) as raised:
            await adapter.subscriptions(WANTED)
        said.append((raised.value.code, raised.value.action.split()[0]))

    assert said == [("webhooks", "Switch"), ("webhooks", "Switch"), ("webhooks", "Make")]
