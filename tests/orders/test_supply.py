"""A location fills up another one: held there until it is sent, awaited here until it is received, or lost on its way."""

import asyncio
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.errors import Conflict, Forbidden, InvalidRequest, OutOfStock
from omnisync.orders import hours, sending, shortages, supply
from omnisync.orders import tasks as jobs
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger, transfers
from omnisync.stock import shortages as cases
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.api import serving
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT, OFFICE, STAFF, a_desk, place, send, tasks, violations
from tests.stock.shop import article, level, shelf

DUE = START + timedelta(days=1)


def ask(session, desk, lines, source=LAGER, target=LINDEN, actor=OFFICE, **more):
    return supply.ask(session, desk, supply.Wanted(source, target, lines, **more), actor=actor, now=START)


def amounts(session, sku, location):
    found = level(session, sku, location)
    return found.on_hand, found.reserved, found.incoming


def full(session):
    shelf(session, "LAMP", pieces=9, location=LAGER)
    shelf(session, "LAMP", pieces=1)
    return a_desk()


def test_what_is_asked_for_is_held_there_then_awaited_here_and_then_for_sale(session):
    desk = full(session)

    asked = ask(session, desk, {"LAMP": 6}, due_at=DUE)
    held = amounts(session, "LAMP", LAGER), amounts(session, "LAMP", LINDEN), tasks(session)
    send(session, desk)
    sent = amounts(session, "LAMP", LAGER), amounts(session, "LAMP", LINDEN), level(session, "LAMP").available
    sending.receive(session, desk, asked.id, actor=STAFF, now=START)

    assert held == ((9, 6, 0), (1, 0, 0), [("receive", None, None), ("send", None, "LAMP")])
    assert sent == ((3, 0, 0), (1, 0, 6), 1)
    assert (amounts(session, "LAMP", LINDEN), level(session, "LAMP").available, tasks(session)) == ((7, 0, 0), 7, [])
    assert violations(session) == []


def test_a_part_of_it_comes_and_the_rest_is_lost(session):
    desk = full(session)
    asked = ask(session, desk, {"LAMP": 6}, due_at=DUE, sent=True)

    sending.receive(session, desk, asked.id, {"LAMP": 2}, actor=STAFF, now=START)
    first = amounts(session, "LAMP", LINDEN)
    sending.receive(session, desk, asked.id, {"LAMP": 1}, rest="lost", actor=STAFF, now=START)

    [line] = transfers.lines_of(session, [asked.id])[asked.id]
    assert (first, amounts(session, "LAMP", LINDEN)) == ((3, 0, 4), (4, 0, 0))
    assert (line.sent, line.received, line.lost) == (6, 3, 3)
    assert violations(session) == []


def test_no_more_is_asked_for_than_is_free_there_but_what_has_left_is_written_down(session):
    desk = full(session)

    with pytest.raises(OutOfStock), session.begin_nested():
        ask(session, desk, {"LAMP": 10})
    refused = tasks(session), amounts(session, "LAMP", LAGER)
    ask(session, desk, {"LAMP": 10}, sent=True)

    assert refused == ([], (9, 0, 0))
    assert (amounts(session, "LAMP", LAGER), amounts(session, "LAMP", LINDEN)) == ((-1, 0, 0), (1, 0, 10))
    assert violations(session) == []


def test_what_nobody_wants_any_more_is_free_again_where_it_lies_and_what_is_on_its_way_comes(session):
    shelf(session, "CUP", pieces=4, location=LAGER)
    desk = full(session)
    asked = ask(session, desk, {"LAMP": 6, "CUP": 1})
    cup = next(one for one in jobs.list_open(session, LAGER) if one.sku == "CUP")
    sending.finish(session, desk, cup.id, actor=OFFICE, now=START)

    supply.call_off(session, asked.id, actor=STAFF, now=START)

    assert (amounts(session, "LAMP", LAGER), amounts(session, "CUP", LINDEN)) == ((9, 0, 0), (0, 0, 1))
    assert tasks(session) == [("receive", None, None)]
    with pytest.raises(Conflict) as again:
        supply.call_off(session, asked.id, actor=STAFF, now=START)
    assert again.value.code == "already-sent"
    sending.receive(session, desk, asked.id, actor=STAFF, now=START)
    assert (tasks(session), violations(session)) == ([], [])


def test_everything_leaves_at_once_and_only_once(session):
    desk = full(session)
    asked = ask(session, desk, {"LAMP": 6})

    supply.send(session, asked.id, actor=OFFICE, now=START)

    assert (amounts(session, "LAMP", LAGER), tasks(session)) == ((3, 0, 0), [("receive", None, None)])
    with pytest.raises(Conflict) as again:
        supply.send(session, asked.id, actor=OFFICE, now=START)
    assert again.value.code == "already-sent"


def test_a_bundle_travels_as_what_it_holds(session):
    shelf(session, "CUP", pieces=9, location=LAGER)
    shelf(session, "PLATE", pieces=2, location=LAGER)
    article(session, "SET", components={"CUP": 4, "PLATE": 1})

    ask(session, a_desk(), {"SET": 2, "CUP": 1}, sent=True)

    assert (amounts(session, "CUP", LINDEN), amounts(session, "PLATE", LINDEN)) == ((0, 0, 9), (0, 0, 2))
    assert violations(session) == []


def test_what_is_kept_for_a_store_breaks_before_what_customers_have_paid_and_is_given_up_with_one_word(session):
    desk = full(session)
    asked = ask(session, desk, {"LAMP": 6})
    damaged = Entry(Kind.DAMAGED, "LAMP", LAGER, 5, "test", START)
    ledger.record(session, [damaged], now=START)
    [short] = cases.list_open(session)

    [one] = proposals = shortages.propose(session, desk, short, now=START)
    shortages.accept(session, desk, short.id, shortages.fingerprint(proposals), by="ops", now=START)

    assert (one.promised.who, one.pieces, one.action) == ("transfer", 2, "cancel")
    [line] = transfers.lines_of(session, [asked.id])[asked.id]
    assert (line.unsent, amounts(session, "LAMP", LAGER)) == (4, (4, 4, 0))
    assert violations(session) == []


def test_goods_for_a_pickup_are_called_off_with_it_and_not_alone(session):
    desk = a_desk(pickup="network")
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=3, location=MARKT)
    placed = place(session, desk, ("LAMP", 2))
    [asked] = transfers.open_of(session, placed.pickup.id)

    with pytest.raises(Conflict) as refused:
        supply.call_off(session, asked, actor=OFFICE, now=START)
    supply.send(session, asked, actor=Actor("Mo", MARKT), now=START)

    assert (refused.value.code, refused.value.details["pickup"]) == ("for-pickup", placed.pickup.id)
    assert (amounts(session, "LAMP", MARKT), amounts(session, "LAMP", LINDEN)) == ((2, 0, 0), (1, 1, 1))


def test_it_is_due_when_goods_for_a_pickup_would_be(session):
    desk = full(session)

    asked = ask(session, desk, {"LAMP": 1})

    assert asked.due_at == hours.after_transfer(START, desk.location(LINDEN)) > DUE


def test_a_store_asks_for_itself_or_sends_its_own(session):
    desk = full(session)
    shelf(session, "LAMP", pieces=2, location=MARKT)

    mine = ask(session, desk, {"LAMP": 1}, source=MARKT, actor=STAFF)
    with pytest.raises(Forbidden):
        ask(session, desk, {"LAMP": 1}, source=LAGER, target=MARKT, actor=STAFF)
    with pytest.raises(Forbidden):
        supply.send(session, mine.id, actor=STAFF, now=START)
    with pytest.raises(Forbidden):
        supply.call_off(session, mine.id, actor=Actor("Lu", LAGER), now=START)


@pytest.mark.parametrize(
    ("lines", "more", "field"),
    [
        ({"LAMP": 1}, {"target": LAGER}, "to_location"),
        ({"LAMP": 1}, {"target": "mars"}, "to_location"),
        ({"LAMP": 1}, {"source": "mars"}, "from_location"),
        ({"LAMP": 1}, {"due_at": START - timedelta(hours=1)}, "due_at"),
        ({"NO-SUCH": 1}, {}, "lines"),
        ({"DEPOSIT": 1}, {}, "lines"),
    ],
)
def test_what_cannot_travel_is_named(session, lines, more, field):
    desk = full(session)
    article(session, "DEPOSIT", stocked=False)

    with pytest.raises(InvalidRequest) as refused:
        ask(session, desk, lines, **more)

    assert [error["field"] for error in refused.value.details["errors"]] == [field]


def test_over_http_it_is_asked_for_once_sent_and_received(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=9, location="lager")

    async def story():
        async with serving(engine, clock) as api:
            line = {"sku": "LAMP", "quantity": 2}
            wish = {"from_location": "lager", "to_location": "linden", "lines": [line, line]}
            asked = [await api.call("POST", "/v1/transfers", role="staff", key="one", json=wish) for _ in range(2)]
            path = f"/v1/transfers/{asked[0].json()['id']}"
            sent = await api.call("POST", f"{path}/send", role="ops")
            late = await api.call("POST", f"{path}/call-off", role="ops")
            came = await api.call("POST", f"{path}/receive", role="staff", json={"lines": [line], "rest": "lost"})
            other = (await api.call("POST", "/v1/transfers", role="ops", json=wish)).json()
            off = await api.call("POST", f"/v1/transfers/{other['id']}/call-off", role="ops")
            stock = (await api.call("GET", "/v1/stock?sku=LAMP", role="ops")).json()["items"]
            return asked, sent, late, came, off, stock

    (first, second), sent, late, came, off, stock = asyncio.run(story())

    assert (first.status_code, first.content, first.json()["state"]) == (201, second.content, "asked")
    assert (sent.json()["state"], late.status_code) == ("in_transit", 409)
    assert (came.json()["state"], off.json()["state"]) == ("received", "called_off")
    assert [(one["location"], one["on_hand"], one["reserved"], one["incoming"]) for one in stock] == [
        ("lager", 5, 0, 0), ("linden", 2, 0, 0),
    ]  # fmt: skip
