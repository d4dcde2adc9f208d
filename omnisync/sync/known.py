"""Which facts were booked just so: polls overlap on purpose, and the very same snapshot told again changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from omnisync.adapters.base import Fact, LevelSeen, OrderSeen

MOST = 20_000


class Known:
    """The last that was booked of each order and receipt by this process, as digests. Forgetting one costs time, nothing else."""

    def __init__(self) -> None:
        self._last: dict[str, bytes] = {}

    def without(self, facts: Sequence[Fact], told: dict[str, bytes] | None = None) -> list[Fact]:
        """Those that do not just repeat the last that was booked, or that is booked with them. A level says what is true at the
        moment, so it always counts. `told` is what the same transaction was told before; these are added to it."""
        news, now = list[Fact](), {} if told is None else told
        for fact in facts:
            if isinstance(fact, LevelSeen):
                news.append(fact)
                continue
            name, digest = _name(fact), _digest(fact)
            if now.get(name, self._last.get(name)) != digest:
                # Whatever becomes of it: what was known before is no longer the last that was told.
                self._last.pop(name, None)
                now[name] = digest
                news.append(fact)
        return news

    def keep(self, facts: Iterable[Fact]) -> None:
        """These were booked whole, and their transaction is committed."""
        for fact in facts:
            if not isinstance(fact, LevelSeen):
                self._last[_name(fact)] = _digest(fact)
        while len(self._last) > MOST:
            del self._last[next(iter(self._last))]


def _name(fact: Fact) -> str:
    assert not isinstance(fact, LevelSeen)
    return f"order/{fact.id}" if isinstance(fact, OrderSeen) else f"fact/{fact.key}"


def _digest(fact: Fact) -> bytes:
    return hashlib.blake2b(repr(fact).encode(errors="replace"), digest_size=16).digest()
