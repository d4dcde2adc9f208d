from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from omnisync.adapters.base import Article, OrderLine, OrderSeen, Restock
from omnisync.orders import intake
from omnisync.orders import tables as orders_tables
from omnisync.settings import ChannelSettings
from omnisync.stock import ends, ledger, reservations
from omnisync.stock.ends import End, How
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Held
from omnisync.values import Kind
from tests.conftest import START
from tests.stock.shop import LINDEN, a_request, article, hold, kinds, level, shelf, violations

SHOP = ChannelSettings(
    name="webshop", adapter="fake", locations=["linden", "lager"], location_map={"L1": "linden", "L2": "lager"}
)


def an_order(*lines: OrderLine, minutes: float = 0, **details: object) -> OrderSeen:
    seen = {"id": "4711", "reference": "#1001", "version": START + timedelta(minutes=minutes), "placed_at": START}
    return OrderSeen(**(seen | {"lines": lines} | details))


def a_line(quantity: int = 1, sku: str = "LAMP", id: str = "1", **details: object) -> OrderLine:
    return OrderLine(id, Article(sku=sku), quantity, **details)


def take(session, order, known=("LAMP", "VASE", "SET", "CUP", "DEPOSIT"), **details):
    def resolve(found):
        return found.sku if found.sku in known else None

    return intake.take(session, SHOP, order, resolve, now=START, **details)


def test_an_order_stands_as_reserved_until_it_is_sent(session):
    shelf(session, "LAMP", pieces=5)

    take(session, an_order(a_line(2)))
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (5, 2)

    take(session, an_order(a_line(2, shipped=2), minutes=5))
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert violations(session) == []


def test_duplicates_and_older_versions_change_nothing(session):
    shelf(session, "LAMP", pieces=5)
    shipped = an_order(a_line(2, shipped=1), minutes=5)

    for order in (an_order(a_line(2)), shipped, shipped, an_order(a_line(2)), shipped):
        take(session, order)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (4, 1)
    assert kinds(session, "LAMP") == ["order", "shipped"]


def test_an_order_first_seen_when_it_was_shipped_already_takes_its_pieces(session):
    shelf(session, "LAMP", pieces=5)

    take(session, an_order(a_line(3, shipped=2, cancelled=1)))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert violations(session) == []


@pytest.mark.parametrize(("shipped", "on_hand"), [(0, 5), (1, 4)])
def test_a_cancellation_gives_back_what_was_not_sent(session, shipped, on_hand):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2, shipped=shipped)))

    take(session, an_order(a_line(2, shipped=shipped, cancelled=2 - shipped), minutes=1))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (on_hand, 0)
    assert violations(session) == []


def test_an_edited_order_follows_its_newest_quantity_up_and_down(session):
    shelf(session, "LAMP", pieces=9)

    reserved = []
    for minutes, quantity in [(0, 2), (1, 5), (3, 1), (2, 7), (4, 4)]:
        take(session, an_order(a_line(quantity), minutes=minutes))
        reserved.append(level(session, "LAMP").reserved)

    assert reserved == [2, 5, 1, 1, 4]
    assert violations(session) == []


def test_a_line_that_was_taken_off_its_order_gives_its_pieces_back(session):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "VASE", pieces=9)
    take(session, an_order(a_line(2), a_line(1, sku="VASE", id="2")))

    for minutes in (1, 2):
        take(session, an_order(a_line(2), minutes=minutes))

    assert (level(session, "LAMP").reserved, level(session, "VASE").reserved) == (2, 0)
    assert violations(session) == []


def test_a_refund_moves_no_stock_and_a_restock_returns_it_once(session):
    shelf(session, "LAMP", pieces=5)
    restocked = a_line(2, shipped=2, restocks=(Restock("r1", 1, "L2"),))
    take(session, an_order(a_line(2, shipped=2)))

    for minutes in (1, 2):
        take(session, an_order(restocked, minutes=minutes))

    assert level(session, "LAMP").on_hand == 3
    assert level(session, "LAMP", "lager").on_hand == 1


@pytest.mark.parametrize("was_known", [True, False])
def test_what_was_sent_and_refunded_by_the_time_we_hear_of_it_has_left_the_shelf(session, was_known):
    shelf(session, "LAMP", pieces=5)
    if was_known:
        take(session, an_order(a_line(3)))

    take(session, an_order(a_line(3, shipped=2, cancelled=2), minutes=5))
    take(session, an_order(a_line(3, shipped=3, cancelled=3), minutes=6))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


def test_of_an_order_beyond_its_hold_what_was_sent_and_refunded_meanwhile_has_left_the_shelf(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 2, channel="webshop", reference="#1001")

    take(session, an_order(a_line(3, shipped=3, cancelled=1)))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


def test_money_that_goes_back_for_what_was_sent_brings_no_goods(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2, shipped=2)))

    for minutes in (1, 2):
        take(session, an_order(a_line(2, shipped=2, cancelled=minutes), minutes=minutes))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert violations(session) == []


def test_no_more_comes_back_than_had_left(session):
    shelf(session, "LAMP", pieces=5)
    restocks = (Restock("r1", 2, "L1"), Restock("r2", 2, "L1"))

    take(session, an_order(a_line(2, shipped=2, restocks=restocks)))

    assert level(session, "LAMP").on_hand == 5


def test_a_line_is_taken_whole_where_it_is_there_before_it_is_split(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=3, location="lager")

    take(session, an_order(a_line(2)))
    take(session, an_order(a_line(2), id="4712", reference="#1002"))

    assert level(session, "LAMP", "lager").reserved == 3
    assert level(session, "LAMP", LINDEN).reserved == 1


def test_what_nobody_has_is_booked_at_the_first_location_and_counted_as_short(session):
    shelf(session, "LAMP", pieces=1)

    taken = take(session, an_order(a_line(3)))

    assert sum(taken.shortages.values()) == 2
    assert level(session, "LAMP").reserved == 3
    assert violations(session) == []


def test_the_channels_own_assignment_wins(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "LAMP", pieces=0, location="lager")

    take(session, an_order(a_line(1, place="L2")))

    assert level(session, "LAMP", "lager").reserved == 1


def test_an_unknown_line_waits_alone_and_takes_its_stock_when_it_is_mapped(session):
    shelf(session, "LAMP", pieces=5)
    shelf(session, "VASE", pieces=5)
    order = an_order(a_line(1), a_line(2, sku="VASE", id="2"))

    taken = take(session, order, known=("LAMP",))
    assert [waiting.line_id for waiting in taken.waiting] == ["2"]
    assert intake.waiting_orders(session, "webshop") == ["4711"]
    assert (level(session, "LAMP").reserved, level(session, "VASE").reserved) == (1, 0)

    take(session, order)
    take(session, order, known=())
    take(session, order)
    assert level(session, "VASE").reserved == 2
    assert intake.waiting_orders(session, "webshop") == []


def test_a_place_that_belongs_to_no_location_waits_instead_of_guessing(session):
    shelf(session, "LAMP", pieces=5)

    taken = take(session, an_order(a_line(1, place="elsewhere")))

    assert "elsewhere" in taken.waiting[0].reason
    assert level(session, "LAMP").reserved == 0


def test_deposit_and_orders_fulfilled_elsewhere_never_enter_the_ledger(session):
    shelf(session, "LAMP", pieces=5)
    article(session, "DEPOSIT", stocked=False)

    take(session, an_order(a_line(1, sku="DEPOSIT"), a_line(1, id="2", stocked=False)))
    take(session, an_order(a_line(1), id="4712", reference="#2", elsewhere=True))

    assert kinds(session, "LAMP") == kinds(session, "DEPOSIT") == []


def test_a_bundle_promises_and_ships_its_components(session):
    shelf(session, "CUP", pieces=8)
    article(session, "SET", components={"CUP": 4})

    take(session, an_order(a_line(2, sku="SET")))
    take(session, an_order(a_line(2, sku="SET", shipped=1), minutes=1))

    assert (level(session, "CUP").on_hand, level(session, "CUP").reserved) == (4, 4)


def test_a_counter_sale_leaves_the_shelf_at_once_and_a_void_brings_it_back(session):
    shelf(session, "LAMP", pieces=5)
    sale = an_order(a_line(2, place="L1"), counter=True)

    for order in (
        sale,
        sale,
        replace(sale, lines=(a_line(2, cancelled=1, place="L1"),), version=START + timedelta(minutes=1)),
    ):
        take(session, order)

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (4, 0)


def test_pieces_that_the_desk_has_handed_over_move_no_stock_at_the_till(session):
    shelf(session, "LAMP", pieces=5)

    take(session, an_order(a_line(3, place="L1"), counter=True), ring_up=lambda *_, **__: 2)

    assert level(session, "LAMP").on_hand == 4
    assert kinds(session, "LAMP") == ["sold", "sold"]


@pytest.mark.parametrize("hold_first", [True, False])
def test_an_order_and_its_hold_count_once_in_either_order_of_arrival(session, hold_first):
    shelf(session, "LAMP", pieces=5)
    order = an_order(a_line(2))
    binding = a_request(("LAMP", 2), channel="webshop", reference="#1001")

    if not hold_first:
        take(session, order)
    [held] = reservations.reserve(session, [binding], now=START)
    for _ in range(2):
        take(session, order)

    assert isinstance(held, Held)
    assert level(session, "LAMP").reserved == 2
    assert violations(session) == []


def test_a_hold_takes_over_the_last_piece_that_its_own_order_had_promised(session):
    shelf(session, "LAMP", pieces=1)
    take(session, an_order(a_line(1)))

    [held] = reservations.reserve(session, [a_request(("LAMP", 1), channel="webshop", reference="#1001")], now=START)

    assert isinstance(held, Held)
    assert violations(session) == []


def test_a_hold_that_takes_over_an_order_does_not_expire(session):
    shelf(session, "LAMP", pieces=1)
    take(session, an_order(a_line(1)))

    held = hold(session, "LAMP", 1, channel="webshop", reference="#1001")
    ends.expire_overdue(session, now=START + timedelta(days=1))

    assert (held.state, held.expires_at) == ("confirmed", None)
    assert level(session, "LAMP").reserved == 1


def test_a_hold_covers_only_its_own_quantity_of_the_order(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 1, channel="webshop", reference="#1001")

    take(session, an_order(a_line(3)))

    assert level(session, "LAMP").reserved == 3


def test_a_cancelled_piece_is_given_back_by_the_order_before_its_hold(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 1, channel="webshop", reference="#1001")
    take(session, an_order(a_line(2)))

    take(session, an_order(a_line(2, cancelled=1), minutes=1))

    assert level(session, "LAMP").reserved == 1


def test_an_order_still_moves_nothing_after_its_hold_was_collected(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 2, channel="webshop", reference="#1001")
    ends.end(session, [End("r1", How.COLLECT)], now=START)

    take(session, an_order(a_line(2)))
    take(session, an_order(a_line(2, shipped=2), minutes=1))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert violations(session) == []


def test_an_order_confirms_its_hold_and_its_shipment_collects_it(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 2, channel="webshop", reference="#1001")

    take(session, an_order(a_line(2)))
    assert ends.expire_overdue(session, now=START + timedelta(days=1)) == 0

    take(session, an_order(a_line(2, shipped=2), minutes=1))
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert violations(session) == []


def test_an_order_whose_hold_expired_before_is_a_promise_of_its_own(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 2, channel="webshop", reference="#1001")
    ends.expire_overdue(session, now=START + timedelta(days=1))

    take(session, an_order(a_line(2)))

    assert level(session, "LAMP").reserved == 2


def test_a_hold_past_its_time_covers_nothing_even_if_nobody_has_written_so_yet(session):
    shelf(session, "LAMP", pieces=5)
    overdue = a_request(("LAMP", 2), seconds=-60, channel="webshop", reference="#1001")
    reservations.reserve(session, [overdue], now=START - timedelta(minutes=5))

    take(session, an_order(a_line(2)))
    ends.expire_overdue(session, now=START)

    assert level(session, "LAMP").reserved == 2
    assert violations(session) == []


@pytest.mark.parametrize("hold_first", [True, False])
def test_an_order_that_its_channel_calls_otherwise_later_stays_bound_to_its_hold(session, hold_first):
    shelf(session, "LAMP", pieces=5)
    renamed = an_order(a_line(2), minutes=1, reference="2026-1001")

    if hold_first:
        hold(session, "LAMP", 2, channel="webshop", reference="#1001")
    take(session, an_order(a_line(2)))
    take(session, renamed)
    if not hold_first:
        hold(session, "LAMP", 2, channel="webshop", reference="2026-1001")
    reserved = level(session, "LAMP").reserved
    take(session, an_order(a_line(2, shipped=2), minutes=2, reference="2026-1001"))

    assert reserved == 2
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)
    assert ends.states(session, ["r1"])["r1"].reference == "2026-1001"
    assert violations(session) == []


def test_what_another_order_of_the_old_name_stands_on_keeps_it(session):
    shelf(session, "LAMP", pieces=5)
    hold(session, "LAMP", 1, channel="webshop", reference="#1001")
    for external in ("4711", "4712"):
        take(session, an_order(a_line(1), id=external))

    take(session, an_order(a_line(1), minutes=1, reference="2026-1001"))

    assert ends.states(session, ["r1"])["r1"].reference == "#1001"
    assert violations(session) == []


def test_a_shipment_from_before_a_count_does_not_lower_it(session):
    shelf(session, "LAMP", pieces=5)
    take(session, an_order(a_line(2)))
    counted = Entry(Kind.COUNT, "LAMP", LINDEN, 3, "count:1", START + timedelta(minutes=30))
    ledger.record(session, [counted], now=START)

    take(session, an_order(a_line(2, shipped=2), minutes=10))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 0)


def test_the_newest_snapshot_of_an_order_is_kept(session):
    shelf(session, "LAMP", pieces=5)

    take(session, an_order(a_line(2), totals={"total": "84.90"}))
    take(session, an_order(a_line(2, shipped=1), minutes=2, closed=True))

    table = orders_tables.OrderLine
    [line] = session.exec(select(table).where(col(table.order_id) == "webshop:4711")).all()
    assert (line.quantity, line.shipped) == (2, 1)
