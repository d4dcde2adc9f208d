"""The simulated shop as an HTTP service: its endpoints, its errors, and the `/_sim` door for people and faults."""

from __future__ import annotations

import email.utils
import json
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from omnisync.demo.around import Next, around
from omnisync.demo.faults import DOOR, add_door, add_faults
from omnisync.demo.shopware import endpoints
from omnisync.demo.shopware.access import Door
from omnisync.demo.shopware.problems import Problem, problem
from omnisync.demo.shopware.shop import Shop
from omnisync.routes import LateApp

TOKEN_PATH = "/api/oauth/token"  # noqa: S105  a path


class Change(BaseModel):
    """Body of `POST /_sim/state`: the payment arrives, the owner sends, cancels ... an order or its first part."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: str
    of: Literal["order", "order_delivery", "order_transaction"] = "order"
    action: str


def build(shop: Shop, door: Door | None = None) -> FastAPI:
    """An app that speaks for this shop."""
    app = LateApp(title="Simulated Shopware", openapi_url=None, docs_url=None, redoc_url=None)
    door = door or Door(shop.seed.client_id, shop.seed.client_secret, shop.clock)
    _add_people(app, shop)
    add_door(app, shop)
    _add_endpoints(app, shop, door)
    _add_guard(app, shop, door)
    add_faults(app, shop.faults)
    return app


def _add_guard(app: FastAPI, shop: Shop, door: Door) -> None:
    @around(app)
    async def authorize(request: Request, call_next: Next) -> Response:
        try:
            if not request.url.path.startswith((DOOR, TOKEN_PATH)):
                door.check(request)
        except Problem as refused:
            return JSONResponse(refused.body(), refused.status)
        response = await call_next(request)
        response.headers["date"] = email.utils.format_datetime(shop.now(), usegmt=True)
        return response

    @app.exception_handler(Problem)
    async def refuse(request: Request, refused: Problem) -> Response:
        return JSONResponse(refused.body(), refused.status)


def _add_endpoints(app: FastAPI, shop: Shop, door: Door) -> None:
    @app.post(TOKEN_PATH)
    async def token(request: Request) -> dict[str, Any]:
        return dict(await door.issue(request))

    @app.get("/api/_info/version")
    async def version() -> dict[str, Any]:
        return {"version": shop.version}

    @app.post("/api/search/{entity}")
    async def search(entity: str, request: Request) -> dict[str, Any]:
        inherit = request.headers.get("sw-inheritance", "0") not in ("0", "")
        return endpoints.find(shop, entity, await _body(request), inherit=inherit)

    @app.post("/api/_action/sync")
    async def sync(request: Request) -> dict[str, Any]:
        return endpoints.sync(shop, await _body(request))

    @app.post("/api/_action/{entity}/{id}/state/{action}")
    async def move(entity: str, id: str, action: str, request: Request) -> dict[str, Any]:
        return endpoints.move(shop, entity, id, action, await _body(request))

    @app.patch("/api/{entity}/{id}")
    async def change(entity: str, id: str, request: Request) -> Response:
        endpoints.change(shop, entity, id, await _body(request))
        return Response(status_code=204)


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        raise problem(400, "0", "Bad Request", "The JSON payload is malformed.") from None


def _add_people(app: FastAPI, shop: Shop) -> None:
    @app.post("/_sim/state")
    async def change(wish: Change) -> dict[str, str]:
        order = shop.orders.get(wish.order)
        if order is None:
            raise problem(404, "0", "Not Found", f"no order {wish.order}")
        parts = {
            "order": order.id,
            "order_delivery": order.deliveries[0].id,
            "order_transaction": order.payments[-1].id,
        }
        return {"order": wish.order, "state": shop.transition(wish.of, parts[wish.of], wish.action)}
