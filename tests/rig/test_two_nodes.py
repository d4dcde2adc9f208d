"""Two server processes over one PostgreSQL hear the same request at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.rig.server import settled

# SQLite has one server process by design; PostgreSQL is what several share.
pytestmark = [pytest.mark.rig, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]
TWINS = 20


def test_the_same_key_on_both_nodes_is_one_effect_and_one_answer(database: str, tmp_path: Path):
    with settled(tmp_path / "omnisync", database) as server:
        server.stock(LETZTE=60)
        for name in ("north", "south"):
            server.node(name, worker=False).start()

        def ask(one: tuple[int, int]) -> httpx.Response:
            number, node = one
            with server.client("shop", node=node) as shop:
                wish = {"lines": [{"sku": "LETZTE", "location": "linden", "quantity": 1}]}
                return shop.post("/v1/reservations", json=wish, headers={"idempotency-key": f"twin{number}"})

        with ThreadPoolExecutor(16) as buyers:
            answers = list(buyers.map(ask, [(number, node) for number in range(TWINS) for node in (0, 1)]))

        assert {answer.status_code for answer in answers} == {201}
        assert [one.content for one in answers[::2]] == [one.content for one in answers[1::2]]
        assert [(row["on_hand"], row["reserved"]) for row in server.get("/v1/stock")["items"]] == [(60, TWINS)]
