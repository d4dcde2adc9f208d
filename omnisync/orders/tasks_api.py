"""What pickups leave to do in a store, over HTTP: tasks, and pieces that nobody has rung up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from omnisync.access import Access
from omnisync.errors import InvalidRequest
from omnisync.http import Code, Services, Text, json_response
from omnisync.orders import handover, sending, tasks, views
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.pickup_bodies import Limit
from omnisync.orders.tables import HandOver, Task
from omnisync.values import from_cursor, from_micros, to_cursor, to_micros

Row = TypeVar("Row", HandOver, Task)


def add(api: APIRouter, services: Services, desk: Desk, allowed: Callable[[Request], Awaitable[Access]]) -> None:
    """Add these endpoints."""

    @api.get("/pickups/not-rung-up", operation_id="listNotRungUp")
    async def list_not_rung_up(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Pieces that were handed over although the till books hand-overs here and has not rung them up."""
        where = Actor(asker.name, asker.location).where(location)
        return json_response(await services.read.run(lambda session: _not_rung_up(session, where, limit, cursor)))

    @api.get("/tasks", operation_id="listTasks")
    async def list_tasks(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Bags to put back, shelves to count, customers who did not come."""
        where = Actor(asker.name, asker.location).where(location)
        return json_response(await services.read.run(lambda session: _tasks(session, where, limit, cursor)))

    @api.post("/tasks/{task_id}/done", operation_id="finishTask")
    async def finish_task(task_id: Code, asker: Access = Depends(allowed)) -> Response:
        """Somebody did it; a second time is 409 already-done."""
        now, actor = services.clock.now(), Actor(asker.name, asker.location)

        def write(session: Session) -> dict[str, Any]:
            return views.task(sending.finish(session, desk, task_id, actor=actor, now=now))

        return json_response(await services.write.run(write))


def _not_rung_up(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    rows = handover.not_rung_up(session, location, after=_behind(cursor), limit=limit + 1)
    return _page(rows, limit, views.piece, lambda last: last.at)


def _tasks(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    rows = tasks.list_open(session, location, after=_behind(cursor), limit=limit + 1)
    return _page(rows, limit, views.task, lambda last: last.created_at)


def _behind(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        micros, last = from_cursor(cursor, 2)
        return from_micros(int(micros)), last
    except (ValueError, OverflowError):
        raise InvalidRequest.of("cursor", "this cursor is not one of ours") from None


def _page(
    rows: Sequence[Row], limit: int, view: Callable[[Row], dict[str, Any]], at: Callable[[Row], datetime]
) -> dict[str, Any]:
    shown = rows[:limit]
    following = to_cursor(to_micros(at(shown[-1])), shown[-1].id) if len(rows) > limit else None
    return {"items": [view(row) for row in shown], "next_cursor": following}
