"""Which facts were booked just so: polls overlap on purpose, and the very same snapshot told again changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from omnisync.adapters.base import Fact, LevelSeen

MOST = 20_000


class Known:
    """Digests of the facts that this process has booked, the latest ones. Forgetting one costs time and nothing else."""

    def __init__(self) -> None:
        self._digests: dict[bytes, None] = {}

    def without(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those that say something new. A level says what is true at the moment, so it always does."""
        return [fact for fact in facts if isinstance(fact, LevelSeen) or _digest(fact) not in self._digests]

    def keep(self, facts: Iterable[Fact]) -> None:
        """These were booked whole, and their transaction is committed."""
        for fact in facts:
            if not isinstance(fact, LevelSeen):
                self._digests[_digest(fact)] = None
        while len(self._digests) > MOST:
            del self._digests[next(iter(self._digests))]


def _digest(fact: Fact) -> bytes:
    return hashlib.blake2b(repr(fact).encode(errors="replace"), digest_size=16).digest()
