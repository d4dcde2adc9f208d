import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from omnisync import db
from omnisync.catalog import articles, gtin
from omnisync.catalog.articles import ArticleChange, ArticleState
from omnisync.catalog.tables import Component
from omnisync.errors import Conflict, InvalidRequest, NeedsAttention
from tests.catalog.shop import article
from tests.conftest import START


def test_known_tells_what_is_stocked_and_what_is_a_bundle_and_leaves_out_strangers(session):
    article(session, "LAMP", unit="piece", shelf="A-3")
    article(session, "DEPOSIT", stocked=False)
    article(session, "SET", components={"LAMP": 2})

    found = articles.known(session, ["LAMP", "DEPOSIT", "SET", "STRANGER", "LAMP"])

    assert {sku: (one.stocked, one.is_bundle, one.shelf) for sku, one in found.items()} == {
        "LAMP": (True, False, "A-3"),
        "DEPOSIT": (False, False, None),
        "SET": (True, True, None),
    }


def test_known_takes_more_skus_than_one_statement_may_carry(session):
    articles.put(session, [ArticleChange(f"A{n}", {"title": "x"}) for n in range(2500)], now=START)

    found = articles.known(session, (f"A{n}" for n in range(40_000)))

    assert len(found) == 2500


def test_skus_that_differ_only_in_case_are_two_articles(session):
    article(session, "lamp")
    article(session, "LAMP")

    assert set(articles.known(session, ["lamp", "LAMP", "Lamp"])) == {"lamp", "LAMP"}


def test_bundles_within_bundles_become_pieces_and_equal_ones_are_summed(session):
    article(session, "CUP")
    article(session, "SAUCER")
    article(session, "PLACE", components={"CUP": 1, "SAUCER": 2})
    article(session, "TABLE", components={"PLACE": 4, "CUP": 1})

    pieces = articles.explode(session, [("TABLE", 2), ("CUP", 3), ("STRANGER", 1), ("TABLE", 1)])

    assert pieces == {"CUP": 3 * (4 + 1) + 3, "SAUCER": 3 * 4 * 2, "STRANGER": 1}


def test_a_bundle_can_hold_neither_itself_nor_one_that_holds_it(session):
    article(session, "CUP")
    article(session, "INNER", components={"CUP": 1})
    article(session, "OUTER", components={"INNER": 1})

    with pytest.raises(InvalidRequest) as itself:
        article(session, "CUP", components={"CUP": 1})
    with pytest.raises(InvalidRequest) as around:
        article(session, "INNER", components={"CUP": 1, "OUTER": 1})

    assert "CUP > CUP" in itself.value.details["errors"][0]["message"]
    assert "INNER > OUTER > INNER" in around.value.details["errors"][0]["message"]


def test_two_bundles_written_together_cannot_hold_each_other(session):
    changes = [ArticleChange("A", {"title": "a"}, None, {"B": 1}), ArticleChange("B", {"title": "b"}, None, {"A": 1})]

    with pytest.raises(InvalidRequest, match="cannot be accepted"):
        articles.put(session, changes, now=START)


def test_a_cycle_that_two_writers_made_at_once_needs_a_person_instead_of_running_for_ever(session):
    article(session, "A")
    article(session, "B")
    rows = [{"bundle": "A", "sku": "B", "quantity": 1}, {"bundle": "B", "sku": "A", "quantity": 1}]
    session.execute(sa.insert(db.table(Component)), rows)

    with pytest.raises(NeedsAttention) as found:
        articles.explode(session, [("A", 1)])

    assert found.value.code == "bundle-cycle"


@pytest.mark.parametrize("components", [{"STRANGER": 1}, {"CUP": 0}])
def test_a_bundle_holds_at_least_one_of_something_that_exists(session, components):
    article(session, "CUP")

    with pytest.raises(InvalidRequest):
        article(session, "SET", components=components)


def test_an_article_is_found_by_each_barcode_with_and_without_leading_zeros(session):
    article(session, "UPC", barcodes=("0036000291452", "IN-HOUSE-7"))

    found = articles.by_barcode(session, ["036000291452", "00036000291452", "IN-HOUSE-7", "4006381333931"])

    assert found == {"036000291452": "UPC", "00036000291452": "UPC", "IN-HOUSE-7": "UPC"}


def test_a_barcode_of_another_article_is_refused_with_its_owner(session):
    article(session, "LAMP", barcodes=("4006381333931",))

    with pytest.raises(Conflict) as refused:
        article(session, "SHADE", barcodes=("4006381333931",))

    assert (refused.value.code, refused.value.details["owner"]) == ("barcode-taken", "LAMP")


def test_a_barcode_can_move_between_two_articles_of_one_call(session):
    article(session, "OLD", barcodes=("4006381333931", "4006381333948"))
    article(session, "NEW")

    articles.put(
        session,
        [ArticleChange("NEW", barcodes=["4006381333931"]), ArticleChange("OLD", barcodes=["4006381333948"])],
        now=START,
    )

    assert articles.by_barcode(session, ["4006381333931", "4006381333948"]) == {
        "4006381333931": "NEW",
        "4006381333948": "OLD",
    }


def test_writing_one_column_leaves_all_others_and_barcodes_and_components(session):
    article(session, "CUP", barcodes=("4006381333931",), colour="blau", group_name="Haus")
    article(session, "SET", components={"CUP": 6})

    articles.put(session, [ArticleChange("CUP", {"colour": "rot"}), ArticleChange("SET", {"size": "XL"})], now=START)

    cup, cups = (articles.states(session, ["CUP", "SET"])[sku] for sku in ("CUP", "SET"))
    assert (cup.fields["colour"], cup.fields["group_name"], cup.barcodes) == ("rot", "Haus", ("4006381333931",))
    assert isinstance(cups, ArticleState)
    assert (cups.fields["size"], cups.components) == ("XL", {"CUP": 6})


# Numbers whose check digits GS1 and the makers printed.
@pytest.mark.parametrize("code", ["4006381333931", "036000291452", "96385074", "00012345678905"])
def test_printed_gtins_check(code):
    assert gtin.checks(code)
    assert not gtin.checks(code[:-1] + str((int(code[-1]) + 1) % 10))


@given(st.from_regex(r"\A[0-9]{12}\Z"), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(body, place, by):
    code = gtin.complete(body)

    wrong = code[:place] + str((int(code[place]) + by) % 10) + code[place + 1 :]

    assert gtin.checks(code)
    assert not gtin.checks(wrong)


@given(st.from_regex(r"\A[0-9]{11}\Z"))
def test_a_gtin_that_lost_its_zero_is_recognised(body):
    code = gtin.complete("0" + body)

    assert gtin.restored(code[1:]) == code
    assert gtin.restored(code) is None
