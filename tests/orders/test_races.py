from concurrent.futures import ThreadPoolExecutor

from omnisync import db
from omnisync.adapters.base import Article, OrderSeen
from omnisync.adapters.base import OrderLine as LineSeen
from omnisync.errors import Refused
from omnisync.orders import ending, handing, handover, intake, picking
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LINDEN, STAFF, a_desk, a_ready_one, hand_over, place, violations
from tests.stock.shop import kinds, level, shelf


def _race(engine, *works):
    """Everybody at once, each in a transaction of their own; what each got."""

    def run(work):
        try:
            with db.transaction(engine) as session:
                return work(session)
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_many_ends_at_the_same_moment_one_wins(engine):
    desk = a_desk("all")
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)
        placed = a_ready_one(session, desk, ("LAMP", 2))
    the_id = placed.pickup.id
    damaged = [picking.Rejected("LAMP", 2, picking.Why.DAMAGED)]

    outcomes = _race(
        engine,
        lambda session: hand_over(session, desk, placed),
        lambda session: ending.cancel(session, desk, the_id, actor=STAFF, now=START),
        lambda session: handing.collect(
            session, desk, the_id, handing.WithoutCode(handing.Reason.KNOWN), actor=STAFF, now=START
        ),
        lambda session: picking.reject(session, desk, the_id, damaged, actor=STAFF, now=START),
    )

    losers = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [loser.code for loser in losers] == ["wrong-state"] * 3
    with db.transaction(engine) as session:
        assert level(session, "LAMP").reserved == 0
        assert violations(session) == []


def test_a_till_sale_and_a_hand_over_at_the_same_moment_take_the_piece_once(engine):
    desk = a_desk("all")
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=20)
        pickups = [a_ready_one(session, desk, ("LAMP", 1), reference=f"#{n}") for n in range(6)]

    def sale(number):
        def ring(session):
            key = f"pos:{number}/1"
            location = desk.location(LINDEN)
            already = handover.rung_up(session, location, "LAMP", 1, sale_key=key, at=START, now=START)
            entry = Entry(Kind.SOLD, "LAMP", LINDEN, 1, key, START, key=key, physical=not already)
            return ledger.record(session, [entry], now=START)

        return ring

    desks = [lambda session, placed=placed: hand_over(session, desk, placed) for placed in pickups]
    _race(engine, *(work for pair in zip(desks, map(sale, range(6)), strict=True) for work in pair))

    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 14
        assert handover.not_rung_up(session) == []
        assert violations(session) == []


def _order(reference):
    line = LineSeen(id="1", article=Article(external_id="e1", sku="LAMP"), quantity=1)
    return OrderSeen("77", reference, START, START, (line,), pickup=True, currency="EUR")


def test_the_order_behind_a_pickup_moves_nothing_whichever_comes_first(session):
    desk = a_desk()
    channel = desk.settings.channel("webshop")
    shelf(session, "LAMP", pieces=5)

    place(session, desk, ("LAMP", 1), channel="webshop", reference="#1")
    intake.take(session, channel, _order("#1"), lambda article: article.sku, now=START)

    assert kinds(session, "LAMP") == ["hold"]
    assert level(session, "LAMP").reserved == 1


def test_the_order_that_came_first_hands_its_promise_to_the_pickup(session):
    desk = a_desk()
    channel = desk.settings.channel("webshop")
    shelf(session, "LAMP", pieces=1)

    intake.take(session, channel, _order("#1"), lambda article: article.sku, now=START)
    placed = place(session, desk, ("LAMP", 1), channel="webshop", reference="#1")
    ending.cancel(session, desk, placed.pickup.id, actor=STAFF, now=START)
    intake.take(session, channel, _order("#1"), lambda article: article.sku, now=START)

    assert level(session, "LAMP").reserved == 0
    assert violations(session) == []
