"""GTIN-8, -12, -13 and -14: check digits (GS1 General Specifications 7.9) and the forms one number is written in."""

from __future__ import annotations

LENGTHS = (8, 12, 13, 14)
_SHORTENED = {7: 8, 11: 13, 12: 13}
"""Length a spreadsheet leaves when it takes the number's leading zeros -> the length it had."""


def check_digit(body: str) -> str:
    """The last digit that makes these digits a GTIN: weights 3 and 1, from the right."""
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_digits(code: str) -> bool:
    """Only the ten ASCII digits (`str.isdigit` takes others too)."""
    return code.isascii() and code.isdigit()


def checks(code: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    return is_digits(code) and len(code) > 1 and check_digit(code[:-1]) == code[-1]


def complete(body: str) -> str:
    """The body with its check digit."""
    return body + check_digit(body)


def restored(code: str) -> str | None:
    """What the number was before it lost its leading zeros; None when it looks complete."""
    length = _SHORTENED.get(len(code))
    return code.zfill(length) if length and checks(code) else None


def spellings(code: str) -> list[str]:
    """The same number with more or fewer leading zeros, itself first: a scanner sends 13 digits where a label has 12."""
    if not is_digits(code) or len(code) not in LENGTHS:
        return [code]
    bare = code.lstrip("0")
    return [code, *(bare.zfill(length) for length in LENGTHS if len(bare) <= length != len(code))]
