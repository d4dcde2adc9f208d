"""Showing counts and prices in Square, with sales, edits and faults in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.adapters.client import Tools
from omnisync.adapters.square.adapter import CAN
from omnisync.clock import StoppedClock
from omnisync.errors import TryLater
from omnisync.values import Money, format_time
from tests.adapters.square.rig import LINDEN, MARKT
from tests.adapters.square.worlds import Till, a_till

pytestmark = pytest.mark.anyio
WRITES = "/v2/inventory/changes/batch-create"
UPSERTS = "/v2/catalog/batch-upsert"


def wish(till: Till, sku: str, quantity: int | None, *, place: str = LINDEN, **fields: object) -> Shown:
    given = Shown(till.target(sku, place), f"tag-{sku}-{place}", till.account.clock.now(), quantity=quantity)
    return replace(given, **fields)  # type: ignore[arg-type]


def outcomes(published: Sequence[Published]) -> list[Outcome]:
    return [one.outcome for one in published]


async def test_each_store_gets_its_own_count_with_its_moment_and_our_reference(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    at = clock.now()
    wishes = [wish(till, "LAMP", 3), wish(till, "LAMP", 8, place=MARKT)]
    clock.advance(seconds=20)

    published = await till.adapter.publish(wishes)

    [body] = till.line.bodies(WRITES)
    counts = [change["physical_count"] for change in body["changes"]]
    assert outcomes(published) == [Outcome.APPLIED, Outcome.APPLIED]
    assert (till.level("LAMP"), till.level("LAMP", MARKT)) == (3, 8)
    assert {count["occurred_at"] for count in counts} == {format_time(at)}
    assert {count["reference_id"] for count in counts} == {f"omnisync:tag-LAMP-{place}" for place in (LINDEN, MARKT)}


async def test_a_sale_between_reading_and_writing_survives_the_write(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    wishes = [wish(till, "LAMP", 6, compare=10)]
    clock.advance(seconds=1)
    till.line.before[WRITES] = lambda: till.sell("LAMP", 2)

    [published] = await till.adapter.publish(wishes)

    assert till.level("LAMP") == 4
    assert (published.outcome, published.actual) == (Outcome.CHANGED, 4)


async def test_a_sale_that_we_do_not_know_yet_is_not_overwritten(tools: Tools):
    till = a_till(tools)
    till.sell("LAMP", 1)

    [published] = await till.adapter.publish([wish(till, "LAMP", 4, compare=10)])

    assert (published.outcome, published.actual) == (Outcome.CHANGED, 9)
    assert till.line.bodies(WRITES) == []


async def test_an_older_number_never_replaces_a_newer_one(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    older = wish(till, "LAMP", 9)
    clock.advance(minutes=1)
    await till.adapter.publish([replace(wish(till, "LAMP", 2), tag="newer")])

    [published] = await till.adapter.publish([older])

    assert (published.outcome, published.actual) == (Outcome.CHANGED, 2)
    assert till.level("LAMP") == 2


async def test_a_number_that_stands_there_already_is_not_written(tools: Tools):
    till = a_till(tools)

    [published] = await till.adapter.publish([wish(till, "LAMP", 10, compare=3)])

    assert (published.outcome, published.actual) == (Outcome.APPLIED, 10)
    assert till.line.bodies(WRITES) == []


async def test_one_bad_line_of_a_hundred_is_found_in_a_handful_of_calls(tools: Tools):
    till = a_till(tools)
    wishes = [replace(wish(till, "LAMP", 5), tag=f"t{n}") for n in range(99)]
    bad = replace(wish(till, "VASE", 5), target=replace(till.target("VASE"), external_id="VNOBODY"))

    published = await till.adapter.publish([*wishes[:40], bad, *wishes[40:]])

    assert [n for n, one in enumerate(published) if one.outcome is Outcome.ATTENTION] == [40]
    assert "NOT_FOUND" in published[40].reason
    assert len(till.line.bodies(WRITES)) <= 15
    assert len(till.line.bodies(WRITES)[0]["changes"]) == CAN.batch_size


async def test_a_place_outside_the_map_needs_a_person_and_a_missing_one_too(tools: Tools):
    till = a_till(tools)
    wishes = [
        wish(till, "LAMP", 5, place="LELSEWHERE"),
        replace(wish(till, "LAMP", 5), target=replace(till.target("LAMP"), place=None)),
    ]

    published = await till.adapter.publish(wishes)

    assert outcomes(published) == [Outcome.ATTENTION, Outcome.ATTENTION]
    assert all(one.reason and one.action for one in published)
    assert till.line.calls == []


@pytest.mark.parametrize("ours", [timedelta(minutes=-10), timedelta(minutes=10)], ids=["slow", "fast"])
async def test_a_clock_that_is_wrong_is_measured_and_taken_off(tools: Tools, clock: StoppedClock, ours: timedelta):
    till = a_till(tools)
    our_clock = StoppedClock(clock.now() + ours)
    wrong = a_till(replace(tools, clock=our_clock))
    wrong.line.inner = till.line.inner
    wishes = [replace(wish(till, "LAMP", 4), at=our_clock.now())]

    [published] = await wrong.adapter.publish(wishes)

    assert published.outcome is Outcome.APPLIED
    assert till.level("LAMP") == 4


async def test_what_waited_longer_than_a_day_is_written_as_young_as_square_takes_it(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    clock.advance(days=3)
    old = replace(wish(till, "LAMP", 4), at=clock.now() - timedelta(days=2))

    [published] = await till.adapter.publish([old])

    assert published.outcome is Outcome.APPLIED
    assert till.level("LAMP") == 4


async def test_the_same_write_has_the_same_key_and_another_write_another(tools: Tools):
    till = a_till(tools)
    till.line.answer = lambda request: httpx.Response(500, request=request) if request.url.path == WRITES else None
    at = tools.clock.now()
    for quantity in (4, 4, 5):
        with pytest.raises(TryLater):
            await till.adapter.publish([wish(till, "LAMP", quantity, at=at)])

    keys = [body["idempotency_key"] for body in till.line.bodies(WRITES)]

    assert len(keys) >= 5
    assert len(set(keys)) == 2


async def test_a_price_is_written_for_the_version_that_was_read_and_nothing_else_changes(tools: Tools):
    till = a_till(tools)
    before = till.account.catalogue.variation_of("LAMP")["item_variation_data"]

    [published] = await till.adapter.publish([wish(till, "LAMP", None, price=Money(2499, "EUR"))])

    after = till.account.catalogue.variation_of("LAMP")["item_variation_data"]
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert published.outcome is Outcome.APPLIED
    assert after["price_money"] == {"amount": 2499, "currency": "EUR"}
    assert changed <= {"price_money", "ordinal"}


async def test_an_edit_between_reading_and_writing_a_price_is_kept(tools: Tools):
    till = a_till(tools)
    variation = till.account.catalogue.variation_of("LAMP")

    def rename() -> None:
        renamed = {**variation, "item_variation_data": {**variation["item_variation_data"], "name": "Large"}}
        till.account.upsert([{"objects": [renamed]}])

    till.line.before[UPSERTS] = rename
    [published] = await till.adapter.publish([wish(till, "LAMP", None, price=Money(2499, "EUR"))])

    data = till.account.catalogue.variation_of("LAMP")["item_variation_data"]
    assert published.outcome is Outcome.APPLIED
    assert (data["name"], data["price_money"]["amount"]) == ("Large", 2499)


async def test_a_price_override_of_our_store_follows_and_another_store_s_stays(tools: Tools):
    till = a_till(tools)
    data = till.account.catalogue.variation_of("LAMP")["item_variation_data"]
    data["location_overrides"] = [
        {"location_id": LINDEN, "price_money": {"amount": 1500, "currency": "EUR"}, "sold_out": False},
        {"location_id": "LELSEWHERE", "price_money": {"amount": 1, "currency": "EUR"}},
    ]

    await till.adapter.publish([wish(till, "LAMP", None, price=Money(2499, "EUR"))])
    [seen] = await till.adapter.look([till.target("LAMP")])

    overrides = till.account.catalogue.variation_of("LAMP")["item_variation_data"]["location_overrides"]
    assert [one["price_money"]["amount"] for one in overrides] == [2499, 1]
    assert seen.price == Money(2499, "EUR")


async def test_one_bad_price_spoils_no_other(tools: Tools):
    till = a_till(tools)
    wishes = [
        wish(till, "LAMP", None, price=Money(2499, "EUR")),
        wish(till, "VASE", None, price=Money(2499, "USD")),
        wish(till, "RUG", None, price=Money(2499, "EUR")),
    ]

    published = await till.adapter.publish(wishes)

    assert outcomes(published) == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert published[1].reason
    assert [
        till.account.catalogue.variation_of(sku)["item_variation_data"]["price_money"]["amount"]
        for sku in ("LAMP", "RUG")
    ] == [2499, 2499]


async def test_of_stock_and_price_the_worse_fate_is_told(tools: Tools):
    till = a_till(tools)

    [published] = await till.adapter.publish([wish(till, "LAMP", 4, price=Money(1, "USD"))])

    assert published.outcome is Outcome.ATTENTION
    assert till.level("LAMP") == 4


async def test_variations_without_tracking_are_listed_but_never_written(tools: Tools):
    till = a_till(tools)
    data = till.account.catalogue.variation_of("RUG")["item_variation_data"]
    data["track_inventory"] = False

    page = await till.adapter.listings(None)

    managed = {listing.sku: listing.managed for listing in page.listings}
    assert managed == {"LAMP": True, "VASE": True, "RUG": False}
    assert {listing.barcode for listing in page.listings} == {f"400638133393{n}" for n in range(3)}


async def test_counts_of_a_deleted_variation_are_not_shown_any_more(tools: Tools):
    till = a_till(tools)
    till.account.catalogue.variation_of("VASE")["is_deleted"] = True

    seen = await till.adapter.look([till.target("VASE"), till.target("LAMP")])

    assert [level.article.external_id for level in seen] == [till.target("LAMP").external_id]
