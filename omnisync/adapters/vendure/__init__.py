"""A Vendure shop: stock and prices out, orders and cancellations in, pickups reported back, by polling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.vendure.adapter import VendureShop
from omnisync.adapters.vendure.settings import ShopSettings, parse

SETTINGS = ShopSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """One shop over its admin API. NeedsAttention when the settings cannot be used."""
    return VendureShop(name, parse(name, settings, places), places, tools)
