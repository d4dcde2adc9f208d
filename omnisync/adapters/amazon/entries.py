"""A listing's attributes and what we change in them. Pure.

A patch replaces a whole attribute, and Amazon forgets each field that it does not repeat: handling time, restock date, sale
price, minimum price, the offer to businesses. Therefore what is written is what was just read, with one number changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from omnisync.adapters.amazon.settings import Marketplace
from omnisync.adapters.base import Shown
from omnisync.values import Money

Item = Mapping[str, Any]
DEFAULT = "DEFAULT"
STOCK, OFFER = "fulfillment_availability", "purchasable_offer"


def by_amazon(item: Item) -> bool:
    """Whether Amazon sends it from a warehouse of its own: such a listing is never written."""
    codes = {str(one.get("fulfillmentChannelCode")) for one in item.get("fulfillmentAvailability") or ()}
    codes |= {str(one.get("fulfillment_channel_code")) for one in _attribute(item, STOCK)}
    return any(code.startswith("AMAZON") for code in codes)


def product_type(item: Item, store: Marketplace) -> str:
    """What kind of product Amazon takes it for; each patch must name it."""
    kinds = [*(item.get("productTypes") or ()), *(item.get("summaries") or ())]
    here = [one["productType"] for one in kinds if one.get("marketplaceId") == store.id and one.get("productType")]
    return str(here[0]) if here else "PRODUCT"


def level(item: Item) -> int | None:
    """What buyers can buy; None where the listing has no stock of ours."""
    shown = [one for one in item.get("fulfillmentAvailability") or () if one.get("fulfillmentChannelCode") == DEFAULT]
    ours = shown or [one for one in _attribute(item, STOCK) if one.get("fulfillment_channel_code") == DEFAULT]
    return int(ours[0].get("quantity") or 0) if ours else None


def price(item: Item, store: Marketplace) -> Money | None:
    """Our price for everybody; not the sale price, which Amazon shows as the offer's while a sale runs."""
    for entry in _attribute(item, OFFER):
        if _is_ours(entry, store):
            amounts = [
                step.get("value_with_tax") for one in entry.get("our_price") or () for step in one.get("schedule") or ()
            ]
            return Money.parse(str(amounts[0]), store.currency) if amounts and amounts[0] is not None else None
    return None


def patches(item: Item, shown: Shown, store: Marketplace) -> list[dict[str, Any]]:
    """What makes the listing show these numbers, all other fields as they are."""
    changes = []
    if shown.quantity is not None:
        changes.append(_replace(STOCK, _with_quantity(item, shown.quantity)))
    if shown.price is not None:
        changes.append(_replace(OFFER, _with_price(item, shown.price, store)))
    return changes


def _replace(attribute: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"op": "replace", "path": f"/attributes/{attribute}", "value": _plain(entries)}


def _plain(value: Any) -> Any:
    """As JSON can be written: what was read exactly is a number again."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _with_quantity(item: Item, quantity: int) -> list[dict[str, Any]]:
    entries = copy.deepcopy(_attribute(item, STOCK))
    ours = next((one for one in entries if one.get("fulfillment_channel_code") == DEFAULT), None)
    if ours is None:
        ours = {"fulfillment_channel_code": DEFAULT}
        entries.append(ours)
    ours["quantity"] = quantity
    return entries


def _with_price(item: Item, wanted: Money, store: Marketplace) -> list[dict[str, Any]]:
    entries = copy.deepcopy(_attribute(item, OFFER))
    ours = next((one for one in entries if _is_ours(one, store)), None)
    if ours is None:
        ours = {"marketplace_id": store.id, "currency": wanted.currency, "audience": "ALL"}
        entries.append(ours)
    steps = (ours.get("our_price") or [{}])[0].get("schedule") or [{}]
    ours["our_price"] = [{"schedule": [{**steps[0], "value_with_tax": _number(wanted)}, *steps[1:]]}]
    return entries


def _is_ours(entry: Item, store: Marketplace) -> bool:
    """The offer to everybody, in this marketplace and its currency."""
    names = {"marketplace_id": store.id, "currency": store.currency, "audience": "ALL"}
    return all(entry.get(name, ours) == ours for name, ours in names.items())


def _number(money: Money) -> float | int:
    """Amazon's attributes hold numbers: the shortest text of such a float is the amount as it was."""
    text = money.decimal()
    return float(text) if "." in text else int(text)


def _attribute(item: Item, name: str) -> list[dict[str, Any]]:
    return [one for one in (item.get("attributes") or {}).get(name) or () if isinstance(one, dict)]
