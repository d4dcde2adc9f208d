from collections import Counter

from omnisync import db
from omnisync.catalog import articles, gtin, prices
from omnisync.demo import assortment
from omnisync.imports.articles_file import ArticlesFile
from omnisync.imports.runs import Importer
from omnisync.imports.stock_file import StockFile
from omnisync.settings import LocationSettings

LOCATIONS = {"linden": "store", "markt": "store", "lager": "warehouse"}


def test_the_assortment_is_imported_without_a_single_fault_or_warning(engine, clock, ids, tmp_path):
    catalog, stock = assortment.write(tmp_path, 7, LOCATIONS)
    importer = Importer(engine, clock, ids)
    places = [LocationSettings(code=code, name=code) for code in LOCATIONS]

    outcomes = [importer.run(catalog, ArticlesFile), importer.run(stock, lambda: StockFile(places))]

    assert [(one.survey.faults.groups, one.survey.faults.warnings) for one in outcomes] == [([], []), ([], [])]
    assert all(one.run_id for one in outcomes)
    with db.reading(engine) as session:
        skus = [row["sku"] for row in assortment.article_rows(7)]
        assert len(prices.price_at(session, [(sku, "webshop") for sku in skus], clock.now())) == len(skus)
        assert articles.explode(session, [("SET-TEE", 2)]) == {
            "KANNE-WERKSTATT-BLAU": 2,
            "TASSE-MEISSEN-BLAU": 4,
            "TEE-OSTFRIESEN": 2,
        }


def test_the_same_seed_is_the_same_shop_and_another_seed_another():
    assert assortment.stock_rows(7, LOCATIONS) == assortment.stock_rows(7, LOCATIONS)
    assert assortment.article_rows(7) == assortment.article_rows(7)
    assert assortment.stock_rows(7, LOCATIONS) != assortment.stock_rows(8, LOCATIONS)


def test_it_looks_like_a_shop():
    rows = assortment.article_rows(7)
    stocked = [row for row in rows if row["stocked"] == "yes"]

    assert 180 <= len(rows) <= 230
    assert max(Counter(row["sku"] for row in rows).values()) == 1
    assert all(gtin.checks(row["barcode"]) and row["barcode"].startswith("20") for row in stocked)
    assert {row["price"][-2:] for row in rows} <= {"90", "95", "99", "00", "49", "25"}
    assert {row["vat_rate"] for row in rows} == {"7", "19"}
    assert {row["sku"] for row in rows if row["stocked"] == "no"} == {"PFAND-025", "GESCHENK", "VERSAND"}
    levels = Counter(int(row["on_hand"]) for row in assortment.stock_rows(7, LOCATIONS))
    assert levels[0] > 20
    assert levels[1] > 20
