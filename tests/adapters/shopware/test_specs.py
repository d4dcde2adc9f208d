"""What the adapter sends, held against Shopware's own description; and the simulation's things, field by field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openapi_core.exceptions import OpenAPIError

from omnisync.adapters.base import News, OrderSeen, Outcome, Shown, Subscription
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.values import Money
from tests.adapters.shopware import vendor
from tests.adapters.shopware.rig import PICKUP, URL, an_adapter, open_world

pytestmark = [pytest.mark.specs, pytest.mark.anyio]


async def test_a_whole_day_of_calls_is_what_shopware_describes(tools: Tools, clock: StoppedClock):
    folder, world = vendor.folder(), open_world(tools)
    assert world.channel is not None
    judge = vendor.Judged(world.channel, folder)
    adapter = an_adapter(replace(tools, transport=judge), oversell="no")

    assert all(check.ok for check in await adapter.check())
    assert len((await adapter.listings(None)).listings) == 3
    assert len(await adapter.look(world.targets)) == 3
    wishes = [
        Shown(target, f"t{n}", clock.now(), quantity=n, price=Money(2500, "EUR"))
        for n, target in enumerate(world.targets)
    ]
    unknown = Shown(world.unknown, "t9", clock.now(), quantity=1)
    published = await adapter.publish([*wishes, unknown])
    assert [one.outcome for one in published] == [Outcome.APPLIED] * 3 + [Outcome.ATTENTION]

    paid, open_ = (
        world.shop.place([(world.shop.by_sku("SHIRT-M"), 1)], method=PICKUP, paid=paid) for paid in (True, False)
    )
    page = await adapter.pull(None, now=clock.now())
    page = await adapter.pull(page.cursor, now=clock.now())
    assert not [fact for fact in page.facts if not isinstance(fact, OrderSeen)]
    for order, kinds in ((paid, ("ready", "collected")), (open_, ("expired",))):
        for kind in kinds:
            news = News(kind, order.id, order.reference, None, [(order.lines[0].id, 1)], kind)  # type: ignore[arg-type]
            assert [one.outcome for one in await adapter.tell([news])] == [Outcome.APPLIED]
    next(iter(world.shop.app.hooks.values())).active = False
    await adapter.subscriptions([Subscription(topic, URL) for topic in adapter.can.topics])

    assert {call.replace(paid.id, "{paid}").replace(open_.id, "{open}") for call in judge.judged} == {
        "POST oauth/token", "GET _info/version", "POST search/product", "POST search/order", "POST search/currency",
        "POST search/shipping-method", "POST search/webhook", "POST _action/sync", f"PATCH webhook/{1:032x}",
        "POST _action/order/{paid}/state/process", "POST _action/order/{open}/state/cancel",
        f"POST _action/order_delivery/{paid.deliveries[0].id}/state/ship",
    }  # fmt: skip


async def test_the_judge_lets_no_made_up_field_or_address_pass(tools: Tools):
    folder, world = vendor.folder(), open_world(tools)
    assert world.channel is not None
    adapter = an_adapter(replace(tools, transport=vendor.Judged(world.channel, folder)))
    call = adapter._wire.call  # type: ignore[attr-defined]

    for path, body in (
        ("search/product", {"limit": 1, "modified_after": "2026"}),
        ("search/order", {"filter": [{"type": "range", "field": "updatedAt"}]}),
        ("search/gift", {}),
    ):
        with pytest.raises(OpenAPIError):
            await call("POST", path, body=body)


@pytest.mark.parametrize(
    ("entity", "schema"),
    [("product", "Product"), ("order", "Order"), ("currency", "Currency"), ("webhook", "Webhook"), ("shipping-method", "ShippingMethod")],
)  # fmt: skip
async def test_the_simulations_things_have_no_field_that_shopwares_do_not(tools: Tools, entity: str, schema: str):
    schemas, world = vendor.spec(vendor.folder())["components"]["schemas"], open_world(tools)
    world.shop.place([(world.shop.by_sku("LAMP"), 1)])
    parts = {"lineItems": "OrderLineItem", "deliveries": "OrderDelivery", "transactions": "OrderTransaction"}

    for row in world.shop.rows(entity):
        known = schemas[schema]["properties"]
        assert sorted(set(row) - set(known) - {"apiAlias"}) == []
        for name, of in parts.items():
            for part in row.get(name, []):
                assert sorted(set(part) - set(schemas[of]["properties"]) - {"apiAlias"}) == []
