"""From which locations an order line takes its pieces: a pure function over what is available."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omnisync.stock.effects import Level
from omnisync.values import Shelf


def assign(sku: str, quantity: int, locations: Sequence[str], levels: Mapping[Shelf, Level]) -> dict[Shelf, int]:
    """Whole from the first location that has all of it, else split in the order of preference; what nobody has is booked at
    the first, where it opens a shortage."""
    offered = {Shelf(location, sku): levels.get(Shelf(location, sku), Level()).available for location in locations}
    for shelf, available in offered.items():
        if available >= quantity:
            return {shelf: quantity}
    return _split(quantity, offered)


def _split(quantity: int, offered: Mapping[Shelf, int]) -> dict[Shelf, int]:
    taken: dict[Shelf, int] = {}
    left = quantity
    for shelf, available in offered.items():
        if pieces := min(left, available):
            taken[shelf] = pieces
            left -= pieces
    first = next(iter(offered))
    if left:
        taken[first] = taken.get(first, 0) + left
    return taken
