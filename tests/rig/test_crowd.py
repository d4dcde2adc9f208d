"""Four servers over one PostgreSQL, asked for the same pieces at the same time. SQLite has one server by design."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import crowd

pytestmark = [pytest.mark.rig, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]


def test_many_writers_sell_everything_and_not_one_piece_more(database: str, tmp_path: Path):
    outcome = crowd.crowd(tmp_path, database, attempts=crowd.SHORT)

    assert not outcome.findings, outcome.findings

    assert outcome.more["promised"] == outcome.more["pieces"]
    assert outcome.more["deadlocks"] == 0
    assert outcome.journal.refused > crowd.SHORT // 4, "there was enough for everybody: this proves little"
