"""Every list of stock and orders: paged without a gap, narrowed to a store, and never led astray by a cursor that is not its own."""

import asyncio

from omnisync import db
from omnisync.orders.tables import HandOver, Task
from omnisync.orders.tasks import Job
from omnisync.stock import came_back, ledger, stocktakes, transfers
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.api import serving
from tests.conftest import START
from tests.orders.counter import LAGER, LINDEN, MARKT
from tests.stock.shop import shelf

STORES = (LINDEN, MARKT)
LISTS = (
    "/v1/stock", "/v1/stock/blocked", "/v1/stock/movements", "/v1/stock/recounts", "/v1/returns", "/v1/stocktakes", "/v1/transfers",
    "/v1/pickups/not-rung-up", "/v1/shortages", "/v1/tasks",
)  # fmt: skip
OF_STORES = {
    "/v1/stock/blocked",
    "/v1/stock/recounts",
    "/v1/returns",
    "/v1/stocktakes",
    "/v1/transfers",
    "/v1/pickups/not-rung-up",
    "/v1/tasks",
}
"""Staff see those of their own store."""


def two_of_everything(session, ids):
    for n, store in enumerate(STORES):
        shelf(session, "LAMP", pieces=1, location=store)
        back = Entry(Kind.RETURNED, "LAMP", store, 1, "test", START, key=f"back/{n}")
        came_back.book(session, back, came_back.Source("web", True, False, f"web:{n}", f"#{n}"), now=START)
        sold = Entry(Kind.SOLD, "LAMP", store, 4, "test", START)
        promised = Entry(Kind.ORDER, "LAMP", store, 1, "test", START, promise=f"web:{n}")
        found = Entry(Kind.SOLD, "VASE", store, 1, "test", START)
        ledger.record(session, [sold, promised, found], now=START)
        stocktakes.open_one(session, ids, store, by="ops", now=START)
        transfers.ask(session, ids, transfers.Sending(LAGER, store, {"LAMP": 1}, START), now=START)
        session.add(HandOver(id=f"{n}", location=store, sku="LAMP", pickup_id="p", at=START))
        session.add(Task(id=f"{n}", kind=Job.COUNT, location=store, sku="LAMP", created_at=START))


def test_every_list_is_paged_without_a_gap_and_narrowed_to_a_store(engine, clock, ids):
    with db.transaction(engine) as session:
        shelf(session, "VASE", pieces=0)
        two_of_everything(session, ids)

    async def walk(api, path, role, **query):
        found, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = (await api.call("GET", path, role=role, params={"limit": 1} | query | more)).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def story():
        async with serving(engine, clock) as api:
            for path in LISTS:
                everything = (await api.call("GET", path, role="ops")).json()["items"]
                assert await walk(api, path, "ops") == everything, path
                assert len(everything) >= 2, path
                assert (await api.call("GET", path, role="ops", params={"cursor": "x"})).status_code == 422, path
            for path in OF_STORES:
                at_markt = await walk(api, path, "ops", location=MARKT)
                assert 0 < len(at_markt) < len(await walk(api, path, "ops")), path
                other = await api.call("GET", path, role="staff", params={"location": MARKT})
                assert other.status_code == 403, path
                assert await walk(api, path, "staff") == await walk(api, path, "ops", location=LINDEN), path
            narrowed = {"sku": "VASE", "location": MARKT}
            assert [one["on_hand"] for one in await walk(api, "/v1/stock", "ops", **narrowed)] == [-1]
            since = narrowed | {"since": "2026-11-21T10:00:00Z"}
            assert [one["kind"] for one in await walk(api, "/v1/stock/movements", "ops", **since)] == ["sold"]
            [first, _] = await walk(api, "/v1/stocktakes", "ops")
            lines = f"/v1/stocktakes/{first['id']}/lines"
            assert [one["sku"] for one in await walk(api, lines, "ops")] == ["LAMP", "VASE"]
            abandoned = await api.call("POST", f"/v1/stocktakes/{first['id']}/abandon", role="ops")
            assert abandoned.json()["state"] == "abandoned"

    asyncio.run(story())
