"""What runs in one process and dies with it: every await is a moment at which it can crash or stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

Answer = TypeVar("Answer")
_here: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """Tasks that live and die together. `at_await` hears of each await: it may crash the process or let it stand still."""

    def __init__(self, loop: asyncio.AbstractEventLoop, at_await: Callable[[Process], None]) -> None:
        self._loop, self._at_await = loop, at_await
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context = copy_context()
        self._context.run(_here.set, self)
        self._until = 0.0
        self.alive = True

    def start(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        """Run this in the process; whatever tasks it makes belong to the process too."""
        return self._loop.create_task(work, context=self._context)

    def crash(self) -> None:
        """All that was under way stops where it waits, and nobody hears of it again."""
        self.alive = False
        for task in list(self._tasks):
            task.cancel()

    def stand_still(self, seconds: float) -> None:
        """Nothing of it goes on for so long: a laptop that is closed, a virtual machine that is moved."""
        self._until = self._loop.time() + seconds

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """The task is one of ours."""
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Do the work from await to await."""
        answer: Answer = await _Steps(work, self)
        return answer

    def waits(self) -> None:
        """Something of it has come to an await."""
        if self.alive:
            self._at_await(self)

    def standstill(self) -> Generator[Any, None, None]:
        """Wait until it goes on."""
        while (seconds := self._until - self._loop.time()) > 0:
            yield from asyncio.sleep(seconds).__await__()


class _Steps:
    """A coroutine as an awaitable that tells its process of each await within it."""

    def __init__(self, work: Coroutine[Any, Any, Any], process: Process) -> None:
        self._work, self._process = work, process

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._work.send
        told: Any = None
        try:
            while True:
                waits_for = step(told)
                self._process.waits()
                step, told = self._work.send, None
                try:
                    yield waits_for
                except BaseException as error:
                    step, told = self._work.throw, error
                else:
                    yield from self._process.standstill()
        except StopIteration as end:
            return end.value
        finally:
            self._work.close()


def by_process(
    loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None, **more: Any
) -> asyncio.Task[Any]:
    """A task factory: a task belongs to the process in which it is made."""
    process = _here.get() if context is None else context.get(_here)
    if process is None:
        return asyncio.Task(work, loop=loop, context=context, **more)
    task: asyncio.Task[Any] = asyncio.Task(process.run(work), loop=loop, context=context, **more)
    process.adopt(task)
    task.add_done_callback(lambda _: work.close())  # one that was stopped before it began
    return task
