"""Channels that have no adapter yet, as the protocol would meet them: what decision 0041 says of them is played here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from omnisync import db
from omnisync.adapters.base import Article, Can, LevelSeen, OrderSeen, Published, Sale, Shown, Target, Write
from omnisync.clock import StoppedClock
from omnisync.stock.invariants import STOCK_INVARIANTS
from omnisync.sync import mappings
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

# Zettle: differences only, one location, and a name of ours that comes back.
DIFFERENCES = Can(write=Write.DELTA, batch_size=50, echo_tags=True)
# SumUp: receipts, and nothing to write to.
RECEIPTS = Can(write=Write.NONE, looks=False)
# Mirakl: a file of thousands, applied when the marketplace gets to it, and asked for again later.
IMPORTS = Can(write=Write.ABSOLUTE, batch_size=1000, applied_at_once=False, prices=True, price_with_stock=True)


class MovesStock(FakeChannel):
    """Takes by how much a number changes; its buyers may come between our look and our write."""

    comes_between: str | None = None

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        seen = await super().look(targets)
        if self.comes_between is not None:
            sku, self.comes_between = self.comes_between, None
            self.buy(sku)
        return seen

    def _set(self, shown: Shown) -> None:
        assert shown.quantity is not None
        assert shown.compare is not None, "a difference to nobody knows what"
        self.log.append(shown)
        self.stock[shown.target.external_id, ""] += shown.quantity - shown.compare


class Imports(FakeChannel):
    """Takes a file and applies it when it gets to it."""

    taken: tuple[int | None, ...] = ()

    def _take(self, shown: Shown) -> None:
        self._late.append(shown)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        self.taken += tuple(one.quantity for one in shown)
        return await super().publish(shown)


def stocked(house: House, *fakes: FakeChannel) -> House:
    house.article("LAMP")
    house.stock("LAMP", 9)
    for fake in fakes:
        fake.offer("LAMP", stock=3)
    return house


@pytest.mark.parametrize("fault", ["", "timeout_after_effect", "timeout_before_effect", "comes between"])
def test_differences_end_at_the_number_whatever_was_lost_and_whoever_came_between(
    make_house: MakeHouse, clock: StoppedClock, play: Play, fault: str
) -> None:
    till = MovesStock("zettle", clock, DIFFERENCES)
    house = stocked(make_house((shop("zettle"), till)), till)
    play(house.settle())
    before = till.shows("LAMP")

    if fault == "comes between":
        till.comes_between = "LAMP"
    elif fault:
        setattr(till.faults, fault, 2)
    house.stock("LAMP", 6)
    play(house.settle(12))

    sold = len(till.orders)
    assert (before, sold) == (9, int(fault == "comes between"))
    assert till.shows("LAMP") == 6 - sold
    assert house.level("LAMP") == (6, sold)
    assert sum(one.quantity - one.compare for one in till.log) == 6 - 3  # type: ignore[operator]


def test_receipts_that_name_goods_by_their_title_wait_for_a_person_once_and_are_then_booked(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    till = FakeChannel("sumup", clock, RECEIPTS)
    house = stocked(make_house((shop("sumup"), till)))
    till.facts = [
        Sale(f"txn-{n}/1", Article(external_id="Tischlampe Havel", title="Tischlampe Havel"), 1, clock.now())
        for n in range(2)
    ]
    play(house.tick())
    waited = len(house.letters("sumup"))

    channel = house.channel("sumup")
    answer = {"Tischlampe Havel": "LAMP"}
    house.within(lambda session: mappings.put(session, house.context, channel, answer, now=clock.now()))
    till.facts.append(replace(till.facts[0], key="txn-3/1"))
    play(house.settle())

    assert (waited, house.letters("sumup")) == (2, [])
    assert house.level("LAMP") == (6, 0)
    assert till.log == []


def test_what_is_announced_is_kept_before_it_is_ordered_and_given_back_when_it_is_not(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    otto = FakeChannel("otto", clock)
    house = stocked(make_house((shop("otto"), otto)), otto)

    def says(order: OrderSeen, **more: object) -> OrderSeen:
        clock.advance(seconds=1)
        otto.orders[order.id] = replace(otto.orders[order.id], version=clock.now(), **more)  # type: ignore[arg-type]
        return otto.orders[order.id]

    announced = [says(otto.buy("LAMP", 2), paid=False, lowered=False) for _ in range(2)]
    play(house.tick())
    kept = house.level("LAMP")
    says(announced[0], paid=True, lowered=True)
    otto.cancel(announced[1])
    play(house.settle())
    otto.ship(otto.orders[announced[0].id])
    play(house.settle())

    assert kept == (9, 4)
    assert house.level("LAMP") == (7, 0)
    assert otto.shows("LAMP") == 7
    with db.reading(house.engine) as session:
        assert [text for find in STOCK_INVARIANTS for text in find(session)] == []


def test_an_import_that_is_applied_later_is_neither_repeated_nor_overtaken_by_an_older_one(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    market = Imports("mirakl", clock, IMPORTS)
    house = stocked(make_house((shop("mirakl"), market)), market)
    play(house.settle(2))
    submitted = market.taken
    market.land_late_writes()
    clock.advance(minutes=10)
    play(house.settle())

    house.stock("LAMP", 2)
    play(house.settle(2))
    market.land_late_writes()
    clock.advance(minutes=10)
    play(house.settle())

    assert (submitted, market.taken) == ((9,), (9, 2))
    assert market.shows("LAMP") == 2
    assert house.state("mirakl", "LAMP").behind_since is None
