"""What a store sends, and its pauses, as programs ask for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.adapters.base import OrderSeen
from omnisync.orders import intake
from tests.api import SETTINGS, serving
from tests.conftest import START
from tests.orders.test_intake import a_line
from tests.stock.shop import level, shelf

HERE = {"order": "webshop:1", "location": "linden"}
UNTIL = "2026-11-21T16:00:00Z"
ORDER = {"location": "linden", "customer": {"name": "Anna"}, "lines": [{"sku": "LAMP", "quantity": 1}]}


def play(engine, clock, story):
    """Three orders: two to be sent from linden, one from the warehouse."""
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)
        shelf(session, "LAMP", pieces=9, location="lager")
        for number, quantity in enumerate((1, 2, 4), 1):
            placed = START - timedelta(hours=1, minutes=-number)
            seen = OrderSeen(str(number), f"#{number}", START, placed, (a_line(quantity),))
            intake.take(session, SETTINGS.channels[0], seen, lambda article: article.sku, now=START)

    async def run():
        async with serving(engine, clock) as api:
            return await story(api)

    return asyncio.run(run())


def named(answer):
    return [(one["order"], one["location"]) for one in answer.json()["items"]]


def test_staff_list_what_their_store_sends_and_the_office_every_store(engine, clock):
    async def story(api):
        mine = await api.call("GET", "/v1/parcels", role="staff")
        first = (await api.call("GET", "/v1/parcels?limit=2", role="ops")).json()
        rest = await api.call("GET", f"/v1/parcels?limit=2&cursor={first['next_cursor']}", role="ops")
        there = await api.call("GET", "/v1/parcels?location=lager", role="ops")
        refused = [
            await api.call("GET", "/v1/parcels?location=lager", role="staff"),
            await api.call("GET", "/v1/parcels", role="shop"),
            await api.call("GET", "/v1/parcels?cursor=x", role="ops"),
        ]
        return mine, first, rest, there, [one.status_code for one in refused]

    mine, first, rest, there, refused = play(engine, clock, story)

    assert named(mine) == [("webshop:1", "linden"), ("webshop:2", "linden")]
    assert mine.json()["items"][1] == {
        "order": "webshop:2", "channel": "webshop", "reference": "#2", "location": "linden",
        "placed_at": "2026-11-21T09:02:00Z", "sent_at": None, "lines": [{"sku": "LAMP", "quantity": 2}],
    }  # fmt: skip
    assert [one["order"] for one in first["items"]] == ["webshop:1", "webshop:2"]
    assert named(rest) == named(there) == [("webshop:3", "lager")]
    assert rest.json()["next_cursor"] is None
    assert refused == [403, 403, 422]


def test_what_is_said_to_be_sent_leaves_the_shelf_once_and_can_be_taken_back(engine, clock):
    async def story(api):
        said = [await api.call("POST", "/v1/parcels/sent", role="staff", key="s", json=HERE) for _ in range(2)]
        again = await api.call("POST", "/v1/parcels/sent", role="ops", json=HERE)
        back = [await api.call("POST", "/v1/parcels/not-sent", role="staff", json=HERE) for _ in range(2)]
        wrong = [
            await api.call("POST", "/v1/parcels/sent", role="staff", json=HERE | {"location": "lager"}),
            await api.call("POST", "/v1/parcels/not-sent", role="staff", json=HERE | {"location": "lager"}),
            await api.call("POST", "/v1/parcels/sent", role="staff", json=HERE | {"order": "webshop:9"}),
            await api.call("POST", "/v1/parcels/sent", role="staff", key=None, json=HERE),
        ]
        return said, again, back, wrong, await api.call("GET", "/v1/parcels", role="staff")

    said, again, back, wrong, after = play(engine, clock, story)

    assert said[0].json()["sent_at"] == "2026-11-21T10:00:00Z"
    assert said[0].json()["lines"] == [{"sku": "LAMP", "quantity": 1}]
    assert said[0].content == said[1].content
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "already-done")
    assert (back[0].status_code, back[0].json()["sent_at"]) == (200, None)
    assert (back[1].status_code, back[1].json()["type"].rpartition("/")[2]) == (409, "unsend-over")
    assert [one.status_code for one in wrong] == [403, 403, 404, 400]
    assert named(after) == [("webshop:1", "linden"), ("webshop:2", "linden")]
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (3, 3)


def test_a_store_pauses_and_takes_pickups_again(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "VASE", pieces=2)
    order = ORDER | {"lines": [{"sku": "VASE", "quantity": 1}]}

    async def story(api):
        begun = await api.call("PUT", "/v1/pauses/linden", role="staff", json={"until": UNTIL})
        listed = [await api.call("GET", "/v1/pauses", role=role) for role in ("staff", "ops")]
        elsewhere = await api.call("GET", "/v1/pauses?location=markt", role="ops")
        refused = await api.call("POST", "/v1/pickups", json=order)
        ended = [await api.call("DELETE", "/v1/pauses/linden", role="staff") for _ in range(2)]
        return begun, listed, elsewhere, refused, ended, await api.call("POST", "/v1/pickups", json=order)

    begun, listed, elsewhere, refused, ended, placed = play(engine, clock, story)

    assert begun.json() == {"location": "linden", "since": "2026-11-21T10:00:00Z", "until": UNTIL, "by": "staff"}
    assert [one.json()["items"] for one in listed] == [[begun.json()]] * 2
    assert elsewhere.json()["items"] == []
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "no-pickup")
    assert [one.status_code for one in ended] == [204, 404]
    assert placed.status_code == 201


@pytest.mark.parametrize(
    ("role", "place", "until", "status"),
    [
        ("staff", "markt", UNTIL, 403),
        ("shop", "linden", UNTIL, 403),
        ("ops", "mars", UNTIL, 422),
        ("ops", "linden", "2026-11-21T08:00:00Z", 422),
        ("ops", "linden", "2026-12-24T08:00:00Z", 422),
        ("ops", "markt", UNTIL, 200),
    ],
)
def test_who_pauses_whom_and_until_when_is_checked(engine, clock, role, place, until, status):
    async def story(api):
        return await api.call("PUT", f"/v1/pauses/{place}", role=role, json={"until": until})

    assert play(engine, clock, story).status_code == status
