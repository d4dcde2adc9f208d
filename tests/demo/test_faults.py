"""The `/_sim` door and the faults that all simulated channels share."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from omnisync.clock import StoppedClock
from omnisync.demo.faults import Faults, Purchase, SoldOut, add_door, add_faults
from tests.conftest import START


class Stall:
    """A channel with one article."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.clock = StoppedClock(START)
        self.left = 2

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        if purchase.sku != "LAMP":
            raise KeyError(purchase.sku)
        if purchase.quantity > self.left:
            raise SoldOut(f"only {self.left} left")
        self.left -= purchase.quantity
        return {"order": "1"}

    def state(self) -> dict[str, Any]:
        return {"levels": [{"sku": "LAMP", "place": None, "quantity": self.left}], "orders": 0}

    def shown(self, sku: str) -> dict[str | None, int]:
        return {{"LAMP": None}[sku]: self.left}


def a_stall() -> tuple[Stall, httpx.AsyncClient]:
    stall, app = Stall(), FastAPI()
    add_faults(app, stall.faults)
    add_door(app, stall)

    @app.get("/api")
    async def api() -> str:
        return "open"

    return stall, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim")


def test_a_channel_that_is_down_can_be_mended_through_its_door():
    stall, client = a_stall()

    async def play() -> list[int]:
        async with client:
            first = await client.get("/api")
            await client.post("/_sim/faults", json={"down": True})
            second = await client.get("/api")
            await client.post("/_sim/faults", json={"down": False, "rate_limited": True, "retry_after_seconds": 3})
            third = await client.get("/api")
            assert third.headers["retry-after"] == "3"
            refused = await client.post("/_sim/faults", json={"dwon": True})
            return [answer.status_code for answer in (first, second, third, refused)]

    assert asyncio.run(play()) == [200, 503, 429, 422]
    assert stall.faults == Faults(rate_limited=True, retry_after_seconds=3)


def test_a_buyer_gets_only_what_the_channel_itself_offers():
    stall, client = a_stall()

    async def play() -> list[int]:
        async with client:
            wishes = [{"sku": "LAMP", "quantity": 2}, {"sku": "LAMP"}, {"sku": "SOFA"}, {"sku": "LAMP", "quantity": 0}]
            statuses = [(await client.post("/_sim/buy", json=wish)).status_code for wish in wishes]
            state = (await client.get("/_sim/state")).json()
            assert (state["levels"][0]["quantity"], state["faults"]["down"]) == (0, False)
            return statuses

    assert asyncio.run(play()) == [200, 409, 404, 422]
    assert stall.left == 0


def test_whoever_asks_hears_as_soon_as_no_more_is_shown_than_that():
    _, client = a_stall()

    async def play() -> list[int]:
        async with client:
            waiting = asyncio.create_task(client.get("/_sim/shown", params={"sku": "LAMP", "most": 1}))
            await client.post("/_sim/buy", json={"sku": "LAMP"})
            in_time = await waiting
            assert in_time.json() == {"quantity": 1}
            never = await client.get("/_sim/shown", params={"sku": "LAMP", "most": 0, "seconds": 1})
            unknown = await client.get("/_sim/shown", params={"sku": "LAMB", "most": 0})
            return [in_time.status_code, never.status_code, unknown.status_code]

    assert asyncio.run(play()) == [200, 408, 404]
