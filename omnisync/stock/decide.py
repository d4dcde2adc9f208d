"""Who gets what, when many want the same shelves at once: a pure function over numbers read under lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from omnisync.errors import Lack
from omnisync.values import Shelf


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request wants, whole or not at all. `credit` is what it gives back in the same moment if it is granted: the
    promise or earlier hold that it takes over; `waiting` is the part of it that it cannot use, for it has yet to come. `barred` is
    free for others and not for it."""

    pieces: Mapping[Shelf, int]
    credit: Mapping[Shelf, int] = field(default_factory=dict)
    barred: Mapping[Shelf, int] = field(default_factory=dict)
    waiting: Mapping[Shelf, int] = field(default_factory=dict)

    def room(self, shelf: Shelf, left: int) -> int:
        """How much of this shelf it can have, of what is left: pieces that are merely passed on (credit) need no new room, even on
        a shelf that facts have overdrawn."""
        passed_on = self.credit.get(shelf, 0) - self.waiting.get(shelf, 0)
        return passed_on + max(0, left - self.barred.get(shelf, 0))


def decide(
    wishes: Sequence[Wish], free: Mapping[Shelf, int], off_sale: Collection[Shelf] = ()
) -> list[tuple[Lack, ...]]:
    """For each wish in turn the lines that cannot be kept; none means granted, and its pieces are gone for those behind it.

    `free` is what each shelf can still promise (negative where facts took promised pieces); of one that is `off_sale` nobody
    gets what another gives back.
    """
    left = defaultdict(int, free)
    answers = []
    for wish in wishes:
        lacks = tuple(
            Lack(shelf.sku, shelf.location, wanted, room)
            for shelf, wanted in wish.pieces.items()
            if wanted > (room := wish.room(shelf, left[shelf]))
        )
        if not lacks:
            for shelf, wanted in wish.pieces.items():
                left[shelf] -= wanted
            for shelf, returned in wish.credit.items():
                left[shelf] += 0 if shelf in off_sale else returned
        answers.append(lacks)
    return answers
