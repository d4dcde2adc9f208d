"""Which column of a till's file is what: the usual German and English titles, and where the header stands."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisync.adapters.csv.settings import TillSettings

SEPARATORS = (";", "\t", ",", "|")
HEADER_WITHIN_LINES = 20
"""Some tills print a title above the header."""

USUAL: Mapping[str, str] = {
    "receipt": "bon bonnr bonnummer beleg belegnr belegnummer rechnungsnr rechnungsnummer receipt receiptno receiptnumber",
    "document": "lieferschein lieferscheinnr lieferscheinnummer beleg belegnr belegnummer document deliverynote",
    "z": "znr znummer zzaehler zberichtnr zbericht abschlussnr abschlussnummer abschluss z zno znumber",
    "line": "position pos posnr positionsnr positionsnummer zeile zeilennr line lineno linenumber",
    "sku": "sku artikelnr artikelnummer artnr artikel article articleno itemno item",
    "barcode": "ean ean13 gtin barcode strichcode upc",
    "quantity": "menge anzahl stueck stk stueckzahl quantity qty pieces",
    "counted": "gezaehlt zaehlmenge istbestand ist bestand menge anzahl stueck counted onhand quantity qty",
    "price": "einzelpreis vkpreis vkbrutto vk preis unitprice price",
    "date": "datum belegdatum bondatum verkaufsdatum zaehldatum lieferdatum date zeitpunkt datumuhrzeit datetime timestamp",
    "time": "uhrzeit zeit bonzeit zaehlzeit time",
    "store": "filiale filialnr filialnummer laden markt standort store storeno shop location",
    "till": "kasse kassennr kassennummer kassenid till register terminal",
    "title": "bezeichnung artikelbezeichnung artikeltext titel title name description",
    "reason": "grund bemerkung buchungsart reason note",
}
"""Our field -> titles in the order of preference, plain: small letters and digits only."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What fields a kind of file has."""

    needed: tuple[str, ...]
    others: tuple[str, ...]
    one_of: tuple[str, ...] = ("sku", "barcode")

    @property
    def fields(self) -> tuple[str, ...]:
        return self.needed + self.one_of + self.others


LAYOUTS: Mapping[str, Layout] = {
    "sales": Layout(("receipt", "quantity"), ("line", "date", "time", "price", "store", "till", "title")),
    "totals": Layout(("z", "quantity"), ("date", "time", "price", "store", "till", "title")),
    "counts": Layout(("counted",), ("date", "time", "store", "till", "title")),
    "deliveries": Layout(("quantity",), ("document", "line", "date", "time", "store", "till", "title", "reason")),
    "articles": Layout((), ("title",)),
}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of one file are."""

    line: int
    separator: str
    titles: tuple[str, ...]
    places: Mapping[str, int]
    """Our field -> index of its column."""
    named: Mapping[str, int]
    """Plain title -> index of its column."""

    @property
    def width(self) -> int:
        """How many cells a whole line has at least."""
        return max(self.named.values(), default=-1) + 1

    def missing(self, layout: Layout) -> list[str]:
        """What this kind of file cannot do without."""
        lacking = [field for field in layout.needed if field not in self.places]
        if not any(field in self.places for field in layout.one_of):
            lacking.append(" or ".join(layout.one_of))
        return lacking


def plain(title: str) -> str:
    """A column title as we compare it: `Bon-Nr.` is `bonnr`, `Zählmenge` is `zaehlmenge`."""
    spelled = title.casefold().translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue"})
    ascii_only = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", ascii_only)


def split(line: str, separator: str) -> list[str]:
    """The cells of one line, quotes taken off. A line that is none, with a cell of a hundred thousand letters, has one cell."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return [line]


def find_header(lines: Sequence[str], kind: str, settings: TillSettings) -> Header:
    """The header among the first lines that names most of our fields. ValueError says what is missing."""
    layout = LAYOUTS[kind]
    separators = SEPARATORS if settings.separator == "auto" else (settings.separator,)
    headers = [
        _header(number, split(line, separator), separator, layout, settings)
        for number, line in enumerate(lines[:HEADER_WITHIN_LINES])
        for separator in separators
    ]
    best = max(headers, key=lambda header: (-len(header.missing(layout)), len(header.places)), default=None)
    if best is None or best.missing(layout):
        raise ValueError(_complaint(best, layout))
    return best


def _header(line: int, titles: list[str], separator: str, layout: Layout, settings: TillSettings) -> Header:
    at = {plain(title): index for index, title in reversed(list(enumerate(titles))) if plain(title)}
    places: dict[str, int] = {}
    for field in layout.fields:
        own = [plain(title) for title in settings.columns.get(field, ())]
        named = next((at[title] for title in [*own, *USUAL[field].split()] if title in at), None)
        if named is not None:
            places[field] = named
    return Header(line, separator, tuple(titles), places, at)


def _complaint(best: Header | None, layout: Layout) -> str:
    if best is None or not best.places:
        return f"no line of it is a header that names {', '.join(layout.needed) or ' or '.join(layout.one_of)}"
    lacking = ", ".join(best.missing(layout))
    return f"it has no column for {lacking}; its columns are {', '.join(best.titles)}"
