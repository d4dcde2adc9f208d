"""The overview's stream: a word whenever something on it has changed, and the time each second, by server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from omnisync.access import Role
from omnisync.pages.forms import SECURITY
from omnisync.pages.office import menu
from omnisync.pages.office.frame import Office, Visit, render
from omnisync.pages.ops_view import Board

PAUSE_SECONDS = 1.0
LASTS_SECONDS = 30.0
"""Then the browser opens it anew, and who was logged out meanwhile does not come in."""
RETRY_MS = 1000
HEADERS = SECURITY | {"X-Accel-Buffering": "no"}

Read = Callable[[Visit], Awaitable[tuple[Board, menu.Counts]]]


class Live:
    """Serves the stream over what the overview reads, which is read once for all who look."""

    def __init__(self, office: Office, read: Read) -> None:
        self._office, self._read = office, read

    async def show(self, request: Request) -> Response:
        """`stand` with the words over the page, `changed` when there is something to fetch."""
        visit = await self._office.visit(request)
        if visit is None:
            return self._office.ask_login(request)
        if not visit.asker.may(Role.VIEWER):
            return render(visit, "forbidden.html", 403)
        return StreamingResponse(self._follow(request, visit), headers=HEADERS, media_type="text/event-stream")

    async def _follow(self, request: Request, visit: Visit) -> AsyncIterator[bytes]:
        clock, before = self._office.services.clock, None
        began = clock.monotonic()
        yield b"retry: %d\n\n" % RETRY_MS
        while clock.monotonic() - began < LASTS_SECONDS and not await request.is_disconnected():
            board, counts = await self._read(replace(visit, now=clock.now()))
            yield _event("stand", _stand(board.at, visit))
            mark = (replace(board, at=""), counts)
            if mark != before:
                yield _event("changed", {})
            before = mark
            await clock.sleep(PAUSE_SECONDS)


def _stand(at: str, visit: Visit) -> dict[str, str]:
    say = visit.say
    return {"live": say("Live, as of %(time)s", time=at), "lost": say("No connection, as of %(time)s", time=at)}


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(data))
