"""The demo's own books: what its buyers and baskets were told, kept apart from everything that omnisync writes down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class Held:
    """Pieces that were promised from one moment until another, as who asked for them knows it (monotonic seconds)."""

    sku: str
    quantity: int
    since: float
    until: float


@dataclass
class Books:
    """What was answered to whom."""

    bought: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(channel, SKU) -> pieces that its buyers bought and did not cancel, bundles as their parts."""
    orders: Counter[str] = field(default_factory=Counter)
    refused_buyers: Counter[str] = field(default_factory=Counter)
    """Buyers who found it sold out at their channel."""
    holds: set[str] = field(default_factory=set)
    """Reservations that were granted, by id."""
    refused: int = 0
    pickups: Counter[str] = field(default_factory=Counter)
    """By what became of them."""
    fetched: set[tuple[str, str]] = field(default_factory=set)
    """(channel, reference) of orders that are collected in a store: their pieces stand on a reservation, also where the shop's own
    call was refused or lost and the order came to the desk by itself."""
    held: list[Held] = field(default_factory=list)
    surprises: Counter[str] = field(default_factory=Counter)
    """Answers that nobody should get."""

    @property
    def granted(self) -> int:
        return len(self.holds)

    def buy(self, channel: str, sku: str, quantity: int, parts: Mapping[str, int] | None = None) -> None:
        """A buyer got it."""
        self.orders[channel] += 1
        for part, number in (parts or {sku: 1}).items():
            self.bought[channel, part] += number * quantity

    def cancel(self, channel: str, sku: str, quantity: int, parts: Mapping[str, int] | None = None) -> None:
        """The order was cancelled before anything was sent; whether omnisync ever saw it uncancelled does not matter."""
        for part, number in (parts or {sku: 1}).items():
            self.bought[channel, part] -= number * quantity


def most_at_once(held: Iterable[Held]) -> int:
    """The largest number of pieces that were surely promised at one moment."""
    changes = sorted(
        [(one.since, one.quantity) for one in held if one.until > one.since]
        + [(one.until, -one.quantity) for one in held if one.until > one.since]
    )
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def promised_too_often(held: Iterable[Held], there: Mapping[str, int]) -> int:
    """Pieces that were promised to two at once: more than there ever were of the SKU."""
    by_sku: dict[str, list[Held]] = {}
    for one in held:
        by_sku.setdefault(one.sku, []).append(one)
    return sum(max(0, most_at_once(each) - there.get(sku, 0)) for sku, each in by_sku.items())
