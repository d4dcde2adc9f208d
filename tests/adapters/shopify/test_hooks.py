"""Webhooks: named by their event, read as hints, followed to what is true now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Forged, Hook, LevelSeen, Message, OrderSeen, Subscription, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.shopify import TOPICS
from omnisync.adapters.shopify.hooks import LEVELS
from omnisync.demo.shopify.things import Order
from omnisync.demo.shopify.webhooks import sign
from omnisync.errors import NeedsAttention, NotYet
from tests.adapters.shopify.rig import HOOK_URL, LINDEN, LINDEN_PLACE, SECRET_OF_HOOKS, ShopifyWorld, open_world

pytestmark = pytest.mark.anyio


def an_order(world: ShopifyWorld) -> Order:
    return world.shop.sell([(world.variant(world.targets[0]), 2)], place=LINDEN)


def signed(topic: str, body: bytes, **headers: str) -> Hook:
    return Hook(
        "POST",
        HOOK_URL,
        {"x-shopify-topic": topic, "x-shopify-hmac-sha256": sign(SECRET_OF_HOOKS, body), **headers},
        {},
        body,
    )


async def test_each_announcement_of_an_order_leads_to_the_order_as_it_is_now(world: ShopifyWorld):
    order = an_order(world)
    world.shop.fulfil(order)
    world.shop.refund(order, [(order.lines[0], 1)], "RETURN", place=LINDEN)
    topics = ("orders/create", "orders/updated", "fulfillments/create", "refunds/create")

    for topic in topics:
        hook = world.as_hook(world.last(topic))
        named = world.adapter.identify(hook)
        [fact] = await world.adapter.follow(hook)

        assert isinstance(named, Message)
        assert (named.topic, named.resource) == (topic, order.gid)
        assert isinstance(fact, OrderSeen)
        assert (fact.id, fact.lines[0].shipped, len(fact.lines[0].restocks)) == (order.gid, 2, 1)


async def test_an_edited_order_is_found_by_its_number(world: ShopifyWorld):
    order = an_order(world)

    [fact] = await world.adapter.follow(signed("orders/edited", b'{"order_edit": {"order_id": %d}}' % order.id))

    assert isinstance(fact, OrderSeen)
    assert fact.id == order.gid


async def test_a_level_is_told_as_it_is_and_not_as_it_was(world: ShopifyWorld):
    an_order(world)
    late = world.as_hook(world.last("inventory_levels/update"))
    an_order(world)

    [level] = await world.adapter.follow(late)

    assert isinstance(level, LevelSeen)
    assert (level.quantity, level.place) == (7, LINDEN_PLACE)
    assert level.article.external_id == world.targets[0].external_id


class Counted(httpx.AsyncBaseTransport):
    """Counts what the adapter asks the shop."""

    def __init__(self) -> None:
        self.calls = 0
        self.behind: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert self.behind is not None
        self.calls += 1
        return await self.behind.handle_async_request(request)


async def test_levels_that_wait_together_are_read_by_one_call(tools: Tools):
    counted = Counted()
    world = open_world(replace(tools, transport=counted))
    counted.behind = world.channel
    for target in world.targets:
        world.sell(target, 2)
    told = [world.as_hook(one) for one in world.parcels() if one.headers["x-shopify-topic"] == LEVELS]

    levels = await world.adapter.follow(*told)

    assert {world.adapter.subject(one) for one in told} == {LEVELS}
    assert [(one.article.external_id, one.quantity) for one in levels if isinstance(one, LevelSeen)] == [
        (target.external_id, world.level(target)) for target in world.targets
    ]
    assert counted.calls == 1


async def test_the_event_is_named_by_its_id_then_by_the_delivery_then_by_the_body(world: ShopifyWorld):
    hook = world.hook()
    without_event = replace(hook, headers={k: v for k, v in hook.headers.items() if k != "x-shopify-event-id"})
    nameless = replace(without_event, headers={k: v for k, v in without_event.headers.items() if "-id" not in k})

    names = [world.adapter.identify(one) for one in (hook, without_event, nameless, nameless)]

    ids = [one.event_id for one in names if isinstance(one, Message)]
    assert ids[0] == hook.headers["x-shopify-event-id"]
    assert ids[1] == hook.headers["x-shopify-webhook-id"]
    assert len(ids[2]) == 64
    assert ids[2] == ids[3]


async def test_the_newer_header_names_are_understood(world: ShopifyWorld):
    hook = world.hook()
    newer = replace(hook, headers={name.removeprefix("x-"): value for name, value in hook.headers.items()})

    assert world.adapter.identify(newer) == world.adapter.identify(hook)


async def test_a_secret_can_be_replaced_while_both_are_in_use(tools: Tools):
    world = open_world(tools, settings={"webhook_secret": ["new", SECRET_OF_HOOKS]})
    hook = world.hook()

    assert isinstance(world.adapter.identify(hook), Message)
    assert isinstance(world.adapter.identify(world.as_hook(world.last("orders/create"), secret="new")), Message)
    assert isinstance(world.adapter.identify(world.as_hook(world.last("orders/create"), secret="older")), Forged)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'{"id": null}', b"\xff\xfe", b'"text"'])
async def test_a_signed_message_that_nobody_can_read_becomes_a_letter(world: ShopifyWorld, body: bytes):
    hook = signed("refunds/create", body)

    facts = await world.adapter.follow(hook)

    assert isinstance(world.adapter.identify(hook), Message)
    assert [type(fact) for fact in facts] == [Unreadable]


async def test_a_topic_that_nobody_asked_for_says_nothing(world: ShopifyWorld):
    hook = signed("app/uninstalled", b"{}")

    assert isinstance(world.adapter.identify(hook), Message)
    assert list(await world.adapter.follow(hook)) == []


async def test_an_order_that_is_not_there_yet_is_asked_for_later(world: ShopifyWorld):
    with pytest.raises(NotYet):
        await world.adapter.follow(signed("orders/create", b'{"id": 12345}'))


async def test_the_order_of_a_test_notification_is_nowhere_and_nobody_waits_for_it(world: ShopifyWorld):
    of_a_test = b'{"id": 820982911946154508, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508"}'

    assert list(await world.adapter.follow(signed("orders/create", of_a_test))) == []
    assert list(await world.adapter.follow(signed("orders/updated", b'{"id": 820982911946154508}'))) == []


async def test_subscriptions_become_those_wanted_and_others_are_left_alone(world: ShopifyWorld):
    elsewhere = "https://other.example.org/hook"
    await world.adapter.subscriptions([Subscription("orders/create", elsewhere)])
    wanted = [Subscription(topic, HOOK_URL) for topic in TOPICS if topic != "refunds/create"]

    standing = await world.adapter.subscriptions(wanted)

    assert [(one.topic, one.url) for one in standing] == [(one.topic, one.url) for one in wanted]
    there = {(one.topic, one.url) for one in world.shop.subscriptions.values()}
    assert there == {(one.topic, one.url) for one in wanted} | {("orders/create", elsewhere)}


async def test_a_missing_setting_is_named(tools: Tools):
    with pytest.raises(NeedsAttention, match="webhook_secret"):
        open_world(tools, settings={"webhook_secret": ""})


async def test_the_check_names_scopes_and_places_that_are_missing(world: ShopifyWorld):
    del world.shop.locations[12]

    checks: dict[str, Any] = {check.name: check for check in await world.adapter.check()}

    assert [name for name, check in checks.items() if not check.ok] == ["location gid://shopify/Location/12"]
    assert checks["scope read_inventory"].ok
    assert "location_map" in checks["location gid://shopify/Location/12"].mend
