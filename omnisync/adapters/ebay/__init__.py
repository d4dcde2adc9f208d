"""eBay: offers of the Sell Inventory API, orders of the Sell Fulfillment API, signed notifications. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay.adapter import Ebay
from omnisync.adapters.ebay.settings import Account, read

SETTINGS = Account


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """The adapter of one seller account. NeedsAttention when a setting is missing or wrong."""
    return Ebay(name, read(name, settings), f"{public_url.rstrip('/')}/v1/hooks/{name}", tools)
