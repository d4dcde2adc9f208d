"""People of the simulated shop: the merchant who sends, cancels, takes back, and edits numbers by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Order


class Act(BaseModel):
    """Body of `POST /_sim/act`: what the merchant does with an order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: str
    action: Literal["ship", "cancel", "refund", "return"]


class Edit(BaseModel):
    """Body of `POST /_sim/edit`: somebody types another number into the shop's own inventory page."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str
    place: str
    by: Annotated[int, Field(ge=-1000, le=1000)]


def add_people(app: FastAPI, shop: Shop) -> None:
    """Give the simulation's app the merchant's doors."""

    @app.post("/_sim/act")
    async def act(wish: Act) -> dict[str, Any]:
        order = shop.orders.get(_number(wish.order))
        if order is None:
            raise HTTPException(404, f"there is no order {wish.order}")
        if not _ACTIONS[wish.action](shop, order):
            raise HTTPException(409, f"nothing of {order.name} is left to {wish.action}")
        return {"order": order.gid}

    @app.post("/_sim/edit")
    async def edit(wish: Edit) -> dict[str, Any]:
        variant, place = shop.variant(wish.sku), _number(wish.place)
        quantity = variant.levels[place].available + wish.by
        shop.set_available(variant, place, quantity)
        return {"sku": wish.sku, "quantity": quantity}


def _ship(shop: Shop, order: Order) -> bool:
    return order.cancelled_at is None and bool(shop.fulfil(order))


def _cancel(shop: Shop, order: Order) -> bool:
    if order.cancelled_at is not None or any(line.fulfilled for line in order.lines):
        return False
    shop.cancel(order)
    return True


def _give_back(restock_type: str) -> Callable[[Shop, Order], bool]:
    def refund(shop: Shop, order: Order) -> bool:
        lines = [(line, 1) for line in order.lines if line.fulfilled > line.returned]
        if lines:
            shop.refund(order, lines, restock_type)
        return bool(lines)

    return refund


_ACTIONS: Mapping[str, Callable[[Shop, Order], bool]] = {
    "ship": _ship,
    "cancel": _cancel,
    "refund": _give_back("NO_RESTOCK"),
    "return": _give_back("RETURN"),
}


def _number(name: str) -> int:
    return int(name.rsplit("/", 1)[-1])
