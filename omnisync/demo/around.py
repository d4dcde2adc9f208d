"""What stands before and behind every endpoint of a simulated channel: it may answer itself, or look at the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Next: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Asks what stands further inside."""
Step: TypeAlias = Callable[[Request, Next], Awaitable[Response]]


def around(app: FastAPI) -> Callable[[Step], Step]:
    """Have each request of this app go through the decorated step; the newest stands outermost. Starlette's own decorator does the same
    for answers of any length, and runs a task of its own for each: half of what a call to a simulated channel cost."""

    def add(step: Step) -> Step:
        app.add_middleware(_Around, step=step)
        return step

    return add


class _Around:
    """For answers that are short and whole; a step does not read the body, which its endpoint will."""

    def __init__(self, app: ASGIApp, step: Step) -> None:
        self._app, self._step = app, step

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = await self._step(Request(scope, receive), self._ask)
        await answer(scope, receive, send)

    async def _ask(self, request: Request) -> Response:
        answer, parts = Response(), list[bytes]()

        async def keep(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status_code, answer.raw_headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._app(request.scope, request.receive, keep)
        answer.body = b"".join(parts)
        return answer
