"""Click and collect over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, InvalidRequest, OutOfStock, Refused
from omnisync.http import (
    Body,
    Code,
    IdempotencyKey,
    Services,
    Text,
    json_response,
    kept,
    once,
    router,
)
from omnisync.orders import (
    answers,
    ending,
    handing,
    handover,
    offers,
    picking,
    pickup,
    placing,
    sending,
    tasks,
    transfer,
    tries,
    views,
)
from omnisync.orders.desk import open_desk
from omnisync.orders.handing import ByCode, WrongCode
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.pickup_bodies import (
    CancelBody,
    CollectBody,
    ExtendBody,
    LookupBody,
    PickBody,
    PickupBody,
    ReadyBody,
    RejectBody,
    TransferBody,
)
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup
from omnisync.stock.idempotency import Answer, Once
from omnisync.values import from_cursor, from_micros, to_cursor, to_micros

Limit = Annotated[int, Query(ge=1, le=200)]
Work = Callable[[Session, datetime], dict[str, Any]]


def desk_for(services: Services) -> Desk:
    """The pickup desk of this server."""
    return open_desk(services.settings, services.secret, services.ids, services.clock)


def routes(services: Services) -> APIRouter:
    """The pickup endpoints over these services."""
    desk = desk_for(services)
    api = router("pickups", answers.PICKUPS)
    allowed = services.allow(Role.SHOP, Role.STAFF)
    steps = _Steps(services, desk)
    _add_reading(api, services, desk, allowed, steps)
    _add_placing(api, services, desk, services.allow(Role.SHOP))
    _add_steps(api, desk, allowed, steps)
    _add_tasks(api, services, desk, allowed)
    return api


Who = Callable[[Request], Awaitable[Access]]


class _Steps:
    """Runs a step on a pickup under its idempotency key, and counts the tries of those who guess codes."""

    def __init__(self, services: Services, desk: Desk) -> None:
        self._services, self._desk = services, desk
        self._serve = Once(_serve, services.clock)

    async def run(
        self,
        asker: Access,
        request: Request,
        key: str | None,
        body: Body | None,
        work: Callable[[Session, datetime], Pickup],
    ) -> Response:
        return await once(self._services, self._serve, asker, request, key, self._hashed(body), _answering(work))

    async def guessing(self, asker: Access, attempt: Callable[[], Awaitable[Response]]) -> Response:
        """The try is counted before the code is looked at, and taken back unless the code was wrong."""
        who = {"device": asker.owner, "store": asker.location or asker.owner}
        now = self._services.clock.now()
        await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        try:
            response = await attempt()
        except WrongCode:
            raise
        except Exception:
            await self._services.write.run(lambda session: tries.forgive(session, who))
            raise
        await self._services.write.run(lambda session: tries.forgive(session, who))
        return response

    def _hashed(self, body: Body | None) -> dict[str, Any]:
        """The body as its hash is kept: a code goes in under our key, for a plain hash of eight characters can be guessed."""
        plain = {} if body is None else body.model_dump(mode="json")
        if plain.get("code") is not None:
            plain["code"] = self._desk.codes.hash(plain["code"])
        return plain


def _serve(session: Session, works: Sequence[Work], now: datetime) -> list[Answer | Refused]:
    answers: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                answers.append(Answer(200, orjson.dumps(work(session, now))))
        except Refused as refused:
            answers.append(kept(refused))
    return answers


def _answering(work: Callable[[Session, datetime], Pickup]) -> Work:
    return lambda session, now: views.one(session, work(session, now))


def _actor(asker: Access) -> Actor:
    return Actor(asker.name, asker.location)


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


def _add_reading(api: APIRouter, services: Services, desk: Desk, allowed: Who, steps: _Steps) -> None:
    @api.get("/pickups", operation_id="listPickups")
    async def list_pickups(
        location: Code | None = None,
        state: Annotated[list[State] | None, Query()] = None,
        limit: Limit = 100,
        cursor: Text | None = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Pickups in the order in which they are due, of one store or all."""
        where = _where(asker, location)
        return json_response(await services.read.run(lambda session: _page(session, where, state or (), limit, cursor)))

    @api.get("/pickups/not-rung-up", operation_id="listNotRungUp")
    async def list_not_rung_up(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(allowed)
    ) -> Response:
        """Pieces that were handed over although the till books hand-overs here and has not rung them up."""
        where = _where(asker, location)
        return json_response(await services.read.run(lambda session: _not_rung_up(session, where, limit, cursor)))

    @api.get("/pickups/{pickup_id}", operation_id="getPickup")
    async def get_pickup(pickup_id: Code, asker: Access = Depends(allowed)) -> Response:
        """One pickup with its customer."""
        return json_response(
            await services.read.run(
                lambda session: views.with_customers(session, [pickup.load(session, pickup_id, _actor(asker))])[0]
            )
        )

    @api.post("/pickups/lookup", operation_id="lookupPickup")
    async def lookup(body: LookupBody, asker: Access = Depends(allowed)) -> Response:
        """The pickup that a code opens. Changes nothing, so it needs no Idempotency-Key; tries are limited."""

        async def attempt() -> Response:
            return json_response(
                await services.read.run(
                    lambda session: views.with_customers(
                        session, [handing.lookup(session, desk, body.code, actor=_actor(asker))]
                    )[0]
                )
            )

        return await steps.guessing(asker, attempt)


def _add_steps(api: APIRouter, desk: Desk, allowed: Who, steps: _Steps) -> None:
    @api.post("/pickups/{pickup_id}/pick", operation_id="pickPickup")
    async def pick(
        pickup_id: Code,
        request: Request,
        body: PickBody | None = None,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Start packing, or note what lies in the bag so far."""
        picked = body.picked() if body else None
        actor = _actor(asker)
        return await steps.run(
            asker, request, key, body,
            lambda session, now: picking.pick(session, desk, pickup_id, actor=actor, now=now, picked=picked),
        )  # fmt: skip

    @api.post("/pickups/{pickup_id}/ready", operation_id="readyPickup")
    async def ready(
        pickup_id: Code,
        body: ReadyBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Everything open is packed and lies on this shelf."""
        actor = _actor(asker)
        return await steps.run(
            asker, request, key, body,
            lambda session, now: picking.ready(session, desk, pickup_id, body.shelf, actor=actor, now=now),
        )  # fmt: skip

    @api.post("/pickups/{pickup_id}/collect", operation_id="collectPickup")
    async def collect(
        pickup_id: Code,
        body: CollectBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Hand over by code or with a reason, all that is open or a part."""
        part, actor, proof = body.part(), _actor(asker), body.proof()

        async def attempt() -> Response:
            return await steps.run(
                asker, request, key, body,
                lambda session, now: handing.collect(
                    session, desk, pickup_id, proof, actor=actor, now=now, part=part, rest=body.rest
                ),
            )  # fmt: skip

        return await (steps.guessing(asker, attempt) if isinstance(proof, ByCode) else attempt())

    @api.post("/pickups/{pickup_id}/reject", operation_id="rejectPickup")
    async def reject(
        pickup_id: Code,
        body: RejectBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """These pieces are not there or not fit: the stock is corrected at once, the rest stays open."""
        rejected = body.rejected()
        actor = _actor(asker)
        return await steps.run(
            asker, request, key, body,
            lambda session, now: picking.reject(session, desk, pickup_id, rejected, actor=actor, now=now),
        )  # fmt: skip

    @api.post("/pickups/{pickup_id}/cancel", operation_id="cancelPickup")
    async def cancel(
        pickup_id: Code,
        request: Request,
        body: CancelBody | None = None,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Call it off; what it holds can be sold again at once."""
        actor, reason = _actor(asker), body.reason if body else ""
        return await steps.run(
            asker, request, key, body,
            lambda session, now: ending.cancel(session, desk, pickup_id, actor=actor, now=now, reason=reason),
        )  # fmt: skip

    @api.post("/pickups/{pickup_id}/extend", operation_id="extendPickup")
    async def extend(
        pickup_id: Code,
        body: ExtendBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """Let it wait longer."""
        actor = _actor(asker)
        return await steps.run(
            asker, request, key, body,
            lambda session, now: ending.extend(session, desk, pickup_id, body.collect_by, actor=actor, now=now),
        )  # fmt: skip

    @api.post("/pickups/{pickup_id}/transfer", operation_id="transferPickup")
    async def move(
        pickup_id: Code,
        body: TransferBody,
        request: Request,
        key: IdempotencyKey = None,
        asker: Access = Depends(allowed),
    ) -> Response:
        """The customer goes to another store, or the goods come from there."""
        actor = _actor(asker)
        return await steps.run(
            asker, request, key, body,
            lambda session, now: transfer.transfer(
                session, desk, pickup_id, body.location, body.kind, actor=actor, now=now
            ),
        )  # fmt: skip


def _add_tasks(api: APIRouter, services: Services, desk: Desk, allowed: Who) -> None:
    @api.get("/tasks", operation_id="listTasks")
    async def list_tasks(location: Code | None = None, asker: Access = Depends(allowed)) -> Response:
        """Bags to put back, shelves to count, customers who did not come."""
        where = _where(asker, location)
        return json_response(
            await services.read.run(
                lambda session: {"items": [views.task(one) for one in tasks.list_open(session, where)]}
            )
        )

    @api.post("/tasks/{task_id}/done", operation_id="finishTask")
    async def finish_task(task_id: Code, asker: Access = Depends(allowed)) -> Response:
        """Somebody did it; a second time is 409 already-done."""
        now, actor = services.clock.now(), _actor(asker)
        return json_response(
            await services.write.run(
                lambda session: views.task(sending.finish(session, desk, task_id, actor=actor, now=now))
            )
        )


def _where(asker: Access, location: str | None) -> str | None:
    """Staff see their own store, whether they name it or not."""
    if asker.location is not None and location not in (None, asker.location):
        raise Forbidden("These pickups belong to another store.")
    return asker.location or location


def _page(
    session: Session, location: str | None, states: Sequence[State], limit: int, cursor: str | None
) -> dict[str, Any]:
    try:
        found = pickup.page(session, location=location, states=states, cursor=cursor, limit=limit)
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
    return {"items": views.with_customers(session, found.pickups), "next_cursor": found.next_cursor}


def _not_rung_up(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    try:
        micros, last = from_cursor(cursor, 2) if cursor else (None, "")
        after = (from_micros(int(micros)), last) if micros is not None else None
    except (ValueError, OverflowError):
        raise InvalidRequest.of("cursor", "this cursor is not one of ours") from None
    rows = handover.not_rung_up(session, location, after=after, limit=limit + 1)
    shown = rows[:limit]
    following = to_cursor(to_micros(shown[-1].at), shown[-1].id) if len(rows) > limit else None
    return {"items": [views.piece(row) for row in shown], "next_cursor": following}
