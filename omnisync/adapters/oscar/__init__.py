"""A django-oscar shop: stock and prices out, orders and cancellations in, by polling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.oscar.adapter import OscarShop
from omnisync.adapters.oscar.settings import ShopSettings, parse

SETTINGS = ShopSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """A shop connected over oscarapi. `places` names the shipping methods that are pickups. NeedsAttention when the settings cannot be used."""
    return OscarShop(name, parse(name, settings), set(places), tools)
