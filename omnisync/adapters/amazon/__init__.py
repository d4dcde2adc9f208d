"""Amazon: Listings Items, Feeds, Orders 2026-01-01 and a polled queue of notifications (SP-API). See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters import keys
from omnisync.adapters.amazon.adapter import Amazon
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.amazon.warehouse import Warehouse
from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools

SETTINGS = Account


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """The adapter of one seller account, or of what of it lies in Amazon's own warehouses."""
    parsed = keys.read(Account, name, settings, see="the README of the amazon adapter")
    return Warehouse(name, parsed, tools) if parsed.warehouse == "amazon" else Amazon(name, parsed, tools)
