"""The Sell APIs of the simulation: inventory items, offers, bulk revisions, orders, packages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync import routes
from omnisync.demo.ebay import words
from omnisync.demo.ebay.shop import Order, Refusal, Shop
from omnisync.routes import Late
from omnisync.values import Money, parse_time

INVENTORY = "/sell/inventory/v1"
FULFILLMENT = "/sell/fulfillment/v1"
BULK = 25
MAX_LIMIT = 200

Json = dict[str, Any]

_FILTER = re.compile(r"(?P<name>creationdate|lastmodifieddate):\[(?P<start>[^.]+\.\d{3}Z)\.\.(?P<end>[^\]]*)\]")


def add_selling(app: FastAPI, shop: Shop) -> None:
    """Give the app the seller's endpoints."""
    routes.add(app, _inventory(shop), _fulfillment(shop))


# ---------------------------------------------------------------- inventory


def _inventory(shop: Shop) -> APIRouter:
    router = APIRouter(prefix=INVENTORY, route_class=Late)

    @router.get("/inventory_item")
    async def items(limit: str = "25", offset: str = "0") -> Json:
        size, number = _number("limit", limit, 1, MAX_LIMIT, 25706), _number("offset", offset, 0, None, 25706)
        found = [words.inventory_item(offer) for offer in shop.offers.values()]
        rows = found[number * size : (number + 1) * size]
        step = 1 if (number + 1) * size < len(found) else 0
        path = f"{INVENTORY}/inventory_item"
        said = words.page(path, rows, name="inventoryItems", total=len(found), limit=size, offset=number, step=step)
        return said | {"size": -(-len(found) // size)}

    @router.get("/inventory_item/{sku}")
    async def item(sku: str) -> Json:
        return words.inventory_item(_offer(shop, sku))

    @router.post("/bulk_get_inventory_item")
    async def bulk_get(request: Request) -> Response:
        asked = _requests(await _json(request), 25727)
        if len({str(one.get("sku")) for one in asked}) < len(asked):
            raise Refusal(25734, "SKU should be unique in the request.")
        said = [_answered(shop, str(one.get("sku", ""))) for one in asked]
        return _multi(said)

    @router.get("/offer")
    async def offers(sku: str = "", limit: str = "25", offset: str = "0", format: str = "FIXED_PRICE") -> Json:
        if not sku:
            raise Refusal(25709, "Invalid value for sku.")
        found = shop.offers.get(sku)
        if found is None:
            raise Refusal(25713, "This Offer is not available.", status=404)
        rows = [words.offer_details(found)] if format == "FIXED_PRICE" else []
        size = _number("limit", limit, 1, MAX_LIMIT, 25706)
        said = words.page(
            f"{INVENTORY}/offer", rows, name="offers", total=len(rows), limit=size, offset=0, step=0, sku=sku
        )
        return said | {"size": len(rows)}

    @router.post("/bulk_update_price_quantity")
    async def bulk_update(request: Request) -> Response:
        asked = _requests(await _json(request), 25709)
        offer_ids = [str(offer.get("offerId")) for one in asked for offer in one.get("offers") or ()]
        if len(set(offer_ids)) < len(offer_ids):
            raise Refusal(25002, "Any User error. An offerId stands twice in this request.")
        return _multi([answer for one in asked for answer in _revised(shop, one)])

    return router


def _offer(shop: Shop, sku: str) -> Any:
    if sku not in shop.offers:
        raise Refusal(25702, f"SKU {sku} could not be found or is not available in the system.", status=404)
    return shop.offers[sku]


def _answered(shop: Shop, sku: str) -> Json:
    try:
        return {"statusCode": 200, "sku": sku, "inventoryItem": words.inventory_item(_offer(shop, sku))}
    except Refusal as refusal:
        return {"statusCode": refusal.status, "sku": sku, **words.errors(refusal)}


def _revised(shop: Shop, one: Mapping[str, Any]) -> list[Json]:
    """One SKU's revision and what is said about it: a line for each offer named, or one for the item alone."""
    named = [dict(offer) for offer in one.get("offers") or ()]
    sku = str(one.get("sku") or _sku_of(shop, named))
    try:
        _revise(shop, sku, one, named)
        said: Json = {"statusCode": 200}
    except Refusal as refusal:
        said = {"statusCode": refusal.status, **words.errors(refusal)}
    offer_ids = [str(offer.get("offerId")) for offer in named]
    return [{**said, "sku": sku, "offerId": offer_id} for offer_id in offer_ids] or [{**said, "sku": sku}]


def _sku_of(shop: Shop, named: list[Json]) -> str:
    ids = {str(offer.get("offerId")) for offer in named}
    return next((offer.sku for offer in shop.offers.values() if offer.offer_id in ids), "")


def _revise(shop: Shop, sku: str, one: Mapping[str, Any], named: list[Json]) -> None:
    offer = _offer(shop, sku)
    if any(str(given.get("offerId")) != offer.offer_id for given in named):
        raise Refusal(25713, "This Offer is not available.", status=404)
    if named and not offer.published:
        raise Refusal(25002, "Any User error. The offer is not published.")
    home = (one.get("shipToLocationAvailability") or {}).get("quantity")
    given = named[0] if named else {}
    price = given.get("price")
    shop.revise(
        offer,
        home=_pieces(home),
        own=_pieces(given.get("availableQuantity")),
        price=_money(price) if price is not None else None,
    )


def _pieces(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Refusal(25709, "Invalid value for quantity. It must be a whole number")


def _money(price: Any) -> Money:
    try:
        return Money.parse(str(price["value"]), str(price["currency"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(25709, f"Invalid value for price. {error}") from error


def _requests(body: Json, too_many: int) -> list[Json]:
    asked = body.get("requests")
    if not isinstance(asked, list) or not asked or not all(isinstance(one, dict) for one in asked):
        raise Refusal(25709, "Invalid value for requests.")
    if len(asked) > BULK:
        raise Refusal(too_many, f"Invalid value for requests. There cannot be more than {BULK}.")
    return asked


def _multi(responses: list[Json]) -> Response:
    mixed = any(one["statusCode"] != 200 for one in responses)
    return JSONResponse({"responses": responses}, 207 if mixed else 200)


# ---------------------------------------------------------------- fulfillment


def _fulfillment(shop: Shop) -> APIRouter:
    router = APIRouter(prefix=FULFILLMENT, route_class=Late)

    @router.get("/order")
    async def orders(filter: str = "", limit: str = "50", offset: str = "0") -> Json:
        size, start = _number("limit", limit, 1, MAX_LIMIT, 31100), _number("offset", offset, 0, None, 31000)
        fits = _window(filter, shop.clock.now())
        found = [order for order in shop.orders.values() if order.paid and fits(order)]
        rows = [words.order(order) for order in found[start : start + size]]
        step = size if start + size < len(found) else 0
        path = f"{FULFILLMENT}/order"
        said = words.page(
            path, rows, name="orders", total=len(found), limit=size, offset=start, step=step, filter=filter
        )
        return said | {"offset": start}

    @router.get("/order/{order_id}")
    async def order(order_id: str) -> Json:
        return words.order(shop.visible(order_id))

    @router.get("/order/{order_id}/shipping_fulfillment")
    async def packages(order_id: str) -> Json:
        rows = [words.package(package) for package in shop.visible(order_id).packages]
        return {"fulfillments": rows, "total": len(rows)}

    @router.post("/order/{order_id}/shipping_fulfillment")
    async def ship(order_id: str, request: Request) -> Response:
        body = await _json(request)
        pieces = _shipped(body.get("lineItems"))
        carrier, tracking = str(body.get("shippingCarrierCode", "")), str(body.get("trackingNumber", ""))
        if bool(carrier) != bool(tracking):
            raise Refusal(32300, "Invalid shipment tracking number or carrier", domain="API_FULFILLMENT")
        package = shop.ship(order_id, pieces, carrier=carrier, tracking=tracking)
        place = f"{words.API}{FULFILLMENT}/order/{order_id}/shipping_fulfillment/{package.id}"
        return JSONResponse({}, 201, {"Location": place})

    return router


def _shipped(lines: Any) -> dict[str, int]:
    try:
        pieces = {str(line["lineItemId"]): int(line.get("quantity", 1)) for line in lines}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refusal(32600, "Invalid input data", domain="API_FULFILLMENT") from error
    if len(pieces) < max(1, len(lines)):
        raise Refusal(32210, "Duplicate line item in the request", domain="API_FULFILLMENT")
    return pieces


def _window(text: str, now: datetime) -> Callable[[Order], bool]:
    """Which orders a filter lets through; both ends of a window belong to it."""
    if not text:
        return lambda order: True
    found = _FILTER.fullmatch(text)
    if not found:
        raise Refusal(30800, f"Invalid filter value {text}", domain="API_FULFILLMENT")
    start = parse_time(found["start"])
    end = parse_time(found["end"]) if found["end"] else now
    if start > now or end > now:
        raise Refusal(30850, "Start and end dates can't be in the future", domain="API_FULFILLMENT")
    if start > end:
        raise Refusal(30840, "Start date should be before end date", domain="API_FULFILLMENT")
    field = "created" if found["name"] == "creationdate" else "modified"
    return lambda order: start <= _whole_millis(getattr(order, field)) <= end


def _whole_millis(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# ---------------------------------------------------------------- both


def _number(name: str, text: str, least: int, most: int | None, error_id: int) -> int:
    value = int(text) if text.isdigit() else -1
    if value < least or (most is not None and value > most):
        raise Refusal(error_id, f"Invalid {name}: {text}")
    return value


async def _json(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError as error:
        raise Refusal(25709, "Invalid request. It is no JSON") from error
    if not isinstance(body, dict):
        raise Refusal(25709, "Invalid request. It is no object")
    return body
