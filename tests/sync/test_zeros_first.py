"""What is sold out does not queue behind what merely changed, whichever channel's adapter writes it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Published, Shown
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.ebay.seed import Listed
from omnisync.values import Kind
from tests.adapters.contract import Feature, Rig, Wire, World, open_world, rigs
from tests.adapters.ebay.rig import SEED, EbayWorld
from tests.sync.conftest import Play
from tests.sync.house import House, build, settings_for, shop

RIGS = [rig for rig in rigs().values() if not {Feature.NETWORK, Feature.STOCK_OUT} & set(rig.does_not_apply)]
SKUS = [f"SKU-{number:03}" for number in range(60)]


class Watched:
    """An adapter whose writes are remembered, call by call."""

    def __init__(self, adapter: Any, batch: int | None = None) -> None:
        self._adapter, self.calls = adapter, list[list[tuple[str, int | None]]]()
        self.can = adapter.can if batch is None else replace(adapter.can, batch_size=batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        self.calls.append([(one.target.sku, one.quantity) for one in shown])
        found: Sequence[Published] = await self._adapter.publish(shown)
        return found


def connected(engine: Engine, clock: StoppedClock, ids: Ids, world: World, adapter: Watched) -> House:
    place = world.targets[0].place
    places = {"location_map": {place: "linden"}} if place else {}
    policy = {"shows": "available", "prices": "off"}
    return build(engine, clock, ids, settings_for(shop("contract", policy=policy, **places)), [adapter])  # type: ignore[list-item]


async def rounds(house: House, number: int) -> None:
    for _ in range(number):
        await house.worker.tick("contract")
        house.clock.advance(minutes=2)


@pytest.mark.parametrize("rig", RIGS, ids=[rig.adapter for rig in RIGS])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_of_all_that_changed_what_is_sold_out_is_written_first(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, rig: Rig
) -> None:
    world = open_world(rig, Tools(clock=clock, ids=ids, chance=random.Random(7)), clock).world
    adapter = Watched(world.adapter, batch=1)
    house = connected(engine, clock, ids, world, adapter)
    skus = sorted(target.sku for target in world.targets)
    house.article(*skus)
    house.stock(skus, 50)
    play(rounds(house, 4))
    adapter.calls.clear()

    house.stock(skus[:-1], 40)
    house.stock(skus[-1], 50, kind=Kind.SOLD, cause="pos:1")
    play(rounds(house, 4))

    written = [one for call in adapter.calls for one in call]
    assert written[0] == (skus[-1], 0)
    assert {(sku, 40) for sku in skus[:-1]} <= set(written)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_ebays_first_call_holds_all_that_is_sold_out_however_much_changed_before(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play
) -> None:
    listings = [Listed(sku=sku, title=sku, price="9.99", quantity=50) for sku in SKUS]
    seed, tools = SEED.model_copy(update={"listings": listings}), Tools(clock=clock, ids=ids, chance=random.Random(7))
    wire = Wire()
    world = EbayWorld(replace(tools, transport=wire), seed, page_size=50)
    wire.inner = world.channel
    adapter = Watched(world.adapter)
    house = connected(engine, clock, ids, world, adapter)
    house.article(*SKUS)
    house.stock(SKUS, 50)
    play(rounds(house, 4))
    adapter.calls.clear()

    house.stock(SKUS[:-5], 40)
    house.stock(SKUS[-5:], 50, kind=Kind.SOLD, cause="pos:1")
    play(rounds(house, 4))

    first = dict(adapter.calls[0])
    assert {sku for sku, quantity in first.items() if quantity == 0} == set(SKUS[-5:])
    assert [world.simulation.shop.offers[sku].shown for sku in SKUS] == [40] * 55 + [0] * 5
