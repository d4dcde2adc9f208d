"""Stores that take no new pickups for a while, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from sqlmodel import Session

from omnisync.access import Access, Role, acts
from omnisync.access.acts import Door
from omnisync.errors import NotFound
from omnisync.http import Body, Code, Moment, Services, json_response, router
from omnisync.orders import answers, pauses
from omnisync.orders.pauses import Pause
from omnisync.orders.pickup import Actor
from omnisync.orders.pickup_api import desk_for
from omnisync.values import format_time


class PauseBody(Body):
    """Until when."""

    until: Moment = Field(examples=["2026-11-21T16:00:00Z"], description="Within 14 days.")


def routes(services: Services) -> APIRouter:
    """The endpoints of pauses over these services."""
    api, desk = router("pickups", answers.PAUSES), desk_for(services)
    allowed = services.allow(Role.STAFF, Role.OPS)

    @api.get("/pauses", operation_id="listPauses")
    async def list_pauses(location: Code | None = None, asker: Access = Depends(allowed)) -> Response:
        """The stores that take no new pickups now."""
        where = Actor(asker.name, asker.location).where(location)

        def read(session: Session) -> dict[str, Any]:
            standing = pauses.standing(session, now=services.clock.now())
            shown = [standing[code] for code in sorted(standing) if where in (None, code)]
            return {"items": [_view(one) for one in shown]}

        return json_response(await services.read.run(read))

    @api.put("/pauses/{location}", operation_id="pausePickups")
    async def pause(location: Code, body: PauseBody, asker: Access = Depends(allowed)) -> Response:
        """New pickups are refused there until that moment (`no-pickup`); a pause that stands gives way to this one."""
        actor, now = Actor(asker.name, asker.location), services.clock.now()

        def work(session: Session) -> Pause:
            return pauses.begin(session, desk, location, body.until, actor=actor, now=now)

        begun = await services.write.run(acts.of_key(asker, ("stores", "pause"), location, now, work))
        services.changed()
        return json_response(_view(begun))

    @api.delete("/pauses/{location}", operation_id="resumePickups", status_code=204)
    async def resume(location: Code, asker: Access = Depends(allowed)) -> Response:
        """Pickups are taken again. 404 where none were refused."""
        actor, now = Actor(asker.name, asker.location), services.clock.now()

        def work(session: Session) -> bool:
            stood = pauses.end(session, desk, location, actor=actor, now=now)
            if stood:
                acts.keep(session, Door.KEY, asker.name, ("stores", "resume"), location, now=now)
            return stood

        if not await services.write.run(work):
            raise NotFound("No pause stands there.")
        services.changed()
        return Response(status_code=204)

    return api


def _view(one: Pause) -> dict[str, Any]:
    return {
        "location": one.location, "since": format_time(one.since), "until": format_time(one.until), "by": one.by,
    }  # fmt: skip
