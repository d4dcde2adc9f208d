"""What an adapter may offer besides its verbs (`base.Adapter`), as its channel allows: the engine asks for it by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from omnisync.adapters.base import Fact


class FindsOrders(Protocol):
    """What an adapter offers besides where `can.finds_orders` says so."""

    async def find(self, references: Sequence[str]) -> Sequence[Fact]:
        """The orders that people call by these names, as they are now; what the channel does not know is left out."""
        ...


class Meter(Protocol):
    """How many calls are left of those that a channel allows (`adapters.client.Budget`)."""

    rate: float
    """So many come back each second."""
    burst: float
    """So many are there when nobody has called for a while."""

    def held(self) -> float:
        """So many are left now."""
        ...

    def resume(self, tokens: float) -> None:
        """Go on from what another process left over."""
        ...

    def share(self, part: float) -> None:
        """Count on this part of it only, until told otherwise: another process calls too."""
        ...


class Metered(Protocol):
    """What an adapter offers besides where its channel limits calls and does not say with each answer how many are left."""

    budgets: Mapping[str, Meter]
    """By names of its own that stay the same."""


class ToldTime(Protocol):
    """How far a clock is ahead of ours (`adapters.client.TheirClock`)."""

    ahead: timedelta | None
    """Below zero it is behind; None while nobody knows."""


class Clocked(Protocol):
    """What an adapter offers besides where the times it tells are those of the machine that answers: a shop on a server of its own."""

    their_clock: ToldTime
