"""The simulated Shopify as an app: Admin API by GraphQL and REST, its `/_sim` door, webhooks under way."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync import routes
from omnisync.adapters.client import Tools
from omnisync.demo import faults
from omnisync.demo.around import Next, around
from omnisync.demo.outbox import Outbox, Send
from omnisync.demo.shopify import cost, people, rest
from omnisync.demo.shopify.graphql_api import Api
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.webhooks import Announcer
from omnisync.routes import LateApp

GRAPHQL = "/admin/api/2026-07/graphql.json"


@dataclass(frozen=True, slots=True)
class Simulation:
    """A running shop: its app, its trade, its webhooks."""

    app: FastAPI
    shop: Shop
    outbox: Outbox
    announcer: Announcer
    bucket: cost.Bucket


def open_shop(
    shop: Shop, *, token: str, secret: str, send: Send, tools: Tools, points_per_second: float = 100.0
) -> Simulation:
    """The app of one shop; `secret` signs its webhooks, `send` brings them away."""
    outbox = Outbox(send, shop.faults, tools.clock, tools.chance)
    announcer = Announcer(shop, secret, outbox.put, tools.ids)
    bucket = cost.Bucket(shop.clock, size=20 * points_per_second, per_second=points_per_second)
    api = Api(shop, bucket)
    app = LateApp(title="Simulated Shopify", lifespan=_delivering(outbox))
    _add_graphql(app, api)
    routes.add(app, rest.router(shop))
    _guard(app, token)
    faults.add_faults(app, shop.faults, limited=_limited(api, shop, bucket))
    faults.add_door(app, shop)
    people.add_people(app, shop)
    return Simulation(app, shop, outbox, announcer, bucket)


def _add_graphql(app: FastAPI, api: Api) -> None:
    @app.post(GRAPHQL)
    async def graphql(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            query, variables = body["query"], body.get("variables") or {}
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"errors": "query: Required parameter missing or invalid"}, 400)
        return JSONResponse(api.run(query, variables))


def _guard(app: FastAPI, token: str) -> None:
    """Nothing below /admin without the access token."""

    @around(app)
    async def check_token(request: Request, call_next: Next) -> Response:
        given = request.headers.get("x-shopify-access-token", "")
        if not request.url.path.startswith("/admin/") or hmac.compare_digest(given.encode(), token.encode()):
            return await call_next(request)
        return JSONResponse(
            {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401
        )


def _limited(api: Api, shop: Shop, bucket: cost.Bucket) -> Callable[[Request], Awaitable[Response]]:
    """GraphQL clients are throttled inside a 200, REST clients by 429."""

    async def answer(request: Request) -> Response:
        wait = shop.faults.retry_after_seconds
        if request.url.path == GRAPHQL:
            return JSONResponse(api.throttled(max(1.0, wait * bucket.per_second), available=0.0))
        return JSONResponse({"errors": "Exceeded 2 calls per second"}, 429, {"Retry-After": f"{wait:g}"})

    return answer


def _delivering(outbox: Outbox) -> Callable[[FastAPI], Any]:
    """While the server runs, webhooks leave."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(outbox.run())
            yield
            delivering.cancel()

    return lifespan
