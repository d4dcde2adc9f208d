from datetime import timedelta

import sqlalchemy as sa

from omnisync import db
from omnisync.imports import export
from omnisync.imports.articles_file import ArticlesFile
from omnisync.imports.listings_file import ListingsFile
from omnisync.imports.stock_file import StockFile
from omnisync.stock import ledger, shelves
from omnisync.stock.invariants import STOCK_INVARIANTS
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance, Movement
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.imports.desk import LOCATIONS, kinds, told
from tests.imports.test_catalog import _error

ARTICLES = (
    "sku,title,barcode,price,currency,stocked,components\n"
    "LAMP,Lampe,,19.99,EUR,,\nCUP,Tasse,,5,EUR,,\n0815,Knopf,,1,EUR,,\nPFAND,Pfand,,0.25,EUR,no,\nSET,Set,,20,EUR,,2*CUP\n"
)
HEAD = "sku,location,on_hand,safety,shelf\n"


def sell(desk, sku="LAMP", pieces=1, at=None, kind=Kind.SOLD, key=None):
    with db.transaction(desk.engine) as session:
        entry = Entry(kind, sku, "linden", pieces, "test", at or desk.clock.now(), key)
        ledger.record(session, [entry], now=desk.clock.now())


def balance(desk, sku="LAMP"):
    with db.transaction(desk.engine) as session:
        return session.execute(sa.select(db.table(Balance)).where(db.table(Balance).c.sku == sku)).one()


def movements(desk):
    with db.transaction(desk.engine) as session:
        return session.execute(sa.select(sa.func.count()).select_from(db.table(Movement))).scalar_one()


def violations(desk):
    with db.transaction(desk.engine) as session:
        return [violation for invariant in STOCK_INVARIANTS for violation in invariant(session)]


def test_a_count_sets_pieces_safety_and_shelf(desk):
    desk.catalog(ARTICLES)

    outcome = desk.stock(f"{HEAD}LAMP,linden,7,2,A-3\nCUP,markt,0,,\n")

    row = balance(desk)
    assert (outcome.survey.created, outcome.survey.faults.groups) == (2, [])
    assert (row.on_hand, row.safety, row.shelf, row.counted_at) == (7, 2, "A-3", START)
    assert desk.level("CUP", "markt").on_hand == 0
    assert violations(desk) == []


def test_an_identical_count_is_not_taken_twice_because_sales_would_be_counted_away(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,7,,\n")
    desk.clock.advance(hours=1)
    sell(desk)

    again = desk.stock(f"{HEAD}LAMP,linden,7,,\n")

    assert again.run_id is None
    assert "--counted-at" in again.why
    assert desk.level("LAMP").on_hand == 6


def test_the_same_result_of_another_stock_take_is_a_new_count(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,7,,\n")
    desk.clock.advance(hours=2)
    sell(desk)

    again = desk.stock(f"{HEAD}LAMP,linden,7,,\n", counted_at=START + timedelta(hours=1))

    # Seven were there at eleven, and one was sold at twelve.
    assert again.run_id
    assert (desk.level("LAMP").on_hand, balance(desk).counted_at) == (6, START + timedelta(hours=1))


def test_a_row_that_says_what_stands_already_is_no_count_unless_the_shelf_waits_for_one(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,7,2,A\nCUP,linden,4,,\n")
    with db.transaction(desk.engine) as session:
        shelves.take_off_sale(session, [Shelf("linden", "CUP")], now=START)
    before = movements(desk)

    outcome = desk.stock(f"{HEAD}LAMP,linden,7,2,A\nCUP,linden,4,,\n\n")

    assert (outcome.survey.unchanged, outcome.survey.changed, movements(desk)) == (1, 1, before + 1)
    assert not desk.level("CUP").off_sale


def test_every_fault_of_a_count_is_named_with_its_lines(desk):
    desk.catalog(ARTICLES)

    outcome = desk.stock(
        f"{HEAD}"
        "LAMP,lindn,1,,\n"  # 2
        "LAPM,linden,1,,\n"  # 3
        "815,linden,1,,\n"  # 4
        "PFAND,linden,1,,\n"  # 5
        "SET,linden,1,,\n"  # 6
        "LAMP,kasse,1,,\n"  # 7
        "LAMP,linden,-1,,\n"  # 8
        "LAMP,linden,1000001,,\n"  # 9
        "LAMP,linden,1E+05,,\n"  # 10
        "LAMP,linden,1.5,,\n"  # 11
        "LAMP,linden,,,\n"  # 12
        "CUP,linden,1,,\n"  # 13
        "CUP,linden,2,,\n"  # 14
        "LAMP,kasse,,3,\n"  # 15: safety is ours to say
    )

    assert kinds(outcome) == {
        "unknown-location": [2],
        "unknown-sku": [3, 4],
        "not-stocked": [5, 6],
        "owned-location": [7],
        "negative": [8],
        "enormous": [9],
        "spoiled": [10],
        "number": [11],
        "empty": [12],
        "double-row": [13, 14],
    }
    for hint in ("did you mean linden?", "did you mean LAMP?", "did you mean 0815?", "is counted by till"):
        assert hint in told(outcome)
    assert movements(desk) == 0


def test_undo_takes_back_just_what_the_count_changed_while_sales_stay(desk):
    desk.catalog(ARTICLES)
    desk.stock(f"{HEAD}LAMP,linden,7,2,A\nCUP,linden,4,,\n")
    with db.transaction(desk.engine) as session:
        shelves.take_off_sale(session, [Shelf("linden", "LAMP")], now=START)
    desk.clock.advance(hours=1)
    wrong = desk.stock(f"{HEAD}LAMP,linden,70,5,B\nCUP,linden,1,,\n")
    desk.clock.advance(hours=1)
    sell(desk, pieces=3)

    undone = desk.undo(wrong.run_id)

    row = balance(desk)
    assert (row.on_hand, row.safety, row.shelf, row.counted_at, row.off_sale) == (4, 2, "A", START, True)
    assert desk.level("CUP").on_hand == 4
    assert (undone.restored, undone.left, violations(desk)) == (2, [], [])


def test_undo_of_the_first_count_leaves_the_shelf_as_never_counted(desk):
    desk.catalog(ARTICLES)
    first = desk.stock(f"{HEAD}LAMP,linden,7,2,A\n")

    desk.undo(first.run_id)

    row = balance(desk)
    assert (row.on_hand, row.safety, row.shelf, row.counted_at) == (0, 0, None, None)


def test_undo_leaves_a_shelf_that_was_counted_again(desk):
    desk.catalog(ARTICLES)
    wrong = desk.stock(f"{HEAD}LAMP,linden,70,,\nCUP,linden,1,,\n")
    desk.clock.advance(hours=1)
    desk.stock(f"{HEAD}LAMP,linden,7,,\n")

    refused = _error(lambda: desk.undo(wrong.run_id))
    undone = desk.undo(wrong.run_id, leave_changed=True)

    assert "LAMP at linden was counted again (import:" in refused.details["changed"][0]
    assert (desk.level("LAMP").on_hand, desk.level("CUP").on_hand, undone.restored) == (7, 0, 1)


def test_undo_leaves_a_shelf_whose_late_sale_was_taken_to_be_in_the_count(desk):
    desk.catalog(ARTICLES)
    wrong = desk.stock(f"{HEAD}LAMP,linden,7,,\n")
    sell(desk, at=START - timedelta(hours=1), key="pos:1")

    refused = _error(lambda: desk.undo(wrong.run_id))

    assert "has a late fact that this count included" in refused.details["changed"][0]
    assert desk.level("LAMP").on_hand == 7


def test_a_count_can_be_imported_again_after_its_undo(desk):
    desk.catalog(ARTICLES)
    first = desk.stock(f"{HEAD}LAMP,linden,7,,\n")
    desk.undo(first.run_id)

    again = desk.stock(f"{HEAD}LAMP,linden,7,,\n")

    assert again.run_id
    assert desk.level("LAMP").on_hand == 7


def test_listings_are_mapped_remapped_and_undone(desk):
    desk.catalog(ARTICLES)
    desk.listings("sku,external_id\nLAMP,gid://1\n")
    before = desk.standing()

    wrong = desk.listings("sku;external_id\nCUP;gid://1\nCUP;gid://2\n")
    changed = desk.standing()
    desk.undo(wrong.run_id)

    assert (wrong.survey.created, wrong.survey.changed) == (1, 1)
    assert changed != before
    assert desk.standing() == before


def test_listings_name_unknown_skus_spoiled_ids_and_doubles(desk):
    desk.catalog(ARTICLES)

    outcome = desk.listings('sku,external_id\nLAPM,1\nLAMP,"1,2E+11"\nCUP,7\nLAMP,7\nLAMP,\n')

    assert kinds(outcome) == {"unknown-sku": [2], "spoiled": [3], "double-row": [4, 5], "empty": [6]}


def test_what_is_exported_changes_nothing_when_it_is_imported(desk, tmp_path):
    desk.catalog(
        "sku;title;barcode;price;currency;vat_rate;unit;group;size;colour;image;shelf;stocked;min_price;min_age;cost;components\n"
        'A;"Ein ""Zitat"", und; Striche";4006381333931|X-1;1.019,90;EUR;5,5;g;Haus;XL;blau;https://x/y.png;R1;;9;18;3,1;\n'
        "=B;Ü;;;;;;;;;;;no;;;;\nS;Set;;20;CHF;;;;;;;;;;;;3*A\n"
    )
    desk.stock(f"{HEAD}A,linden,7,2,R-9\nA,markt,0,,\n")
    desk.listings("sku,external_id\nA,gid://1\n")
    before, journal = desk.standing(), movements(desk)
    desk.clock.advance(days=1)
    files = {name: tmp_path / f"{name}.csv" for name in ("catalog", "stock", "listings")}
    with db.reading(desk.engine) as session:
        export.catalog(session, files["catalog"], clock=desk.clock)
        export.stock(session, files["stock"])
        export.listings(session, files["listings"], "webshop")

    outcomes = [
        desk.importer.run(files["catalog"], ArticlesFile),
        desk.importer.run(files["stock"], lambda: StockFile(LOCATIONS)),
        desk.importer.run(files["listings"], lambda: ListingsFile("webshop")),
    ]

    assert [told(outcome) for outcome in outcomes] == ["", "", ""]
    assert [(outcome.run_id, outcome.survey.unchanged) for outcome in outcomes] == [(None, 3), (None, 2), (None, 1)]
    assert (desk.standing(), movements(desk)) == (before, journal)
