"""What a round is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Why:
    """What a round is asked to look at: whatever may have changed of late, or only some articles."""

    scan: bool = True
    skus: frozenset[str] = frozenset()

    def also(self, more: Why) -> Why:
        return Why(self.scan or more.scan, self.skus | more.skus)


NOTHING_NEW = Why(scan=False)

Overtaken = Callable[[], Awaitable[bool]]
"""Whether something waits that is more urgent than what is under way; asked after each batch."""


async def nothing_urgent() -> bool:
    """For whoever does not ask."""
    return False
