"""What is awaited and what may be promised before it comes, as programs see it."""

import asyncio

from omnisync import db
from tests.api import SETTINGS, serving
from tests.stock.shop import LINDEN, article, shelf, violations

PUBLIC = SETTINGS.model_copy(update={"server": SETTINGS.server.model_copy(update={"public_availability": True})})
HERE = {"sku": "LAMP", "location": LINDEN}


def awaited(key, pieces, due_at=None):
    return HERE | {"key": key, "kind": "awaited", "quantity": pieces} | ({"due_at": due_at} if due_at else {})


def test_what_is_awaited_can_be_ordered_before_it_comes_and_everybody_sees_from_when(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        shelf(session, "BULB", pieces=50)
        article(session, "SET", components={"LAMP": 1, "BULB": 2})

    async def story():
        async with serving(engine, clock, PUBLIC) as api:

            async def move(*movements):
                return await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": movements})

            async def ask(query="sku=LAMP&sku=SET", role="shop"):
                return (await api.call("GET", f"/v1/availability?{query}", role=role)).json()["items"]

            async def hold(quantity):
                return await api.call("POST", "/v1/reservations", json={"lines": [HERE | {"quantity": quantity}]})

            async def stock(query=""):
                return (await api.call("GET", f"/v1/stock?sku=LAMP{query}", role="ops")).json()["items"]

            said = {"lines": [{"sku": "LAMP", "backorder": "2026-12-01"}]}
            before = await ask()
            put = await api.call("PUT", "/v1/stock/backorder", role="ops", json=said)
            await move(awaited("d/1", 4, "2026-12-05T08:00:00Z"), awaited("d/2", 2))
            after, public = await ask(), await ask(role=None)
            [level] = await stock()
            holds = [await hold(8), await hold(5), await hold(3)]
            later = await ask()
            shortages = (await api.call("GET", "/v1/shortages", role="ops")).json()["items"]
            late = [await stock("&overdue=true")]
            clock.advance(seconds=15 * 86_400)
            late.append(await stock("&overdue=true"))
            wrong = await move(
                HERE | {"key": "d/3", "kind": "received", "quantity": 1, "due_at": "2026-12-05T08:00:00Z"}
            )
            return before, put, after, public, level, holds, later, shortages, late, wrong

    before, put, after, public, level, holds, later, shortages, late, wrong = asyncio.run(story())
    from_then = {"from": "2026-12-05T08:00:00Z"}
    assert all("backorder" not in item for item in before)
    assert put.json() == {"lines": [{"sku": "LAMP", "backorder": "2026-12-01"}]}
    assert [(item["available"], item["backorder"]) for item in after] == [(1, {"available": 6} | from_then)] * 2
    assert [item["backorder"] for item in public] == [from_then] * 2
    assert (level["incoming"], level["backorder"], level["due_at"]) == (6, 6, "2026-12-05T08:00:00Z")
    assert [one.status_code for one in holds] == [409, 201, 409]
    assert [lack["available"] for one in (holds[0], holds[2]) for lack in one.json()["shortages"]] == [7, 2]
    assert [(item["available"], item["state"], item["backorder"]["available"]) for item in later] == [
        (0, "out_of_stock", 2)
    ] * 2
    assert (shortages, late[0], [one["sku"] for one in late[1]]) == ([], [], ["LAMP"])
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "movements.0.due_at")
    with db.transaction(engine) as session:
        assert violations(session) == []


def test_a_set_is_promised_from_when_the_last_of_its_scarce_parts_comes_or_from_no_day_when_nobody_said(engine, clock):
    with db.transaction(engine) as session:
        for sku, pieces in (("LAMP", 0), ("CORD", 0), ("BULB", 50)):
            shelf(session, sku, pieces=pieces)
        article(session, "SET", components={"LAMP": 1, "BULB": 1})
        article(session, "PAIR", components={"LAMP": 1, "CORD": 1})

    async def story():
        async with serving(engine, clock) as api:
            said = [("LAMP", "2026-12-01"), ("BULB", "2026-12-01"), ("CORD", "9")]
            lines = [{"sku": sku, "backorder": how} for sku, how in said]
            put = await api.call("PUT", "/v1/stock/backorder", role="ops", json={"lines": lines})
            moved = [
                awaited("d/1", 4, "2026-12-05T08:00:00Z"),
                awaited("d/2", 4, "2027-03-01T08:00:00Z") | {"sku": "BULB"},
            ]
            told = await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": moved})
            return put, told, await api.call("GET", "/v1/availability?sku=SET&sku=PAIR")

    put, told, asked = asyncio.run(story())

    assert (put.status_code, told.status_code) == (200, 200)
    assert [item["backorder"] for item in asked.json()["items"]] == [
        {"available": 4, "from": "2026-12-05T08:00:00Z"},
        {"available": 4, "from": None},
    ]


def test_what_will_never_come_is_called_off_whole_or_in_part_and_once(engine, clock):
    early, late = "2026-12-05T08:00:00Z", "2026-12-20T08:00:00Z"
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)

    async def story():
        async with serving(engine, clock) as api:

            async def move(*movements):
                return await api.call("POST", "/v1/stock/movements", role="ops", json={"movements": movements})

            async def call_off(key, pieces, due_at=None):
                answer = await move(awaited(key, pieces, due_at) | {"kind": "called_off"})
                [level] = (await api.call("GET", "/v1/stock?sku=LAMP", role="ops")).json()["items"]
                found = (await api.call("GET", "/v1/shortages", role="ops")).json()["items"]
                return answer, level["on_hand"], level["incoming"], level["due_at"], [one["quantity"] for one in found]

            said = {"lines": [{"sku": "LAMP", "backorder": "2026-12-01"}]}
            await api.call("PUT", "/v1/stock/backorder", role="ops", json=said)
            await move(awaited("d/1", 4, early), awaited("d/2", 3, late))
            await api.call("POST", "/v1/reservations", json={"lines": [HERE | {"quantity": 6}]})
            return [
                await call_off("c/1", 4, late), await call_off("c/2", 8), await call_off("c/3", 2, late),
                await call_off("c/3", 2, late), await call_off("c/4", 5),
            ]  # fmt: skip

    answers = asyncio.run(story())
    assert [(one.status_code, *rest) for one, *rest in answers] == [
        (422, 1, 7, early, []), (422, 1, 7, early, []), (200, 1, 5, early, []), (200, 1, 5, early, []), (200, 1, 0, None, [5]),
    ]  # fmt: skip
    too_many = [answer.json()["errors"][0]["message"] for answer, *_ in answers[:2]]
    assert too_many == [f"LAMP at linden: 3 awaited by {late}, not 4.", "LAMP at linden: 7 awaited, not 8."]
    assert answers[3][0].json()["movements"] == [{"key": "c/3", "duplicate": True}]
    with db.transaction(engine) as session:
        assert violations(session) == []
