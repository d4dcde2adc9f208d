"""Numbers to and from a django-oscar shop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters.base import Adapter, Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.oscar import make
from omnisync.clock import StoppedClock
from omnisync.demo.oscar.shop import PASSWORD, SETTINGS, Shop
from omnisync.errors import NeedsAttention
from omnisync.values import Money

pytestmark = pytest.mark.anyio
LAMP = Target("1", "LAMP", extra={"currency": "EUR"})


@pytest.fixture
def shop(clock: StoppedClock) -> Shop:
    """A shop with ten lamps."""
    shop = Shop(clock)
    shop.add("LAMP", stock=10)
    return shop


def connect(shop: Shop, tools: Tools, **settings: Any) -> Adapter:
    return make("shop", {**SETTINGS, **settings}, {}, "", replace(tools, transport=shop.transport))


def shown(tools: Tools, **wish: Any) -> Shown:
    return Shown(target=wish.pop("target", LAMP), tag="t", at=tools.clock.now(), **wish)


async def test_the_shops_own_allocations_are_added_so_that_it_offers_what_we_say(shop: Shop, tools: Tools):
    shop.buy("1", 3)

    [published] = await connect(shop, tools).publish([shown(tools, quantity=5, allocated=3)])

    assert (published.outcome, published.actual) == (Outcome.APPLIED, 5)
    assert (shop.records["1"]["num_in_stock"], shop.offered("1")) == (8, 5)


async def test_an_order_not_yet_known_lowers_what_is_offered_by_itself(shop: Shop, tools: Tools):
    shop.buy("1", 3)

    [published] = await connect(shop, tools).publish([shown(tools, quantity=5, allocated=0)])

    assert (published.outcome, published.actual, shop.offered("1")) == (Outcome.APPLIED, 2, 2)


async def test_looking_tells_what_is_offered_what_is_allocated_and_the_price(shop: Shop, tools: Tools):
    shop.buy("1", 3)

    [level] = await connect(shop, tools).look([LAMP])

    assert (level.quantity, level.allocated, level.price) == (7, 3, Money(3995, "EUR"))


async def test_a_price_alone_leaves_the_stock_alone(shop: Shop, tools: Tools):
    await connect(shop, tools).publish([shown(tools, price=Money(1999, "EUR"))])

    assert (shop.records["1"]["price"], shop.records["1"]["num_in_stock"]) == ("19.99", 10)


async def test_a_price_in_another_currency_is_not_written(shop: Shop, tools: Tools):
    [published] = await connect(shop, tools).publish([shown(tools, price=Money(1999, "CHF"))])

    assert (published.outcome, shop.records["1"]["price"]) == (Outcome.ATTENTION, "39.95")
    assert "CHF" in published.reason


async def test_what_the_shop_refuses_waits_alone_with_its_words(shop: Shop, tools: Tools):
    shop.add("MUG")
    wish = [shown(tools, quantity=-1), shown(tools, quantity=4, target=Target("2", "MUG"))]

    refused, taken = await connect(shop, tools).publish(wish)

    assert (refused.outcome, taken.outcome) == (Outcome.ATTENTION, Outcome.APPLIED)
    assert "greater than or equal to 0" in refused.reason


async def test_only_the_stock_records_of_our_partner_are_listed(shop: Shop, tools: Tools):
    shop.add("MUG")
    shop.records["2"]["partner"] = shop.records["2"]["partner"].replace("/1/", "/7/")

    page = await connect(shop, tools, partner=1).listings(None)

    assert [(one.external_id, one.sku, one.extra["currency"]) for one in page.listings] == [("1", "LAMP", "EUR")]


async def test_a_wrong_password_needs_a_person_and_is_not_repeated_to_anybody(shop: Shop, tools: Tools):
    adapter = connect(shop, tools, password="another")

    with pytest.raises(NeedsAttention) as caught:
        await adapter.publish([shown(tools, quantity=1)])

    assert caught.value.code == "credentials"
    assert "another" not in repr(adapter) + str(caught.value) + caught.value.action


async def test_settings_that_cannot_be_used_name_the_key_and_not_the_secret(tools: Tools):
    with pytest.raises(NeedsAttention) as caught:
        make(
            "shop",
            {"base_url": "shop.test", "username": "sync", "password": PASSWORD, "pasword": PASSWORD},
            {},
            "",
            tools,
        )

    assert "base_url" in caught.value.message
    assert "pasword" in caught.value.message
    assert PASSWORD not in caught.value.message
