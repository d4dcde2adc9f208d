"""Files of what moved, for another system: each movement in one of them, whoever commits late and wherever it is cut off."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import StoppedClock
from omnisync.imports import journal_file
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind


@pytest.fixture(autouse=True)
def lamps(engine: Engine, clock: StoppedClock) -> None:
    with db.transaction(engine) as session:
        articles.put(session, [ArticleChange("LAMP", {"title": "Lamp"})], now=clock.now())


def move(engine: Engine, clock: StoppedClock, cause: str, kind: Kind = Kind.RECEIVED, quantity: int = 5) -> None:
    with db.transaction(engine) as session:
        ledger.record(session, [Entry(kind, "LAMP", "linden", quantity, cause, clock.now())], now=clock.now())


def causes(folder: Path) -> list[str]:
    """Of all files in their order."""
    return [row["cause"] for file in sorted(folder.glob("movements-*.csv")) for row in rows(file)]


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))


def test_each_movement_is_in_one_file_for_each_reader(engine: Engine, clock: StoppedClock, tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    move(engine, clock, "a")
    move(engine, clock, "b", Kind.SOLD, 2)
    first = journal_file.write_news(engine, one, "wawi", clock=clock)
    nothing = journal_file.write_news(engine, one, "wawi", clock=clock)
    move(engine, clock, "c")
    journal_file.write_news(engine, one, "wawi", clock=clock)
    journal_file.write_news(engine, other, "accounting", clock=clock)

    assert first is not None
    assert (first[1], nothing) == (2, None)
    assert (causes(one), causes(other)) == (["a", "b", "c"], ["a", "b", "c"])
    [sold] = [row for row in rows(first[0]) if row["kind"] == "sold"]
    assert (sold["sku"], sold["location"], sold["quantity"], sold["on_hand"]) == ("LAMP", "linden", "2", "-2")


def test_cut_off_before_the_end_the_very_same_file_is_written_again(
    engine: Engine, clock: StoppedClock, tmp_path: Path
):
    move(engine, clock, "a")
    with pytest.raises(FileNotFoundError):
        journal_file.write_news(engine, tmp_path / "not yet there", "wawi", clock=clock)
    move(engine, clock, "b")

    again = journal_file.write_news(engine, tmp_path, "wawi", clock=clock)
    rest = journal_file.write_news(engine, tmp_path, "wawi", clock=clock)

    assert again is not None
    assert rest is not None
    assert (again[1], rest[1]) == (1, 1)
    assert causes(tmp_path) == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_who_commits_late_is_not_passed_over(engine: Engine, clock: StoppedClock, tmp_path: Path):
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with db.transaction(engine) as session:
            entry = Entry(Kind.RECEIVED, "LAMP", "linden", 5, "late", clock.now())
            ledger.record(session, [entry], now=clock.now())
            session.flush()
            begun.set()
            may_end.wait(20)

    late = threading.Thread(target=slow)
    late.start()
    assert begun.wait(20)
    if engine.dialect.name == "postgresql":
        with db.transaction(engine) as session:
            entry = Entry(Kind.RECEIVED, "LAMP", "markt", 1, "early", clock.now())
            ledger.record(session, [entry], now=clock.now())
    asked = threading.Thread(target=lambda: journal_file.write_news(engine, tmp_path, "wawi", clock=clock))
    asked.start()
    asked.join(0.3)  # it waits, or it would pass the late one over
    may_end.set()
    late.join()
    asked.join()
    journal_file.write_news(engine, tmp_path, "wawi", clock=clock)

    wanted = ["late", "early"] if (engine.dialect.name == "postgresql") else ["late"]
    assert causes(tmp_path) == wanted
