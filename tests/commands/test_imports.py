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

    assert (first.code, "1 is new" in first.out) == (0, True)
    assert (counted["rows"], counted["created"], counted["faults"]) == (1, 1, [])
    assert (again.code, "This very file was imported" in again.out) == (0, True)
    assert (undone.code, "1 thing is as it was" in undone.out) == (0, True)
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


def test_what_moved_is_written_once_for_each_reader(omnisync, ready, folder):
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    omnisync("import", "stock", str(folder / "stock.csv"), config=ready)

    first = omnisync("import", "export", "movements", str(folder), "--for", "wawi", config=ready)
    again = omnisync("import", "export", "movements", str(folder), "--for", "wawi", config=ready)

    assert (first.code, again.code) == (0, 0)
    assert "1 row is in" in first.err
    assert "Nothing has moved since wawi was served last." in again.err
    [file] = folder.glob("movements-*.csv")
    assert ",count,LAMP,linden,7,7," in file.read_text("utf-8-sig")


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


def test_check_shows_values_as_people_write_them(omnisync, ready, folder):
    first = "sku;title;barcode;price;currency;vat_rate;stocked;cost;components\n"
    (folder / "catalog.csv").write_text(
        first + "LAMP;Lampe;4006381333931;18,99;EUR;19;yes;7,50;\nCUP;Tasse;;5;EUR;;yes;;\nSET;Set;;20;EUR;;no;;LAMP\n"
    )
    (folder / "changed.csv").write_text(
        first
        + "LAMP;Lampe;4006381333931|96385074;16,99;EUR;7,5;no;7;\nCUP;Tasse;;5;EUR;;yes;;\nSET;Set;;20;EUR;;no;;LAMP|2*CUP\n"
    )
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)

    said = omnisync("import", "catalog", str(folder / "changed.csv"), "--check", config=ready)

    assert "changed.csv: 3 rows, 0 would be new, 2 would be changed, 1 stands already." in said.out
    assert "price 18,99 EUR -> 16,99 EUR" in said.out
    assert "barcode 4006381333931 -> 4006381333931|96385074" in said.out
    assert "vat_rate 19 % -> 7,5 %" in said.out
    assert "stocked yes -> no" in said.out
    assert "cost 7,50 EUR -> 7,00 EUR" in said.out
    assert "SET: components 1 x LAMP -> 1 x LAMP + 2 x CUP" in said.out
    assert not set("{}[]'") & set(said.out)


def test_what_is_announced_is_what_is_imported(omnisync, ready, folder):
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    (folder / "seven.csv").write_text(
        CATALOG.replace("19,99", "17,99")  # changed
        + "NEW;Neu;;1;EUR\n"
        + "CUP;Tasse;;5,00;\n"  # no currency
        + "POT;;;5;EUR\n"  # no title
        + "PAN;Pfanne;;9;EUR;12\n"  # one cell too many
        + "BOX;Kiste;111;1;EUR\nBAG;Beutel;111;1;EUR\n"  # one barcode on two SKUs
    )
    file, rejects = str(folder / "seven.csv"), str(folder / "rejects.csv")

    checked = omnisync("import", "catalog", file, "--check", config=ready)
    refused = json.loads(omnisync("import", "catalog", file, "--json", config=ready).out)
    announced = omnisync("import", "catalog", file, "--check", "--keep-good", rejects, config=ready)
    imported = omnisync("import", "catalog", file, "--keep-good", rejects, config=ready)

    words = "seven.csv: 7 rows, 1 would be new, 1 would be changed, 0 stand already, 5 have faults."
    assert words in checked.out
    assert words in announced.out
    assert words.replace("would be", "is") in imported.out
    counted = ("rows", "created", "changed", "unchanged", "rejected")
    assert [refused[name] for name in counted] == [7, 1, 1, 0, 5]
    listed = json.loads(omnisync("import", "list", "--json", config=ready).out)
    assert [row["changed"] for row in listed if row["file"] == "seven.csv"] == [2]


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
    (("stock", "stock.csv", "--counted-at", "2026-11-21T09:00"), "is no time with its zone, such as"),
    (("stock", "stock.csv", "--counted-at", "gestern"), '"gestern" is no time with its zone, such as'),
    (("stock", "stock.csv", "--counted-at", "2027-01-01T09:00Z"), "lies in the past"),
    (("undo", "01J"), "There is no import 01J"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_a_mistake_is_named_with_exit_code_2(omnisync, ready, folder, arguments, said):
    files = [str(folder / argument) if argument.endswith(".csv") else argument for argument in arguments]

    ran = omnisync("import", *files, config=ready)

    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())
