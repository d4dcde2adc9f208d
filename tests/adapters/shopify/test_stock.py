"""Numbers out: compare-and-set by location, one bad line of many, keys that are spent, prices by product."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omnisync.adapters.base import Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.values import Money
from tests.adapters.shopify.rig import LINDEN, LINDEN_PLACE, MARKT_PLACE, ShopifyWorld, open_world, target_of

pytestmark = pytest.mark.anyio


def shown(
    world: ShopifyWorld, target: Target, quantity: int | None, *, compare: int | None = None, tag: str = "t"
) -> Shown:
    return Shown(target, f"{tag}-{target.external_id}-{target.place}", world.shop.clock.now(), quantity, compare)


def many(world: ShopifyWorld, count: int) -> list[Target]:
    return [target_of(world.shop.add_variant(f"M-{n}", Money(100, "EUR"), {LINDEN: 1})) for n in range(count)]


async def test_one_bad_line_of_250_is_named_and_the_others_are_shown(world: ShopifyWorld):
    targets = many(world, 250)
    targets[117] = replace(
        targets[117], extra={**targets[117].extra, "inventory_item": "gid://shopify/InventoryItem/5"}
    )

    published = await world.adapter.publish([shown(world, target, 7, compare=1) for target in targets])

    assert [n for n, one in enumerate(published) if one.outcome is not Outcome.APPLIED] == [117]
    assert published[117].outcome is Outcome.ATTENTION
    assert [world.level(target) for n, target in enumerate(targets) if n != 117] == [7] * 249


async def test_each_reason_to_refuse_a_line_comes_with_what_mends_it(world: ShopifyWorld):
    bundle = world.shop.add_variant("SET", Money(100, "EUR"), {LINDEN: 1}, bundle=True)
    only_linden = world.shop.add_variant("HERE", Money(100, "EUR"), {LINDEN: 1})
    good = world.targets[0]
    wish = [
        shown(world, target_of(bundle), 3),
        shown(world, target_of(only_linden, MARKT_PLACE), 3),
        shown(world, replace(good, place="gid://shopify/Location/404"), 3),
        shown(world, replace(good, place=None), 3),
        shown(world, good, 3),
    ]

    published = await world.adapter.publish(wish)

    assert [one.outcome for one in published] == [*[Outcome.ATTENTION] * 4, Outcome.APPLIED]
    words = ["bundle", "Stock the article", "location_map", "location_map"]
    assert all(word in one.action for word, one in zip(words, published, strict=False))
    assert world.level(good) == 3


async def test_an_article_that_is_not_stocked_at_a_place_shows_none_there(world: ShopifyWorld):
    variant = world.shop.add_variant("HERE", Money(100, "EUR"), {LINDEN: 1})
    linden, markt = target_of(variant), target_of(variant, MARKT_PLACE)

    wish = [shown(world, linden, 7), replace(shown(world, markt, 0), price=Money(250, "EUR"))]
    published = await world.adapter.publish(wish)

    assert [one.outcome for one in published] == [Outcome.APPLIED] * 2
    levels = {one.place: (one.quantity, one.price) for one in await world.adapter.look([linden, markt])}
    assert levels == {LINDEN_PLACE: (7, Money(250, "EUR")), MARKT_PLACE: (0, Money(250, "EUR"))}


async def test_stores_are_written_apart(world: ShopifyWorld):
    linden = world.targets[0]
    markt = replace(linden, place=MARKT_PLACE)

    await world.adapter.publish([shown(world, linden, 2, compare=11), shown(world, markt, 0, compare=5)])

    assert (world.level(linden), world.level(markt)) == (2, 0)


async def test_an_unknown_comparison_writes_without_one(world: ShopifyWorld):
    [published] = await world.adapter.publish([shown(world, world.targets[0], 2, compare=None)])

    assert (published.outcome, world.level(world.targets[0])) == (Outcome.APPLIED, 2)


async def test_lost_comparisons_tell_what_is_there_and_spare_the_others(world: ShopifyWorld):
    first, second, third = world.targets
    world.sell(first, 4)

    published = await world.adapter.publish(
        [
            shown(world, first, 9, compare=11),
            shown(world, second, 9, compare=12),
            shown(world, third, 13, compare=1),
        ]
    )

    assert [one.outcome for one in published] == [Outcome.CHANGED, Outcome.APPLIED, Outcome.CHANGED]
    assert published[2].actual == 13, "that it happens to show what we want may be a sale we have not heard of"
    assert published[0].actual == 7
    assert [world.level(target) for target in world.targets] == [7, 9, 13]


async def test_the_same_tags_work_again_after_a_failure_spent_their_key(world: ShopifyWorld):
    target = world.targets[0]
    stale = [shown(world, target, 9, compare=3)]
    for _ in range(3):
        [published] = await world.adapter.publish(stale)
        assert (published.outcome, published.actual) == (Outcome.CHANGED, 11)

    world.shop.set_available(world.variant(target), LINDEN, 3)
    [published] = await world.adapter.publish(stale)

    assert (published.outcome, world.level(target)) == (Outcome.APPLIED, 9)


async def test_a_repeated_write_does_not_undo_a_sale_made_in_between(world: ShopifyWorld):
    target = world.targets[0]
    wish = [shown(world, target, 9, compare=11)]
    await world.adapter.publish(wish)
    world.sell(target, 2)

    await world.adapter.publish(wish)

    assert world.level(target) == 7


async def test_ids_written_by_hand_are_completed(tools: Tools):
    world = open_world(tools)
    number = world.targets[0].external_id.rsplit("/", 1)[-1]
    by_hand = Target(external_id=number, sku="LAMP-1", place=str(LINDEN))

    [published] = await world.adapter.publish([shown(world, by_hand, 4, compare=11)])
    [level] = await world.adapter.look([by_hand])

    assert published.outcome is Outcome.APPLIED
    assert (level.quantity, level.place, level.article.external_id) == (4, str(LINDEN), number)


async def test_prices_are_set_by_product_and_a_bad_one_stands_alone(world: ShopifyWorld):
    first, second, third = world.targets
    gone = replace(second, external_id="gid://shopify/ProductVariant/5")
    wish = [
        replace(shown(world, first, None), price=Money(2599, "EUR")),
        replace(shown(world, gone, None), price=Money(2599, "EUR")),
        replace(shown(world, third, None), price=Money(2599, "CHF")),
    ]

    published = await world.adapter.publish(wish)

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.ATTENTION]
    assert "EUR" in published[2].action
    assert [world.price(target).minor for target in world.targets] == [2599, 1997, 1998]


async def test_a_refused_quantity_keeps_its_old_price(world: ShopifyWorld):
    target = world.targets[0]
    wish = replace(shown(world, target, 3, compare=99), price=Money(1, "EUR"))

    [published] = await world.adapter.publish([wish])

    assert published.outcome is Outcome.CHANGED
    assert world.price(target) == Money(1996, "EUR")


async def test_looking_tells_level_and_price_of_each_place(world: ShopifyWorld):
    world.sell(world.targets[1], 2)
    both = [world.targets[1], replace(world.targets[1], place=MARKT_PLACE)]

    seen = await world.adapter.look(both)

    assert [(one.place, one.quantity, one.price) for one in seen] == [
        (LINDEN_PLACE, 10, Money(1997, "EUR")),
        (MARKT_PLACE, 5, Money(1997, "EUR")),
    ]


async def test_listings_say_what_is_never_written(world: ShopifyWorld):
    world.shop.add_variant("SET", Money(100, "EUR"), {LINDEN: 1}, bundle=True)
    world.shop.add_variant("SERVICE", Money(100, "EUR"), {LINDEN: 1}, tracked=False)

    page = await world.adapter.listings(None)

    assert {one.sku: one.managed for one in page.listings} == {
        "LAMP-1": True,
        "LAMP-2": True,
        "LAMP-3": True,
        "SET": False,
        "SERVICE": False,
    }
    assert {one.sku: one.barcode for one in page.listings}["LAMP-1"] == "4006381333931"
