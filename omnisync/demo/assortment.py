"""A believable German assortment of some 200 articles with their stock, always the same for a seed, as files that
`omnisync import` reads: fashion and shoes in sizes, things for the home, a bundle, and what is taken into orders but never
lies on a shelf."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnisync.catalog import gtin
from omnisync.imports.articles_file import COLUMNS as CATALOG_COLUMNS
from omnisync.imports.stock_file import COLUMNS as STOCK_COLUMNS

INTERNAL_PREFIX = "20"
"""GS1 keeps 20 to 29 for numbers that are valid inside one company: nobody's real article is named here."""


@dataclass(frozen=True, slots=True)
class Model:
    """Something that is sold in several sizes and colours."""

    code: str
    title: str
    group: str
    price: str
    sizes: Sequence[str]
    colours: Sequence[str]
    shelf: str
    vat_rate: str = "19"
    min_age: str = ""


_COATS = ("S", "M", "L", "XL")
_SHIRTS = ("XS", "S", "M", "L", "XL")
_JEANS = ("30/32", "32/32", "34/32", "36/34")
_SHOES_W = ("37", "38", "39", "40", "41")
_SHOES_M = ("41", "42", "43", "44", "45")
_ONE = ("",)

MODELS = (
    Model("JACKE-NORDWIND", "Jacke Nordwind", "Damen", "129,90", _COATS, ("nachtblau", "salbei"), "D1"),
    Model("MANTEL-ELBE", "Mantel Elbe", "Damen", "199,00", _COATS, ("camel", "anthrazit"), "D2"),
    Model("BLUSE-SYLT", "Bluse Sylt", "Damen", "49,95", _SHIRTS, ("weiß", "himmelblau"), "D3"),
    Model("KLEID-AMRUM", "Kleid Amrum", "Damen", "79,95", _COATS, ("tannengrün", "rost"), "D4"),
    Model("PULLOVER-HARZ", "Pullover Harz", "Herren", "69,95", _COATS, ("grau", "bordeaux"), "H1"),
    Model("HEMD-ALSTER", "Hemd Alster", "Herren", "59,95", _COATS, ("weiß", "hellblau", "kariert"), "H2"),
    Model("JEANS-HAFEN", "Jeans Hafen", "Herren", "89,95", _JEANS, ("dunkelblau", "schwarz", "grau"), "H3"),
    Model("PARKA-FOEHR", "Parka Föhr", "Herren", "169,90", _COATS, ("oliv", "schwarz"), "H4"),
    Model("SHIRT-SPREE", "T-Shirt Spree", "Unisex", "24,95", _SHIRTS, ("weiß", "schwarz", "ocker", "bordeaux"), "U1"),
    Model("HOODIE-KIEZ", "Hoodie Kiez", "Unisex", "54,95", _SHIRTS, ("grau meliert", "petrol"), "U2"),
    Model("SNEAKER-KIEL", "Sneaker Kiel", "Schuhe", "99,95", _SHOES_M, ("weiß", "navy"), "S1"),
    Model("SNEAKER-RUEGEN", "Sneaker Rügen", "Schuhe", "89,95", _SHOES_W, ("rosé", "weiß"), "S2"),
    Model("BOOTS-BROCKEN", "Boots Brocken", "Schuhe", "139,90", _SHOES_M, ("cognac", "schwarz"), "S3"),
    Model("STIEFELETTE-ISAR", "Stiefelette Isar", "Schuhe", "119,95", _SHOES_W, ("schwarz", "taupe"), "S4"),
    Model("GUMMISTIEFEL-DEICH", "Gummistiefel Deich", "Schuhe", "49,95", _SHOES_W, ("gelb", "marine"), "S5"),
    Model("SOCKEN-WATT", "Socken Watt", "Strümpfe", "9,95", ("35-38", "39-42", "43-46"), ("natur", "marine"), "U3"),
    Model("MUETZE-WINTERHUDE", "Mütze Winterhude", "Accessoires", "29,95", _ONE, ("grau", "senf", "marine"), "A1"),
    Model("SCHAL-MOSEL", "Schal Mosel", "Accessoires", "39,95", _ONE, ("karo", "creme"), "A2"),
    Model("GUERTEL-RHOEN", "Gürtel Rhön", "Accessoires", "34,95", ("85", "95", "105"), ("braun",), "A3"),
    Model("TASCHE-PANKE", "Tasche Panke", "Accessoires", "149,00", _ONE, ("schwarz", "cognac"), "A4"),
    Model("LEUCHTE-LINDEN", "Tischleuchte Linden", "Wohnen", "79,90", _ONE, ("messing", "schwarz"), "W1"),
    Model("DECKE-ALLGAEU", "Wolldecke Allgäu", "Wohnen", "89,95", _ONE, ("natur", "fichte"), "W2"),
    Model("KISSEN-HAVEL", "Kissen Havel", "Wohnen", "24,95", ("40x40", "50x50"), ("sand", "indigo", "rost"), "W3"),
    Model("KERZE-DUENE", "Duftkerze Düne", "Wohnen", "19,95", _ONE, ("",), "W4"),
    Model("TASSE-MEISSEN", "Tasse Werkstatt", "Küche", "12,95", _ONE, ("weiß", "blau", "grün"), "K1"),
    Model("KANNE-WERKSTATT", "Teekanne Werkstatt", "Küche", "44,95", _ONE, ("weiß", "blau"), "K2"),
    Model("BRETT-EICHE", "Schneidebrett Eiche", "Küche", "34,95", ("klein", "groß"), ("",), "K3"),
    Model("HONIG-LINDE", "Lindenhonig 500 g", "Feinkost", "8,99", _ONE, ("",), "F1", vat_rate="7"),
    Model("TEE-OSTFRIESEN", "Ostfriesentee 250 g", "Feinkost", "6,99", _ONE, ("",), "F2", vat_rate="7"),
    Model("BUCH-STADT", "Bildband Die Stadt am Morgen", "Bücher", "28,00", _ONE, ("",), "B1", vat_rate="7"),
    Model("GIN-HAFEN", "Hafen Gin 0,5 l", "Feinkost", "34,99", _ONE, ("",), "F3", min_age="18"),
    Model("LIMO-QUITTE", "Quittenlimonade 0,33 l", "Feinkost", "2,49", _ONE, ("",), "F4"),
)
SERVICES = (
    ("PFAND-025", "Einwegpfand", "0,25", "19"),
    ("GESCHENK", "Geschenkverpackung", "3,95", "19"),
    ("VERSAND", "Versandkosten", "4,95", "19"),
)
BUNDLES = (("SET-TEE", "Teeset Werkstatt", "79,90", "1*KANNE-WERKSTATT-BLAU|2*TASSE-MEISSEN-BLAU|1*TEE-OSTFRIESEN"),)
"""What is sold together; its stock is that of its parts."""

_ASCII = str.maketrans({"ä": "AE", "ö": "OE", "ü": "UE", "ß": "SS", "é": "E", " ": "-", "/": "-"})
_LEVELS = {
    "store": ((0, 8), (1, 20), (2, 26), (3, 20), (5, 16), (8, 10)),
    "warehouse": ((0, 4), (6, 30), (12, 40), (25, 26)),
}
"""How often (of a hundred) so many pieces lie on a shelf."""


def article_rows(seed: int) -> list[dict[str, str]]:
    """The rows of `catalog.csv`."""
    chance = random.Random(seed)
    numbers = iter(chance.sample(range(10**10), 1000))
    stocked = [_variant(model, size, colour, numbers, chance) for model, size, colour in _variants()]
    services = [
        _row(sku=sku, title=title, group="Service", price=price, vat_rate=rate, stocked="no")
        for sku, title, price, rate in SERVICES
    ]
    bundles = [
        _row(
            sku=sku,
            title=title,
            group="Küche",
            price=price,
            vat_rate="19",
            components=components,
            barcode=_gtin(numbers),
        )
        for sku, title, price, components in BUNDLES
    ]
    return [*stocked, *services, *bundles]


def _variants() -> Iterator[tuple[Model, str, str]]:
    return ((model, size, colour) for model in MODELS for colour in model.colours for size in model.sizes)


def _variant(model: Model, size: str, colour: str, numbers: Iterator[int], chance: random.Random) -> dict[str, str]:
    cents = int(model.price.replace(",", ""))
    return _row(
        sku="-".join(part for part in (model.code, _word(colour), _word(size)) if part),
        title=model.title,
        barcode=_gtin(numbers),
        group=model.group,
        price=model.price,
        vat_rate=model.vat_rate,
        size=size,
        colour=colour,
        shelf=f"{model.shelf}-{chance.randint(1, 6)}",
        min_age=model.min_age,
        cost=_euros(cents * chance.randint(38, 52) // 100),
        min_price=_euros(cents * 6 // 10),
    )


def _row(**cells: str) -> dict[str, str]:
    return {**dict.fromkeys(CATALOG_COLUMNS.all, ""), "currency": "EUR", "unit": "piece", "stocked": "yes", **cells}


def _word(text: str) -> str:
    return text.lower().translate(_ASCII).upper()


def _gtin(numbers: Iterator[int]) -> str:
    return gtin.complete(f"{INTERNAL_PREFIX}{next(numbers):010}")


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def stock_rows(seed: int, locations: Mapping[str, str]) -> list[dict[str, str]]:
    """The rows of `stock.csv` for locations by code and kind (store or warehouse)."""
    chance = random.Random(seed + 1)
    articles = [row for row in article_rows(seed) if row["stocked"] == "yes" and not row["components"]]
    return [
        {
            "sku": row["sku"],
            "location": code,
            "on_hand": str(_pieces(kind, chance)),
            "safety": "1" if kind == "store" and row["group"] == "Accessoires" else "0",
            "shelf": "" if kind == "store" else f"{chance.choice('ABCDEF')}{chance.randint(1, 40):02}",
        }
        for code, kind in locations.items()
        for row in articles
    ]


def _pieces(kind: str, chance: random.Random) -> int:
    levels, weights = zip(*_LEVELS[kind], strict=True)
    [level] = chance.choices(levels, weights)
    return level + chance.randint(0, 1) if level else 0


def write(folder: Path, seed: int, locations: Mapping[str, str]) -> tuple[Path, Path]:
    """`catalog.csv` and `stock.csv`, as a German spreadsheet would save them."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        _write(folder / "catalog.csv", CATALOG_COLUMNS.all, article_rows(seed)),
        _write(folder / "stock.csv", STOCK_COLUMNS.all, stock_rows(seed, locations)),
    )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path
