"""Numbers and prices out, listings and levels in, and how a token is kept: what Shopware does differently from others."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Outcome, Shown, Target
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.demo.shopware.shop import OTHER_CURRENCY
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.adapters.shopware.rig import SECRET, ShopwareWorld, an_adapter, open_world, target_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tools: Tools) -> ShopwareWorld:
    return open_world(tools)


class Listening(httpx.AsyncBaseTransport):
    """Remembers what passes, and answers some of it in the shop's place."""

    def __init__(self, world: ShopwareWorld, **instead: httpx.Response) -> None:
        assert world.channel is not None
        self._inner, self.instead = world.channel, instead
        self.seen: list[tuple[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/")
        self.seen.append((path, json.loads(await request.aread() or b"null")))
        instead = next((answer for part, answer in self.instead.items() if path.startswith(part)), None)
        return instead or await self._inner.handle_async_request(request)

    def bodies(self, path: str) -> list[Any]:
        return [body for seen, body in self.seen if seen == path]


def listening(world: ShopwareWorld, tools: Tools, **instead: httpx.Response) -> Listening:
    """Put a listener on the line of this world's adapter."""
    line = Listening(world, **instead)
    world.adapter = an_adapter(replace(tools, transport=line))
    return line


# ---------------------------------------------------------------- writing


async def test_stock_and_prices_of_many_go_in_one_call(world: ShopwareWorld, tools: Tools):
    line = listening(world, tools)

    published = await world.adapter.publish(
        [world.wish("SHIRT-S", 0), world.wish("LAMP", 3, price=Money(2050, "EUR")), world.wish("SHIRT-M", 4)]
    )

    [[operation]] = line.bodies("_action/sync")
    assert {one.outcome for one in published} == {Outcome.APPLIED}
    assert (operation["action"], operation["entity"]) == ("upsert", "product")
    assert [one["stock"] for one in operation["payload"]] == [0, 3, 4]
    assert [set(one) for one in operation["payload"]] == [{"id", "stock"}, {"id", "stock", "price"}, {"id", "stock"}]
    assert world.shop.gross(world.shop.by_sku("LAMP")) == Money(2050, "EUR")


async def test_a_call_that_is_refused_as_a_whole_fails_only_the_lines_that_it_blames(
    world: ShopwareWorld, tools: Tools
):
    line = listening(world, tools)
    unknown = Shown(world.unknown, "tag-unknown", world.shop.clock.now(), quantity=1)
    broken = replace(world.wish("SHIRT-S"), quantity="many")  # type: ignore[arg-type]

    published = await world.adapter.publish([world.wish("LAMP", 3), unknown, broken, world.wish("SHIRT-M", 4)])

    assert [(one.outcome, one.unknown) for one in published] == [
        (Outcome.APPLIED, False), (Outcome.ATTENTION, True), (Outcome.ATTENTION, False), (Outcome.APPLIED, False),
    ]  # fmt: skip
    assert "type int" in published[2].reason
    assert len(line.bodies("_action/sync")) == 2
    assert [world.shop.by_sku(sku).stock for sku in ("LAMP", "SHIRT-S", "SHIRT-M")] == [3, 10, 4]
    assert len(world.shop.products) == 4  # an upsert of what it does not know has made nothing


async def test_a_refusal_that_blames_nobody_is_halved_down_to_its_line(world: ShopwareWorld, tools: Tools):
    assert world.channel is not None
    inner, poison = world.channel, world.shop.by_sku("SHIRT-S").id

    class Firewall(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/sync") and poison.encode() in await request.aread():
                return httpx.Response(400, json={"errors": [{"detail": "Looks like an attack."}]})
            return await inner.handle_async_request(request)

    world.adapter = an_adapter(replace(tools, transport=Firewall()))

    published = await world.adapter.publish([world.wish(sku, 2) for sku in ("LAMP", "SHIRT-S", "SHIRT-M")])

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert "Looks like an attack." in published[1].reason
    assert [world.shop.by_sku(sku).stock for sku in ("LAMP", "SHIRT-S", "SHIRT-M")] == [2, 10, 2]


async def test_what_the_shop_does_not_confirm_is_only_accepted(world: ShopwareWorld, tools: Tools):
    listening(world, tools, **{"_action/sync": httpx.Response(200, json={"data": {"product": []}, "notFound": []})})

    [published] = await world.adapter.publish([world.wish("LAMP", 3)])

    assert published.outcome is Outcome.ACCEPTED


async def test_what_need_not_be_sent_is_not(world: ShopwareWorld, tools: Tools):
    line = listening(world, tools)
    odd = Shown(Target("4711", "X"), "tag-odd", world.shop.clock.now(), quantity=1)
    gone = Shown(world.unknown, "tag-gone", world.shop.clock.now(), price=Money(100, "EUR"))
    world.shop.by_sku("SHIRT-M").parent_id = None  # and with it its tax rate

    published = await world.adapter.publish(
        [world.wish("LAMP", price=Money(2000, "USD")), odd, gone, world.wish("SHIRT-M", price=Money(2000, "EUR"))]
    )

    assert [(one.outcome, one.unknown) for one in published] == [
        (Outcome.ATTENTION, False), (Outcome.ATTENTION, True), (Outcome.ATTENTION, True), (Outcome.ATTENTION, False),
    ]  # fmt: skip
    assert ["EUR" in published[0].action, "tax" in published[3].action] == [True, True]
    assert line.bodies("_action/sync") == []


async def test_a_price_leaves_other_currencies_and_list_prices_as_they_are_and_brings_its_net(world: ShopwareWorld):
    lamp = world.shop.by_sku("LAMP")
    dollars = world.shop.entry(Money(2499, "USD"), OTHER_CURRENCY)
    before = world.shop.entry(Money(2999, "EUR"))
    lamp.price = [{**world.shop.entry(Money(1995, "EUR")), "listPrice": before, "linked": False}, dollars]

    [published] = await world.adapter.publish([world.wish("LAMP", price=Money(1190, "EUR"))])

    by_currency = {one["currencyId"]: one for one in lamp.price}
    euros = by_currency.pop(before["currencyId"])
    assert published.outcome is Outcome.APPLIED
    assert (euros["gross"], euros["net"], euros["linked"], euros["listPrice"]["gross"]) == (11.9, 10.0, False, 29.99)
    assert by_currency[OTHER_CURRENCY]["gross"] == 24.99
    assert lamp.stock == 12


async def test_a_price_in_a_currency_that_is_not_the_shops_own_keeps_the_one_that_it_cannot_do_without(tools: Tools):
    world = open_world(tools, settings={"currency": "USD"})

    [published] = await world.adapter.publish([world.wish("LAMP", price=Money(2500, "USD"))])

    assert published.outcome is Outcome.APPLIED
    assert [one["gross"] for one in world.shop.by_sku("LAMP").price or ()] == [19.95, 25.0]


async def test_a_variant_gets_a_price_of_its_own_by_its_products_tax(world: ShopwareWorld):
    small, middle = world.shop.by_sku("SHIRT-S"), world.shop.by_sku("SHIRT-M")
    assert (small.price, small.tax_rate) == (None, None)

    [published] = await world.adapter.publish([world.wish("SHIRT-S", price=Money(1190, "EUR"))])

    assert (published.outcome, (small.price or [{}])[0]["net"]) == (Outcome.APPLIED, 10.0)
    assert world.shop.gross(middle) == Money(2990, "EUR")


@pytest.mark.parametrize(("oversell", "closeout"), [("keep", False), ("no", True)])
async def test_selling_below_zero_is_the_shops_own_matter_unless_the_settings_forbid_it(
    tools: Tools, oversell: str, closeout: bool
):
    world = open_world(tools, settings={"oversell": oversell})
    lamp = world.shop.by_sku("LAMP")
    lamp.is_closeout, lamp.stock = False, 0
    world.sell(target_of(lamp), 2)
    [below] = await world.adapter.look([target_of(lamp)])

    await world.adapter.publish([world.wish("LAMP", 0)])

    assert (below.quantity, lamp.is_closeout) == (-2, closeout)


# ---------------------------------------------------------------- reading


async def test_a_product_that_has_variants_is_neither_listed_nor_looked_at_for_its_own_stock_is_never_sold(
    world: ShopwareWorld,
):
    parent = next(one for one in world.shop.products.values() if world.shop.variants_of(one))

    page = await world.adapter.listings(None)
    levels = await world.adapter.look([target_of(parent), *world.targets])

    assert {one.sku: (one.title, one.barcode) for one in page.listings} == {
        "LAMP": ("Lampe", "4006381333931"), "SHIRT-S": ("Hemd S", None), "SHIRT-M": ("Hemd M", None),
    }  # fmt: skip
    assert {one.article.sku: (one.quantity, one.price) for one in levels} == {
        "LAMP": (12, Money(1995, "EUR")), "SHIRT-S": (10, Money(2990, "EUR")), "SHIRT-M": (11, Money(2990, "EUR")),
    }  # fmt: skip


async def test_a_product_deleted_between_two_pages_hides_no_other(world: ShopwareWorld):
    made = [world.shop.add_product(f"P-{n}", f"P {n}") for n in range(230)]

    page = await world.adapter.listings(None)
    found = {one.sku for one in page.listings}
    del world.shop.products[made[3].id]
    while page.more:
        page = await world.adapter.listings(page.cursor)
        found |= {one.sku for one in page.listings}

    assert {one.sku for one in made} <= found


async def test_the_doctor_says_where_the_shop_means_something_else(tools: Tools):
    world = open_world(tools, settings={"currency": "CHF", "pickup_methods": ["shipping_gone"]})
    world.shop.version = "6.5.8.14"

    wrong = {check.name: check.mend for check in await world.adapter.check() if not check.ok}

    assert wrong.keys() == {"version", "currency", "pickup methods"}
    assert all(wrong.values())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(301, headers={"location": "https://www.shopware.test/"}),
        httpx.Response(404, text="<html>nothing here</html>"),
        httpx.Response(200, text="<b>Maintenance</b>"),
    ],
    ids=["redirect", "not Shopware", "a page"],
)
async def test_an_address_that_is_not_the_api_is_said_so(world: ShopwareWorld, tools: Tools, answer: httpx.Response):
    for path in ("oauth/token", "search/"):
        listening(world, tools, **{path: answer})

        with pytest.raises(NeedsAttention) as raised:
            await world.adapter.look(world.targets)

        assert "base_url" in raised.value.action


async def test_settings_that_are_wrong_are_named_together_and_without_their_values(tools: Tools):
    with pytest.raises(NeedsAttention) as raised:
        an_adapter(tools, base_url="shop.test", colour="red", page_size=0, start_at="yesterday", app_name="my app")

    told = raised.value.message
    assert all(key in told for key in ("base_url", "colour", "page_size", "start_at", "app_name"))
    assert SECRET not in told


# ---------------------------------------------------------------- tokens


async def test_a_token_is_fetched_once_for_all_renewed_before_it_ends_and_when_it_is_refused(
    world: ShopwareWorld, clock: StoppedClock
):
    async def look() -> int:
        await asyncio.gather(*(world.adapter.look(world.targets) for _ in range(3)))
        return world.door.issued

    issued = [await look()]
    clock.advance(seconds=530)
    issued.append(await look())
    clock.advance(seconds=20)  # a minute before its end
    issued.append(await look())
    world.door.revoke()
    issued.append(await look())

    assert issued == [1, 1, 2, 3]


async def test_a_shop_that_limits_logging_in_is_left_alone_by_the_next_caller_too(
    world: ShopwareWorld, tools: Tools, clock: StoppedClock
):
    line = listening(world, tools, **{"oauth/token": httpx.Response(429, headers={"retry-after": "40"})})
    waits = []
    for _ in range(2):
        with pytest.raises(TryLater) as raised:
            await world.adapter.look(world.targets)
        waits.append(raised.value.retry_after_seconds)
        clock.advance(seconds=15)

    line.instead.clear()
    clock.advance(seconds=15)

    assert (waits, len(line.bodies("oauth/token"))) == ([40, 25], 1)
    assert len(await world.adapter.look(world.targets)) == 3


async def test_missing_rights_need_a_person_and_no_new_token(world: ShopwareWorld, tools: Tools):
    line = listening(
        world, tools, search=httpx.Response(403, json={"errors": [{"code": "FRAMEWORK__MISSING_PRIVILEGE_ERROR"}]})
    )

    for _ in range(2):
        with pytest.raises(NeedsAttention) as raised:
            await world.adapter.look(world.targets)

    assert (raised.value.code, len(line.bodies("oauth/token"))) == ("credentials", 1)
