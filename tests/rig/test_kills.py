"""Servers and the worker are killed under load, again and again: whatever was acknowledged is there, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import kills
from tests.rig.server import settled

pytestmark = pytest.mark.rig


def test_whatever_was_acknowledged_survives_kill_9_and_happened_once(database: str, tmp_path: Path):
    outcome = kills.kill_again_and_again(tmp_path, database, kills=kills.SHORT)

    assert not outcome.findings, outcome.findings

    assert outcome.journal.repeated >= kills.SHORT, (
        "no request was under way when a server was killed: this proves nothing"
    )
    assert {one.kind for one in outcome.journal.done} == {
        "hold",
        "confirm",
        "collected",
        "released",
        "sold",
        "order",
        "hook",
    }


def test_every_answer_of_before_the_kill_is_given_again_for_the_same_key(database: str, tmp_path: Path):
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
        assert [(row["on_hand"], row["reserved"]) for row in server.get("/v1/stock")["items"]] == [(5, 4)]
