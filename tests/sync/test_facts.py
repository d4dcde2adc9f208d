"""What channels say happened is booked once, on the right shelf, or waits for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from omnisync.adapters.base import (
    Article,
    Can,
    Counted,
    Customer,
    Delivered,
    Fact,
    LevelSeen,
    OrderLine,
    OrderSeen,
    Sale,
    Unreadable,
    Write,
)
from omnisync.clock import StoppedClock
from omnisync.stock.tables import Movement
from omnisync.sync import facts, mappings, replay
from omnisync.sync.tables import DeadLetter
from omnisync.values import Kind
from tests.sync.conftest import MakeHouse
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

TILL = Can(write=Write.NONE, looks=False)


def till(make_house: MakeHouse, clock: StoppedClock, *, owns: bool = False, **more: object) -> House:
    """One till in one store, with one lamp article."""
    settings = shop("pos", location_map={"Kasse 1": "linden"}, **more)
    house = make_house((settings, FakeChannel("pos", clock, TILL)), owners={"linden": "pos"} if owns else None)
    house.article("LAMP")
    house.stock("LAMP", 10)
    return house


def tell(house: House, *told: Fact, trusted: bool = False) -> int:
    now = house.clock.now()
    waiting: int = house.within(
        lambda session: facts.apply(session, house.context, house.channel("pos"), told, now=now, trusted=trusted)
    )
    return waiting


def sale(house: House, key: str = "4711/1", quantity: int = 1, sku: str = "LAMP", **more: object) -> Sale:
    return Sale(key, Article(sku=sku), quantity, house.clock.now(), **more)  # type: ignore[arg-type]


def test_a_receipt_line_told_twice_is_one_sale(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)

    tell(house, sale(house, quantity=2), sale(house, quantity=2))
    tell(house, sale(house, quantity=2))

    assert house.level("LAMP") == (8, 0)


def test_a_receipt_line_stays_one_sale_when_its_article_is_mapped_elsewhere(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    house.article("DESK")
    tell(house, sale(house))

    tell(house, sale(house, sku="DESK"))

    assert house.level("LAMP") == (9, 0)
    assert [row.sku for row in house.rows(Movement, kind="sold")] == ["LAMP"]


def test_a_negative_line_brings_the_piece_back(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)

    tell(house, sale(house), sale(house, "4712/1", -1))

    assert house.level("LAMP") == (10, 0)
    assert len(house.rows(Movement, kind="returned")) == 1


def test_a_sale_of_a_bundle_moves_what_it_holds(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    house.article("BULB")
    house.stock("BULB", 10)
    house.bundle("SET", {"LAMP": 1, "BULB": 3})

    tell(house, sale(house, quantity=2, sku="SET"), sale(house, quantity=2, sku="SET"))

    assert (house.level("LAMP"), house.level("BULB")) == ((8, 0), (4, 0))


def test_deposit_and_gift_wrap_never_enter_the_ledger(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    house.article("PFAND", stocked=False)

    assert tell(house, sale(house, sku="PFAND")) == 0

    assert house.rows(Movement, sku="PFAND") == []


def test_an_unknown_article_waits_alone_and_is_booked_when_it_is_mapped(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    strange = Sale("4711/2", Article(external_id="X-9", title="Lampe alt"), 3, clock.now())

    assert tell(house, sale(house), strange) == 1
    assert house.level("LAMP") == (9, 0)
    [letter] = house.letters("pos")
    assert "X-9" in letter.reason

    released = house.within(
        lambda session: mappings.put(session, house.context, house.channel("pos"), {"X-9": "LAMP"}, now=clock.now())
    )

    assert released == 1
    assert house.level("LAMP") == (6, 0)
    assert [row.closed_how for row in house.rows(DeadLetter)] == ["mended"]


def test_in_an_order_only_the_unknown_line_waits(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    now = clock.now()
    lines = (OrderLine("1", Article(sku="LAMP"), 2), OrderLine("2", Article(external_id="X-9", title="Lampe alt"), 1))
    order = OrderSeen("1001", "#1001", now, now, lines)

    assert tell(house, order) == 1
    assert house.level("LAMP") == (10, 2)
    assert tell(house, order) == 1
    [letter] = house.letters("pos")
    assert letter.attempts == 2

    house.within(
        lambda session: mappings.put(session, house.context, house.channel("pos"), {"X-9": "LAMP"}, now=clock.now())
    )

    assert house.level("LAMP") == (10, 3)
    assert house.letters("pos") == []


WORKSHOP = Article(external_id="X-9", title="Workshop")


def test_a_line_that_a_person_discarded_stays_so_whatever_else_becomes_of_its_order(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    lines = (OrderLine("1", Article(sku="LAMP"), 2), OrderLine("2", WORKSHOP, 2))
    order = OrderSeen("1001", "#1001", clock.now(), clock.now(), lines)
    assert tell(house, order) == 1
    [letter] = house.letters("pos")
    house.within(lambda session: replay.discard(session, letter.id, now=clock.now()))

    for shipped, cancelled in ((1, 0), (2, 0), (2, 1)):
        clock.advance(minutes=1)
        changed = (replace(lines[0], shipped=shipped), replace(lines[1], cancelled=cancelled))
        assert tell(house, replace(order, version=clock.now(), lines=changed)) == 0

    assert (house.level("LAMP"), house.letters("pos")) == ((8, 0), [])


@pytest.mark.parametrize(
    "line",
    [
        OrderLine("2", WORKSHOP, 3),
        OrderLine("2", replace(WORKSHOP, external_id="X-10"), 2),
        OrderLine("3", WORKSHOP, 2),
    ],
    ids=["more of it", "another article", "another line"],
)
def test_a_line_that_wants_something_else_than_was_discarded_waits_again(
    make_house: MakeHouse, clock: StoppedClock, line: OrderLine
) -> None:
    house = till(make_house, clock)
    order = OrderSeen("1001", "#1001", clock.now(), clock.now(), (OrderLine("2", WORKSHOP, 2),))
    tell(house, order)
    [letter] = house.letters("pos")
    house.within(lambda session: replay.discard(session, letter.id, now=clock.now()))
    clock.advance(minutes=1)

    assert tell(house, replace(order, version=clock.now(), lines=(line,))) == 1

    assert [one.key for one in house.letters("pos")] == [f"line/1001/{line.id}"]


def test_a_dead_letter_keeps_no_customer(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    now = clock.now()
    line = OrderLine("1", Article(external_id="X-9"), 1)
    order = OrderSeen("1001", "#1001", now, now, (line,), customer=Customer(name="Erika Musterfrau"))

    tell(house, order)

    [letter] = house.letters("pos")
    assert "Erika" not in str(letter.payload)


def test_an_unmapped_place_needs_a_person_and_never_a_default(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)

    assert tell(house, sale(house, place="Kasse 9")) == 1

    assert house.level("LAMP") == (10, 0)
    [letter] = house.letters("pos")
    assert "location_map" in letter.action


@pytest.mark.parametrize(("offset", "reason"), [(timedelta(hours=2), "future"), (timedelta(days=-91), "90 days")])
def test_a_time_that_cannot_be_true_needs_a_person(
    make_house: MakeHouse, clock: StoppedClock, offset: timedelta, reason: str
) -> None:
    house = till(make_house, clock)
    odd = replace(sale(house), at=clock.now() + offset)

    assert tell(house, odd) == 1
    [letter] = house.letters("pos")
    assert reason in letter.reason

    house.within(lambda session: replay.replay(session, house.context, letter.id, now=clock.now()))

    assert len(house.rows(Movement, kind="sold")) == 1
    assert house.letters("pos") == []


def test_what_becomes_of_an_order_is_booked_however_long_it_took_and_what_nobody_knew_is_long_over(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    at = clock.now()
    lines = (OrderLine("1", Article(sku="LAMP"), 2),)
    tell(house, OrderSeen("1001", "#1001", at, at, lines))
    assert house.level("LAMP") == (10, 2)

    clock.advance(days=100)
    tell(house, OrderSeen("1001", "#1001", clock.now(), at, lines))
    tell(house, OrderSeen("1000", "#1000", clock.now(), at, lines, closed=True))
    assert (house.level("LAMP"), house.letters("pos")) == ((10, 2), [])

    tell(house, OrderSeen("1001", "#1001", clock.now(), at, (replace(lines[0], shipped=2),), closed=True))
    assert (house.level("LAMP"), house.letters("pos")) == ((8, 0), [])


def test_the_letter_about_an_order_that_could_not_be_read_goes_when_it_can(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    other = Unreadable("order:1002", "It cannot be read.", "Look at it.")
    tell(house, replace(other, key="order:1001"), replace(other, key="order:1001/1"), other)
    assert len(house.letters("pos")) == 3

    tell(house, OrderSeen("1001", "#1001", clock.now(), clock.now(), (OrderLine("1", Article(sku="LAMP"), 2),)))

    assert [letter.key for letter in house.letters("pos")] == ["fact/order:1002"]


def test_a_clock_that_is_a_little_ahead_is_measured_and_taken_off(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    ahead = timedelta(minutes=4)
    tell(house, replace(sale(house), at=clock.now() + ahead))
    clock.advance(hours=1)

    tell(house, replace(sale(house, "4712/1"), at=clock.now() + ahead - timedelta(minutes=30)))

    booked = {row.key: row.occurred_at for row in house.rows(Movement, kind="sold")}
    assert booked["pos:4711/1"] == clock.now() - timedelta(hours=1)
    assert booked["pos:4712/1"] == clock.now() - timedelta(minutes=30)


def test_a_sale_by_a_clock_that_is_behind_is_not_taken_for_one_of_before_the_count(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    behind = timedelta(minutes=4)
    house.context.adapters["pos"].their_clock.ahead = -behind
    clock.advance(minutes=1)
    house.stock("LAMP", 10, kind=Kind.COUNT)
    clock.advance(minutes=1)

    tell(house, replace(sale(house, quantity=2), at=clock.now() - behind))
    assert house.level("LAMP") == (8, 0)
    tell(house, replace(sale(house, "4712/1"), at=clock.now() - behind - timedelta(minutes=1.5)))
    assert house.level("LAMP") == (8, 0)  # this one was before the count

    tell(house, replace(sale(house, "4713/1"), at=clock.now() - timedelta(seconds=5)))
    [row] = house.rows(Movement, key="pos:4713/1")
    assert row.occurred_at == clock.now()  # its clock cannot be that much behind


def test_a_till_that_owns_its_stock_counts_and_receives(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock, owns=True)
    clock.advance(minutes=1)
    now, lamp = clock.now(), Article(sku="LAMP")

    tell(house, Counted("count-1", lamp, 4, now), Delivered("lieferung-1", lamp, 3, now))
    tell(house, Counted("count-1", lamp, 4, now), Delivered("lieferung-1", lamp, 3, now))

    assert house.level("LAMP") == (7, 0)


def test_a_delivery_stays_one_when_its_article_is_mapped_elsewhere(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock, owns=True)
    house.article("DESK")
    house.stock("DESK", 10)
    clock.advance(minutes=1)
    now = clock.now()

    for sku in ("LAMP", "DESK"):
        tell(house, Delivered("d-1/x", Article(sku=sku), 3, now), Delivered("d-2/x", Article(sku=sku), -2, now))

    assert (house.level("LAMP"), house.level("DESK")) == ((11, 0), (10, 0))
    tell(house, Delivered("d-1", Article(sku="DESK"), 4, now))
    assert house.level("DESK") == (14, 0)


def test_a_count_of_somebody_elses_stock_is_shown_and_not_booked(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)

    tell(house, Counted("count-1", Article(sku="LAMP"), 4, clock.now()))
    tell(house, Counted("count-2", Article(sku="LAMP"), 3, clock.now()))

    assert house.level("LAMP") == (10, 0)
    [case] = house.cases("drift")
    assert case.details["counted"] == 3


def test_a_level_of_a_channel_that_owns_the_stock_becomes_the_stock(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock, owns=True)
    clock.advance(minutes=1)
    level = LevelSeen(Article(sku="LAMP"), 6, place="Kasse 1", at=clock.now(), version="7")

    tell(house, level)
    tell(house, level)

    assert house.level("LAMP") == (6, 0)
    assert len(house.rows(Movement, kind="count")) == 2


def test_what_an_adapter_cannot_read_waits_with_its_mend(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)

    tell(
        house,
        Unreadable("bon.csv:17", "The quantity is “zwei”.", "Correct line 17 and drop the file again."),
        sale(house),
    )

    assert house.level("LAMP") == (9, 0)
    [letter] = house.letters("pos")
    assert letter.action == "Correct line 17 and drop the file again."


def test_what_a_person_discarded_stays_so_when_it_is_only_told_again(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    unknown = Delivered("lieferung-1", Article(sku="LAMP"), 3, clock.now())
    tell(house, unknown)
    [letter] = house.letters("pos")
    assert "discard" in letter.action

    house.within(lambda session: replay.discard(session, letter.id, now=clock.now()))
    clock.advance(minutes=1)
    assert tell(house, unknown) == 0
    assert house.letters("pos") == []

    tell(house, replace(unknown, quantity=4))
    assert [one.id for one in house.letters("pos")] == [letter.id]


def test_a_fact_that_breaks_us_stops_neither_its_page_nor_leaves_half_an_effect(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = till(make_house, clock)
    broken = sale(house, "4711/9", quantity=2**70)

    assert tell(house, sale(house), broken, sale(house, "4713/1")) == 1

    assert house.level("LAMP") == (8, 0)
    assert [letter.key for letter in house.letters("pos")] == ["fact/4711/9"]


def test_what_the_pickup_desk_handed_over_is_not_taken_off_twice(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = till(make_house, clock)
    handed_over = {"LAMP": 1}

    def ring_up(session, sku, location, quantity, *, sale_key, at, now):  # type: ignore[no-untyped-def]
        again = min(quantity, handed_over.pop(sku, 0))
        return again

    house.context = replace(house.context, ring_up=ring_up)
    tell(house, sale(house, quantity=3))
    tell(house, sale(house, quantity=3))

    assert house.level("LAMP") == (8, 0)
    assert {(row.quantity, row.on_hand) for row in house.rows(Movement, kind=Kind.SOLD.value)} == {(2, -2), (1, 0)}
