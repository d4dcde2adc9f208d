"""Click and collect over HTTP: placing and reading; the steps and what is left to do stand beside this file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import InvalidRequest, OutOfStock, Refused
from omnisync.http import Code, IdempotencyKey, Services, Text, json_response, kept, once, router
from omnisync.orders import answers, offers, pickup, placing, steps_api, tasks_api, views
from omnisync.orders.desk import open_desk
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.pickup_bodies import Limit, PickupBody
from omnisync.orders.states import State
from omnisync.stock.idempotency import Answer, Once

Who = Callable[[Request], Awaitable[Access]]


def desk_for(services: Services) -> Desk:
    """The pickup desk of this server."""
    return open_desk(services.settings, services.secret, services.ids, services.clock)


def routes(services: Services) -> APIRouter:
    """The pickup endpoints over these services."""
    desk = desk_for(services)
    api = router("pickups", answers.PICKUPS)
    allowed = services.allow(Role.SHOP, Role.STAFF)
    tasks_api.add(api, services, desk, services.allow(Role.STAFF))  # the work of a store is none of the shop's
    steps_api.add(api, services, desk, allowed)
    _add_placing(api, services, desk, services.allow(Role.SHOP))
    _add_reading(api, services, allowed)
    return api


def _add_placing(api: APIRouter, services: Services, desk: Desk, allowed: Who) -> None:
    ready = offers.ReadyTimes(services.settings)

    def place(session: Session, orders: Sequence[placing.Wanted], now: datetime) -> list[Answer | Refused]:
        answers = placing.place_batch(session, desk, orders, now=now)
        refused = [answer for answer in answers if isinstance(answer, OutOfStock)]
        lacking = iter(offers.shortages(session, refused, services.settings, ready, now=now))
        placed = [answer.pickup for answer in answers if isinstance(answer, placing.Placed)]
        shown = iter(views.many(session, placed))
        return [_placed(answer, shown, lacking) for answer in answers]

    serve = Once(place, services.clock)

    @api.post("/pickups", operation_id="placePickup", status_code=201)
    async def place_pickup(
        body: PickupBody, request: Request, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Hold the whole order in its store, or answer 409 with what is left and where else it is."""
        response = await once(services, serve, asker, request, key, body, body.wanted(asker.owner))
        return _with_code(response, desk)


def _placed(answer: placing.Placed | Refused, shown: Iterator[Any], lacking: Iterator[Any]) -> Answer | Refused:
    if isinstance(answer, placing.Placed):
        return Answer(201, orjson.dumps(next(shown)))
    if isinstance(answer, OutOfStock):
        return kept(answer, shortages=next(lacking))
    return kept(answer)


def _with_code(response: Response, desk: Desk) -> Response:
    """The customer's code is made again for the answer: it is kept nowhere, also not under an idempotency key."""
    if response.status_code != 201:
        return response
    placed = orjson.loads(bytes(response.body))
    return json_response(
        {"id": placed["id"], "number": placed["number"], "code": desk.codes.of(placed["id"])} | placed, 201
    )


def _add_reading(api: APIRouter, services: Services, allowed: Who) -> None:
    @api.get("/pickups", operation_id="listPickups")
    async def list_pickups(
        location: Code | None = None,
        state: Annotated[list[State] | None, Query()] = None,
        limit: Limit = 100,
        cursor: Text | None = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Pickups in the order in which they are due, of one store or all."""
        where = Actor(asker.name, asker.location).where(location)
        return json_response(await services.read.run(lambda session: _page(session, where, state or (), limit, cursor)))

    @api.get("/pickups/{pickup_id}", operation_id="getPickup")
    async def get_pickup(pickup_id: Code, asker: Access = Depends(allowed)) -> Response:
        """One pickup with its customer."""
        actor = Actor(asker.name, asker.location)

        def read(session: Session) -> dict[str, Any]:
            return views.with_customers(session, [pickup.load(session, pickup_id, actor)])[0]

        return json_response(await services.read.run(read))


def _page(
    session: Session, location: str | None, states: Sequence[State], limit: int, cursor: str | None
) -> dict[str, Any]:
    try:
        found = pickup.page(session, location=location, states=states, cursor=cursor, limit=limit)
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
    return {"items": views.with_customers(session, found.pickups), "next_cursor": found.next_cursor}
