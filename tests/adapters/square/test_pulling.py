"""What happened at the tills, told as facts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import (
    Adapter,
    Counted,
    Delivered,
    LevelSeen,
    OrderSeen,
    Restock,
    Sale,
    Shown,
    Unreadable,
)
from omnisync.adapters.client import Tools
from omnisync.adapters.square import make, wire
from omnisync.adapters.square.orders import order_facts
from omnisync.clock import StoppedClock
from omnisync.values import Money, parse_time
from tests.adapters.square.rig import LINDEN, MARKT, PUBLIC, TOKEN
from tests.adapters.square.worlds import Till, a_till, only

pytestmark = pytest.mark.anyio


async def test_a_sale_over_the_counter_is_no_promise_but_a_sale_at_its_store(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    order = till.sell("LAMP", 2, place=MARKT)

    [seen] = only(await till.pull(), OrderSeen)

    [line] = seen.lines
    assert (seen.id, seen.counter, seen.pickup, seen.paid, seen.closed) == (order["id"], True, False, True, True)
    assert (line.quantity, line.shipped, line.cancelled, line.place) == (2, 2, 0, MARKT)
    assert (line.article.external_id, line.unit_price) == (till.target("LAMP").external_id, Money(1999, "EUR"))
    assert seen.placed_at == clock.now()
    assert seen.totals["total_money"] == {"amount": 3998, "currency": "EUR"}


async def test_an_open_tab_is_nothing_until_it_is_paid_and_then_sold_when_it_was_paid(
    tools: Tools, clock: StoppedClock
):
    till = a_till(tools)
    tab = till.account.create_order({"location_id": LINDEN, "line_items": [till.line_of("VASE")]})
    assert only(await till.pull(), OrderSeen) == []
    clock.advance(hours=2)
    till.account.pay_order(tab, "CASH")

    [seen] = only(await till.pull(), OrderSeen)

    assert seen.placed_at == clock.now()


async def test_a_pickup_order_is_a_promise_until_it_is_handed_over(tools: Tools):
    till = a_till(tools)
    order = till.sell("RUG", 3, pickup=True, reference="#1001")
    uid = order["fulfillments"][0]["uid"]

    [open_order] = only(await till.pull(), OrderSeen)
    for state in ("RESERVED", "PREPARED", "COMPLETED"):
        till.account.update_order(order, {"version": order["version"], "fulfillments": [{"uid": uid, "state": state}]})
    [closed] = only(await till.pull(), OrderSeen)

    assert (open_order.reference, open_order.counter, open_order.pickup, open_order.closed) == (
        "#1001",
        False,
        True,
        False,
    )
    assert (open_order.lines[0].quantity, open_order.lines[0].shipped) == (3, 0)
    assert open_order.customer is not None
    assert open_order.customer.name == "Erika Muster"
    assert (closed.lines[0].shipped, closed.lines[0].cancelled, closed.closed) == (3, 0, True)
    assert closed.version > open_order.version or closed.lines != open_order.lines


async def test_pickups_of_two_people_of_one_name_are_told_apart(tools: Tools):
    till = a_till(tools)
    for _ in range(2):
        order = till.sell("RUG", pickup=True)
        till.account.update_order(order, {"version": order["version"], "ticket_name": "Muster"})

    assert len({seen.reference for seen in only(await till.pull(), OrderSeen)}) == 2


async def test_a_cancelled_pickup_gives_back_what_was_promised(tools: Tools):
    till = a_till(tools)
    order = till.sell("RUG", 3, pickup=True)
    part = {"uid": order["fulfillments"][0]["uid"], "state": "CANCELED"}
    till.account.update_order(order, {"version": order["version"], "fulfillments": [part]})

    [seen] = only(await till.pull(), OrderSeen)

    assert (seen.lines[0].quantity, seen.lines[0].shipped, seen.lines[0].cancelled) == (3, 0, 3)


def test_fulfilments_with_entries_count_line_by_line():
    order = an_order(
        {"uid": "a", "quantity": "3", "catalog_object_id": "V1"},
        {"uid": "b", "quantity": "2", "catalog_object_id": "V2"},
        fulfillments=[
            entries("COMPLETED", a=2),
            entries("CANCELED", a=1, b=1),
            entries("PROPOSED", b=1),
        ],
    )

    [seen] = order_facts(order)

    assert isinstance(seen, OrderSeen)
    assert [(line.shipped, line.cancelled) for line in seen.lines] == [(2, 1), (0, 1)]


@pytest.mark.parametrize(("state", "expected"), [("COMPLETED", (3, 0)), ("CANCELED", (0, 3))])
def test_what_is_open_when_an_order_closes_follows_its_end(state: str, expected: tuple[int, int]):
    order = an_order({"uid": "a", "quantity": "3"}, state=state, fulfillments=[entries("PROPOSED", a=3)])

    [seen] = order_facts(order)

    assert isinstance(seen, OrderSeen)
    assert (seen.lines[0].shipped, seen.lines[0].cancelled) == expected


def test_drafts_and_orders_of_returns_are_no_orders():
    assert (
        order_facts(an_order({"uid": "a", "quantity": "1"}, state="DRAFT", fulfillments=[entries("PROPOSED", a=1)]))
        == []
    )
    assert order_facts(an_order(state="COMPLETED")) == []


def test_gift_cards_and_free_amounts_are_no_goods_and_a_fraction_waits_alone():
    order = an_order(
        {"uid": "a", "quantity": "1", "item_type": "GIFT_CARD"},
        {"uid": "b", "quantity": "1", "item_type": "CUSTOM_AMOUNT"},
        {"uid": "c", "quantity": "0.75000", "catalog_object_id": "CHEESE"},
        {"uid": "d", "quantity": "2.00000", "catalog_object_id": "LAMP"},
        state="COMPLETED",
    )

    seen, waiting = order_facts(order)

    assert isinstance(seen, OrderSeen)
    assert isinstance(waiting, Unreadable)
    assert [(line.id, line.quantity, line.stocked) for line in seen.lines] == [
        ("a", 1, False),
        ("b", 1, False),
        ("d", 2, True),
    ]
    assert waiting.key == "order:O1/c"
    assert waiting.action


async def test_a_refund_moves_no_stock(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP", 2)
    till.give_back(order, 1, restock=False)

    facts = await till.pull()

    assert {(seen.id, line.restocks) for seen in only(facts, OrderSeen) for line in seen.lines} == {(order["id"], ())}
    assert only(facts, Sale) + only(facts, Delivered) == []


async def test_goods_put_back_on_a_shelf_return_to_the_line_they_were_sold_on(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    order = till.sell("LAMP", 2)
    clock.advance(hours=3)
    till.give_back(order, 1, restock=True, place=MARKT)

    facts = await till.pull()

    told = only(facts, OrderSeen)
    restocks = {restock for seen in told for restock in seen.lines[0].restocks}
    assert {seen.id for seen in told} == {order["id"]}
    assert [(restock.quantity, restock.place) for restock in restocks] == [(1, MARKT)]
    assert max(seen.version for seen in told) == clock.now()
    assert only(facts, Sale) + only(facts, Delivered) == []


async def test_a_return_is_found_by_its_own_order_when_the_sale_does_not_know_it(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    order = till.sell("LAMP", 1)
    clock.advance(hours=30)
    till.give_back(order, 1)
    order.pop("refunds")
    order["updated_at"] = order["created_at"]

    told = only(await till.pull(), OrderSeen)

    assert {len(seen.lines[0].restocks) for seen in told if seen.id == order["id"]} == {1}


def test_goods_returned_fill_the_lines_of_their_article_in_order():
    order = an_order(
        {"uid": "a", "quantity": "1", "catalog_object_id": "V1"},
        {"uid": "b", "quantity": "2", "catalog_object_id": "V1"},
        state="COMPLETED",
    )
    back = [a_return("R1", 1), a_return("R2", 2)]

    [seen] = order_facts(order, back)
    [again] = order_facts(order, list(reversed(back)))

    assert isinstance(seen, OrderSeen)
    assert [line.restocks for line in seen.lines] == [
        (Restock("R1", 1, LINDEN, "adjustment:R1"),),
        (Restock("R2", 2, LINDEN, "adjustment:R2"),),
    ]
    assert again == seen


async def test_a_return_without_a_receipt_is_a_sale_backwards(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    till.account.adjust("VASE", LINDEN, 1, "UNLINKED_RETURN", "IN_STOCK")

    [sale] = only(await till.pull(), Sale)

    assert (sale.quantity, sale.place, sale.at) == (-1, LINDEN, clock.now())
    assert sale.article.external_id == till.target("VASE").external_id


async def test_a_count_in_the_app_is_told_and_our_own_never_comes_back(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    cursor = (await till.pull_from(None))[1]
    await till.adapter.publish([shown(till, "LAMP", 7)])
    clock.advance(seconds=30)
    till.account.count("LAMP", LINDEN, 5)

    facts = (await till.pull_from(cursor))[0]

    assert [count.quantity for count in only(facts, Counted) if count.at == clock.now()] == [5]
    assert [fact for fact in facts if isinstance(fact, Counted) and fact.quantity == 7] == []
    assert (5, clock.now()) in [(level.quantity, level.at) for level in only(facts, LevelSeen)]


@pytest.mark.parametrize(
    ("origin", "end", "quantity", "reason"),
    [
        ("NONE", "IN_STOCK", 6, "received"),
        ("IN_STOCK", "WASTE", -6, "waste"),
        ("IN_STOCK", "SOLD", -6, "sold without a receipt"),
        ("IN_TRANSIT", "IN_STOCK", 6, "IN_TRANSIT to IN_STOCK"),
    ],
)
async def test_goods_booked_in_the_app_came_or_went(tools: Tools, origin: str, end: str, quantity: int, reason: str):
    till = a_till(tools)
    till.account.adjust("RUG", MARKT, 6, origin, end)

    [moved] = only(await till.pull(), Delivered)

    assert (moved.quantity, moved.reason, moved.place) == (quantity, reason, MARKT)


async def test_a_sale_rung_up_without_network_is_found_hours_later(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    rung_up = clock.now()
    clock.advance(hours=5)
    till.sell("VASE")
    cursor = (await till.pull_from(None))[1]
    late = till.sell("LAMP", 1, at=rung_up)
    late["updated_at"] = late["created_at"]

    facts = (await till.pull_from(cursor))[0]

    assert late["id"] in {seen.id for seen in only(facts, OrderSeen)}


async def test_what_we_wrote_is_not_read_again_before_every_write(tools: Tools, clock: StoppedClock):
    till = a_till(tools, page_size=2)
    cursor = (await till.pull_from(None))[1]
    clock.advance(seconds=60)
    await till.adapter.publish([shown(till, sku, 7) for sku in ("LAMP", "VASE", "RUG")])
    clock.advance(seconds=15)
    till.account.count("LAMP", LINDEN, 5)
    cursor = (await till.pull_from(cursor))[1]
    clock.advance(seconds=15)
    till.account.count("VASE", LINDEN, 4)
    till.line.calls.clear()

    facts, cursor = await till.pull_from(cursor)
    calls = len(till.line.calls)
    clock.advance(seconds=15)
    till.line.calls.clear()
    everything = (await till.pull_from(cursor))[0]

    assert [count.quantity for count in only(facts, Counted)] == [5, 4]
    assert calls == 3, (
        "orders, changes and counts, a page of each: what we wrote is older than the newest by more than ten seconds"
    )
    assert {count.quantity for count in only(everything, Counted)} > {5, 4}, (
        "half a minute after the last one it looks back far again"
    )
    assert len(till.line.calls) > 3


async def test_what_was_counted_last_night_is_not_read_again_until_somebody_sells_something(
    tools: Tools, clock: StoppedClock
):
    till = a_till(tools, page_size=2)
    cursor = (await till.pull_from(None))[1]
    for _ in range(2):
        clock.advance(minutes=3)
        cursor = (await till.pull_from(cursor))[1]
    clock.advance(minutes=3)
    till.line.calls.clear()

    facts = (await till.pull_from(cursor))[0]

    assert facts == []
    assert len(till.line.calls) == 3, "orders, changes and counts"


async def test_where_square_does_not_tell_its_time_only_what_it_showed_is_taken_for_read(
    tools: Tools, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(wire, "_date", lambda header: None)
    till, counted = a_till(tools), clock.now()
    cursor = (await till.pull_from(None))[1]
    clock.advance(hours=1)
    cursor = (await till.pull_from(cursor))[1]
    clock.advance(hours=1)

    await till.pull_from(cursor)

    since = till.line.bodies("/v2/inventory/counts/batch-retrieve")[-1]["updated_after"]
    assert parse_time(since) == counted - timedelta(seconds=120)


async def test_an_order_that_comes_to_light_late_is_found_within_half_a_minute(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    late = till.sell("LAMP")
    hidden = till.account.orderbook.orders.pop(late["id"])
    clock.advance(seconds=60)
    till.sell("VASE")
    cursor = (await till.pull_from(None))[1]
    till.account.orderbook.orders[late["id"]] = hidden
    clock.advance(seconds=30)

    facts = (await till.pull_from(cursor))[0]

    assert late["id"] in {seen.id for seen in only(facts, OrderSeen)}


async def test_a_page_cursor_that_square_forgot_starts_its_stage_again(tools: Tools):
    till = a_till(tools, page_size=1)
    sold = {till.sell("LAMP")["id"], till.sell("VASE")["id"]}
    page = await till.adapter.pull(None, now=tools.clock.now())
    till.line.answer = forgetful = ForgetOnce()

    facts = (await till.pull_from(page.cursor))[0]

    assert {seen.id for seen in only(facts, OrderSeen)} | {
        seen.id for seen in only(list(page.facts), OrderSeen)
    } == sold
    assert forgetful.done


async def test_a_cursor_of_another_make_starts_from_the_beginning(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP")

    page = await till.adapter.pull("not one of ours", now=tools.clock.now())

    assert [seen.id for seen in only(list(page.facts), OrderSeen)] == [order["id"]]


async def test_more_than_ten_locations_are_asked_for_ten_at_a_time(tools: Tools):
    till = a_till(tools)
    places = {f"L{number:02}": f"store-{number}" for number in range(12)} | {LINDEN: "linden"}
    adapter = a_till_for(tools, till, places)
    order = till.sell("LAMP")

    facts, _ = await replace(till, adapter=adapter).pull_from(None)

    asked = [body["location_ids"] for body in till.line.bodies("/v2/orders/search")]
    assert max(map(len, asked)) == 10
    assert {place for places in asked for place in places} == set(places)
    assert [seen.id for seen in only(facts, OrderSeen)] == [order["id"]]


# ---------------------------------------------------------------- what the tests are made of


def an_order(*items: dict[str, Any], state: str = "OPEN", **fields: Any) -> dict[str, Any]:
    at = "2026-11-20T09:00:00Z"
    return {
        "id": "O1",
        "location_id": LINDEN,
        "created_at": at,
        "updated_at": at,
        "state": state,
        "line_items": list(items),
    } | fields


def entries(state: str, **pieces: int) -> dict[str, Any]:
    listed = [{"line_item_uid": uid, "quantity": str(quantity)} for uid, quantity in pieces.items()]
    return {"type": "SHIPMENT", "state": state, "line_item_application": "ENTRY_LIST", "entries": listed}


def a_return(name: str, pieces: int) -> dict[str, Any]:
    at = f"2026-11-20T1{name[-1]}:00:00Z"
    return {"id": name, "catalog_object_id": "V1", "quantity": str(pieces), "location_id": LINDEN, "created_at": at}


def shown(till: Till, sku: str, quantity: int) -> Shown:
    return Shown(till.target(sku), f"tag-{sku}", till.account.clock.now(), quantity=quantity)


class ForgetOnce:
    """Refuses the first page cursor that comes, as Square refuses old ones."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        body = json.loads(request.content) if request.content else {}
        if self.done or not body.get("cursor"):
            return None
        self.done = True
        error = {"category": "INVALID_REQUEST_ERROR", "code": "INVALID_CURSOR", "detail": "expired"}
        return httpx.Response(400, json={"errors": [error]}, request=request)


def a_till_for(tools: Tools, till: Till, places: dict[str, str]) -> Adapter:
    return make(
        "many",
        {"access_token": TOKEN, "base_url": "http://square.test"},
        places,
        PUBLIC,
        replace(tools, transport=till.line),
    )


async def test_a_return_whose_order_comes_to_light_later_is_told_under_the_same_name(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    sale = till.sell("LAMP", 1)
    clock.advance(hours=1)
    back = till.give_back(sale, 1)
    orders, refunds = till.account.orderbook.orders, sale.pop("refunds")
    hidden = orders.pop(back["id"])

    [loose] = [*only(facts := await till.pull(), Sale), *only(facts, Delivered)]
    sale["refunds"], orders[back["id"]] = refunds, hidden
    told = only(await till.pull(), OrderSeen)

    [restock] = {restock for seen in told for restock in seen.lines[0].restocks}
    assert (loose.key, abs(loose.quantity), loose.place) == (restock.told_as, restock.quantity, restock.place)
