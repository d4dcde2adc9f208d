"""A part of the REST Admin API, so that others' clients can drive the simulated shop."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request, Response

from omnisync.demo.shopify import rest_views as views
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import Order, Variant
from omnisync.routes import Late
from omnisync.values import Money, parse_time

Json = dict[str, Any]
MOST = 250


def router(shop: Shop) -> APIRouter:
    """`/admin/api/{version}/...json`."""
    api = APIRouter(prefix="/admin/api/{version}", route_class=Late)
    _assortment(api, shop)
    _inventory(api, shop)
    _orders(api, shop)
    return api


def _assortment(api: APIRouter, shop: Shop) -> None:
    @api.get("/shop.json")
    async def its_shop() -> Json:
        return {"shop": {"id": 1, "name": shop.name, "myshopify_domain": shop.name, "currency": shop.currency}}

    @api.get("/products.json")
    async def products(request: Request, response: Response) -> Json:
        rows = [(one.product_id, views.product(one)) for one in shop.variants.values()]
        return {"products": _page(rows, request, response)}

    @api.get("/products/count.json")
    async def product_count() -> Json:
        return {"count": len(shop.variants)}

    @api.get("/products/{product_id}.json")
    async def product(product_id: int) -> Json:
        return {"product": views.product(_found(one for one in shop.variants.values() if one.product_id == product_id))}

    @api.get("/variants/{variant_id}.json")
    async def variant(variant_id: int) -> Json:
        return {"variant": views.variant(_variant(shop, variant_id))}

    @api.put("/variants/{variant_id}.json")
    async def change_variant(variant_id: int, body: Annotated[Json, Body()]) -> Json:
        one = _variant(shop, variant_id)
        if "price" in body["variant"]:
            one.price = Money.parse(str(body["variant"]["price"]), shop.currency)
        return {"variant": views.variant(one)}

    @api.get("/locations.json")
    async def locations() -> Json:
        return {"locations": [views.location(one) for one in shop.locations.values()]}


def _inventory(api: APIRouter, shop: Shop) -> None:
    @api.get("/inventory_levels.json")
    async def levels(inventory_item_ids: str = "", location_ids: str = "") -> Json:
        items, places = _numbers(inventory_item_ids), _numbers(location_ids)
        found = [
            views.level(one, place)
            for one in shop.variants.values()
            for place in one.levels
            if (not items or one.item_id in items) and (not places or place in places)
        ]
        return {"inventory_levels": found}

    @api.post("/inventory_levels/set.json")
    async def set_level(body: Annotated[Json, Body()]) -> Json:
        one, place = _stocked(shop, body)
        shop.set_available(one, place, int(body["available"]))
        return {"inventory_level": views.level(one, place)}

    @api.post("/inventory_levels/adjust.json")
    async def adjust_level(body: Annotated[Json, Body()]) -> Json:
        one, place = _stocked(shop, body)
        shop.set_available(one, place, one.levels[place].available + int(body["available_adjustment"]))
        return {"inventory_level": views.level(one, place)}


def _orders(api: APIRouter, shop: Shop) -> None:
    @api.get("/orders.json")
    async def orders(request: Request, response: Response, updated_at_min: str = "", status: str = "open") -> Json:
        since = parse_time(updated_at_min) if updated_at_min else None
        rows = [
            (one.id, views.order(shop, one))
            for one in shop.orders.values()
            if (status == "any" or not one.closed) and (since is None or one.updated_at >= since)
        ]
        return {"orders": _page(rows, request, response)}

    @api.post("/orders.json", status_code=201)
    async def create_order(body: Annotated[Json, Body()]) -> Json:
        """An order that another app brings in: it takes its stock like any other."""
        wanted = [
            (_variant(shop, int(line["variant_id"])), int(line["quantity"])) for line in body["order"]["line_items"]
        ]
        return {"order": views.order(shop, shop.sell(wanted))}

    @api.get("/orders/count.json")
    async def order_count() -> Json:
        return {"count": len(shop.orders)}

    @api.get("/orders/{order_id}.json")
    async def order(order_id: int) -> Json:
        return {"order": views.order(shop, _order(shop, order_id))}

    @api.post("/orders/{order_id}/cancel.json")
    async def cancel(order_id: int) -> Json:
        one = _order(shop, order_id)
        if any(line.fulfilled for line in one.lines):
            raise HTTPException(422, "Cannot cancel a paid and fulfilled order")
        if one.cancelled_at is None:
            shop.cancel(one)
        return {"order": views.order(shop, one)}

    @api.post("/orders/{order_id}/refunds.json", status_code=201)
    async def refund(order_id: int, body: Annotated[Json, Body()]) -> Json:
        one = _order(shop, order_id)
        made = [
            shop.refund(
                one,
                [(_found(line for line in one.lines if line.id == int(each["line_item_id"])), int(each["quantity"]))],
                str(each.get("restock_type", "no_restock")).upper(),
                place=each.get("location_id"),
            )
            for each in body["refund"]["refund_line_items"]
        ]
        return {"refund": views.refund(one, made[-1])}


def _page(rows: Sequence[tuple[int, Json]], request: Request, response: Response) -> list[Json]:
    """A page by id; the address of the next one stands in the Link header."""
    limit = min(int(request.query_params.get("limit", 50)), MOST)
    token = request.query_params.get("page_info")
    last = int(base64.urlsafe_b64decode(token)) if token else int(request.query_params.get("since_id", 0))
    rest = sorted((row for row in rows if row[0] > last), key=lambda row: row[0])
    page = rest[:limit]
    if len(rest) > limit:
        after = base64.urlsafe_b64encode(str(page[-1][0]).encode()).decode()
        following = request.url.replace(query=f"limit={limit}&page_info={after}")
        response.headers["Link"] = f'<{following}>; rel="next"'
    return [view for _, view in page]


def _found(candidates: Any) -> Any:
    one = next(iter(candidates), None)
    if one is None:
        raise HTTPException(404, "Not Found")
    return one


def _variant(shop: Shop, variant_id: int) -> Variant:
    found: Variant = _found(one for one in [shop.variants.get(variant_id)] if one)
    return found


def _order(shop: Shop, order_id: int) -> Order:
    found: Order = _found(one for one in [shop.orders.get(order_id)] if one)
    return found


def _stocked(shop: Shop, body: Json) -> tuple[Variant, int]:
    one: Variant = _found(one for one in [shop.item(int(body["inventory_item_id"]))] if one)
    place = int(body["location_id"])
    if place not in one.levels:
        raise HTTPException(422, "Inventory item is not stocked at this location")
    return one, place


def _numbers(text: str) -> set[int]:
    return {int(part) for part in text.split(",") if part}
