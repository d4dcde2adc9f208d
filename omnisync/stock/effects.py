"""What each kind of movement does to a shelf: one table, read as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from omnisync.values import Kind


@dataclass(frozen=True, slots=True)
class Effect:
    """Change of each quantity for one piece."""

    on_hand: int = 0
    reserved: int = 0
    blocked: int = 0
    incoming: int = 0


EFFECTS = {
    Kind.SOLD: Effect(on_hand=-1),
    Kind.ORDER: Effect(reserved=+1),
    Kind.HOLD: Effect(reserved=+1),
    Kind.SHIPPED: Effect(on_hand=-1, reserved=-1),
    Kind.COLLECTED: Effect(on_hand=-1, reserved=-1),
    Kind.HANDED_BACK: Effect(on_hand=+1, reserved=+1),
    Kind.RELEASED: Effect(reserved=-1),
    Kind.RETURNED: Effect(on_hand=+1),
    Kind.AWAITED: Effect(incoming=+1),
    Kind.RECEIVED: Effect(on_hand=+1, incoming=-1),
    Kind.CALLED_OFF: Effect(incoming=-1),
    Kind.FOUND: Effect(on_hand=+1),
    Kind.MISSING: Effect(on_hand=-1),
    Kind.DAMAGED: Effect(on_hand=-1),
    Kind.BLOCKED: Effect(blocked=+1),
    Kind.UNBLOCKED: Effect(blocked=-1),
    Kind.TRANSFER_OUT: Effect(on_hand=-1),
    Kind.TRANSFER_IN: Effect(on_hand=+1),
    Kind.OPENING: Effect(on_hand=+1),
    Kind.OFF_SALE: Effect(),
}
"""COUNT, SAFETY, BACKORDER and COUNTED_ALREADY set a level instead: `ledger` computes their change."""


QUANTITIES = ("on_hand", "reserved", "blocked", "incoming", "safety", "backorder")
"""What the journal adds up and balances keep, in the order of `Level`."""


class Level(NamedTuple):
    """The quantities of one shelf, or a change of them."""

    on_hand: int = 0
    reserved: int = 0
    blocked: int = 0
    incoming: int = 0
    safety: int = 0
    backorder: int = 0
    off_sale: bool = False

    @property
    def free(self) -> int:
        """What a guarded promise may still take; negative when more is promised than may be."""
        return 0 if self.off_sale else self._there + self.backorder

    @property
    def available(self) -> int:
        """What is there and may be offered: never negative."""
        return 0 if self.off_sale else max(0, self._there)

    @property
    def beyond(self) -> int:
        """What may still be promised beyond what is there."""
        return max(0, self.free) - self.available

    @property
    def _there(self) -> int:
        return self.on_hand - self.blocked - self.reserved - self.safety

    @property
    def short(self) -> int:
        """Promised pieces that are not there, beyond those that need not be."""
        there = self.on_hand - self.blocked
        lack = self.reserved - self.backorder - (there if there > 0 else 0)
        return lack if lack > 0 else 0

    def plus(self, change: Level) -> Level:
        """The level after that change."""
        return Level(
            self.on_hand + change.on_hand,
            self.reserved + change.reserved,
            self.blocked + change.blocked,
            self.incoming + change.incoming,
            self.safety + change.safety,
            self.backorder + change.backorder,
            self.off_sale,
        )


def change_of(kind: Kind, quantity: int, before: Level, *, physical: bool = True) -> Level:
    """What `quantity` pieces of this kind change. Goods received that nobody awaited leave incoming at zero, and no more is
    unblocked than was blocked."""
    effect = EFFECTS[kind]
    return Level(
        on_hand=effect.on_hand * quantity if physical else 0,
        reserved=effect.reserved * quantity,
        blocked=max(-before.blocked, effect.blocked * quantity),
        incoming=max(-before.incoming, effect.incoming * quantity),
    )
