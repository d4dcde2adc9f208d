"""What a package offers beside its adapter so that the kit can torture it: a simulated channel with its people.

A counterpart imports this module, `torture.wire`, and what its own simulation needs. Whatever it cannot do raises `DoesNotApply` with
the reason, which then stands in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

from omnisync.adapters.base import Answer, Hook
from omnisync.adapters.client import Tools, Transport
from omnisync.values import Money

LOCATION = "linden"
"""The one store whose stock the channel sells: its places map to it."""


class DoesNotApply(Exception):
    """This channel has no such thing. The reason is read by people."""


@dataclass(frozen=True, slots=True)
class Goods:
    """An article that the channel offers from the beginning, and how many pieces of it."""

    sku: str
    title: str
    barcode: str
    price: Money
    pieces: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What a counterpart is opened with."""

    tools: Tools
    """Clock, identifiers and chance; everything it does comes from these, so that a seed repeats a run."""
    goods: Sequence[Goods]
    hook_url: str
    """Where its webhooks go, as the settings of a real account would say."""
    folder: Path
    """An empty one of its own, for channels that speak by files."""


@dataclass(frozen=True, slots=True)
class Bought:
    """What a buyer bought: the ids that the adapter will tell it under (an order's, or those of its sales)."""

    id: str
    told_as: frozenset[str]


Fetched = Literal["open", "ready", "collected", "over"]
"""Over: it was called off, and nobody is waited for any more."""


class Trouble(StrEnum):
    """What the wire does to channels that speak HTTP, and a channel that speaks by files must do by itself."""

    AGAIN = "everything is told twice"
    REORDERED = "the newer is told before the older"
    SILENT = "nothing is told, and all of it later"
    HALF = "what is told lies there half written for a while"
    STRANGE = "it tells more than we know of"
    POISONED = "one line among good ones cannot be read"
    DRIFTED = "it speaks another format for a while"


class Counterpart(Protocol):
    """One fresh channel with its people. Open one with a function `open(ground: Ground) -> Counterpart`."""

    settings: Mapping[str, Any]
    """The adapter's own settings that connect it to this channel; small pages, where their size can be set."""
    places: Mapping[str, str]
    """The channel's places -> LOCATION; empty where it has none."""
    over_the_counter: bool
    """What is bought has left the shelf."""
    transport: Transport | None
    """The channel's API (`torture.wire.asgi` makes one of an app); None where there is no HTTP."""
    secrets: Sequence[str]
    """The credentials within the settings: they may never be told to anybody."""

    def hooks(self) -> list[Hook]:
        """The webhooks that it has sent since it was asked last, in their order."""
        ...

    def hear(self, hook: Hook, answer: Answer) -> None:
        """What was answered to one of them: a handshake goes on from there."""
        ...

    def shown(self, sku: str) -> int:
        """How many pieces of it buyers can buy now."""
        ...

    def price(self, sku: str) -> Money:
        """What a buyer pays for it now."""
        ...

    def work(self) -> None:
        """What it does by itself as time passes, such as exporting files."""
        ...

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        """A buyer takes these, paid; with a gift wrap that is no article, or fulfilled by others from stock that is not ours."""
        ...

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        """A buyer takes these, paid, to collect them at LOCATION."""
        ...

    def owe(self, lines: Sequence[tuple[str, int]]) -> Bought:
        """A buyer takes these and has not paid; they are kept back for them."""
        ...

    def pay(self, bought: Bought) -> None:
        """What was owed is paid."""
        ...

    def fetched(self, bought: Bought) -> Fetched:
        """How far the channel thinks that it is; one that cannot hear of what is ready calls it open."""
        ...

    def ship(self, bought: Bought) -> None:
        """All that is open is sent."""
        ...

    def cancel(self, bought: Bought) -> None:
        """The whole order is cancelled before anything was sent."""
        ...

    def take_back(self, bought: Bought) -> None:
        """All pieces come back and are put on the shelf again."""
        ...

    def delist(self, sku: str) -> None:
        """The article is taken off the channel, and the channel knows it no more."""
        ...

    def number_from(self, id: int) -> None:
        """From now on what it numbers is numbered from here."""
        ...

    def expire(self) -> None:
        """The tokens that it gave out end now."""
        ...

    def limit(self, on: bool) -> None:
        """It answers all calls as it answers those who call too often."""
        ...

    def trouble(self, kind: Trouble, on: bool) -> None:
        """Channels without HTTP: cause this by itself, or stop."""
        ...


class Simulated:
    """Says of everything optional that it does not apply; counterparts override what their channel has, and say in `reasons` why
    it has not the rest."""

    settings: Mapping[str, Any]
    places: Mapping[str, str] = {}
    over_the_counter: bool = False
    transport: Transport | None = None
    secrets: Sequence[str] = ()
    reasons: Mapping[str, str] = {}
    """By the name of the act."""

    def hooks(self) -> list[Hook]:
        return []

    def hear(self, hook: Hook, answer: Answer) -> None:
        return None

    def price(self, sku: str) -> Money:
        raise self.no("price")

    def work(self) -> None:
        return None

    def pick_up(self, lines: Sequence[tuple[str, int]]) -> Bought:
        raise self.no("pick_up")

    def owe(self, lines: Sequence[tuple[str, int]]) -> Bought:
        raise self.no("owe")

    def pay(self, bought: Bought) -> None:
        raise self.no("pay")

    def fetched(self, bought: Bought) -> Fetched:
        raise self.no("fetched")

    def ship(self, bought: Bought) -> None:
        raise self.no("ship")

    def cancel(self, bought: Bought) -> None:
        raise self.no("cancel")

    def take_back(self, bought: Bought) -> None:
        raise self.no("take_back")

    def delist(self, sku: str) -> None:
        raise self.no("delist")

    def number_from(self, id: int) -> None:
        raise self.no("number_from")

    def expire(self) -> None:
        raise self.no("expire")

    def limit(self, on: bool) -> None:
        raise self.no("limit")

    def trouble(self, kind: Trouble, on: bool) -> None:
        raise self.no(kind.name.lower())

    def no(self, act: str) -> DoesNotApply:
        """Why there is no such act."""
        return DoesNotApply(self.reasons.get(act, f"its counterpart has no {act!r}"))
