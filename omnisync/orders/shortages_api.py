"""Shortages over HTTP: whose promises break, what can be done about it, and doing it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from sqlmodel import Session

from omnisync import db
from omnisync.access import Access, Role, acts
from omnisync.access.acts import Door
from omnisync.clock import Clock
from omnisync.errors import InvalidRequest
from omnisync.http import Body, RowId, Services, Text, json_response, router
from omnisync.orders import answers, shortages
from omnisync.orders.pickup import Desk
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.shortages import Lacking
from omnisync.stock import shortages as cases
from omnisync.stock.tables import Shortage
from omnisync.values import format_time, from_cursor, row_id, to_cursor

Limit = Annotated[int, Query(ge=1, le=1000)]


class AcceptBody(Body):
    """What somebody has seen and agrees to."""

    proposal: Annotated[Text, Field(min_length=1, max_length=40)] = Field(
        description="As the shortage showed it.", examples=["6f3a0f2c9b1d4e57"]
    )


def routes(services: Services) -> APIRouter:
    """The endpoints of shortages over these services."""
    api, desk = router("stock", answers.SHORTAGES), desk_for(services)
    ops = services.allow(Role.OPS)

    @api.get("/shortages", operation_id="listShortages", dependencies=[Depends(ops)])
    async def list_shortages(limit: Limit = 100, cursor: Text | None = None) -> Response:
        """Promises that facts have made impossible: whose they are, and what is proposed. Also pickups that lack pieces, and
        shelves that are below zero without any promise: the first `limit` of each, and how many there are."""
        return json_response(
            await services.report.run(lambda session: _page(session, desk, services.clock, limit, cursor))
        )

    @api.post("/shortages/{shortage_id}/accept", operation_id="acceptShortage")
    async def accept(shortage_id: RowId, body: AcceptBody, asker: Access = Depends(ops)) -> Response:
        """Carry out what is proposed, all or none of it; refused with what is possible now, if it no longer fits."""

        def write(session: Session) -> dict[str, Any]:
            now = db.now(session, services.clock)
            found = shortages.accept(session, desk, shortage_id, body.proposal, by=asker.name, now=now)
            acts.keep(session, Door.KEY, asker.name, ("shortages", "carry_out"), str(shortage_id), now=now)
            return _view(session, desk, found, now)

        return json_response(await services.write.run(write))

    return api


def _page(session: Session, desk: Desk, clock: Clock, limit: int, cursor: str | None) -> dict[str, Any]:
    try:
        after = row_id(from_cursor(cursor, 1)[0]) if cursor else 0
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
    rows = cases.list_open(session, after=after, limit=limit + 1)
    now = db.now(session, clock)
    lacking, lacking_total = shortages.lacking(session, desk, limit=limit)
    errors, errors_total = cases.stock_errors(session, limit=limit)
    return {
        "items": [_view(session, desk, row, now) for row in rows[:limit]],
        "next_cursor": to_cursor(rows[limit - 1].id or 0) if len(rows) > limit else None,
        "lacking": [_lacking(one) for one in lacking],
        "lacking_total": lacking_total,
        "stock_errors": [{"sku": row.sku, "location": row.location, "on_hand": row.on_hand} for row in errors],
        "stock_errors_total": errors_total,
    }


def _view(session: Session, desk: Desk, row: Shortage, now: datetime) -> dict[str, Any]:
    proposals = shortages.propose(session, desk, row, now=now)
    return {
        "id": row.id, "sku": row.sku, "location": row.location, "quantity": row.quantity, "cause": row.cause,
        "opened_at": format_time(row.opened_at), "closed_at": row.closed_at and format_time(row.closed_at),
        "accepted_at": row.accepted_at and format_time(row.accepted_at), "accepted_by": row.accepted_by,
        "promises": [one.view() for one in proposals], "proposal": shortages.fingerprint(proposals),
    }  # fmt: skip


def _lacking(one: Lacking) -> dict[str, Any]:
    return {
        "pickup": one.pickup.id, "number": one.pickup.number, "location": one.pickup.location, "from_location": one.source,
        "lines": [{"sku": sku, "quantity": n} for sku, n in sorted(one.lines.items())],
    }  # fmt: skip
