"""Nobody overlooks an order: who accepts, what is said when nobody does, and what the customer hears before he comes."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from omnisync.errors import Conflict
from omnisync.orders import accepting, acts, ending, picking, transfer
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor
from omnisync.orders.tables import Mail
from omnisync.settings import ChannelPolicy, ChannelSettings
from tests.conftest import START
from tests.orders.counter import LINDEN, MARKT, READY_BY, STAFF, Heard, a_desk, place, violations
from tests.stock.shop import shelf

ANNA = Person("Anna Schubert", "anna@example.org")
HALF = START + timedelta(hours=1)
"""The lead time of two hours began at 11:00, an hour after the store opened."""


def a_writing_desk(heard=None, **linden):
    desk = a_desk(announce=heard, **linden)
    webshop = ChannelSettings(
        name="webshop", adapter="shopify", locations=[LINDEN], policy=ChannelPolicy(notify="omnisync")
    )
    object.__setattr__(desk, "settings", desk.settings.model_copy(update={"channels": [webshop]}))
    return desk


def subjects(session):
    return sorted((to, subject) for to, subject in session.execute(sa.select(Mail.recipient, Mail.subject)))


def test_the_first_tap_accepts_and_freezes_who_picks(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=2)
    the_id = place(session, desk, ("LAMP", 1)).pickup.id
    assert accepting.ringing(session, LINDEN) == 1

    picking.pick(session, desk, the_id, actor=STAFF, now=START)
    with pytest.raises(Conflict):
        picking.pick(session, desk, the_id, actor=Actor("Toni", LINDEN), now=START)
    found = picking.pick(session, desk, the_id, actor=Actor("Toni", LINDEN), now=START, picked={"LAMP": 1})

    assert (found.accepted_by, found.accepted_at) == ("Kim", START)
    assert accepting.ringing(session, LINDEN) == 0
    assert accepting.alarm(session, desk, now=READY_BY) == 0


def test_what_is_put_aside_at_once_is_accepted_too(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=1)
    the_id = place(session, desk, ("LAMP", 1)).pickup.id

    found = picking.ready(session, desk, the_id, "7", actor=STAFF, now=START)

    assert found.accepted_by == "Kim"


def test_after_half_the_lead_time_it_is_said_once_that_nobody_accepts(session):
    heard = Heard()
    desk = a_desk(announce=heard, email="store@example.org", manager_email="boss@example.org")
    shelf(session, "LAMP", pieces=1)
    the_id = place(session, desk, ("LAMP", 1), customer=ANNA).pickup.id

    early = accepting.alarm(session, desk, now=HALF - timedelta(microseconds=1))
    on_time = accepting.alarm(session, desk, now=HALF)
    again = accepting.alarm(session, desk, now=READY_BY)

    assert (early, on_time, again) == (0, 1, 0)
    assert heard.kinds == ["placed", "not_accepted"]
    assert [one.id for one in accepting.not_accepted(session)] == [the_id]
    assert accepting.not_accepted(session, MARKT) == []
    assert ("boss@example.org", "Nicht angenommen: Abholung L-1001") in subjects(session)
    assert "Anna" not in "".join(session.execute(sa.select(Mail.body)).scalars())
    picking.pick(session, desk, the_id, actor=STAFF, now=READY_BY)
    assert accepting.not_accepted(session) == []


def test_half_of_the_lead_time_is_counted_in_open_minutes(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=1)

    found = place(session, desk, ("LAMP", 1), now=START + timedelta(hours=4, minutes=30)).pickup

    # Half an hour before the store closes on Saturday: the other half hour is Monday's first.
    assert found.accept_by.isoformat() == "2026-11-23T09:00:00+00:00"


def test_a_store_without_a_lead_time_is_not_said_to_be_late(session):
    desk = a_desk(lead_minutes=0)
    shelf(session, "LAMP", pieces=1)
    place(session, desk, ("LAMP", 1))

    assert accepting.alarm(session, desk, now=START + timedelta(days=1)) == 0


def test_who_would_come_in_vain_is_told_before(session):
    desk = a_writing_desk(heard := Heard())
    shelf(session, "LAMP", pieces=3)
    place(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA)
    begun = place(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA).pickup.id
    picking.pick(session, desk, begun, actor=STAFF, now=START)
    quarter = READY_BY - timedelta(minutes=15)

    told = [
        accepting.warn_customers(session, desk, now=at) for at in (quarter - timedelta(seconds=1), quarter, quarter)
    ]
    told += [accepting.warn_customers(session, desk, now=at) for at in (READY_BY, READY_BY + timedelta(hours=1))]

    assert told == [0, 1, 0, 1, 0]
    assert heard.kinds[-2:] == ["late", "late"]
    late = [subject for _, subject in subjects(session) if "dauert länger" in subject]
    assert late == ["Ihre Abholung L-1001 dauert länger", "Ihre Abholung L-1002 dauert länger"]


def test_what_lies_ready_or_was_called_off_is_late_for_nobody(session):
    desk = a_writing_desk()
    shelf(session, "LAMP", pieces=2)
    ready, gone = (place(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA).pickup.id for _ in range(2))
    picking.ready(session, desk, ready, "7", actor=STAFF, now=START)
    ending.cancel(session, desk, gone, actor=STAFF, now=START)

    assert accepting.warn_customers(session, desk, now=READY_BY + timedelta(days=1)) == 0
    assert accepting.alarm(session, desk, now=READY_BY) == 0


def test_a_pickup_that_goes_to_another_store_is_to_be_accepted_there(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=1)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    the_id = place(session, desk, ("LAMP", 1)).pickup.id
    accepting.alarm(session, desk, now=HALF)
    picking.pick(session, desk, the_id, actor=STAFF, now=HALF)

    moved = transfer.transfer(session, desk, the_id, MARKT, "customer_goes", actor=STAFF, now=HALF, agreed="phone")

    assert (moved.accepted_by, moved.alarmed_at) == (None, None)
    assert (accepting.ringing(session, LINDEN), accepting.ringing(session, MARKT)) == (0, 1)
    assert accepting.alarm(session, desk, now=HALF + timedelta(hours=1)) == 1
    assert violations(session) == []


def test_who_picks_stays_when_a_piece_is_sent_from_elsewhere(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=2)
    shelf(session, "LAMP", pieces=1, location=MARKT)
    the_id = place(session, desk, ("LAMP", 2)).pickup.id
    picking.pick(session, desk, the_id, actor=STAFF, now=START)
    picking.reject(session, desk, the_id, [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)], actor=STAFF, now=START)

    moved = transfer.transfer(session, desk, the_id, MARKT, "goods_come", actor=STAFF, now=START)

    assert moved.accepted_by == "Kim"
    assert accepting.ringing(session, LINDEN) == 0


def test_the_timeline_says_who_did_what_and_when(session):
    desk = a_desk()
    shelf(session, "LAMP", pieces=2)
    the_id = place(session, desk, ("LAMP", 2), channel="webshop").pickup.id
    later = START + timedelta(minutes=5)

    picking.pick(session, desk, the_id, actor=Actor("Kim", LINDEN, "phone-1"), now=START)
    picking.reject(session, desk, the_id, [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)], actor=STAFF, now=later)
    picking.ready(session, desk, the_id, "7", actor=Actor("Toni", LINDEN), now=later)
    ending.cancel(session, desk, the_id, actor=Actor("Olga"), now=later, reason="called")

    told = [(act.what, act.by, act.at) for act in acts.of(session, the_id)]
    assert told == [
        ("placed", "webshop", START), ("picking", "Kim", START), ("rejected", "Kim", later), ("ready", "Toni", later),
        ("cancelled", "Olga", later),
    ]  # fmt: skip
    assert acts.of(session, the_id)[2].details["lines"] == [{"sku": "LAMP", "quantity": 1, "reason": "damaged"}]
    assert acts.of(session, "another") == []


def test_a_store_that_the_settings_no_longer_name_holds_up_no_other(session):
    desk = a_writing_desk()
    for location in (LINDEN, MARKT):
        shelf(session, "LAMP", pieces=1, location=location)
        place(session, desk, ("LAMP", 1), location=location, channel="webshop", customer=ANNA, paid=False)
    left = [location for location in desk.settings.locations if location.code != LINDEN]
    object.__setattr__(desk, "settings", desk.settings.model_copy(update={"locations": left}))

    assert accepting.alarm(session, desk, now=HALF) == 2
    assert accepting.warn_customers(session, desk, now=READY_BY) == 2
    assert ending.expire_overdue(session, desk, now=READY_BY + timedelta(days=9)) == 2

    bodies = "".join(session.execute(sa.select(Mail.body)).scalars())
    assert ("linden" in bodies, violations(session)) == (True, [])
