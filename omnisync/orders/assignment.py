"""From which locations an order line takes its pieces: a pure function over what is available."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omnisync.stock.effects import Level
from omnisync.values import Shelf


def assign(sku: str, quantity: int, locations: Sequence[str], levels: Mapping[Shelf, Level]) -> dict[Shelf, int]:
    """Whole from the first location that has all of it, else split in the order of preference; what nobody has is booked where
    it may be promised beyond what is there, and what is left then at the first, where it opens a shortage."""
    there = {(shelf := Shelf(location, sku)): levels.get(shelf, Level()) for location in locations}
    for shelf, level in there.items():
        if level.available >= quantity:
            return {shelf: quantity}
    taken: dict[Shelf, int] = {}
    left = quantity
    offered = [(shelf, level.available) for shelf, level in there.items()]
    beyond = [(shelf, level.beyond) for shelf, level in there.items()]
    for shelf, pieces in (*offered, *beyond, (next(iter(there)), left)):
        if booked := min(left, pieces):
            taken[shelf] = taken.get(shelf, 0) + booked
            left -= booked
    return taken
