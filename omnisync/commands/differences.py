"""What an import changes, in words: each value as a person would write it, and how many rows of what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omnisync.commands.tongue import Say
from omnisync.imports.reading import Difference
from omnisync.imports.runs import SHOWN_DIFFERENCES, Outcome
from omnisync.values import Money

_COLUMNS = {
    "cost_minor": "cost",
    "min_price_minor": "min_price",
    "group_name": "group",
    "barcodes": "barcode",
}
"""Fields that the file names otherwise."""


def one_line(difference: Difference, say: Say = str) -> str:
    """What becomes of one row."""
    line = say(f"line {difference.line}")
    if difference.before is None:
        return f"{line}: {say(f'{difference.key} is new')}"
    before, currency = difference.before, difference.currency
    changes = (
        f"{_COLUMNS.get(name, name)} {shown(name, before.get(name), currency, say)} -> {shown(name, value, currency, say)}"
        for name, value in difference.after.items()
    )
    return f"{line}: {difference.key}: {', '.join(changes)}"


def shown(name: str, value: Any, currency: str | None = None, say: Say = str) -> str:
    """A value of that field as people write it."""
    if value is None or value in ("", [], {}):
        return say("nothing")
    if name in _WRITTEN:
        return _WRITTEN[name](value)
    if name.endswith("_minor"):
        return amount(value, currency)
    return say("yes" if value else "no") if isinstance(value, bool) else str(value)


def amount(minor: int, currency: str | None) -> str:
    """`18,99 EUR`."""
    return f"{Money(minor, currency).decimal().replace('.', ',')} {currency}" if currency else f"{minor} minor units"


def _price(value: Mapping[str, Any]) -> str:
    return amount(value["minor"], value["currency"])


def _parts(value: Mapping[str, int]) -> str:
    return " + ".join(f"{number} x {sku}" for sku, number in value.items())


def _per_cent(hundredths: int) -> str:
    return f"{hundredths / 100:g} %".replace(".", ",")


_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "price": _price,
    "barcodes": "|".join,
    "components": _parts,
    "vat_rate": _per_cent,
}


def count_line(outcome: Outcome, *, booked: bool, say: Say = str) -> str:
    """How many rows there are, and what becomes of them."""
    survey = outcome.survey
    is_, are = ("is", "are") if booked else ("would be", "would be")
    said = [
        f"{many(survey.created, is_, are)} new",
        f"{many(survey.changed, is_, are)} changed",
        many(survey.unchanged, "stands already", "stand already"),
    ]
    if outcome.rejected:
        said.append(many(outcome.rejected, "has faults", "have faults"))
    rows = say(many(outcome.rows, "row", "rows"))
    return f"{survey.source.path.name}: {rows}, {', '.join(map(say, said))}."


def not_shown(outcome: Outcome) -> int:
    """Changes beyond those that are kept as examples."""
    return max(0, outcome.survey.created + outcome.survey.changed - SHOWN_DIFFERENCES)


def many(number: int, one: str, more: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {one if number == 1 else more}"
