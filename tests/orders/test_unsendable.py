"""What the sender of a transfer cannot find, or finds unfit."""

import pytest

from omnisync.errors import Forbidden, InvalidRequest
from omnisync.orders import pickup, unsendable
from omnisync.orders import tasks as jobs
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor
from omnisync.stock import transfers
from tests.conftest import START
from tests.orders.counter import LAGER, MARKT, STAFF, a_desk, place, send, tasks, violations
from tests.orders.test_transfer import arrive, bring, rejected_and_sent
from tests.stock.shop import level, shelf

THERE = Actor("Toni", MARKT)


def cannot_send(session, desk, *gone, actor=THERE):
    [asked] = transfers.page(session, MARKT, on_the_way=True)
    return unsendable.cannot_send(session, desk, asked.id, [Rejected(*one) for one in gone], actor=actor, now=START)


def test_what_the_sender_cannot_find_is_corrected_there_and_lacks_at_the_pickup(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=4, off=False)

    cannot_send(session, desk, ("LAMP", 1, Why.NOT_FOUND), ("LAMP", 1, Why.DAMAGED))

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected) == (1, 2)
    there = level(session, "LAMP", MARKT)
    assert (there.on_hand, there.reserved, there.off_sale) == (7, 1, True)
    jobs_there = [(one.kind, one.quantity) for one in jobs.list_open(session, MARKT)]
    assert sorted(jobs_there) == [("count", None), ("send", 1)]
    kind, told = desk.announce[-1]
    assert (kind, told["id"], told["source"]) == ("pickup.cannot_send", placed.pickup.id, MARKT)
    assert violations(session) == []


def test_a_pickup_that_waits_for_nothing_lacks_nothing_when_its_goods_cannot_be_sent(session):
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    placed = place(session, desk := a_desk(), ("LAMP", 1))
    bring(session, desk, placed, how="goods_come")
    told = len(desk.announce)

    cannot_send(session, desk, ("LAMP", 1, Why.NOT_FOUND))

    [line] = pickup.lines_of(session, [placed.pickup.id])[placed.pickup.id]
    assert (line.coming, line.rejected) == (0, 0)
    assert len(desk.announce) == told
    assert (level(session, "LAMP", MARKT).on_hand, pickup.here_lines(session, placed.pickup.id)) == (0, {"LAMP": 1})
    assert violations(session) == []


def test_a_transfer_of_which_nothing_can_be_sent_is_over_and_another_location_may_send(session):
    placed = rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)
    shelf(session, "LAMP", pieces=2, location=LAGER)

    over = cannot_send(session, desk, ("LAMP", 2, Why.NOT_FOUND))
    assert over.received_at == START
    bring(session, desk, placed, LAGER, "goods_come")
    send(session, desk)
    arrive(session, desk)

    assert [task[0] for task in tasks(session)] == ["count"]
    assert pickup.here_lines(session, placed.pickup.id) == {"LAMP": 3}
    assert violations(session) == []


def test_only_its_sender_says_so_and_only_of_what_is_still_to_be_sent(session):
    rejected_and_sent(session, desk := a_desk(), pieces=3, off=False)
    with pytest.raises(Forbidden):
        cannot_send(session, desk, ("LAMP", 1, Why.NOT_FOUND), actor=STAFF)
    with pytest.raises(InvalidRequest):
        cannot_send(session, desk, ("LAMP", 3, Why.NOT_FOUND))
    send(session, desk)

    with pytest.raises(InvalidRequest):
        cannot_send(session, desk, ("LAMP", 1, Why.NOT_FOUND))

    assert level(session, "LAMP", MARKT).on_hand == 7
