"""Whatever is wrong in the books, `omnisync verify` names it."""

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.orders.tables import HandOver, PickupLine
from omnisync.orders.tables import Pickup as PickupRow
from omnisync.stock import came_back, ends, ledger, promises, reservations, shelves, stocktakes, transfers
from omnisync.stock.effects import Level
from omnisync.stock.ledger import Entry
from omnisync.stock.shelves import GuardBroken
from omnisync.stock.tables import Balance, GoodsReturn, Promise, Reservation, Shortage, StocktakeLine, TransferLine
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT, a_desk, place, violations
from tests.stock.shop import article, hold, shelf

LAMP = Shelf(LINDEN, "LAMP")


def said(kind, n=1, sku="LAMP", cause="test", **more):
    return Entry(kind, sku, LINDEN, n, cause, START, **more)


@pytest.fixture
def shop(session, ids):
    """One of everything, and all of it in order; what a test spoils is rolled back."""
    shelf(session, "LAMP", pieces=20)
    shelf(session, "LAMP", pieces=5, location=LAGER)
    article(session, "VASE")
    hold(session, "LAMP", 2)
    promises.make(session, [promises.Wanted("web", "#1", "web:1", "1", LAMP, 3, START)], now=START)
    placed = place(session, a_desk(), ("LAMP", 1))
    sending = transfers.Sending(LAGER, LINDEN, {"LAMP": 1}, START)
    asked = transfers.ask(session, ids, sending, now=START)
    wish = reservations.Request(asked.id, (reservations.Line("LAMP", LAGER, 1),), None)
    reservations.reserve(session, [wish], now=START)
    for_the_floor = [Entry(kind, "LAMP", at, 1, "transfer:api:1", START) for kind, at in (
        (Kind.TRANSFER_OUT, LINDEN), (Kind.TRANSFER_IN, MARKT),
    )]  # fmt: skip
    ledger.record(session, for_the_floor, now=START)
    back = came_back.Source("web", True, False, "web:1", "#1")
    came_back.book(session, said(Kind.RETURNED, 1, key="back"), back, now=START)
    take = stocktakes.open_one(session, ids, LINDEN, by="ops", now=START)
    stocktakes.count(session, take.id, [stocktakes.Count("LAMP", 20, START)], by="ops", at=None, now=START)
    stocktakes.book(session, take.id, by="ops", now=START)
    assert violations(session) == []
    yield placed.pickup
    session.rollback()


def changed(row, **values):
    return sa.update(db.table(row)).values(values)


def journal(session, kind, change, **more):
    ledger.insert(session, [(said(kind, **more), change)], now=START)


def sums(**values):
    table = db.table(Balance)
    return sa.update(table).where(table.c.sku == "LAMP", table.c.location == LINDEN).values(values)


ROWS = [
    (sums(on_hand=99), "on_hand is 99, its movements sum to"),
    (sums(reserved=0), "reserved is 0, its movements sum to 6"),
    (sa.delete(db.table(Balance)), "has movements and no balance"),
    (sa.insert(db.table(Balance)).values(location=LINDEN, sku="VASE", on_hand=3, changed_at=START), "on_hand is 3, its movements sum to 0"),
    (changed(Reservation, state="collected"), "is collected with 2 open"),
    (sa.insert(db.table(Shortage)).values(location=LINDEN, sku="LAMP", quantity=3, worst=3, cause="", opened_at=START), "the open shortage says 3"),
    (changed(Promise, quantity=9), "9 open by its row, 3 by the journal"),
    (changed(TransferLine, received=1), "1 of LAMP are received by its lines, 0 by the journal"),
    (changed(GoodsReturn, decided_at=START), "1 are blocked, 0 wait to be checked"),
    (changed(GoodsReturn, scrap=2), "of 1 pieces 2 were decided about"),
    (changed(StocktakeLine, counted=7), "7 of LAMP were counted, 20 are booked"),
    (changed(PickupRow, state="cancelled"), "is cancelled and still holds 1"),
    (changed(PickupRow, ended_at=START), "is placed, which does not fit the time of its end"),
    (changed(PickupLine, collected=2), "more of LAMP was handed over, rejected or picked than ordered"),
    (sa.insert(db.table(HandOver)).values(id="x", location=LINDEN, sku="LAMP", at=START), "its sides and its match do not fit"),
]  # fmt: skip
JOURNAL = [
    (Kind.RELEASED, Level(reserved=-9), {"promise": "r1"}, "r1: more pieces ended than were promised (7 too many)"),
    (Kind.HOLD, Level(reserved=1), {"promise": "ghost"}, "ghost: reserves 1 and is neither a reservation nor an order"),
    (Kind.RELEASED, Level(reserved=-1), {}, "changes reserved without a promise"),
    (Kind.HOLD, Level(reserved=30), {"n": 30, "promise": "r1"}, "hold r1 (movement"),
    (Kind.TRANSFER_IN, Level(on_hand=1), {"cause": "transfer:2"}, "transfer:2: 1 of LAMP arrived that were never sent"),
    (Kind.BLOCKED, Level(blocked=4), {"cause": "return:99"}, "return:99: blocks 4 and is no return"),
]


@pytest.mark.parametrize(("damage", "complaint"), ROWS, ids=[complaint for _, complaint in ROWS])
def test_a_row_that_is_wrong_is_named(session, shop, damage, complaint):
    session.execute(damage)

    assert [found for found in violations(session) if complaint in found]


@pytest.mark.parametrize(("kind", "change", "more", "complaint"), JOURNAL, ids=[row[-1] for row in JOURNAL])
def test_a_movement_that_cannot_be_is_named(session, shop, kind, change, more, complaint):
    journal(session, kind, change, **more)

    assert [found for found in violations(session) if complaint in found]


def test_a_second_reservation_of_a_pickup_and_an_effect_that_stands_twice_are_named(session, shop):
    hold(session, "LAMP", id="r2")
    session.execute(changed(Reservation, pickup=shop.id).where(db.table(Reservation).c.id == "r2"))
    session.execute(sa.text("DROP INDEX movement_key"))
    for _ in range(2):
        journal(session, Kind.FOUND, Level(), key="twice")

    found = violations(session)

    assert f"{shop.number}: has 2 open reservations" in found
    assert "twice: recorded 2 times" in found


def test_every_guard_refuses_what_no_lock_has_kept_away(session, shop):
    [waiting] = promises.of_line(session, "web:1", "1")

    for broken in (
        lambda: shelves.hold(session, {LAMP: 99}, now=START),
        lambda: promises.taken_over(session, [(waiting.id, 4)]),
        lambda: ends.taken_over(session, {"nobody": "somebody"}, now=START),
    ):
        with pytest.raises(GuardBroken):
            broken()

    assert violations(session) == []
