"""What `omnisync doctor` asks of a shop, by calls that change nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnisync.adapters.base import Check
from omnisync.adapters.shopware.orders import method_names
from omnisync.adapters.shopware.products import Products
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import Wire
from omnisync.errors import NeedsAttention, TryLater

SINCE = (6, 6)
"""Since then `stock` is what can still be bought; before, orders lowered another number."""
UPDATE = "Update the shop to Shopware 6.6 or later: before, its stock does not mean what can still be bought."


async def check(wire: Wire, products: Products, settings: ShopSettings) -> Sequence[Check]:
    """What may be read, and whether its numbers mean there what they mean here."""
    checks = [await _may_read(wire, entity) for entity in ("product", "order")]
    if not all(one.ok for one in checks):
        return checks
    return [*checks, await _version(wire), await _currency(products, settings), *await _pickups(wire, settings)]


async def _may_read(wire: Wire, entity: str) -> Check:
    try:
        await wire.search(entity, {"limit": 1})
    except NeedsAttention as error:
        return Check(entity, False, error.message, error.action)
    except TryLater as error:
        return Check(entity, False, error.message, "Try again later.")
    return Check(entity, True, "may be read")


async def _version(wire: Wire) -> Check:
    said = str((await wire.call("GET", "_info/version")).expect(200).json().get("version"))
    numbers = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    return Check("version", numbers >= SINCE, said, "" if numbers >= SINCE else UPDATE)


async def _currency(products: Products, settings: ShopSettings) -> Check:
    try:
        await products.currency_id()
    except NeedsAttention as error:
        return Check("currency", False, error.message, error.action)
    return Check("currency", True, settings.currency)


async def _pickups(wire: Wire, settings: ShopSettings) -> list[Check]:
    """A name in `pickup_methods` that the shop does not have makes no pickup, and nobody would notice."""
    if not settings.pickup_methods:
        return []
    rows = (await wire.search("shipping-method", {"limit": 500})).rows
    missing = sorted(set(settings.pickup_methods) - {name for row in rows for name in method_names(row)})
    mend = "Correct pickup_methods: a technical name stands in Settings > Shipping, in each method." if missing else ""
    return [Check("pickup methods", not missing, ", ".join(missing or settings.pickup_methods), mend)]
