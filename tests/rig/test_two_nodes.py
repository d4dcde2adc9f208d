"""Two server processes over one PostgreSQL, asked for the same pieces at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.rig.load import Buyers, trading, wait_for_more
from tests.rig.server import Server, settled
from tests.rig.test_power_cuts import STOCK, assert_agrees, levels

# SQLite has one server process by design; PostgreSQL is what several share.
pytestmark = [pytest.mark.rig, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]
PIECES, WANTED, CLIENTS = 60, 160, 16


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Server]:
    """Two nodes that share a database, up and running."""
    with settled(tmp_path / "omnisync", database) as server:
        server.stock(**STOCK, LETZTE=PIECES)
        for name in ("north", "south"):
            server.node(name, worker=False).start()
        yield server


def test_two_nodes_sell_one_article_to_the_last_piece_and_no_further(server: Server):
    def buy(number: int) -> int:
        with server.client("shop", node=number % 2) as shop:
            wish = {"lines": [{"sku": "LETZTE", "location": "linden", "quantity": 1}]}
            return shop.post("/v1/reservations", json=wish, headers={"idempotency-key": f"b{number}"}).status_code

    with ThreadPoolExecutor(CLIENTS) as buyers:
        answers = Counter(buyers.map(buy, range(WANTED)))

    assert answers == {201: PIECES, 409: WANTED - PIECES}
    assert levels(server)["LETZTE"] == (PIECES, PIECES)
    assert server.violations() == ""


def test_the_same_key_on_both_nodes_is_one_effect_and_one_answer(server: Server):
    def ask(one: tuple[int, int]) -> httpx.Response:
        number, node = one
        with server.client("shop", node=node) as shop:
            wish = {"lines": [{"sku": "LETZTE", "location": "linden", "quantity": 1}]}
            return shop.post("/v1/reservations", json=wish, headers={"idempotency-key": f"twin{number}"})

    pairs = [(number, node) for number in range(20) for node in (0, 1)]
    with ThreadPoolExecutor(CLIENTS) as buyers:
        answers = list(buyers.map(ask, pairs))

    assert {answer.status_code for answer in answers} == {201}
    assert [answers[n].content for n in range(0, 40, 2)] == [answers[n].content for n in range(1, 40, 2)]
    assert levels(server)["LETZTE"] == (PIECES, 20)


def test_mixed_trade_on_two_nodes_stays_exact_while_one_of_them_is_killed(server: Server):
    addresses = [program.base_url for program in server.programs]
    buyers = Buyers(addresses, server.keys["shop"], server.keys["ops"], list(STOCK))

    with trading(buyers, CLIENTS):
        wait_for_more(buyers, 60, lambda journal: len(journal.holds))
        server.programs[1].kill()
        wait_for_more(buyers, 40, lambda journal: len(journal.holds))
        server.programs[1].start()
        wait_for_more(buyers, 40, lambda journal: len(journal.holds))

    assert buyers.journal.surprises == []
    assert_agrees(server, buyers.journal)
    assert server.violations() == ""
