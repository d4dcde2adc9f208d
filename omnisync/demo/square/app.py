"""The simulated Square as an HTTP service: its endpoints, its errors, and the `/_sim` door for people and faults."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from omnisync.demo.around import Next, around
from omnisync.demo.faults import DOOR, add_door, add_faults
from omnisync.demo.kept import Books, add_books
from omnisync.demo.square import reading
from omnisync.demo.square.account import Account
from omnisync.demo.square.problems import Problem, required
from omnisync.routes import LateApp


class Refund(BaseModel):
    """Body of `POST /_sim/refund`: pieces of one article of an order come back; restocked only when it says so."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: str
    sku: str
    quantity: int = Field(default=1, ge=1)
    restock: bool = True
    place: str | None = None


class Count(BaseModel):
    """Body of `POST /_sim/count`: somebody counts a shelf in the Square app."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str
    place: str
    quantity: int = Field(ge=0)


def build(account: Account, *, books: Path | None = None) -> FastAPI:
    """An app that speaks for this account. With `books` the account goes on from what that file holds."""
    app = LateApp(title="Simulated Square", openapi_url=None, docs_url=None, redoc_url=None)
    _add_endpoints(app, account)
    _add_people(app, account)
    add_door(app, account)
    _add_guard(app, account)
    add_faults(app, account.faults, limited=lambda request: _limited(account))
    _add_date(app, account)
    if books is not None:
        kept = Books(books, account.parts(), account.tools())
        kept.reopen()
        add_books(app, kept)
    return app


async def _limited(account: Account) -> Response:
    problem = Problem("RATE_LIMITED", "Too many requests.", status=429)
    return JSONResponse(problem.body(), 429, {"retry-after": f"{account.faults.retry_after_seconds:g}"})


def _add_guard(app: FastAPI, account: Account) -> None:
    @around(app)
    async def authorize(request: Request, call_next: Next) -> Response:
        open_door = request.url.path.startswith(DOOR)
        if not open_door and request.headers.get("authorization") != f"Bearer {account.seed.access_token}":
            problem = Problem("UNAUTHORIZED", "This request could not be authorized.", status=401)
            return JSONResponse(problem.body(), 401)
        return await call_next(request)

    @app.exception_handler(Problem)
    async def refuse(request: Request, problem: Problem) -> Response:
        return JSONResponse(problem.body(), problem.status)


def _add_date(app: FastAPI, account: Account) -> None:
    """Square's own clock stands in every answer."""

    @around(app)
    async def date(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        response.headers["date"] = email.utils.format_datetime(account.clock.now(), usegmt=True)
        return response


def _add_endpoints(app: FastAPI, account: Account) -> None:
    async def serve(request: Request) -> Response:
        name = request.scope["route"].name
        body = await _body(request) if request.method in ("POST", "PUT") else {}
        return JSONResponse(ENDPOINTS[name][2](account, body, {**request.query_params, **request.path_params}))

    for name, (method, path, _) in ENDPOINTS.items():
        app.add_api_route(path, serve, methods=[method], name=name)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Problem("EXPECTED_JSON_BODY", "The body is no JSON object.")
    return body


def _add_people(app: FastAPI, account: Account) -> None:
    @app.post("/_sim/refund")
    async def refund(wish: Refund) -> dict[str, Any]:
        order = account.orderbook.orders.get(wish.order)
        variation = account.catalogue.by_sku.get(wish.sku)
        lines = [line for line in (order or {}).get("line_items", ()) if line.get("catalog_object_id") == variation]
        if not lines:
            raise HTTPException(404, f"no order {wish.order} with {wish.sku}")
        back = account.refund(wish.order, {lines[0]["uid"]: wish.quantity}, restock=wish.restock, place=wish.place)
        return {"order": back["id"]}

    @app.post("/_sim/count")
    async def count(wish: Count) -> dict[str, Any]:
        if wish.sku not in account.catalogue.by_sku or wish.place not in account.places:
            raise HTTPException(404, f"no shelf of {wish.sku} at {wish.place}")
        account.count(wish.sku, wish.place, wish.quantity)
        return {"sku": wish.sku, "place": wish.place, "quantity": wish.quantity}


# ---------------------------------------------------------------- Square's endpoints

Answer = Callable[[Account, dict[str, Any], dict[str, str]], dict[str, Any]]


def _create_order(account: Account, body: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
    wish = required(body, "order")
    if not body.get("idempotency_key"):
        return {"order": account.create_order(wish)}
    return account.once(body, lambda: {"order": account.create_order(wish)})


def _update_order(account: Account, body: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
    order = account.orderbook.find(path["order_id"])

    def update() -> dict[str, Any]:
        account.update_order(order, required(body, "order"))
        return {"order": order}

    return account.once(body, update) if body.get("idempotency_key") else update()


def _pay(account: Account, body: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
    def pay() -> dict[str, Any]:
        order = account.orderbook.find(required(body, "order_id"))
        if required(body, "amount_money").get("amount") != order["total_money"]["amount"]:
            raise Problem("BAD_REQUEST", "The amount is not what the order costs.", field="amount_money")
        payment_id = account.pay_order(order, "CASH" if required(body, "source_id") == "CASH" else "CARD")
        return {
            "payment": {
                "id": payment_id,
                "status": "COMPLETED",
                "order_id": order["id"],
                "location_id": order["location_id"],
                "amount_money": order["total_money"],
                "source_type": "CASH" if body["source_id"] == "CASH" else "CARD",
                "created_at": order["tenders"][0]["created_at"],
            }
        }

    return account.once(body, pay)


ENDPOINTS: dict[str, tuple[str, str, Answer]] = {
    "locations": ("GET", "/v2/locations", reading.locations),
    "list_catalog": ("GET", "/v2/catalog/list", reading.list_catalog),
    "catalog_info": ("GET", "/v2/catalog/info", reading.catalog_info),
    "catalog_objects": ("POST", "/v2/catalog/batch-retrieve", reading.catalog_objects),
    "upsert": (
        "POST",
        "/v2/catalog/batch-upsert",
        lambda account, body, _: account.once(body, lambda: account.upsert(required(body, "batches"))),
    ),
    "change_inventory": (
        "POST",
        "/v2/inventory/changes/batch-create",
        lambda account, body, _: account.once(body, lambda: account.change_inventory(required(body, "changes"))),
    ),
    "inventory_changes": ("POST", "/v2/inventory/changes/batch-retrieve", reading.inventory_changes),
    "inventory_counts": ("POST", "/v2/inventory/counts/batch-retrieve", reading.inventory_counts),
    "create_order": ("POST", "/v2/orders", _create_order),
    "search_orders": ("POST", "/v2/orders/search", reading.search_orders),
    "orders": ("POST", "/v2/orders/batch-retrieve", reading.orders),
    "order": ("GET", "/v2/orders/{order_id}", reading.order),
    "update_order": ("PUT", "/v2/orders/{order_id}", _update_order),
    "pay": ("POST", "/v2/payments", _pay),
    "webhooks": ("GET", "/v2/webhooks/subscriptions", reading.webhooks),
    "create_webhook": (
        "POST",
        "/v2/webhooks/subscriptions",
        lambda account, body, _: account.once(
            body, lambda: {"subscription": account.events.subscribe(required(body, "subscription"))}
        ),
    ),
    "update_webhook": (
        "PUT",
        "/v2/webhooks/subscriptions/{subscription_id}",
        lambda account, body, path: {
            "subscription": account.events.change(path["subscription_id"], required(body, "subscription"))
        },
    ),
}
