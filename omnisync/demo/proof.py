"""The proof at the end of a demo: what was promised, sold and shown, held against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.demo import books as bookkeeping
from omnisync.demo import journal
from omnisync.demo.books import Books
from omnisync.demo.journal import Shelf
from omnisync.demo.plan import (
    CHANNELS,
    EBAY,
    EBAY_RULE,
    FLASH,
    SELLS,
    SHOPIFY_PLACES,
    SQUARE,
    SQUARE_PLACES,
    TILL,
    TILL_PLACES,
    WEBSHOP,
    Goods,
    listed,
)
from omnisync.sync import shown
from omnisync.values import Money

CURRENCY = "EUR"
SHOWN = 40
SHOW_PRICES = (WEBSHOP, SQUARE, EBAY)
"""Whose look inside tells prices; a CSV till's tells what lies there."""
Shelves = Mapping[tuple[str, str], Shelf]
Level = tuple[str, str, str]
"""(channel, place, SKU)"""


@dataclass(frozen=True)
class Proof:
    """What `demo --json` ends with, and the words behind each number that is not what it should be."""

    orders: Mapping[str, int]
    granted: int
    refused: int
    oversold_units: int
    channel_conflicts: int
    drift: int
    violations: Sequence[str]
    p50_ms: float
    p95_ms: float
    drifting: Sequence[str] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether all is as it must be."""
        return not (self.oversold_units or self.drift or self.violations)

    def as_json(self) -> dict[str, Any]:
        return {
            "orders": dict(self.orders),
            "holds": {"granted": self.granted, "refused": self.refused},
            "oversold_units": self.oversold_units,
            "channel_conflicts": self.channel_conflicts,
            "drift": self.drift,
            "violations": len(self.violations),
            "propagation_ms": {"p50": round(self.p50_ms, 1), "p95": round(self.p95_ms, 1)},
        }


@dataclass
class Seen:
    """What all channels show by themselves."""

    levels: dict[Level, int] = field(default_factory=dict)
    prices: dict[tuple[str, str], int] = field(default_factory=dict)
    """(channel, SKU) -> cents, where a channel shows prices."""

    def add(self, channel: str, state: Mapping[str, Any]) -> None:
        """What one channel's look inside tells; tills show what lies there, also what somebody will fetch."""
        for level in state["levels"]:
            name = (channel, level.get("place") or "", level["sku"])
            self.levels[name] = int(level.get("on_hand", level["quantity"]))
            if "price_minor" in level:
                self.prices[channel, level["sku"]] = int(level["price_minor"])
            elif "price" in level:
                self.prices[channel, level["sku"]] = Money.parse(level["price"], CURRENCY).minor
        for sku, price in state.get("prices", {}).items():
            self.prices[channel, sku] = Money.parse(price, CURRENCY).minor


def give(session: Session, books: Books, everything: Sequence[Goods], seen: Seen, *, since: datetime) -> Proof:
    """Hold the demo's books, the journal and what the channels show against one another."""
    there = {one.sku: one.pieces.get("lager", 0) for one in everything if one.sku in FLASH}
    drifting = drift(expected(journal.shelves(session), everything), seen.levels)
    times = journal.propagation(session, since)
    return Proof(
        orders={channel: books.orders[channel] for channel in CHANNELS},
        granted=books.granted,
        refused=books.refused,
        oversold_units=max(
            journal.oversold(session),
            bookkeeping.promised_too_often((one for one in books.held if one.sku in there), there),
        ),
        channel_conflicts=journal.conflicts(session),
        drift=sum(abs(difference) for difference in drifting.values()),
        violations=[
            *journal.broken_invariants(session),
            *journal.lost_holds(session, books.holds),
            *journal.wrong_tallies(session, books),
            *journal.unexplained_conflicts(session),
            *journal.own_faults(session),
            *wrong_prices(journal.base_prices(session), seen.prices, everything),
            *(f"{answer} ({count} times)" for answer, count in books.surprises.items()),
        ],
        p50_ms=journal.percentile(times, 50),
        p95_ms=journal.percentile(times, 95),
        drifting=[f"{channel} {place}: {sku} shows {by:+} pieces" for (channel, place, sku), by in drifting.items()],
    )


def drift(should: Mapping[Level, int], seen: Mapping[Level, int]) -> dict[Level, int]:
    """Pieces that are shown and should not be, or the other way round, where there are any."""
    return {level: seen.get(level, 0) - number for level, number in should.items() if seen.get(level, 0) != number}


# ---------------------------------------------------------------- what should be shown


def expected(shelves: Shelves, everything: Sequence[Goods]) -> dict[Level, int]:
    """What every channel should show: the shop what is available by place, tills what lies there, eBay five at most."""
    return {
        level: number
        for channel in CHANNELS
        for one in listed(channel, everything)
        for level, number in _OF_CHANNEL[channel](channel, one, shelves).items()
    }


def _available(one: Goods, location: str, shelves: Shelves) -> int:
    parts = one.parts or {one.sku: 1}
    return shown.bundles((_shelf(shelves, location, sku).available, number) for sku, number in parts.items())


def _shelf(shelves: Shelves, location: str, sku: str) -> Shelf:
    return shelves.get((location, sku), Shelf())


def _in_shop(channel: str, one: Goods, shelves: Shelves) -> dict[Level, int]:
    return {(channel, place, one.sku): _available(one, code, shelves) for place, code in SHOPIFY_PLACES.items()}


def _at_tills(places: Mapping[str, str]) -> Any:
    def of(channel: str, one: Goods, shelves: Shelves) -> dict[Level, int]:
        return {
            (channel, place, one.sku): max(0, _shelf(shelves, code, one.sku).on_hand) for place, code in places.items()
        }

    return of


def _on_ebay(channel: str, one: Goods, shelves: Shelves) -> dict[Level, int]:
    pieces = sum(_available(one, location, shelves) for location in SELLS[EBAY])
    return {(channel, "", one.sku): shown.quantity(pieces, EBAY_RULE)}


_OF_CHANNEL = {WEBSHOP: _in_shop, TILL: _at_tills(TILL_PLACES), SQUARE: _at_tills(SQUARE_PLACES), EBAY: _on_ebay}


def wrong_prices(
    ours: Mapping[str, int], shown_there: Mapping[tuple[str, str], int], everything: Sequence[Goods]
) -> list[str]:
    """Where a channel asks another price than omnisync says, or tells none for what it lists."""
    listings = {(channel, one.sku) for channel in SHOW_PRICES for one in listed(channel, everything)}
    return [
        f"{channel}: {sku} {_asked(shown_there.get((channel, sku)))} there, {ours[sku]} here"
        for channel, sku in sorted(listings | shown_there.keys())
        if sku in ours and ours[sku] != shown_there.get((channel, sku))
    ]


def _asked(price: int | None) -> str:
    return "shows no price" if price is None else f"costs {price} cents"


# ---------------------------------------------------------------- in words


def in_words(proof: Proof) -> str:
    """The proof for people."""
    orders = ", ".join(f"{channel} {number}" for channel, number in proof.orders.items())
    rows = [
        ("orders", orders, True),
        ("holds", f"{proof.granted} granted, {proof.refused} refused", True),
        ("oversold units", str(proof.oversold_units), not proof.oversold_units),
        ("channel conflicts", f"{proof.channel_conflicts} (each with its shortage and a proposal)", True),
        ("drift after settling", str(proof.drift), not proof.drift),
        ("violations", str(len(proof.violations)), not proof.violations),
        ("propagation", f"p50 {proof.p50_ms / 1000:.2f} s, p95 {proof.p95_ms / 1000:.2f} s", True),
    ]
    lines = [f"  {'✓' if good else '✗'} {name:22}{text}" for name, text, good in rows]
    wrong = [f"      {words}" for words in [*proof.violations, *proof.drifting][:SHOWN]]
    verdict = "The proof holds." if proof.holds else "The proof does NOT hold:"
    return "\n".join([*lines, "", verdict, *wrong])
