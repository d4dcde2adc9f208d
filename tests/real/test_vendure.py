"""The vendure adapter against a real Vendure server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import GraphQLSchema, build_client_schema, build_schema, parse, validate

from omnisync.adapters.base import Adapter, Fact, News, OrderSeen, Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure import documents, make
from omnisync.clock import Ids, SystemClock
from omnisync.demo.vendure.schema import SDL
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.real import vendure
from tests.real.vendure import COLLECT, Vendure

pytestmark = [pytest.mark.real, pytest.mark.anyio, pytest.mark.xdist_group("vendure")]
DESK = {"desk": "linden"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Line(httpx.AsyncHTTPTransport):
    """The network, with an ear for the sessions that go over it."""

    session = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.session = request.headers.get("authorization", self.session).removeprefix("Bearer ")
        return await super().handle_async_request(request)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def tools(line: Line) -> Tools:
    """Real time and a real network."""
    clock, chance = SystemClock(), random.Random(1)
    return Tools(clock, Ids(clock, chance), chance, line)


@pytest.fixture
async def adapter(vendure_shop: Vendure, tools: Tools) -> AsyncIterator[Adapter]:
    connected = make("webshop", settings(vendure_shop), DESK, "", tools)
    yield connected
    await connected.close()


def settings(shop: Vendure) -> dict[str, Any]:
    """All of its stock is one number, kept at the shop's only stock location."""
    return {**shop.settings, "stock_location": "1"}


def shown(shop: Vendure, tools: Tools, sku: str, **wish: Any) -> Shown:
    return Shown(Target(shop.variants[sku], sku), tag=f"t-{sku}", at=tools.clock.now(), **wish)


async def poll(adapter: Adapter, cursor: str | None, tools: Tools) -> tuple[list[Fact], str | None]:
    """One whole pass."""
    facts: list[Fact] = []
    while True:
        page = await adapter.pull(cursor, now=tools.clock.now())
        facts, cursor = [*facts, *page.facts], page.cursor
        if not page.more:
            return facts, cursor


def seen(facts: list[Fact], code: str) -> OrderSeen:
    """The last word about an order."""
    return [fact for fact in facts if isinstance(fact, OrderSeen) and fact.reference == code][-1]


def numbers(order: OrderSeen) -> list[tuple[int, int, int, int]]:
    """(ordered, cancelled, shipped, restocked) of each line."""
    return [
        (line.quantity, line.cancelled, line.shipped, sum(one.quantity for one in line.restocks))
        for line in order.lines
    ]


async def test_what_we_publish_is_what_buyers_are_offered(vendure_shop: Vendure, adapter: Adapter, tools: Tools):
    vendure_shop.add_product("LAMP", 3995, 1)

    [published] = await adapter.publish([shown(vendure_shop, tools, "LAMP", quantity=3, price=Money(1999, "EUR"))])

    assert (published.outcome, published.actual, vendure_shop.offered("LAMP")) == (Outcome.APPLIED, 3, 3)
    with pytest.raises(vendure.SoldOut), vendure_shop.basket({"LAMP": 4}):
        pass
    with vendure_shop.basket({"LAMP": 3}) as ask:
        assert ask("{ activeOrder { totalWithTax } }")["totalWithTax"] == 3 * 1999


async def test_an_order_is_pulled_shipped_in_parts_and_partly_cancelled(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("MUG", 950, 9)
    vendure_shop.add_product("VASE", 1995, 9)
    _, cursor = await poll(adapter, None, tools)

    code = vendure_shop.buy({"MUG": 3, "VASE": 1})
    facts, cursor = await poll(adapter, cursor, tools)
    order = seen(facts, code)
    assert (order.currency, order.paid, order.closed, order.pickup, order.totals["totalWithTax"]) == (
        "EUR", True, False, False, str(3 * 950 + 1995 + 490),
    )  # fmt: skip
    assert [(line.article.external_id, line.article.sku, line.unit_price) for line in order.lines] == [
        (vendure_shop.variants["MUG"], "MUG", Money(950, "EUR")),
        (vendure_shop.variants["VASE"], "VASE", Money(1995, "EUR")),
    ]
    assert order.customer is not None
    assert (order.customer.name, order.customer.email) == ("Erika Muster", "kundin@example.org")

    # Neither packing nor sending touches the order's updatedAt: it is read again because it is open.
    packed = vendure_shop.fulfil(code, {"MUG": 1})
    facts, cursor = await poll(adapter, cursor, tools)
    assert numbers(seen(facts, code)) == [(3, 0, 0, 0), (1, 0, 0, 0)]
    vendure_shop.advance(packed, "Shipped")
    vendure_shop.fulfil(code, {"MUG": 1}, "Shipped", "Delivered")
    facts, cursor = await poll(adapter, cursor, tools)
    assert numbers(seen(facts, code)) == [(3, 0, 2, 0), (1, 0, 0, 0)]

    # A refund of money moves nothing; a cancelled piece that was not sent goes back, one that was sent comes back.
    vendure_shop.refund(code, 100)
    vendure_shop.cancel(code, {"MUG": 1, "VASE": 1})
    facts, cursor = await poll(adapter, cursor, tools)
    assert numbers(seen(facts, code)) == [(3, 1, 2, 0), (1, 1, 0, 0)]
    assert seen(facts, code).closed
    vendure_shop.cancel(code, {"MUG": 1})
    facts, _ = await poll(adapter, cursor, tools)
    assert numbers(seen(facts, code)) == [(3, 1, 2, 1), (1, 1, 0, 0)]


async def test_levels_tell_what_is_offered_and_what_orders_keep_back(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("CHAIR", 3995, 5)
    chair = Target(vendure_shop.variants["CHAIR"], "CHAIR")
    vendure_shop.buy({"CHAIR": 2}, payment="invoice")

    [before] = await adapter.look([chair])
    await adapter.publish([shown(vendure_shop, tools, "CHAIR", quantity=7, allocated=before.allocated)])
    [after] = await adapter.look([chair])

    assert (before.quantity, before.allocated, before.price) == (3, 2, Money(3995, "EUR"))
    assert (after.quantity, vendure_shop.level("CHAIR")) == (7, vendure.Level(on_hand=9, allocated=2))


async def test_a_basket_is_no_order_and_a_cancelled_order_gives_everything_back(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("STOOL", 3995, 5)
    stool = vendure_shop.variants["STOOL"]
    with vendure_shop.basket({"STOOL": 2}):
        facts, _ = await poll(adapter, None, tools)
    code = vendure_shop.buy({"STOOL": 2}, payment="invoice")
    _, cursor = await poll(adapter, None, tools)

    vendure_shop.cancel(code)
    later, _ = await poll(adapter, cursor, tools)

    bought = [line for fact in facts if isinstance(fact, OrderSeen) for line in fact.lines]
    assert [line for line in bought if line.article.external_id == stool] == []
    assert (numbers(seen(later, code)), seen(later, code).closed) == ([(2, 2, 0, 0)], True)
    assert vendure_shop.offered("STOOL") == 5


async def test_a_pickup_is_packed_when_ready_and_delivered_when_collected(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("BAG", 3995, 5)
    code = vendure_shop.buy({"BAG": 2}, shipping=COLLECT)
    facts, _ = await poll(adapter, None, tools)
    order = seen(facts, code)

    def news(kind: Any) -> News:
        return News(kind, order.id, code, "desk", [(order.lines[0].id, 2)], tag=f"{code}-{kind}")

    states = []
    for kind in ("ready", "ready", "collected", "collected"):
        [told] = await adapter.tell([news(kind)])
        states.append((told.outcome, [one["state"] for one in vendure_shop.order(code)["fulfillments"]]))
    [ended] = await adapter.tell([news("cancelled")])

    assert (order.pickup, order.lines[0].place) == (True, "desk")
    assert states == [(Outcome.APPLIED, ["Pending"])] * 2 + [(Outcome.APPLIED, ["Delivered"])] * 2
    assert (vendure_shop.order(code)["state"], vendure_shop.level("BAG").on_hand) == ("Delivered", 3)
    assert (ended.outcome, "refund" in ended.action) == (Outcome.ATTENTION, True)


async def test_a_pickup_nobody_paid_for_is_cancelled_when_it_expires(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("BELT", 3995, 5)
    code = vendure_shop.buy({"BELT": 2}, shipping=COLLECT, payment="invoice")
    order = seen((await poll(adapter, None, tools))[0], code)
    news = News("expired", order.id, code, "desk", [(order.lines[0].id, 2)], tag="t")

    told = [one.outcome for _ in range(2) for one in await adapter.tell([news])]

    assert told == [Outcome.APPLIED] * 2
    assert (vendure_shop.order(code)["state"], vendure_shop.offered("BELT")) == ("Cancelled", 5)


async def test_while_the_shop_is_dead_everything_is_tried_later_and_then_caught_up(
    vendure_shop: Vendure, adapter: Adapter, tools: Tools
):
    vendure_shop.add_product("DESK", 3995, 5)
    desk = Target(vendure_shop.variants["DESK"], "DESK")
    known = vendure_shop.buy({"DESK": 1})
    _, cursor = await poll(adapter, None, tools)
    missed = vendure_shop.buy({"DESK": 2})
    vendure_shop.kill()

    for call in (
        lambda: adapter.pull(cursor, now=tools.clock.now()),
        lambda: adapter.look([desk]),
        lambda: adapter.publish([shown(vendure_shop, tools, "DESK", quantity=1)]),
    ):
        with pytest.raises(TryLater):
            await call()
    vendure_shop.restart()
    vendure_shop.fulfil(known, {"DESK": 1}, "Shipped")
    restarted = make("webshop", settings(vendure_shop), DESK, "", tools)
    facts, _ = await poll(restarted, cursor, tools)
    await restarted.close()

    assert numbers(seen(facts, known)) == [(1, 0, 1, 0)]
    assert numbers(seen(facts, missed)) == [(2, 0, 0, 0)]


async def test_a_session_that_ran_out_is_opened_anew(vendure_shop: Vendure, adapter: Adapter, tools: Tools, line: Line):
    await adapter.listings(None)
    spent = line.session
    vendure_shop.log_out(spent)

    page = await adapter.pull(None, now=tools.clock.now())

    assert page.cursor is not None
    assert line.session not in ("", spent)


async def test_a_wrong_password_needs_a_person(vendure_shop: Vendure, tools: Tools):
    stranger = make("webshop", {**settings(vendure_shop), "password": "wrong"}, DESK, "", tools)

    with pytest.raises(NeedsAttention) as caught:
        await stranger.pull(None, now=tools.clock.now())
    [check] = await stranger.check()
    await stranger.close()

    assert (caught.value.code, check.ok) == ("credentials", False)


async def test_bad_lines_do_not_spoil_the_batch(vendure_shop: Vendure, adapter: Adapter, tools: Tools):
    for sku in ("ROPE", "SAIL", "OAR"):
        vendure_shop.add_product(sku, 3995, 5)
    ghost = Target("9999", "GHOST")
    wish = [shown(vendure_shop, tools, sku, quantity=2) for sku in ("ROPE", "SAIL", "OAR")]
    wish[1:1] = [Shown(ghost, "t", tools.clock.now(), quantity=1)]
    nowhere = make("webshop", {**settings(vendure_shop), "stock_location": "77"}, DESK, "", tools)

    published = await adapter.publish(wish)
    [lost] = await nowhere.publish([shown(vendure_shop, tools, "ROPE", quantity=4)])
    checked = {check.name: check.ok for check in await nowhere.check()}
    await nowhere.close()

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED, Outcome.APPLIED]
    assert published[1].unknown
    assert [vendure_shop.offered(sku) for sku in ("ROPE", "SAIL", "OAR")] == [2, 2, 2]
    assert await adapter.look([ghost]) == []
    # Vendure answers a number for a location that it does not have as if all were well.
    assert (lost.outcome, vendure_shop.offered("ROPE")) == (Outcome.ATTENTION, 2)
    assert (checked["account"], checked["stock locations"]) == (True, False)


async def test_the_account_is_checked_by_reading(vendure_shop: Vendure, adapter: Adapter):
    checks = await adapter.check()

    assert [check for check in checks if not check.ok] == []


def test_every_operation_is_valid_at_vendure_and_the_simulations_schema_is_a_part_of_its(vendure_shop: Vendure):
    answer = vendure_shop.introspection()
    theirs, ours = build_client_schema(answer), build_schema(SDL)

    assert [fault for document in documents.ALL for fault in validate(theirs, parse(document))] == []
    assert differences(ours, theirs) == []


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> list[str]:
    """Fields of ours that are others, or none, at Vendure."""
    found = []
    for name, mine in ours.type_map.items():
        there = theirs.type_map.get(name)
        for field, definition in getattr(mine, "fields", {}).items() if not name.startswith("__") else ():
            other = getattr(there, "fields", {}).get(field)
            if other is None or str(other.type) != str(definition.type):
                found.append(f"{name}.{field}")
    return found
