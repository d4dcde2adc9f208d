"""A store over HTTP: what is not for sale and why, returns, a blind stocktake, and a shortage that is mended with one call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import StoppedClock
from omnisync.stock import came_back, ledger
from omnisync.stock.came_back import Source
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.api import Api, serving
from tests.conftest import START
from tests.orders.counter import violations
from tests.stock.shop import article, shelf

PICKUP = {"location": "linden", "customer": {"name": "Anna"}, "lines": [{"sku": "LAMP", "quantity": 1}]}


def play(engine: Engine, clock: StoppedClock, story: Any) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
        shelf(session, "LAMP", pieces=5, location="markt")
        back = Entry(Kind.RETURNED, "LAMP", "linden", 2, "order:1", START, key="back/1")
        came_back.book(session, back, Source("webshop", True, False, "webshop:1", "#1"), now=START)

    async def run() -> None:
        async with serving(engine, clock) as api:
            await story(api)

    asyncio.run(run())
    with db.reading(engine) as session:
        assert violations(session) == []


async def moved(api: Api, kind: str, n: int, reason: str | None, key: str) -> int:
    line = {"key": key, "kind": kind, "sku": "LAMP", "location": "linden", "quantity": n, "reason": reason}
    answer = await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": [line]})
    return answer.status_code


async def unblocked_twice(api: Api, *quantities: int) -> int:
    """The same key twice in one body."""
    line = {"key": "u/2", "kind": "unblocked", "sku": "LAMP", "location": "linden", "reason": "on_loan"}
    lines = [line | {"quantity": n} for n in quantities]
    return (await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": lines})).status_code


async def items(api: Api, path: str, role: str = "ops") -> list[dict[str, Any]]:
    answer = await api.call("GET", path, role=role)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_what_is_not_for_sale_has_a_reason_and_goes_back_on_sale_for_that_reason_only(
    engine: Engine, clock: StoppedClock
) -> None:
    async def story(api: Api) -> None:
        refused = [await moved(api, "blocked", 1, why, f"b{why}") for why in (None, "mood")]
        blocked = [await moved(api, "blocked", n, why, f"b/{why}") for n, why in ((2, "display"), (1, "on_loan"))]
        too_much = [await moved(api, "unblocked", n, why, "u") for n, why in ((3, "display"), (1, "to_be_checked"))]
        back = [await moved(api, "unblocked", 2, "display", "u/1") for _ in range(2)]

        too_much += [await unblocked_twice(api, 3, 1)]

        assert (refused, blocked, too_much, back) == ([422, 422], [200, 200], [422, 422, 422], [200, 200])
        assert (await api.call("GET", "/v1/stock/blocked?location=markt", role="staff")).status_code == 403
        found = await items(api, "/v1/stock/blocked?limit=1", "staff")
        cursor = (await api.call("GET", "/v1/stock/blocked?limit=1", role="ops")).json()["next_cursor"]
        found += await items(api, f"/v1/stock/blocked?limit=1&cursor={cursor}")
        assert [(one["reason"], one["quantity"]) for one in found] == [("on_loan", 1), ("to_be_checked", 2)]

    play(engine, clock, story)


def test_a_return_is_decided_once_whoever_repeats_the_call(engine: Engine, clock: StoppedClock) -> None:
    async def story(api: Api) -> None:
        [found] = await items(api, "/v1/returns?location=linden", "staff")
        path, body = f"/v1/returns/{found['id']}/decide", {"sellable": 1, "scrap": 1}
        answers = [await api.call("POST", path, role="staff", key="one", json=body) for _ in range(2)]
        other = await api.call("POST", path, role="ops", json={"sellable": 2})

        assert [one.status_code for one in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert (other.status_code, other.json()["by"]) == (409, "staff")
        assert await items(api, "/v1/returns", "staff") == []
        [done] = await items(api, "/v1/returns?state=all")
        assert (done["state"], done["sellable"], done["scrap"], done["order"]) == ("decided", 1, 1, "#1")
        assert (await api.call("GET", "/v1/returns?location=markt", role="staff")).status_code == 403

    play(engine, clock, story)


def test_a_stocktake_is_blind_closes_pickups_and_is_booked_by_ops(engine: Engine, clock: StoppedClock) -> None:
    async def story(api: Api) -> None:
        opened = (await api.call("POST", "/v1/stocktakes", role="ops", json={"location": "linden"})).json()
        path = f"/v1/stocktakes/{opened['id']}"
        blind = await items(api, f"{path}/lines", "staff")
        pickup = await api.call("POST", "/v1/pickups", json=PICKUP)
        [asked] = await items(api, "/v1/availability?sku=LAMP", "shop")
        held = await api.call(
            "POST", "/v1/reservations", json={"lines": [{"sku": "LAMP", "location": "linden", "quantity": 9}]}
        )
        counts = {"counts": [{"sku": "LAMP", "quantity": 6}]}
        counted = (await api.call("POST", f"{path}/counts", role="staff", json=counts)).json()["items"]
        refused = [(await api.call("POST", f"{path}/{how}", role="staff")).status_code for how in ("book", "abandon")]
        before = (await api.call("GET", path, role="ops")).json()
        booked = await api.call("POST", f"{path}/book", role="ops")

        assert [(one["sku"], one["expected"]) for one in blind] == [("LAMP", None)]
        assert (pickup.status_code, pickup.json()["title"]) == (409, "no pickup")
        assert {one["location"]: one["pickup"] for one in asked["locations"]} == {
            "linden": False,
            "markt": True,
            "lager": False,
        }
        assert asked["available"] == 10
        [lack] = held.json()["shortages"]
        assert [one["ready_at"] is None for one in lack["elsewhere"]] == [False]
        assert [(one["expected"], one["counted"], one["difference"]) for one in counted] == [(7, 6, -1)]
        assert refused == [403, 403]
        assert (before["state"], before["missing"], before["without_cost"]) == ("open", 1, 1)
        assert (booked.json()["state"], booked.json()["missing"]) == ("booked", 1)
        clock.advance(seconds=2)
        [asked] = await items(api, "/v1/availability?sku=LAMP", "shop")
        assert asked["locations"][0] | {"ready_at": None} == {
            "location": "linden", "available": 4, "pickup": True, "ready_at": None,
        }  # fmt: skip
        assert [one["state"] for one in await items(api, "/v1/stocktakes", "staff")] == ["booked"]
        assert await items(api, "/v1/stock/recounts", "staff") == []

    play(engine, clock, story)


def test_a_shortage_is_mended_with_one_call_that_says_what_was_seen(engine: Engine, clock: StoppedClock) -> None:
    async def story(api: Api) -> None:
        placed = (await api.call("POST", "/v1/pickups", json=PICKUP)).json()
        with db.transaction(engine) as session:
            ledger.record(session, [Entry(Kind.SOLD, "LAMP", "linden", 5, "pos:1", START)], now=START)
        [found] = await items(api, "/v1/shortages")
        path = f"/v1/shortages/{found['id']}/accept"
        stale = await api.call("POST", path, role="ops", json={"proposal": "something else"})
        done = await api.call("POST", path, role="ops", json={"proposal": found["proposal"]})

        [promise] = found["promises"]
        assert (promise["id"], promise["action"], promise["location"]) == (placed["id"], "transfer", "markt")
        assert (stale.status_code, stale.json()["proposal"]) == (409, found["proposal"])
        assert (done.status_code, done.json()["promises"], done.json()["accepted_by"]) == (200, [], "ops")
        page = (await api.call("GET", "/v1/shortages", role="ops")).json()
        assert (page["items"], page["lacking"], page["stock_errors"]) == ([], [], [])

    play(engine, clock, story)


def test_what_is_told_of_a_shelf_is_refused_with_the_field_that_is_wrong(engine: Engine, clock: StoppedClock) -> None:
    told = {"key": "t/1", "kind": "found", "sku": "LAMP", "location": "linden", "quantity": 1}
    wrong = [
        ({"quantity": 0}, "quantity"), ({"location": "mars"}, "location"), ({"to_location": "markt"}, "to_location"),
        ({"kind": "transfer"}, "to_location"), ({"kind": "transfer", "to_location": "linden"}, "to_location"),
        ({"kind": "transfer", "to_location": "mars"}, "to_location"), ({"sku": "NOBODY KNOWS"}, "sku"), ({"sku": "SET"}, "sku"),
        ({"sku": "DEPOSIT"}, "sku"), ({"occurred_at": "2026-08-01T10:00:00Z"}, "occurred_at"),
    ]  # fmt: skip
    with db.transaction(engine) as session:
        article(session, "DEPOSIT", stocked=False)

    async def story(api: Api) -> None:
        async def tell(role: str = "ops", **changes: Any) -> Any:
            return await api.call("POST", "/v1/stock/movements", role=role, json={"movements": [told | changes]})

        with db.transaction(engine) as session:
            article(session, "SET", components={"LAMP": 2})
        for changes, field in wrong:
            answer = await tell(**changes)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, f"movements.0.{field}"), changes
        assert [(await tell("staff", **changes)).status_code for changes in ({"location": "markt"}, {"kind": "sold"}, {})] == [
            403, 403, 200,
        ]  # fmt: skip
        assert (await tell(kind="transfer", to_location="markt", key="t/2")).status_code == 200
        line = {"sku": "LAMP", "location": "linden", "safety": 2}
        safe = await api.call("PUT", "/v1/stock/safety", role="ops", json={"lines": [line]})
        astray = await api.call("PUT", "/v1/stock/safety", role="ops", json={"lines": [line | {"location": "mars"}]})
        assert (safe.status_code, astray.status_code) == (200, 422)
        levels = {one["location"]: one for one in await items(api, "/v1/stock?sku=LAMP")}
        assert (levels["linden"]["on_hand"], levels["linden"]["safety"], levels["markt"]["on_hand"]) == (7, 2, 6)

    play(engine, clock, story)


RECEIVED = {"key": "d-1", "kind": "received", "sku": "LAMP", "location": "linden", "quantity": 5}
MOVED = RECEIVED | {"key": "t-1", "kind": "transfer", "to_location": "markt"}


async def told(api: Api, *lines: dict[str, Any]) -> Any:
    return await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": lines})


async def on_hand(api: Api) -> dict[str, int]:
    return {one["location"]: one["on_hand"] for one in await items(api, "/v1/stock?sku=LAMP")}


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (RECEIVED, {"quantity": 6}),
        (RECEIVED, {"kind": "count"}),
        (RECEIVED, {"location": "markt"}),
        (RECEIVED, {"sku": "CUP"}),
        (RECEIVED, {"kind": "transfer", "to_location": "markt"}),
        (MOVED, {"quantity": 4}),
        (MOVED, {"to_location": "lager"}),
        (MOVED, {"kind": "missing", "to_location": None}),
    ],
)
def test_a_key_that_was_used_for_another_movement_is_refused_by_name_and_nothing_is_written_down(
    engine: Engine, clock: StoppedClock, first: dict[str, Any], other: dict[str, Any]
) -> None:
    with db.transaction(engine) as session:
        shelf(session, "CUP", pieces=5)

    async def story(api: Api) -> None:
        new = RECEIVED | {"key": "d-2", "quantity": 1}
        assert (await told(api, first)).json()["movements"] == [{"key": first["key"], "duplicate": False}]
        before = await on_hand(api)

        refused = await told(api, new, first | other)
        within = await told(api, new, new | {"quantity": 2})
        again = await told(api, first, first)

        assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (422, "idempotency-key-reused")
        [error] = refused.json()["errors"]
        assert error["field"] == "movements.1.key"
        assert "5 of LAMP at" in error["message"]
        assert (within.status_code, within.json()["errors"][0]["field"]) == (422, "movements.1.key")
        assert again.json()["movements"] == [{"key": first["key"], "duplicate": True}] * 2
        assert await on_hand(api) == before

    play(engine, clock, story)


def test_no_key_of_a_caller_is_taken_for_one_of_our_own(engine: Engine, clock: StoppedClock) -> None:
    async def story(api: Api) -> None:
        counted = {"key": "c-1", "kind": "count", "sku": "LAMP", "location": "linden", "quantity": 3}
        late = RECEIVED | {"key": "K", "occurred_at": "2026-11-20T10:00:00Z"}
        moved = MOVED | {"key": "T", "quantity": 1}
        ours = [f"T{end}" for end in ("/in", "/counted", "-in")] + ["counted:T", "in:T", "K/counted", "counted:K"]

        before = await told(api, counted, *(RECEIVED | {"key": key, "quantity": 1} for key in ours))
        booked = await told(api, late, moved)

        assert [one["duplicate"] for one in before.json()["movements"]] == [False] * (1 + len(ours))
        assert [one["duplicate"] for one in booked.json()["movements"]] == [False, False]
        assert await on_hand(api) == {"linden": 3 + len(ours) - 1, "markt": 5 + 1}

    play(engine, clock, story)
