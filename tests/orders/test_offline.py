"""A device without a network hands over all the same: what it tells later is a fact, heard once, and one bag leaves the shelf once."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.orders import acts, checks, ending, handing, offline, picking, pickup, transfer, undoing
from omnisync.orders.offline import Became, Deed
from omnisync.orders.pickup import Actor
from omnisync.orders.undoing import Wrong
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.conftest import START
from tests.orders.counter import (
    LINDEN,
    OFFICE,
    Heard,
    a_desk,
    a_ready_one,
    hand_over,
    place,
    tasks,
    violations,
)
from tests.orders.test_undoing import rung_up
from tests.stock.shop import article, kinds, level, shelf

PHONE = Actor("Kim", LINDEN, "phone")
TILL = Actor("Ada", LINDEN, "till")
AT, LATER = START + timedelta(minutes=5), START + timedelta(hours=2)


def deed(*lines, name="a", at=AT, **more):
    return Deed(name, dict(lines), at.isoformat(), at, **more)


def hear(session, desk, placed, told, *, actor=PHONE, now=LATER):
    return offline.hear(session, desk, placed.pickup.id, told, actor=actor, now=now)


def test_what_was_handed_over_offline_is_booked_at_its_moment(session):
    shelf(session, "LAMP", pieces=3)
    desk = a_desk(announce=(heard := Heard()))
    placed = a_ready_one(session, desk, ("LAMP", 2))

    told = hear(session, desk, placed, deed(("LAMP", 2)))

    assert (told.became, told.was, told.over, told.repeated) == (Became.BOOKED, "ready", {}, False)
    assert (told.found.state, told.found.ended_at, told.found.collected_how) == ("collected", AT, "code: offline")
    assert kinds(session, "LAMP") == ["hold", "collected"]
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    newest = acts.of(session, placed.pickup.id)[-1]
    assert (newest.what, newest.by, newest.device, newest.at) == ("collected", "Kim", "phone", AT)
    assert newest.details["deed"] == "a"
    assert heard.kinds[-1] == "collected"
    assert violations(session) == []


def test_the_same_name_twice_is_one_hand_over_with_one_answer(session):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    first = hear(session, desk, placed, deed(("LAMP", 2)))
    again = hear(session, desk, placed, replace(deed(("LAMP", 2)), at=LATER), now=LATER + timedelta(days=8))

    assert (again.became, again.at, again.repeated) == (first.became, first.at, True)
    assert kinds(session, "LAMP") == ["hold", "collected"]


@pytest.mark.parametrize(
    "other", [deed(("LAMP", 1)), deed(("LAMP", 2), at=AT + timedelta(seconds=1)), "another device"]
)
def test_the_same_name_for_another_hand_over_is_refused(session, other):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    hear(session, desk, placed, deed(("LAMP", 2)))
    told, actor = (deed(("LAMP", 2)), TILL) if other == "another device" else (other, PHONE)

    with pytest.raises(Conflict) as refused:
        hear(session, desk, placed, told, actor=actor)

    assert (refused.value.code, refused.value.status) == ("deed-differs", 409)


def test_of_two_devices_exactly_one_wins_and_the_other_is_told(session):
    shelf(session, "LAMP", pieces=4)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    won = hear(session, desk, placed, deed(("LAMP", 2), name="a"))
    lost = hear(session, desk, placed, deed(("LAMP", 2), name="b"), actor=TILL)

    assert (won.became, lost.became) == (Became.BOOKED, Became.TWICE)
    assert (lost.was, lost.over, lost.first.by) == ("collected", {"LAMP": 2}, "Kim")
    assert kinds(session, "LAMP") == ["hold", "collected"]
    assert [act.what for act in acts.of(session, placed.pickup.id)][-2:] == ["collected", "heard_again"]
    assert hear(session, desk, placed, deed(("LAMP", 2), name="b"), actor=TILL).became == Became.TWICE
    assert violations(session) == []


def test_two_devices_at_the_same_moment_move_the_pieces_once(engine):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=4)
        placed = a_ready_one(session, desk := a_desk(), ("LAMP", 2))
    became, ready = [], threading.Barrier(2)

    def tell(actor, name):
        ready.wait()
        with db.transaction(engine) as session:
            became.append(hear(session, desk, placed, deed(("LAMP", 2), name=name), actor=actor).became)

    threads = [threading.Thread(target=tell, args=told) for told in ((PHONE, "a"), (TILL, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(became) == [Became.BOOKED, Became.TWICE]
    with db.transaction(engine) as session:
        assert kinds(session, "LAMP") == ["hold", "collected"]
        assert violations(session) == []


def test_after_a_hand_over_with_a_network_it_is_too_late_for_another_device(session):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    hand_over(session, desk, placed)

    assert hear(session, desk, placed, deed(("LAMP", 1))).became == Became.TWICE
    assert kinds(session, "LAMP") == ["hold", "collected"]


def test_what_the_same_device_said_before_its_network_went_is_the_same_bag(session):
    shelf(session, "LAMP", pieces=2)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    handing.collect(session, desk, placed.pickup.id, handing.ByCode(placed.code), actor=PHONE, now=START)

    assert hear(session, desk, placed, deed(("LAMP", 1))).became == Became.AGAIN
    assert kinds(session, "LAMP") == ["hold", "collected"]


@pytest.mark.parametrize(("actor", "became"), [(PHONE, Became.BOOKED), (TILL, Became.TWICE)])
def test_of_a_pickup_that_was_handed_over_in_part_only_the_rest_is_booked(session, actor, became):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))
    proof = handing.ByCode(placed.code)
    handing.collect(session, desk, placed.pickup.id, proof, actor=PHONE, now=START, part={"LAMP": 1})

    told = hear(session, desk, placed, deed(("LAMP", 3)), actor=actor)

    assert (told.became, told.over, told.found.state) == (became, {"LAMP": 1}, "collected")
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 0)
    assert violations(session) == []


def test_a_part_that_is_handed_over_offline_leaves_the_rest_waiting(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 3))

    told = hear(session, desk, placed, deed(("LAMP", 1)))

    assert (told.became, told.found.state) == (Became.BOOKED, "ready")
    assert pickup.open_lines(session, placed.pickup.id) == {"LAMP": 2}
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 2)
    assert violations(session) == []


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_a_pickup_that_ended_meanwhile_is_gone_all_the_same(session, how):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1), paid=False)
    if how == "cancelled":
        ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START + timedelta(minutes=9))
        now = LATER
    else:
        now = placed.pickup.collect_by + timedelta(minutes=1)
        ending.expire_overdue(session, desk, now=now)
    assert [kind for kind, _, _ in tasks(session)] == ["put_back"]
    place(session, desk, ("LAMP", 1), now=now, reference="#2")

    told = hear(session, desk, placed, deed(("LAMP", 1)), now=now)

    assert (told.became, told.was, told.over) == (Became.AFTER_END, how, {})
    assert (told.found.state, told.found.ended_at) == ("collected", AT)
    assert kinds(session, "LAMP") == ["hold", "released", "hold", "sold"]
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (0, 1)
    assert level(session, "LAMP").short == 1
    assert tasks(session) == []
    assert violations(session) == []
    assert hear(session, desk, placed, deed(("LAMP", 1)), now=now).became == Became.AFTER_END
    assert kinds(session, "LAMP") == ["hold", "released", "hold", "sold"]


def test_what_the_till_rang_up_for_it_is_not_taken_off_the_shelf_twice(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(at_till="all"), ("LAMP", 2))
    rung_up(session, desk, 1, "till/1", at=AT)
    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=LATER)

    hear(session, desk, placed, deed(("LAMP", 2)))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert violations(session) == []


def test_a_count_made_before_it_was_heard_has_missed_the_pieces_already(session):
    shelf(session, "LAMP", pieces=3)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    counted = Entry(Kind.COUNT, "LAMP", LINDEN, 2, "count", START + timedelta(hours=1))
    ledger.record(session, [counted], now=START + timedelta(hours=1))

    hear(session, desk, placed, deed(("LAMP", 1)))

    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (2, 0)
    assert violations(session) == []


@pytest.mark.parametrize(
    ("said", "booked"), [(START - timedelta(days=9), START), (LATER + timedelta(days=1), LATER), (AT, AT)]
)
def test_no_bag_leaves_before_it_is_ready_or_in_the_future(session, said, booked):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    assert hear(session, desk, placed, deed(("LAMP", 1), at=said)).at == booked


def test_a_pickup_that_is_being_picked_anew_ends_as_handed_over(session):
    shelf(session, "LAMP", pieces=2)
    placed = place(session, desk := a_desk(), ("LAMP", 2))
    picking.pick(session, desk, placed.pickup.id, actor=OFFICE, now=START)

    told = hear(session, desk, placed, deed(("LAMP", 1)))

    assert (told.became, told.was, told.found.state) == (Became.BOOKED, "picking", "collected")
    assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (1, 0)
    assert violations(session) == []


def test_a_pickup_that_was_sent_to_another_store_moves_nothing_there(session):
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=2, location="markt")
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    transfer.transfer(
        session, desk, placed.pickup.id, "markt", "customer_goes", agreed="phone", actor=OFFICE, now=START
    )

    told = hear(session, desk, placed, deed(("LAMP", 1)))

    assert (told.became, told.was, told.over, told.first) == (Became.TWICE, "placed", {"LAMP": 1}, None)
    assert level(session, "LAMP", "markt").on_hand == 2
    assert violations(session) == []


def test_it_is_not_taken_back_but_what_came_before_it_still_is(session):
    shelf(session, "LAMP", pieces=2)
    offline_one = a_ready_one(session, desk := a_desk(), ("LAMP", 1))
    online_one = a_ready_one(session, desk, ("LAMP", 1), reference="#2")
    hear(session, desk, offline_one, deed(("LAMP", 1)), now=AT)
    hand_over(session, desk, online_one)
    hear(session, desk, online_one, deed(("LAMP", 1)), now=AT)

    with pytest.raises(Conflict):
        undoing.take_back(session, desk, offline_one.pickup.id, actor=PHONE, now=AT, why=Wrong.MISTAKE)
    back = undoing.take_back(session, desk, online_one.pickup.id, actor=PHONE, now=AT, why=Wrong.MISTAKE)

    assert back.state == "ready"
    assert violations(session) == []


@pytest.mark.parametrize(("checked", "kept"), [(True, 18), (False, None)])
def test_the_age_that_was_checked_offline_is_kept(session, checked, kept):
    article(session, "WINE", min_age=18)
    shelf(session, "WINE", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("WINE", 1))

    hear(session, desk, placed, deed(("WINE", 1), age_checked=checked))

    assert acts.of(session, placed.pickup.id)[-1].details.get("age_checked") == kept


def test_nothing_and_nobodys_pickup_are_refused(session):
    shelf(session, "LAMP", pieces=1)
    placed = a_ready_one(session, desk := a_desk(), ("LAMP", 1))

    with pytest.raises(InvalidRequest):
        hear(session, desk, placed, deed())
    with pytest.raises(NotFound):
        offline.hear(session, desk, "nothing", deed(("LAMP", 1)), actor=PHONE, now=LATER)
    assert kinds(session, "LAMP") == ["hold"]


def test_a_device_can_tell_the_right_code_and_not_find_it(session):
    shelf(session, "LAMP", pieces=1)
    desk = a_desk()
    placed = place(session, desk, ("LAMP", 1))
    the_id, code = placed.pickup.id, placed.code.replace("-", "").encode()

    mine, theirs = (checks.check(desk.codes, device, the_id) for device in ("phone", "till"))
    key = hashlib.pbkdf2_hmac("sha256", code, bytes.fromhex(mine.salt), checks.ITERATIONS)

    assert hashlib.sha256(key).hexdigest() == mine.hash
    assert (mine.salt != theirs.salt, mine.hash != theirs.hash) == (True, True)
    assert checks.opens(desk.codes, "phone", the_id, key.hex())
    assert not checks.opens(desk.codes, "till", the_id, key.hex())
    assert not checks.opens(desk.codes, "phone", the_id, mine.hash)
    assert not checks.opens(desk.codes, "phone", the_id, "no hexadecimal")
