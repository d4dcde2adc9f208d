"""Group commit: many callers, one transaction, each answered after the commit. Reads are gathered in the same way.

Callers hand in a request and the batch function that serves it. Whatever has gathered while the last batch was being
committed becomes the next one. If a batch fails it is run again in halves, so that an error reaches only its cause.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import announce, db
from omnisync.announce import Touched
from omnisync.errors import TryLater

RequestT = TypeVar("RequestT")
AnswerT = TypeVar("AnswerT")
BatchFunction = Callable[[Session, Sequence[Any]], Sequence[Any]]

BATCH = 256
QUEUE = 4096
QUIET_TURNS = 3
RETRIES = 5


@dataclass(slots=True)
class _Unit:
    serve: BatchFunction
    request: Any
    answer: asyncio.Future[Any]
    asked_at: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Hears of each batch as it begins: how many units, and how long the first of them waited for its turn."""

    monotonic: Callable[[], float]
    began: Callable[[int, float], None]


class Overloaded(TryLater):
    """The queue is full: 503 with Retry-After."""


class Batches:
    """Gathers requests into transactions. `submit` from the event loop; the batch runs in the executor handed in."""

    def __init__(
        self,
        engine: Engine,
        executor: Executor,
        begin: Callable[[Engine], AbstractContextManager[Session]],
        *,
        apart: bool = False,
        batch: int = BATCH,
        queue: int = QUEUE,
        watch: Watch | None = None,
    ) -> None:
        self._engine, self._executor, self._begin = engine, executor, begin
        self._apart, self._batch, self._limit, self._watch = apart, batch, queue, watch
        self._units: deque[_Unit] = deque()
        self._running: asyncio.Task[None] | None = None
        self._touched = Touched()
        self.committed: list[Callable[[Touched], None]] = []
        """They hear, in the event loop and before anybody is answered, what a batch touched that was committed."""

    async def submit(
        self, serve: Callable[[Session, Sequence[RequestT]], Sequence[AnswerT | Exception]], request: RequestT
    ) -> AnswerT:
        """What `serve` answers for this request, after the commit. Raises what `serve` raised or
        answered for it alone as an exception.

        A caller that is cancelled does not cancel the batch: its effect may well have been committed.
        """
        if len(self._units) >= self._limit:
            raise Overloaded("Too many requests are waiting.", retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        unit = _Unit(serve, request, loop.create_future(), self._watch.monotonic() if self._watch else 0.0)
        self._units.append(unit)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._drain())
        answer: AnswerT = await unit.answer
        return answer

    async def run(self, work: Callable[[Session], AnswerT]) -> AnswerT:
        """A unit of work of its own shape, committed together with whatever else is waiting."""
        return await self.submit(_each, work)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._units:
            await self._gather()
            units = self._next_batch()
            if self._watch:
                self._watch.began(len(units), self._watch.monotonic() - units[0].asked_at)
            answers = await loop.run_in_executor(self._executor, self._commit, units)
            touched, self._touched = self._touched, Touched()
            for hear in self.committed if touched.skus or touched.channels else ():
                hear(touched)
            for unit, answer in zip(units, answers, strict=True):
                if unit.answer.done():
                    continue
                if isinstance(answer, BaseException):
                    unit.answer.set_exception(answer)
                else:
                    unit.answer.set_result(answer)

    async def _gather(self) -> None:
        """Wait until some turns of the event loop bring nothing more: whoever was just answered asks again at once, and one
        batch of all costs less than two halves that take turns, the one computing while the other is read."""
        gathered, quiet = len(self._units), 0
        while quiet < QUIET_TURNS and gathered < self._batch:
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no time
            quiet = quiet + 1 if len(self._units) == gathered else 0
            gathered = len(self._units)

    def _next_batch(self) -> list[_Unit]:
        """What has waited longest; `apart`, only what is served by the same function as the first."""
        first, units, others = self._units[0].serve, list[_Unit](), list[_Unit]()
        while self._units and len(units) < self._batch:
            unit = self._units.popleft()
            (others if self._apart and unit.serve != first else units).append(unit)
        self._units.extendleft(reversed(others))
        return units

    def _commit(self, units: list[_Unit]) -> list[Any]:
        try:
            return self._commit_once(units)
        except Exception as error:
            if len(units) == 1 or db.is_unavailable(error):
                return [error] * len(units)  # a database that is away is no fault of one of them
        half = len(units) // 2
        return self._commit(units[:half]) + self._commit(units[half:])

    def _commit_once(self, units: list[_Unit]) -> list[Any]:
        for attempt in range(RETRIES):
            try:
                with self._begin(self._engine) as session:
                    answers = _serve(session, units)
                self._touched.add(announce.touched(session))
                return answers
            except Exception as error:
                if not db.is_transient(error) or attempt == RETRIES - 1:
                    raise
        raise AssertionError("the last attempt neither returned nor raised")


def writer(engine: Engine, executor: Executor, *, queue: int = QUEUE, watch: Watch | None = None) -> Batches:
    """The one door for writes of this process.

    Each batch function locks its rows in one order. Two of them in one transaction would not: where others write at the same time
    they are kept apart, so that nobody waits for a deadlock to be found.
    """
    return Batches(engine, executor, db.transaction, apart=not db.writes_alone(engine), queue=queue, watch=watch)


def reader(engine: Engine, executor: Executor, *, queue: int = QUEUE, watch: Watch | None = None) -> Batches:
    """Reads that arrive together see one state of things, never older than the last commit that was acknowledged."""
    return Batches(engine, executor, db.reading, queue=queue, watch=watch)


def _serve(session: Session, units: Sequence[_Unit]) -> list[Any]:
    """Units of the same batch function together, functions in the order in which they were first asked."""
    by_function: dict[BatchFunction, list[int]] = {}
    for index, unit in enumerate(units):
        by_function.setdefault(unit.serve, []).append(index)
    answers: list[Any] = [None] * len(units)
    for serve, indexes in by_function.items():
        for index, answer in zip(indexes, serve(session, [units[i].request for i in indexes]), strict=True):
            answers[index] = answer
    return answers


def _each(session: Session, works: Sequence[Callable[[Session], Any]]) -> list[Any]:
    """Works of their own shape, one after the other; the first error undoes the batch, and halving isolates it."""
    return [work(session) for work in works]
