"""The server is killed under load, again and again: whatever it had acknowledged is there, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig.load import Buyers, Journal, trading, wait_for_more
from tests.rig.server import Server, settled

pytestmark = pytest.mark.rig

STOCK = {"HEISS": 400, "WARM": 300, "KALT": 200}
CLIENTS, KILLS, BETWEEN = 12, 3, 30


def test_whatever_was_acknowledged_survives_kill_9_and_happened_once(database: str, tmp_path: Path):
    with settled(tmp_path / "omnisync", database) as server:
        server.stock(**STOCK)
        node = server.node(worker=False)
        node.start()
        buyers = Buyers([node.base_url], server.keys["shop"], server.keys["ops"], list(STOCK))

        with trading(buyers, CLIENTS):
            for _ in range(KILLS):
                wait_for_more(buyers, BETWEEN, lambda journal: len(journal.holds))
                node.kill()
                node.start()
            wait_for_more(buyers, BETWEEN, lambda journal: len(journal.holds))

        journal = buyers.journal
        assert journal.surprises == []
        assert journal.repeated >= KILLS, "no request was under way when the server was killed: the rig proves nothing"
        assert_agrees(server, journal)
        assert server.violations() == ""


def test_every_answer_of_before_the_power_cut_is_given_again_for_the_same_key(database: str, tmp_path: Path):
    with settled(tmp_path / "omnisync", database) as server:
        server.stock(HEISS=5)
        node = server.node(worker=False)
        node.start()
        wish = {"lines": [{"sku": "HEISS", "location": "linden", "quantity": 2}]}
        before = [server.send("POST", "/v1/reservations", wish, role="shop", key=f"k{n}") for n in range(4)]

        node.kill()
        node.start()
        after = [server.send("POST", "/v1/reservations", wish, role="shop", key=f"k{n}") for n in range(4)]

        assert [answer.status_code for answer in before] == [201, 201, 409, 409]
        assert [(a.status_code, a.content) for a in after] == [(b.status_code, b.content) for b in before]
        assert levels(server)["HEISS"] == (5, 4)


def assert_agrees(server: Server, journal: Journal) -> None:
    """The server's shelves are what the buyers' own book says."""
    stock = levels(server)
    for sku, opening in STOCK.items():
        expected = (opening - journal.sold[sku] - journal.collected[sku], journal.still_held[sku])
        assert stock[sku] == expected, f"{sku}: the buyers' book says {expected}, the server {stock[sku]}"
    held = {name for name, _ in journal.holds.values()}
    assert held == {row["promise"] for row in journal_of(server) if row["kind"] == "hold"}


def levels(server: Server) -> dict[str, tuple[int, int]]:
    """SKU -> (on_hand, reserved)."""
    return {row["sku"]: (row["on_hand"], row["reserved"]) for row in server.get("/v1/stock")["items"]}


def journal_of(server: Server) -> list[dict[str, Any]]:
    """All movements."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = server.get("/v1/stock/movements", limit=1000, **cursor)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}
