"""Time, identifiers and chance: handed in everywhere, so that whole weeks can be simulated in seconds."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from omnisync.values import to_micros

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


class Clock(Protocol):
    """What the wall clock and sleeping look like to us."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring spans."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class StoppedClock:
    """Stands still until somebody advances it; sleeping advances it at once."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)
        await asyncio.sleep(0)

    def advance(self, **span: float) -> datetime:
        """Move on by a timedelta's keywords (`minutes=5`) and return the new now."""
        step = timedelta(**span)
        self._now += step
        self._elapsed += step.total_seconds()
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump, as a badly set clock does; the monotonic one does not follow backwards."""
        self._elapsed += max(0.0, (moment - self._now).total_seconds())
        self._now = moment


class Ids:
    """Makes identifiers that sort by time: 26 Crockford characters, 48 bits of milliseconds and 80 of chance (ULID)."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance

    def new(self) -> str:
        return _spell((to_micros(self._clock.now()) // 1000) << 80 | self._chance.getrandbits(80))


def first_id(moment: datetime) -> str:
    """The smallest identifier that could have been made at that moment: rows named by `Ids` since then sort after it."""
    return _spell((to_micros(moment) // 1000) << 80)


def _spell(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -10, -10)])


def system_chance() -> random.Random:
    """The operating system's randomness, good enough for keys."""
    return random.SystemRandom()


def system_ids() -> Ids:
    """Identifiers for a running server: real time, and chance of a generator that the operating system's randomness begins.

    They are no secrets, and a hot route makes one for each request: a system call each would be a twentieth of its cost.
    """
    return Ids(SystemClock(), random.Random(system_chance().getrandbits(256)))  # noqa: S311 - names, not keys
