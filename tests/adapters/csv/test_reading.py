"""What lines of a till's file mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from omnisync.adapters.base import Article, Counted, Delivered, Sale, Unreadable
from omnisync.errors import NeedsAttention
from omnisync.values import Money
from tests.adapters.csv.till import Till, keys, read_all

pytestmark = pytest.mark.anyio


async def test_a_german_receipt_line_becomes_a_sale(till: Till):
    till.drop("verkauf.csv", "4711;1;LAMP-01;Tischlampe;2;39,95;21.11.2026;10:15:30;001;K2")

    facts = await read_all(till.connect(), till.tools)

    assert facts == [
        Sale(
            key="sale:001:K2:2026-11-21:4711/1",
            article=Article(sku="LAMP-01", title="Tischlampe"),
            quantity=2,
            at=datetime(2026, 11, 21, 9, 15, 30, tzinfo=UTC),
            place="001",
            unit_price=Money(3995, "EUR"),
        )
    ]


@pytest.mark.parametrize(("written", "hour"), [((0, 40), 0), ((1, 40), 1)])
async def test_the_hour_that_comes_twice_when_the_clocks_go_back_is_told_apart_by_when_the_file_was_written(
    till: Till, written: tuple[int, int], hour: int
):
    till.clock.set(datetime(2026, 10, 25, *written, tzinfo=UTC))
    till.drop("verkauf.csv", "4711;1;LAMP-01;Tischlampe;2;39,95;25.10.2026;02:31:00;001;K2")

    [sale] = await read_all(till.connect(), till.tools)

    assert sale.at == datetime(2026, 10, 25, hour, 31, tzinfo=UTC)


async def test_an_english_file_with_commas_and_points_is_read_alike(till: Till):
    till.drop(
        "sales.csv",
        '17,1,"MUG, BLUE",1,9.50,2026-07-01T16:05:00+02:00,berlin',
        header="Receipt No,Line,Item No,Qty,Unit Price,Timestamp,Store",
    )

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert (sale.article.sku, sale.quantity, sale.place) == ("MUG, BLUE", 1, "berlin")
    assert (sale.at, sale.unit_price) == (datetime(2026, 7, 1, 14, 5, tzinfo=UTC), Money(950, "EUR"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_umlauts_survive_every_usual_encoding(till: Till, encoding: str):
    till.drop("verkauf.csv", "1;1;MÜTZE-Ö;Mütze;1;5,00;21.11.2026;09:00;001;1", encoding=encoding)

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert sale.article == Article(sku="MÜTZE-Ö", title="Mütze")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
async def test_the_separator_is_found(till: Till, separator: str):
    till.drop(
        "verkauf.csv",
        separator.join(["1", "1", "A", "x", "3", "1,00", "21.11.2026", "09:00", "001", "1"]),
        header=separator.join(
            ["Bon", "Pos", "Artikel", "Text", "Menge", "Preis", "Datum", "Uhrzeit", "Filiale", "Kasse"]
        ),
    )

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert sale.quantity == 3


@pytest.mark.parametrize(
    ("written", "pieces"), [("1", 1), ("-2", -2), ("2-", -2), ("3,00", 3), ("1.000", 1000), (" 4 ", 4), ("+5", 5)]
)
async def test_quantities_are_whole_pieces_and_returns_are_negative(till: Till, written: str, pieces: int):
    till.drop("verkauf.csv", f"1;1;A;x;{written};1,00;21.11.2026;09:00;001;1")

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert sale.quantity == pieces


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1;1;A;x;0,5;1,00;21.11.2026;09:00;001;1", "no whole number of pieces"),
        ("1;1;A;x;viel;1,00;21.11.2026;09:00;001;1", "'viel' is no number"),
        ("1;1;A;x;1.5;1,00;21.11.2026;09:00;001;1", "decimal comma"),
        ("1;1;A;x;1000001;1,00;21.11.2026;09:00;001;1", "more than 1000000 pieces"),
        ("1;1;A;x;NaN;1,00;21.11.2026;09:00;001;1", "no number"),
        ("1;1;A;x;;1,00;21.11.2026;09:00;001;1", "no number"),
        ("1;1;4,00638E+12;x;1;1,00;21.11.2026;09:00;001;1", "spreadsheet has rounded"),
        ("1;1;;x;1;1,00;21.11.2026;09:00;001;1", "names no article"),
        (";1;A;x;1;1,00;21.11.2026;09:00;001;1", "names no receipt"),
        ("1;1;A;x;1;1,00;31.02.2026;09:00;001;1", "no day of the calendar"),
        ("1;1;A;x;1;1,00;gestern;09:00;001;1", "no date"),
        ("1;1;A;x;1;1,00;21.11.2026;25:00;001;1", "no time of day"),
        ("1;1;A;x;1;1,00;;09:00;001;1", "no date, and neither has the name"),
        ("1;1;A;x;1;1,00;21.11.2026;09:00;;1", "names no store"),
        ("1;1;A;x;1;1,00;21.1", "fewer cells than the header"),
        (f"1;1;{'A' * 65};x;1;1,00;21.11.2026;09:00;001;1", "no article number"),
    ],
)
async def test_a_line_nobody_can_read_waits_alone_with_its_reason(till: Till, line: str, reason: str):
    till.drop("verkauf.csv", "9;1;GOOD;x;1;1,00;21.11.2026;09:00;001;1", line)

    good, bad = await read_all(till.connect(), till.tools)

    assert isinstance(good, Sale)
    assert isinstance(bad, Unreadable)
    assert bad.reason.startswith("verkauf.csv, line 3: ")
    assert reason in bad.reason
    assert "failed/verkauf.csv" in bad.action


async def test_a_price_nobody_can_read_does_not_keep_the_piece_on_the_shelf(till: Till):
    till.drop("verkauf.csv", "1;1;A;x;1;siehe oben;21.11.2026;09:00;001;1")

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert (sale.quantity, sale.unit_price) == (1, None)


async def test_without_positions_alike_lines_of_a_receipt_are_told_apart_and_keep_their_names(till: Till):
    header = "Bon;Artikel;Menge;Preis;Datum;Uhrzeit;Filiale"
    lines = ["8;A;1;2,00;21.11.2026;09:00;001", "8;A;1;2,00;21.11.2026;09:00;001", "8;B;1;3,00;21.11.2026;09:00;001"]
    till.drop("verkauf-1.csv", *lines, header=header)
    first = keys(await read_all(till.connect(), till.tools))

    till.drop("verkauf-2.csv", *reversed(lines), header=header)
    again = keys(await read_all(till.connect(), till.tools))

    assert len(set(first)) == 3
    assert sorted(again) == sorted(first)


async def test_the_same_receipt_number_on_another_day_store_or_till_is_another_sale(till: Till):
    till.drop(
        "verkauf.csv",
        "1;1;A;x;1;1,00;20.11.2026;09:00;001;1",
        "1;1;A;x;1;1,00;21.11.2026;09:00;001;1",
        "1;1;A;x;1;1,00;21.11.2026;09:00;002;1",
        "1;1;A;x;1;1,00;21.11.2026;09:00;001;2",
    )

    assert len(set(keys(await read_all(till.connect(), till.tools)))) == 4


async def test_a_line_told_twice_is_one_and_a_contradiction_is_shown(till: Till):
    till.drop(
        "verkauf.csv",
        "1;1;A;x;1;1,00;21.11.2026;09:00;001;1",
        "1;1;A;x;1;1,00;21.11.2026;09:00;001;1",
        "1;1;A;x;7;1,00;21.11.2026;09:00;001;1",
    )

    sale, letter = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert sale.quantity == 1
    assert isinstance(letter, Unreadable)
    assert "other content" in letter.reason


async def test_two_counts_of_one_shelf_that_disagree_are_both_not_believed(till: Till):
    till.drop("inventur_2026-11-20.csv", "A;4;001", "A;6;001", "B;2;001", header="Artikel;Gezählt;Filiale")

    letter, count = sorted(
        await read_all(till.connect(), till.tools), key=lambda fact: type(fact).__name__, reverse=True
    )

    assert isinstance(letter, Unreadable)
    assert isinstance(count, Counted)
    assert count.article.sku == "B"


async def test_a_count_takes_its_date_from_the_name_and_its_time_from_the_evening(till: Till):
    till.drop("inventur_2026-11-20.csv", "A;4;001", header="Artikel;Bestand;Filiale")

    [count] = await read_all(till.connect(), till.tools)

    assert count == Counted(
        key="count:001:2026-11-20:A",
        article=Article(sku="A"),
        quantity=4,
        at=datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC),
        place="001",
    )


async def test_a_count_of_today_is_never_later_than_its_file(till: Till):
    till.drop("inventur_2026-11-21.csv", "A;4;001", header="Artikel;Bestand;Filiale")

    [count] = await read_all(till.connect(), till.tools)

    assert isinstance(count, Counted)
    assert count.at == till.clock.now()


async def test_deliveries_come_and_go(till: Till):
    till.drop(
        "lieferung.csv",
        "LS-9;1;A;10;20.11.2026;08:00;001;Wareneingang",
        "LS-9;2;B;-3;20.11.2026;08:00;001;Bruch",
        header="Lieferschein;Pos;Artikel;Menge;Datum;Zeit;Filiale;Grund",
    )

    came, went = await read_all(till.connect(), till.tools)

    assert isinstance(came, Delivered)
    assert (came.key, came.quantity, came.reason) == ("delivery:001:2026-11-20:LS-9/1", 10, "Wareneingang")
    assert isinstance(went, Delivered)
    assert (went.quantity, went.reason) == (-3, "Bruch")


async def test_titles_above_the_header_own_columns_and_lines_to_ignore(till: Till):
    till.drop_bytes(
        "verkauf.csv",
        b"Kassenjournal Filiale Linden\n\nNr;Satzart;WA;Stk;Wann\n1;Artikel;A;2;21.11.26 9.30\n1;Zahlung;;;21.11.26\n",
    )
    adapter = till.connect(
        columns={"receipt": "Nr", "sku": ["PLU", "WA"], "date": "Wann"}, ignore={"Satzart": "Zahlung"}, place="001"
    )

    [sale] = await read_all(adapter, till.tools)

    assert isinstance(sale, Sale)
    assert (sale.article.sku, sale.quantity, sale.place) == ("A", 2, "001")
    assert sale.at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


async def test_where_no_store_is_named_the_till_itself_is_the_place(till: Till):
    till.drop("verkauf.csv", "1;A;1;21.11.2026;K2", header="Bon;Artikel;Menge;Datum;Kasse")

    [sale] = await read_all(till.connect(), till.tools)

    assert isinstance(sale, Sale)
    assert sale.place == "K2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\x89PNG\x00\x00", "no text"),
        (b"Artikel;Preis\nA;1\n", "no column for receipt, quantity; its columns are Artikel, Preis"),
        (b"nothing here\n", "no line of it is a header"),
    ],
)
async def test_a_file_nobody_can_read_fails_whole_and_says_why(till: Till, content: bytes, reason: str):
    till.drop_bytes("verkauf.csv", content)
    adapter = till.connect()
    till.clock.advance(seconds=5)
    await adapter.pull(None, now=till.clock.now())
    till.clock.advance(seconds=5)

    [letter] = await read_all(adapter, till.tools)

    assert isinstance(letter, Unreadable)
    assert reason in letter.reason
    assert till.names("failed") == ["verkauf.csv", "verkauf.csv.reasons.txt"]
    assert reason in (till.folder / "failed/verkauf.csv.reasons.txt").read_text()


async def test_local_times_follow_the_change_of_the_clocks(till: Till):
    till.drop(
        "verkauf.csv",
        "1;1;A;x;1;1,00;24.10.2026;12:00;001;1",
        "2;1;A;x;1;1,00;25.10.2026;12:00;001;1",
    )

    summer, winter = await read_all(till.connect(), till.tools)

    assert isinstance(summer, Sale)
    assert isinstance(winter, Sale)
    assert (summer.at.hour, winter.at.hour) == (10, 11)


# ---------------------------------------------------------------- Z-reports

Z_HEADER = "Z-Nr.;PLU;EAN;Bezeichnung;Anzahl;Einzelpreis;Umsatz;Datum;Uhrzeit;Filiale;Kasse"
Z_SETTINGS = {"totals": "z-bericht*.csv", "columns": {"sku": "PLU"}, "ignore": {"Bezeichnung": "Summe"}}


async def test_a_z_report_tells_the_pieces_of_a_day_by_article(till: Till):
    till.drop(
        "Z-Bericht_0815.csv",
        "815;LAMP;;Lampe;3;39,95;119,85;20.11.2026;20:05;001;1",
        "815;LAMP;;Lampe reduziert;1;29,95;29,95;20.11.2026;20:05;001;1",
        "815;;4006381333931;Vase;-1;12,00;-12,00;20.11.2026;20:05;001;1",
        "815;MUG;;Tasse;0;9,50;0,00;20.11.2026;20:05;001;1",
        "815;;;Summe;3;;137,80;20.11.2026;20:05;001;1",
        header=Z_HEADER,
    )

    facts = await read_all(till.connect(**Z_SETTINGS), till.tools)

    noon = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    assert [(fact.key, fact.article.sku, fact.quantity, fact.at, fact.place) for fact in facts] == [
        ("z:001:1:2026-11-20:815/LAMP@39,95", "LAMP", 3, noon, "001"),
        ("z:001:1:2026-11-20:815/LAMP@29,95", "LAMP", 1, noon, "001"),
        ("z:001:1:2026-11-20:815/4006381333931@12,00", None, -1, noon, "001"),
    ]
    assert till.names("done") == ["Z-Bericht_0815.csv"]


async def test_a_z_report_that_comes_again_or_contradicts_itself_counts_once(till: Till):
    line = "815;LAMP;;Lampe;3;39,95;119,85;20.11.2026;20:05;001;1"
    adapter = till.connect(**Z_SETTINGS)
    till.drop("z-bericht-1.csv", line, header=Z_HEADER)
    first = await read_all(adapter, till.tools)
    till.drop("z-bericht-2.csv", line, line.replace(";3;", ";4;"), line.replace("815;", ";"), header=Z_HEADER)
    second = await read_all(adapter, till.tools)

    assert keys(second)[0] == keys(first)[0]
    assert [type(fact) for fact in second] == [Sale, Unreadable, Unreadable]
    assert till.names("failed") == ["z-bericht-2.csv", "z-bericht-2.csv.reasons.txt"]


async def test_receipts_of_a_till_that_tells_totals_are_not_booked_as_well(till: Till):
    till.drop("verkauf.csv", "4711;1;LAMP;Tischlampe;2;39,95;21.11.2026;10:15:30;001;K2")

    assert await read_all(till.connect(**Z_SETTINGS), till.tools) == []
    with pytest.raises(NeedsAttention, match="totals"):
        till.connect(**Z_SETTINGS, sales="verkauf*.csv")
