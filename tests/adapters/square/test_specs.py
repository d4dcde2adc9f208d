"""Everything the adapter sends and the simulation answers, held against Square's own file."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest
from openapi_core.exceptions import OpenAPIError

from omnisync.adapters.base import Hook, Message, News, Outcome, Shown, Subscription, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.square import hooks
from omnisync.adapters.square.adapter import TOPICS
from omnisync.clock import StoppedClock
from omnisync.demo.outbox import Webhook
from omnisync.demo.square.account import Account
from omnisync.demo.square.app import build
from omnisync.values import Money
from tests.adapters.square.rig import LINDEN, MARKT, SKUS, TOKEN, URL, a_seed, an_adapter
from tests.adapters.square.spec import Inspector, check_event, folder
from tests.adapters.square.worlds import Postbox

pytestmark = [pytest.mark.specs, pytest.mark.anyio]

EVENTS = {
    "catalog.version.updated": "CatalogVersionUpdatedEvent",
    "inventory.count.updated": "InventoryCountUpdatedEvent",
    "order.created": "OrderCreatedEvent",
    "order.fulfillment.updated": "OrderFulfillmentUpdatedEvent",
    "order.updated": "OrderUpdatedEvent",
    "refund.created": "RefundCreatedEvent",
}


async def test_a_whole_day_of_calls_and_answers_is_what_square_describes(tools: Tools, clock: StoppedClock):
    postbox = Postbox()
    account = Account(a_seed(), clock, tools.ids, outbox=postbox)
    inspector = Inspector(httpx.ASGITransport(build(account)))
    adapter = an_adapter(replace(tools, transport=inspector))
    targets = [Target(account.catalogue.by_sku[sku], sku, place) for sku in SKUS for place in (LINDEN, MARKT)]

    assert all(check.ok for check in await adapter.check())
    assert len((await adapter.listings(None)).listings) == len(SKUS)
    assert len(await adapter.look(targets)) == len(targets)
    wishes = [
        Shown(target, f"t{n}", clock.now(), quantity=n, price=Money(2500, "EUR")) for n, target in enumerate(targets)
    ]
    unknown = Shown(Target("VNOBODY", "NOBODY", LINDEN), "tx", clock.now(), quantity=3, price=Money(100, "EUR"))
    published = await adapter.publish([*wishes, unknown])
    assert [one.outcome for one in published] == [Outcome.APPLIED] * len(targets) + [Outcome.ATTENTION]

    lamp, place = account.catalogue.by_sku["LAMP"], MARKT
    account.count("LAMP", place, 9)
    account.adjust("LAMP", place, 2, "IN_STOCK", "WASTE")
    sale = account.sell(place, [{"catalog_object_id": lamp, "quantity": "2"}])
    account.refund(sale["id"], {sale["line_items"][0]["uid"]: 1}, restock=True)
    pickup = account.sell(place, [{"catalog_object_id": lamp, "quantity": "1"}], pickup=True)
    for kind in ("ready", "collected"):
        [told] = await adapter.tell([News(kind, pickup["id"], "", place, (), f"tag-{kind}")])
        assert told.outcome is Outcome.APPLIED
    await adapter.subscriptions([Subscription(topic, URL) for topic in TOPICS])
    await adapter.subscriptions([Subscription("order.created", "https://elsewhere.example.org/hook")])
    cursor, more = None, True
    while more:
        page = await adapter.pull(cursor, now=clock.now())
        cursor, more = page.cursor, page.more
    for webhook in postbox.webhooks:
        await adapter.follow(a_hook(webhook))

    asked = {(method, path.replace(pickup["id"], "*")) for method, path, _ in inspector.seen}
    assert ("PUT", "/v2/orders/*") in asked
    assert len(asked) >= 15
    assert {status for _, _, status in inspector.seen} == {200, 404}


async def test_the_inspector_finds_a_request_that_square_would_not_take(tools: Tools, clock: StoppedClock):
    account = Account(a_seed(), clock, tools.ids)
    inspector = Inspector(httpx.ASGITransport(build(account)))
    bearer = {"authorization": f"Bearer {TOKEN}"}

    async with httpx.AsyncClient(transport=inspector, base_url="http://square.test") as client:
        for path, body, headers in (
            ("/v2/inventory/changes/batch-create", {"changes": []}, bearer),
            ("/v2/orders/search", {"limit": "ten"}, bearer),
            ("/v2/orders/search", {}, {}),
            ("/v2/orders/seek", {}, bearer),
        ):
            with pytest.raises(OpenAPIError):
                await client.post(path, json=body, headers=headers)


async def test_the_simulations_events_have_the_shapes_square_describes(tools: Tools, clock: StoppedClock):
    postbox = Postbox()
    account = Account(a_seed(), clock, tools.ids, outbox=postbox)
    lamp = account.catalogue.variation_of("LAMP")
    sale = account.sell(LINDEN, [{"catalog_object_id": lamp["id"], "quantity": "1"}])
    account.refund(sale["id"], {sale["line_items"][0]["uid"]: 1}, restock=True)
    pickup = account.sell(LINDEN, [{"catalog_object_id": lamp["id"], "quantity": "1"}], pickup=True)
    step = {
        "version": pickup["version"],
        "fulfillments": [{"uid": pickup["fulfillments"][0]["uid"], "state": "RESERVED"}],
    }
    account.update_order(pickup, step)
    account.upsert([{"objects": [lamp]}])

    events = [json.loads(webhook.body) for webhook in postbox.webhooks]

    assert {event["type"] for event in events} == set(EVENTS)
    for event in events:
        check_event(event, EVENTS[event["type"]])


def test_samples_that_square_s_own_library_accepts_are_accepted(tools: Tools):
    sample = json.loads((folder() / "webhook_vectors.json").read_text(encoding="utf-8"))["square"]
    body = sample["body"].encode()
    adapter = an_adapter(tools, webhook_secret=sample["secret"], notification_url=sample["notification_url"])
    hook = Hook("POST", "http://127.0.0.1/behind/a/proxy", sample["headers"], {}, body)

    named = adapter.identify(hook)

    assert isinstance(named, Message)
    assert (named.event_id, named.topic) == (json.loads(body)["event_id"], "inventory.count.updated")
    assert (
        hooks.signature(sample["secret"], sample["notification_url"] + "/", body) != sample["headers"][hooks.SIGNATURE]
    )


def a_hook(webhook: Webhook) -> Hook:
    return Hook("POST", webhook.url, dict(webhook.headers), {}, webhook.body)
