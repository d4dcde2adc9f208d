"""What each address of the Admin API does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.demo.shopware import search
from omnisync.demo.shopware.problems import BLANK, WRONG_TYPE, Problem, not_found, problem, violation
from omnisync.demo.shopware.shop import DEFAULT_CURRENCY, Shop
from omnisync.values import Money

NEEDED = ("productNumber", "name", "taxId", "price", "stock")
"""What a product cannot be made without."""
PRICE: Mapping[str, type | tuple[type, ...]] = {
    "currencyId": str,
    "gross": (int, float),
    "net": (int, float),
    "linked": bool,
}


def find(shop: Shop, entity: str, criteria: Mapping[str, Any], *, inherit: bool) -> dict[str, Any]:
    """`POST /search/{entity}`"""
    try:
        rows = shop.rows(entity, inherit=inherit)
    except KeyError:
        detail = f'Definition for entity "{entity}" does not exist.'
        raise problem(404, "FRAMEWORK__DEFINITION_NOT_FOUND", "Not Found", detail) from None
    found, total = search.select(rows, criteria)
    shown = search.shown(found, criteria.get("associations") or {}, criteria.get("includes") or {})
    return {"total": total, "data": shown, "aggregations": []}


def sync(shop: Shop, operations: Any) -> dict[str, Any]:
    """`POST /_action/sync`: all of it, or nothing and each fault with its place."""
    named = operations.items() if isinstance(operations, dict) else enumerate(operations)
    lines, faults = [], []
    for key, operation in named:
        if operation.get("entity") != "product" or operation.get("action") != "upsert":
            raise problem(400, "FRAMEWORK__INVALID_SYNC_OPERATION", "Bad Request", "Only products are simulated.")
        for index, line in enumerate(operation["payload"]):
            lines.append(line)
            faults += _faults(shop, line, f"/{key}/{index}")
    if faults:
        raise Problem(400, faults)
    return {
        "data": {"product": [_upsert(shop, line) for line in lines]},
        "notFound": [],
        "deleted": [],
        "extensions": [],
    }


def _faults(shop: Shop, line: Mapping[str, Any], at: str) -> list[dict[str, Any]]:
    missing = [] if line.get("id") in shop.products else [name for name in NEEDED if line.get(name) is None]
    found = [violation(f"{at}/{name}", BLANK, "This value should not be blank.") for name in missing]
    if "stock" in line and type(line["stock"]) is not int:
        found.append(violation(f"{at}/stock", WRONG_TYPE, "This value should be of type int."))
    prices = line.get("price")
    if prices is not None:
        whole = all(isinstance(one.get(name), kind) for one in prices for name, kind in PRICE.items())
        if not whole or DEFAULT_CURRENCY not in [one.get("currencyId") for one in prices]:
            detail = "No price for default currency defined"
            found.append(violation(f"{at}/price", "88ed7a79-f0f5-4bc9-b4fc-ee83bb90ebe4", detail))
    return found


def _upsert(shop: Shop, line: Mapping[str, Any]) -> str:
    product = shop.products.get(line.get("id", ""))
    if product is None:
        product = shop.add_product(line["productNumber"], line["name"], Money(0, shop.seed.currency))
    shop.write_product(product, line)
    return product.id


def change(shop: Shop, entity: str, id: str, wish: Mapping[str, Any]) -> None:
    """`PATCH /{entity}/{id}`"""
    if entity == "product" and id in shop.products:
        sync(shop, [{"entity": "product", "action": "upsert", "payload": [{**wish, "id": id}]}])
    elif entity == "webhook" and id in shop.app.hooks:
        hook = shop.app.hooks[id]
        if hook.app and shop.app.refuses_changes:
            detail = f"The webhook {id} belongs to an app and cannot be changed."
            raise problem(403, "FRAMEWORK__WEBHOOK_APP_NOT_MODIFIABLE", "Forbidden", detail)
        hook.active = bool(wish.get("active", hook.active))
    else:
        raise not_found(entity, id)


def move(shop: Shop, entity: str, id: str, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """`POST /_action/{entity}/{id}/state/{action}`"""
    state = shop.transition(entity, id, action, mail=bool(body.get("sendMail", True)))
    return {"technicalName": state, "apiAlias": "state_machine_state"}
