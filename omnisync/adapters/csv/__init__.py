"""The CSV till: sales, counts and deliveries as files in a folder, stock and prices as a file back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.csv.adapter import CsvTill
from omnisync.adapters.csv.settings import parse


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """A till connected through its folder. NeedsAttention when the settings cannot be used."""
    return CsvTill(name, parse(name, settings), places, tools)
