"""The simulated shop as an HTTP service: its endpoints, its errors, and the `/_sim` door for people and faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from omnisync.demo.around import Next, around
from omnisync.demo.faults import DOOR, add_door, add_faults
from omnisync.demo.woocommerce.access import Door
from omnisync.demo.woocommerce.endpoints import ENDPOINTS
from omnisync.demo.woocommerce.problems import Problem
from omnisync.demo.woocommerce.shop import Shop
from omnisync.routes import LateApp

API = "/wp-json/wc/v3"


class Change(BaseModel):
    """Body of `POST /_sim/status`: the payment arrives, the owner sends, cancels ..."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: str
    status: str


class Return(BaseModel):
    """Body of `POST /_sim/refund`: pieces of one article of an order, put back on the shelf when it says so."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: str
    sku: str
    quantity: int = Field(default=1, ge=1)
    restock: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as the endpoints see it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)


def build(shop: Shop) -> FastAPI:
    """An app that speaks for this shop."""
    app = LateApp(title="Simulated WooCommerce", openapi_url=None, docs_url=None, redoc_url=None)
    _add_people(app, shop)
    add_door(app, shop)
    _add_endpoints(app, shop)
    _add_guard(app, shop)
    add_faults(app, shop.faults)
    return app


def _add_guard(app: FastAPI, shop: Shop) -> None:
    door = Door(shop.seed.consumer_key, shop.seed.consumer_secret, shop.clock)

    @around(app)
    async def authorize(request: Request, call_next: Next) -> Response:
        try:
            if not request.url.path.startswith(DOOR):
                door.check(request)
        except Problem as problem:
            return JSONResponse(problem.body(), problem.status)
        return await call_next(request)

    @app.exception_handler(Problem)
    async def refuse(request: Request, problem: Problem) -> Response:
        return JSONResponse(problem.body(), problem.status)


def _add_endpoints(app: FastAPI, shop: Shop) -> None:
    async def serve(request: Request) -> Response:
        method, path = request.scope["route"].name.split(" ")
        ask = Ask(request.path_params, request.query_params, await _body(request))
        answer = ENDPOINTS[method, path](shop, ask)
        content = _only(answer.body, request.query_params.get("_fields"))
        return JSONResponse(content, answer.status, answer.headers)

    for method, path in ENDPOINTS:
        app.add_api_route(f"{API}/{path}", serve, methods=[method], name=f"{method} {path}")

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def nowhere(path: str) -> Response:
        message = "No route was found matching the URL and request method."
        raise Problem("rest_no_route", message, 404)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        return dict(json.loads(raw))
    except ValueError:
        raise Problem("rest_invalid_json", "Invalid JSON body passed.") from None


def _only(body: Any, fields: str | None) -> Any:
    """WordPress cuts every thing of an answer down to the fields asked for."""
    if fields is None:
        return body
    names = set(fields.split(","))
    if isinstance(body, list):
        return [{name: one[name] for name in one if name in names} for one in body]
    return {name: body[name] for name in body if name in names}


def _add_people(app: FastAPI, shop: Shop) -> None:
    @app.post("/_sim/status")
    async def change(wish: Change) -> dict[str, Any]:
        order = shop.orders.get(int(wish.order))
        if order is None:
            raise HTTPException(404, f"no order {wish.order}")
        shop.set_status(order, wish.status)
        return {"order": wish.order, "status": order.status}

    @app.post("/_sim/refund")
    async def refund(wish: Return) -> dict[str, Any]:
        order = shop.orders.get(int(wish.order))
        lines = [line for line in order.lines if line.product.sku == wish.sku] if order else []
        if order is None or not lines:
            raise HTTPException(404, f"no order {wish.order} with {wish.sku}")
        return {"refund": shop.refund(order, {lines[0].id: wish.quantity}, restock=wish.restock).id}
