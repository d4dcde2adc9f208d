"""The file that the till imports."""

from __future__ import annotations

import os

import pytest

from omnisync.adapters.base import Outcome, Shown, Target, Write
from omnisync.errors import NeedsAttention
from omnisync.values import Money
from tests.adapters.csv.till import Till, read_all

pytestmark = pytest.mark.anyio


def shown(till: Till, sku: str, quantity: int | None, *, price: int | None = None, place: str | None = "001") -> Shown:
    money = None if price is None else Money(price, "EUR")
    return Shown(Target(sku, sku, place), tag=sku, at=till.clock.now(), quantity=quantity, price=money)


def lines(till: Till) -> list[str]:
    return (till.folder / "out/stock.csv").read_text().splitlines()


async def test_without_out_there_is_nothing_to_write_to(till: Till):
    adapter = till.connect()

    assert (adapter.can.write, adapter.can.prices) == (Write.NONE, False)
    with pytest.raises(NeedsAttention):
        await adapter.publish([shown(till, "A", 1)])


async def test_stock_and_price_stand_in_the_file(till: Till):
    adapter = till.connect(out="out/stock.csv")

    published = await adapter.publish([shown(till, "A", 7, price=1999), shown(till, 'B;"2"', 0)])

    assert {one.outcome for one in published} == {Outcome.APPLIED}
    assert lines(till) == [
        "Artikel;Bestand;Preis;Waehrung;Filiale",
        "A;7;19,99;EUR;001",
        '"B;""2""";0;;;001',
    ]


async def test_what_the_till_has_not_fetched_yet_is_kept_and_the_newer_number_wins(till: Till):
    adapter = till.connect(out="out/stock.csv")
    await adapter.publish([shown(till, "A", 7, price=1999), shown(till, 'B;"2"', 3)])

    await adapter.publish([shown(till, "A", 5), shown(till, "A", 1, place="002")])

    assert lines(till)[1:] == ["A;5;19,99;EUR;001", '"B;""2""";3;;;001', "A;1;;;002"]


async def test_what_the_till_has_fetched_is_not_told_again(till: Till):
    adapter = till.connect(out="out/stock.csv")
    await adapter.publish([shown(till, "A", 7)])
    (till.folder / "out/stock.csv").unlink()

    await adapter.publish([shown(till, "B", 2)])

    assert lines(till)[1:] == ["B;2;;;001"]


async def test_the_file_for_the_till_is_not_read_as_one_from_it(till: Till):
    adapter = till.connect(out="bestand.csv")
    await adapter.publish([shown(till, "A", 7)])

    assert await read_all(adapter, till.tools) == []
    assert till.names() == ["bestand.csv"]


async def test_an_article_that_the_till_does_not_know_waits_alone(till: Till):
    till.drop("artikel.csv", "A;4006381333931;Lampe", header="Artikelnr;EAN;Bezeichnung")
    adapter = till.connect(out="out/stock.csv")

    known, unknown = await adapter.publish([shown(till, "A", 7), shown(till, "GHOST", 2)])

    assert (known.outcome, unknown.outcome) == (Outcome.APPLIED, Outcome.ATTENTION)
    assert lines(till)[1:] == ["A;7;;;001"]


async def test_the_tills_articles_are_its_listings_and_stay_where_they_are(till: Till):
    till.drop("artikel.csv", "A;4006381333931;Lampe", "B;;Mütze", header="Artikelnr;EAN;Bezeichnung")

    page = await till.connect().listings(None)

    assert [(one.external_id, one.sku, one.barcode, one.title) for one in page.listings] == [
        ("A", "A", "4006381333931", "Lampe"),
        ("B", "B", None, "Mütze"),
    ]
    assert till.names() == ["artikel.csv"]


async def test_check_says_when_the_till_does_not_fetch_its_file(till: Till):
    adapter = till.connect(out="out/stock.csv")
    await adapter.publish([shown(till, "A", 7)])
    written = till.clock.now().timestamp()
    os.utime(till.folder / "out/stock.csv", (written, written))
    fresh = await adapter.check()
    till.clock.advance(hours=25)

    assert all(check.ok for check in fresh)
    assert [check.name for check in await adapter.check() if not check.ok] == ["out"]


async def test_an_article_list_that_is_being_rewritten_hides_no_article(till: Till):
    header = "Artikelnr;Bezeichnung"
    till.drop("artikel.csv", "A;Lampe", "B;Mütze", header=header)
    adapter = till.connect(out="out/stock.csv")
    await adapter.listings(None)
    till.clock.advance(minutes=1)
    till.drop("artikel.csv", "A;Lam", header=header, end="")

    [published] = await adapter.publish([shown(till, "B", 2)])
    till.drop("artikel.csv", "A;Lampe", ";kein Artikel", "C;Schal", header=header)
    page = await adapter.listings(None)

    assert published.outcome is Outcome.APPLIED
    assert [one.external_id for one in page.listings] == ["A", "C"]
