"""The simulated till: its files under every fault, its import, its door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Counted, Fact, Sale, Shown, Target, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.csv import make
from omnisync.adapters.csv.adapter import CsvTill
from omnisync.demo.faults import Purchase, SoldOut
from omnisync.demo.till.app import open_till, till_from_seed
from omnisync.demo.till.till import Till
from omnisync.values import Money

pytestmark = pytest.mark.anyio
SEED: dict[str, Any] = {
    "imports": "aus/bestand.csv",
    "listings": [
        {
            "sku": "MÜTZE",
            "price": "14.95",
            "title": "Mütze",
            "barcode": "4006381333931",
            "quantities": {"001": 9, "002": 3},
        },
        {"sku": "SCHAL", "price": "29.90", "title": "Schal; lang", "quantities": {"001": 5}},
    ],
}


@pytest.fixture
def till(tmp_path: Path, tools: Tools) -> Till:
    """Two stores with two articles."""
    return till_from_seed(SEED, tmp_path, tools.clock)


@pytest.fixture
def adapter(till: Till, tools: Tools) -> CsvTill:
    """Connected to the till's folder, waiting two seconds until a file is thought complete."""
    settings = {"folder": str(till.folder), "out": "aus/bestand.csv"}
    connected = make("till", settings, {"001": "linden", "002": "markt"}, "", tools)
    assert isinstance(connected, CsvTill)
    return connected


async def poll(till: Till, adapter: CsvTill, *, ticks: int) -> list[Fact]:
    """Let so many moments of one second pass, reading what lies there in each."""
    facts: list[Fact] = []
    cursor: str | None = None
    for _ in range(ticks):
        till.tick()
        more = True
        while more:
            page = await adapter.pull(cursor, now=till.clock.now())
            facts, cursor, more = [*facts, *page.facts], page.cursor, page.more
            await adapter.done([fact.key for fact in page.facts if isinstance(fact, Sale | Counted | Unreadable)])
        await till.clock.sleep(1)
    return facts


@pytest.mark.parametrize("fault", [None, "down", "rate_limited", "double", "reorder", "lose"])
async def test_every_receipt_is_told_whatever_went_wrong(till: Till, adapter: CsvTill, fault: str | None):
    if fault:
        setattr(till.faults, fault, True)
    facts = []
    for _ in range(4):
        till.buy(Purchase(sku="MÜTZE", place="001"))
        till.buy(Purchase(sku="SCHAL"))
        facts += await poll(till, adapter, ticks=1)
    facts += await poll(till, adapter, ticks=4)
    if fault:
        setattr(till.faults, fault, False)
    till.take_back("MÜTZE", "001", 1)
    facts += await poll(till, adapter, ticks=6)

    by_key = {fact.key: fact for fact in facts if isinstance(fact, Sale)}
    assert not [fact for fact in facts if isinstance(fact, Unreadable)]
    assert sorted(sale.quantity for sale in by_key.values()) == [-1] + [1] * 8
    assert not [path for path in till.folder.glob("verkauf*") if path.is_file()]


async def test_a_count_tells_the_tills_own_stock(till: Till, adapter: CsvTill):
    till.buy(Purchase(sku="MÜTZE", quantity=2, place="001"))
    till.count("001")

    facts = await poll(till, adapter, ticks=4)

    counts = {fact.article.sku: fact for fact in facts if isinstance(fact, Counted)}
    assert {sku: (count.quantity, count.place) for sku, count in counts.items()} == {
        "MÜTZE": (7, "001"),
        "SCHAL": (5, "001"),
    }
    assert counts["MÜTZE"].article.barcode == "4006381333931"


async def test_what_omnisync_writes_the_till_takes_over(till: Till, adapter: CsvTill):
    cap = Target("MÜTZE", "MÜTZE", "002")
    await adapter.publish([Shown(cap, "t", till.clock.now(), quantity=8, price=Money(999, "EUR"))])

    till.tick()

    assert (till.levels["002", "MÜTZE"], till.levels["001", "MÜTZE"]) == (8, 9)
    assert till.goods["MÜTZE"].price == Money(999, "EUR")
    assert not (till.folder / "aus/bestand.csv").exists()


async def test_the_articles_it_lists_are_found(adapter: CsvTill):
    page = await adapter.listings(None)

    assert [(one.sku, one.barcode, one.title) for one in page.listings] == [
        ("MÜTZE", "4006381333931", "Mütze"),
        ("SCHAL", None, "Schal; lang"),
    ]


async def test_an_empty_shelf_sells_nothing(till: Till):
    till.buy(Purchase(sku="SCHAL", quantity=5))

    with pytest.raises(SoldOut):
        till.buy(Purchase(sku="SCHAL"))
    with pytest.raises(KeyError):
        till.buy(Purchase(sku="GHOST"))


@pytest.fixture
async def door(till: Till) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the till's door."""
    transport = httpx.ASGITransport(open_till(till))
    async with httpx.AsyncClient(transport=transport, base_url="http://till.test") as client:
        yield client


async def test_buyers_come_through_the_door(door: httpx.AsyncClient, till: Till):
    bought = await door.post("/_sim/buy", json={"sku": "MÜTZE", "quantity": 2, "place": "002"})
    sold_out = await door.post("/_sim/buy", json={"sku": "MÜTZE", "quantity": 2, "place": "002"})
    unknown = await door.post("/_sim/buy", json={"sku": "GHOST"})
    returned = await door.post("/_sim/return", json={"sku": "MÜTZE", "place": "002"})
    counted = await door.post("/_sim/count", json={"place": "002"})
    faults = await door.post("/_sim/faults", json={"down": True})
    state = (await door.get("/_sim/state")).json()

    assert [answer.status_code for answer in (bought, sold_out, unknown, returned)] == [200, 409, 404, 200]
    assert (bought.json()["place"], faults.json()["down"]) == ("002", True)
    assert {"sku": "MÜTZE", "place": "002", "quantity": 2} in state["levels"]
    assert (state["orders"], state["waiting"], state["dropped"]) == (2, 2, 1)
    assert (till.folder / counted.json()["file"]).exists()
