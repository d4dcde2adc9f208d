"""Which counterpart belongs to an adapter: ours by this table, those of other packages by the entry point group."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from omnisync.adapters import registry
from omnisync.errors import Refused
from omnisync.torture.stage import OpenCounterpart

GROUP = "omnisync.counterparts"
COUNTERPARTS: Mapping[str, str] = {
    "csv": "omnisync.demo.till.counterpart:CsvTill",
    "ebay": "omnisync.demo.ebay.counterpart:Ebay",
    "shopify": "omnisync.demo.shopify.counterpart:Shopify",
    "shopware": "omnisync.demo.shopware.counterpart:Shopware",
    "square": "omnisync.demo.square.counterpart:Square",
    "woocommerce": "omnisync.demo.woocommerce.counterpart:Woo",
}
REAL_SERVERS: Mapping[str, str] = {
    "oscar": "django-oscar runs in its own tests as a real server, and is not simulated (docs/decisions/0028)",
    "vendure": "Vendure runs in its own tests as a real server, and is not simulated (docs/decisions/0028)",
}


def counterpart(adapter: str) -> OpenCounterpart:
    """How to open the counterpart of that adapter. Refused, with the reason, when there is none."""
    if adapter in COUNTERPARTS:
        module, _, name = COUNTERPARTS[adapter].partition(":")
        return cast(OpenCounterpart, getattr(importlib.import_module(module), name))
    if adapter in REAL_SERVERS:
        raise Refused(f"{adapter} cannot be tortured: {REAL_SERVERS[adapter]}.", code="no-counterpart")
    registry.factory(adapter)  # says so when there is no such adapter at all
    opens = registry.offered(GROUP, adapter)
    if opens is None:
        raise Refused(
            f"{adapter} cannot be tortured: its package offers no counterpart in the entry point group {GROUP}.",
            code="no-counterpart",
        )
    return cast(OpenCounterpart, opens)
