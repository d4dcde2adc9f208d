"""Shopware 6: an online shop, by its Admin API and the webhooks of a small app of the shopkeeper's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.shopware.adapter import Shopware
from omnisync.adapters.shopware.settings import ShopSettings, parse

SETTINGS = ShopSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """One shop. `places` names the shipping methods that are stores. NeedsAttention when the settings cannot be used."""
    return Shopware(name, parse(name, settings), places, tools)
