"""Whatever lies in a file, reading it never fails, loses nothing in silence and says the same each time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnisync.adapters.base import Sale, Unreadable
from omnisync.adapters.csv.reading import Dropped, understand
from omnisync.adapters.csv.settings import TillSettings

SETTINGS = TillSettings(folder=Path("unused"), place="001")
WRITTEN = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
HEADER = ["Bon", "Artikel", "Menge", "Datum"]
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\"';\t|,"), max_size=12)
quantities = st.sampled_from(["1", "-2", "3,00", "1.000", "x", "", "1.5", "1e3", "NaN"])
skus = st.from_regex(r"[A-Z0-9]([A-Z0-9 ./-]{0,10}[A-Z0-9])?", fullmatch=True)


def read(content: bytes, kind: str = "sales"):
    return asyncio.run(understand(Dropped("verkauf.csv", kind, content, WRITTEN), SETTINGS, partial(asyncio.sleep, 0)))


@settings()
@given(st.binary(max_size=400), st.sampled_from(["sales", "totals", "counts", "deliveries"]))
@example(b"Bon;Artikel;Menge;Datum\n1;A;1;" + b"9" * 200_000, "sales")
@example(b"Bon;Artikel;Menge;Datum\n1;A;1;01.01.0001\n", "sales")
@example(b"Bon;Artikel;Menge;Datum\n1;A;1;0001-01-01T00:00:00+02:00\n", "sales")
@example(b"Bon;Artikel;Menge;Datum\n1;A;1;9999-12-31T23:59:59-12:00\n", "sales")
@example("Bon;Artikel;Menge;Datum\n1;A;١;21.11.2026\n".encode(), "sales")
def test_any_bytes_are_facts_or_have_a_reason(content: bytes, kind: str):
    first, again = read(content, kind), read(content, kind)

    assert first == again
    assert bool(first.reasons) == any(isinstance(fact, Unreadable) for fact in first.facts)


@settings()
@given(st.lists(st.tuples(cells, cells, quantities, st.one_of(cells, st.just("21.11.2026"))), max_size=20))
def test_every_line_is_told_as_a_sale_or_as_a_letter(rows: list[tuple[str, str, str, str]]):
    content = "\n".join([";".join(HEADER), *(";".join(row) for row in rows)]).encode()

    understood = read(content)

    assert len(understood.facts) == sum(any(cell.strip() for cell in row) for row in rows)
    assert len(understood.reasons) == sum(isinstance(fact, Unreadable) for fact in understood.facts)


@settings()
@given(
    st.lists(st.tuples(st.integers(1, 9999), skus, st.integers(-50, 50).filter(bool)), min_size=1, max_size=30),
    st.sampled_from([";", "\t", "|", ","]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_a_till_writes_is_what_we_read(lines: list[tuple[int, str, int]], separator: str, encoding: str, end: str):
    table = [HEADER, *([str(receipt), sku, str(pieces), "21.11.2026"] for receipt, sku, pieces in lines)]
    content = end.join([*(separator.join(row) for row in table), ""]).encode(encoding)

    understood = read(content)

    sales = [fact for fact in understood.facts if isinstance(fact, Sale)]
    assert understood.reasons == ()
    assert [(sale.article.sku, sale.quantity) for sale in sales] == [(sku, pieces) for _, sku, pieces in lines]
    assert len({sale.key for sale in sales}) == len(lines)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_only_line_ends_end_a_line(character: str):
    content = f"Bon;Artikel;Bezeichnung;Menge;Datum\n1;A;alt{character}neu;2;21.11.2026\n".encode()

    [sale] = read(content).facts

    assert isinstance(sale, Sale)
    assert sale.quantity == 2
