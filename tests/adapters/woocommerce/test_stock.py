"""Numbers and prices out, listings and levels in: what WooCommerce does differently from others."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import LevelSeen, Outcome, Target
from omnisync.adapters.client import Tools
from omnisync.demo.woocommerce.things import Product
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.adapters.woocommerce.rig import WooWorld, an_adapter, as_hook, open_world, target_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tools: Tools) -> WooWorld:
    return open_world(tools)


class Listening(httpx.AsyncBaseTransport):
    """Remembers what passes, and answers some of it in the shop's place."""

    def __init__(self, world: WooWorld, **instead: httpx.Response) -> None:
        assert world.channel is not None
        self._inner, self._instead = world.channel, instead
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/wp-json/wc/v3/")
        self.paths.append(path)
        if request.method == "POST":
            self.bodies.append((path, json.loads(await request.aread())))
        instead = next((answer for part, answer in self._instead.items() if path.startswith(part)), None)
        return instead or await self._inner.handle_async_request(request)


def listening(world: WooWorld, tools: Tools, **instead: httpx.Response) -> Listening:
    """Put a listener on the line of this world's adapter."""
    line = Listening(world, **instead)
    world.adapter = an_adapter(Tools(tools.clock, tools.ids, tools.chance, line))
    return line


async def all_listings(world: WooWorld) -> dict[str, tuple[str | None, str]]:
    cursor, more, found = None, True, {}
    while more:
        page = await world.adapter.listings(cursor)
        found |= {one.external_id: (one.sku, one.title) for one in page.listings}
        cursor, more = page.cursor, page.more
    return found


async def test_products_go_in_one_call_and_the_variations_of_each_product_in_one_of_their_own(
    world: WooWorld, tools: Tools
):
    line = listening(world, tools)
    wishes = [world.wish("SHIRT-S", 0), world.wish("LAMP", 3, price=Money(2050, "EUR")), world.wish("SHIRT-M", 4)]

    published = await world.adapter.publish(wishes)

    lamp, small, middle = (world.shop.by_sku(sku) for sku in ("LAMP", "SHIRT-S", "SHIRT-M"))
    assert {one.outcome for one in published} == {Outcome.APPLIED}
    assert dict(line.bodies) == {
        "products/batch": {
            "update": [{"id": lamp.id, "manage_stock": True, "stock_quantity": 3, "regular_price": "20.50"}]
        },
        f"products/{small.parent_id}/variations/batch": {
            "update": [
                {"id": small.id, "manage_stock": True, "stock_quantity": 0},
                {"id": middle.id, "manage_stock": True, "stock_quantity": 4},
            ]
        },
    }
    assert world.shop.view(small)["stock_status"] == "outofstock"


async def test_what_one_product_is_refused_for_is_said_of_it_alone(world: WooWorld):
    foreign = Target(f"{world.shop.by_sku('LAMP').id}:{world.shop.by_sku('SHIRT-S').id}", "SHIRT-S")
    wishes = [
        world.wish("LAMP", 3, price=Money(2000, "USD")),
        world.wish("SHIRT-M", 4),
        type(world.wish("LAMP"))(foreign, "tag-foreign", world.shop.clock.now(), quantity=1),
        type(world.wish("LAMP"))(Target("gid://nothing", "X"), "tag-odd", world.shop.clock.now(), quantity=1),
    ]

    published = await world.adapter.publish(wishes)

    assert [(one.outcome, one.unknown) for one in published] == [
        (Outcome.ATTENTION, False),
        (Outcome.APPLIED, False),
        (Outcome.ATTENTION, True),
        (Outcome.ATTENTION, True),
    ]
    assert "EUR" in published[0].action
    assert (world.shop.by_sku("LAMP").stock, world.shop.by_sku("SHIRT-M").stock) == (12, 4)


async def test_a_batch_that_is_refused_as_a_whole_is_halved_down_to_its_line(world: WooWorld, tools: Tools):
    assert world.channel is not None
    inner, poison = world.channel, world.shop.by_sku("SHIRT-S").id

    class Firewall(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if str(poison).encode() in await request.aread():
                return httpx.Response(400, json={"code": "blocked", "message": "Looks like an attack."})
            return await inner.handle_async_request(request)

    world.adapter = an_adapter(Tools(tools.clock, tools.ids, tools.chance, Firewall()))

    published = await world.adapter.publish([world.wish(sku, 2) for sku in ("LAMP", "SHIRT-S", "SHIRT-M")])

    assert [one.outcome for one in published] == [Outcome.APPLIED, Outcome.ATTENTION, Outcome.APPLIED]
    assert "Looks like an attack." in published[1].reason
    assert [world.shop.by_sku(sku).stock for sku in ("LAMP", "SHIRT-S", "SHIRT-M")] == [2, 10, 2]


async def test_a_busy_moment_puts_off_only_the_products_it_met(world: WooWorld, tools: Tools):
    parent = world.shop.by_sku("SHIRT-S").parent_id
    busy = httpx.Response(429, headers={"retry-after": "9"})
    listening(world, tools, **{f"products/{parent}/": busy})

    lamp, shirt = await world.adapter.publish([world.wish("LAMP", 2), world.wish("SHIRT-S", 2)])

    assert (lamp.outcome, shirt.outcome, shirt.retry_after_seconds) == (Outcome.APPLIED, Outcome.TRY_LATER, 9)
    with pytest.raises(TryLater):
        await world.adapter.publish([world.wish("SHIRT-S", 2)])


async def test_a_shop_that_counts_no_stock_is_told_to_a_person(world: WooWorld):
    world.shop.options["woocommerce_manage_stock"] = "no"

    [published] = await world.adapter.publish([world.wish("LAMP", 3)])

    assert published.outcome is Outcome.ATTENTION
    assert "Enable stock management" in published.action


async def test_another_number_than_we_wrote_is_decided_again(world: WooWorld, tools: Tools):
    lamp = world.shop.view(world.shop.by_sku("LAMP")) | {"stock_quantity": 7}
    listening(world, tools, **{"products/batch": httpx.Response(200, json={"update": [lamp]})})

    [published] = await world.adapter.publish([world.wish("LAMP", 3)])

    assert (published.outcome, published.actual) == (Outcome.CHANGED, 7)


async def test_backorders_are_the_shops_own_unless_the_settings_forbid_them(tools: Tools):
    kept, forbidden = open_world(tools), open_world(tools, settings={"backorders": "no"})
    for world in (kept, forbidden):
        lamp = world.shop.by_sku("LAMP")
        lamp.backorders, lamp.stock = "yes", 0
        world.sell(target_of(lamp), 2)

    [below] = await kept.adapter.look([target_of(kept.shop.by_sku("LAMP"))])
    for world in (kept, forbidden):
        await world.adapter.publish([world.wish("LAMP", 0)])

    assert below.quantity == -2
    assert [world.shop.by_sku("LAMP").backorders for world in (kept, forbidden)] == ["yes", "no"]
    assert [world.shop.view(world.shop.by_sku("LAMP"))["stock_status"] for world in (kept, forbidden)] == [
        "onbackorder",
        "outofstock",
    ]


async def test_variations_are_listed_where_their_number_stands(world: WooWorld):
    shop = world.shop
    shared = shop.add_product("MUG", "Becher", Money(990, "EUR"), type="variable", stock=6)
    for colour in ("rot", "blau"):
        shop.add_product("MUG", colour, type="variation", parent_id=shared.id, manage_stock="parent")
    own = shop.add_product("MUG-XL", "groß", type="variation", parent_id=shared.id, manage_stock="parent")
    shop.add_product("SET", "Bündel", type="grouped")
    shirt = shop.by_sku("SHIRT-S").parent_id

    listed = await all_listings(world)

    assert listed == {
        str(shop.by_sku("LAMP").id): ("LAMP", "Lampe"),
        f"{shirt}:{shop.by_sku('SHIRT-S').id}": ("SHIRT-S", "Hemd"),
        f"{shirt}:{shop.by_sku('SHIRT-M').id}": ("SHIRT-M", "Hemd"),
        str(shared.id): ("MUG", "Becher"),
        f"{shared.id}:{own.id}": ("MUG-XL", "Becher"),
    }


async def test_a_product_deleted_between_two_pages_hides_no_other(world: WooWorld):
    made: list[Product] = []
    for n in range(120):
        world.shop.clock.advance(seconds=n % 3)  # type: ignore[attr-defined]
        made.append(world.shop.add_product(f"P-{n}", f"P {n}"))

    first = await world.adapter.listings(None)
    del world.shop.products[made[3].id]
    found = {one.sku for one in first.listings}
    page = first
    while page.more:
        page = await world.adapter.listings(page.cursor)
        found |= {one.sku for one in page.listings}

    assert {one.sku for one in made} <= found


async def test_levels_are_read_product_by_product_and_without_a_number_by_what_buyers_can_take(
    world: WooWorld, tools: Tools
):
    line = listening(world, tools)
    endless = world.shop.add_product("AIR", "Luft", manage_stock=False)
    sold_out = world.shop.add_product("GOLD", "Gold", manage_stock=False, stock_status="outofstock")
    targets = [target_of(world.shop.by_sku("LAMP")), *(target_of(one) for one in (endless, sold_out))]

    seen = await world.adapter.look([*targets, target_of(world.shop.by_sku("SHIRT-M")), Target("77:78", "GONE")])

    shirt = world.shop.by_sku("SHIRT-M").parent_id
    assert {level.article.sku: level.quantity for level in seen} == {
        "LAMP": 12, "AIR": 999_999, "GOLD": 0, "SHIRT-M": 11,
    }  # fmt: skip
    assert sorted(line.paths) == sorted(["products", f"products/{shirt}/variations", "products/77/variations"])
    assert next(level for level in seen if level.article.sku == "LAMP").price == Money(1995, "EUR")


@pytest.mark.parametrize(
    ("answer", "mend"),
    [
        (httpx.Response(301, headers={"location": "https://www.woo.test/"}), "base_url"),
        (httpx.Response(404, text="<html>nothing here</html>"), "base_url"),
        (httpx.Response(200, text="<b>Warning</b>: something in wp-config.php"), "base_url"),
    ],
    ids=["redirect", "not WordPress", "a page"],
)
async def test_an_address_that_is_not_the_api_is_said_so(
    world: WooWorld, tools: Tools, answer: httpx.Response, mend: str
):
    listening(world, tools, products=answer)

    with pytest.raises(NeedsAttention) as raised:
        await world.adapter.look([target_of(world.shop.by_sku("LAMP"))])

    assert mend in raised.value.action


async def test_the_doctor_says_where_the_shop_means_something_else(world: WooWorld):
    world.shop.options |= {
        "woocommerce_currency": "CHF", "woocommerce_prices_include_tax": "no", "woocommerce_manage_stock": "no",
    }  # fmt: skip

    wrong = {check.name: check.mend for check in await world.adapter.check() if not check.ok}

    assert wrong.keys() == {"currency", "prices include tax", "stock management"}
    assert all(wrong.values())


async def test_a_product_webhook_reads_the_level_again_also_of_a_variation(world: WooWorld):
    shirt = world.shop.by_sku("SHIRT-M")
    world.sell(target_of(shirt), 3)
    told = world.last("product.updated")
    world.shop.change_product(shirt, {"stock_quantity": 5})
    facts = await world.adapter.follow(as_hook(told))

    [level] = facts
    assert isinstance(level, LevelSeen)
    assert (level.article.external_id, level.quantity) == (target_of(shirt).external_id, 5)


async def test_a_product_webhook_says_nothing_of_what_has_no_level_and_tells_a_group_from_a_parent(world: WooWorld):
    shop = world.shop
    group = shop.add_product("SET", "Bündel", type="grouped")
    member = shop.add_product("CUP", "Tasse", stock=4, parent_id=group.id)
    shared = shop.add_product("MUG", "Becher", type="variable", stock=6)
    shirt = shop.products[shop.by_sku("SHIRT-S").parent_id]
    told = {}
    for one in (group, member, shared, shirt):
        shop.touch_product(one)
        facts = await world.adapter.follow(as_hook(world.last("product.updated")))
        told[one.name] = [(fact.article.external_id, fact.quantity) for fact in facts if isinstance(fact, LevelSeen)]

    assert told == {"Bündel": [], "Tasse": [(str(member.id), 4)], "Becher": [(str(shared.id), 6)], "Hemd": []}
