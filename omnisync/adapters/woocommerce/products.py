"""Products and their variations: what is listed, and what is shown for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar

from omnisync.adapters.base import Article, LevelSeen, Listing, ListingPage, Target
from omnisync.adapters.woocommerce.keyset import Mark
from omnisync.adapters.woocommerce.orders import external_id
from omnisync.adapters.woocommerce.wire import PAGE, Json, Wire
from omnisync.values import Money

PRODUCTS_AT_ONCE = 50
"""The variations of each variable product are a call of their own."""
AT_ONCE = 4
"""Calls side by side: a small host has not many more workers."""
WITHOUT_STOCK = frozenset({"grouped", "external"})
UNLIMITED = 999_999
"""What a product offers whose stock the shop does not count, and which is in stock."""
FIELDS = "id,parent_id,type,sku,name,status,manage_stock,stock_quantity,stock_status,regular_price,global_unique_id"
LISTED = f"{FIELDS},date_created_gmt,variations"

T = TypeVar("T")


class Products:
    """The catalogue of one shop."""

    def __init__(self, wire: Wire, currency: str) -> None:
        self._wire, self._currency = wire, currency

    async def listings(self, cursor: str | None) -> ListingPage:
        """A page of published products in the order they were made, each with its variations."""
        mark = Mark.parse(cursor) if cursor else Mark()
        filters = mark.params("after")
        found = await self._wire.page(
            "products",
            status="publish",
            orderby="date",
            order="asc",
            per_page=PRODUCTS_AT_ONCE,
            _fields=LISTED,
            **filters,
        )
        variable = [product for product in found if product["type"] == "variable"]
        variations = await side_by_side(self._variations(str(one["id"])) for one in variable)
        of = {one["id"]: parts for one, parts in zip(variable, variations, strict=True)}
        listings = [listing for product in found for listing in listings_of(product, of.get(product["id"], ()))]
        more = len(found) >= PRODUCTS_AT_ONCE
        return ListingPage(listings, mark.after(found, "date_created_gmt").cursor() if more else None, more)

    async def look(self, targets: Sequence[Target]) -> list[LevelSeen]:
        """Products together, variations by their product."""
        reads = []
        for product, ids in by_product(target.external_id for target in targets).items():
            path = f"products/{product}/variations" if product else "products"
            reads += [self._some(path, ids[at : at + PAGE]) for at in range(0, len(ids), PAGE)]
        wanted = {target.external_id for target in targets}
        seen = [self.level(node) for found in await side_by_side(reads) for node in found]
        return [level for level in seen if level.article.external_id in wanted]

    async def read(self, id: str) -> list[LevelSeen]:
        """One product or variation by its own id; empty when it is gone."""
        node = await self._wire.get(f"products/{id}", _fields=FIELDS)
        if node is None or not _has_a_level(node):
            return []
        # Products of old shops name the group that they are shown in as their parent.
        return [self.level(node if node["type"] == "variation" else {**node, "parent_id": 0})]

    def level(self, node: Json) -> LevelSeen:
        """What buyers can take of it now; below zero where the shop sold on backorder."""
        parent, own = int(node["parent_id"]), int(node["id"])
        return LevelSeen(
            article=Article(external_id(parent, own) if parent else str(own), node["sku"] or None),
            quantity=quantity_of(node),
            price=price_of(node, self._currency),
        )

    async def _variations(self, product: str) -> list[Json]:
        path = f"products/{product}/variations"
        found = await self._wire.all_pages(path, orderby="id", order="asc", _fields=FIELDS)
        return [{**node, "parent_id": int(product)} for node in found]

    async def _some(self, path: str, ids: Sequence[str]) -> list[Json]:
        found = await self._wire.page(path, include=ids, per_page=PAGE, _fields=FIELDS)
        # WooCommerce 7 does not say of a variation whose it is; its address did.
        parent = path.split("/")[1] if "/" in path else "0"
        return [{**node, "parent_id": int(parent)} for node in found]


def _has_a_level(node: Json) -> bool:
    """A variable product has one where its variations share it."""
    return node["type"] not in WITHOUT_STOCK and (node["type"] != "variable" or node["manage_stock"] is True)


def quantity_of(node: Json) -> int:
    """The shop's own number; without one whatever its stock status lets buyers take."""
    if node.get("stock_quantity") is not None:
        return int(node["stock_quantity"] // 1)
    return 0 if node.get("stock_status") == "outofstock" else UNLIMITED


def price_of(node: Json, currency: str) -> Money | None:
    """The regular price, the one that is written: a sale price is the shop's own campaign."""
    try:
        return Money.parse(str(node["regular_price"]), currency)
    except (KeyError, ValueError):
        return None


def listings_of(product: Json, variations: Sequence[Json]) -> list[Listing]:
    """A product, or each of its variations; and itself where it counts the stock of variations that have no SKU of their own."""
    if product["type"] in WITHOUT_STOCK:
        return []
    if product["type"] != "variable":
        return [_listing(product, str(product["id"]), str(product["name"]))]
    shared = [one for one in variations if one.get("manage_stock") == "parent" and one["sku"] in ("", product["sku"])]
    own = [one for one in variations if one not in shared]
    name = str(product["name"])
    whole = [_listing(product, str(product["id"]), name)] if shared else []
    # A variation's own name is but the values of its attributes, and missing before WooCommerce 8.
    return whole + [
        _listing(one, external_id(product["id"], one["id"]), f"{name} {one.get('name') or ''}".strip()) for one in own
    ]


def _listing(node: Json, id: str, title: str) -> Listing:
    barcode = node.get("global_unique_id") or None
    return Listing(id, sku=node["sku"] or None, barcode=barcode, title=title, extra={"product": id.partition(":")[0]})


def by_product(ids: Iterable[str]) -> dict[str, list[str]]:
    """Ids to ask for by the product whose variations they are; those of products themselves under an empty name."""
    found: dict[str, list[str]] = {}
    for id in ids:
        product, _, variation = id.partition(":")
        found.setdefault(product if variation else "", []).append(variation or product)
    return found


async def side_by_side(calls: Iterable[Awaitable[T]]) -> list[T]:
    """A few at once, in the order given. The first error is raised when nobody is under way any more."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[T]) -> T:
        async with gate:
            return await call

    done: list[Any] = await asyncio.gather(*map(one, calls), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return done
