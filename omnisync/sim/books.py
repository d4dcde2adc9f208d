"""What everybody outside was told and did, kept apart from all that omnisync writes down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from omnisync.sim.town import COUNTED, PIECES, STORES, pieces_of
from omnisync.values import Shelf

Pieces = Mapping[Shelf, int]


@dataclass
class Promise:
    """A reservation or pickup that a client was told of, and what it was told since."""

    id: str
    pieces: Pieces
    until: datetime | None
    """When it may end by itself; None: never."""
    state: str
    reference: str | None = None


@dataclass
class Books:
    """One for the whole run."""

    holds: dict[str, Promise] = field(default_factory=dict)
    pickups: dict[str, Promise] = field(default_factory=dict)
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    """(channel, event id, hash of the body) of webhooks that we said yes to."""
    bound: set[tuple[str, str]] = field(default_factory=set)
    """(channel, reference) of orders that stand on a reservation of their buyer."""
    counted_now: set[str] = field(default_factory=set)
    """Stores that are being counted just now."""
    on_hand: Counter[Shelf] = field(default_factory=Counter)
    """What lies on the shelves, as the people know it who put it there and took it."""

    def __post_init__(self) -> None:
        self.on_hand.update({Shelf(store, sku): PIECES for store in STORES for sku in ("CHAIR", "LAMP", *COUNTED)})

    def move(self, location: str, sku: str, quantity: int) -> None:
        """Somebody put so many there, or took them."""
        for part, each in pieces_of(sku).items():
            self.on_hand[Shelf(location, part)] += each * quantity

    def promises(self) -> Iterator[Promise]:
        """All of them."""
        yield from self.holds.values()
        yield from self.pickups.values()


def pieces_at(location: str, wishes: Mapping[str, int]) -> dict[Shelf, int]:
    """What these articles take from the shelves of one store."""
    pieces: Counter[Shelf] = Counter()
    for sku, quantity in wishes.items():
        for part, each in pieces_of(sku).items():
            pieces[Shelf(location, part)] += each * quantity
    return dict(pieces)
