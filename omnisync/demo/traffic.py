"""What happens next in the demo: a seeded choice among everything that people do in shops, at tills and in baskets."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from omnisync.demo.plan import CHANNELS, EBAY, FLASH, SELLS, SQUARE, TILL, WEBSHOP, Goods, listed

T = TypeVar("T")
HOT = 12
HOT_PERCENT = 60
"""How much of the traffic wants the few things that everybody wants."""
RATE = 8.0
"""Things that happen in a second."""


class Do(StrEnum):
    """What somebody does."""

    BUY = "buy"
    RUSH = "rush"
    """Buyers of all channels want the same last piece."""
    HOLD = "hold"
    END_HOLD = "end a hold"
    FLASH = "flash"
    """Many baskets want more of one thing than there is."""
    PICKUP = "pickup"
    DESK = "desk"
    """Staff takes the next step with some pickup."""
    SEND = "send"
    CANCEL = "cancel"
    REFUND = "refund"
    """Money back, goods stay with the customer."""
    TAKE_BACK = "take back"
    """Goods come back onto a shelf."""
    COUNT = "count"
    DELIVERY = "delivery"
    EDIT = "edit"
    """Somebody types another number into a channel's own page."""
    PRICE = "price"


WEIGHTS: Mapping[Do, int] = {
    Do.BUY: 34,
    Do.RUSH: 3,
    Do.HOLD: 14,
    Do.END_HOLD: 12,
    Do.FLASH: 1,
    Do.PICKUP: 5,
    Do.DESK: 10,
    Do.SEND: 10,
    Do.CANCEL: 2,
    Do.REFUND: 1,
    Do.TAKE_BACK: 3,
    Do.COUNT: 2,
    Do.DELIVERY: 5,
    Do.EDIT: 3,
    Do.PRICE: 1,
}
BUYERS: Mapping[str, int] = {WEBSHOP: 40, TILL: 25, SQUARE: 20, EBAY: 15}
"""How often (of a hundred) a buyer comes to which channel."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does. What does not matter for it is chosen all the same."""

    do: Do
    channel: str
    goods: Goods
    location: str
    quantity: int
    dice: float
    """Between 0 and 1, for whoever has to choose further."""


class Traffic:
    """An endless sequence of acts, the same for a seed."""

    def __init__(self, chance: random.Random, everything: Iterable[Goods]) -> None:
        self._chance = chance
        everything = list(everything)
        self.listed = {channel: listed(channel, everything) for channel in CHANNELS}
        self.hot = hot(everything)
        self.flash = [one for one in everything if one.sku in FLASH]

    def next(self) -> Act:
        """What happens next."""
        do = self._pick(WEIGHTS)
        channel = self._pick(BUYERS)
        goods = self._chance.choice(self.flash) if do is Do.FLASH else self._wanted(channel)
        return Act(
            do, channel, goods,
            location=self._chance.choice(SELLS[channel]),
            quantity=self._chance.choices((1, 2, 3), (80, 15, 5))[0],
            dice=self._chance.random(),
        )  # fmt: skip

    def pause(self, rate: float) -> float:
        """Seconds until then: people come by chance, not by the beat."""
        return min(2.0, self._chance.expovariate(rate))

    def _wanted(self, channel: str) -> Goods:
        is_hot = self._chance.randrange(100) < HOT_PERCENT
        return self._chance.choice(self.hot if is_hot else self.listed[channel])

    def _pick(self, weights: Mapping[T, int]) -> T:
        [found] = self._chance.choices(list(weights), list(weights.values()))
        return found


def hot(everything: Sequence[Goods]) -> list[Goods]:
    """Half of it the scarcest things that all channels sell, half of it the most plentiful."""
    common = [one for one in listed(EBAY, everything) if sum(one.pieces.get(place, 0) for place in SELLS[EBAY])]
    by_pieces = sorted(common, key=lambda one: (sum(one.pieces.values()), one.sku))
    return [*by_pieces[: HOT // 2], *by_pieces[-HOT // 2 :]]
