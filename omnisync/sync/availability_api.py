"""Availability over HTTP, with ETags: the web shop asks for every page it shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, TypeAdapter
from sqlmodel import Session

from omnisync.access import Role
from omnisync.errors import InvalidRequest
from omnisync.http import Body, Code, Services, Sku, router
from omnisync.lanes import Call, Plain
from omnisync.orders import pauses
from omnisync.orders.offers import ReadyTimes
from omnisync.stock.recent import KEPT_SECONDS, Recent
from omnisync.sync import answers, availability, showing, silence
from omnisync.sync.availability import Answers, Question, Stock
from omnisync.sync.context import Context
from omnisync.values import format_time

MAX_SKUS = 200
MAX_AGE_SECONDS = 2
Skus = Annotated[list[Sku], Field(min_length=1, max_length=MAX_SKUS)]
SKUS, CODES = TypeAdapter(Skus), TypeAdapter(tuple[Code | None, Code | None])


class Doubts(NamedTuple):
    """Where nothing can be ordered for pickup, and of whose tills nothing was heard for too long."""

    closed: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()


NONE = Doubts()


@dataclass
class Lately:
    """These, as they were a moment ago."""

    doubts: Doubts = NONE
    until: float = 0.0


class QueryBody(Body):
    """The same question as a body, for many SKUs."""

    sku: Skus = Field(examples=[["JACKE-NORDWIND-42", "SNEAKER-KIEL-39"]])
    location: Code | None = None
    channel: Code | None = None


def routes(services: Services, context: Context) -> APIRouter:
    """The availability endpoints over these services; `context` knows what its channels are shown."""
    api = router("availability", answers.AVAILABILITY)
    settings = services.settings
    ready = ReadyTimes(settings)
    everywhere = tuple(location.code for location in settings.locations)
    locations = {code: (code,) for code in everywhere}
    channels = {channel.name: channel for channel in settings.channels}
    cache = f"{'public' if settings.server.public_availability else 'private'}, max-age={MAX_AGE_SECONDS}"

    async def allowed(request: Request) -> bool:
        """Whether quantities are told: a key sees them, the public sees states where the settings allow it."""
        authorization = request.headers.get("authorization", "")
        if not authorization and settings.server.public_availability:
            return False
        return await services.allow(Role.SHOP, Role.STAFF, Role.OPS)(request) is not None

    def question(skus: list[str], location: str | None, channel: str | None) -> Question:
        if channel is not None and channel not in channels:
            raise InvalidRequest.of("channel", f"There is no channel {channel!r}.")
        if location is not None and location not in locations:
            raise InvalidRequest.of("location", f"There is no location {location!r}.")
        sold = channels[channel] if channel else None
        places = tuple(sold.locations) if sold else everywhere
        return Question(tuple(dict.fromkeys(skus)), locations[location] if location else places, sold)

    recent, answered = Recent(), Answers(settings, ready)
    services.write.committed.append(lambda touched: recent.forget(touched.skus))

    async def look(asked: Question) -> Stock:
        began, commits = services.clock.monotonic(), recent.commits
        pieces = recent.of(asked.skus, began)
        missing = tuple(sku for sku in asked.skus if sku not in pieces)
        if not missing:
            return Stock(pieces)
        read = await services.read.submit(availability.look, replace(asked, skus=missing))
        found = {sku: read.skus[sku] for sku in missing if sku in read.skus}
        recent.remember({sku: found[sku] for sku in found.keys() - read.bundles}, began=began, commits=commits)
        return Stock(pieces | found)

    async def through(asked: Question, stock: Stock) -> Stock:
        """The same, with what the channel's own numbers are made of."""
        channel = context.channels.get(asked.channel.name) if asked.channel else None
        if channel is None:
            return stock
        made_of = partial(showing.look, context=context, channel=channel, skus=stock.skus)
        return replace(stock, showing=await services.read.run(made_of))

    lately = Lately()

    def doubts_now(session: Session) -> Doubts:
        now = services.clock.now()
        silences = silence.silent(session, settings.channels, settings.locations, now=now)
        return Doubts(pauses.closed(session, now=now), frozenset(each.location for each in silences))

    async def doubts() -> Doubts:
        began = services.clock.monotonic()
        if began >= lately.until:
            lately.doubts = await services.read.run(doubts_now)
            lately.until = began + KEPT_SECONDS
        return lately.doubts

    async def respond(request: Request, asked: Question, numbers: bool) -> Response:
        now = services.clock.now()
        stock, (shut, silent) = await through(asked, await look(asked)), await doubts()
        body = answered.body(asked, stock, now=now, public=not numbers, closed=shut, silent=silent)
        etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        headers = {"ETag": etag, "Omnisync-As-Of": format_time(now), "Cache-Control": cache, "Vary": "Authorization"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    @api.get("/availability", operation_id="getAvailability")
    async def get(
        request: Request,
        sku: Annotated[Skus, Query()],
        location: Code | None = None,
        channel: Code | None = None,
        numbers: bool = Depends(allowed),
    ) -> Response:
        """What can be promised where. An unknown SKU is an item with the state `unknown`, not an error."""
        return await respond(request, question(sku, location, channel), numbers)

    async def get_plain(asked: Plain) -> Call:
        query, numbers = asked.asked_for("sku", "location", "channel"), await allowed(asked)
        skus = query.get("sku", [])
        if not (0 < len(skus) <= MAX_SKUS and recent.has_met(skus)):
            skus = SKUS.validate_python(skus)
        names = CODES.validate_python(tuple(query.get(name, [None])[-1] for name in ("location", "channel")))
        return partial(get, asked, skus, *names, numbers)

    services.lanes.add("GET", "/v1/availability", get_plain)

    @api.post("/availability/query", operation_id="queryAvailability")
    async def query(request: Request, body: QueryBody, numbers: bool = Depends(allowed)) -> Response:
        """The same for up to 200 SKUs."""
        return await respond(request, question(body.sku, body.location, body.channel), numbers)

    return api
