"""`POST /admin/api/2026-07/graphql.json`: parses, validates, prices and executes operations against the shop."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from omnisync.demo.shopify import cost, views
from omnisync.demo.shopify.schema import SDL
from omnisync.demo.shopify.shop import Shop
from omnisync.demo.shopify.writes import Writes
from omnisync.values import format_time, parse_time

SCOPES = (
    "write_products",
    "write_inventory",
    "read_orders",
    "read_locations",
    "write_merchant_managed_fulfillment_orders",
)
_NAME = re.compile(r"name:'([^']+)'(?: OR |$)")
_SINCE = re.compile(r"updated_at:>='?([^']+?)'?\s*$")

Answer = dict[str, Any]


class Api:
    """Executes operations for one shop."""

    def __init__(self, shop: Shop, bucket: cost.Bucket) -> None:
        self._shop, self._bucket = shop, bucket
        self.schema = build_schema(SDL)
        self._understand = lru_cache(256)(self._parse)
        self._root = {**self._reads(), **Writes(shop).resolvers()}

    def run(self, query: str, variables: Mapping[str, Any]) -> Answer:
        """The body of the answer; its status is 200 whatever happens, as Shopify's is."""
        document, faults = self._understand(query)
        if document is None or faults:
            return {"errors": [fault.formatted for fault in faults]}
        price = cost.requested(document, variables)
        if price > cost.MOST_PER_OPERATION:
            return _refused(
                "MAX_COST_EXCEEDED", f"Query cost is {price}, which exceeds the single query max cost limit"
            )
        if price > self._bucket.points():
            return self.throttled(price)
        return self._answer(self.execute(document, variables), price)

    def execute(self, document: DocumentNode, variables: Mapping[str, Any]) -> ExecutionResult:
        """The bare result."""
        return execute_sync(self.schema, document, root_value=self._root, variable_values=dict(variables))

    def _parse(self, query: str) -> tuple[DocumentNode | None, Sequence[GraphQLError]]:
        try:
            document = parse(query)
        except GraphQLSyntaxError as error:
            return None, [error]
        return document, validate(self.schema, document)

    def throttled(self, price: float, available: float | None = None) -> Answer:
        """Too many points asked for, too fast."""
        answer = _refused("THROTTLED", "Throttled")
        answer["extensions"] = {"cost": self._cost(price, None, available)}
        return answer

    def _answer(self, result: ExecutionResult, price: float) -> Answer:
        used = cost.actual(result.data)
        self._bucket.pay(used)
        answer: Answer = {"data": result.data, "extensions": {"cost": self._cost(price, used)}}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return answer

    def _cost(self, price: float, used: float | None, available: float | None = None) -> Answer:
        return {
            "requestedQueryCost": price,
            "actualQueryCost": used,
            "throttleStatus": self._bucket.status(available),
        }

    # ------------------------------------------------------------ reads

    def _reads(self) -> dict[str, Any]:
        shop = self._shop
        return {
            "shop": lambda _info: {
                "id": views.gid("Shop", 1),
                "name": shop.name,
                "myshopifyDomain": shop.name,
                "currencyCode": shop.currency,
            },
            "currentAppInstallation": lambda _info: {
                "id": views.gid("AppInstallation", 1),
                "accessScopes": [{"handle": scope} for scope in SCOPES],
            },
            "node": lambda _info, id: views.node(shop, id),
            "nodes": lambda _info, ids: [views.node(shop, id) for id in ids],
            "order": lambda _info, id: views.node(shop, id),
            "inventoryItem": lambda _info, id: views.node(shop, id),
            "orders": self._orders,
            "locations": lambda info, **args: views.by_id(
                [view for one in shop.locations.values() if (view := views.location(one))]
            )(info, **args),
            "productVariants": lambda info, **args: views.connection(
                (("", one.id), partial(views.variant, shop, one)) for one in shop.variants.values()
            )(info, **args),
            "webhookSubscriptions": lambda info, **args: views.by_id(
                views.subscription(one) for one in shop.subscriptions.values()
            )(info, **args),
        }

    def _orders(self, info: Any, **args: Any) -> views.View:
        """Orders since a moment, by the time of their last change, or by their names: the only searches that are simulated."""
        since, asked = "", args.get("query") or ""
        names = set(_NAME.findall(asked))
        if asked and not names:
            found = _SINCE.match(asked)
            if found is None:
                raise GraphQLError("the simulation knows only updated_at:>='...' and name:'...' OR name:'...'")
            since = format_time(parse_time(found[1]).replace(microsecond=0))
        by_update = args.get("sortKey") == "UPDATED_AT"
        rows = (
            (
                (format_time(one.updated_at if by_update else one.created_at), one.id),
                partial(views.order, self._shop, one),
            )
            for one in self._shop.orders.values()
            if format_time(one.updated_at) >= since and (not names or one.name in names)
        )
        return views.connection(rows)(info, first=args.get("first"), after=args.get("after"))


def _refused(code: str, message: str) -> Answer:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
