"""One line to each browser of a store: a mark that changes as soon as something at its desk does. What it is, the browser asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from omnisync.orders import mark
from omnisync.pages.forms import SECURITY
from omnisync.pages.staff_gate import Gate

PATH = "/staff/stream"
PAUSE_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 3000


def add(api: APIRouter, gate: Gate) -> None:
    """Add the route."""

    async def stream(request: Request) -> Response:
        """Server-sent events for who may see the desk."""
        visit = await gate.visit(request)
        if isinstance(visit, Response):
            return visit
        headers = SECURITY | {"X-Accel-Buffering": "no"}
        return StreamingResponse(
            follow(gate, request, visit.location.code), headers=headers, media_type="text/event-stream"
        )

    api.add_api_route(PATH, stream, methods=["GET"])


async def follow(gate: Gate, request: Request, store: str) -> AsyncIterator[bytes]:
    """The mark when it changes, and again now and then, as long as this device or person may see the desk."""
    services, said, quiet = gate.services, "", 0.0
    yield b"retry: %d\n\n" % RETRY_MS
    while not await request.is_disconnected():
        found = await services.read.run(lambda session: mark.of(session, store))
        if quiet >= HEARTBEAT_SECONDS and isinstance(await gate.visit(request), Response):
            return
        if found != said or quiet >= HEARTBEAT_SECONDS:
            said, quiet = found, 0.0
            yield b"data: %s\n\n" % found.encode()
        await services.clock.sleep(PAUSE_SECONDS)
        quiet += PAUSE_SECONDS
