from dataclasses import replace

import pytest

from omnisync import db
from omnisync.errors import Conflict
from omnisync.imports import runs
from omnisync.imports.slices import SLICE_SECONDS, Pace
from omnisync.imports.stock_file import StockFile
from tests.conftest import START
from tests.imports.desk import LOCATIONS
from tests.imports.test_stock import ARTICLES, HEAD, balance, movements, sell, violations

FILE = f"{HEAD}LAMP,linden,7,,A\nCUP,linden,4,,\n0815,linden,2,,\n"


class PowerCut(Exception):
    pass


def row_by_row(desk, give_way):
    """An importer that asks to give way behind each row."""
    return replace(desk.importer, pace=Pace(rows=1, most=1), give_way=give_way)


def cut_off(desk, text=FILE):
    """An import that ends behind its first row."""

    def cut():
        raise PowerCut

    with pytest.raises(PowerCut):
        row_by_row(desk, cut).run(desk.file(text), lambda: StockFile(LOCATIONS))


def last_run(desk):
    with db.reading(desk.engine) as session:
        return next(run for run in runs.last_runs(session) if run.kind == "stock")


def test_an_import_that_was_cut_off_is_finished_by_the_same_file_as_of_its_own_moment(desk):
    desk.catalog(ARTICLES)
    sell(desk, "CUP", 1, at=START)
    cut_off(desk)
    assert (desk.level("LAMP").on_hand, desk.level("CUP").on_hand, last_run(desk).booked_line) == (7, -1, 2)
    desk.clock.advance(hours=1)
    sell(desk, "LAMP", 2)
    sell(desk, "CUP", 1)

    finished = desk.stock(FILE)

    run = last_run(desk)
    assert (finished.run_id, run.booked_line, run.changed) == (run.id, None, 3)
    assert [desk.level(sku).on_hand for sku in ("LAMP", "CUP", "0815")] == [5, 3, 2]
    assert balance(desk, "CUP").counted_at == START
    assert "This very file was imported" in desk.stock(FILE).why
    assert violations(desk) == []


def test_an_import_that_was_cut_off_can_be_undone(desk):
    desk.catalog(ARTICLES)
    cut_off(desk)

    undone = desk.undo(last_run(desk).id)

    assert (undone.restored, desk.level("LAMP").on_hand, balance(desk).shelf) == (1, 0, None)
    assert desk.stock(FILE).run_id != undone.run_id


def test_a_sale_between_two_slices_stays_sold(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,9,,\nCUP,linden,9,,\n")
    desk.clock.advance(hours=1)

    def sale():
        desk.clock.advance(seconds=1)
        sell(desk, "CUP")

    outcome = row_by_row(desk, sale).run(desk.file(FILE), lambda: StockFile(LOCATIONS))

    # Four were there when the file was read; of the three sales since, the first was known before its count was booked.
    assert outcome.run_id
    assert desk.level("CUP").on_hand == 4 - 3
    assert violations(desk) == []


def test_a_sale_that_makes_the_ledger_look_like_the_file_is_not_taken_for_the_count(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,9,,\nCUP,linden,5,,\n")
    desk.clock.advance(hours=1)
    sales = []

    def a_sale():
        if not sales:
            desk.clock.advance(seconds=1)
            sales.append(sell(desk, "CUP"))

    row_by_row(desk, a_sale).run(desk.file(FILE), lambda: StockFile(LOCATIONS))

    # Four were counted where the ledger had five, and one of the four was sold.
    assert desk.level("CUP").on_hand == 3
    assert violations(desk) == []


def test_of_two_who_go_on_with_one_import_one_gives_up_and_nothing_is_booked_twice(desk):
    desk.catalog(ARTICLES)
    other = []

    def meanwhile():
        if not other:
            other.append(desk.stock(FILE))

    with pytest.raises(Conflict, match="Somebody else goes on"):
        row_by_row(desk, meanwhile).run(desk.file(FILE), lambda: StockFile(LOCATIONS))

    assert [desk.level(sku).on_hand for sku in ("LAMP", "CUP", "0815")] == [7, 4, 2]
    assert (movements(desk), last_run(desk).changed) == (3, 3)


def test_of_two_who_begin_with_one_file_at_once_one_gives_up(desk):
    desk.catalog(ARTICLES)
    file = HEAD + "\n" * 198 + "LAMP,linden,7,,\nCUP,linden,4,,\n"  # progress is told in line 200

    def meanwhile(line, lines):
        if not movements(desk):
            cut_off(desk, file)

    with pytest.raises(Conflict, match="Somebody else goes on"):
        replace(desk.importer, progress=meanwhile).run(desk.file(file, "mine.csv"), lambda: StockFile(LOCATIONS))

    assert (movements(desk), last_run(desk).changed) == (1, 1)


@pytest.mark.parametrize(
    ("took", "rows"),
    [(SLICE_SECONDS / 2, 1000), (SLICE_SECONDS * 2, 250), (SLICE_SECONDS / 100, 1000), (3600.0, 1), (0.0, 500)],
    ids=["fast", "slow", "no leaps", "always one", "a clock that stands"],
)
def test_a_slice_has_as_many_rows_as_this_machine_books_in_its_time(took, rows):
    pace = Pace(rows=500)

    pace.took(500, took)

    assert pace.rows == rows


def test_a_machine_that_becomes_slow_gets_shorter_slices_in_the_middle_of_a_file(desk):
    desk.catalog(ARTICLES)
    lines = []

    def slowly(session, records, now, *, compare=StockFile.compare):
        lines.append([record.line for record in records])
        desk.clock.advance(seconds=SLICE_SECONDS * len(records))
        return compare(reading, session, records, now)

    reading = StockFile(LOCATIONS)
    importer = replace(desk.importer, pace=Pace(rows=2))
    file = desk.file(FILE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(StockFile, "compare", lambda self, *asked: slowly(*asked))
        importer.run(file, lambda: StockFile(LOCATIONS))

    assert lines[1:] == [[2, 3], [4]], "the first time is the look at the whole file"
    assert importer.pace.rows == 1
    assert violations(desk) == []
