"""The steps of a pickup over HTTP: pick, ready, collect, reject, cancel, extend, transfer; and the code that opens one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from omnisync.access import Access
from omnisync.errors import Refused
from omnisync.http import Body, Code, IdempotencyKey, Services, json_response, kept, once
from omnisync.orders import ending, handing, picking, transfer, tries, views
from omnisync.orders.handing import ByCode, WrongCode
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.pickup_bodies import (
    CancelBody,
    CollectBody,
    ExtendBody,
    LookupBody,
    PickBody,
    ReadyBody,
    RejectBody,
    TransferBody,
)
from omnisync.orders.tables import Pickup
from omnisync.stock.idempotency import Answer, Once

Work = Callable[[Session, datetime], dict[str, Any]]
Found = TypeVar("Found")
Verb = Callable[..., Pickup]
"""`verb(session, desk, pickup_id, ..., actor=..., now=...)`"""


@dataclass(frozen=True, slots=True)
class _Step:
    """One request for a step: on which pickup, by whom, under which key."""

    services: Services
    desk: Desk
    serve: Once
    pickup_id: str
    request: Request
    key: str | None
    asker: Access

    async def take(self, body: Body | None, verb: Verb, *said: Any, **more: Any) -> Response:
        """Take it under its idempotency key, in a batch with others, and answer the pickup as it is then."""
        actor = Actor(self.asker.name, self.asker.location)

        def work(session: Session, now: datetime) -> dict[str, Any]:
            return views.one(session, verb(session, self.desk, self.pickup_id, *said, actor=actor, now=now, **more))

        return await once(self.services, self.serve, self.asker, self.request, self.key, self._hashed(body), work)

    def _hashed(self, body: Body | None) -> dict[str, Any]:
        """The body as its hash is kept: a code goes in under our key, for a plain hash of eight characters can be guessed."""
        plain = {} if body is None else body.model_dump(mode="json")
        if plain.get("code") is not None:
            plain["code"] = self.desk.codes.hash(plain["code"])
        return plain


def add(api: APIRouter, services: Services, desk: Desk, allowed: Callable[[Request], Awaitable[Access]]) -> None:
    """Add these endpoints."""
    serve = Once(_serve, services.clock)

    async def asked(
        pickup_id: Code, request: Request, key: IdempotencyKey = None, asker: Access = Depends(allowed)
    ) -> _Step:
        return _Step(services, desk, serve, pickup_id, request, key, asker)

    @api.post("/pickups/lookup", operation_id="lookupPickup")
    async def lookup(body: LookupBody, asker: Access = Depends(allowed)) -> Response:
        """The pickup that a code opens. Changes nothing, so it needs no Idempotency-Key; tries are limited."""
        actor = Actor(asker.name, asker.location)

        def read(session: Session) -> dict[str, Any]:
            return views.with_customers(session, [handing.lookup(session, desk, body.code, actor=actor)])[0]

        return json_response(await _guess(services, asker, partial(services.read.run, read)))

    @api.post("/pickups/{pickup_id}/pick", operation_id="pickPickup")
    async def pick(body: PickBody | None = None, step: _Step = Depends(asked)) -> Response:
        """Start packing, or note what lies in the bag so far."""
        return await step.take(body, picking.pick, picked=body.picked() if body else None)

    @api.post("/pickups/{pickup_id}/ready", operation_id="readyPickup")
    async def ready(body: ReadyBody, step: _Step = Depends(asked)) -> Response:
        """Everything open is packed and lies on this shelf."""
        return await step.take(body, picking.ready, body.shelf)

    @api.post("/pickups/{pickup_id}/collect", operation_id="collectPickup")
    async def collect(body: CollectBody, step: _Step = Depends(asked)) -> Response:
        """Hand over by code or with a reason, all that is open or a part."""
        proof = body.proof()
        told = {"part": body.part(), "rest": body.rest, "age_checked": body.age_checked}
        attempt = partial(step.take, body, handing.collect, proof, **told)
        return await (_guess(services, step.asker, attempt) if isinstance(proof, ByCode) else attempt())

    @api.post("/pickups/{pickup_id}/reject", operation_id="rejectPickup")
    async def reject(body: RejectBody, step: _Step = Depends(asked)) -> Response:
        """These pieces are not there or not fit: the stock is corrected at once, the rest stays open."""
        return await step.take(body, picking.reject, body.rejected())

    @api.post("/pickups/{pickup_id}/cancel", operation_id="cancelPickup")
    async def cancel(body: CancelBody | None = None, step: _Step = Depends(asked)) -> Response:
        """Call it off; what it holds can be sold again at once."""
        return await step.take(body, ending.cancel, reason=body.reason if body else "")

    @api.post("/pickups/{pickup_id}/extend", operation_id="extendPickup")
    async def extend(body: ExtendBody, step: _Step = Depends(asked)) -> Response:
        """Let it wait longer."""
        return await step.take(body, ending.extend, body.collect_by)

    @api.post("/pickups/{pickup_id}/transfer", operation_id="transferPickup")
    async def move(body: TransferBody, step: _Step = Depends(asked)) -> Response:
        """The customer goes to another store, or the goods come from there."""
        return await step.take(body, transfer.transfer, body.location, body.kind, agreed=body.agreed)


def _serve(session: Session, works: Sequence[Work], now: datetime) -> list[Answer | Refused]:
    answers: list[Answer | Refused] = []
    for work in works:
        try:
            with session.begin_nested():
                answers.append(Answer(200, orjson.dumps(work(session, now))))
        except Refused as refused:
            answers.append(kept(refused))
    return answers


async def _guess(services: Services, asker: Access, attempt: Callable[[], Awaitable[Found]]) -> Found:
    """The try is counted before the code is looked at, and taken back unless the code was wrong."""
    who = {"device": asker.owner, "store": asker.location or asker.owner}
    now = services.clock.now()
    await services.write.run(lambda session: tries.charge(session, who, now=now))
    try:
        found = await attempt()
    except WrongCode:
        raise
    except Exception:
        await services.write.run(lambda session: tries.forgive(session, who))
        raise
    await services.write.run(lambda session: tries.forgive(session, who))
    return found
