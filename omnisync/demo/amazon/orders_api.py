"""Orders 2026-01-01, what the older API (v0) alone can do, and the seller's doings at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from omnisync.demo.amazon import views
from omnisync.demo.amazon.listings_api import split
from omnisync.demo.amazon.problems import Problem
from omnisync.demo.amazon.seller import Seller
from omnisync.demo.amazon.things import Order
from omnisync.values import format_time, parse_time

ORDERS, V0 = "/orders/2026-01-01/orders", "/orders/v0/orders"
LATE = timedelta(minutes=2)
"""What changed within these is not found yet."""
PICKUP_STATES = {"ReadyForPickup", "PickedUp", "RefusedPickup"}


class Act(BaseModel):
    """Body of `POST /_sim/orders/{id}`: what the seller or the buyer does with an order outside of omnisync."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["ship", "cancel", "pay"]
    lines: dict[str, Annotated[int, Field(ge=1)]] | None = None
    line: str | None = None


class Book:
    """The orders as they may be searched. A search's page token remembers which orders it found."""

    def __init__(self, seller: Seller) -> None:
        self.seller = seller
        self.pages: dict[str, list[str]] = {}

    def search(self, asked: Mapping[str, str]) -> dict[str, Any]:
        size = asked.get("maxResultsPerPage", "100")
        if not size.isdigit() or not 1 <= int(size) <= 100:
            raise Problem(400, "InvalidInput", "maxResultsPerPage is from 1 to 100")
        if ("createdAfter" in asked) == ("lastUpdatedAfter" in asked):
            raise Problem(400, "InvalidInput", "Exactly one of createdAfter and lastUpdatedAfter is needed")
        found = self._page(asked)
        shown, rest = found[: int(size)], found[int(size) :]
        included = split(asked.get("includedData"))
        orders = [views.order(self.seller.orders[one], included, self.seller.seed.marketplace_id) for one in shown]
        told: dict[str, Any] = {"orders": orders, "lastUpdatedBefore": format_time(self.seller.clock.now() - LATE)}
        if rest:
            token = self.seller.next("page")
            self.pages[token] = rest
            told["pagination"] = {"nextToken": token}
        return told

    def _page(self, asked: Mapping[str, str]) -> list[str]:
        token = asked.get("paginationToken")
        if token is not None:
            if token not in self.pages:
                raise Problem(400, "InvalidInput", "Invalid paginationToken")
            return self.pages[token]
        now = self.seller.clock.now()
        until = self._before(asked, now)
        found = [one for one in self.seller.orders.values() if self._matches(one, asked) and one.updated <= until]
        return [one.id for one in sorted(found, key=lambda one: one.updated)]

    def _before(self, asked: Mapping[str, str], now: datetime) -> datetime:
        told = asked.get("lastUpdatedBefore")
        until = parse_time(told) if told else now - LATE
        if until > now - LATE:
            raise Problem(400, "InvalidInput", "lastUpdatedBefore is at least two minutes ago")
        return until

    def _matches(self, order: Order, asked: Mapping[str, str]) -> bool:
        by = "AMAZON" if order.by_amazon else "MERCHANT"
        if by not in (split(asked.get("fulfilledBy")) or [by]):
            return False
        if self.seller.seed.marketplace_id not in (
            split(asked.get("marketplaceIds")) or [self.seller.seed.marketplace_id]
        ):
            return False
        if "createdAfter" in asked:
            return order.created >= parse_time(asked["createdAfter"])
        return order.updated >= parse_time(asked["lastUpdatedAfter"])

    def find(self, order_id: str) -> Order:
        if order_id not in self.seller.orders:
            raise Problem(404, "NotFound", "The requested order does not exist.")
        return self.seller.orders[order_id]


def add_orders(app: FastAPI, book: Book) -> None:
    """Give the app its endpoints."""
    store = book.seller.seed.marketplace_id

    @app.get(ORDERS)
    async def search(request: Request) -> dict[str, Any]:
        return book.search(dict(request.query_params))

    @app.get(ORDERS + "/{order_id}")
    async def one(order_id: str, includedData: str = "") -> dict[str, Any]:  # noqa: N803  Amazon's name
        return {"order": views.order(book.find(order_id), split(includedData), store)}

    @app.get(V0 + "/{order_id}")
    async def one_v0(order_id: str) -> dict[str, Any]:
        return {"payload": views.v0_order(book.find(order_id), store)}

    @app.get(V0 + "/{order_id}/orderItems")
    async def items(order_id: str) -> dict[str, Any]:
        order = book.find(order_id)
        lines = [views.v0_item(line, order) for line in order.lines]
        return {"payload": {"AmazonOrderId": order.id, "OrderItems": lines}}

    @app.post(V0 + "/{order_id}/shipment")
    async def shipment(order_id: str, request: Request) -> Response:
        order, body = book.find(order_id), await request.json()
        state = body.get("shipmentStatus")
        if state not in PICKUP_STATES or body.get("marketplaceId") != store or order.store is None:
            raise Problem(400, "InvalidInput", "This order takes no such shipment status.")
        _picked_up(book.seller, order, state, body.get("orderItems"))
        return Response(status_code=204)

    @app.post("/_sim/orders/{order_id}")
    async def act(order_id: str, wish: Act) -> dict[str, Any]:
        order = book.seller.orders.get(order_id)
        if order is None:
            raise HTTPException(404, f"there is no order {order_id}")
        match wish.action:
            case "ship":
                book.seller.ship(order, wish.lines)
            case "cancel":
                book.seller.cancel(order, wish.line)
            case "pay":
                book.seller.pay(order)
        return {"order": order_id}


def _picked_up(seller: Seller, order: Order, state: str, items: Any) -> None:
    order.picked_up.append(state)
    if state == "PickedUp":
        seller.ship(order, {one["orderItemId"]: one["quantity"] for one in items} if items else None)
    elif state == "RefusedPickup":
        seller.cancel(order)
