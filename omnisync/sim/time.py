"""Time that passes only when everybody waits: an event loop that jumps from one moment to the next instead of sleeping."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any


class Stuck(Exception):
    """Everybody waits for something that nobody will do."""


class _Jumping(selectors.SelectSelector):
    """Waits by letting simulated time pass."""

    def __init__(self, passed: Callable[[float], None]) -> None:
        super().__init__()
        self._passed = passed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        if timeout > 0:
            self._passed(timeout)
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop in simulated seconds. What is handed to an executor runs at once, and is answered a moment later."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        super().__init__(_Jumping(self._pass))

    def _pass(self, seconds: float) -> None:
        self._elapsed += seconds

    def time(self) -> float:
        return self._elapsed

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()
        try:
            answer, error = func(*args), None
        except Exception as raised:
            answer, error = None, raised
        # Between the effect and its answer lies a moment, in which a process can die.
        self.call_soon(_settle, future, answer, error)
        return future


def _settle(future: asyncio.Future[Any], answer: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)


class Clock:
    """The clock of the machine, which somebody may set to another time; monotonic time does not care."""

    def __init__(self, loop: Loop, start: datetime) -> None:
        self._loop, self._start = loop, start
        self._off = timedelta()
        self.latest = start
        """The latest time it has ever shown."""

    def now(self) -> datetime:
        shown = self.true() + self._off
        self.latest = max(self.latest, shown)
        return shown

    def true(self) -> datetime:
        """What a good clock shows, as those of the channels do."""
        return self._start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def set_off(self, seconds: float) -> None:
        """From now on it goes ahead of the true time by so much, or behind it."""
        self._off = timedelta(seconds=seconds)
