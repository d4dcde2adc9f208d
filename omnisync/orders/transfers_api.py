"""Transfers over HTTP: what one location sends another, from the wish to the receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StrictBool
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.http import (
    Body,
    Code,
    IdempotencyKey,
    Moment,
    Quantity,
    Services,
    Sku,
    Text,
    json_response,
    kept,
    once,
    router,
)
from omnisync.orders import answers, sending, supply, unsendable
from omnisync.orders.pickup import Actor
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.pickup_bodies import RejectBody
from omnisync.stock import transfers
from omnisync.stock.idempotency import Answer, Once
from omnisync.stock.tables import Transfer, TransferLine
from omnisync.values import format_time, from_cursor, to_cursor

MAX_LINES = 200
Limit = Annotated[int, Query(ge=1, le=200)]
Work = Callable[[Session, datetime], Transfer]


class SuppliedLine(Body):
    """So many pieces of one article; a bundle travels as what it holds."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    quantity: Quantity = Field(examples=[12])


class SupplyBody(Body):
    """What goes from where to where, for nobody in particular."""

    from_location: Code = Field(examples=["lager"])
    to_location: Code = Field(examples=["linden"])
    lines: list[SuppliedLine] = Field(min_length=1, max_length=MAX_LINES)
    due_at: Moment | None = Field(
        default=None, description="When it is expected; else as goods for a pickup, after `transfer_days`."
    )
    sent: StrictBool = Field(default=False, description="It has left already.")

    def wanted(self) -> supply.Wanted:
        return supply.Wanted(self.from_location, self.to_location, _summed(self.lines), self.due_at, self.sent)


class ReceivedLine(Body):
    """So many pieces of one SKU that have come."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    quantity: Quantity = Field(examples=[1])


class ReceiveBody(Body):
    """What has come; without lines all of it. The rest stays on its way, or is written off as lost."""

    lines: list[ReceivedLine] | None = Field(default=None, min_length=1, max_length=MAX_LINES)
    rest: Literal["keep", "lost"] = "keep"

    def part(self) -> dict[str, int] | None:
        """SKU -> pieces, equal lines as one."""
        return None if self.lines is None else _summed(self.lines)


def _summed(lines: Sequence[SuppliedLine | ReceivedLine]) -> dict[str, int]:
    part: Counter[str] = Counter()
    for line in lines:
        part[line.sku] += line.quantity
    return dict(part)


def routes(services: Services) -> APIRouter:
    """The transfer endpoints over these services."""
    api, desk = router("stock", answers.TRANSFERS), desk_for(services)
    allowed = services.allow(Role.STAFF, Role.OPS)
    serve, serve_new = (Once(partial(_serve, status=status), services.clock) for status in (200, 201))

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

    @api.post("/transfers", operation_id="askTransfer", status_code=201)
    async def ask(
        body: SupplyBody, request: Request, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Fill up a location from another one: held there until it is sent, awaited here until it is received. `sent`: the goods
        are on their way already, which is written down also where fewer were known."""
        actor, wanted = Actor(asker.name, asker.location), body.wanted()

        def work(session: Session, now: datetime) -> Transfer:
            return supply.ask(session, desk, wanted, actor=actor, now=now)

        return await once(services, serve_new, asker, request, key, body, work)

    @api.post("/transfers/{transfer_id}/send", operation_id="sendTransfer")
    async def send(
        transfer_id: Code, request: Request, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """All that still lies there has left: it is off the sender's stock now."""
        actor = Actor(asker.name, asker.location)

        def work(session: Session, now: datetime) -> Transfer:
            return supply.send(session, transfer_id, actor=actor, now=now)

        return await once(services, serve, asker, request, key, None, work)

    @api.post("/transfers/{transfer_id}/call-off", operation_id="callOffTransfer")
    async def call_off(
        transfer_id: Code, request: Request, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """What has not been sent is not to be sent any more, and free again where it lies. Not where a pickup waits for it."""
        actor = Actor(asker.name, asker.location)

        def work(session: Session, now: datetime) -> Transfer:
            return supply.call_off(session, transfer_id, actor=actor, now=now)

        return await once(services, serve, asker, request, key, None, work)

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


def _serve(session: Session, works: Sequence[Work], now: datetime, *, status: int) -> list[Answer | Refused]:
    found: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                transfer = work(session, now)
                lines = transfers.lines_of(session, [transfer.id])[transfer.id]
                found.append(Answer(status, orjson.dumps(_view(transfer, lines))))
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
