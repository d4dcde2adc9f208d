"""Which counterpart belongs to an adapter: ours by this table, those of other packages by the entry point group."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from omnisync.adapters import registry
from omnisync.errors import Refused
from omnisync.torture.stage import OpenCounterpart

GROUP = "omnisync.counterparts"
COUNTERPARTS: Mapping[str, str] = {
    "amazon": "omnisync.demo.amazon.counterpart:Amazon",
    "csv": "omnisync.demo.till.counterpart:CsvTill",
    "ebay": "omnisync.demo.ebay.counterpart:Ebay",
    "oscar": "omnisync.demo.oscar.counterpart:Oscar",
    "shopify": "omnisync.demo.shopify.counterpart:Shopify",
    "shopware": "omnisync.demo.shopware.counterpart:Shopware",
    "square": "omnisync.demo.square.counterpart:Square",
    "vendure": "omnisync.demo.vendure.counterpart:Vendure",
    "woocommerce": "omnisync.demo.woocommerce.counterpart:Woo",
}


def counterpart(adapter: str) -> OpenCounterpart:
    """How to open the counterpart of that adapter. Refused, with the reason, when there is none."""
    if adapter in COUNTERPARTS:
        return cast(OpenCounterpart, loaded(COUNTERPARTS[adapter]))
    registry.factory(adapter)  # says so when there is no such adapter at all
    opens = registry.offered(GROUP, adapter)
    if opens is None:
        raise Refused(
            f"{adapter} cannot be tortured: its package offers no counterpart in the entry point group {GROUP}.",
            code="no-counterpart",
        )
    return cast(OpenCounterpart, opens)


def loaded(where: str) -> Any:
    """What stands at `module:name`."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
