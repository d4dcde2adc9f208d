import json

import pytest
from sqlmodel import Session

from omnisync import db
from omnisync.stock.tables import Balance

CATALOG = "sku;title;barcode;price;currency\nLAMP;Lampe;4006381333931;19,99;EUR\n"


@pytest.fixture
def folder(tmp_path):
    """Where the files of this shop lie."""
    (tmp_path / "catalog.csv").write_text(CATALOG)
    (tmp_path / "bad.csv").write_text(CATALOG + "CUP;Tasse;;5,00;\nPOT;;;5;EUR\nPAN;Pfanne;;9;EUR\n")
    (tmp_path / "stock.csv").write_text("sku,location,on_hand\nLAMP,linden,7\n")
    (tmp_path / "listings.csv").write_text("sku,external_id\nLAMP,gid://1\n")
    return tmp_path


def test_a_shop_is_imported_looked_at_and_undone(omnisync, ready, folder):
    first = omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    counted = json.loads(omnisync("import", "stock", str(folder / "stock.csv"), "--json", config=ready).out)
    omnisync("import", "listings", "webshop", str(folder / "listings.csv"), config=ready)
    again = omnisync("import", "stock", str(folder / "stock.csv"), config=ready)
    undone = omnisync("import", "undo", counted["run"], config=ready)

    assert (first.code, "1 are new" in first.out) == (0, True)
    assert (counted["rows"], counted["created"], counted["faults"]) == (1, 1, [])
    assert (again.code, "This very file was imported" in again.out) == (0, True)
    assert (undone.code, "1 things are as they were" in undone.out) == (0, True)
    listed = json.loads(omnisync("import", "list", "--json", config=ready).out)
    assert {row["kind"]: bool(row["undone_at"]) for row in listed} == {
        "catalog": False,
        "stock": True,
        "listings": False,
    }
    engine = db.engine_for(f"sqlite:///{folder}/shop.db")
    with Session(engine) as session:
        assert session.get(Balance, ("linden", "LAMP")).on_hand == 0
    engine.dispose()


def test_faults_are_grouped_on_standard_error_and_the_exit_code_tells(omnisync, ready, folder):
    refused = omnisync("import", "catalog", str(folder / "bad.csv"), config=ready)
    partly = omnisync(
        "import", "catalog", str(folder / "bad.csv"), "--keep-good", str(folder / "rejects.csv"), config=ready
    )

    assert (refused.code, partly.code) == (1, 3)
    assert "Prices without a known currency (line 3):\n  line 3: currency: a price needs one" in refused.err
    assert "Nothing was changed." in refused.out
    assert "2 rows were rejected" in partly.out
    assert (folder / "rejects.csv").read_text("utf-8-sig").splitlines()[1].startswith("CUP;Tasse;;5,00;;")


def test_check_says_what_would_change_and_changes_nothing(omnisync, ready, folder):
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    (folder / "catalog.csv").write_text(CATALOG.replace("Lampe", "Leuchte") + "NEW;Neu;;1;EUR\n")

    first = omnisync("import", "catalog", str(folder / "catalog.csv"), "--check", config=ready)
    second = omnisync("import", "catalog", str(folder / "catalog.csv"), "--check", "--json", config=ready)

    assert "LAMP: title Lampe -> Leuchte" in first.out
    assert "NEW is new" in first.out
    found = json.loads(second.out)
    assert (found["run"], found["created"], found["changed"]) == (None, 1, 1)


def test_what_is_exported_can_be_imported(omnisync, ready, folder):
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    omnisync("import", "stock", str(folder / "stock.csv"), config=ready)
    omnisync("import", "listings", "webshop", str(folder / "listings.csv"), config=ready)
    kinds = (("catalog",), ("stock",), ("listings", "webshop"))

    wrote = [omnisync("import", "export", *kind, str(folder / "out.csv"), config=ready).code for kind in kinds]
    read = omnisync("import", "listings", "webshop", str(folder / "out.csv"), "--json", config=ready)

    assert wrote == [0, 0, 0]
    assert json.loads(read.out)["unchanged"] == 1


MISTAKES = [
    (("catalog", "missing.csv"), "cannot be read"),
    (("listings", "webshp", "listings.csv"), "did you mean webshop?"),
    (("stock", "stock.csv", "--counted-at", "2026-11-21T09:00"), "has no time zone"),
    (("stock", "stock.csv", "--counted-at", "2027-01-01T09:00Z"), "lies in the past"),
    (("undo", "01J"), "There is no import 01J"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_a_mistake_is_named_with_exit_code_2(omnisync, ready, folder, arguments, said):
    files = [str(folder / argument) if argument.endswith(".csv") else argument for argument in arguments]

    ran = omnisync("import", *files, config=ready)

    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())
