"""Shows numbers: quantities by compare-and-set, prices by product, and reads them back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from omnisync.adapters.base import Article, LevelSeen, Outcome, Published, Shown, Target
from omnisync.adapters.shopify import documents
from omnisync.adapters.shopify.admin import Admin
from omnisync.adapters.shopify.mapping import Places, gid
from omnisync.values import Money

IDS_AT_ONCE = 100
REASON = "correction"
STALE = {"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"}
RUNNING = {"IDEMPOTENCY_CONCURRENT_REQUEST"}
SPENT = {"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
"""Such a key will never work again: the same write needs a new one."""
NOT_STOCKED = "ITEM_NOT_STOCKED_AT_LOCATION"
MENDS = {
    "INVALID_INVENTORY_ITEM": "Match this listing anew: the article was deleted or replaced in Shopify.",
    "INVALID_LOCATION": "Correct location_map: Shopify does not know this location.",
    NOT_STOCKED: "Stock the article at this location in Shopify (Inventory, Edit locations).",
    "NON_MUTABLE_INVENTORY_ITEM": "A bundle takes its stock from its parts: unmap it and map the parts.",
}
MEND = "Look at the message; then publish this listing again."
MOST_ATTEMPTS = 5
APPLIED = Published(Outcome.APPLIED)
LOST = Published(Outcome.CHANGED)
UNDER_WAY = Published(Outcome.TRY_LATER, reason="Shopify still works on the same write.", retry_after_seconds=2.0)
NO_PLACE = Published(
    Outcome.ATTENTION,
    reason="Shopify keeps stock by location, and none is given.",
    action="Name the Shopify locations in location_map.",
)
UNKNOWN = Published(
    Outcome.ATTENTION,
    reason="Shopify does not know this variant.",
    action="Match this listing anew: the article was deleted or replaced in Shopify.",
    unknown=True,
)


Lines = Sequence[tuple[int, Shown]]
"""Writes, each with its number in the batch."""
Items = Mapping[str, Mapping[str, str]]
"""Of each variant: its `inventory_item` and `product`."""


class Stock:
    """The quantities and prices of one shop."""

    def __init__(self, admin: Admin, places: Places) -> None:
        self._admin, self._places = admin, places
        self._currency = ""

    # ------------------------------------------------------------ publish

    async def publish(self, shown: Sequence[Shown]) -> list[Published]:
        """Quantities first: a wrong price costs less than a piece that is not there."""
        fate: dict[int, Published] = {}
        if not shown:
            return []
        items = await self._items([one.target for one in shown])
        known = [(n, one) for n, one in enumerate(shown) if _variant(one.target) in items]
        fate |= {n: UNKNOWN for n in range(len(shown)) if n not in dict(known)}
        quantities = [(n, one) for n, one in known if one.quantity is not None]
        fate |= await self._set_quantities(quantities, items)
        prices = [(n, one) for n, one in known if one.price is not None and fate.get(n, APPLIED) == APPLIED]
        fate |= await self._set_prices(prices, items)
        return [fate.get(n, APPLIED) for n in range(len(shown))]

    async def _set_quantities(self, wanted: Lines, items: Items) -> dict[int, Published]:
        fate = {n: NO_PLACE for n, one in wanted if one.target.place is None}
        fate |= await self._write([line for line in wanted if line[0] not in fate], items)
        return fate | await self._compare([(n, one) for n, one in wanted if fate[n] == LOST])

    async def _write(self, lines: Lines, items: Items, attempt: int = 0) -> dict[int, Published]:
        """Shopify takes a call whole or not at all: lines it blames are taken out and the others sent again."""
        errors = await self._set(lines, items, attempt) if lines else []
        if not errors:
            return dict.fromkeys((n for n, _ in lines), APPLIED)
        codes = {error["code"] for error in errors}
        if codes & RUNNING or attempt > MOST_ATTEMPTS:
            return dict.fromkeys((n for n, _ in lines), UNDER_WAY)
        if codes <= SPENT:
            return await self._write(lines, items, attempt + 1)
        blamed = _blamed(errors, len(lines))
        if not blamed:
            half = len(lines) // 2
            return await self._write(lines[:half], items) | await self._write(lines[half:], items)
        good = [line for at, line in enumerate(lines) if at not in blamed]
        fate = {lines[at][0]: _fate(lines[at][1], error) for at, error in blamed.items()}
        return fate | await self._write(good, items)

    async def _set(self, lines: Lines, items: Items, attempt: int) -> list[dict[str, Any]]:
        quantities = [
            {
                "inventoryItemId": items[_variant(one.target)]["inventory_item"],
                "locationId": gid("Location", one.target.place or ""),
                "quantity": one.quantity,
                "changeFromQuantity": one.compare,
            }
            for _, one in lines
        ]
        key = _key([one.tag for _, one in lines], quantities, attempt)
        write = {
            "name": "available",
            "reason": REASON,
            "referenceDocumentUri": f"gid://omnisync/Publish/{key}",
            "quantities": quantities,
        }
        answer = await self._admin.run(documents.SET_QUANTITIES, {"input": write, "key": key})
        return list(answer["inventorySetQuantities"]["userErrors"])

    async def _compare(self, lost: Lines) -> dict[int, Published]:
        """What Shopify shows where our comparison failed.

        That it shows what we wanted proves nothing: the shop may have sold just so many, and the engine must hear of it.
        """
        levels = await self.look([one.target for _, one in lost])
        seen = {(level.article.external_id, level.place): level.quantity for level in levels}
        return {n: replace(LOST, actual=seen.get((one.target.external_id, one.target.place))) for n, one in lost}

    async def _set_prices(self, wanted: Lines, items: Items) -> dict[int, Published]:
        if not wanted:
            return {}
        currency = await self._shop_currency()
        fate = {
            n: _other_currency(one.price, currency) for n, one in wanted if one.price and one.price.currency != currency
        }
        products: dict[str, list[tuple[int, Shown]]] = defaultdict(list)
        for n, one in wanted:
            if n not in fate:
                products[items[_variant(one.target)]["product"]].append((n, one))
        for product, lines in products.items():
            fate |= await self._set_product_prices(product, lines)
        return fate

    async def _set_product_prices(self, product: str, lines: Lines) -> dict[int, Published]:
        variants = [{"id": _variant(one.target), "price": one.price.decimal()} for _, one in lines if one.price]
        answer = await self._admin.run(documents.SET_PRICES, {"product": product, "variants": variants})
        errors = answer["productVariantsBulkUpdate"]["userErrors"]
        blamed = _blamed(errors, len(lines)) if errors else {}
        if errors and not blamed:  # nobody in particular: all of this product
            blamed = dict.fromkeys(range(len(lines)), errors[0])
        return {n: _refused(blamed[at]) if at in blamed else APPLIED for at, (n, _) in enumerate(lines)}

    # ------------------------------------------------------------ look

    async def look(self, targets: Sequence[Target]) -> list[LevelSeen]:
        """What is available at each place now, and the price; none where an article is not stocked at a place."""
        by_place: dict[str, list[Target]] = defaultdict(list)
        for target in targets:
            if target.place is not None:
                by_place[target.place].append(target)
        levels: list[LevelSeen] = []
        for place, there in by_place.items():
            for start in range(0, len(there), IDS_AT_ONCE):
                levels += await self._look(place, there[start : start + IDS_AT_ONCE])
        return levels

    async def _look(self, place: str, targets: Sequence[Target]) -> list[LevelSeen]:
        variables = {"ids": [_variant(target) for target in targets], "place": gid("Location", place)}
        answer = await self._admin.run(documents.LEVELS, variables)
        self._currency = answer["shop"]["currencyCode"]
        found = zip(targets, answer["nodes"], strict=True)
        return [self._level(target, node) for target, node in found if node]

    def _level(self, target: Target, node: Mapping[str, Any]) -> LevelSeen:
        return LevelSeen(
            article=Article(external_id=target.external_id, sku=node["sku"] or None),
            quantity=_available(node["inventoryItem"]) or 0,
            place=target.place,
            price=Money.parse(str(node["price"]), self._currency),
        )

    async def levels_of_items(self, hinted: Iterable[tuple[str, str]]) -> list[LevelSeen]:
        """The levels that inventory webhooks hint at, by inventory item and location: one call for each location."""
        items: dict[str, list[str]] = defaultdict(list)
        for item, location in dict.fromkeys(hinted):
            items[gid("Location", location)].append(gid("InventoryItem", item))
        levels: list[LevelSeen] = []
        for place, some in items.items():
            answer = await self._admin.run(documents.LEVELS_OF_ITEMS, {"items": some, "place": place})
            levels += [level for node in answer["nodes"] if (level := self._level_of(node, place)) is not None]
        return levels

    def _level_of(self, node: Mapping[str, Any] | None, place: str) -> LevelSeen | None:
        if not node or _available(node) is None or not node["variants"]["nodes"]:
            return None
        return LevelSeen(
            article=Article(external_id=node["variants"]["nodes"][0]["id"], sku=node["sku"] or None),
            quantity=_available(node) or 0,
            place=self._places.told({"id": place}),
        )

    # ------------------------------------------------------------ ids

    async def _items(self, targets: Sequence[Target]) -> dict[str, Mapping[str, str]]:
        """Inventory item and product of each variant: as `listings` told them, else asked for."""
        items: dict[str, Mapping[str, str]] = {
            _variant(target): target.extra for target in targets if {"inventory_item", "product"} <= set(target.extra)
        }
        missing = sorted({_variant(target) for target in targets} - set(items))
        for start in range(0, len(missing), IDS_AT_ONCE):
            answer = await self._admin.run(documents.VARIANT_ITEMS, {"ids": missing[start : start + IDS_AT_ONCE]})
            items |= {
                node["id"]: {"inventory_item": node["inventoryItem"]["id"], "product": node["product"]["id"]}
                for node in answer["nodes"]
                if node
            }
        return items

    async def _shop_currency(self) -> str:
        if not self._currency:
            self._currency = (await self._admin.run(documents.SHOP))["shop"]["currencyCode"]
        return self._currency


def _variant(target: Target) -> str:
    return gid("ProductVariant", target.external_id)


def _key(tags: Sequence[str], quantities: Sequence[Mapping[str, Any]], attempt: int) -> str:
    """The idempotency key of a call: the same writes under the same tags are the same call."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, repr((list(tags), [sorted(one.items()) for one in quantities], attempt))))


def _available(item: Mapping[str, Any]) -> int | None:
    level = item.get("inventoryLevel")
    if level is None:
        return None
    return next(int(one["quantity"]) for one in level["quantities"] if one["name"] == "available")


def _blamed(errors: Sequence[Mapping[str, Any]], lines: int) -> dict[int, Mapping[str, Any]]:
    """Which line each error speaks of, by the number in its field; of a single line they all speak."""
    blamed: dict[int, Mapping[str, Any]] = {0: errors[0]} if lines == 1 else {}
    for error in errors:
        at = next((int(part) for part in error.get("field") or () if part.isdecimal()), lines)
        if at < lines:
            blamed.setdefault(at, error)
    return blamed


def _fate(shown: Shown, error: Mapping[str, Any]) -> Published:
    """An article that is not stocked at a location is offered from there as little as one of which nothing is left."""
    nothing = shown.quantity == 0 and error.get("code") == NOT_STOCKED
    return APPLIED if nothing else _refused(error)


def _refused(error: Mapping[str, Any]) -> Published:
    code = error.get("code") or ""
    if code in STALE:
        return LOST
    return Published(
        Outcome.ATTENTION,
        reason=f"Shopify: {error['message']}",
        action=MENDS.get(code, MEND),
        unknown=code == "INVALID_INVENTORY_ITEM",
    )


def _other_currency(price: Money | None, currency: str) -> Published:
    wrong = price.currency if price else "none"
    return Published(
        Outcome.ATTENTION,
        reason=f"The price is in {wrong}, the shop sells in {currency}.",
        action=f"Give this channel prices in {currency}.",
    )
