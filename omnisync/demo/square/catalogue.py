"""The simulated account's catalogue: items with one variation each, versions, and writes that name them."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.square.paging import stamp
from omnisync.demo.square.problems import Problem, fault
from omnisync.demo.square.seed import SeedListing
from omnisync.values import to_micros


class Catalogue:
    """Items and variations by id."""

    def __init__(self, clock: Clock, listings: Sequence[SeedListing]) -> None:
        self._clock, self._newest = clock, 0
        self.items: dict[str, dict[str, Any]] = {}
        self.variations: dict[str, dict[str, Any]] = {}
        self.by_sku: dict[str, str] = {}
        for listing in listings:
            self._add(listing)

    def item(self, item_id: str) -> dict[str, Any]:
        """An item with its variations inside, as Square lists it."""
        item = copy.deepcopy(self.items[item_id])
        item["item_data"]["variations"] = [
            copy.deepcopy(one) for one in self.variations.values() if one["item_variation_data"]["item_id"] == item_id
        ]
        return item

    def find(self, object_id: str) -> dict[str, Any] | None:
        """An item or a variation."""
        if object_id in self.items:
            return self.item(object_id)
        return copy.deepcopy(self.variations[object_id]) if object_id in self.variations else None

    def variation_of(self, sku: str) -> dict[str, Any]:
        """KeyError for an unknown SKU."""
        return self.variations[self.by_sku[sku]]

    def remove(self, sku: str) -> None:
        """Delete the item and its variation: nobody finds them any more."""
        del self.items[self.variations.pop(self.by_sku.pop(sku))["item_variation_data"]["item_id"]]

    def upsert(self, batches: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Objects written and faults: each batch whole or not at all, whatever becomes of the others."""
        written: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for number, batch in enumerate(batches):
            problems = [
                found for item in batch.get("objects") or [] if (found := self._wrong(item, f"batches[{number}]"))
            ]
            errors += problems
            if not problems:
                written += [self._write(item) for item in batch.get("objects") or []]
        return written, errors

    def _wrong(self, item: dict[str, Any], where: str) -> dict[str, Any] | None:
        old = self.variations.get(str(item.get("id")))
        if old is None:
            return fault("NOT_FOUND", f"Object {item.get('id')} was not found.", where)
        if item.get("version") != old["version"]:
            return fault("VERSION_MISMATCH", "Object version does not match latest database version.", where)
        price = (item.get("item_variation_data") or {}).get("price_money") or {}
        own = old["item_variation_data"]["price_money"]
        if price.get("currency") != own["currency"] or not isinstance(price.get("amount"), int) or price["amount"] < 0:
            return fault("INVALID_VALUE", "The price is no amount in the account's currency.", where)
        return None

    def _write(self, item: dict[str, Any]) -> dict[str, Any]:
        now = self._clock.now()
        new = {**copy.deepcopy(item), "version": self._version(now), "updated_at": stamp(now), "is_deleted": False}
        self.variations[item["id"]] = new
        return copy.deepcopy(new)

    def _add(self, listing: SeedListing) -> None:
        if listing.sku in self.by_sku:
            raise Problem("BAD_REQUEST", f"The seed lists {listing.sku} twice.")
        now = self._clock.now()
        item_id, variation_id = _id("I", listing.sku), _id("V", listing.sku)
        common = {
            "updated_at": stamp(now),
            "version": self._version(now),
            "is_deleted": False,
            "present_at_all_locations": True,
        }
        name = listing.title or listing.sku
        self.items[item_id] = {
            "type": "ITEM",
            "id": item_id,
            **common,
            "item_data": {"name": name, "product_type": "REGULAR"},
        }
        data = {
            "item_id": item_id,
            "name": listing.variation,
            "sku": listing.sku,
            "ordinal": 1,
            "pricing_type": "FIXED_PRICING",
            "price_money": {"amount": listing.price_minor, "currency": listing.currency},
            "track_inventory": listing.tracked,
            "sellable": True,
            "stockable": True,
        }
        if listing.barcode:
            data["upc"] = listing.barcode
        self.variations[variation_id] = {
            "type": "ITEM_VARIATION",
            "id": variation_id,
            **common,
            "item_variation_data": data,
        }
        self.by_sku[listing.sku] = variation_id

    def _version(self, now: datetime) -> int:
        """Grows with each write, also within one moment."""
        self._newest = max(to_micros(now), self._newest + 1)
        return self._newest


def _id(letter: str, sku: str) -> str:
    """The same article has the same id after a restart."""
    return letter + hashlib.sha256(sku.encode()).hexdigest()[:23].upper()
