"""A store that takes no new pickups for a while: who is refused, who is not, and how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.errors import Conflict, Forbidden, InvalidRequest, OutOfStock
from omnisync.orders import offers, pauses, transfer
from omnisync.orders.offers import ReadyTimes
from omnisync.orders.pauses import Pause
from omnisync.orders.pickup import Actor
from tests.api import serving
from tests.conftest import START
from tests.orders.counter import LINDEN, MARKT, OFFICE, STAFF, Heard, a_desk, place, tasks, violations
from tests.stock.shop import shelf

HOUR = timedelta(hours=1)
SHOP = {"owner": "key:shop"}


def test_a_shop_is_refused_while_the_store_pauses_and_served_afterwards(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=9)
    pauses.begin(session, desk, LINDEN, START + HOUR, actor=STAFF, now=START)

    with pytest.raises(Conflict) as refused:
        place(session, desk, ("LAMP", 1), now=START + HOUR - timedelta(seconds=1), **SHOP)
    later = place(session, desk, ("LAMP", 1), now=START + HOUR, **SHOP)

    assert (refused.value.code, refused.value.details) == ("no-pickup", {"location": LINDEN})
    assert later.pickup.location == LINDEN
    assert violations(session) == []


def test_other_stores_and_orders_that_came_by_themselves_are_not_stopped(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=9)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    pauses.begin(session, desk, LINDEN, START + HOUR, actor=STAFF, now=START)

    placed = place(session, desk, ("LAMP", 1), location=MARKT, **SHOP)
    arrived = place(session, desk, ("LAMP", 1), channel="webshop", reference="#7")

    assert (placed.pickup.location, arrived.pickup.location) == (MARKT, LINDEN)


def test_a_pause_says_since_and_until_when_and_who_wanted_it(session):
    heard = Heard()
    desk = a_desk(announce=heard)

    begun = pauses.begin(session, desk, LINDEN, START + HOUR, actor=STAFF, now=START)

    assert begun == pauses.of(session, LINDEN, now=START) == Pause(LINDEN, START, START + HOUR, "Kim")
    assert pauses.of(session, LINDEN, now=START + HOUR) is None
    assert pauses.of(session, MARKT, now=START) is None
    assert heard == [("pickup.paused", {"location": LINDEN, "until": "2026-11-21T11:00:00Z"})]


def test_a_second_pause_takes_the_place_of_the_first(session):
    desk = a_desk()
    pauses.begin(session, desk, LINDEN, START + 2 * HOUR, actor=STAFF, now=START)

    pauses.begin(session, desk, LINDEN, START + HOUR, actor=OFFICE, now=START)

    assert pauses.standing(session, now=START)[LINDEN].until == START + HOUR
    assert pauses.closed(session, now=START + HOUR) == frozenset()


def test_anybody_of_the_store_ends_it_and_it_is_said_once(session):
    heard = Heard()
    desk = a_desk(announce=heard)
    shelf(session, "LAMP", pieces=9)
    pauses.begin(session, desk, LINDEN, START + HOUR, actor=STAFF, now=START)

    ended = [pauses.end(session, desk, LINDEN, actor=STAFF, now=START) for _ in range(2)]

    assert ended == [True, False]
    assert heard.kinds == ["paused", "resumed"]
    assert place(session, desk, ("LAMP", 1), **SHOP).pickup.state == "placed"


@pytest.mark.parametrize("until", [START, START - HOUR, START + pauses.LONGEST + timedelta(seconds=1)])
def test_a_pause_ends_later_and_not_too_late(session, until):
    with pytest.raises(InvalidRequest):
        pauses.begin(session, a_desk(), LINDEN, until, actor=STAFF, now=START)


def test_a_store_pauses_no_other_one_and_nobody_pauses_what_there_is_not(session):
    desk, toni = a_desk(), Actor("Toni", MARKT)

    with pytest.raises(Forbidden):
        pauses.begin(session, desk, LINDEN, START + HOUR, actor=toni, now=START)
    with pytest.raises(Forbidden):
        pauses.end(session, desk, LINDEN, actor=toni, now=START)
    with pytest.raises(InvalidRequest):
        pauses.begin(session, desk, "mars", START + HOUR, actor=OFFICE, now=START)


def test_nobody_is_sent_to_a_store_that_pauses(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=9, location=MARKT)
    placed = place(session, desk, ("LAMP", 1))
    pauses.begin(session, desk, MARKT, START + HOUR, actor=OFFICE, now=START)

    with pytest.raises(Conflict) as refused:
        transfer.transfer(
            session, desk, placed.pickup.id, MARKT, "customer_goes", actor=STAFF, now=START, agreed="phone"
        )
    with pytest.raises(OutOfStock) as lacking:
        place(session, desk, ("LAMP", 1), **SHOP)

    assert refused.value.code == "no-pickup"
    [[lack]] = offers.shortages(session, [lacking.value], desk.settings, ReadyTimes(desk.settings), now=START)
    assert lack["elsewhere"] == [{"location": MARKT, "available": 9, "ready_at": None}]
    assert tasks(session) == []


def test_the_answer_on_availability_shows_it(engine, clock):
    async def run():
        async with serving(engine, clock) as api:
            with db.transaction(engine) as session:
                shelf(session, "LAMP", pieces=9)
                pauses.begin(session, a_desk(), LINDEN, clock.now() + HOUR, actor=STAFF, now=clock.now())
            asked = [await api.call("GET", "/v1/availability?sku=LAMP&location=linden")]
            body = {"location": "linden", "customer": {"name": "Anna"}, "lines": [{"sku": "LAMP", "quantity": 1}]}
            placed = await api.call("POST", "/v1/pickups", json=body)
            clock.advance(hours=1)
            asked.append(await api.call("GET", "/v1/availability?sku=LAMP&location=linden"))
            return placed, [one.json()["items"][0]["locations"][0] for one in asked]

    placed, (paused, after) = asyncio.run(run())

    assert (placed.status_code, placed.json()["type"].rpartition("/")[2]) == (409, "no-pickup")
    assert (paused["available"], paused["pickup"], paused["ready_at"]) == (9, False, None)
    assert after["pickup"] is True
