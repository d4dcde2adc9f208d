"""Whose promise breaks, what is proposed, and one call that carries it out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.adapters.base import Article, OrderLine, OrderSeen
from omnisync.errors import Conflict
from omnisync.orders import breaking, intake, picking, pickup, shortages, transfer
from omnisync.orders.breaking import Promised, Who
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import ends, ledger, promises, shelves
from omnisync.stock import shortages as cases
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT, OFFICE, STAFF, a_desk, a_ready_one, place, violations
from tests.stock.shop import article, hold, level, shelf, until_somebody_waits

WEB = ChannelSettings(name="webshop", adapter="fake", locations=[LINDEN, MARKT])


@pytest.fixture
def desk():
    made = a_desk()
    return type(made)(Settings(locations=made.settings.locations, channels=[WEB]), made.codes, made.ids, made.announce)


def sold(session, n, location=LINDEN):
    """A till sold pieces that were promised."""
    entry = ledger.Entry(Kind.SOLD, "LAMP", location, n, f"pos:{location}", START)
    ledger.record(session, [entry], now=START)


def an_order(session, number, n=1, *, paid=True, minutes=0):
    at = START + timedelta(minutes=minutes)
    order = OrderSeen(number, f"#{number}", at, at, (OrderLine("1", Article(sku="LAMP"), n),), paid=paid)
    return intake.take(session, WEB, order, lambda article: article.sku, now=START)


def the_proposals(session, desk, now=START):
    [found] = cases.list_open(session)
    return found, shortages.propose(session, desk, found, now=now)


def accept(session, desk, now=START):
    found, proposals = the_proposals(session, desk, now)
    return shortages.accept(session, desk, found.id, shortages.fingerprint(proposals), by="ops", now=now)


def said(proposals):
    return [(one.promised.who.value, one.pieces, one.action.value, one.source) for one in proposals]


def promised(name, pieces=2, *, paid=True, minutes=0, packed=0):
    return Promised(Who.HOLD, name, name, None, paid, START + timedelta(minutes=minutes), pieces, packed)


def test_the_unpaid_break_before_the_paid_the_newest_first_and_what_is_packed_never():
    everybody = [
        promised("paid, old"), promised("paid, new", minutes=9), promised("unpaid, old", paid=False),
        promised("unpaid, new", paid=False, minutes=9), promised("half packed", paid=False, minutes=20, packed=1),
    ]  # fmt: skip

    order = [(one.name, n) for one, n in breaking.broken(everybody, 8)]
    too_many = sum(n for _, n in breaking.broken(everybody, 99))

    assert order == [("half packed", 1), ("unpaid, new", 2), ("unpaid, old", 2), ("paid, new", 2), ("paid, old", 1)]
    assert too_many == 9


def test_every_promise_of_a_shelf_is_known_with_what_is_packed_of_it(session, desk):
    shelf(session, "LAMP", pieces=9)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    hold(session, "LAMP", 1)
    an_order(session, "1", paid=False)
    ready, picked = a_ready_one(session, desk, ("LAMP", 2)), place(session, desk, ("LAMP", 3), paid=True)
    picking.pick(session, desk, picked.pickup.id, actor=OFFICE, now=START)
    picking.pick(session, desk, picked.pickup.id, actor=OFFICE, now=START, picked={"LAMP": 1})
    there = place(session, desk, ("LAMP", 1), location=MARKT)
    transfer.transfer(session, desk, there.pickup.id, LINDEN, "goods_come", actor=OFFICE, now=START)

    found = breaking.promised_from(session, shelf(session, "LAMP", pieces=0), now=START)

    assert sorted((one.who.value, one.paid, one.pieces, one.packed) for one in found) == [
        ("hold", False, 1, 0), ("order", False, 1, 0), ("pickup", False, 2, 2), ("pickup", True, 3, 1),
        ("transfer", False, 1, 0),
    ]  # fmt: skip
    assert ready.pickup.number in {one.reference for one in found}


def test_a_pickup_gets_its_pieces_from_elsewhere_with_one_call(session, desk):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=5, location=LAGER)
    placed = place(session, desk, ("LAMP", 2))
    sold(session, 1)
    _, proposals = the_proposals(session, desk)

    done = accept(session, desk)

    assert said(proposals) == [("pickup", 1, "transfer", LAGER)]
    assert (done.closed_at, done.accepted_by) == (START, "ops")
    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected) == (1, 0)
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 1)
    assert level(session, "LAMP", LAGER).reserved == 1
    assert violations(session) == []


@pytest.mark.parametrize(("pieces", "action", "state"), [(2, "part", "placed"), (1, "cancel", "cancelled")])
def test_where_nobody_has_it_the_rest_stays_or_nothing_does(session, desk, pieces, action, state):
    shelf(session, "LAMP", pieces=pieces)
    placed = place(session, desk, ("LAMP", pieces))
    sold(session, 1)
    _, proposals = the_proposals(session, desk)

    accept(session, desk)

    assert said(proposals) == [("pickup", 1, action, None)]
    assert pickup.load(session, placed.pickup.id, STAFF).state == state
    assert cases.list_open(session) == []
    lacking, total = shortages.lacking(session, desk)
    assert [one.pickup.id for one in lacking] == [placed.pickup.id] * (state == "placed")
    assert total == len(lacking)
    assert violations(session) == []


def test_an_order_is_sent_from_another_store_or_its_channel_must_cancel_it(session, desk):
    shelf(session, "LAMP", pieces=3)
    an_order(session, "1", 1)
    an_order(session, "2", 2, minutes=5)
    sold(session, 3)
    ledger.record(session, [ledger.Entry(Kind.RECEIVED, "LAMP", MARKT, 2, "d", START)], now=START)
    found, proposals = the_proposals(session, desk)

    accept(session, desk)

    assert said(proposals) == [("order", 2, "other_store", MARKT), ("order", 1, "cancel_at_channel", None)]
    assert promises.open_of_order(session, "webshop:2") == {("1", "LAMP"): 2}
    assert (level(session, "LAMP", MARKT).available, level(session, "LAMP").short) == (0, 1)
    session.refresh(found)
    assert (found.quantity, found.accepted_by, found.closed_at) == (1, "ops", None)
    assert violations(session) == []


def test_a_hold_is_given_up_whole(session, desk):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 3)
    sold(session, 1)
    _, proposals = the_proposals(session, desk)

    accept(session, desk)

    assert said(proposals) == [("hold", 1, "cancel", None)]
    assert ends.states(session, ["r1"])["r1"].state == "released"
    assert (level(session, "LAMP").available, cases.list_open(session)) == (2, [])
    assert violations(session) == []


def test_a_hold_whose_time_is_over_breaks_before_anybody_and_is_written_off(session, desk):
    shelf(session, "LAMP", pieces=3)
    hold(session, "LAMP", 2)
    later = START + timedelta(hours=1)
    placed = place(session, desk, ("LAMP", 1), now=START)
    sold(session, 1)
    _, proposals = the_proposals(session, desk, later)

    accept(session, desk, later)

    assert said(proposals) == [("hold", 1, "cancel", None)]
    assert ends.states(session, ["r1"])["r1"].state == "expired"
    assert pickup.load(session, placed.pickup.id, STAFF).state == "placed"
    assert violations(session) == []


@pytest.mark.parametrize("third", [LAGER, None])
def test_what_a_store_was_to_send_comes_from_a_third_or_the_pickup_lacks_it(session, desk, third):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = place(session, desk, ("LAMP", 2))
    damaged = [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)]
    picking.reject(session, desk, placed.pickup.id, damaged, actor=STAFF, now=START)
    transfer.transfer(session, desk, placed.pickup.id, MARKT, "goods_come", actor=STAFF, now=START)
    if third is not None:
        shelf(session, "LAMP", pieces=1, location=third)
    sold(session, 1, MARKT)
    _, proposals = the_proposals(session, desk)

    accept(session, desk)

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert said(proposals) == [("transfer", 1, "transfer" if third else "cancel", third)]
    assert (line.coming, line.rejected) == ((1, 0) if third else (0, 1))
    assert cases.list_open(session) == []
    assert violations(session) == []


def test_a_proposal_that_no_longer_fits_is_refused_with_what_is_possible_now(session, desk):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=LAGER)
    place(session, desk, ("LAMP", 2))
    sold(session, 1)
    found, proposals = the_proposals(session, desk)
    seen = shortages.fingerprint(proposals)
    sold(session, 1, LAGER)

    with pytest.raises(Conflict) as refused:
        shortages.accept(session, desk, found.id, seen, by="ops", now=START)

    assert refused.value.code == "proposal-changed"
    assert [(one["action"], one["location"]) for one in refused.value.details["promises"]] == [("part", None)]
    assert (level(session, "LAMP").short, found.accepted_at) == (1, None)
    ledger.record(session, [ledger.Entry(Kind.RECEIVED, "LAMP", LINDEN, 1, "d", START)], now=START)
    with pytest.raises(Conflict) as over:
        shortages.accept(session, desk, found.id, seen, by="ops", now=START)
    assert over.value.code == "already-closed"
    assert violations(session) == []


def test_other_lines_of_the_same_pickup_are_another_proposal(session, desk):
    shelf(session, "LAMP", pieces=4)
    article(session, "PAIR", components={"LAMP": 2})
    placed = place(session, desk, ("LAMP", 2), ("PAIR", 1))
    sold(session, 2)
    found, [before] = the_proposals(session, desk)
    seen = shortages.fingerprint([before])
    picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START)
    packed = picking.pick(session, desk, placed.pickup.id, actor=STAFF, now=START, picked={"LAMP": 2})

    with pytest.raises(Conflict) as refused:
        shortages.accept(session, desk, found.id, seen, by="ops", now=START)

    [now] = refused.value.details["promises"]
    assert before.view() | {"lines": None} == now | {"lines": None}
    assert before.view()["lines"] == [{"sku": "LAMP", "quantity": 2}]
    assert now["lines"] == [{"sku": "PAIR", "quantity": 1}]
    assert pickup.open_lines(session, packed.id) == {"LAMP": 2, "PAIR": 1}


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer
def test_who_accepts_waits_for_the_bags_first_and_then_sees_what_is_in_them(engine, desk):
    with db.transaction(engine) as session:
        at = shelf(session, "LAMP", pieces=2)
        placed = [place(session, desk, ("LAMP", 1)) for _ in range(2)]
        sold(session, 2)
        found, proposals = the_proposals(session, desk)
        number, seen = found.id, shortages.fingerprint(proposals)
    last = max(one.pickup.id for one in placed)

    def accepting():
        with db.transaction(engine) as session:
            return shortages.accept(session, desk, number, seen, by="ops", now=START)

    with ThreadPoolExecutor(1) as thread, db.transaction(engine) as packer:
        picking.pick(packer, desk, last, actor=STAFF, now=START)
        waiting = thread.submit(accepting)
        until_somebody_waits(packer)
        packer.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
        shelves.lock(packer, [at])
        picking.pick(packer, desk, last, actor=STAFF, now=START, picked={"LAMP": 1})
        packer.commit()
        refused = waiting.exception()

    assert isinstance(refused, Conflict)
    assert refused.code == "proposal-changed"
    assert len(refused.details["promises"]) == 1
