"""WooCommerce: an online shop on WordPress, by its REST API v3 and its webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.woocommerce.adapter import WooShop
from omnisync.adapters.woocommerce.settings import ShopSettings, parse

SETTINGS = ShopSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """One shop. `places` names its pickup locations. NeedsAttention when the settings cannot be used."""
    return WooShop(name, parse(name, settings), places, tools)
