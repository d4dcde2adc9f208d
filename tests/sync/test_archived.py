"""What channels told of a month that has left the journal is known for ever: doubled, read again, or replayed by a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from omnisync.adapters.base import Article, Counted, Delivered, Fact, OrderLine, OrderSeen, Restock, Sale
from omnisync.catalog.tables import ImportRun
from omnisync.clock import StoppedClock
from omnisync.errors import Conflict
from omnisync.imports.undo import undo
from omnisync.stock.ledger import Entry, record
from omnisync.stock.tables import Movement
from omnisync.sync.tables import DeadLetter
from omnisync.values import Kind
from tests.stock.archives import archived
from tests.sync.conftest import MakeHouse
from tests.sync.house import House
from tests.sync.test_facts import tell, till

LAMP = Article(sku="LAMP")


def leaves_the_journal(house: House, folder: Path) -> datetime:
    """Half a year later everything told so far is archived; returns the moment of the cut."""
    until = house.clock.advance(days=1)
    now = house.clock.advance(days=180)
    house.within(lambda session: archived(session, folder, "2026-11", until, now=now))
    assert {row.kind for row in house.rows(Movement)} <= {"opening", "count"}
    return until


def an_order(at: datetime, *restocks: Restock, shipped: int = 2, version: int = 0) -> OrderSeen:
    line = OrderLine("1", LAMP, 2, shipped=shipped, restocks=restocks, place="Kasse 1")
    return OrderSeen("1001", "#1001", at + timedelta(minutes=version), at, (line,), closed=False)


def test_nothing_of_an_archived_month_is_booked_again(
    make_house: MakeHouse, clock: StoppedClock, tmp_path: Path
) -> None:
    house = till(make_house, clock, owns=True)
    at = clock.advance(minutes=1)
    told: list[Fact] = [
        Sale("4711/1", LAMP, 2, at),
        Sale("4712/1", LAMP, -1, at),
        Delivered("lieferung-1", LAMP, 5, at),
        an_order(at),
        an_order(at, Restock("r1", 1), version=1),
        Counted("count-1", LAMP, 9, at + timedelta(minutes=2)),
    ]
    clock.advance(minutes=3)
    assert tell(house, *told) == 0
    before = house.level("LAMP")
    leaves_the_journal(house, tmp_path)

    assert tell(house, *told, trusted=True) == 0

    assert house.level("LAMP") == before
    assert house.rows(DeadLetter) == []


def test_an_order_of_an_archived_month_goes_on(make_house: MakeHouse, clock: StoppedClock, tmp_path: Path) -> None:
    house = till(make_house, clock)
    at = clock.now()
    tell(house, an_order(at, shipped=1))
    assert house.level("LAMP") == (9, 1)
    leaves_the_journal(house, tmp_path)

    tell(house, an_order(at, version=5), trusted=True)
    assert house.level("LAMP") == (8, 0)
    tell(house, an_order(at, Restock("r1", 2, "Kasse 1"), version=6), trusted=True)
    assert house.level("LAMP") == (10, 0)


def test_an_old_count_waits_for_a_person_and_any_other_late_fact_is_booked(
    make_house: MakeHouse, clock: StoppedClock, tmp_path: Path
) -> None:
    house = till(make_house, clock, owns=True)
    at = clock.advance(minutes=5)
    leaves_the_journal(house, tmp_path)

    assert tell(house, Counted("count-1", LAMP, 3, at), trusted=True) == 1
    assert tell(house, Sale("4713/1", LAMP, 1, at), trusted=True) == 0

    [letter] = house.rows(DeadLetter)
    assert letter.action == "Count it again, and discard this count."
    assert house.level("LAMP") == (9, 0)


def test_an_import_whose_counts_were_archived_cannot_be_undone(
    make_house: MakeHouse, clock: StoppedClock, tmp_path: Path
) -> None:
    house = till(make_house, clock)
    at = clock.advance(minutes=1)
    counted = Entry(Kind.COUNT, "LAMP", "linden", 7, "import:1", at, key="import:1/linden/LAMP")
    house.within(lambda session: record(session, [counted], now=at))
    house.within(lambda session: session.add(ImportRun(id="1", kind="stock", file_name="a.csv", file_hash="a", at=at)))
    leaves_the_journal(house, tmp_path)

    with pytest.raises(Conflict, match="has been archived: count the shelves again"):
        house.within(lambda session: undo(session, "1", now=clock.now()))
