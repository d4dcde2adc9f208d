"""`omnisync archive`, from the first month to the check of its files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.stock.shelves import balance
from omnisync.values import Kind
from tests.commands.conftest import Omnisync
from tests.stock.shop import article

MARCH = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def spring(fresh_config: Path, fresh: Engine, omnisync: Omnisync) -> Path:
    """Settings of a shop that sells one lamp in each week of March, May and November."""
    omnisync("migrate", config=fresh_config)
    with db.transaction(fresh) as session:
        article(session, "LAMP")
        for week in (0, 1, 2, 3, 9, 10, 11, 36):
            at = MARCH + timedelta(weeks=week)
            ledger.record(session, [Entry(Kind.SOLD, "LAMP", "linden", 1, "till", at, f"till:{week}")], now=at)
    return fresh_config


def test_closed_months_are_archived_once_and_verify_reads_their_files(spring, omnisync, tmp_path):
    folder = tmp_path / "kept"

    planned = json.loads(omnisync("archive", "--until", "2026-07", "--check", "--json", config=spring).out)
    assert planned == {
        "archived": [],
        "would_archive": [{"month": "2026-03", "movements": 4}, {"month": "2026-05", "movements": 3}],
    }
    assert not folder.exists()

    done = json.loads(omnisync("archive", "--until", "2026-07", "--to", str(folder), "--json", config=spring).out)
    assert [(one["month"], one["movements"], one["carried"]) for one in done["archived"]] == [
        ("2026-03", 4, 1),
        ("2026-05", 3, 1),
    ]
    assert sorted(file.name for file in folder.iterdir()) == [
        "movements-2026-03.jsonl.gz",
        "movements-2026-05.jsonl.gz",
    ]
    assert omnisync("archive", "--until", "2026-07", config=spring).out == "Nothing is left to archive up to 2026-07.\n"

    assert omnisync("verify", "--archive", str(folder), config=spring).code == 0
    (folder / "movements-2026-03.jsonl.gz").unlink()
    told = omnisync("verify", "--archive", str(folder), config=spring)
    assert told.code == 1
    assert "files_say_the_same: movements-2026-03.jsonl.gz" in told.out
    assert omnisync("verify", config=spring).code == 0


def test_what_is_no_closed_month_is_refused(spring, omnisync):
    for until, says in (("2026-11", "The last month that can be archived is 2026-07"), ("june", "is no month such as")):
        refused = omnisync("archive", "--until", until, config=spring)
        assert refused.code == 2
        assert says in refused.err


def test_a_ledger_that_does_not_add_up_is_not_archived(spring, fresh, omnisync, tmp_path):
    with db.transaction(fresh) as session:
        session.execute(sa.update(balance).values(on_hand=7))

    refused = omnisync("archive", "--until", "2026-03", "--to", str(tmp_path / "kept"), config=spring)

    assert refused.code == 1
    assert "balances_are_sums" in refused.err
    assert not (tmp_path / "kept").exists()
