"""Numbers to and from a Vendure shop, and its sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters.base import Adapter, Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure import make
from omnisync.clock import StoppedClock
from omnisync.demo.vendure.shop import PASSWORD, SETTINGS, Shop
from omnisync.errors import NeedsAttention
from omnisync.values import Money

pytestmark = pytest.mark.anyio
LAMP = Target("1", "LAMP")


@pytest.fixture
def shop(clock: StoppedClock) -> Shop:
    """A shop with ten lamps."""
    shop = Shop(clock)
    shop.add("LAMP", stock=10)
    return shop


def connect(shop: Shop, tools: Tools, places: dict[str, str] | None = None, **settings: Any) -> Adapter:
    return make("shop", {**SETTINGS, **settings}, places or {}, "", replace(tools, transport=shop.transport))


def shown(tools: Tools, **wish: Any) -> Shown:
    return Shown(target=wish.pop("target", LAMP), tag="t", at=tools.clock.now(), **wish)


async def test_the_shops_own_allocations_are_added_so_that_it_offers_what_we_say(shop: Shop, tools: Tools):
    shop.buy("1", 3)
    adapter = connect(shop, tools)

    [known] = await adapter.publish([shown(tools, quantity=5, allocated=3)])
    [unknown] = await adapter.publish([shown(tools, quantity=5, allocated=0)])
    [level] = await adapter.look([LAMP])

    # An order that we do not know yet lowers what is offered by itself.
    assert [(one.outcome, one.actual) for one in (known, unknown)] == [(Outcome.APPLIED, 5), (Outcome.APPLIED, 2)]
    assert (level.quantity, level.allocated, level.price) == (2, 3, Money(3995, "EUR"))


async def test_each_stock_location_gets_its_own_number(clock: StoppedClock, tools: Tools):
    shop = Shop(clock, places=("1", "2"))
    shop.add("LAMP")
    adapter = connect(shop, tools, {"1": "lager", "2": "linden"})
    lager, linden = (replace(LAMP, place=place) for place in ("1", "2"))

    await adapter.publish([shown(tools, target=lager, quantity=4), shown(tools, target=linden, quantity=7)])
    levels = await adapter.look([lager, linden])

    assert adapter.can.many_locations
    assert [(level.place, level.quantity) for level in levels] == [("1", 4), ("2", 7)]


async def test_a_line_at_fault_is_found_among_twenty_and_the_others_are_written(shop: Shop, tools: Tools):
    targets = [LAMP, *(Target(shop.add(f"A{n}"), f"A{n}") for n in range(19))]
    shop.stumbles_over = "7"
    targets[3] = Target("999", "GHOST")

    published = await connect(shop, tools).publish([shown(tools, target=one, quantity=2) for one in targets])

    assert {n: one.outcome for n, one in enumerate(published) if one.outcome is not Outcome.APPLIED} == {
        3: Outcome.ATTENTION,
        6: Outcome.TRY_LATER,
    }
    assert published[3].unknown
    assert {shop.offered(str(id)) for id in range(1, 21)} - {2} == {10}
    assert shop.asked.count("Write") < 20


async def test_a_number_for_a_place_the_shop_does_not_have_is_not_taken_for_written(shop: Shop, tools: Tools):
    adapter = connect(shop, tools, stock_location="77")

    [published] = await adapter.publish([shown(tools, quantity=4)])
    checks = {check.name: check.ok for check in await adapter.check()}

    assert (published.outcome, shop.offered("1")) == (Outcome.ATTENTION, 10)
    assert (checks["account"], checks["stock locations"]) == (True, False)


@pytest.mark.parametrize(
    ("gross", "prices", "price", "outcome"),
    [
        (True, "gross", Money(1999, "EUR"), Outcome.APPLIED),
        (False, "net", Money(1999, "EUR"), Outcome.APPLIED),
        (False, "gross", Money(1999, "EUR"), Outcome.ATTENTION),
        (True, "net", Money(1999, "EUR"), Outcome.ATTENTION),
        (True, "gross", Money(1999, "CHF"), Outcome.ATTENTION),
    ],
)
async def test_a_price_is_written_as_the_shop_keeps_it_or_not_at_all(
    shop: Shop, tools: Tools, gross: bool, prices: str, price: Money, outcome: Outcome
):
    shop.gross = gross

    [published] = await connect(shop, tools, prices=prices).publish([shown(tools, price=price)])

    assert published.outcome is outcome
    assert shop.variants["1"]["prices"][0]["price"] == (1999 if outcome is Outcome.APPLIED else 3995)
    assert shop.offered("1") == 10


async def test_a_variant_whose_stock_is_not_tracked_is_never_written(shop: Shop, tools: Tools):
    shop.add("GIFT", track="FALSE")
    shop.add("MUG", track="INHERIT")

    page = await connect(shop, tools).listings(None)

    assert [(one.sku, one.managed) for one in page.listings] == [("LAMP", True), ("GIFT", False), ("MUG", True)]


async def test_listings_deleted_while_being_read_hide_none(shop: Shop, tools: Tools):
    for n in range(150):
        shop.add(f"A{n}")
    adapter = connect(shop, tools)
    first = await adapter.listings(None)
    del shop.variants["1"], shop.variants["2"]

    second = await adapter.listings(first.cursor)

    assert {one.external_id for one in (*first.listings, *second.listings)} >= shop.variants.keys()
    assert not second.more


async def test_a_session_that_ran_out_is_opened_anew_once(shop: Shop, tools: Tools):
    adapter = connect(shop, tools)
    await adapter.look([LAMP])
    shop.sessions.clear()

    [level] = await adapter.look([LAMP])

    assert level.quantity == 10
    assert shop.asked.count("LogIn") == 2


async def test_credentials_and_sessions_that_do_not_work_need_a_person(shop: Shop, tools: Tools):
    stranger, sessionless = connect(shop, tools, password="another"), connect(shop, tools)

    with pytest.raises(NeedsAttention) as caught:
        await stranger.publish([shown(tools, quantity=1)])
    [check] = await stranger.check()
    shop.bearer = False
    with pytest.raises(NeedsAttention) as unlasting:
        await sessionless.look([LAMP])

    assert (caught.value.code, check.ok) == ("credentials", False)
    assert "another" not in repr(stranger) + str(caught.value) + caught.value.action
    assert "tokenMethod" in unlasting.value.action


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"base_url": "shop.test"}, "base_url"),
        ({"pasword": PASSWORD}, "pasword"),
        ({"pickup_methods": {"abholen": "nowhere"}}, "nowhere"),
    ],
)
async def test_settings_that_cannot_be_used_name_the_key_and_not_the_secret(
    tools: Tools, settings: dict[str, Any], named: str
):
    with pytest.raises(NeedsAttention) as caught:
        make("shop", {**SETTINGS, **settings}, {"1": "lager"}, "", tools)

    assert named in caught.value.message
    assert PASSWORD not in caught.value.message
