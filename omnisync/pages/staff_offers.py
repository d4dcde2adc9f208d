"""Something of a pickup is missing: which other locations can send it, and to which store the customer could go instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session

from omnisync.orders import pauses
from omnisync.sync import availability

if TYPE_CHECKING:
    from omnisync.pages.staff_view import Eyes, LineShown

There = tuple[str, str, int]
"""(location code, its name, pieces)"""


@dataclass(frozen=True, slots=True)
class Helper:
    """A location that can help with what is missing: it sends what is, or hands out all of it."""

    code: str
    name: str
    brings: bool
    goes: bool


def elsewhere(session: Session, skus: Collection[str], eyes: Eyes) -> dict[str, tuple[There, ...]]:
    """SKU -> the other locations that have it; of a bundle whole ones."""
    names = {one.code: one.name for one in eyes.locations if one.code != eyes.location.code}
    if not skus:
        return {}
    [stock] = availability.look(session, [availability.Question(tuple(sorted(skus)), tuple(sorted(names)))])
    found = {sku: stock.available(sku, sorted(names)) or {} for sku in skus}
    return {sku: tuple((code, names[code], n) for code, n in there.items() if n) for sku, there in found.items()}


def open_to(session: Session, eyes: Eyes) -> frozenset[str]:
    """The stores where a customer could be sent now."""
    places = {one.code for one in eyes.locations if one.pickup != "off"}
    return frozenset(places - pauses.closed(session, now=eyes.now))


def helpers(lines: Sequence[LineShown], stores: Collection[str]) -> list[Helper]:
    """Where all that is missing could come from, or the customer could go for all of it; stores to go to first."""
    bring = _having(lines, {line.sku: line.rejected for line in lines})
    go = _having(lines, {line.sku: line.open + line.rejected for line in lines}) & set(stores)
    names = {code: name for line in lines for code, name, _ in line.elsewhere}
    found = [Helper(code, name, code in bring, code in go) for code, name in names.items() if code in bring | go]
    return sorted(found, key=lambda one: (not one.goes, one.name))


def _having(lines: Sequence[LineShown], wanted: Mapping[str, int]) -> set[str]:
    """The codes of the locations that have so much of each."""
    there = {line.sku: {code: n for code, _, n in line.elsewhere} for line in lines if line.stocked}
    codes = {code for pieces in there.values() for code in pieces}
    return {code for code in codes if all(pieces.get(code, 0) >= wanted[sku] for sku, pieces in there.items())}
