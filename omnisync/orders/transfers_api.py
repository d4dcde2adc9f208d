"""Transfers over HTTP: what is on its way between locations, and its receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.http import Body, Code, IdempotencyKey, Quantity, Services, Sku, Text, json_response, kept, once, router
from omnisync.orders import answers, sending, unsendable
from omnisync.orders.pickup import Actor
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.pickup_bodies import RejectBody
from omnisync.stock import transfers
from omnisync.stock.idempotency import Answer, Once
from omnisync.stock.tables import Transfer, TransferLine
from omnisync.values import format_time, from_cursor, to_cursor

Limit = Annotated[int, Query(ge=1, le=200)]
Work = Callable[[Session, datetime], Transfer]


class ReceivedLine(Body):
    """So many pieces of one SKU that have come."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    quantity: Quantity = Field(examples=[1])


class ReceiveBody(Body):
    """What has come; without lines all of it. The rest stays on its way, or is written off as lost."""

    lines: list[ReceivedLine] | None = Field(default=None, min_length=1, max_length=100)
    rest: Literal["keep", "lost"] = "keep"

    def part(self) -> dict[str, int] | None:
        """SKU -> pieces, equal lines as one."""
        if self.lines is None:
            return None
        part: dict[str, int] = {}
        for line in self.lines:
            part[line.sku] = part.get(line.sku, 0) + line.quantity
        return part


def routes(services: Services) -> APIRouter:
    """The transfer endpoints over these services."""
    api, desk = router("stock", answers.TRANSFERS), desk_for(services)
    allowed = services.allow(Role.STAFF, Role.OPS)
    serve = Once(_serve, services.clock)

    @api.get("/transfers", operation_id="listTransfers")
    async def list_transfers(
        location: Code | None = None,
        state: Literal["in_transit", "all"] = "in_transit",
        limit: Limit = 100,
        cursor: Text | None = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """What is to be sent or on its way from or to a location, oldest first."""
        if asker.location is not None and location not in (None, asker.location):
            raise Forbidden("These transfers belong to another store.")
        where = asker.location or location
        return json_response(
            await services.read.run(lambda session: _page(session, where, state == "in_transit", limit, cursor))
        )

    @api.post("/transfers/{transfer_id}/receive", operation_id="receiveTransfer")
    async def receive(
        transfer_id: Code,
        request: Request,
        body: ReceiveBody | None = None,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """The goods are here, all or a part; what a pickup waits for is held for it at once."""
        actor, told = Actor(asker.name, asker.location), body or ReceiveBody()

        def work(session: Session, now: datetime) -> Transfer:
            return sending.receive(session, desk, transfer_id, told.part(), rest=told.rest, actor=actor, now=now)

        return await once(services, serve, asker, request, key, told.model_dump(mode="json"), work)

    @api.post("/transfers/{transfer_id}/cannot-send", operation_id="cannotSendTransfer")
    async def cannot_send(
        transfer_id: Code,
        request: Request,
        body: RejectBody,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """The sender cannot find these, or they are not fit: his stock is corrected at once, and the pickup lacks them again."""
        actor = Actor(asker.name, asker.location)

        def work(session: Session, now: datetime) -> Transfer:
            return unsendable.cannot_send(session, desk, transfer_id, body.rejected(), actor=actor, now=now)

        return await once(services, serve, asker, request, key, body, work)

    return api


def _serve(session: Session, works: Sequence[Work], now: datetime) -> list[Answer | Refused]:
    found: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                transfer = work(session, now)
                lines = transfers.lines_of(session, [transfer.id])[transfer.id]
                found.append(Answer(200, orjson.dumps(_view(transfer, lines))))
        except Refused as refused:
            found.append(kept(refused))
    return found


def _page(session: Session, location: str | None, on_the_way: bool, limit: int, cursor: str | None) -> dict[str, Any]:
    try:
        after = from_cursor(cursor, 1)[0] if cursor else ""
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
    rows = transfers.page(session, location, on_the_way=on_the_way, after=after, limit=limit + 1)
    shown = rows[:limit]
    lines = transfers.lines_of(session, [row.id for row in shown])
    return {
        "items": [_view(row, lines[row.id]) for row in shown],
        "next_cursor": to_cursor(shown[-1].id) if len(rows) > limit else None,
    }


def _view(found: Transfer, lines: Sequence[TransferLine]) -> dict[str, Any]:
    return {
        "id": found.id, "state": _state(found, lines), "from_location": found.from_location,
        "to_location": found.to_location, "pickup": found.pickup_id, "asked_at": format_time(found.asked_at),
        "sent_at": format_time(found.sent_at) if found.sent_at else None,
        "due_at": format_time(found.due_at), "received_at": format_time(found.received_at) if found.received_at else None,
        "received_by": found.received_by,
        "lines": [
            {
                "sku": line.sku, "quantity": line.quantity, "sent": line.sent, "called_off": line.called_off,
                "received": line.received, "lost": line.lost,
            }
            for line in lines
        ],
    }  # fmt: skip


def _state(found: Transfer, lines: Sequence[TransferLine]) -> str:
    if found.received_at is None:
        return "asked" if found.sent_at is None else "in_transit"
    return "received" if any(line.sent for line in lines) else "called_off"
