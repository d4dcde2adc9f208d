"""`GET /v1/stock/explain`: why a number is what it is, or was."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Response
from sqlmodel import Session

from omnisync import db
from omnisync.access import Role
from omnisync.errors import InvalidRequest
from omnisync.http import Code, Moment, Services, Sku, json_response, router
from omnisync.sync import explain_answers
from omnisync.sync.context import Context
from omnisync.sync.explain import Question, explain


def routes(services: Services, context: Context) -> APIRouter:
    """The endpoint over these services."""
    api = router("stock", explain_answers.EXPLAIN)
    locations = {location.code for location in services.settings.locations}

    @api.get("/stock/explain", operation_id="explainStock", dependencies=[Depends(services.allow(Role.OPS))])
    async def explained(
        sku: Sku, location: Code | None = None, channel: Code | None = None, at: Moment | None = None
    ) -> Response:
        """Why it is that number, for a channel or for none, now or at a past moment: by what omnisync knew then."""
        if location is not None and location not in locations:
            raise InvalidRequest.of("location", f"There is no location {location!r}.")

        def read(session: Session) -> dict[str, Any]:
            now = db.now(session, services.clock)
            if at is not None and at > now:
                raise InvalidRequest.of("at", "is not in the future")
            return explain(session, context, Question(sku, location, channel, at or now))

        return json_response(await services.report.run(read))

    return api
