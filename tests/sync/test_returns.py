"""Goods that came back are counted once, whether their return was told with the receipt, without it, or both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from omnisync.adapters.base import Article, Can, Delivered, Fact, OrderLine, OrderSeen, Restock, Sale, Write
from omnisync.clock import StoppedClock
from omnisync.pages import ops_words, words
from omnisync.stock.tables import GoodsReturn
from omnisync.sync import cases
from omnisync.sync.facts import apply
from omnisync.sync.tables import Case
from tests.stock.shop import violations
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_facts import TILL, tell, till

LAMP = Article(sku="LAMP")


def receipt(house: House, *restocks: Restock, sold: int = 3, sku: str = "LAMP", minutes: float = 0.0) -> OrderSeen:
    """A counter sale with what came back of it so far."""
    at = house.clock.now()
    line = OrderLine("1", Article(sku=sku), sold, shipped=sold, restocks=restocks, place="Kasse 1")
    return OrderSeen("R-1", "#R-1", at + timedelta(minutes=minutes), at, (line,), counter=True, closed=True)


def restock(number: str, quantity: int = 1) -> Restock:
    return Restock(number, quantity, "Kasse 1", told_as=f"adjustment:{number}")


def loose(house: House, number: str, quantity: int = 1, *, sku: str = "LAMP", minutes: float = 0.0) -> Sale:
    """The same adjustment, told while nobody knew its order."""
    at = house.clock.now() + timedelta(minutes=minutes)
    return Sale(f"adjustment:{number}", Article(sku=sku), -quantity, at, "Kasse 1")


def after(house: House, *told: Fact) -> int:
    """What lies there after these facts, each told by itself."""
    for fact in told:
        assert tell(house, fact) == 0
    return house.level("LAMP")[0]


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock) -> House:
    """A till with ten lamps, of which it sells three."""
    return till(make_house, clock)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_return_told_both_ways_is_one_return_in_every_order(house: House, order: Sequence[int]) -> None:
    told = [receipt(house, restock("A")), loose(house, "A"), receipt(house, restock("A"), minutes=5)]

    there = after(house, receipt(house), *(told[at] for at in order))

    assert there == 10 - 3 + 1


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_of_more_pieces_than_the_receipt_knows_the_rest_came_back_too(house: House, first: str) -> None:
    with_receipt, without = receipt(house, restock("A", 2), sold=1), loose(house, "A", 2)

    there = after(house, *((with_receipt, without) if first == "receipt" else (without, with_receipt)))

    assert there == 10 - 1 + 2


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_the_parts_of_a_bundle_come_back_once(house: House, first: str) -> None:
    house.article("BULB")
    house.stock("BULB", 10)
    house.bundle("SET", {"LAMP": 1, "BULB": 2})
    with_receipt = receipt(house, restock("A"), sold=1, sku="SET")
    without = loose(house, "A", sku="SET")

    after(house, *((with_receipt, without) if first == "receipt" else (without, with_receipt)))

    assert (house.level("LAMP")[0], house.level("BULB")[0]) == (10, 10)


def test_where_the_till_owns_the_stock_the_same_holds_for_goods_booked_in(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock, owns=True)
    moved = Delivered("adjustment:A", LAMP, 1, clock.now(), "Kasse 1", "returned")
    other = replace(moved, key="adjustment:B")

    there = after(house, receipt(house), moved, receipt(house, restock("A"), restock("B"), minutes=5), other)

    assert there == 10 - 3 + 2


def test_different_returns_each_count(house: House) -> None:
    there = after(house, receipt(house, restock("A")), loose(house, "B", 2))

    assert there == 10 - 3 + 1 + 2
    assert house.cases("double_return") == []


@pytest.mark.parametrize("first", ["receipt", "loose"])
def test_two_returns_that_may_be_the_same_piece_are_a_case_and_no_guess(house: House, first: str) -> None:
    with_receipt, without = receipt(house, restock("A"), minutes=4), loose(house, "B", minutes=1)
    told = (with_receipt, without) if first == "receipt" else (without, with_receipt)

    there = after(house, receipt(house), *told, *told)

    assert there == 10 - 3 + 2
    [case] = house.rows(Case, kind="double_return")
    assert "LAMP" in ops_words.case_words(case, words.speaking("de"), {})[0]
    assert {"LAMP", "linden", "R-1"} <= {case.details["sku"], case.details["location"], case.details["order"]}


def test_returns_that_lie_hours_apart_are_two(house: House) -> None:
    house.clock.advance(hours=3)
    early = loose(house, "B", minutes=-120)

    after(house, receipt(house, restock("A")), early)

    assert house.cases("double_return") == []


@pytest.fixture
def two(make_house: MakeHouse, clock: StoppedClock) -> House:
    """A till and a web shop of two stores, which has sent a lamp."""
    house = make_house(
        (shop("pos", location_map={"Kasse 1": "linden"}), FakeChannel("pos", clock, TILL)),
        (shop("web", locations=("markt", "linden")), FakeChannel("web", clock)),
    )
    house.article("LAMP")
    for location in ("linden", "markt"):
        house.stock("LAMP", 10, location)
    by_mail(house, sent_back=False)
    return house


def by_mail(house: House, *, sent_back: bool, days: float = 0.0, sku: str = "LAMP", order_id: str = "1") -> None:
    """The web shop tells of its order, and that it put the piece back into stock."""
    at = house.clock.now() + timedelta(days=days)
    restocks = (Restock("refund-1", 1),) if sent_back else ()
    line = OrderLine("1", Article(sku=sku), 1, shipped=1, restocks=restocks)
    order = OrderSeen(order_id, f"#100{order_id}", at, at, (line,))
    facts = [order]
    house.within(lambda session: apply(session, house.context, house.channel("web"), facts, now=at))


def over_the_counter(house: House, *, days: float = 0.0, sku: str = "LAMP") -> None:
    at = house.clock.now() + timedelta(days=days)
    facts = [Sale(f"R/{sku}", Article(sku=sku), -1, at, "Kasse 1")]
    house.within(lambda session: apply(session, house.context, house.channel("pos"), facts, now=at))


@pytest.mark.parametrize("first", ["till", "shop"])
def test_a_lamp_that_till_and_shop_both_took_back_is_taken_off_again_where_nobody_had_it_in_the_hand(
    two: House, first: str
) -> None:
    over_the_counter(two, days=0.0 if first == "till" else 2.0)
    by_mail(two, sent_back=True, days=2.0 if first == "till" else 1.0)
    if first == "shop":
        over_the_counter(two, days=2.0)
    there = two.level("LAMP", "linden")[0], two.level("LAMP", "markt")[0]
    [case] = two.cases("double_return")

    two.within(lambda session: cases.apply(session, case.id, by="ops", now=two.clock.now() + timedelta(days=3)))

    assert there == (11, 10)
    assert (two.level("LAMP", "linden")[0], two.level("LAMP", "markt")[0]) == (11, 9)
    assert [one.duplicate for one in two.rows(GoodsReturn, counter=False)] == [1]
    assert case.details["channels"] == ["pos", "web"]
    said, _ = ops_words.case_words(case, words.speaking("de"), {}, {"pos": "Kasse Lindenstraße"})
    assert said.endswith("von Kasse Lindenstraße und web, mit Bestellung #1001")
    assert two.within(violations) == []


def test_each_piece_that_two_channels_took_back_is_one_case_however_often_it_is_told(two: House) -> None:
    two.article("BULB")
    for location in ("linden", "markt"):
        two.stock("BULB", 10, location)
    for sku, order_id in (("LAMP", "1"), ("BULB", "2")):
        by_mail(two, sent_back=False, sku=sku, order_id=order_id)
        over_the_counter(two, sku=sku)
        by_mail(two, sent_back=True, days=1.0, sku=sku, order_id=order_id)
        by_mail(two, sent_back=True, days=1.5, sku=sku, order_id=order_id)

    assert sorted(case.details["sku"] for case in two.cases("double_return")) == ["BULB", "LAMP"]


def test_what_comes_back_by_mail_waits_to_be_checked_and_what_a_till_takes_back_does_not(two: House) -> None:
    over_the_counter(two)
    by_mail(two, sent_back=True, days=4.0)

    waiting = [(one.channel, one.location, one.decided_at is None) for one in two.rows(GoodsReturn)]

    assert sorted(waiting) == [("pos", "linden", False), ("web", "markt", True)]
    assert two.cases("double_return") == []


@pytest.mark.parametrize("write", [Write.ABSOLUTE, Write.COMPARE_AND_SET])
def test_a_shop_that_offers_what_it_took_back_while_it_waits_to_be_checked_is_set_right_though_our_number_never_moved(
    make_house: MakeHouse, clock: StoppedClock, play: Play, write: Write
) -> None:
    web = FakeChannel("web", clock, Can(write=write, batch_size=50, webhooks=True))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    house.stock("LAMP", 5)
    web.offer("LAMP", stock=5)
    play(house.settle(rounds=2))
    sent = web.ship(web.buy("LAMP"))
    play(house.settle(rounds=2))

    play(house.tick("web"))  # all is read back: the next reading is half a minute away
    web.edit("LAMP", 5)  # of this change it sends nothing
    web.refund(sent)
    play(house.deliver("web"))
    for _ in range(3):
        play(house.tick("web"))

    assert [one.decided_at for one in house.rows(GoodsReturn)] == [None]
    assert (house.state("web", "LAMP").wanted, web.shows("LAMP")) == (4, 4)
