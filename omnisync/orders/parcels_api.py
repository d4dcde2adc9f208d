"""Orders to be sent from a location, over HTTP: the list, and that one is on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.http import Body, Code, IdempotencyKey, Services, ShortText, Text, json_response, kept, once, router
from omnisync.orders import answers, parcels
from omnisync.orders.parcels import After, Parcel
from omnisync.orders.pickup import Actor
from omnisync.stock.idempotency import Answer, Once
from omnisync.values import format_time, from_cursor, from_micros, to_cursor, to_micros

Limit = Annotated[int, Query(ge=1, le=200)]
Work = Callable[[Session, datetime], Answer]


class ParcelBody(Body):
    """Which order, and from where: an order may be sent from several locations."""

    order: ShortText = Field(examples=["webshop:1001"], description="As `GET /v1/parcels` names it.")
    location: Code = Field(examples=["linden"])


def routes(services: Services) -> APIRouter:
    """The parcel endpoints over these services."""
    api = router("parcels", answers.PARCELS)
    allowed = services.allow(Role.STAFF, Role.OPS)
    serve = Once(_serve, services.clock)

    @api.get("/parcels", operation_id="listParcels")
    async def list_parcels(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Paid orders of shops and marketplaces that a location has to send, the oldest first."""
        where = Actor(asker.name, asker.location).where(location)
        return json_response(await services.read.run(lambda session: _page(session, where, limit, cursor)))

    @api.post("/parcels/sent", operation_id="sendParcel")
    async def send(
        request: Request, body: ParcelBody, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """All of that order that lies there is on its way: its pieces leave the stock now, and not again when the channel says so too."""
        _check(asker, body)

        def work(session: Session, now: datetime) -> Answer:
            sent = parcels.send(session, body.location, body.order, owner=asker.owner, now=now)
            return Answer(200, orjson.dumps(_view(sent, sent_at=now)))

        return await once(services, serve, asker, request, key, body, work)

    @api.post("/parcels/not-sent", operation_id="takeBackParcel")
    async def not_sent(
        request: Request, body: ParcelBody, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """It is still there: within ten seconds, and unless the channel has had its own word of the order since."""
        _check(asker, body)

        def work(session: Session, now: datetime) -> Answer:
            back = parcels.take_back(session, body.location, body.order, owner=asker.owner, now=now)
            return Answer(200, orjson.dumps(_view(back)))

        return await once(services, serve, asker, request, key, body, work)

    return api


def _check(asker: Access, body: ParcelBody) -> None:
    if asker.location not in (None, body.location):
        raise Forbidden("This parcel is sent from another store.")


def _serve(session: Session, works: Sequence[Work], now: datetime) -> list[Answer | Refused]:
    found: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                found.append(work(session, now))
        except Refused as refused:
            found.append(kept(refused))
    return found


def _page(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    rows = parcels.waiting(session, location, after=_behind(cursor), limit=limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    following = to_cursor(to_micros(last.placed_at), last.order_id, last.location) if last else None
    return {"items": [_view(one) for one in shown], "next_cursor": following}


def _behind(cursor: str | None) -> After | None:
    if cursor is None:
        return None
    try:
        micros, order_id, location = from_cursor(cursor, 3)
        return from_micros(int(micros)), order_id, location
    except (ValueError, OverflowError):
        raise InvalidRequest.of("cursor", "this cursor is not one of ours") from None


def _view(one: Parcel, *, sent_at: datetime | None = None) -> dict[str, Any]:
    return {
        "order": one.order_id, "channel": one.channel, "reference": one.reference, "location": one.location,
        "placed_at": format_time(one.placed_at), "sent_at": format_time(sent_at) if sent_at else None,
        "lines": [{"sku": sku, "quantity": n} for sku, n in sorted(one.pieces.items())],
    }  # fmt: skip
