"""Square's catalogue: items with their variations, and their prices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omnisync.adapters.base import Listing
from omnisync.adapters.square.wire import Json
from omnisync.adapters.square.words import money
from omnisync.values import Money

READ_ONLY = frozenset({"updated_at", "ordinal", "sold_out", "sold_out_valid_until"})
NOT_COUNTED = frozenset({"APPOINTMENTS_SERVICE", "GIFT_CARD", "DONATION", "EVENT", "DIGITAL"})


def listings(item: Json, places: Iterable[str]) -> list[Listing]:
    """The variations of an item."""
    data = item.get("item_data") or {}
    counted = data.get("product_type", "REGULAR") not in NOT_COUNTED
    return [
        _listing(item, variation, counted, tuple(places))
        for variation in data.get("variations") or ()
        if not variation.get("is_deleted")
    ]


def _listing(item: Json, variation: Json, counted: bool, places: tuple[str, ...]) -> Listing:
    if not variation["id"]:
        raise ValueError("a variation without an id")
    data = variation.get("item_variation_data") or {}
    names = (item.get("item_data", {}).get("name"), data.get("name"))
    return Listing(
        external_id=variation["id"],
        sku=data.get("sku") or None,
        barcode=data.get("upc") or None,
        title=" ".join(name for name in names if name),
        extra={"item_id": item["id"]},
        managed=counted and data.get("stockable") is not False and _tracked(data, places),
    )


def _tracked(data: Json, places: tuple[str, ...]) -> bool:
    """Square keeps no stock of a variation whose tracking is switched off; a location may overrule the variation."""
    overrides = {one.get("location_id"): one.get("track_inventory") for one in data.get("location_overrides") or ()}
    own = data.get("track_inventory")
    return any(overrides.get(place, own) is not False for place in places) if places else own is not False


def price_at(variation: Json, place: str | None) -> Money | None:
    """The price a till at that place takes: its override, else the variation's own."""
    data = variation.get("item_variation_data") or {}
    for override in data.get("location_overrides") or ():
        if override.get("location_id") == place and override.get("price_money"):
            return money(override["price_money"])
    return money(data.get("price_money"))


def priced(variation: Json, price: Money, places: Iterable[str]) -> dict[str, Any]:
    """The whole variation with this price, also where one of our places overrides it: an upsert replaces the object."""
    amount = {"amount": price.minor, "currency": price.currency}
    data = _writable(variation["item_variation_data"]) | {"pricing_type": "FIXED_PRICING", "price_money": amount}
    if data.get("location_overrides"):
        ours = frozenset(places)
        data["location_overrides"] = [
            _writable(one)
            | ({"price_money": amount} if one.get("location_id") in ours and one.get("price_money") else {})
            for one in data["location_overrides"]
        ]
    return _writable(variation) | {"item_variation_data": data}


def _writable(part: Json) -> dict[str, Any]:
    """Without what only Square may write."""
    return {name: value for name, value in part.items() if name not in READ_ONLY}
