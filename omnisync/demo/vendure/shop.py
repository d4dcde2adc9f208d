"""A Vendure shop in memory, answering as Vendure 3.7 does; graphql-core runs the operations over plain dictionaries."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync

from omnisync.adapters.client import Transport
from omnisync.clock import Clock
from omnisync.demo.vendure.schema import SDL
from omnisync.torture.wire import Answered, Asked, answering
from omnisync.values import format_time, parse_time

USER, PASSWORD = "sync", "geheim-4711"
SCHEMA = build_schema(SDL)
SETTINGS: dict[str, Any] = {"base_url": "http://shop.test", "username": USER, "password": PASSWORD}
NEXT = {
    "Pending": ["Shipped", "Delivered", "Cancelled"],
    "Shipped": ["Delivered", "Cancelled"],
    "Delivered": ["Cancelled"],
}


def _error(message: str, code: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


@dataclass
class Shop:
    """Variants, orders and sessions. Its clock ticks in whole seconds, as SQLite's does."""

    clock: Clock
    places: tuple[str, ...] = ("1",)
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    last: int = 0
    """The number of the newest order."""
    gross: bool = True
    bearer: bool = True
    stumbles_over: str | None = None
    """A variant whose write ends in a database error."""
    stumbles_over_orders: bool = False
    """Its orders cannot be read at all."""
    asked: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ its people

    def add(self, sku: str, price: int = 3995, stock: int = 10, *, track: str = "TRUE") -> str:
        """Put an article on sale; the id of its variant."""
        id = str(len(self.variants) + 1)
        levels = [{"stockLocationId": place, "stockOnHand": stock, "stockAllocated": 0} for place in self.places]
        self.variants[id] = {
            "id": id, "sku": sku, "name": f"Article {sku}", "productId": id, "trackInventory": track,
            "prices": [{"currencyCode": "EUR", "price": price}], "stockLevels": levels,
        }  # fmt: skip
        return id

    def buy(self, variant: str, quantity: int = 1, *, shipping: str = "standard", placed: bool = True) -> str:
        """A buyer checks out with one article; the order's id."""
        return self.check_out([(variant, quantity)], shipping=shipping, placed=placed)

    def check_out(self, wanted: Sequence[tuple[str, int]], *, shipping: str = "standard", placed: bool = True) -> str:
        """A buyer checks out; the order's id. Its updatedAt is of a moment before its payment."""
        self.last += 1
        id = str(self.last)
        lines = [self._line(f"{id}{number}", variant, n, placed) for number, (variant, n) in enumerate(wanted)]
        total = sum(line["unitPriceWithTax"] * line["quantity"] for line in lines)
        self.orders[id] = {
            "id": id, "code": f"CODE{id}", "type": "Regular", "state": "PaymentSettled" if placed else "AddingItems",
            "orderPlacedAt": format_time(self.clock.now()) if placed else None,
            "updatedAt": format_time(self.clock.now().replace(microsecond=0) - timedelta(seconds=2)), "currencyCode": "EUR",
            "subTotalWithTax": total, "shippingWithTax": 490, "totalWithTax": total + 490,
            "customer": {"firstName": "Erika", "lastName": "Muster", "emailAddress": "kundin@example.org", "phoneNumber": None},
            "shippingAddress": {"fullName": "Erika Muster", "phoneNumber": "+49301234567"},
            "shippingLines": [{"shippingMethod": {"code": shipping}}], "lines": lines, "fulfillments": [],
            "payments": [{"state": "Settled", "amount": total + 490, "refunds": []}],
        }  # fmt: skip
        for variant, quantity in wanted if placed else ():
            self.level(variant)["stockAllocated"] += quantity
        return id

    def _line(self, id: str, variant: str, quantity: int, placed: bool) -> dict[str, Any]:
        found = self.variants[variant]
        return {"id": id, "quantity": quantity, "orderPlacedQuantity": quantity if placed else 0,
                "unitPriceWithTax": found["prices"][0]["price"], "updatedAt": self._second(), "productVariant": found}  # fmt: skip

    def ship(self, order: str, quantity: int, state: str = "Shipped") -> str:
        """A parcel of the order's first line; Vendure takes the pieces from stock when it is packed."""
        line = self.orders[order]["lines"][0]
        level = self.level(line["productVariant"]["id"])
        level["stockOnHand"] -= quantity
        level["stockAllocated"] -= quantity
        parcels = self.orders[order]["fulfillments"]
        lines = [{"orderLineId": line["id"], "quantity": quantity}]
        parcels.append({"id": f"{order}-{len(parcels)}", "state": state, "updatedAt": self._second(), "lines": lines,
                        "nextStates": NEXT[state]})  # fmt: skip
        return str(parcels[-1]["id"])

    def cancel(self, order: str, quantity: int) -> None:
        """Cancel pieces of an order's first line."""
        found = self.orders[order]
        line = found["lines"][0]
        line["quantity"] -= quantity
        line["updatedAt"] = found["updatedAt"] = self._second()
        self.level(line["productVariant"]["id"])["stockAllocated"] -= quantity
        if line["quantity"] == 0:
            found["state"] = "Cancelled"

    def ship_all(self, order: str) -> None:
        """One parcel with all that the order still wants."""
        found = self.orders[order]
        lines = [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in found["lines"]]
        for line in found["lines"]:
            level = self.level(line["productVariant"]["id"])
            level["stockOnHand"] -= line["quantity"]
            level["stockAllocated"] -= line["quantity"]
        found["updatedAt"] = self._second()
        found["fulfillments"].append({"id": f"{order}-0", "state": "Shipped", "updatedAt": self._second(), "lines": lines,
                                      "nextStates": NEXT["Shipped"]})  # fmt: skip

    def cancel_all(self, order: str) -> None:
        """The whole order; what was sent comes back onto the shelf."""
        found = self.orders[order]
        for line in found["lines"]:
            level = self.level(line["productVariant"]["id"])
            level["stockOnHand" if found["fulfillments"] else "stockAllocated"] += (
                line["quantity"] if found["fulfillments"] else -line["quantity"]
            )
            line["quantity"], line["updatedAt"] = 0, self._second()
        found["state"], found["updatedAt"] = "Cancelled", self._second()

    def level(self, variant: str, place: str | None = None) -> dict[str, Any]:
        """Stock of a variant at a place, its first one if none is named."""
        levels = self.variants[variant]["stockLevels"]
        return next(one for one in levels if one["stockLocationId"] == (place or self.places[0]))

    def offered(self, variant: str, place: str | None = None) -> int:
        level = self.level(variant, place)
        return int(level["stockOnHand"] - level["stockAllocated"])

    def _second(self) -> str:
        return format_time(self.clock.now().replace(microsecond=0))

    # ------------------------------------------------------------ its API

    @property
    def transport(self) -> Transport:
        return answering(self._answer)

    def _answer(self, request: Asked) -> Answered:
        wish = json.loads(request.body)
        self.asked.append(wish["query"].split()[1].split("(")[0])
        session = request.headers.get("authorization", "").removeprefix("Bearer ")
        self._made = ""
        before = copy.deepcopy(self.variants)
        result = graphql_sync(SCHEMA, wish["query"], _Root(self, session).fields(), variable_values=wish["variables"])
        if result.errors:
            self.variants = before  # each mutation is one transaction
        headers = {"vendure-auth-token": self._made} if self._made and self.bearer else {}
        return Answered(200, dict(result.formatted), headers)

    def log_in(self, username: str, password: str) -> Mapping[str, Any]:
        if (username, password) != (USER, PASSWORD):
            return {
                "__typename": "InvalidCredentialsError", "errorCode": "INVALID_CREDENTIALS_ERROR",
                "message": "The provided credentials are invalid",
            }  # fmt: skip
        self._made = f"session-{len(self.asked)}"
        self.sessions.add(self._made)
        return {"__typename": "CurrentUser", "id": "1"}

    def write(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        variant = self.variants.get(wish["id"])
        if variant is None:
            raise _error(f'No ProductVariant with the id "{wish["id"]}" could be found', "ENTITY_NOT_FOUND")
        if wish["id"] == self.stumbles_over:
            raise GraphQLError("out of range for type integer")
        for level in wish.get("stockLevels") or ():
            for kept in variant["stockLevels"]:  # of an unknown location nothing is said
                if kept["stockLocationId"] == level["stockLocationId"]:
                    kept["stockOnHand"] = level["stockOnHand"]
        for price in wish.get("prices") or ():
            if price["currencyCode"] != "EUR":
                raise _error(f'The currency "{price["currencyCode"]}" is not available', "USER_INPUT_ERROR")
            variant["prices"] = [dict(price)]
        return variant


@dataclass
class _Root:
    """Vendure's resolvers, for one session."""

    shop: Shop
    session: str

    def fields(self) -> dict[str, Any]:
        """By their names in the schema."""
        names = [name for root in (SCHEMA.query_type, SCHEMA.mutation_type) if root for name in root.fields]
        return {name: getattr(self, re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", name)) for name in names}

    def _allowed(self) -> Shop:
        if self.session not in self.shop.sessions:
            raise _error("You are not currently authorized to perform this action", "FORBIDDEN")
        return self.shop

    def login(self, info: Any, username: str, password: str) -> Any:
        return self.shop.log_in(username, password)

    def active_channel(self, info: Any) -> Any:
        return {"code": "__default_channel__", "defaultCurrencyCode": "EUR", "availableCurrencyCodes": ["EUR"],
                "pricesIncludeTax": self._allowed().gross}  # fmt: skip

    def global_settings(self, info: Any) -> Any:
        return {"trackInventory": True, "outOfStockThreshold": 0, "serverConfig": {"moneyStrategyPrecision": 2}}

    def stock_locations(self, info: Any, options: Any = None) -> Any:
        return _page([{"id": place, "name": f"Place {place}"} for place in self._allowed().places], {})

    def product_variants(self, info: Any, options: Any = None) -> Any:
        return _page(list(self._allowed().variants.values()), options)

    def orders(self, info: Any, options: Any = None) -> Any:
        if self.shop.stumbles_over_orders:
            raise GraphQLError("no such column")
        return _page(list(self._allowed().orders.values()), options)

    def update_product_variants(self, info: Any, input: Any) -> Any:
        shop = self._allowed()
        return [shop.write(wish) for wish in input]

    def add_fulfillment_to_order(self, info: Any, input: Any) -> Any:
        [line] = input["lines"]
        order = next(one for one in self.shop.orders.values() if one["lines"][0]["id"] == line["orderLineId"])
        if (
            sum(parcel["lines"][0]["quantity"] for parcel in order["fulfillments"]) + line["quantity"]
            > (order["lines"][0]["quantity"])
        ):
            return _result("ItemsAlreadyFulfilledError", "ITEMS_ALREADY_FULFILLED_ERROR")
        self.shop.ship(order["id"], line["quantity"], "Pending")
        return {"__typename": "Fulfillment", **order["fulfillments"][-1]}

    def transition_fulfillment_to_state(self, info: Any, id: str, state: str) -> Any:
        [parcel] = [one for order in self.shop.orders.values() for one in order["fulfillments"] if one["id"] == id]
        if state not in parcel["nextStates"]:
            return _result("FulfillmentStateTransitionError", "FULFILLMENT_STATE_TRANSITION_ERROR")
        parcel |= {"state": state, "nextStates": NEXT[state], "updatedAt": self.shop._second()}
        return {"__typename": "Fulfillment", **parcel}

    def cancel_order(self, info: Any, input: Any) -> Any:
        order = self.shop.orders[input["orderId"]]
        self.shop.cancel(order["id"], order["lines"][0]["quantity"])
        return {"__typename": "Order", **order}


def _result(name: str, code: str) -> dict[str, Any]:
    return {"__typename": name, "errorCode": code, "message": f"{name} happened"}


def _page(items: list[dict[str, Any]], options: Any) -> dict[str, Any]:
    options = options or {}
    found = [item for item in items if _fits(item, options.get("filter") or {})]
    start, length = options.get("skip") or 0, options.get("take") or 100
    return {"items": found[start : start + length], "totalItems": len(found)}


def _fits(item: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Vendure's filters, as far as the adapter uses them; a time that is none is after nothing."""
    for name, test in wanted.items():
        match name:
            case "_and":
                fits = all(_fits(item, one) for one in test)
            case "_or":
                fits = any(_fits(item, one) for one in test)
            case _:
                fits = all(_TESTS[kind](item[name], value) for kind, value in test.items())
        if not fits:
            return False
    return True


_TESTS: Mapping[str, Any] = {
    "in": lambda value, wanted: value in wanted,
    "isNull": lambda value, wanted: (value is None) == wanted,
    "after": lambda value, wanted: value is not None and parse_time(value) > parse_time(wanted),
}
