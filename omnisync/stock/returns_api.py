"""Goods that came back, over HTTP: what is to be checked, and what somebody made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StrictInt
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.http import Body, Code, IdempotencyKey, RowId, Services, Text, json_response, kept, once, router
from omnisync.stock import answers, came_back
from omnisync.stock.came_back import Verdict
from omnisync.stock.idempotency import Answer, Once
from omnisync.stock.tables import GoodsReturn
from omnisync.values import MAX_QUANTITY, format_time, from_cursor, row_id, to_cursor

Limit = Annotated[int, Query(ge=1, le=200)]
Some = Annotated[StrictInt, Field(ge=0, le=MAX_QUANTITY)]
Work = Callable[[Session, datetime], GoodsReturn]


class DecideBody(Body):
    """What the pieces are worth; together all that came back."""

    sellable: Some = Field(default=0, examples=[1])
    b_ware: Some = Field(default=0, description="Sold from now on under the SKU that the catalogue links to it.")
    scrap: Some = 0


def routes(services: Services) -> APIRouter:
    """The endpoints of returns over these services."""
    api = router("stock", answers.RETURNS)
    allowed = services.allow(Role.STAFF, Role.OPS)
    serve = Once(_serve, services.clock)

    @api.get("/returns", operation_id="listReturns")
    async def list_returns(
        location: Code | None = None,
        state: Literal["to_be_checked", "all"] = "to_be_checked",
        limit: Limit = 100,
        cursor: Text | None = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Goods that came back, oldest first: what is to be checked, or all."""
        if asker.location is not None and location not in (None, asker.location):
            raise Forbidden("These returns lie in another store.")
        where, to_check = asker.location or location, state == "to_be_checked"
        return json_response(await services.read.run(lambda session: _page(session, where, to_check, limit, cursor)))

    @api.post("/returns/{return_id}/decide", operation_id="decideReturn")
    async def decide(
        return_id: RowId,
        body: DecideBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Somebody has looked at them: sellable, B-ware, or scrap. Once a return."""
        verdict = Verdict(body.sellable, body.b_ware, body.scrap)

        def work(session: Session, now: datetime) -> GoodsReturn:
            return came_back.decide(session, return_id, verdict, by=asker.name, at=asker.location, now=now)

        return await once(services, serve, asker, request, key, body, work)

    return api


def _serve(session: Session, works: Sequence[Work], now: datetime) -> list[Answer | Refused]:
    found: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                found.append(Answer(200, orjson.dumps(_view(work(session, now)))))
        except Refused as refused:
            found.append(kept(refused))
    return found


def _page(session: Session, location: str | None, to_check: bool, limit: int, cursor: str | None) -> dict[str, Any]:
    try:
        after = row_id(from_cursor(cursor, 1)[0]) if cursor else 0
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
    rows = came_back.page(session, location, to_check=to_check, after=after, limit=limit + 1)
    last = rows[limit - 1].id if len(rows) > limit else None
    return {"items": [_view(row) for row in rows[:limit]], "next_cursor": last and to_cursor(last)}


def _view(found: GoodsReturn) -> dict[str, Any]:
    state = "duplicate" if found.duplicate else "to_be_checked" if found.decided_at is None else "decided"
    return {
        "id": found.id, "state": state, "sku": found.sku, "location": found.location, "quantity": found.quantity,
        "channel": found.channel, "order": found.reference, "counter": found.counter,
        "came_at": format_time(found.came_at), "decided_at": found.decided_at and format_time(found.decided_at),
        "decided_by": found.decided_by, "sellable": found.sellable, "b_ware": found.b_ware,
        "b_ware_sku": found.b_ware_sku, "scrap": found.scrap,
    }  # fmt: skip
