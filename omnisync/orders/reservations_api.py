"""Reservations over HTTP: hold, confirm, release, collect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StrictInt
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Conflict, InvalidRequest, NotFound, OutOfStock, Refused
from omnisync.http import (
    LONGEST_KEY,
    Body,
    Code,
    IdempotencyKey,
    Quantity,
    Services,
    ShortText,
    Sku,
    json_response,
    kept,
    once,
    router,
)
from omnisync.lanes import Call, Plain
from omnisync.orders import answers, offers
from omnisync.stock import ends, reservations
from omnisync.stock.ends import End, How, State
from omnisync.stock.idempotency import Answer, Once
from omnisync.stock.limits import Limits
from omnisync.stock.reservations import Held, Line
from omnisync.stock.reservations import Request as Wish
from omnisync.values import Shelf, format_time

MAX_LINES = 100
Far = Mapping[Shelf, ends.Progress]


class HoldLine(Body):
    """So many pieces of one SKU at one location."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    location: Code = Field(examples=["linden"])
    quantity: Quantity = Field(examples=[2])


class ReservationBody(Body):
    """A wish to hold stock, whole or not at all."""

    reference: ShortText | None = Field(default=None, examples=["cart-4711"])
    channel: Code | None = Field(default=None, examples=["webshop"])
    expires_in_seconds: Annotated[StrictInt, Field(ge=1, le=86_400)] = 900
    lines: list[HoldLine] = Field(min_length=1, max_length=MAX_LINES)


class PartBody(Body):
    """What is collected now; without lines, all of it. The rest is given back."""

    lines: list[HoldLine] | None = Field(default=None, max_length=MAX_LINES)


def routes(services: Services) -> APIRouter:
    """The reservation endpoints over these services."""
    api = router("reservations", answers.RESERVATIONS)
    shop = services.allow(Role.SHOP, Role.OPS)
    locations = {location.code for location in services.settings.locations}
    channels = {channel.name for channel in services.settings.channels}
    place_once = Once(_placing(services), services.clock)
    end_once = Once(_end, services.clock)

    @api.post("/reservations", status_code=201, operation_id="placeReservation")
    async def place(
        request: Request, body: ReservationBody, key: IdempotencyKey = None, asker: Access = Depends(shop)
    ) -> Response:
        """Hold stock for a while: every line, or nothing and 409 `out-of-stock` with what could be had elsewhere."""
        _check_names(body, locations, channels)
        lines = tuple(Line(line.sku, line.location, line.quantity) for line in body.lines)
        wish = (services.ids.new(), body.expires_in_seconds, lines, body.channel, body.reference, asker.owner)
        return await once(services, place_once, asker, request, key, body, wish)

    async def place_plain(asked: Plain) -> Call:
        body, key = asked.parse(ReservationBody), asked.key(longest=LONGEST_KEY)
        return partial(place, asked, body, key, await shop(asked))

    services.lanes.add("POST", "/v1/reservations", place_plain)

    @api.get("/reservations/{reservation_id}", operation_id="getReservation")
    async def read(reservation_id: Code, asker: Access = Depends(shop)) -> Response:
        """A reservation as it stands; a hold past its time is shown as expired."""
        found = await services.read.submit(_find, reservation_id)
        if found is None or not _is_theirs(found[0], asker):
            raise NotFound(f"There is no reservation {reservation_id}.")
        return json_response(_shown(*found, services.clock.now()))

    @api.post("/reservations/{reservation_id}/confirm", operation_id="confirmReservation")
    async def confirm(
        request: Request, reservation_id: Code, key: IdempotencyKey = None, asker: Access = Depends(shop)
    ) -> Response:
        """It no longer expires."""
        return await once(services, end_once, asker, request, key, None, (End(reservation_id, How.CONFIRM), asker))

    @api.post("/reservations/{reservation_id}/release", operation_id="releaseReservation")
    async def release(
        request: Request, reservation_id: Code, key: IdempotencyKey = None, asker: Access = Depends(shop)
    ) -> Response:
        """Give the pieces back."""
        return await once(services, end_once, asker, request, key, None, (End(reservation_id, How.RELEASE), asker))

    @api.post("/reservations/{reservation_id}/collect", operation_id="collectReservation")
    async def collect(
        request: Request,
        reservation_id: Code,
        body: PartBody | None = None,
        key: IdempotencyKey = None,
        asker: Access = Depends(shop),
    ) -> Response:
        """The customer has it: all, or the lines named here, and the rest is given back."""
        end = End(reservation_id, How.COLLECT, _part(body))
        return await once(services, end_once, asker, request, key, body, (end, asker))

    return api


def _check_names(body: ReservationBody, locations: set[str], channels: set[str]) -> None:
    errors = [
        {"field": f"lines.{number}.location", "message": f"There is no location {line.location!r}."}
        for number, line in enumerate(body.lines)
        if line.location not in locations
    ]
    if body.channel is not None and body.channel not in channels:
        errors.append({"field": "channel", "message": f"There is no channel {body.channel!r}."})
    if errors:
        raise InvalidRequest(errors)


def _part(body: PartBody | None) -> dict[Shelf, int] | None:
    if body is None or body.lines is None:
        return None
    part: dict[Shelf, int] = {}
    for line in body.lines:
        shelf = Shelf(line.location, line.sku)
        part[shelf] = part.get(shelf, 0) + line.quantity
    return part


def _placing(services: Services) -> Any:
    ready, limits = offers.ReadyTimes(services.settings), Limits(services.settings.limits)

    def serve(session: Session, wishes: Sequence[Any], now: datetime) -> list[Answer | Refused]:
        requests = [
            Wish(name, lines, now + timedelta(seconds=seconds), channel, reference, owner)
            for name, seconds, lines, channel, reference, owner in wishes
        ]
        outcomes = _within(limits, session, requests, now)
        refused = [outcome for outcome in outcomes if isinstance(outcome, OutOfStock)]
        lacking = iter(offers.shortages(session, refused, services.settings, ready, now=now))
        return [_placed(outcome, lacking) for outcome in outcomes]

    return serve


def _within(limits: Limits, session: Session, requests: Sequence[Wish], now: datetime) -> list[Held | Refused]:
    refused = limits.check(session, requests, now=now)
    allowed = [request for place, request in enumerate(requests) if place not in refused] if refused else requests
    outcomes = reservations.reserve(session, allowed, now=now)
    limits.note(outcomes)
    if not refused:
        return outcomes
    answers = iter(outcomes)
    return [refused.get(place) or next(answers) for place in range(len(requests))]


def _placed(outcome: Held | Refused, lacking: Any) -> Answer | Refused:
    if isinstance(outcome, OutOfStock):
        return kept(outcome, shortages=next(lacking))
    if isinstance(outcome, Refused):
        return kept(outcome)
    return Answer(201, orjson.dumps(_held(outcome)))


def _end(session: Session, works: Sequence[Any], now: datetime) -> list[Answer | Refused]:
    """Ends of reservations that are the asker's; somebody else's do not exist for him."""
    found = ends.states(session, {end.reservation_id for end, _ in works}, lock=False)
    theirs = [
        (end, asker) for end, asker in works
        if (state := found.get(end.reservation_id)) is not None and _is_theirs(state, asker) and not _of_pickup(state)
    ]  # fmt: skip
    ended = ends.end(session, [end for end, _ in theirs], now=now)
    far = ends.progress(session, {one.id for one in ended if isinstance(one, State)})
    outcomes = iter(ended)
    allowed = {id(end) for end, _ in theirs}
    answers: list[Answer | Refused] = []
    for end, _ in works:
        if id(end) not in allowed:
            answers.append(_not_theirs(end, found))
            continue
        outcome = next(outcomes)
        answers.append(
            kept(outcome)
            if isinstance(outcome, Refused)
            else Answer(200, orjson.dumps(_shown(outcome, far.get(outcome.id, {}), now)))
        )
    return answers


def _of_pickup(state: State) -> bool:
    """A pickup owns it, and only the pickup desk ends it."""
    return state.taken and state.state in ends.OPEN


def _not_theirs(end: End, found: Mapping[str, State]) -> Answer | Refused:
    state = found.get(end.reservation_id)
    if state is not None and _of_pickup(state):
        return kept(Conflict("A pickup owns this reservation: end the pickup.", code="reservation-taken"))
    return NotFound(f"There is no reservation {end.reservation_id}.")


def _is_theirs(state: State, asker: Access) -> bool:
    return state.owner == asker.owner or asker.may(Role.OPS)


def _find(session: Session, ids: Sequence[str]) -> list[tuple[State, Far] | None]:
    found, far = ends.states(session, set(ids), lock=False), ends.progress(session, set(ids))
    return [(found[name], far.get(name, {})) if name in found else None for name in ids]


def _held(held: Held) -> dict[str, Any]:
    return {
        "id": held.id, "state": held.state, "expires_at": held.expires_at and format_time(held.expires_at),
        "reference": held.reference, "channel": held.channel,
        "lines": [
            {"sku": line.sku, "location": line.location, "quantity": line.quantity, "held": line.quantity, "collected": 0}
            for line in held.lines
        ],
    }  # fmt: skip


def _shown(state: State, far: Far, now: datetime) -> dict[str, Any]:
    overdue = state.overdue(now)
    return {
        "id": state.id, "state": "expired" if overdue else state.state,
        "expires_at": state.expires_at and format_time(state.expires_at), "reference": state.reference,
        "channel": state.channel, "lines": [_line(line, far, overdue=overdue) for line in state.lines],
    }  # fmt: skip


def _line(line: Mapping[str, Any], far: Far, *, overdue: bool) -> dict[str, Any]:
    pieces = far.get(Shelf(line["location"], line["sku"]))
    held = 0 if pieces is None or overdue else pieces.held
    return {**line, "held": held, "collected": pieces and pieces.collected}
