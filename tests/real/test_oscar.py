"""The oscar adapter against a real django-oscar server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from types import NoneType
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Adapter, Fact, Forged, Hook, OrderSeen, Outcome, Shown, Target, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.oscar import make
from omnisync.clock import Ids, SystemClock
from omnisync.demo.oscar.shop import SETTINGS
from omnisync.demo.oscar.shop import Shop as FakeShop
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.real import shop
from tests.real.shop import Shop

pytestmark = [pytest.mark.real, pytest.mark.anyio, pytest.mark.xdist_group("oscar")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def tools() -> Tools:
    """Real time and a real network."""
    clock, chance = SystemClock(), random.Random(1)
    return Tools(clock, Ids(clock, chance), chance)


@pytest.fixture
async def adapter(oscar: Shop, tools: Tools) -> AsyncIterator[Adapter]:
    connected = make("webshop", oscar.settings, {}, "", tools)
    yield connected
    await connected.close()


def target(oscar: Shop, sku: str) -> Target:
    return Target(oscar.levels()[sku].record, sku)


def shown(where: Target, tools: Tools, **wish: Any) -> Shown:
    return Shown(where, tag=f"t-{where.sku}", at=tools.clock.now(), **wish)


async def poll(adapter: Adapter, cursor: str | None, tools: Tools) -> tuple[list[Fact], str | None]:
    """One whole pass."""
    facts: list[Fact] = []
    while True:
        page = await adapter.pull(cursor, now=tools.clock.now())
        facts, cursor = [*facts, *page.facts], page.cursor
        if not page.more:
            return facts, cursor


async def test_what_we_publish_is_what_buyers_are_offered(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 1)
    lamp = target(oscar, "LAMP")

    [published] = await adapter.publish([shown(lamp, tools, quantity=3, price=Money(1999, "EUR"))])

    assert (published.outcome, published.actual) == (Outcome.APPLIED, 3)
    assert (oscar.offered("LAMP"), oscar.levels()["LAMP"].price) == (3, "19.99")
    with pytest.raises(shop.SoldOut):
        oscar.buy("LAMP", 4)
    assert oscar.buy("LAMP", 3)


async def test_an_order_is_pulled_with_the_stock_record_of_its_listing(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5, barcode="4006381333931")
    oscar.add_product("MUG", "9.50", 5)
    number = oscar.buy_all({"LAMP": 2, "MUG": 1})

    [order], _ = await poll(adapter, None, tools)
    listed = {one.external_id: one for one in (await adapter.listings(None)).listings}

    assert isinstance(order, OrderSeen)
    assert (order.reference, order.currency, order.closed) == (number, "EUR", False)
    assert {(listed[line.article.external_id or ""].sku, line.quantity) for line in order.lines} == {
        ("LAMP", 2),
        ("MUG", 1),
    }
    assert {line.unit_price for line in order.lines} == {Money(3995, "EUR"), Money(950, "EUR")}
    assert listed[target(oscar, "LAMP").external_id].barcode == "4006381333931"
    assert order.customer is not None
    assert order.customer.email == "kundin@example.org"


async def test_levels_tell_what_is_offered_and_what_orders_keep_back(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    lamp = target(oscar, "LAMP")
    oscar.buy("LAMP", 2)

    [before] = await adapter.look([lamp])
    await adapter.publish([shown(lamp, tools, quantity=7, allocated=before.allocated)])
    [after] = await adapter.look([lamp])

    assert (before.quantity, before.allocated, before.price) == (3, 2, Money(3995, "EUR"))
    assert (after.quantity, oscar.offered("LAMP")) == (7, 7)


async def test_a_cancellation_is_told_for_an_order_pulled_before(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    number = oscar.buy("LAMP", 2)
    _, cursor = await poll(adapter, None, tools)

    oscar.cancel(number)
    [cancelled], cursor = await poll(adapter, cursor, tools)
    afterwards, _ = await poll(adapter, cursor, tools)

    assert isinstance(cancelled, OrderSeen)
    assert [(line.quantity, line.cancelled, line.shipped) for line in cancelled.lines] == [(2, 2, 0)]
    assert (oscar.offered("LAMP"), afterwards) == (5, [])


async def test_a_sent_order_is_shipped_and_leaves_the_shelf(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    number = oscar.buy("LAMP", 2)
    _, cursor = await poll(adapter, None, tools)

    oscar.ship(number)
    [sent], _ = await poll(adapter, cursor, tools)

    assert isinstance(sent, OrderSeen)
    assert [(line.cancelled, line.shipped) for line in sent.lines] == [(0, 2)]
    assert (sent.closed, oscar.levels()["LAMP"].num_in_stock) == (True, 3)


async def test_a_deleted_order_is_shown_to_a_person(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    number = oscar.buy("LAMP")
    _, cursor = await poll(adapter, None, tools)

    oscar.delete(number)
    [letter], _ = await poll(adapter, cursor, tools)

    assert isinstance(letter, Unreadable)


async def test_while_the_shop_is_dead_everything_is_tried_later_and_then_caught_up(
    oscar: Shop, adapter: Adapter, tools: Tools
):
    oscar.add_product("LAMP", "39.95", 5)
    lamp = target(oscar, "LAMP")
    oscar.buy("LAMP")
    known, cursor = await poll(adapter, None, tools)
    missed = oscar.buy("LAMP", 2)
    oscar.kill()

    for call in (
        lambda: adapter.pull(cursor, now=tools.clock.now()),
        lambda: adapter.look([lamp]),
        lambda: adapter.publish([shown(lamp, tools, quantity=1)]),
    ):
        with pytest.raises(TryLater):
            await call()
    oscar.restart()
    restarted = make("webshop", oscar.settings, {}, "", tools)
    facts, _ = await poll(restarted, cursor, tools)
    await restarted.close()

    assert len(known) == 1
    assert missed in [fact.reference for fact in facts if isinstance(fact, OrderSeen)]


async def test_a_wrong_password_needs_a_person(oscar: Shop, tools: Tools):
    stranger = make("webshop", {**oscar.settings, "password": "wrong"}, {}, "", tools)

    with pytest.raises(NeedsAttention) as caught:
        await stranger.pull(None, now=tools.clock.now())
    [check] = await stranger.check()
    await stranger.close()

    assert (caught.value.code, check.ok) == ("credentials", False)
    assert "wrong" not in str(caught.value)


async def test_an_unknown_stock_record_does_not_spoil_the_batch(oscar: Shop, adapter: Adapter, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    oscar.add_product("MUG", "9.50", 5)
    ghost = Target("9999", "GHOST")

    published = await adapter.publish(
        [shown(where, tools, quantity=2) for where in (target(oscar, "LAMP"), ghost, target(oscar, "MUG"))]
    )

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert (oscar.offered("LAMP"), oscar.offered("MUG")) == (2, 2)
    assert await adapter.look([ghost]) == []


async def test_the_account_is_checked_by_reading(oscar: Shop, adapter: Adapter):
    checks = await adapter.check()

    assert [(check.name, check.ok) for check in checks] == [("account", True)]
    assert isinstance(adapter.identify(Hook("POST", "", {}, {}, b"")), Forged)


async def test_the_shop_in_memory_of_the_other_tests_speaks_as_the_real_one(oscar: Shop, tools: Tools):
    oscar.add_product("LAMP", "39.95", 5)
    oscar.buy("LAMP", 2)
    fake = FakeShop(tools.clock)
    fake.buy(fake.add("LAMP"), 2)
    paths = ("orders/", "orders/1/lines/", "products/", "partners/", "stockrecords/1/")

    async with (
        httpx.AsyncClient(base_url=oscar.base_url, auth=(shop.USER, shop.PASSWORD)) as real,
        httpx.AsyncClient(
            transport=fake.transport, base_url="http://shop.test", auth=(SETTINGS["username"], SETTINGS["password"])
        ) as pretended,
    ):
        for path in paths:
            truth = shape((await real.get(f"/api/admin/{path}")).json())
            claim = shape((await pretended.get(f"/api/admin/{path}")).json())
            assert claim.keys() <= truth.keys(), path
            assert [name for name, kind in claim.items() if len({kind, truth[name]} - {NoneType}) > 1] == [], path


def shape(answer: Any) -> dict[str, type]:
    """The names in an answer's first item and the types of what stands there."""
    item = answer[0] if isinstance(answer, list) else answer
    return {name: type(value) for name, value in item.items()}
