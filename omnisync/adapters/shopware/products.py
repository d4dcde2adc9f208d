"""Products and their variants: what is listed, and what is shown for it. A product that has variants is never sold itself."""

from __future__ import annotations

from collections.abc import Sequence

from omnisync.adapters.base import Article, LevelSeen, Listing, ListingPage, Target
from omnisync.adapters.shopware.orders import money_of
from omnisync.adapters.shopware.wire import PAGE, Json, Wire
from omnisync.errors import NeedsAttention
from omnisync.values import Money, from_cursor, to_cursor

INCLUDES: Json = {
    "product": [
        "id", "parentId", "childCount", "autoIncrement", "productNumber", "ean", "name", "translated", "stock", "price", "options",
        "tax",
    ],
    "property_group_option": ["name", "translated"],
    "tax": ["taxRate"],
}  # fmt: skip
LISTED: Json = {"associations": {"options": {}}, "includes": INCLUDES}
PRICED: Json = {"associations": {"tax": {}}, "includes": INCLUDES}


class Products:
    """The catalogue of one shop."""

    def __init__(self, wire: Wire, currency: str) -> None:
        self._wire, self._currency = wire, currency
        self._currency_id: str | None = None

    async def listings(self, cursor: str | None) -> ListingPage:
        """A page of products in the order they were made."""
        after = int(from_cursor(cursor, 1)[0]) if cursor else 0
        behind = {"type": "range", "field": "autoIncrement", "parameters": {"gt": after}}
        sort = [{"field": "autoIncrement", "order": "ASC"}]
        found = await self._wire.search(
            "product", {"limit": PAGE, "sort": sort, "filter": [behind], **LISTED}, inherit=True
        )
        listings = [_listing(node) for node in found.rows if is_sold(node)]
        more = len(found.rows) >= PAGE
        return ListingPage(listings, to_cursor(found.rows[-1]["autoIncrement"]) if more else None, more)

    async def look(self, targets: Sequence[Target]) -> list[LevelSeen]:
        """What these show now."""
        return await self.read([target.external_id for target in targets])

    async def read(self, ids: Sequence[str]) -> list[LevelSeen]:
        """The same by their ids; what is gone, or has variants by now, is left out."""
        currency = await self.currency_id()
        return [self._level(node, currency) for node in (await self.nodes(ids)).values() if is_sold(node)]

    async def nodes(self, ids: Sequence[str]) -> dict[str, Json]:
        """Products with their prices and tax rates, a variant's also where they are its product's."""
        return {str(node["id"]): node for node in await self._wire.by_ids("product", ids, PRICED, inherit=True)}

    async def currency_id(self) -> str:
        """The shop's id of our currency. NeedsAttention when it has none."""
        if self._currency_id is None:
            wanted = {"type": "equals", "field": "isoCode", "value": self._currency}
            found = await self._wire.search("currency", {"limit": 1, "filter": [wanted]})
            if not found.rows:
                raise NeedsAttention(
                    f"The shop has no currency {self._currency}.",
                    action="Set `currency` in the channel's settings to one of the shop's.",
                    code="currency",
                )
            self._currency_id = str(found.rows[0]["id"])
        return self._currency_id

    def _level(self, node: Json, currency: str) -> LevelSeen:
        return LevelSeen(
            article=Article(str(node["id"]), node.get("productNumber") or None),
            quantity=int(node["stock"]),
            price=price_in(node, currency, self._currency),
        )


def is_sold(node: Json) -> bool:
    """Its own stock counts for nothing where it has variants."""
    return not node.get("childCount")


def price_in(node: Json, currency_id: str, currency: str) -> Money | None:
    """The gross price in our currency; None where the shop only converts another one."""
    entry = next((one for one in node.get("price") or () if one["currencyId"] == currency_id), None)
    return None if entry is None else money_of(entry["gross"], currency)


def _listing(node: Json) -> Listing:
    name = (node.get("translated") or {}).get("name") or node.get("name") or ""
    options = ((one.get("translated") or {}).get("name") or one.get("name") for one in node.get("options") or ())
    parent = node.get("parentId")
    return Listing(
        str(node["id"]),
        sku=node.get("productNumber") or None,
        barcode=node.get("ean") or None,
        title=" ".join(map(str, filter(None, (name, *options)))),
        extra={"product": str(parent)} if parent else {},
    )
