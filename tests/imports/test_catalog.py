from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.catalog import articles, prices
from omnisync.catalog.tables import Component, ImportRun
from omnisync.stock import ledger, shelves
from omnisync.stock.ledger import Entry
from omnisync.values import Kind, Money, Shelf
from tests.imports.desk import kinds, told, warnings
from tests.stock.shop import until_somebody_waits

HEAD = "sku,title,barcode,price,currency"
LAMP = "LAMP,Lampe,4006381333931,19.99,EUR"


def price(desk, sku="LAMP"):
    with db.transaction(desk.engine) as session:
        quotes = prices.price_at(session, [(sku, None)], desk.clock.now())
        return quotes[sku, None].price if quotes else None


def runs(desk):
    with db.transaction(desk.engine) as session:
        return session.execute(sa.select(sa.func.count()).select_from(db.table(ImportRun))).scalar_one()


def test_a_catalogue_becomes_articles_with_barcodes_bundles_and_prices(desk):
    outcome = desk.catalog(
        "sku;title;barcode;price;currency;vat_rate;unit;group;size;colour;shelf;stocked;min_price;min_age;cost;components\r\n"
        'SET;"Teeservice\r\nfür zwei";;89,90;EUR;19;;Haus;;weiß;A-1;;59,90;;31,20;2*CUP|POT\r\n'
        "CUP;Tasse;4006381333931|96385074;1.019,90;EUR;19 %;Stück;Haus;;;;ja;;;;\r\n"
        "POT;Kanne;;49;EUR;7,0;;;;;;;;;;\r\n"
        "PFAND;Pfand;;0,25;EUR;19;;;;;;nein;;16;;\r\n".encode("cp1252")
    )

    assert (outcome.survey.created, outcome.survey.changed, kinds(outcome)) == (4, 0, {})
    bundle, cup = desk.article("SET"), desk.article("CUP")
    assert bundle.components == {"CUP": 2, "POT": 1}
    assert {**bundle.fields} == {
        "title": "Teeservice für zwei", "size": None, "colour": "weiß", "group_name": "Haus", "image": None,
        "shelf": "A-1", "unit": "piece", "stocked": True, "vat_rate": 1900, "cost_minor": 3120,
        "min_price_minor": 5990, "currency": "EUR", "min_age": None, "backorder": None, "b_ware": None,
    }  # fmt: skip
    assert (cup.barcodes, price(desk, "CUP")) == (("4006381333931", "96385074"), Money(101_990, "EUR"))
    assert (desk.article("PFAND").fields["stocked"], desk.article("POT").fields["vat_rate"]) == (False, 700)


def test_an_identical_file_changes_nothing(desk):
    first = desk.catalog(f"{HEAD}\n{LAMP}\n")
    before = desk.standing()
    desk.clock.advance(days=1)

    second = desk.catalog(f"{HEAD}\n{LAMP}\n")

    assert first.run_id
    assert (second.run_id, second.survey.unchanged, runs(desk)) == (None, 1, 1)
    assert desk.standing() == before


def test_check_tells_what_would_change_and_changes_nothing(desk):
    desk.catalog(f"{HEAD}\n{LAMP}\n")
    before = desk.standing()

    outcome = desk.catalog(f"{HEAD}\nLAMP,Leuchte,4006381333931,17.99,EUR\nNEW,Neu,,,\n", check=True)

    [lamp, new] = outcome.survey.examples
    assert (outcome.run_id, outcome.survey.created, outcome.survey.changed) == (None, 1, 1)
    assert (lamp.before, lamp.after) == (
        {"title": "Lampe", "price": {"minor": 1999, "currency": "EUR"}},
        {"title": "Leuchte", "price": {"minor": 1799, "currency": "EUR"}},
    )
    assert (new.key, new.before) == ("NEW", None)
    assert desk.standing() == before


def test_a_column_that_is_not_there_leaves_everything_and_an_empty_cell_empties(desk):
    desk.catalog(f"{HEAD},colour,shelf\n{LAMP},rot,A-1\n")

    desk.catalog(f"{HEAD},shelf\nLAMP,Lampe,,,,\n")

    lamp = desk.article("LAMP")
    assert (lamp.fields["colour"], lamp.fields["shelf"], lamp.barcodes) == ("rot", None, ())
    assert price(desk) == Money(1999, "EUR")


def test_every_fault_is_named_with_its_lines_and_one_of_them_stops_the_whole_file(desk):
    outcome = desk.catalog(
        f"{HEAD},vat_rate,stocked,components\n"
        "GOOD,Gut,,1,EUR,,,\n"  # 2
        'A,Spreadsheet,"4,00638E+12",1,EUR,,,\n'  # 3
        "B,Lost zero,36000291452,1,EUR,,,\n"  # 4
        "C,No currency,,1.99,,,,\n"  # 5
        "D,,,1.99,EUR,,,\n"  # 6
        "E,Negative,,-1.99,EUR,,,\n"  # 7
        "F,Enormous,,99999999999,EUR,,,\n"  # 8
        "G,Two ways,,1.234,EUR,,,\n"  # 9
        "H,Odd currency,,1,EURO,,,\n"  # 10
        "I,Fraction,,1.999,EUR,,,\n"  # 11
        "J,Rate,,1,EUR,0.19,,\n"  # 12
        "K,Word,,1,EUR,,perhaps,\n"  # 13
        "L,Itself,,1,EUR,,,L\n"  # 14
        "M,Stranger,,1,EUR,,,GOAD\n"  # 15
        "N,Code,96385074,1,EUR,,,\n"  # 16
        "O,Code,96385074,1,EUR,,,\n"  # 17
        "N2,Twice,,1,EUR,,,\n"  # 18
        "N2,Twice,,1,EUR,,,\n"  # 19
        "P,Comma,,1,99,EUR,,,GOOD\n"  # 20
        "1E+05,Sku,,1,EUR,,,\n"  # 21
        "Q,Few\n"  # 22
        "R,\x07bell,,1,EUR,,,\n"  # 23
    )

    assert kinds(outcome) == {
        "spoiled": [3, 4, 21],
        "currency": [5, 10],
        "empty": [6],
        "negative": [7],
        "enormous": [8],
        "amount": [9, 11, 12],
        "choice": [13],
        "barcode-twice": [16, 17],
        "double-row": [18, 19],
        "cells": [20, 22],
        "text": [23],
        "components": [15, 14],
    }
    for hint in ("0036000291452", "did you mean GOOD?", "did you mean EUR?", "a decimal comma needs quotes", "L > L"):
        assert hint in told(outcome)
    assert desk.article("GOOD") is None


@pytest.mark.parametrize("written", ["CUP:4", "4xCUP", "4 CUP", "CUP x 4", "CUP*4"])
def test_a_set_whose_pieces_are_counted_in_another_way_is_told_ours_and_not_to_hold_one(desk, written):
    desk.catalog(f"{HEAD}\nCUP,Tasse,,1,EUR\n")

    outcome = desk.catalog(f"{HEAD},components\nSET,Set,,5,EUR,{written}\n")

    assert kinds(outcome) == {"components": [2]}
    assert "did you mean 4*CUP?" in told(outcome)


def test_a_wrong_check_digit_is_a_warning_that_names_the_right_one(desk):
    outcome = desk.catalog(f"{HEAD}\nLAMP,GrÃ¶ÃŸe,4006381333932,1,EUR\n")

    assert (kinds(outcome), warnings(outcome)) == ({}, {"check-digit": [2], "mojibake": [2]})
    assert "should end in 1" in told(outcome)
    assert desk.article("LAMP").barcodes == ("4006381333932",)


def test_keep_good_imports_the_good_rows_and_the_mended_rejects_bring_the_others(desk, tmp_path):
    rejects = tmp_path / "rejects.csv"

    outcome = desk.catalog(
        f"{HEAD},components\nCUP,Tasse,,x,EUR,\nSET,Service,,9,EUR,2*CUP\nBOX,Kiste,,5,EUR,SET\nGOOD,Gut,,1,EUR,\n",
        keep_good=rejects,
    )

    # SET holds the rejected CUP and BOX the rejected SET, so they wait too.
    assert (outcome.rejected, outcome.survey.created) == (3, 1)
    assert desk.article("GOOD")
    assert desk.article("SET") is None
    text = rejects.read_text("utf-8-sig")
    assert "holds CUP, which is no article" in text
    mended = desk.catalog(text.replace(",x,EUR", ",3,EUR"))
    assert (kinds(mended), mended.survey.created) == ({}, 3)


def test_a_header_that_is_wrong_is_told_with_the_nearest_name_and_nothing_can_be_kept(desk, tmp_path):
    outcome = desk.catalog("sku,titel,price,price,currency\nA,b,1,1,EUR\n", keep_good=tmp_path / "rejects.csv")

    assert kinds(outcome) == {"unknown-column": [1], "missing-column": [1, 1], "double-column": [1]}
    assert "did you mean title?" in told(outcome)
    assert not (tmp_path / "rejects.csv").exists()


def test_a_quote_that_never_ends_stops_the_file_where_it_begins(desk, tmp_path):
    outcome = desk.catalog(f'{HEAD}\n{LAMP}\n"B,never closed,,1,EUR\nC,c,,1,EUR\n', keep_good=tmp_path / "rejects.csv")

    assert (kinds(outcome), outcome.run_id) == ({"broken-csv": [3]}, None)


def test_a_barcode_moves_when_both_articles_say_so_and_is_a_fault_when_only_one_does(desk):
    desk.catalog(f"{HEAD}\n{LAMP}\nSHADE,Schirm,,5,EUR\n")

    alone = desk.catalog(f"{HEAD}\nSHADE,Schirm,4006381333931,5,EUR\n")
    both = desk.catalog(f"{HEAD}\nSHADE,Schirm,4006381333931,5,EUR\nLAMP,Lampe,,19.99,EUR\n")

    assert kinds(alone) == {"barcode-twice": [2]}
    assert (kinds(both), both.survey.changed) == ({}, 2)
    assert (desk.article("SHADE").barcodes, desk.article("LAMP").barcodes) == (("4006381333931",), ())


def test_a_cycle_over_what_stands_and_what_comes_is_found(desk):
    desk.catalog(f"{HEAD},components\nCUP,c,,1,EUR,\nINNER,i,,1,EUR,CUP\nOUTER,o,,1,EUR,INNER\n")

    outcome = desk.catalog(f"{HEAD},components\nINNER,i,,1,EUR,OUTER\n")

    assert kinds(outcome) == {"components": [2]}
    assert "INNER > OUTER > INNER" in told(outcome)


def test_undo_puts_back_values_barcodes_components_and_prices(desk):
    desk.catalog(f"{HEAD},colour,components\n{LAMP},rot,\nSHADE,Schirm,,5,EUR,,\nSET,Set,,20,EUR,,LAMP\n")
    before, costs = desk.standing(), price(desk)
    run = desk.catalog(
        f"{HEAD},colour,components\nLAMP,Leuchte,,9.99,EUR,,\nSHADE,Schirm,4006381333931,5,EUR,,\n"
        "SET,Set,,20,EUR,,2*SHADE|NEW\nNEW,Neu,96385074,7,EUR,,\n"
    )
    assert desk.standing() != before

    undone = desk.undo(run.run_id)

    assert desk.standing() == before
    assert price(desk) == costs
    assert price(desk, "NEW") is None
    assert (undone.left, undone.restored) == ([], 4 + 2)


def test_undo_refuses_what_was_changed_since_and_can_leave_just_that(desk):
    first = desk.catalog(f"{HEAD}\n{LAMP}\nSHADE,Schirm,,5,EUR\n")
    desk.catalog(f"{HEAD}\nLAMP,Leuchte,4006381333931,19.99,EUR\n")
    before = desk.standing()

    refused = _error(lambda: desk.undo(first.run_id))
    assert (refused.code, refused.details["changed"]) == ("changed-since", ["LAMP was changed"])
    assert desk.standing() == before

    assert desk.undo(first.run_id, leave_changed=True).left == ["LAMP was changed"]
    assert (desk.article("SHADE"), desk.article("LAMP").fields["title"]) == (None, "Leuchte")
    assert _error(lambda: desk.undo(first.run_id)).code == "already-undone"
    assert _error(lambda: desk.undo("nobody")).code == "unknown-import"


def test_an_article_with_stock_or_in_a_bundle_cannot_be_taken_away(desk):
    first = desk.catalog(f"{HEAD}\n{LAMP}\nCUP,Tasse,,5,EUR\n")
    desk.catalog(f"{HEAD},components\nSET,Set,,5,EUR,CUP\n")
    desk.stock("sku,location,on_hand\nLAMP,linden,3\n")

    refused = _error(lambda: desk.undo(first.run_id))

    assert refused.details["changed"] == ["CUP is held by the bundle SET", "LAMP is used in movement"]


def test_a_later_price_survives_the_undo_of_an_earlier_import(desk):
    desk.catalog(f"{HEAD}\n{LAMP}\n")
    wrong = desk.catalog(f"{HEAD}\nLAMP,Lampe,4006381333931,1.99,EUR\n")
    desk.clock.advance(minutes=1)
    desk.catalog(f"{HEAD}\nLAMP,Lampe,4006381333931,24.99,EUR\n")

    desk.undo(wrong.run_id)

    assert price(desk) == Money(2499, "EUR")


def test_a_file_larger_than_one_batch_arrives_whole(desk):
    rows = "".join(f"A{n:05},Artikel {n},,{n}.50,EUR\n" for n in range(2500))

    outcome = desk.catalog(f"{HEAD}\n{rows}")

    with db.transaction(desk.engine) as session:
        assert len(articles.known(session, [f"A{n:05}" for n in range(2500)])) == 2500
        assert session.execute(sa.select(db.table(Component))).first() is None
    assert (outcome.survey.rows, price(desk, "A02499")) == (2500, Money(249_950, "EUR"))


def _error(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was refused")


def test_the_catalogue_says_how_far_articles_can_be_backordered_and_its_undo_takes_it_back(desk):
    desk.catalog(f"{HEAD}\n{LAMP}\nSHADE,Schirm,,5,EUR\n")
    desk.stock("sku,location,on_hand\nLAMP,linden,2\nSHADE,linden,2\n")

    run = desk.catalog(f"{HEAD},backorder\n{LAMP},5\nSHADE,Schirm,,5,EUR,2026-12-01\n")
    wrong = desk.catalog(f"{HEAD},backorder\n{LAMP},soon\n")
    again = desk.catalog(f"{HEAD},backorder\n{LAMP},\n")

    assert [desk.article(sku).fields["backorder"] for sku in ("LAMP", "SHADE")] == [None, "2026-12-01"]
    assert "write none, a number of pieces, or a day" in told(wrong)
    desk.undo(again.run_id)
    assert [desk.level(sku).backorder for sku in ("LAMP", "SHADE")] == [5, 0]
    desk.undo(run.run_id)
    assert [desk.level(sku).backorder for sku in ("LAMP", "SHADE")] == [0, 0]


def test_b_ware_is_another_article_that_there_is(desk):
    header = "sku,title,barcode,price,currency,b_ware\n"

    wrong = desk.catalog(f"{header}LAMP,Lampe,,,,LAMP-B\nCUP,Tasse,,,,CUP\n")
    right = desk.catalog(f"{header}LAMP,Lampe,,,,LAMP-B\nLAMP-B,Lampe (B-Ware),,,,\n")

    assert (kinds(wrong), kinds(right)) == ({"b-ware": [2, 3]}, {})
    assert desk.article("LAMP").fields["b_ware"] == "LAMP-B"


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer
@pytest.mark.parametrize("undone", [False, True], ids=["imported", "undone"])
def test_a_catalogue_waits_for_a_delivery_before_it_touches_an_article(desk, undone):
    desk.catalog(f"{HEAD},backorder\n{LAMP},3\n")
    desk.stock("sku,location,on_hand\nLAMP,linden,2\n")
    run = desk.catalog(f"{HEAD},backorder\n{LAMP},5\n") if undone else None
    said = (lambda: desk.undo(run.run_id)) if undone else (lambda: desk.catalog(f"{HEAD},backorder\n{LAMP},5\n"))

    with ThreadPoolExecutor(1) as thread, db.transaction(desk.engine) as delivery:
        shelves.lock(delivery, [Shelf("linden", "LAMP")])
        waiting = thread.submit(said)
        until_somebody_waits(delivery)
        delivery.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
        came = [Entry(Kind.AWAITED, "LAMP", "linden", 1, "test", desk.clock.now())]
        ledger.record(delivery, came, now=desk.clock.now())
        delivery.commit()
        waiting.result()

    assert desk.level("LAMP").backorder == (3 if undone else 5)
