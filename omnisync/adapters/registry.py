"""Which adapter a name in the settings means. A module is loaded only when a channel uses it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools

MODULES: Mapping[str, str] = {
    "amazon": "omnisync.adapters.amazon",
    "csv": "omnisync.adapters.csv",
    "ebay": "omnisync.adapters.ebay",
    "oscar": "omnisync.adapters.oscar",
    "shopify": "omnisync.adapters.shopify",
    "square": "omnisync.adapters.square",
    "woocommerce": "omnisync.adapters.woocommerce",
    "shopware": "omnisync.adapters.shopware",
    "vendure": "omnisync.adapters.vendure",
}


class Factory(Protocol):
    """Makes the adapter of one channel: `places` maps the channel's place to our location code."""

    def __call__(
        self, name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools
    ) -> Adapter: ...


def factory(adapter: str) -> Factory:
    """How to make an adapter of that kind. KeyError when there is none."""
    return cast(Factory, importlib.import_module(MODULES[adapter]).make)
