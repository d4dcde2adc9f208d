"""What one cell says: plain functions from text to exact values, each with the faults that spreadsheets bring."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache
from typing import TypeVar

from babel.numbers import list_currencies

from omnisync.catalog import gtin
from omnisync.catalog.backorder import parse
from omnisync.catalog.pricelist import MAX_PRICE_MINOR
from omnisync.imports.faults import CellFault, nearest
from omnisync.values import MAX_QUANTITY, Money, clean_sku

V = TypeVar("V")
MAX_TEXT = 500
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+([.,' \u00a0\u202f][0-9]+)*")
_GROUPED = re.compile(r"\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+")
_MOJIBAKE = re.compile(r"Ã[\u0080-\u00bfŸœž„–€™]|â€")
_YES_NO = {
    **dict.fromkeys(("yes", "true", "1", "y", "ja", "j", "wahr", "x", ""), True),
    **dict.fromkeys(("no", "false", "0", "n", "nein", "falsch"), False),
}
_UNITS = {
    **dict.fromkeys(("piece", "pieces", "pcs", "stück", "stk", ""), "piece"),
    **dict.fromkeys(("gram", "grams", "g", "gramm"), "gram"),
}
_COMPONENT = re.compile(r"([0-9]+)\s*[*×]\s*(.+)")


def sku_or_none(cell: str) -> str | None:
    """A SKU, or none."""
    return sku(cell) if cell else None


def sku(cell: str) -> str:
    """A SKU; a number in scientific notation was one before a spreadsheet had it."""
    refuse_spoiled(cell)
    if "|" in cell:
        raise CellFault("sku", f'"{cell}": | separates lists, so no SKU may contain it')
    try:
        return clean_sku(cell)
    except ValueError as error:
        raise CellFault("sku" if cell else "empty", f'"{cell}": {error}' if cell else "the SKU is empty") from None


def text(cell: str) -> str | None:
    """One line of printable text, blanks and newlines inside it become one blank; None when empty."""
    if not cell:
        return None
    line = unicodedata.normalize("NFC", " ".join(cell.split()))
    if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") or character == "\ufffd" for character in line):
        raise CellFault("text", f"{line!r} holds characters that nobody can print")
    if len(line) > MAX_TEXT:
        raise CellFault("text", f'"{line[:40]}..." has {len(line)} characters, allowed are {MAX_TEXT}')
    return line or None


def is_mojibake(line: str) -> bool:
    """Whether this looks like UTF-8 that somebody read as Windows-1252: `GrÃ¶ÃŸe`."""
    return bool(_MOJIBAKE.search(line))


def barcodes(cell: str) -> list[str]:
    """All barcodes of a cell, separated by |, each once."""
    return list(dict.fromkeys(_barcode(code.strip()) for code in cell.split("|") if code.strip()))


def _barcode(code: str) -> str:
    refuse_spoiled(code)
    if re.fullmatch(r"[0-9]{7,14}[.,]0+", code):
        raise CellFault("spoiled", f"{code} has decimals: format the column as text and copy it again")
    if whole := gtin.is_digits(code) and gtin.restored(code):
        raise CellFault("spoiled", f"{code} has lost its leading zeros: it was {whole}")
    if len(code) > 64 or not code.isprintable():
        raise CellFault("text", f"{code[:70]!r} cannot be a barcode: 1 to 64 printable characters")
    return code


def wrong_check_digit(code: str) -> str | None:
    """What the last digit should be, where the code has the length of a GTIN and does not check."""
    if gtin.is_digits(code) and len(code) in gtin.LENGTHS and not gtin.checks(code):
        return f"{code} should end in {gtin.check_digit(code[:-1])}"
    return None


def money(cell: str, currency: str) -> Money:
    """A gross amount with decimal comma or point, with or without groups of thousands."""
    amount = decimal(cell)
    if amount < 0:
        raise CellFault("negative", f"{cell} is below zero")
    try:
        found = Money.parse(str(amount), currency)
    except ValueError as error:
        raise CellFault("amount", str(error)) from None
    if found.minor > MAX_PRICE_MINOR:
        raise CellFault("enormous", f"{cell} {currency} is more than anything costs here")
    return found


def decimal(cell: str) -> Decimal:
    """A number in German, English or Swiss spelling. CellFault where 1.234 can be read in two ways."""
    refuse_spoiled(cell)
    if not _NUMBER.fullmatch(cell):
        raise CellFault("amount", f'"{cell}" is no amount such as 19.99 or 19,99')
    sign, digits = ("-" if cell.startswith("-") else ""), cell.lstrip("+-")
    marks = re.findall(r"\D", digits)
    if len(marks) == 1 and marks[0] in ".," and _GROUPED.fullmatch(digits) and not digits.startswith("0"):
        raise CellFault(
            "amount", f"{cell} can be read in two ways: write {digits[:-4]}{digits[-3:]} or with two decimals"
        )
    whole, point, fraction = _split(digits, marks)
    if whole != "".join(re.findall(r"\d", whole)) and not _GROUPED.fullmatch(whole):
        raise CellFault("amount", f'"{cell}" is no amount such as 1.234,50 or 1,234.50')
    return Decimal(sign + re.sub(r"\D", "", whole) + ("." + fraction if point else ""))


def _split(digits: str, marks: list[str]) -> tuple[str, str, str]:
    """Whole, decimal mark and fraction. The last mark divides, unless it is one of several alike or no decimal mark."""
    if not marks or marks[-1] not in ".," or marks.count(marks[-1]) > 1 or len({*marks[:-1]}) > 1:
        return digits, "", ""
    return digits.rpartition(marks[-1])


def quantity(cell: str) -> int:
    """Whole pieces, 0 or more."""
    if not gtin.is_digits(cell):
        refuse_spoiled(cell)
        if re.fullmatch(r"-\d+", cell):
            raise CellFault("negative", f"{cell} is below zero: a count finds 0 or more")
        raise CellFault("number", f'"{cell}" is no whole number; write it without marks')
    if len(cell) > 12 or int(cell) > MAX_QUANTITY:
        raise CellFault("enormous", f"{cell} is more than {MAX_QUANTITY}")
    return int(cell)


def age(cell: str) -> int | None:
    """A minimum age in years."""
    years = quantity(cell) if cell else None
    if years is not None and years > 99:
        raise CellFault("enormous", f"{cell} is no age")
    return years


def vat_rate(cell: str) -> int | None:
    """Hundredths of a per cent from `19`, `19 %` or `5,5`."""
    if not cell:
        return None
    rate = decimal(cell.removesuffix("%").strip()) * 100
    if rate != int(rate) or not 0 <= rate <= 10_000 or 0 < rate < 100:
        raise CellFault("amount", f"{cell} is no VAT rate: write 19 for 19 %")
    return int(rate)


def yes_or_no(cell: str) -> bool:
    """Empty is yes."""
    return _choice(cell, _YES_NO, "yes or no")


def unit(cell: str) -> str:
    """Empty is piece."""
    return _choice(cell, _UNITS, "piece or gram")


def _choice(cell: str, allowed: dict[str, V], words: str) -> V:
    try:
        return allowed[cell.lower()]
    except KeyError:
        raise CellFault("choice", f'"{cell}" is not allowed; write {words}') from None


def backorder(cell: str) -> str | None:
    """`none` or empty, pieces such as 5, or the day from which what is awaited can be had, such as 2026-12-01."""
    try:
        return parse(cell).kept
    except ValueError:
        raise CellFault(
            "choice", f'"{cell}" is not allowed; write none, a number of pieces, or a day: 2026-12-01'
        ) from None


def currency(cell: str) -> str | None:
    """An ISO 4217 code; None when empty."""
    if not cell:
        return None
    code = cell.upper()
    if code not in _currencies():
        raise CellFault("currency", f'"{cell}" is no ISO 4217 currency code such as EUR{nearest(cell, _currencies())}')
    return code


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def components(cell: str) -> dict[str, int]:
    """What a bundle holds: `2*CUP|SAUCER`, one piece where no number is given. Empty: no bundle."""
    found: dict[str, int] = {}
    for part in (part.strip() for part in cell.split("|") if part.strip()):
        counted = _COMPONENT.fullmatch(part)
        number, name = (counted[1], counted[2]) if counted else ("1", part)
        each, component = quantity(number), sku(name)
        if each < 1 or component in found:
            raise CellFault("components", f'"{part}": each component once, 1 piece or more')
        found[component] = each
    return found


def refuse_spoiled(cell: str) -> None:
    """A long number that a spreadsheet has shortened cannot be mended, only copied again."""
    if _EXPONENT.fullmatch(cell):
        raise CellFault("spoiled", f"{cell} was a longer number: format the column as text and copy it again")
