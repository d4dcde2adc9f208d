"""Quantities and prices out: each line has a fate of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay.publishing import line as line_of
from omnisync.clock import StoppedClock
from omnisync.demo.ebay.seed import Listed, Seed
from omnisync.values import Money
from tests.adapters.ebay.conftest import Line
from tests.adapters.ebay.rig import EbayWorld

pytestmark = pytest.mark.anyio

BULK = "/bulk_update_price_quantity"


def wish(clock: StoppedClock, target: Target, quantity: int | None, price: Money | None = None) -> Shown:
    return Shown(target=target, tag="t", at=clock.now(), quantity=quantity, price=price)


async def test_quantity_and_price_travel_together_in_one_call(world: EbayWorld, line: Line, clock: StoppedClock):
    lamp, shade = world.targets[0], world.targets[2]

    fates = await world.adapter.publish(
        [wish(clock, lamp, 4, Money(3999, "EUR")), wish(clock, shade, None, Money(1, "EUR"))]
    )

    assert [fate.outcome for fate in fates] == [Outcome.APPLIED, Outcome.APPLIED]
    assert line.count(BULK) == 1
    assert (world.level(lamp), world.price(lamp)) == (4, Money(3999, "EUR"))
    assert (world.level(shade), world.price(shade)) == (30, Money(1, "EUR"))


async def test_a_quantity_is_written_to_both_places_that_can_hold_it_back(world: EbayWorld, clock: StoppedClock):
    offer = world.simulation.shop.offers["LAMP-RED"]
    offer.own_quantity = 0

    await world.adapter.publish([wish(clock, world.targets[0], 6)])

    assert (offer.home_quantity, offer.own_quantity, offer.shown) == (6, 6, 6)


def test_a_yen_has_no_decimals(clock: StoppedClock):
    target = Target("A", "A", extra={"offer": "7"})

    said = line_of(wish(clock, target, None, Money(1200, "JPY")))

    assert said == {"sku": "A", "offers": [{"offerId": "7", "price": {"value": "1200", "currency": "JPY"}}]}


async def test_a_price_without_an_offer_needs_a_person_and_the_rest_goes_out(world: EbayWorld, clock: StoppedClock):
    lamp, shade = replace(world.targets[0], extra={}), world.targets[2]

    priced, plain = await world.adapter.publish([wish(clock, lamp, 3, Money(100, "EUR")), wish(clock, shade, 3)])

    assert (priced.outcome, plain.outcome) == (Outcome.ATTENTION, Outcome.APPLIED)
    assert "offer" in priced.reason
    assert world.level(shade) == 3


async def test_a_quantity_without_an_offer_is_written_to_the_item(world: EbayWorld, clock: StoppedClock):
    lamp = replace(world.targets[0], extra={})

    [fate] = await world.adapter.publish([wish(clock, lamp, 2)])

    assert fate.outcome is Outcome.APPLIED
    assert world.level(lamp) == 2


@pytest.mark.parametrize(
    ("price", "said"), [(Money(0, "EUR"), "25709"), (Money(500, "USD"), "currency")], ids=["nothing", "dollars"]
)
async def test_what_ebay_refuses_on_one_line_stays_on_that_line(
    world: EbayWorld, clock: StoppedClock, price: Money, said: str
):
    lamp, blue, _ = world.targets

    refused, taken = await world.adapter.publish([wish(clock, lamp, 1, price), wish(clock, blue, 1)])

    assert (refused.outcome, taken.outcome) == (Outcome.ATTENTION, Outcome.APPLIED)
    assert said in refused.reason
    assert refused.action
    assert (world.level(lamp), world.level(blue)) == (12, 1)


async def test_a_listing_out_of_revisions_waits_for_ebays_next_day(world: EbayWorld, clock: StoppedClock):
    lamp = world.targets[0]
    for quantity in range(250):
        [fate] = await world.adapter.publish([wish(clock, lamp, quantity % 9)])
        assert fate.outcome is Outcome.APPLIED

    [spent] = await world.adapter.publish([wish(clock, lamp, 8)])
    clock.advance(hours=24)
    [next_day] = await world.adapter.publish([wish(clock, lamp, 8)])

    assert spent.outcome is Outcome.TRY_LATER
    assert spent.retry_after_seconds
    assert "revisions" in spent.reason
    assert next_day.outcome is Outcome.APPLIED
    assert world.level(lamp) == 8


async def test_a_batch_refused_as_a_whole_is_cut_until_the_bad_line_stands_alone(
    world: EbayWorld, line: Line, clock: StoppedClock
):
    bad = world.targets[1]

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(BULK):
            return None
        skus = [one["sku"] for one in json.loads(request.content)["requests"]]
        if bad.external_id not in skus:
            return None
        errors = [{"errorId": 25709, "message": "Invalid value for sku"}]
        return httpx.Response(400, json={"errors": errors})

    line.instead = refuse
    fates = await world.adapter.publish([wish(clock, target, 2) for target in world.targets])

    assert [fate.outcome for fate in fates] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert [world.level(target) for target in world.targets] == [2, 15, 2]


def answering(status: int, **answer: Any) -> Any:
    def answered(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(status, json=answer) if request.url.path.endswith(BULK) else None

    return answered


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ({"statusCode": 200, "sku": "LAMP-RED"}, Outcome.APPLIED),
        ({"statusCode": 204, "sku": "LAMP-RED", "warnings": [{"errorId": 25401}]}, Outcome.APPLIED),
        ({"statusCode": 500, "sku": "LAMP-RED", "errors": [{"errorId": 25001}]}, Outcome.TRY_LATER),
        ({"statusCode": 400, "sku": "LAMP-RED", "errors": [{"errorId": 25001}]}, Outcome.TRY_LATER),
        ({"statusCode": 429, "sku": "LAMP-RED"}, Outcome.TRY_LATER),
        ({"statusCode": 404, "sku": "LAMP-RED"}, Outcome.ATTENTION),
        ({"statusCode": 200, "sku": "LAMP-RED", "errors": [{"errorId": 25002}]}, Outcome.ATTENTION),
        ({"statusCode": 200, "sku": "SOMETHING-ELSE"}, Outcome.TRY_LATER),
    ],
)
async def test_each_answer_of_ebay_has_its_meaning(
    world: EbayWorld, line: Line, clock: StoppedClock, response: dict[str, Any], outcome: Outcome
):
    line.instead = answering(200, responses=[response])

    [fate] = await world.adapter.publish([wish(clock, world.targets[0], 1)])

    assert fate.outcome is outcome


async def test_the_worse_of_item_and_offer_decides(world: EbayWorld, line: Line, clock: StoppedClock):
    lamp = world.targets[0]
    offer = {"statusCode": 400, "offerId": lamp.extra["offer"], "errors": [{"errorId": 25002, "message": "no"}]}
    line.instead = answering(207, responses=[offer, {"statusCode": 200, "sku": "LAMP-RED"}])

    [fate] = await world.adapter.publish([wish(clock, lamp, 1)])

    assert (fate.outcome, fate.reason) == (Outcome.ATTENTION, "25002 no")


async def test_more_than_25_lines_are_cut_into_calls_that_ebay_takes(tools: Tools, line: Line, clock: StoppedClock):
    seed = Seed(listings=[Listed(sku=f"S-{number}", price="1.00", quantity=1) for number in range(60)])
    world = EbayWorld(replace(tools, transport=line), seed)
    line.inner = world.channel

    fates = await world.adapter.publish([wish(clock, target, 7) for target in world.targets])

    assert {fate.outcome for fate in fates} == {Outcome.APPLIED}
    assert line.count(BULK) == 3
    assert {world.level(target) for target in world.targets} == {7}
