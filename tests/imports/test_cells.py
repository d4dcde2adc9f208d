import codecs
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync.errors import Refused
from omnisync.imports import cells, csvfile
from omnisync.imports.csvfile import Columns
from omnisync.imports.faults import CellFault
from omnisync.values import Money

COLUMNS = Columns(("sku", "title"), ("price",))


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("19.99", "19.99"), ("19,99", "19.99"), ("19,9", "19.9"), ("19", "19"), ("+3", "3"),
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1'234.50", "1234.50"), ("1 234,50", "1234.50"),
        ("1.234.567", "1234567"), ("12.345.678,9", "12345678.9"), ("0.125", "0.125"), ("1234,567", "1234.567"),
    ],
)  # fmt: skip
def test_amounts_are_read_in_german_english_and_swiss(cell, amount):
    assert cells.decimal(cell) == Decimal(amount)


@pytest.mark.parametrize(
    "cell", ["1.234", "1,234", "12,34.5", "1.2.3", "19.99.", ",99", "12€", "nan", "1e5", "0x1", "١٢"]
)
def test_amounts_that_can_be_read_in_two_ways_or_none_are_faults(cell):
    with pytest.raises(CellFault):
        cells.money(cell, "EUR")


@given(st.integers(0, 999_999_999))
def test_an_amount_is_the_same_in_every_spelling(minor):
    plain = Money(minor, "EUR").decimal()
    english = f"{Decimal(plain):,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))

    assert {cells.money(cell, "EUR").minor for cell in (plain, english, german, plain.replace(".", ","))} == {minor}


@pytest.mark.parametrize(("text", "separator"), [("sku,title", ","), ("sku;title", ";"), ("sku\ttitle", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_encoding_separator_and_line_end_is_read_alike(tmp_path, text, separator, encoding, newline):
    path = tmp_path / "file.csv"
    lines = [text, separator.join(("A", f'"Größe{newline}42"')), "", separator.join(("B", "x"))]
    path.write_bytes(newline.join(lines).encode(encoding))

    source = csvfile.look_at(path, COLUMNS)
    rows = list(csvfile.rows(source))

    assert csvfile.header_faults(source, COLUMNS) == []
    assert [(row.line, row.cells["sku"], " ".join(row.cells["title"].split())) for row in rows] == [
        (2, "A", "Größe 42"),
        (5, "B", "x"),
    ]


def test_a_first_line_that_tells_the_separator_is_believed_and_empty_columns_are_read_over(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("sep=;\nSKU;Title;;\nA;x;;\n")

    source = csvfile.look_at(path, COLUMNS)

    assert (source.separator, source.header) == (";", ("sku", "title"))
    assert [(row.line, row.cells) for row in csvfile.rows(source)] == [(3, {"sku": "A", "title": "x"})]


@pytest.mark.parametrize("contents", [b"", b"sku,title\nA,\x81\n"])
def test_what_is_empty_or_no_text_is_refused(tmp_path, contents):
    path = tmp_path / "file.csv"
    path.write_bytes(contents)

    with pytest.raises(Refused):
        csvfile.look_at(path, COLUMNS)


def test_broken_utf16_becomes_a_fault_of_its_cell(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(codecs.BOM_UTF16_LE + "sku,title\nA,".encode("utf-16-le") + b"\x00\xd8" + "\n".encode("utf-16-le"))

    [row] = csvfile.rows(csvfile.look_at(path, COLUMNS))

    with pytest.raises(CellFault):
        cells.text(row.cells["title"])


def test_a_file_that_is_not_there_or_changed_meanwhile_is_refused(tmp_path):
    path = tmp_path / "file.csv"
    with pytest.raises(Refused, match="cannot be read"):
        csvfile.look_at(path, COLUMNS)
    path.write_text("sku,title\n")
    source = csvfile.look_at(path, COLUMNS)
    csvfile.refuse_changed(source)

    path.write_text("sku,title\nA,b\n")

    with pytest.raises(Refused, match="was changed"):
        csvfile.refuse_changed(source)


@given(st.text(max_size=80))
def test_no_text_brings_a_reader_down(cell):
    readers = (
        cells.sku, cells.text, cells.barcodes, cells.quantity, cells.age, cells.vat_rate, cells.yes_or_no,
        cells.unit, cells.currency, cells.components, lambda text: cells.money(text, "EUR"),
    )  # fmt: skip
    for reader in readers:
        with suppress(CellFault):
            reader(cell.strip())
