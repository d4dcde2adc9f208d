"""What each address of the REST API does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from omnisync.demo.woocommerce import reading, views
from omnisync.demo.woocommerce.problems import Problem, invalid
from omnisync.demo.woocommerce.shop import Shop, order_of
from omnisync.demo.woocommerce.things import Hook, Order, Product
from omnisync.demo.woocommerce.webhooks import TOPICS
from omnisync.values import Money

BATCH = 100
STATUSES = frozenset({"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"})
TYPES = {"stock_quantity": int, "manage_stock": bool, "regular_price": str}


class Ask(Protocol):
    """One request."""

    @property
    def path(self) -> Mapping[str, str]: ...
    @property
    def query(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def _paged(found: reading.Pages, shown: list[dict[str, Any]]) -> Answer:
    return Answer(shown, 200, {"X-WP-Total": str(found.total), "X-WP-TotalPages": str(found.pages)})


# ---------------------------------------------------------------- products


def products(shop: Shop, ask: Ask) -> Answer:
    rows = [one for one in shop.products.values() if one.type != "variation"]
    found = reading.select(rows, ask.query)
    return _paged(found, [shop.view(one) for one in found.rows])


def product(shop: Shop, ask: Ask) -> Answer:
    return Answer(shop.view(_product(shop, ask.path["id"])))


def change_product(shop: Shop, ask: Ask) -> Answer:
    found = _product(shop, ask.path["id"])
    _check(ask.body)
    shop.change_product(found, ask.body)
    return Answer(shop.view(found))


def variations(shop: Shop, ask: Ask) -> Answer:
    parent = int(ask.path["product"])
    found = reading.select([one for one in shop.products.values() if one.parent_id == parent and parent], ask.query)
    return _paged(found, [views.variation(one) for one in found.rows])


def batch_of_products(shop: Shop, ask: Ask) -> Answer:
    return _batch(shop, ask, lambda id: _product(shop, id), shop.view)


def batch_of_variations(shop: Shop, ask: Ask) -> Answer:
    parent = int(ask.path["product"])

    def find(id: str) -> Product:
        found = shop.products.get(int(id))
        if found is None or not parent or found.parent_id != parent:
            raise Problem("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", 400)
        return found

    return _batch(shop, ask, find, views.variation)


def _batch(shop: Shop, ask: Ask, find: Callable[[str], Product], view: Callable[[Product], dict[str, Any]]) -> Answer:
    """Line by line, without the checks that a single request gets; a refused one spoils no other."""
    wishes = ask.body.get("update") or []
    if len(wishes) > BATCH:
        told = f"Unable to accept more than {BATCH} items for this request."
        raise Problem("woocommerce_rest_request_entity_too_large", told, 413)
    answers = []
    for wish in wishes:
        try:
            one = find(str(wish["id"]))
            shop.change_product(one, wish)
            answers.append(view(one))
        except Problem as problem:
            answers.append({"id": wish["id"], "error": problem.body()})
    return Answer({"update": answers})


def _product(shop: Shop, id: str) -> Product:
    found = shop.products.get(int(id)) if id.isdecimal() else None
    if found is None:
        raise Problem("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
    return found


def _check(body: Mapping[str, Any]) -> None:
    for name, kind in TYPES.items():
        if name in body and type(body[name]) is not kind:
            wanted = {int: "integer", bool: "boolean", str: "string"}[kind]
            raise invalid(name, f"is not of type {wanted}")


# ---------------------------------------------------------------- orders


def orders(shop: Shop, ask: Ask) -> Answer:
    binned = ask.query.get("status") == "trash"
    rows = [one for one in shop.orders.values() if (one.status == "trash") is binned]
    found = reading.select(rows, ask.query)
    return _paged(found, [views.order(one, shop.seed.currency) for one in found.rows])


def order(shop: Shop, ask: Ask) -> Answer:
    return Answer(views.order(order_of(shop, ask.path["id"]), shop.seed.currency))


def make_order(shop: Shop, ask: Ask) -> Answer:
    lines = [
        (_product(shop, str(one.get("variation_id") or one["product_id"])), int(one["quantity"]))
        for one in ask.body.get("line_items") or ()
    ]
    made = shop.place(lines, status=_status(ask.body.get("status") or "pending"))
    if ask.body.get("set_paid"):
        shop.set_status(made, "processing")
    return Answer(views.order(made, shop.seed.currency), 201)


def change_order(shop: Shop, ask: Ask) -> Answer:
    found = order_of(shop, ask.path["id"])
    shop.set_status(found, _status(ask.body.get("status") or found.status))
    return Answer(views.order(found, shop.seed.currency))


def delete_order(shop: Shop, ask: Ask) -> Answer:
    found = order_of(shop, ask.path["id"])
    shop.trash(found)
    if reading.flag(ask.query, "force"):
        del shop.orders[found.id]
    return Answer(views.order(found, shop.seed.currency))


def refunds(shop: Shop, ask: Ask) -> Answer:
    found = order_of(shop, ask.path["id"])
    return Answer([views.refund(one, found) for one in reversed(found.refunds)] if _first_page(ask) else [])


def make_refund(shop: Shop, ask: Ask) -> Answer:
    """`api_restock` puts back what the refund's own lines say."""
    found = order_of(shop, ask.path["id"])
    pieces = {int(one["id"]): int(one["quantity"]) for one in ask.body.get("line_items") or () if one.get("quantity")}
    amount = Money.parse(str(ask.body["amount"]), shop.seed.currency)
    restock = bool(ask.body.get("api_restock", True))
    made = shop.give_back(found, amount, pieces, restock=restock, reason=str(ask.body.get("reason") or ""))
    return Answer(views.refund(made, found), 201)


def notes(shop: Shop, ask: Ask) -> Answer:
    wanted = ask.query.get("type", "any")
    found = order_of(shop, ask.path["id"]).notes
    return Answer([one for one in found if wanted == "any" or one["customer_note"] == (wanted == "customer")])


def make_note(shop: Shop, ask: Ask) -> Answer:
    found: Order = order_of(shop, ask.path["id"])
    note = {"id": shop.next_id(), "author": "WooCommerce", **views.dates("date_created", shop.now())}
    made = {**note, "note": str(ask.body["note"]), "customer_note": bool(ask.body.get("customer_note"))}
    found.notes.append(made)
    return Answer(made, 201)


def _status(text: str) -> str:
    if text not in STATUSES:
        raise invalid("status", f"is not one of {', '.join(sorted(STATUSES))}")
    return text


def _first_page(ask: Ask) -> bool:
    return int(ask.query.get("page", 1)) == 1


# ---------------------------------------------------------------- webhooks and options


def webhooks(shop: Shop, ask: Ask) -> Answer:
    wanted = ask.query.get("status", "all")
    rows = [hook for hook in shop.webhooks.hooks.values() if wanted in ("all", hook.status)]
    found = reading.select(rows, ask.query)
    return _paged(found, [views.webhook(one) for one in found.rows])


def make_webhook(shop: Shop, ask: Ask) -> Answer:
    if ask.body.get("topic") not in TOPICS:
        raise Problem("woocommerce_rest_webhook_invalid_topic", "Webhook topic is required and must be valid.")
    if not str(ask.body.get("delivery_url", "")).startswith("http"):
        told = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise Problem("woocommerce_rest_webhook_invalid_delivery_url", told)
    given = [str(ask.body.get(name) or "") for name in ("name", "topic", "delivery_url", "secret")]
    return Answer(views.webhook(shop.webhooks.add(*given)), 201)


def change_webhook(shop: Shop, ask: Ask) -> Answer:
    """Switched on again, it starts counting anew."""
    found = _webhook(shop, ask)
    for name in ("name", "status", "secret"):
        setattr(found, name, ask.body.get(name, getattr(found, name)))
    if ask.body.get("status") == "active":
        found.failures = 0
        shop.webhooks.ping(found)
    found.modified = shop.now()
    return Answer(views.webhook(found))


def delete_webhook(shop: Shop, ask: Ask) -> Answer:
    if not reading.flag(ask.query, "force"):
        raise Problem("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
    found = _webhook(shop, ask)
    del shop.webhooks.hooks[found.id]
    return Answer(views.webhook(found))


def _webhook(shop: Shop, ask: Ask) -> Hook:
    found = shop.webhooks.hooks.get(int(ask.path["id"]))
    if found is None:
        raise Problem("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
    return found


def option(shop: Shop, ask: Ask) -> Answer:
    id = ask.path["id"]
    if id not in shop.options:
        raise Problem("rest_setting_setting_invalid", "Invalid setting.", 404)
    return Answer({"id": id, "value": shop.options[id], "group_id": ask.path["group"]})


Endpoint = Callable[[Shop, Ask], Answer]
ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "products"): products,
    ("POST", "products/batch"): batch_of_products,
    ("GET", "products/{id}"): product,
    ("PUT", "products/{id}"): change_product,
    ("GET", "products/{product}/variations"): variations,
    ("POST", "products/{product}/variations/batch"): batch_of_variations,
    ("GET", "orders"): orders,
    ("POST", "orders"): make_order,
    ("GET", "orders/{id}"): order,
    ("PUT", "orders/{id}"): change_order,
    ("DELETE", "orders/{id}"): delete_order,
    ("GET", "orders/{id}/refunds"): refunds,
    ("POST", "orders/{id}/refunds"): make_refund,
    ("GET", "orders/{id}/notes"): notes,
    ("POST", "orders/{id}/notes"): make_note,
    ("GET", "webhooks"): webhooks,
    ("POST", "webhooks"): make_webhook,
    ("PUT", "webhooks/{id}"): change_webhook,
    ("DELETE", "webhooks/{id}"): delete_webhook,
    ("GET", "settings/{group}/{id}"): option,
}
"""Method and address below the API's root."""
