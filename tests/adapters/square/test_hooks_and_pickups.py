"""Events that Square sends, and pickups that we report back."""

from __future__ import annotations

import json

import pytest

from omnisync.adapters.base import (
    Counted,
    Forged,
    Hook,
    LevelSeen,
    Message,
    News,
    OrderSeen,
    Outcome,
    Subscription,
    Unreadable,
)
from omnisync.adapters.client import Tools
from omnisync.adapters.square import make
from omnisync.adapters.square.hooks import SIGNATURE, signature
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention
from tests.adapters.square.rig import LINDEN, PLACES, PUBLIC, SECRET, TOKEN, URL
from tests.adapters.square.worlds import Till, a_till, only

pytestmark = pytest.mark.anyio


# ---------------------------------------------------------------- events


async def test_a_sale_is_told_by_its_event_as_it_stands_now(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP", 2)

    for hook in till.postbox.hooks("order.updated"):
        [seen] = only(await till.adapter.follow(hook), OrderSeen)

        assert isinstance(till.adapter.identify(hook), Message)
        assert (seen.id, seen.lines[0].quantity) == (order["id"], 2)


async def test_all_waiting_events_are_followed_by_three_calls_and_orders_are_told_before_levels(tools: Tools):
    till = a_till(tools)
    sold = [till.sell("LAMP", pieces)["id"] for pieces in (1, 2, 3)]
    till.line.calls.clear()

    facts = await till.adapter.follow(*till.postbox.hooks())

    assert [path for _, path, _ in till.line.calls] == [
        "/v2/orders/batch-retrieve", "/v2/inventory/changes/batch-retrieve", "/v2/inventory/counts/batch-retrieve",
    ]  # fmt: skip
    assert {order.id for order in only(facts, OrderSeen)} == set(sold)
    [level] = only(facts, LevelSeen)
    assert (level.quantity, facts[-1]) == (till.level("LAMP"), level)


async def test_a_refund_event_tells_the_sale_with_what_came_back(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP", 2)
    till.give_back(order)
    [hook] = till.postbox.hooks("refund.created")

    [seen] = only(await till.adapter.follow(hook), OrderSeen)

    assert seen.id == order["id"]
    assert [restock.quantity for restock in seen.lines[0].restocks] == [1]


async def test_a_count_event_tells_the_count_and_the_level_it_left(tools: Tools, clock: StoppedClock):
    till = a_till(tools)
    clock.advance(minutes=10)
    till.account.count("LAMP", LINDEN, 6)
    hook = till.postbox.hooks("inventory.count.updated")[-1]

    facts = await till.adapter.follow(hook)

    assert [count.quantity for count in only(facts, Counted)] == [6]
    assert [level.quantity for level in only(facts, LevelSeen)] == [6]


async def test_events_of_stores_outside_the_map_tell_nothing(tools: Tools):
    till = a_till(tools)
    only_markt = make(
        "markt",
        {"access_token": TOKEN, "base_url": "http://square.test"},
        {"LMARKT000002": "markt"},
        PUBLIC,
        till_tools(tools, till),
    )
    till.sell("LAMP", place=LINDEN)

    facts = [fact for hook in till.postbox.hooks() for fact in await only_markt.follow(hook)]

    assert facts == []


async def test_the_url_behind_a_proxy_does_not_matter_but_the_one_we_gave_does(tools: Tools):
    body = b'{"event_id":"e1","type":"order.updated","data":{"id":"O1"}}'
    hook = Hook("POST", "http://10.0.0.7:8000/v1/hooks/contract", {SIGNATURE: signature(SECRET, URL, body)}, {}, body)

    ours, theirs = a_till(tools).adapter, a_till(tools, notification_url=URL + "/").adapter

    assert ours.identify(hook) == Message("e1", "order.updated", "O1")
    assert isinstance(theirs.identify(hook), Forged)


async def test_without_a_secret_every_event_is_refused(tools: Tools):
    till = a_till(tools, webhook_secret=None)
    body = b"{}"

    assert isinstance(till.adapter.identify(Hook("POST", URL, {SIGNATURE: signature("", URL, body)}, {}, body)), Forged)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"event_id":"e","type":"t","data":[]}', b"\xff\xfe"])
async def test_a_signed_event_that_is_none_waits_in_plain_sight(tools: Tools, body: bytes):
    till = a_till(tools)
    hook = Hook("POST", URL, {SIGNATURE: signature(SECRET, URL, body)}, {}, body)

    named = till.adapter.identify(hook)
    [waiting] = till.adapter.read(hook)

    assert isinstance(named, Message)
    assert isinstance(waiting, Unreadable)
    assert list(await till.adapter.follow(hook)) == [waiting]


async def test_topics_without_facts_tell_nothing_and_vanished_orders_neither(tools: Tools):
    till = a_till(tools)
    for event in (
        {"type": "payout.sent"},
        {"type": "order.updated", "data": {"id": "GONE"}},
        {"type": "refund.updated"},
    ):
        body = json.dumps({"event_id": "e", **event}).encode()

        assert list(await till.adapter.follow(Hook("POST", URL, {}, {}, body))) == []


async def test_one_subscription_carries_all_topics_and_is_switched_on_again(tools: Tools):
    till = a_till(tools)
    [standing] = till.account.events.subscriptions.values()
    standing["enabled"] = False
    foreign = till.account.events.subscribe(
        {"notification_url": "https://other.example.org", "event_types": ["order.created"]}
    )
    wanted = [Subscription("order.created", URL), Subscription("inventory.count.updated", URL)]

    got = await till.adapter.subscriptions(wanted)

    assert {(one.topic, one.active) for one in got} == {("order.created", True), ("inventory.count.updated", True)}
    assert standing["enabled"] is True
    assert list(till.account.events.subscriptions.values()) == [standing, foreign]


# ---------------------------------------------------------------- pickups


def news(kind: str, order_id: str) -> News:
    return News(kind, order_id, "#1", LINDEN, (), f"tag-{kind}")  # type: ignore[arg-type]


async def test_a_pickup_climbs_to_ready_and_to_collected_and_stays_there_when_told_again(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP", 2, pickup=True)
    part = order["fulfillments"][0]

    states = []
    for kind in ("ready", "ready", "collected", "ready", "collected"):
        [told] = await till.adapter.tell([news(kind, order["id"])])
        states.append((told.outcome, order["fulfillments"][0]["state"]))

    assert states == [(Outcome.APPLIED, state) for state in ("PREPARED", "PREPARED", *["COMPLETED"] * 3)]
    assert (order["state"], till.level("LAMP")) == ("COMPLETED", 8)
    assert part["uid"] == order["fulfillments"][0]["uid"]
    assert len([call for call in till.line.calls if call[0] == "PUT"]) == 3


@pytest.mark.parametrize("kind", ["cancelled", "expired"])
async def test_a_pickup_that_ended_without_a_customer_is_cancelled_with_its_reason(tools: Tools, kind: str):
    till = a_till(tools)
    order = till.sell("LAMP", 1, pickup=True)

    [told] = await till.adapter.tell([news(kind, order["id"])])

    assert told.outcome is Outcome.APPLIED
    assert order["fulfillments"][0]["state"] == "CANCELED"
    assert order["fulfillments"][0]["pickup_details"]["cancel_reason"]


async def test_an_edit_at_the_till_in_between_is_read_again(tools: Tools):
    till = a_till(tools)
    order = till.sell("LAMP", 1, pickup=True)
    name_it = {"version": order["version"], "ticket_name": "Muster"}
    till.line.before_method["PUT"] = lambda: till.account.update_order(order, name_it)

    [told] = await till.adapter.tell([news("ready", order["id"])])

    assert told.outcome is Outcome.APPLIED
    assert (order["ticket_name"], order["fulfillments"][0]["state"]) == ("Muster", "PREPARED")


async def test_what_square_cannot_do_needs_a_person(tools: Tools):
    till = a_till(tools)
    counter = till.sell("LAMP")
    unpaid = till.account.create_order(
        {"location_id": LINDEN, "line_items": [till.line_of("VASE")], "fulfillments": [{"type": "PICKUP"}]}
    )
    gone = till.sell("RUG", pickup=True)
    await till.adapter.tell([news("cancelled", gone["id"])])
    foreign = till.sell("RUG", pickup=True)
    foreign.pop("version")

    told = await till.adapter.tell(
        [news("ready", "NOBODY"), *(news("collected", order["id"]) for order in (counter, unpaid, gone, foreign))]
    )

    assert [one.outcome for one in told] == [Outcome.ATTENTION] * 5
    assert len({one.reason for one in told}) == 5
    assert all(one.action for one in told)


# ---------------------------------------------------------------- settings and doctor


@pytest.mark.parametrize(
    ("settings", "places", "names"),
    [
        ({}, PLACES, "access_token"),
        ({"access_token": TOKEN}, {}, "location_map"),
        ({"access_token": TOKEN, "acess": "x"}, PLACES, "acess"),
        ({"access_token": TOKEN, "start_at": "yesterday"}, PLACES, "start_at"),
    ],
)
def test_a_wrong_setting_is_named_with_what_mends_it(
    tools: Tools, settings: dict[str, str], places: dict[str, str], names: str
):
    with pytest.raises(NeedsAttention, match=names) as raised:
        make("till", settings, places, PUBLIC, tools)

    assert raised.value.action
    assert TOKEN not in str(raised.value)


async def test_the_doctor_names_a_location_that_is_not_there_and_a_foreign_signature_key(tools: Tools):
    till = a_till(tools, webhook_secret="another")
    till.account.seed.locations.pop()

    checks = {check.name: check for check in await till.adapter.check()}

    assert [name for name, check in checks.items() if not check.ok] == ["location LMARKT000002", "webhooks"]
    assert all(check.mend for check in checks.values() if not check.ok)
    assert "another" not in repr(checks)


def till_tools(tools: Tools, till: Till) -> Tools:
    return Tools(tools.clock, tools.ids, tools.chance, till.line)
