"""The mutations of the simulated Admin API, with Shopify's user errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, get_directive_values

from omnisync.demo.shopify import views
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.things import FulfillmentOrder, Order, Part, Subscription, Variant
from omnisync.values import Money, format_time

Payload = dict[str, Any]
Info = GraphQLResolveInfo[Any]
MOST_QUANTITY = 1_000_000_000
REASONS = {
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_created",
    "other",
    "received",
    "restock",
    "shrinkage",
}


class Writes:
    """What clients may change."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._by_key: dict[str, tuple[Any, Payload]] = {}

    def resolvers(self) -> dict[str, Callable[..., Payload]]:
        """By the name of the mutation."""
        return {
            "inventorySetQuantities": self._once(self.set_quantities),
            "productVariantsBulkUpdate": self.update_variants,
            "fulfillmentCreate": self.fulfil,
            "fulfillmentOrderLineItemsPreparedForPickup": self.prepare,
            "webhookSubscriptionCreate": self.subscribe,
            "webhookSubscriptionDelete": self.unsubscribe,
        }

    def _once(self, write: Callable[..., Payload]) -> Callable[..., Payload]:
        """Under an idempotency key: a success is answered again, a failure has spent the key, other words are refused."""

        def resolve(info: Info, **args: Any) -> Payload:
            key = _idempotency_key(info)
            known = self._by_key.get(key)
            if known is None:
                payload = write(info, **args)
                self._by_key[key] = (args, payload)
                return payload
            if known[0] != args:
                return _failed(
                    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The same idempotency key came with other parameters."
                )
            if known[1]["userErrors"]:
                return _failed("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "A previous request with this key failed.")
            return known[1]

        return resolve

    # ------------------------------------------------------------ stock and prices

    def set_quantities(self, _info: Info, **args: Any) -> Payload:
        """All of them, or none and why."""
        write = args["input"]
        if write["name"] != "available":
            return _failed("INVALID_NAME", "The simulation sets available quantities only.", ["input", "name"])
        if write["reason"] not in REASONS:
            raise GraphQLError(f"{write['reason']} is no reason that the simulation knows")
        pairs = Counter(_pair(one) for one in write["quantities"])
        errors = [error for at, one in enumerate(write["quantities"]) for error in self._faults(at, one, pairs)]
        if errors:
            return {"inventoryAdjustmentGroup": None, "userErrors": errors}
        changes = [self._set(one) for one in write["quantities"]]
        group = {
            "id": views.gid("InventoryAdjustmentGroup", self._shop.next_id()),
            "createdAt": format_time(self._shop.now()),
            "reason": write["reason"],
            "referenceDocumentUri": write.get("referenceDocumentUri"),
            "changes": [change for change in changes if change["delta"]],
        }
        return {"inventoryAdjustmentGroup": group, "userErrors": []}

    def _faults(self, at: int, one: Mapping[str, Any], pairs: Counter[tuple[str, str]]) -> list[Payload]:
        if "changeFromQuantity" not in one:
            raise GraphQLError("changeFromQuantity must be given; null skips the comparison")
        field = ["input", "quantities", str(at)]
        variant = self._shop.item(_number(one["inventoryItemId"]))
        place = _number(one["locationId"])
        checks = [
            (
                variant is None,
                "INVALID_INVENTORY_ITEM",
                "The specified inventory item could not be found.",
                "inventoryItemId",
            ),
            (
                place not in self._shop.locations,
                "INVALID_LOCATION",
                "The specified location could not be found.",
                "locationId",
            ),
            (one["quantity"] < 0, "INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative.", "quantity"),
            (one["quantity"] > MOST_QUANTITY, "INVALID_QUANTITY_TOO_HIGH", "The quantity is too high.", "quantity"),
            (
                pairs[_pair(one)] > 1,
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                "Each pair must be unique.",
                "locationId",
            ),
        ]
        for wrong, code, message, name in checks:
            if wrong:
                return [_error(code, message, [*field, name])]
        return self._level_faults(variant, place, one, field) if variant else []

    def _level_faults(self, variant: Variant, place: int, one: Mapping[str, Any], field: list[str]) -> list[Payload]:
        if variant.bundle:
            return [
                _error(
                    "NON_MUTABLE_INVENTORY_ITEM", "A bundle's inventory can't be adjusted.", [*field, "inventoryItemId"]
                )
            ]
        if place not in variant.levels:
            return [_error("ITEM_NOT_STOCKED_AT_LOCATION", "The item is not stocked there.", [*field, "locationId"])]
        expected = one["changeFromQuantity"]
        if expected is not None and expected != variant.levels[place].available:
            message = "The changeFromQuantity value does not match persisted value."
            return [_error("CHANGE_FROM_QUANTITY_STALE", message, [*field, "changeFromQuantity"])]
        return []

    def _set(self, one: Mapping[str, Any]) -> Payload:
        variant = self._shop.item(_number(one["inventoryItemId"]))
        assert variant is not None, "checked before"
        place = _number(one["locationId"])
        return {
            "name": "available",
            "delta": self._shop.set_available(variant, place, one["quantity"]),
            "quantityAfterChange": one["quantity"],
            "item": views.item(self._shop, variant),
            "location": views.location(self._shop.locations[place]),
        }

    def update_variants(self, _info: Info, **args: Any) -> Payload:
        """The good ones where partial updates are allowed, else all or none."""
        product = _number(args["productId"])
        if product not in {variant.product_id for variant in self._shop.variants.values()}:
            error = _error("PRODUCT_DOES_NOT_EXIST", "Product does not exist", ["productId"])
            return {"productVariants": None, "userErrors": [error]}
        good, errors = [], []
        for at, change in enumerate(args["variants"]):
            variant = self._shop.variants.get(_number(change.get("id") or "0"))
            if variant is None or variant.product_id != product:
                errors.append(
                    _error(
                        "PRODUCT_VARIANT_DOES_NOT_EXIST", "Product variant does not exist", ["variants", str(at), "id"]
                    )
                )
            elif change.get("price") is not None and Money.parse(change["price"], self._shop.currency).minor < 0:
                message = "Price must be greater than or equal to 0"
                errors.append(_error("GREATER_THAN_OR_EQUAL_TO", message, ["variants", str(at), "price"]))
            else:
                good.append((variant, change))
        if errors and not args.get("allowPartialUpdates"):
            return {"productVariants": None, "userErrors": errors}
        for variant, change in good:
            if change.get("price") is not None:
                variant.price = Money.parse(change["price"], self._shop.currency)
        return {"productVariants": [views.variant(self._shop, variant) for variant, _ in good], "userErrors": errors}

    # ------------------------------------------------------------ pickups

    def prepare(self, _info: Info, **args: Any) -> Payload:
        """Ready for pickup; Shopify itself would write to the customer now."""
        errors = []
        for at, wanted in enumerate(args["input"]["lineItemsByFulfillmentOrder"]):
            field = ["input", "lineItemsByFulfillmentOrder", str(at)]
            found = self._fulfillment_order(wanted["fulfillmentOrderId"])
            if found is None or found[1].method != "PICK_UP":
                errors.append(_error("FULFILLMENT_ORDER_INVALID", "The fulfillment order is not valid.", field))
            elif found[1].prepared or not any(part.remaining for part in found[1].parts):
                code = "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"
                errors.append(_error(code, "There are no line items to prepare.", field))
            else:
                found[1].prepared, found[1].status = True, "IN_PROGRESS"
                self._shop.touch(found[0])
        return {"userErrors": errors}

    def fulfil(self, _info: Info, **args: Any) -> Payload:
        """Send or hand over what is named; all of a fulfilment order when no lines are."""
        made: list[Any] = []
        for wanted in args["fulfillment"]["lineItemsByFulfillmentOrder"]:
            found = self._fulfillment_order(wanted["fulfillmentOrderId"])
            if found is None:
                return _no_fulfillment("Fulfillment order does not exist.")
            order, one = found
            parts = _parts(one, wanted.get("fulfillmentOrderLineItems"))
            if parts is None or not parts:
                return _no_fulfillment("Invalid fulfillment order line item quantity requested.")
            made += self._shop.fulfil(order, [(one, part, quantity) for part, quantity in parts])
        return {"fulfillment": views.fulfillment(self._shop, made[0]), "userErrors": []}

    def _fulfillment_order(self, id: str) -> tuple[Order, FulfillmentOrder] | None:
        number = _number(id)
        found = (
            (order, one) for order in self._shop.orders.values() for one in order.fulfillment_orders if one.id == number
        )
        return next(found, None)

    # ------------------------------------------------------------ webhooks

    def subscribe(self, _info: Info, **args: Any) -> Payload:
        """One topic to one address; each pair once."""
        url = args["webhookSubscription"].get("uri") or ""
        topic = _topic(args["topic"])
        taken = any((one.topic, one.url) == (topic, url) for one in self._shop.subscriptions.values())
        if taken or not url:
            message = "Address for this topic has already been taken" if taken else "Address can't be blank"
            return {
                "webhookSubscription": None,
                "userErrors": [{"field": ["webhookSubscription", "uri"], "message": message}],
            }
        one = Subscription(self._shop.next_id(), topic, url, self._shop.now())
        self._shop.subscriptions[one.id] = one
        return {"webhookSubscription": views.subscription(one), "userErrors": []}

    def unsubscribe(self, _info: Info, **args: Any) -> Payload:
        """Gone, or never there."""
        if self._shop.subscriptions.pop(_number(args["id"]), None) is None:
            missing = {"field": ["id"], "message": "Webhook subscription does not exist"}
            return {"deletedWebhookSubscriptionId": None, "userErrors": [missing]}
        return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}


def _parts(one: FulfillmentOrder, wanted: Sequence[Mapping[str, Any]] | None) -> list[tuple[Part, int]] | None:
    """The parts meant and how many of each; None when more is wanted than is left."""
    if not wanted:
        return [(part, part.remaining) for part in one.parts if part.remaining]
    by_id = {part.id: part for part in one.parts}
    chosen = [(by_id.get(_number(each["id"])), int(each["quantity"])) for each in wanted]
    known = [(part, quantity) for part, quantity in chosen if part is not None and 0 < quantity <= part.remaining]
    return known if len(known) == len(chosen) else None


def _topic(name: str) -> str:
    """ORDERS_CREATE -> orders/create, INVENTORY_LEVELS_UPDATE -> inventory_levels/update."""
    subject, _, verb = name.lower().rpartition("_")
    return f"{subject}/{verb}"


def _idempotency_key(info: Info) -> str:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None, "our schema has it"
    given = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if given is None:
        raise GraphQLError("The @idempotent directive is required for this mutation but was not provided.")
    if not given["key"].strip():
        raise GraphQLError("The idempotency key cannot be empty.")
    return str(given["key"])


def _pair(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["inventoryItemId"], one["locationId"]


def _number(id: str) -> int:
    text = id.rsplit("/", 1)[-1]
    return int(text) if text.isdecimal() else 0


def _error(code: str, message: str, field: Sequence[str] | None = None) -> Payload:
    return {"code": code, "message": message, "field": list(field) if field else None}


def _failed(code: str, message: str, field: Sequence[str] | None = None) -> Payload:
    return {"inventoryAdjustmentGroup": None, "userErrors": [_error(code, message, field)]}


def _no_fulfillment(message: str) -> Payload:
    return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": message}]}
