"""Events over HTTP: a stream that a client which was away resumes without missing anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import InvalidRequest
from omnisync.http import Services, Text, router
from omnisync.sync import event_answers, events
from omnisync.values import format_time, from_cursor, row_id, to_cursor

PAUSE_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
_LINE = dict[str, Any]


def routes(services: Services) -> APIRouter:
    """The event stream over these services."""
    api = router("events", event_answers.EVENTS)
    anybody = services.allow(Role.SHOP, Role.STAFF, Role.OPS)

    @api.get("/events", operation_id="streamEvents", response_class=StreamingResponse)
    async def stream(
        request: Request,
        since: Annotated[Text | None, Query(description="The id of the last event that was seen.")] = None,
        last_event_id: Annotated[Text | None, Header()] = None,
        asker: Access = Depends(anybody),
    ) -> StreamingResponse:
        """Server-sent events from that position on, or from now; 410 `resync` when it is not kept any more."""
        named = since or last_event_id
        position = _position(named) if named else await services.read.run(events.latest)
        await services.read.run(lambda session: events.since(session, position, limit=1))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            follow(services, request, position, asker), headers=headers, media_type="text/event-stream"
        )

    return api


async def follow(services: Services, request: Request, position: int, asker: Access) -> AsyncIterator[bytes]:
    """Event after event, with a comment now and then so that nobody in between thinks the line is dead."""
    quiet = 0.0
    yield b": omnisync\n\n"
    while not await request.is_disconnected():
        found = await services.read.run(lambda session, after=position: _after(session, after))  # type: ignore[misc]
        for line in found:
            position = line["position"]
            if _may_see(asker, line):
                yield _encode(line)
        if found:
            quiet = 0.0
            continue
        await services.clock.sleep(PAUSE_SECONDS)
        quiet += PAUSE_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield b": still here\n\n"


def _after(session: Session, position: int) -> list[_LINE]:
    return [
        {"position": row.position, "kind": row.kind, "body": row.body, "at": format_time(row.at)}
        for row in events.since(session, position)
    ]


def _may_see(asker: Access, line: _LINE) -> bool:
    """Availability everywhere is for all; the pickups of another store are not."""
    if asker.location is None or not line["kind"].startswith("pickup."):
        return True
    return bool(line["body"].get("location") == asker.location)


def _encode(line: _LINE) -> bytes:
    data = orjson.dumps(line["body"] | {"at": line["at"]})
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (to_cursor(line["position"]).encode(), line["kind"].encode(), data)


def _position(named: str) -> int:
    try:
        return row_id(from_cursor(named, 1)[0])
    except ValueError:
        raise InvalidRequest.of("since", "this is not the id of one of our events") from None
